"""Columns and keys of a frame, by name or as expressions; checked by the schema, never by data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import polars as pl

from ..formulas import messages
from ..models.keys import PRIVATE
from .rowwise import is_rowwise
from .sentences import kind_of, listed, nearest, series_hint, shown

AS_A_COLUMN = (
    "give an expression without aggregates, windows and the like, or add what it computes to the frame first, with "
    "with_columns()"
)
PolarsColumn = str | pl.Expr


class SparkColumn(Protocol):
    """An expression of Spark, as type checkers see it without pyspark."""

    def eqNullSafe(self, other: Any) -> Any: ...  # noqa: N802


IntoColumn = PolarsColumn | SparkColumn
Keys = IntoColumn | Sequence[IntoColumn | Sequence[IntoColumn]]


def lazy(frame: Any) -> pl.LazyFrame:
    """The LazyFrame of a Polars frame."""
    if isinstance(frame, pl.LazyFrame):
        return frame
    if isinstance(frame, pl.DataFrame):
        return frame.lazy()
    raise TypeError(f"frame is a {kind_of(frame)}; give a polars.DataFrame, a polars.LazyFrame or a Spark DataFrame")


def key_columns(keys: Any, role: str) -> list[PolarsColumn]:
    """One key or several as a list."""
    columns = list(keys) if isinstance(keys, list | tuple) else [keys]
    for key in columns:
        if not isinstance(key, str | pl.Expr):
            raise TypeError(
                f"{role}={shown(key)}; give a column name, an expression, or a list of them{series_hint(key)}"
            )
    if not columns:
        raise ValueError(f"{role}={keys!r} names no key; give at least one column name or expression")
    return columns


def keys(
    frame: pl.LazyFrame, schema: pl.Schema, by: Any, over: Any
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[pl.Expr, ...]]:
    """The names of by and of over, all of which differ, and the columns of over and by."""
    columns = {"by": key_columns(by, "by"), "over": [] if over is None else key_columns(over, "over")}
    by_names, over_names = (_names(frame, schema, some, role) for role, some in columns.items())
    for role, names in (("by", by_names), ("over", over_names)):
        if columns[role] and not names:
            key = shown(columns[role][0])
            raise ValueError(f"{role}={key} selects no column of the frame; it has {listed(schema)}")
    distinct_keys(over_names, by_names, ())
    return by_names, over_names, tuple(column_of(schema, c, role) for role in ("over", "by") for c in columns[role])


def column_of(schema: pl.Schema, column: Any, role: str) -> pl.Expr:
    """A column as an expression; a name may hold any characters."""
    column = name_or_expression(column, role)
    if isinstance(column, pl.Expr):
        return column
    if column not in schema:
        raise pl.exceptions.ColumnNotFoundError(
            f"{role}={column!r} is no column of the frame; it has {listed(schema)}{nearest(column, schema)}"
        )
    return named(column)


def named(column: str) -> pl.Expr:
    """The column with a name; Polars alone would read ^…$ as a pattern and * as every column."""
    return pl.col(f"^{re.escape(column)}$") if column.startswith(("^", "*")) else pl.col(column)


def name_or_expression(column: Any, role: str) -> PolarsColumn:
    """A column by its name or as an expression; numbers, arrays and Series are no columns."""
    if isinstance(column, str | pl.Expr):
        return column
    instead = series_hint(column)
    if isinstance(column, int | float) and not isinstance(column, bool):
        trial = role == "trials" and column == 1
        instead = ", or family='binomial' where each row is one trial" if trial else f", such as pl.lit({column!r})"
    raise TypeError(f"{role}={shown(column)}; give a column name or an expression{instead}")


def rowwise(column: PolarsColumn, role: str, instead: str = AS_A_COLUMN) -> None:
    """Refuse expressions that need other rows for the value of a row: an aggregate would be repeated in every row."""
    if isinstance(column, pl.Expr) and not is_rowwise(column):
        raise ValueError(f"{role}={shown(column)} is not computed row by row; {instead}")


def some_column(columns: Sequence[pl.Expr]) -> None:
    """Refuse constants alone: they would be one row, whatever the frame holds."""
    if not any(column.meta.root_names() or column.meta.has_multiple_outputs() for column in columns):
        constants = ", ".join(map(shown, columns))
        raise ValueError(f"the value and the keys are constants, {constants}; give at least one column of the frame")


def schema_of(frame: pl.LazyFrame, schema: pl.Schema, columns: Iterable[PolarsColumn], role: str) -> pl.Schema:
    """The names and types of columns."""
    columns = list(columns)
    types = {column: schema[column] for column in columns if isinstance(column, str) and column in schema}
    if len(types) == len(columns):  # names alone need no plan
        return pl.Schema(types)
    expressions = [column_of(schema, column, role) for column in columns]
    for expression in expressions:
        rowwise(expression, role)
    try:
        return frame.select(expressions).collect_schema()
    except pl.exceptions.ColumnNotFoundError as missing:
        name = str(missing).split('"')[1] if '"' in str(missing) else str(missing).split("\n")[0]
        raise no_column(role, name, schema) from None


def no_column(role: str, name: str, columns: Iterable[str]) -> pl.exceptions.ColumnNotFoundError:
    """The error of an expression that names a column which the frame does not have."""
    columns = list(columns)
    return pl.exceptions.ColumnNotFoundError(
        f"{role} names {name!r}, which is no column of the frame; it has {listed(columns)}{nearest(name, columns)}"
    )


def _names(frame: pl.LazyFrame, schema: pl.Schema, columns: Iterable[PolarsColumn], role: str) -> tuple[str, ...]:
    return tuple(name for column in columns for name in schema_of(frame, schema, [column], role))


def numeric(frame: pl.LazyFrame, schema: pl.Schema, column: PolarsColumn, role: str) -> tuple[str, pl.DataType]:
    """The name and type of one numeric column; Polars would cast text, dates and durations to Float64 silently."""
    types = schema_of(frame, schema, [column], role)
    one_column(list(types), role)
    [(name, dtype)] = types.items()
    if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
        raise TypeError(messages.NO_NUMBERS.format(role=role, name=repr(name), type=dtype))
    return name, dtype


def one_column(names: Sequence[str], role: str) -> None:
    """Refuse an expression that stands for several columns."""
    if len(names) != 1:
        raise ValueError(messages.SEVERAL_COLUMNS.format(role=role, count=len(names), names=listed(names)))


def boolean(frame: pl.LazyFrame, schema: pl.Schema, column: PolarsColumn, role: str) -> pl.Expr:
    """One column of Booleans."""
    types = schema_of(frame, schema, [column], role)
    if list(types.values()) != [pl.Boolean]:
        columns = ", ".join(f"{name!r}: {dtype}" for name, dtype in types.items())
        raise TypeError(f"{role} stands for {columns}; give one column or expression of Booleans")
    return column_of(schema, column, role)


def distinct_keys(over: Sequence[str], by: Sequence[str], result: Iterable[str]) -> None:
    """Refuse keys with equal names, or with the name of a column of the result."""
    keys, result = [*over, *by], list(result)
    for i, key in enumerate(keys):
        if key in keys[:i]:
            raise ValueError(messages.KEY_TWICE.format(key=repr(key)))
        if key in result:
            names = listed(result, len(result))
            raise ValueError(messages.KEY_OF_RESULT.format(key=repr(key), names=names))


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
