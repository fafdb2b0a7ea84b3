"""The posterior of the rate of its group for every row, joined to the rows."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TypeVar

import polars as pl

from ..encoding import (
    FOLD,
    NAME,
    WHOLE,
    Encoding,
    beside_folds,
    column_beside,
    column_out_of_fold,
    of_other_rows,
    out_of_fold,
)
from ..tables import WHOLE as WHOLE_TABLE
from .estimates import estimates
from .groups import SIZE, X, grouped
from .refuse import bad_rows
from .spec import Counts, Rates

R = TypeVar("R", bound=Counts)


def encoded(frame: pl.LazyFrame, request: Rates, encoding: Encoding) -> pl.LazyFrame:
    """All columns of the frame, and statistics of the posterior of the rate of the group of each row."""
    if encoding.folds is not None:
        return out_of_fold(frame, request, encoding, estimates, without_folds)
    frame = frame.cache()  # for the rates and the rows that they are joined to
    return of_other_rows(frame, request, encoding, frame, estimates)


def without_folds(rows: pl.LazyFrame, request: R) -> tuple[pl.LazyFrame, R]:
    """The events and trials of each group without each fold, and the request that reads them; bad rows are an error.

    Counts are subtracted exactly; an exposure is summed again, as a difference of sums would not be exactly 0.
    """
    pairs, constants = grouped(rows, request)
    pairs = pairs.join(constants, how="cross").map_batches(
        partial(_checked, request=request), schema=pairs.collect_schema(), **WHOLE_TABLE
    )
    pairs, keys, of_counts = pairs.cache(), list(request.keys), replace(request, value=X, size=SIZE)
    if request.family == "poisson":
        every = beside_folds(pairs.rename({FOLD: NAME}), pairs, request)
        return every.filter(pl.col(FOLD).ne_missing(pl.col(NAME)), SIZE > 0), of_counts
    totals = pairs.group_by(key for key in keys if key != FOLD).agg(X.sum(), SIZE.sum())
    every = beside_folds(totals, pairs, request)
    every = every.join(pairs, on=keys, how="left", nulls_equal=True, suffix="_part")
    left = (pl.col(name) - pl.col(f"{name}_part").fill_null(0.0) for name in ("_pool_x", "_pool_n"))
    return every.with_columns(left), of_counts


def _checked(table: pl.DataFrame, request: Counts) -> pl.DataFrame:
    bad_rows(table, request)
    return table.select(*request.keys, X, SIZE)


def statistic(table: pl.DataFrame, request: Rates, name: str, encoding: Encoding = WHOLE) -> pl.Series:
    """A statistic of its group for every row of a table in memory, whose keys are its columns."""
    if encoding.folds is not None:
        return column_out_of_fold(encoded, table, request, name, encoding)
    # No interval is needed, so the error of the prior's mean is not computed.
    request = replace(request, options=replace(request.options, uncertainty="conditional"))
    rates = estimates(table.lazy(), request, only=name)
    return column_beside(table.lazy().select(request.key_names), rates, request.key_names, name)
