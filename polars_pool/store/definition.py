"""The definition of the moments in a store: value, keys, weights, filter and NaN policy; comparison and JSON."""

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

ABBREVIATED = ("…", "Series")  # text with these marks may abbreviate several different expressions


@dataclass(frozen=True)
class Column:
    """An expression as readable `text` and as complete `json`, with the version of Polars that wrote both."""

    text: str
    json: str
    polars: str

    @property
    def expr(self) -> pl.Expr:
        return pl.Expr.deserialize(io.StringIO(self.json), format="json")


@dataclass(frozen=True)
class Definition:
    """The definition of moments; a column is a name, or a `Column` if it is an expression."""

    value: str | Column
    by: tuple[str | Column, ...]
    weights: str | Column | None
    where: str | Column | None
    nan: str
    library: str = __version__  # version of polars-pool that wrote the states
    format: int = FORMAT

    def __str__(self) -> str:
        texts = {"value": _text(self.value), "by": f"[{', '.join(map(_text, self.by))}]"}
        texts |= {role: _text(column) for role in ("weights", "where") if (column := getattr(self, role)) is not None}
        listed = ", ".join(f"{role}={text}" for role, text in (texts | {"nan": repr(self.nan)}).items())
        return f"{listed} (polars-pool {self.library}, format {self.format})"


def define(value: IntoColumn, by: Keys, weights: IntoColumn | None, where: IntoColumn | None, nan: str) -> Definition:
    """The definition of a store, checked as far as possible without a schema."""
    return Definition(
        value=_column(value, "value"),
        by=tuple(_column(key, "by") for key in arguments.key_columns(by, "by")),
        weights=None if weights is None else _column(weights, "weights"),
        where=None if where is None else _column(where, "where"),
        nan=arguments.one_of(nan, ("error", "null"), "nan"),
    )


def expression(column: str | Column) -> str | pl.Expr:
    """The column as an argument of a verb."""
    if isinstance(column, str):
        return column
    try:
        return column.expr
    except pl.exceptions.PolarsError:
        raise ValueError(
            f"the expression {column.text} was written by Polars {column.polars} and cannot be read by Polars "
            f"{pl.__version__}; give value=, by=, weights= and where= again"
        ) from None


def columns(definition: Definition) -> set[str] | None:
    """The columns of the source that a definition reads; None if selectors or old expressions make them unknown."""
    names = set()
    for column in (definition.value, *definition.by, definition.weights, definition.where):
        if isinstance(column, Column):
            try:
                expr = column.expr
            except pl.exceptions.PolarsError:
                return None
            if expr.meta.has_multiple_outputs():
                return None
            names |= set(expr.meta.root_names())
        elif column is not None:
            names.add(column)
    return names


def same(one: Definition, other: Definition) -> bool:
    """Whether two definitions give the same moments, even if different library versions wrote them."""
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
    except pl.exceptions.PolarsError:  # the other version of Polars has another format of expressions
        return one.text == other.text and not any(mark in one.text for mark in ABBREVIATED)


def _column(argument: Any, role: str) -> str | Column:
    column = arguments.name_or_expression(argument, role)
    if isinstance(column, str):
        return column
    if column.meta.is_column() and not (name := column.meta.output_name()).startswith("^"):
        return name  # pl.col("y") and "y" are the same column
    try:
        with _without_pickling():
            written = column.meta.serialize(format="json")
    except pl.exceptions.PolarsError:
        raise ValueError(
            f"{role}={column} contains a Python function or Python objects, which cannot be compared when the store is "
            "opened again; use expressions of Polars only"
        ) from None
    part = "moments are computed part by part, so give an expression without aggregates, windows and the like"
    arguments.rowwise(column, role, part)
    return Column(str(column), written, pl.__version__)


@contextmanager
def _without_pickling() -> Iterator[None]:
    """Hide cloudpickle: with it, Polars would serialize Python functions; without it, Polars refuses them."""
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
    """The definition as strings, lists and dictionaries."""
    return {
        "value": _to_json(definition.value),
        "by": [_to_json(key) for key in definition.by],
        "weights": definition.weights and _to_json(definition.weights),
        "where": definition.where and _to_json(definition.where),
        "nan": definition.nan,
    }


def from_json(fields: dict[str, Any], library: str, written: int) -> Definition:
    """The definition from the output of `to_json`, with the library version and the format of the states."""
    return Definition(
        value=_from_json(fields["value"]),
        by=tuple(_from_json(key) for key in fields["by"]),
        weights=fields["weights"] and _from_json(fields["weights"]),
        where=fields["where"] and _from_json(fields["where"]),
        nan=fields["nan"],
        library=library,
        format=written,
    )


def _to_json(column: str | Column) -> str | dict[str, str]:
    return column if isinstance(column, str) else {"text": column.text, "json": column.json, "polars": column.polars}


def _from_json(column: str | dict[str, str]) -> str | Column:
    return column if isinstance(column, str) else Column(**column)
