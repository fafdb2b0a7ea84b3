"""The offset that the values of a column have in common, its pivot: taken off first, it costs no digits.

The first values show whether there is an offset, so that the scan for it stops early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from . import offset as wide

FIRST = 1_000  # values that show an offset


@dataclass(frozen=True)
class Column:
    """A column of rows under a private name, as Float64; and exactly, where its type holds more digits than Float64."""

    name: str
    number: pl.Expr  # Float64
    exact: pl.Expr | None = None  # the same as an integer, see offset.integer
    dtype: pl.DataType | None = None  # the type of the column, where `exact` is not None

    @property
    def pivot(self) -> str:
        """The name of the pivot as Float64, in units of the column."""
        return f"{self.name}_pivot"

    @property
    def origin(self) -> str:
        """The name of the pivot that is subtracted: an integer where the column is exact."""
        return self.pivot if self.exact is None else f"{self.name}_origin"

    @property
    def first(self) -> str:
        """The name of the first value, in the type of the origin."""
        return f"{self.name}_first" if self.exact is None else f"{self.name}_exact_first"

    @property
    def centred(self) -> pl.Expr:
        """The column less its pivot, Float64."""
        if self.exact is None or self.dtype is None:
            return self.number - pl.col(self.pivot)
        return wide.difference(self.exact, pl.col(self.origin), self.dtype)


def pivots(rows: pl.LazyFrame, columns: Sequence[Column], least: float = 0.0) -> pl.LazyFrame:
    """One row: the pivot of each column, 0 where its first values have no offset in common or are null.

    With `least`, a column has a pivot only where its first values are at least that large, whatever their sign.
    """
    finite = rows.filter(pl.all_horizontal(column.number.is_finite() for column in columns)).head(FIRST)
    statistics = finite.select(e for column in columns for e in _statistics(column)).with_columns(pl.all().fill_null(0))
    origins = [
        pl.when(_is_near(column, least)).then(column.first).otherwise(0).alias(column.origin) for column in columns
    ]
    pivoted = statistics.select(origins)
    exact = [e for column in columns for e in _exact(column)]
    return pivoted.with_columns(exact) if exact else pivoted


def no_pivots(columns: Sequence[Column]) -> pl.LazyFrame:
    """One row: pivots of 0."""
    return pl.LazyFrame({column.pivot: [0.0] for column in columns})


def _statistics(column: Column) -> list[pl.Expr]:
    """Statistics of the first values. Each occurs once: Polars 2.1 broadcasts an aggregate that it shares."""
    statistics = {"mean": column.number.mean(), "std": column.number.std(), "smallest": column.number.abs().min()}
    statistics["first"] = column.number.first()
    if column.exact is not None:
        statistics["exact_first"] = column.exact.first()
    return [e.alias(f"{column.name}_{name}") for name, e in statistics.items()]


def _is_near(column: Column, least: float) -> pl.Expr:
    """Whether the first values of a column have an offset in common."""
    first, mean, std, smallest = (pl.col(f"{column.name}_{name}") for name in ("first", "mean", "std", "smallest"))
    near = (std < mean.abs() / 8) & ((first - mean).abs() < mean.abs() / 8)
    return near & (smallest >= least) if least > 0 else near


def _exact(column: Column) -> list[pl.Expr]:
    """The pivot of an exact column as Float64, and as the integer that equals it."""
    if column.exact is None or column.dtype is None:
        return []
    near, equal = wide.offset(pl.col(column.origin), column.dtype)
    return [near.alias(column.pivot), equal.alias(column.origin)]
