"""Rows to one row per group with its predictors, and groups of equal size to one row with their cross-products."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from .. import unseen
from ..oneway.components import SQUARES
from ..oneway.groups import VAR, N, V, W, largest, predictors
from ..oneway.unseen import of_none
from .spec import MetaRegression

VARYING = "_pool_varying_"  # prefix of the number of groups in which a predictor varies


def columns(request: MetaRegression) -> list[str]:
    """The private names of the predictors and, last, of the mean."""
    return [*predictors(request), "_pool_y"]


def pairs(request: MetaRegression) -> Iterator[tuple[int, int, str]]:
    """The pairs of these columns, each once, and the name of their covariance."""
    count = len(columns(request))
    return ((i, j, f"_pool_cov{i}_{j}") for i in range(count) for j in range(i, count))


def varying(request: MetaRegression) -> dict[str, pl.Expr]:
    """Whether each predictor varies within the group."""
    return {
        VARYING + name.removeprefix("_pool_"): (pl.col(largest(name)) > pl.col(name)) & W.is_not_null()
        for name in predictors(request)
    }


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
    groups = groups.with_columns(**varying(request))
    flags = [pl.col(f"^{VARYING}.*$")]
    if request.variance_depends_on_n:
        covariances = [
            (pl.col(a).var(ddof=0) if a == b else pl.cov(a, b, ddof=0)).alias(name)
            for i, j, name in pairs(request)
            for a, b in [(columns(request)[i], columns(request)[j])]
        ]
        means = [pl.col(name).mean() for name in columns(request)]
        sizes = groups.group_by(*request.over, N).agg(
            *means, VAR.mean(), *covariances, *(e.sum() for e in flags), _pool_k=pl.len().cast(pl.Float64)
        )
        sizes = sizes.with_columns(N.cast(pl.Float64), _pool_w=N.cast(pl.Float64))
        of_groups = sizes.select(pl.exclude("_pool_var"), SQUARES)
    else:
        statistics = (N, W, SQUARES) if not request.published else (W, V) if request.n is None else (N, W, V)
        names = columns(request)
        of_groups = groups.select(*request.over, *statistics, *names, *(e.cast(pl.UInt32) for e in flags))
    return of_groups.join(constants, how="cross")
