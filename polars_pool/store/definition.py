"""What the moments of a store are moments of: value, keys, weights, filter, NaN policy; told apart."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl

from .. import arguments
from ..arguments import IntoColumn, Keys
from ..version import FORMAT, __version__

ABBREVIATED = ("…", "Series")  # a text that holds these may stand for several expressions


@dataclass(frozen=True)
class Column:
    """An expression as it is read, `text`, and as Polars writes it out in full, `json`, in one of its versions."""

    text: str
    json: str
    polars: str

    @property
    def expr(self) -> pl.Expr:
        return pl.Expr.deserialize(io.StringIO(self.json), format="json")


@dataclass(frozen=True)
class Definition:
    """A column name stands as it is, an expression as a `Column`."""

    value: str | Column
    by: tuple[str | Column, ...]
    weights: str | Column | None
    where: str | Column | None
    nan: str
    library: str = __version__  # that wrote it, and how
    format: int = FORMAT

    def __str__(self) -> str:
        given = {"value": _text(self.value), "by": f"[{', '.join(map(_text, self.by))}]"}
        given |= {role: _text(column) for role in ("weights", "where") if (column := getattr(self, role)) is not None}
        listed = ", ".join(f"{role}={text}" for role, text in (given | {"nan": repr(self.nan)}).items())
        return f"{listed} (polars-pool {self.library}, format {self.format})"


def define(value: IntoColumn, by: Keys, weights: IntoColumn | None, where: IntoColumn | None, nan: str) -> Definition:
    """The checked definition of a store, as far as it can be checked without a schema."""
    return Definition(
        value=_written(value, "value"),
        by=tuple(_written(key, "by") for key in arguments.key_columns(by, "by")),
        weights=None if weights is None else _written(weights, "weights"),
        where=None if where is None else _written(where, "where"),
        nan=arguments.one_of(nan, ("error", "null"), "nan"),
    )


def expression(column: str | Column) -> IntoColumn:
    """The column as a verb takes it."""
    if isinstance(column, str):
        return column
    try:
        return column.expr
    except pl.exceptions.PolarsError:
        raise ValueError(
            f"the expression {column.text} was written by Polars {column.polars} and cannot be read by Polars "
            f"{pl.__version__}; give value, by, weights and where again"
        ) from None


def columns(definition: Definition) -> set[str] | None:
    """The columns of the source that a definition reads; None where selectors or old expressions leave that open."""
    found = set()
    for column in (definition.value, *definition.by, definition.weights, definition.where):
        if isinstance(column, Column):
            try:
                expr = column.expr
            except pl.exceptions.PolarsError:
                return None
            if expr.meta.has_multiple_outputs():
                return None
            found |= set(expr.meta.root_names())
        elif column is not None:
            found.add(column)
    return found


def same(one: Definition, other: Definition) -> bool:
    """Whether two definitions give the same moments, whatever library versions wrote them."""
    if one.nan != other.nan or len(one.by) != len(other.by):
        return False
    pairs = [(one.value, other.value), (one.weights, other.weights), (one.where, other.where)]
    return all(_same(a, b) for a, b in [*pairs, *zip(one.by, other.by, strict=True)])


def _same(one: str | Column | None, other: str | Column | None) -> bool:
    if not (isinstance(one, Column) and isinstance(other, Column)):
        return one == other
    if one.polars == other.polars or one.json == other.json:
        return one.json == other.json
    try:
        return one.expr.meta.eq(other.expr)
    except pl.exceptions.PolarsError:  # another version of Polars wrote its expressions otherwise
        return one.text == other.text and not any(mark in one.text for mark in ABBREVIATED)


def _written(given: Any, role: str) -> str | Column:
    column = arguments.name_or_expression(given, role)
    if isinstance(column, str):
        return column
    if column.meta.is_column() and not (name := column.meta.output_name()).startswith("^"):
        return name  # pl.col("y") and "y" are one
    try:
        with _without_pickling():
            written = column.meta.serialize(format="json")
    except pl.exceptions.PolarsError:
        raise ValueError(
            f"{role}={column} calls a Python function or holds Python objects, which cannot be told from others like "
            "them when the store is used again; write it with expressions of Polars"
        ) from None
    part = "moments are taken part by part, so give an expression without aggregates, windows and the like"
    arguments.rowwise(column, role, part)
    return Column(str(column), written, pl.__version__)


@contextmanager
def _without_pickling() -> Iterator[None]:
    """Polars writes Python functions with cloudpickle where it is installed; without it, it refuses them."""
    missing = object()
    before: Any = sys.modules.get("cloudpickle", missing)
    sys.modules["cloudpickle"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if before is missing:
            del sys.modules["cloudpickle"]
        else:
            sys.modules["cloudpickle"] = before


def _text(column: str | Column) -> str:
    return repr(column) if isinstance(column, str) else column.text


# ---- as JSON ------------------------------------------------------------------------------------------------------


def to_json(definition: Definition) -> dict[str, Any]:
    """A definition of strings, lists and dicts."""
    return {
        "value": _to_json(definition.value),
        "by": [_to_json(key) for key in definition.by],
        "weights": definition.weights and _to_json(definition.weights),
        "where": definition.where and _to_json(definition.where),
        "nan": definition.nan,
    }


def from_json(given: dict[str, Any], library: str, written: int) -> Definition:
    """The definition that `to_json` of a library version wrote, into states of a format."""
    return Definition(
        value=_from_json(given["value"]),
        by=tuple(_from_json(key) for key in given["by"]),
        weights=given["weights"] and _from_json(given["weights"]),
        where=given["where"] and _from_json(given["where"]),
        nan=given["nan"],
        library=library,
        format=written,
    )


def _to_json(column: str | Column) -> str | dict[str, str]:
    return column if isinstance(column, str) else {"text": column.text, "json": column.json, "polars": column.polars}


def _from_json(given: str | dict[str, str]) -> str | Column:
    return given if isinstance(given, str) else Column(**given)
