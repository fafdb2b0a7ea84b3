"""Groups of means without rows: n = 0, and no information about their mean."""

from __future__ import annotations

import polars as pl

from ...formulas.elementary import INFINITY
from .. import unseen
from .spec import Model


def with_unseen(grouped: pl.LazyFrame, keys: pl.LazyFrame | None, model: Model) -> pl.LazyFrame:
    """The groups, and one without rows for each of the keys that is not among them."""
    columns = {"_pool_w": 0.0, "_pool_n": 0.0} | ({"_pool_v": INFINITY} if model.input == "published" else {})
    return unseen.with_unseen(grouped, keys, model, columns)
