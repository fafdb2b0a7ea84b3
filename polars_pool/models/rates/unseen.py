"""Groups of rates without rows: no events out of no trials, or in no exposure."""

from __future__ import annotations

import polars as pl

from .. import unseen
from .spec import Counts


def with_unseen(grouped: pl.LazyFrame, keys: pl.LazyFrame | None, request: Counts) -> pl.LazyFrame:
    """The groups, and one without trials or exposure for each of the keys that is not among them."""
    return unseen.with_unseen(grouped, keys, request, {"_pool_x": 0.0, "_pool_n": 0.0})
