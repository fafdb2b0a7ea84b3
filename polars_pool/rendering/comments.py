"""parts/rendered/comments.sql: what duckdb_functions() says of each public macro.

The comment on the macro of a verb is the first sentence of the verb's docstring and of each of its arguments, in the
spelling of SQL. That on another macro is the first sentence of the SQL comment before it, which for a formula is its
docstring.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from inspect import getdoc
from typing import Any, NamedTuple

from .. import verbs
from .spelling import in_sql, own_words

COMMENT = """\
-- A comment on each public macro: FROM duckdb_functions() SELECT function_name, comment.
"""
VERBS: dict[str, Callable[..., Any]] = {
    "pool_shrink": verbs.shrink,
    "pool_encode": verbs.encode,
    "pool_components": verbs.components,
    "pool_profile": verbs.profile,
    "pool_compare": verbs.compare,
    "pool_moments": verbs.moments,
    "pool_merge": verbs.merge,
}
VARIANTS: dict[str, Callable[..., Any]] = {  # macros for one kind of input or model, with a comment of their own
    "pool_shrink_nested": verbs.shrink,
    "pool_components_nested": verbs.components,
    "pool_shrink_toward": verbs.shrink,
    "pool_components_toward": verbs.components,
    "pool_coefficients": verbs.coefficients,
    "pool_regress": verbs.regress,
    "pool_regress_components": verbs.regress_components,
    "pool_regress_coefficients": verbs.regress_coefficients,
    "pool_weighted_moments": verbs.moments,
    "pool_weighted_merge": verbs.merge,
    "pool_shrink_rates": verbs.shrink,
    "pool_shrink_counts": verbs.shrink,
    "pool_components_rates": verbs.components,
    "pool_components_counts": verbs.components,
}
RENAMED = {"y": "value"}
MACRO = re.compile(r"((?:^--.*\n)*)^CREATE OR REPLACE MACRO (\w+)\(([^()]*)\) AS( TABLE)?\b", re.MULTILINE)


class Macro(NamedTuple):
    """A public macro of a file, with the first sentence of its comment."""

    name: str
    parameters: tuple[str, ...]
    is_table: bool
    summary: str
    signature: str


def macros(sql: str) -> Iterator[Macro]:
    """The public macros of a text in SQL; a macro without a comment of its own shares that of the one before."""
    comment = ""
    for match in MACRO.finditer(sql):
        own, name, parameters, table = match.groups()
        comment = own or comment
        if name.startswith("pool_"):
            names = tuple(re.findall(r'(?:^|,)\s*"?(\w+)', re.sub(r"\{[^}]*\}", "", parameters)))
            summary = sentence(re.sub(r"^-- ?", "", comment, flags=re.MULTILINE))
            yield Macro(name, names, table is not None, summary, parameters)


def sentence(text: str) -> str:
    """The first sentence of a text, in one line."""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    for stop in re.finditer(r"(?<![A-Z])(?<! al)\.(?= [A-Z])", paragraph):
        before = paragraph[: stop.start()]
        if before.count("(") == before.count(")"):
            return before
    return paragraph.removesuffix(".")


def text(sql: str) -> str:
    """A comment on each public macro of the text in SQL."""
    return COMMENT + "\n".join(map(_statement, macros(sql)))


def _statement(macro: Macro) -> str:
    words = described(macro).replace("'", "''")
    if re.search(r"\bpool_\w+\(", words):
        raise ValueError(f"the comment on {macro.name} holds a call, which install_macros would rename: {words}")
    kind = "MACRO TABLE" if macro.is_table else "MACRO"
    return f"COMMENT ON {kind} {macro.name} IS '{words}';"


def described(macro: Macro) -> str:
    """The comment on a macro: its first sentence, and for a verb the first sentence about each argument."""
    verb = VERBS.get(macro.name)
    summary = sentence(getdoc(verb) or "") if verb else macro.summary
    if verb := verb or VARIANTS.get(macro.name):
        about = {name: in_sql(words, macro.parameters) for name, words in arguments(verb).items()}
        about |= own_words(macro.parameters)
        named = ((name, about.get(RENAMED.get(name, name))) for name in macro.parameters)
        return "\n".join([f"{summary}.", *(f"{name}: {words}." for name, words in named if words)])
    return f"{summary}."


def arguments(verb: Callable[..., Any]) -> dict[str, str]:
    """The first sentence about each argument of a verb, from its docstring."""
    section = (getdoc(verb) or "").partition("Parameters\n----------\n")[2]
    section = re.split(r"\n\n\w+\n-+\n", section)[0]
    about: dict[str, str] = {}
    for names, words in re.findall(r"^(\w[\w, ]*)\n((?:^ +.*\n?)+)", section, flags=re.MULTILINE):
        reference = re.match(r"\s*As in `(\w+)`", words)
        others = arguments(getattr(verbs, reference[1])) if reference else {}
        about |= {name: others.get(name) or sentence(words) for name in names.split(", ")}
    return about
