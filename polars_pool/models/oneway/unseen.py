"""Groups that have no rows yet: they stand beside the others with n = 0, and get what their model says of a new one."""

from __future__ import annotations

import polars as pl

from ...formulas.elementary import INFINITY, where
from ..keys import KEY
from .groups import N, V, W
from .spec import Model


def as_wide_as(unseen: pl.LazyFrame, grouped: pl.LazyFrame) -> pl.LazyFrame:
    """The groups, their keys in the types of those that have no rows, which hold the values of both."""
    types = unseen.collect_schema()
    narrow = [name for name, dtype in grouped.collect_schema().items() if types.get(name, dtype) != dtype]
    return grouped.with_columns(pl.col(name).cast(types[name]) for name in narrow) if narrow else grouped


def with_unseen(grouped: pl.LazyFrame, keys: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """The groups, and one without rows for each of the keys that is not among them.

    Keys that do not say of which model they are stand for a group in every model.
    """
    unseen = keys.select(pl.all().name.prefix(KEY)).unique()
    if model.over and KEY + model.over_names[0] not in unseen.collect_schema():
        grouped = grouped.cache()  # so that the rows are grouped once for the groups and for the models they are of
        unseen = grouped.select(*model.over).unique().join(unseen, how="cross")
    both = as_wide_as(unseen, grouped).join(unseen, on=list(model.keys), how="full", coalesce=True, nulls_equal=True)
    columns = {"n": (N, 0.0), "w": (W, 0.0)} | ({"v": (V, INFINITY)} if model.input == "published" else {})
    new = W.is_null()
    return both.with_columns(**{f"_pool_{name}": where(new, none, column) for name, (column, none) in columns.items()})
