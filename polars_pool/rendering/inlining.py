"""sql/pool.sql with the private macros written in where they are called.

The files in sql/parts state one step per macro. DuckDB parses, binds and stores every macro when it is created, which
costs as much as some hundred words of SQL. So a private macro that is called once, or is short, is no macro of
pool.sql: its body stands in place of the call, as DuckDB would place it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

Token = tuple[str, str]  # its kind, its text
Tokens = list[Token]

GROWTH = 60  # tokens by which the text may grow for one macro less
KEPT = {  # tests call or replace these macros
    "_pool_compressed",
    "_pool_critical_values",
    "_pool_digamma_rest",
    "_pool_groups_compressed",
    "_pool_log_gamma_rest",
    "_pool_nearest",
    "_pool_stirling_bend",
    "_pool_stirling_rest",
    "_pool_stirling_slope",
    "_pool_tails_and_quantiles",
    "_pool_trigamma_rest",
}
STATEMENT = re.compile(r"^CREATE OR REPLACE MACRO (\w+)(\(.*?\)) AS( TABLE)?\b(.*?);$", re.MULTILINE | re.DOTALL)
OVERLOADED = re.compile(r"^CREATE OR REPLACE TEMP MACRO (\w+)", re.MULTILINE)
COMMENT = re.compile(r"(^--.*\n)+\Z", re.MULTILINE)  # directly before a statement
TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)|(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_]\w*|"(?:[^"]|"")*")"""
    r"""|(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)|(?P<mark>:=|::|\|\||.)""",
    re.DOTALL,
)
OPEN, CLOSE = set("([{"), set(")]}")


class Macro(NamedTuple):
    """A macro: its parameters with their defaults, and its body."""

    name: str
    parameters: dict[str, Tokens]
    is_table: bool
    body: Tokens


def inlined(sql: str) -> str:
    """The SQL with bodies of private macros in place of their calls."""
    statements = list(STATEMENT.finditer(sql))
    kept = KEPT | set(OVERLOADED.findall(sql))
    macros = _expanded([_macro(statement) for statement in statements], kept)
    pieces, last = [], 0
    for statement in statements:
        before = sql[last : statement.start()]
        last = statement.end()
        if macro := macros.get(statement[1]):
            head = sql[statement.start() : statement.start(4)]
            pieces += [before, head, _text(_with_tables(macro.body)), ";"]
        else:
            pieces.append(COMMENT.sub("", before))
    text = "".join([*pieces, sql[last:]])
    return re.sub(r"\n{3,}", "\n\n", text)


def flat(sql: str) -> str:
    """The SQL with each query that only reads a subquery, `(FROM (SELECT ...))`, as the subquery alone.

    DuckDB plans such a query as a projection of all columns, in which no column changes.
    """
    return STATEMENT.sub(lambda s: s[0][: s.start(4) - s.start()] + _text(_flattened(_tokens(s[4]))) + ";", sql)


def _flattened(tokens: Tokens) -> Tokens:
    i = 0
    while i < len(tokens):
        first = _next_word(tokens, i)
        if tokens[i][1] == "(" and tokens[first : first + 1] == [("name", "FROM")]:
            inner, end = _next_word(tokens, first), _closing(tokens, i)
            if tokens[inner][1] == "(" and _next_word(tokens, _closing(tokens, inner)) == end:
                tokens = tokens[:i] + tokens[inner : _closing(tokens, inner) + 1] + tokens[end + 1 :]
                continue
        i += 1
    return tokens


def _next_word(tokens: Tokens, i: int) -> int:
    """The index of the first token after this one that is no space."""
    return next((n for n in range(i + 1, len(tokens)) if tokens[n][0] != "space"), len(tokens))


def _macro(statement: re.Match[str]) -> Macro:
    parameters = {}
    for part in _parts(_tokens(statement[2])[1:-1]):
        name, default = _argument(part)
        parameters[name or _text(default)] = default if name else []
    return Macro(statement[1], parameters, statement[3] is not None, _tokens(statement[4]))


def _expanded(macros: list[Macro], kept: set[str]) -> dict[str, Macro]:
    """The macros that stay, by name."""
    calls = Counter(text for macro in macros for _, text in macro.body)
    written = {macro.name for macro in macros if _is_written(macro, calls[macro.name])} - kept
    every = {macro.name: macro for macro in macros}
    for name in _callees_first(every):
        macro = every[name]
        callees = [every[text] for text in {text for _, text in macro.body} & written]
        captured = {callee.name for callee in callees if _names(callee) & _unquoted(macro.parameters)}
        written -= captured
        bodies = {callee.name: callee for callee in callees if callee.name not in captured}
        every[name] = macro._replace(body=_with_bodies(macro.body, bodies))
    return {name: macro for name, macro in every.items() if name not in written}


def _callees_first(macros: dict[str, Macro]) -> Iterable[str]:
    """The names of the macros, each after those that it calls."""
    callees = {name: {text for _, text in macro.body} & macros.keys() for name, macro in macros.items()}
    return TopologicalSorter(callees).static_order()


def _is_written(macro: Macro, calls: int) -> bool:
    length = sum(kind != "space" for kind, _ in macro.body)
    return macro.name.startswith("_") and calls > 0 and (calls - 1) * length <= GROWTH


def _names(macro: Macro) -> set[str]:
    """The names in a body that are not its parameters: another macro would take those that its own parameters bear."""
    return _unquoted(text for kind, text in macro.body if kind == "name") - _unquoted(macro.parameters)


def _unquoted(names: Iterable[str]) -> set[str]:
    return {name.strip('"') for name in names}


def _with_bodies(tokens: Tokens, macros: dict[str, Macro]) -> Tokens:
    """The tokens with the bodies of these macros in place of their calls."""
    result: Tokens = []
    i = 0
    while i < len(tokens):
        macro = macros.get(tokens[i][1])
        if macro is None or tokens[i + 1][1] != "(":
            result.append(tokens[i])
            i += 1
            continue
        end = _closing(tokens, i + 1)
        arguments = [_with_bodies(part, macros) for part in _parts(tokens[i + 2 : end])]
        body = _indented(_substituted(macro.body, _bound(macro, arguments)), _indent(result))
        result += body if not macro.is_table and _is_atom(body) else _enclosed(body)
        i = end + 1
    return result


def _with_tables(tokens: Tokens) -> Tokens:
    """The tokens with `name` in place of query_table('name') for a CTE: the call adds a projection of all columns."""
    words = [token for token in tokens if token[0] != "space"]
    ctes = {name for (_, name), (_, after) in pairwise(words) if after == "AS"}
    text = _text(tokens)
    for name in {part.strip("'") for kind, part in words if kind == "text"}:
        for table in {name, f'"{name}"'} & ctes:
            text = text.replace(f"query_table('{name}')", table)
    return _tokens(text)


def _bound(macro: Macro, arguments: list[Tokens]) -> dict[str, Tokens]:
    """The argument of each parameter."""
    bound = dict(macro.parameters)
    for parameter, argument in zip(macro.parameters, arguments, strict=False):
        name, value = _argument(argument)
        bound[name or parameter] = value
    if bound.keys() != macro.parameters.keys() or not all(bound.values()):
        raise ValueError(f"{macro.name} takes {', '.join(macro.parameters)}, but is called with {', '.join(bound)}")
    return bound


def _substituted(body: Tokens, arguments: dict[str, Tokens]) -> Tokens:
    """A body with arguments in place of its parameters."""
    result: Tokens = []
    words = [i for i, (kind, _) in enumerate(body) if kind != "space"]
    neighbours = dict(zip(words, zip([-1, *words], [*words[1:], -1], strict=False), strict=True))
    opened: list[str] = []
    for i, (kind, text) in enumerate(body):
        if kind == "mark" and text in OPEN:
            opened.append(text)
        elif kind == "mark" and text in CLOSE:
            opened.pop()
        if kind != "name" or text not in arguments:
            result.append((kind, text))
            continue
        before, after = (body[n][1] if n >= 0 else "" for n in neighbours[i])
        is_key = after == ":" and opened[-1:] == ["{"] and before in ("{", ",")
        if is_key or before in (".", "AS", "lambda") or after in ("(", ":="):  # a field, an alias, a function, ...
            result.append((kind, text))
        else:
            argument = arguments[text]
            result += argument if _is_atom(argument) else _enclosed(argument)
    return result


def _argument(tokens: Tokens) -> tuple[str, Tokens]:
    """The name of an argument, or "", and its value."""
    tokens = _stripped(tokens)
    words = [text for kind, text in tokens if kind != "space"]
    if words[1:2] != [":="]:
        return "", tokens
    return words[0], _stripped(tokens[tokens.index(("mark", ":=")) + 1 :])


def _is_atom(tokens: Tokens) -> bool:
    """Whether no operator can part the tokens: a name, a number, a call or what stands in brackets."""
    words = [token for token in tokens if token[0] != "space"]
    if len(words) == 1 or all(kind == "name" or text == "." for kind, text in words):
        return "CASE" not in {text for _, text in words}
    first = 1 if words[0][0] == "name" and words[0][1] not in ("NOT", "IN", "CASE", "EXISTS") else 0
    return words[first][1] in OPEN and _closing(words, first) == len(words) - 1


def _tokens(sql: str) -> Tokens:
    return [(match.lastgroup or "", match[0]) for match in TOKEN.finditer(sql)]


def _text(tokens: Tokens) -> str:
    return "".join(text for _, text in tokens)


def _stripped(tokens: Tokens) -> Tokens:
    """The tokens without comments, and without spaces around them."""
    tokens = [token for token in tokens if not token[1].startswith("--")]
    while tokens and tokens[0][0] == "space":
        tokens = tokens[1:]
    while tokens and tokens[-1][0] == "space":
        tokens = tokens[:-1]
    return tokens


def _enclosed(tokens: Tokens) -> Tokens:
    return [("mark", "("), *tokens, ("mark", ")")]


def _indent(tokens: Tokens) -> str:
    """The spaces at the begin of the last line."""
    line = _text(tokens).rpartition("\n")[2]
    return line[: len(line) - len(line.lstrip())]


def _indented(tokens: Tokens, indent: str) -> Tokens:
    """A body that moves from the fourth column to this one."""
    more = "\n" + indent.removeprefix(" " * 4)
    return [(kind, text.replace("\n", more) if kind == "space" else text) for kind, text in _stripped(tokens)]


def _closing(tokens: Tokens, start: int) -> int:
    """Where the bracket closes that opens at the start."""
    depth = 0
    for i in range(start, len(tokens)):
        kind, text = tokens[i]
        if kind == "mark":
            depth += (text in OPEN) - (text in CLOSE)
            if depth == 0:
                return i
    raise ValueError(f"no bracket closes {_text(tokens[start : start + 9])}")


def _parts(tokens: Tokens) -> list[Tokens]:
    """What commas part outside of brackets."""
    parts: list[Tokens] = [[]]
    depth = 0
    for kind, text in tokens:
        depth += (kind == "mark" and text in OPEN) - (kind == "mark" and text in CLOSE)
        if kind == "mark" and text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append((kind, text))
    return [part for part in parts if _stripped(part)]
