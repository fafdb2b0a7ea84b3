"""Rows to one row per node of a level: its partially pooled mean, with standard error and interval."""

from __future__ import annotations

import polars as pl

from ..keys import public
from ..oneway.groups import N, grouped
from .components import fitted_models
from .levels import pooled
from .spec import Nested

STATISTICS = ("n", "mean", "v", "weight", "estimate", "se", "lower", "upper", "effect", "se_effect")


def estimates_schema(request: Nested) -> dict[str, pl.DataType]:
    """The columns of `estimates` after the keys."""
    against = () if request.options.threshold is None else ("p_above",)
    return {**dict.fromkeys((*STATISTICS, *against), pl.Float64()), "n": pl.Int64()}


def estimates(frame: pl.LazyFrame, request: Nested, unseen: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """One row per node, under public names; nodes among `unseen` may have no rows."""
    leaves, constants = grouped(frame, request)
    leaves = leaves.cache()
    nodes = pooled(leaves, fitted_models(leaves, constants, request), unseen, request)
    statistics = {name: pl.col(f"_pool_{name}") for name in estimates_schema(request)} | {"n": N.cast(pl.Int64)}
    names = request.over_names + request.path(request.at)
    return nodes.select(*public(*names), *(e.alias(name) for name, e in statistics.items()))
