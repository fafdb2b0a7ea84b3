"""How messages show what was given, list what is allowed and name the nearest match."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import polars as pl


def is_number(given: Any) -> bool:
    """Whether something is one number: an array or a Series is none."""
    return not isinstance(given, bool | str | type) and hasattr(given, "__float__") and getattr(given, "ndim", 0) == 0


def shown(given: Any) -> str:
    """An argument in one line: an expression as Polars writes it, a class by its name, a table or array by its kind."""
    if isinstance(given, pl.Expr):
        return str(given)
    if isinstance(given, type):
        return given.__name__
    text = repr(given)
    return f"<{kind_of(given)}>" if "\n" in text or len(text) > 80 else text


def kind_of(given: Any) -> str:
    return f"{type(given).__module__.partition('.')[0]}.{type(given).__qualname__}"


def series_hint(given: Any) -> str:
    """The name of a Series, which is no column of the frame but most likely stems from one."""
    name = getattr(given, "name", None)
    return f"; did you mean {name!r}?" if isinstance(name, str) and name and hasattr(given, "dtype") else ""


def listed(names: Iterable[str], most: int = 20) -> str:
    names = list(names)
    return ", ".join(repr(name) for name in names[:most]) + (f" … ({len(names)} in all)" if len(names) > most else "")


def nearest(given: Any, allowed: Iterable[str]) -> str:
    folded = {name.casefold(): name for name in allowed}
    matches = get_close_matches(given.casefold(), folded, 1, 0.5) if isinstance(given, str) else []
    return f"; did you mean {folded[matches[0]]!r}?" if matches else ""
