"""parts/rendered/messages.sql: one macro per sentence that Python and SQL both raise."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter
from textwrap import wrap

from ..formulas import messages

COMMENT = """\
-- The sentences that SQL raises as Python does. Arguments are texts, filled in as they are shown.
"""
ROOM = 80  # of a literal


def text() -> str:
    """The macros of all sentences."""
    return COMMENT + "\n".join(_macro(name.lower(), template) for name, template in templates())


def templates() -> Iterator[tuple[str, str]]:
    """The sentences by name."""
    return ((name, value) for name, value in vars(messages).items() if name.isupper())


def _macro(name: str, template: str) -> str:
    parameters: dict[str, None] = {}
    pieces = []
    for words, parameter, _, _ in Formatter().parse(template):
        pieces += [f"'{piece}'" for piece in _literals(words.replace("'", "''"))]
        if parameter:
            parameters[parameter] = None
            pieces.append(parameter)
    head = f"CREATE OR REPLACE MACRO _pool_message_{name}({', '.join(parameters)}) AS"
    return f"{head}\n    {_folded(pieces)};"


def _literals(words: str) -> list[str]:
    """Words in pieces that fit a line; no quote is split, as it stands within a word."""
    if len(words) <= ROOM:
        return [words] if words else []
    return wrap(words, ROOM, drop_whitespace=False, break_on_hyphens=False, break_long_words=False)


def _folded(pieces: list[str]) -> str:
    """Pieces joined by ||, as many to a line as fit."""
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + len(piece) + 4 <= 108:
            lines[-1] += f" || {piece}"
        else:
            lines.append(f"|| {piece}")
    return "\n        ".join(lines)
