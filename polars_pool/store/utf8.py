"""Names of files as UTF-8: neither Polars nor DuckDB opens a name with other bytes."""

from __future__ import annotations

import os


def valid(name: str) -> bool:
    """Whether a name is UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(name: str) -> str:
    """A name in quotes, with bytes escaped that are not UTF-8."""
    return "'" + os.fsencode(name).decode("utf-8", "backslashreplace") + "'"
