"""Rows to one row per group: number of rows, means of covariates and value, and all cross-products about the means.

One group-by of plain reductions. Columns are taken as deviations from a pivot, so that a common offset costs no digits.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from ...formulas import moments
from .. import offset as wide
from ..keys import KEY
from ..pivot import Column, no_pivots, pivots
from ..refuse import counted, improper
from .spec import Regression

COMPLETE = pl.col("_pool_complete")
VALUE, WEIGHTS, N, W = (pl.col(f"_pool_{name}") for name in ("value", "weights", "n", "w"))


def columns(request: Regression) -> list[str]:
    """The private names of the covariates and, last, of the value."""
    return [*(f"_pool_x{i}" for i in range(len(request.covariates))), "_pool_value"]


def pairs(request: Regression) -> list[tuple[int, int]]:
    """The pairs of columns, each once, with a cross-product each."""
    count = len(columns(request))
    return [(i, j) for i in range(count) for j in range(i, count)]


def grouped(frame: pl.LazyFrame, request: Regression) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """One row per group: keys, n, w, incomplete rows, means less the pivots, cross-products; and the constants."""
    return summed(rows(frame, request).cache(), request)


def summed(selected: pl.LazyFrame, request: Regression) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """One row per group, and the constants, from rows as `rows` returns them.

    There is no pivot without an intercept, or with several models, whose values may lie far apart.
    """
    numbers, offsets = _pivots(selected, request)
    centred = [pl.when(COMPLETE).then(column.centred).alias(column.name) for column in numbers]
    prepared = selected.join(offsets, how="cross").with_columns(centred)
    if request.weights is not None:
        prepared = prepared.with_columns(pl.when(COMPLETE & (WEIGHTS > 0)).then(WEIGHTS).alias("_pool_w"))
        weighted = [pl.when(W.is_not_null()).then(pl.col(name)).alias(name) for name in columns(request)]
        prepared = prepared.with_columns(weighted)
        prepared = prepared.with_columns((W * pl.col(name)).alias(f"{name}_w") for name in columns(request))
    sums = prepared.group_by(*request.keys).agg(**_sums(request))
    bad = {} if request.weights is None else {"weights": improper(WEIGHTS) & COMPLETE}
    return _statistics(sums, request), counted(selected, bad, offsets.select(column.pivot for column in numbers))


def _pivots(rows: pl.LazyFrame, request: Regression) -> tuple[list[Column], pl.LazyFrame]:
    """The columns, exact where their type holds more digits than Float64, and their pivots."""
    names = columns(request)
    if request.over or not request.intercept:
        numbers = [Column(name, pl.col(name)) for name in names]
        return numbers, no_pivots(numbers)
    schema = rows.collect_schema()

    def column(name: str) -> Column:
        dtype = schema.get(f"{name}_exact")
        if dtype is None:
            return Column(name, pl.col(name))
        return Column(name, pl.col(name), wide.integer(pl.col(f"{name}_exact"), dtype), dtype)

    numbers = [column(name) for name in names]
    return numbers, pivots(rows, numbers).cache()


def rows(frame: pl.LazyFrame, request: Regression, *keep: pl.Expr) -> pl.LazyFrame:
    """The columns that a model needs, as Float64, wide types also exactly; and whether a row has all of them."""
    numbers = dict(zip(columns(request), (*request.covariates, request.value), strict=True))
    cast = [e.cast(pl.Float64).alias(name) for name, e in numbers.items()]
    dtypes = frame.select(e.alias(name) for name, e in numbers.items()).collect_schema()
    cast += [e.alias(f"{name}_exact") for name, e in numbers.items() if wide.is_wide(dtypes[name])]
    weights = [] if request.weights is None else [request.weights.cast(pl.Float64).alias("_pool_weights")]
    chosen = frame.select(*keep, *(e.name.prefix(KEY) for e in request.key_columns), *cast, *weights)
    if request.nan == "null":
        chosen = finite(chosen, numbers)
    return chosen.with_columns(
        pl.all_horizontal(pl.col(name).is_not_null() for name in numbers).alias("_pool_complete")
    )


def finite(frame: pl.LazyFrame, names: Iterable[str]) -> pl.LazyFrame:
    """The frame with null in place of NaN and infinite numbers in some columns."""
    return frame.with_columns(pl.when(pl.col(name).is_finite()).then(pl.col(name)) for name in names)


def _sums(request: Regression) -> dict[str, pl.Expr]:
    """Plain reductions; means and covariances centre before they multiply."""
    names = columns(request)
    dropped = {"_pool_dropped": COMPLETE.not_().sum()}
    if request.weights is None:
        means = {f"{name}_mean": pl.col(name).mean() for name in names}
        covariances = {f"_pool_cov{i}_{j}": _covariance(names[i], names[j]) for i, j in pairs(request)}
        return {"_pool_n": VALUE.count().cast(pl.Float64)} | dropped | means | covariances
    sums = {f"{name}_sum": pl.col(f"{name}_w").sum() for name in names}
    covariances = {f"_pool_cov{i}_{j}": pl.cov(f"{names[i]}_w", names[j]) for i, j in pairs(request)}
    with_weights = {f"_pool_cov_w{j}": pl.cov("_pool_w", name) for j, name in enumerate(names)}
    count = {"_pool_n": W.count().cast(pl.Float64), "_pool_w": W.sum()}
    return count | dropped | sums | covariances | with_weights


def _covariance(a: str, b: str) -> pl.Expr:
    return pl.col(a).var() if a == b else pl.cov(a, b)


def _statistics(sums: pl.LazyFrame, request: Regression) -> pl.LazyFrame:
    """Means and cross-products of each group from its sums."""
    names = columns(request)
    if request.weights is None:
        products = [
            moments.squares(N, pl.col(f"_pool_cov{i}_{j}")).alias(f"_pool_cross{i}_{j}") for i, j in pairs(request)
        ]
        return sums.with_columns(_pool_w=N).select(pl.all().exclude("^_pool_cov.*$"), *products)
    products = [
        moments.squares_between(
            N, pl.col(f"{names[i]}_sum"), W, pl.col(f"_pool_cov{i}_{j}"), pl.col(f"_pool_cov_w{j}")
        ).alias(f"_pool_cross{i}_{j}")
        for i, j in pairs(request)
    ]
    means = [pl.when(W > 0).then(pl.col(f"{name}_sum") / W).alias(f"{name}_mean") for name in names]
    kept = pl.col(*request.keys, "_pool_n", "_pool_w", "_pool_dropped")
    return sums.select(kept, *means, *products)
