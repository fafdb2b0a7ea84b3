"""Errors that only the data can raise: a query counts its bad rows by reason, and raises when it runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from ..formulas import messages
from ..formulas.elementary import INFINITY, exists
from .contrasts import ROWS, Source, unseen_levels

BAD = "_pool_bad_"  # prefix of the number of bad rows, by reason

BAD_ROWS = {
    "weights": messages.BAD_WEIGHTS,
    "n": messages.BAD_N,
    "var": messages.BAD_VAR,
    "se": messages.BAD_SE,
    "value_nan": messages.NOT_FINITE_IN_ROWS.replace("{argument}", "{value}"),
    "trials_nan": messages.NOT_FINITE_IN_ROWS.replace("{argument}", "{trials}"),
    "exposure_nan": messages.NOT_FINITE_IN_ROWS.replace("{argument}", "{exposure}"),
    "value": messages.NO_COUNT,
    "value_more": "{value} is more than 1 in {rows}: without trials= every row is one trial, 0 or 1",
    "trials": messages.NO_TRIALS,
    "exposure": messages.NO_EXPOSURE,
    "more": messages.MORE_THAN_TRIALS,
    "folds": messages.NO_FOLD,
    "order_by": "order_by= is null in {rows}: give each row a place in the order, or leave these rows out",
}
"""The sentence of each reason, in the order in which they are raised."""

NO_LEVEL = (
    "the factor {name!r} has a value that is none of its levels, such as {value!r}, in {rows}: add it to levels= of "
    "pool.factor(), or leave these rows out"
)
NOT_FINITE_TO_PREDICT = (
    "the covariate {name!r} of the rows to predict is NaN or infinite in {rows}: remove them, or count them as missing "
    "with nan='null'"
)


def improper(column: Any) -> Any:
    """Whether a weight, count or variance is null, NaN, negative or infinite."""
    return ~exists(column) | ~((column >= 0) & (column < INFINITY))  # NaN is above infinity


def counted(
    rows: pl.LazyFrame, bad: Mapping[str, pl.Expr], pivots: pl.LazyFrame | None = None, factors: Iterable[str] = ()
) -> pl.LazyFrame:
    """The constants of a query in one row: the pivots, if there are any, and the number of bad rows by reason.

    `factors` are columns of the values that are no level of a factor; the number of rows that have one is counted too.
    """
    unseen = list(factors)
    flags = {BAD + reason: e for reason, e in bad.items()}
    if pivots is None:
        return rows.select(**flags).select(pl.all().sum()) if bad else pl.LazyFrame({BAD: [0]})
    if not bad and not unseen:
        return pivots
    # Joined before they are summed, so that the counts wait for the pivots as the groups do: if the counts came first,
    # all rows would wait in memory.
    columns = rows.select(*unseen, **flags).join(pivots, how="cross")
    counts = columns.select(pl.col(list(flags)).sum(), *unseen_levels(unseen))
    return pivots.join(counts, how="cross")


def bad_rows(table: pl.DataFrame, names: Mapping[str, str]) -> None:
    """Raise if the query counted bad rows; `names` are those of the columns by role."""
    columns = {role: f"{role}={name!r}" for role, name in names.items()}
    for reason, sentence in BAD_ROWS.items():
        counts = table.get_column(BAD + reason, default=None)
        if counts is not None and (count := int(counts.head(1).sum())):
            raise ValueError(sentence.format(**columns, rows=number_of_rows(count)))


def no_level(table: pl.DataFrame, factors: Mapping[str, Source]) -> None:
    """Raise if the query counted rows with a value that is no level of a factor."""
    for column, factor in factors.items():
        if count := int(table[column + ROWS].head(1).sum()):
            value = table[column].head(1).item()
            raise ValueError(NO_LEVEL.format(name=factor.name, value=value, rows=number_of_rows(count)))


def not_finite(table: pl.DataFrame, means: Iterable[tuple[str, str, str]]) -> None:
    """Raise if a mean in the table is NaN or infinite, so a value is; `means` are columns with their role and name."""
    for column, role, name in means:
        values = table[
            column
        ]  # their sum is finite, unless it overflows, if they are; it costs less than to check each
        if not math.isfinite(values.sum() or 0.0) and not values.drop_nulls().is_finite().all():
            raise ValueError(messages.NOT_FINITE.format(role=role, name=repr(name)))


def number_of_rows(count: int) -> str:
    """A number of rows in words."""
    return "1 row" if count == 1 else f"{count:,} rows"
