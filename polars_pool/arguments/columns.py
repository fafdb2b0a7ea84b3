"""Columns and keys of a frame, by name or as expressions; checked by the schema, never by data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from ..models.keys import PRIVATE
from .rowwise import is_rowwise
from .sentences import kind_of, listed, nearest, series_hint, shown

AS_A_COLUMN = (
    "give an expression without aggregates, windows and the like, or add what it computes to the frame first, with "
    "with_columns()"
)
IntoColumn = str | pl.Expr
Keys = IntoColumn | Sequence[IntoColumn]


def lazy(frame: Any) -> pl.LazyFrame:
    """A LazyFrame of a Polars frame."""
    if isinstance(frame, pl.LazyFrame):
        return frame
    if isinstance(frame, pl.DataFrame):
        return frame.lazy()
    raise TypeError(f"frame is a {kind_of(frame)}; give a polars.DataFrame or polars.LazyFrame")


def key_columns(keys: Any, role: str) -> list[IntoColumn]:
    """One key or several as a list."""
    listed = list(keys) if isinstance(keys, list | tuple) else [keys]
    for key in listed:
        if not isinstance(key, str | pl.Expr):
            raise TypeError(
                f"{role}={shown(key)}; give a column name, an expression, or a list of them{series_hint(key)}"
            )
    if not listed:
        raise ValueError(f"{role}={keys!r} names no key; give at least one column name or expression")
    return listed


def keys(
    frame: pl.LazyFrame, schema: pl.Schema, by: Keys, over: Keys | None, result: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[pl.Expr, ...]]:
    """The names of by and of over, which differ from each other and the result's, and the columns of over and by."""
    columns = {"by": key_columns(by, "by"), "over": [] if over is None else key_columns(over, "over")}
    by_names, over_names = (_names(frame, schema, some, role) for role, some in columns.items())
    for role, names in (("by", by_names), ("over", over_names)):
        if columns[role] and not names:
            given = shown(columns[role][0])
            raise ValueError(f"{role}={given} selects no column of the frame; it has {listed(schema)}")
    distinct_keys(over_names, by_names, result)
    return by_names, over_names, tuple(column_of(schema, c, role) for role in ("over", "by") for c in columns[role])


def column_of(schema: pl.Schema, column: Any, role: str) -> pl.Expr:
    """A column as an expression; a name is looked up as it stands, whatever characters it has."""
    column = name_or_expression(column, role)
    if isinstance(column, pl.Expr):
        return column
    if column not in schema:
        raise pl.exceptions.ColumnNotFoundError(
            f"{role}={column!r} is no column of the frame; it has {listed(schema)}{nearest(column, schema)}"
        )
    return named(column)


def named(column: str) -> pl.Expr:
    """The column of a name, of which Polars would read ^…$ as a pattern and * as every column."""
    return pl.col(f"^{re.escape(column)}$") if column.startswith(("^", "*")) else pl.col(column)


def name_or_expression(given: Any, role: str) -> IntoColumn:
    """A column by its name or as an expression: numbers, arrays and Series are none."""
    if isinstance(given, str | pl.Expr):
        return given
    instead = series_hint(given)
    if isinstance(given, int | float) and not isinstance(given, bool):
        trial = role == "trials" and given == 1
        instead = ", or family='binomial' where each row is one trial" if trial else f", such as pl.lit({given!r})"
    raise TypeError(f"{role}={shown(given)}; give a column name or an expression{instead}")


def rowwise(column: IntoColumn, role: str, instead: str = AS_A_COLUMN) -> None:
    """That the value of each row comes from that row alone: an aggregate would be repeated in every row."""
    if isinstance(column, pl.Expr) and not is_rowwise(column):
        raise ValueError(f"{role}={shown(column)} is not computed row by row; {instead}")


def some_column(columns: Sequence[pl.Expr]) -> None:
    """That a model has a column of the frame: constants alone would be one row, whatever the frame has."""
    if not any(column.meta.root_names() or column.meta.has_multiple_outputs() for column in columns):
        listed = ", ".join(map(shown, columns))
        raise ValueError(f"the value and the keys are constants, {listed}; give at least one column of the frame")


def schema_of(frame: pl.LazyFrame, schema: pl.Schema, columns: Iterable[IntoColumn], role: str) -> pl.Schema:
    expressions = [column_of(schema, column, role) for column in columns]
    for expression in expressions:
        rowwise(expression, role)
    try:
        return frame.select(expressions).collect_schema()
    except pl.exceptions.ColumnNotFoundError as missing:
        name = str(missing).split('"')[1] if '"' in str(missing) else str(missing).split("\n")[0]
        raise no_column(role, name, schema) from None


def no_column(role: str, name: str, columns: Iterable[str]) -> pl.exceptions.ColumnNotFoundError:
    """That an expression names a column that is not there."""
    columns = list(columns)
    return pl.exceptions.ColumnNotFoundError(
        f"{role} names {name!r}, which is no column of the frame; it has {listed(columns)}{nearest(name, columns)}"
    )


def _names(frame: pl.LazyFrame, schema: pl.Schema, columns: Iterable[IntoColumn], role: str) -> tuple[str, ...]:
    return tuple(name for column in columns for name in schema_of(frame, schema, [column], role))


def numeric(frame: pl.LazyFrame, schema: pl.Schema, column: IntoColumn, role: str) -> tuple[str, pl.DataType]:
    """The name and type of one numeric column; text, dates and durations would become Float64 without a word."""
    found = schema_of(frame, schema, [column], role)
    one_column(list(found), role)
    [(name, dtype)] = found.items()
    if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
        raise TypeError(f"{role}={name!r} is {dtype}; give a column of numbers or Booleans")
    return name, dtype


def one_column(names: Sequence[str], role: str) -> None:
    """That a column or expression stands for one column."""
    if len(names) != 1:
        raise ValueError(f"{role} stands for {len(names)} columns, {listed(names)}; give one")


def boolean(frame: pl.LazyFrame, schema: pl.Schema, column: IntoColumn, role: str) -> pl.Expr:
    """One column of Booleans."""
    found = schema_of(frame, schema, [column], role)
    if list(found.values()) != [pl.Boolean]:
        given = ", ".join(f"{name!r}: {dtype}" for name, dtype in found.items())
        raise TypeError(f"{role} stands for {given}; give one column or expression of Booleans")
    return column_of(schema, column, role)


def distinct_keys(over: Sequence[str], by: Sequence[str], result: Iterable[str]) -> None:
    """Keys that differ from each other and from the columns of the result."""
    keys, result = [*over, *by], list(result)
    for i, key in enumerate(keys):
        if key in keys[:i]:
            raise ValueError(f"the key {key!r} is given twice; over={list(over)} and by={list(by)} must differ")
        if key in result:
            raise ValueError(
                f"the key {key!r} bears the name of a result column ({listed(result, len(result))}); rename it first"
            )


def new_column(schema: pl.Schema, name: str) -> str:
    """A name that the frame does not have yet."""
    if not isinstance(name, str):
        raise TypeError(f"name={shown(name)}; give the new column's name")
    if name in schema:
        raise ValueError(f"name={name!r} is a column of the frame already; give another with name=")
    for column in schema:
        if column.startswith(PRIVATE):
            raise ValueError(
                f"the column {column!r} of the frame begins with {PRIVATE!r}, as private names do; rename it"
            )
    return name
