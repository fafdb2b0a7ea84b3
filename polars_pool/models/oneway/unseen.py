"""Groups without rows in the one-way model: a new group has the estimate mu and the standard deviation tau about it."""

from __future__ import annotations

import polars as pl

from ...formulas.elementary import INFINITY
from .. import unseen
from .spec import OneWay


def with_unseen(grouped: pl.LazyFrame, keys: pl.LazyFrame | None, request: OneWay) -> pl.LazyFrame:
    """The groups, and one without rows for each of the keys that is not among them."""
    return unseen.with_unseen(grouped, keys, request, of_none(request))


def of_none(request: OneWay) -> dict[str, float]:
    """The statistics of a group without rows."""
    return {"_pool_w": 0.0, "_pool_n": 0.0} | ({"_pool_v": INFINITY} if request.published else {})
