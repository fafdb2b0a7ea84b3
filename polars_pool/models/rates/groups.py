"""Rows to one row per group: the sums of events and of trials, or exposure; and the number of bad rows."""

from __future__ import annotations

from typing import Any

import polars as pl

from ...formulas.elementary import INFINITY, exists, floor
from ..columns import POLARS, Columns
from ..keys import KEY
from ..refuse import counted
from .spec import Counts

X, SIZE = pl.col("_pool_x"), pl.col("_pool_n")


def grouped(frame: pl.LazyFrame, request: Counts) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """One row per group: keys, x and n; and one row: the number of bad rows by reason."""
    selected = rows(frame, request)
    bad = {} if selected.collect_schema()["_pool_x"] == pl.Boolean else bad_columns(request)
    if bad:
        selected = selected.cache()
    complete = selected.with_columns(pl.when(X.is_not_null() & SIZE.is_not_null()).then(e) for e in (X, SIZE))
    sums = {"_pool_x": X.cast(pl.Float64).sum(), "_pool_n": SIZE.cast(pl.Float64).sum()}
    if request.size is None:
        complete, sums = selected, {"_pool_x": X.sum().cast(pl.Float64), "_pool_n": X.count().cast(pl.Float64)}
    return complete.group_by(*request.keys).agg(**sums), counted(selected, bad)


def rows(frame: pl.LazyFrame, request: Counts) -> pl.LazyFrame:
    """Keys, events and trials or exposure; Booleans as they are."""
    schema = frame.select(request.value).collect_schema()
    whole = request.size is None and next(iter(schema.values())) == pl.Boolean
    counts = {"_pool_x": request.value} | ({} if request.size is None else {"_pool_n": request.size})
    columns = [(e if whole else e.cast(pl.Float64)).alias(name) for name, e in counts.items()]
    chosen = frame.select(*(key.name.prefix(KEY) for key in request.key_columns), *columns)
    if request.nan == "null" and not whole:
        chosen = chosen.with_columns(pl.when(pl.col(name).is_finite()).then(pl.col(name)) for name in counts)
    return chosen


def bad_columns(request: Counts, c: Columns = POLARS) -> dict[str, Any]:
    """The rows that count and whose columns are no counts or exposures, by reason; none of Booleans is bad."""
    bad = {"value_nan": _not_finite(c.x), "value": (c.x < 0) | (floor(c.x) != c.x)}
    if request.size is None:
        return bad | {"value_more": c.x > 1}
    bad |= {f"{request.role}_nan": _not_finite(c.n)}
    if request.family == "binomial":
        bad |= {"trials": (c.n < 0) | (floor(c.n) != c.n), "more": c.x > c.n}
    else:
        bad |= {"exposure": c.n <= 0}
    complete = exists(c.x) & exists(c.n)
    return {reason: e & complete for reason, e in bad.items()}


def _not_finite(column: Any) -> Any:
    """Whether a number is infinite or NaN, which is above infinity."""
    return (column >= INFINITY) | (column <= -INFINITY)
