"""Parts of messages: an argument in one line, a list of names, the nearest match."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import polars as pl


def is_number(value: Any) -> bool:
    """Whether a value is one number; an array or a Series is not."""
    return not isinstance(value, bool | str | type) and hasattr(value, "__float__") and getattr(value, "ndim", 0) == 0


def shown(argument: Any) -> str:
    """An argument in one line: an expression as Polars writes it, a class by its name, a table or array by its kind."""
    if isinstance(argument, pl.Expr):
        return str(argument)
    if isinstance(argument, type):
        return argument.__name__
    text = repr(argument)
    return f"<{kind_of(argument)}>" if "\n" in text or len(text) > 80 else text


def kind_of(value: Any) -> str:
    """The type of a value with its package: polars.Series."""
    return f"{type(value).__module__.partition('.')[0]}.{type(value).__qualname__}"


def series_hint(value: Any) -> str:
    """A hint with the name of a Series: a Series is no column of the frame, but most likely comes from one."""
    name = getattr(value, "name", None)
    return f"; did you mean {name!r}?" if isinstance(name, str) and name and hasattr(value, "dtype") else ""


def listed(names: Iterable[str], most: int = 20) -> str:
    """Names with commas between them; `most` of them where there are more."""
    names = list(names)
    return ", ".join(repr(name) for name in names[:most]) + (f" … ({len(names)} in all)" if len(names) > most else "")


def nearest(name: Any, allowed: Iterable[str]) -> str:
    """A hint with the allowed name that is most like another; nothing where none is like it."""
    folded = {other.casefold(): other for other in allowed}
    matches = get_close_matches(name.casefold(), folded, 1, 0.5) if isinstance(name, str) else []
    return f"; did you mean {folded[matches[0]]!r}?" if matches else ""
