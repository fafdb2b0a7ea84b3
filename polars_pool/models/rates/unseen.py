"""Groups that have no rows yet: they get what their model says of a new one."""

from __future__ import annotations

import polars as pl

from ..keys import KEY
from ..oneway.unseen import as_wide_as
from .groups import SIZE, X
from .spec import Rates


def with_unseen(grouped: pl.LazyFrame, keys: pl.LazyFrame | None, model: Rates) -> pl.LazyFrame:
    """The groups, and one of no trials for each of the keys that is not among them.

    Keys that do not say of which model they are stand for a group in every model.
    """
    if keys is None:
        return grouped
    unseen = keys.select(pl.all().name.prefix(KEY)).unique()
    if model.over and KEY + model.over_names[0] not in unseen.collect_schema():
        grouped = grouped.cache()
        unseen = grouped.select(*model.over).unique().join(unseen, how="cross")
    both = as_wide_as(unseen, grouped).join(unseen, on=list(model.keys), how="full", coalesce=True, nulls_equal=True)
    return both.with_columns(e.fill_null(0.0) for e in (X, SIZE))
