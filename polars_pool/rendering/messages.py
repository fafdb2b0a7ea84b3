"""parts/rendered/messages.sql: one macro per sentence that Python and SQL both raise."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter
from textwrap import wrap

from ..formulas import messages

COMMENT = """\
-- The sentences that SQL raises as Python does, NULL where an argument is. Arguments are texts, filled in as they are
-- shown. A sentence is one call, because DuckDB binds every ||.
"""
ROOM = 95  # of a literal
NEW_LINE = "\n        "


def text() -> str:
    """The macros of all sentences."""
    return COMMENT + "\n".join(_macro(name.lower(), template) for name, template in templates())


def templates() -> Iterator[tuple[str, str]]:
    """The sentences by name."""
    return ((name, value) for name, value in vars(messages).items() if name.isupper())


def _macro(name: str, template: str) -> str:
    parameters = [parameter for _, parameter, _, _ in Formatter().parse(template) if parameter]
    head = f"CREATE OR REPLACE MACRO _pool_message_{name}({', '.join(dict.fromkeys(parameters))}) AS"
    text = template.format_map(dict.fromkeys(parameters, "{}")) if parameters else template
    words = _folded([f"'{piece}'" for piece in _literals(text.replace("'", "''"))])
    return f"{head}\n    {_call('format', words, *parameters)};" if parameters else f"{head}\n    {words};"


def _call(function: str, words: str, *parameters: str) -> str:
    """A call with a text and parameters, folded where the text is."""
    fits = "\n" not in words and len(words) + len(", ".join(parameters)) < 100
    return f"{function}({words},{' ' if fits else NEW_LINE}{', '.join(parameters)})"


def _literals(words: str) -> list[str]:
    """Words in pieces that fit a line; no quote is split, as it stands within a word."""
    return wrap(words, ROOM, drop_whitespace=False, break_on_hyphens=False, break_long_words=False)


def _folded(pieces: list[str]) -> str:
    """Pieces joined by ||, one to a line."""
    return f"{NEW_LINE}|| ".join(pieces)
