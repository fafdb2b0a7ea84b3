"""Rows to one row a group: events and trials, or exposure, summed; and how many rows are no counts."""

from __future__ import annotations

import polars as pl

from ..keys import KEY
from .spec import Rates

X, SIZE = pl.col("_pool_x"), pl.col("_pool_n")


def grouped(frame: pl.LazyFrame, model: Rates) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """One row a group, keys, x and n; and one row, how many rows are bad, in one column a reason."""
    selected = rows(frame, model)
    bad = {f"_pool_bad_{name}": e for name, e in bad_rows(model, selected.collect_schema()).items()}
    if bad:
        selected = selected.cache()
    counted = selected.with_columns(pl.when(X.is_not_null() & SIZE.is_not_null()).then(e) for e in (X, SIZE))
    sums = {"_pool_x": X.cast(pl.Float64).sum(), "_pool_n": SIZE.cast(pl.Float64).sum()}
    if model.size is None:
        counted, sums = selected, {"_pool_x": X.sum().cast(pl.Float64), "_pool_n": X.count().cast(pl.Float64)}
    found = counted.group_by(*model.keys).agg(**sums)
    constants = selected.select(**bad).select(pl.all().sum()) if bad else pl.LazyFrame({"_pool_bad": [0]})
    return found, constants


def rows(frame: pl.LazyFrame, model: Rates) -> pl.LazyFrame:
    """Keys, events and trials or exposure; Booleans as they are."""
    schema = frame.select(model.value).collect_schema()
    whole = model.size is None and next(iter(schema.values())) == pl.Boolean
    given = {"_pool_x": model.value} | ({} if model.size is None else {"_pool_n": model.size})
    columns = [(e if whole else e.cast(pl.Float64)).alias(name) for name, e in given.items()]
    chosen = frame.select(*(key.name.prefix(KEY) for key in model.key_columns), *columns)
    if model.nan == "null" and not whole:
        chosen = chosen.with_columns(pl.when(pl.col(name).is_finite()).then(pl.col(name)) for name in given)
    return chosen


def bad_rows(model: Rates, schema: pl.Schema) -> dict[str, pl.Expr]:
    """Where columns hold what they must not, in rows that count."""
    if schema["_pool_x"] == pl.Boolean:
        return {}
    bad = {"value_nan": ~X.is_finite(), "value": (X < 0) | (X.floor() != X)}
    if model.size is None:
        return bad | {"value_more": X > 1}
    counts = X.is_not_null() & SIZE.is_not_null()
    bad |= {"size_nan": ~SIZE.is_finite()}
    if model.family == "binomial":
        bad |= {"trials": (SIZE < 0) | (SIZE.floor() != SIZE), "more": X > SIZE}
    else:
        bad |= {"exposure": SIZE <= 0}
    return {name: e & counts for name, e in bad.items()}
