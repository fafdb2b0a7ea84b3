"""Names and values as DuckDB SQL, quoted so that no character in them has a meaning of its own."""

from __future__ import annotations

from collections.abc import Sequence


def identifier(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | float | list[float]) -> str:
    """The text, Boolean, number or list as an SQL literal; a number keeps all its bits."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else f"'{value!r}'::DOUBLE"


def key_list(names: Sequence[str]) -> str:
    """The keys as an argument of the macros; the result has the same key names."""
    return f"COLUMNS([{', '.join(map(literal, names))}])"
