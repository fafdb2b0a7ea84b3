"""Rows to one row per group: its partially pooled mean, with standard error and interval."""

from __future__ import annotations

import polars as pl

from ..columns import with_steps
from ..keys import public
from . import robust
from .components import classes, fitted_models
from .groups import N, grouped
from .pooling import errors, joined, pooled
from .spec import Means
from .unseen import with_unseen

STATISTICS = ("n", "mean", "v", "weight", "estimate", "se", "lower", "upper")


def estimates_schema(request: Means) -> dict[str, pl.DataType]:
    """The columns of `estimates` after the keys."""
    robust = ("noncoverage",) if request.options.interval == "robust" else ()
    against = () if request.options.threshold is None else ("p_above",)
    return {**dict.fromkeys((*STATISTICS, *robust, *against), pl.Float64()), "n": pl.Int64()}


def estimates(frame: pl.LazyFrame, request: Means, unseen: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """One row per group, under public names; groups among `unseen` may have no rows."""
    means = with_errors(frame, request, unseen)
    if request.options.interval == "robust":
        means = robust.with_intervals(means, request)
    return result(means, request.key_names, tuple(estimates_schema(request)))


def with_errors(frame: pl.LazyFrame, request: Means, unseen: pl.LazyFrame | None) -> pl.LazyFrame:
    """One row per group with its estimate and standard error, under private names."""
    groups, constants = grouped(frame, request)
    groups = with_unseen(groups, unseen, request)
    if request.options.interval == "robust" or request.compressed_by_plan:
        groups = groups.cache()  # the intervals and the bins need sums over the groups
    components = fitted_models(classes(groups, constants, request), request)
    means = with_steps(joined(groups, components, request), pooled(request))
    return with_steps(means, errors(request, request.options))


def result(estimates: pl.LazyFrame, key_names: tuple[str, ...], statistics: tuple[str, ...]) -> pl.LazyFrame:
    """Keys and statistics under public names."""
    columns = {name: pl.col(f"_pool_{name}") for name in statistics} | {"n": N.cast(pl.Int64)}
    return estimates.select(*public(*key_names), *(columns[name].alias(name) for name in statistics))
