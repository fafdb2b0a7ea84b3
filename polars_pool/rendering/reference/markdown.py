"""Docstrings as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

SECTION = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", re.MULTILINE)
ENTRY = re.compile(r"^(\w[\w, ]*)\n((?:^(?: +.*)?\n)+)", re.MULTILINE)
ITEM = re.compile(r"^- ", re.MULTILINE)


def of_docstring(text: str) -> str:
    """A docstring with its sections: arguments as a list, examples as sessions of Python."""
    writers = {"Parameters": _entries, "Attributes": _entries, "Raises": _errors, "Examples": _sessions}
    first, *parts = SECTION.split(text)
    blocks = [prose(first)]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        blocks += [f"**{title}**", writers.get(title, prose)(body)]
    return "\n\n".join(blocks)


def call(name: str, words: Iterable[str]) -> str:
    """A call with its arguments, in several lines if it is long."""
    listed = ", ".join(words)
    line = f"{name}({listed})"
    if len(line) <= 80:
        return line
    return f"{name}(\n{textwrap.fill(listed, 80, initial_indent='    ', subsequent_indent='    ')}\n)"


def prose(text: str) -> str:
    """Paragraphs and lists, each paragraph and each item in one line: a wrapped line could begin like a list."""
    return "\n\n".join(_paragraph(part) for part in re.split(r"\n\s*\n", text.strip()))


def _paragraph(text: str) -> str:
    first, *items = ITEM.split(text)
    return "\n".join([*filter(None, [_line(first)]), *(f"- {_line(item)}" for item in items)])


def _line(text: str) -> str:
    return " ".join(text.split())


def _entries(text: str) -> str:
    entries = []
    for names, words in ENTRY.findall(f"{text.rstrip()}\n"):
        named = ", ".join(f"`{name}`" for name in names.split(", "))
        entries.append(f"- {named}: {_line(words)}")
    return "\n".join(entries)


def _errors(text: str) -> str:
    """The errors, and below them in the docstring the cases that raise them."""
    errors, _, words = text.strip().partition("\n")
    return f"{', '.join(f'`{error}`' for error in errors.split(', '))}: {_line(words)}"


def _sessions(text: str) -> str:
    """Each session with its results is a block; the text between sessions is prose."""
    blocks = []
    for part in re.split(r"\n\s*\n", text.strip()):
        blocks.append(f"```pycon\n{part.strip()}\n```" if part.lstrip().startswith(">>>") else _line(part))
    return "\n\n".join(blocks)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; a vertical bar in a cell is escaped."""
    cells = [list(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|---" * len(cells[0]) + "|", *lines[1:]])
