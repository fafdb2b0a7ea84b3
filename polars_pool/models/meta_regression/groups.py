"""Rows to one row per group with its predictors, and groups of equal size to one row with their cross-products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from ...formulas.aggregates import joint_spread, mean, spread
from ...formulas.elementary import INFINITY
from .. import unseen
from ..columns import POLARS, Columns
from ..oneway.components import SQUARES
from ..oneway.groups import VAR, N, V, W, largest, predictors
from ..oneway.unseen import of_none
from ..pivot import Column
from .spec import MetaRegression

MISSING, VARYING = "_pool_missing_", "_pool_varying_"  # prefixes of the number of groups in which a predictor is so


def columns(request: MetaRegression) -> list[str]:
    """The private names of the predictors and, last, of the mean."""
    return [*predictors(request), "_pool_y"]


def pairs(request: MetaRegression) -> Iterator[tuple[int, int, str]]:
    """The pairs of these columns, each once, and the name of their covariance."""
    count = len(columns(request))
    return ((i, j, f"_pool_cov{i}_{j}") for i in range(count) for j in range(i, count))


def bad_predictors(request: MetaRegression, c: Columns = POLARS) -> dict[str, Any]:
    """Whether each predictor is missing in a row of the group, or varies within it."""
    flags = {}
    for name in predictors(request):
        least, most, place = c.column(name), c.column(largest(name)), name.removeprefix("_pool_")
        flags[MISSING + place] = most == INFINITY
        flags[VARYING + place] = (most > least) & (most < INFINITY)
    return flags


def sums(request: MetaRegression, c: Columns = POLARS) -> dict[str, Any]:
    """The means of predictors and of the mean over the groups of a class, and their covariances."""
    names = columns(request)
    covariances = {
        name: spread(c.column(names[i])) if i == j else joint_spread(c.column(names[i]), c.column(names[j]))
        for i, j, name in pairs(request)
    }
    return {name: mean(c.column(name)) for name in names} | covariances


def with_unseen(grouped: pl.LazyFrame, keys: pl.LazyFrame | None, request: MetaRegression) -> pl.LazyFrame:
    """The groups, and one without rows, with its predictors, for each of the keys that is not among them."""
    if keys is None:
        return grouped
    names = predictors(request)
    of_keys = [name for name in keys.collect_schema() if name not in names]
    ends = [f(name).alias(new) for name in names for f, new in ((pl.min, name), (pl.max, largest(name)))]
    keys = keys.group_by(of_keys).agg(ends).cache() if names else keys.cache()
    both = unseen.with_unseen(grouped, keys.select(of_keys), request, of_none(request))
    if not names:
        return both
    on = [f"_pool_key_{name}" for name in of_keys]
    new = keys.rename(dict(zip(of_keys, on, strict=True)))
    joined = both.join(new, on=on, how="left", nulls_equal=True, suffix="_new")
    own = (name for x in names for name in (x, largest(x)))
    return joined.with_columns(pl.coalesce(name, f"{name}_new").alias(name) for name in own)


def classes(groups: pl.LazyFrame, constants: pl.LazyFrame, request: MetaRegression) -> pl.LazyFrame:
    """Groups of equal size in one row: their number, the means and covariances of predictors and means.

    Groups whose sampling variance does not depend on their size alone keep their rows.
    """
    if not request.variance_depends_on_n:
        return of_each_group(groups, constants, request)
    flags = bad_predictors(request)
    groups = _about_origins(groups.with_columns(**flags), constants, request)
    counts = {name: pl.col(name).sum() for name in flags}
    sizes = groups.group_by(*request.over, N).agg(VAR.mean(), **sums(request), **counts, _pool_k=pl.len())
    numbers = {"_pool_w": N.cast(pl.Float64), "_pool_k": pl.col("_pool_k").cast(pl.Float64)}
    sizes = sizes.with_columns(N.cast(pl.Float64), **numbers)
    return sizes.select(pl.exclude("_pool_var"), SQUARES).join(constants, how="cross")


def _about_origins(groups: pl.LazyFrame, constants: pl.LazyFrame, request: MetaRegression) -> pl.LazyFrame:
    """The groups with their predictors less a common offset: the mean of years or times would lose digits."""
    names = predictors(request)
    beside = groups.join(constants.select(map(origin, names)), how="cross") if names else groups
    return beside.with_columns(pl.col(name) - pl.col(origin(name)) for name in names).drop(map(origin, names))


def origin(name: str) -> str:
    """The private name of what is subtracted from a predictor."""
    return Column(name, pl.col(name)).pivot


def of_each_group(groups: pl.LazyFrame, constants: pl.LazyFrame, request: MetaRegression) -> pl.LazyFrame:
    """Each group in a row of its own, with what a model depends on."""
    of_rows = (N.cast(pl.Float64), W.cast(pl.Float64), SQUARES)
    statistics = of_rows if not request.published else (W, V) if request.n is None else (N, W, V)
    flags = (flag.cast(pl.UInt32).alias(name) for name, flag in bad_predictors(request).items())
    of_groups = _about_origins(groups.with_columns(flags), constants, request)
    names = [*columns(request), *bad_predictors(request)]
    return of_groups.select(*request.over, *statistics, *names).join(constants, how="cross")
