"""Groups without rows, whose results follow from their model alone: a new group of it."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from .keys import KEY
from .request import Request


def with_unseen(
    grouped: pl.LazyFrame, keys: pl.LazyFrame | None, request: Request, columns: Mapping[str, float]
) -> pl.LazyFrame:
    """The groups, and one without rows for each of the keys that is not among them.

    Keys without those of a model stand for a group in each model. `columns` are the statistics of a group without rows.
    """
    if keys is None:
        return grouped
    unseen = keys.select(pl.all().name.prefix(KEY)).unique().cache()  # the groups are read again for their models
    if request.over and request.over[0] not in unseen.collect_schema():
        grouped = grouped.cache()  # so that the rows are grouped once, for the groups and for their models
        unseen = grouped.select(*request.over).unique().join(unseen, how="cross")
    on = list(request.keys)
    seen = _as_wide_as(unseen, grouped).with_columns(_pool_seen=True)
    both = seen.join(unseen, on=on, how="full", coalesce=True, nulls_equal=True)
    new = pl.col("_pool_seen").is_null()
    filled = (pl.when(new).then(value).otherwise(name).alias(name) for name, value in columns.items())
    return both.with_columns(filled).drop("_pool_seen")


def _as_wide_as(unseen: pl.LazyFrame, grouped: pl.LazyFrame) -> pl.LazyFrame:
    """The groups with their keys in the types of the unseen keys, which hold the values of both."""
    types = unseen.collect_schema()
    narrow = [name for name, dtype in grouped.collect_schema().items() if types.get(name, dtype) != dtype]
    return grouped.with_columns(pl.col(name).cast(types[name]) for name in narrow) if narrow else grouped
