"""Rows to one row a group: how many, the means of covariates and value, and all cross-products about the means.

One group-by of plain reductions. Columns are taken as deviations from a pivot, so that a common offset costs no digits.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from ...formulas import moments
from ..keys import KEY
from ..oneway import offset as wide
from ..oneway.groups import FIRST, VALUE, WEIGHTS, N, W
from .spec import Regression

COMPLETE = pl.col("_pool_complete")
DROPPED = pl.col("_pool_dropped")


def columns(model: Regression) -> list[str]:
    """The private names of the covariates and, last, of the value."""
    return [*(f"_pool_x{i}" for i in range(len(model.covariates))), "_pool_value"]


def pairs(model: Regression) -> list[tuple[int, int]]:
    count = len(columns(model))
    return [(i, j) for i in range(count) for j in range(i, count)]


def grouped(frame: pl.LazyFrame, model: Regression) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """One row a group: keys, n, w, how many rows lack a value, means less the pivots, cross-products; the constants."""
    return summed(rows(frame, model).cache(), model)


def summed(selected: pl.LazyFrame, model: Regression) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The same from rows as `rows` gives them.

    Where there is no intercept, or several models that may lie at quite different places, there is no pivot.
    """
    dtypes = _wide(selected, model)
    pivots = _offsets(selected, model, dtypes).cache()
    prepared = selected.join(pivots, how="cross").with_columns(_centred(model, dtypes))
    if model.weights is not None:
        prepared = prepared.with_columns(pl.when(COMPLETE & (WEIGHTS > 0)).then(WEIGHTS).alias("_pool_w"))
        counted = [pl.when(W.is_not_null()).then(pl.col(name)).alias(name) for name in columns(model)]
        prepared = prepared.with_columns(counted)
        prepared = prepared.with_columns((W * pl.col(name)).alias(f"{name}_w") for name in columns(model))
    found = prepared.group_by(*model.keys).agg(**_sums(model))
    return _statistics(found, model), _constants(selected, pivots.select(f"{c}_pivot" for c in columns(model)), model)


def rows(frame: pl.LazyFrame, model: Regression, *keep: pl.Expr) -> pl.LazyFrame:
    """The columns a model needs, Float64 at once, and whether a row has them all; wide types as they are, too."""
    given = dict(zip(columns(model), (*model.covariates, model.value), strict=True))
    cast = [e.cast(pl.Float64).alias(name) for name, e in given.items()]
    dtypes = frame.select(e.alias(name) for name, e in given.items()).collect_schema()
    cast += [e.alias(f"{name}_exact") for name, e in given.items() if wide.is_wide(dtypes[name])]
    weights = [] if model.weights is None else [model.weights.cast(pl.Float64).alias("_pool_weights")]
    chosen = frame.select(*keep, *(e.name.prefix(KEY) for e in model.key_columns), *cast, *weights)
    if model.nan == "null":
        chosen = finite(chosen, given)
    return chosen.with_columns(pl.all_horizontal(pl.col(name).is_not_null() for name in given).alias("_pool_complete"))


def finite(frame: pl.LazyFrame, names: Iterable[str]) -> pl.LazyFrame:
    """The frame with null for numbers in these columns that are NaN or infinite."""
    return frame.with_columns(pl.when(pl.col(name).is_finite()).then(pl.col(name)) for name in names)


def _wide(rows: pl.LazyFrame, model: Regression) -> dict[str, pl.DataType]:
    """The types of the columns that can hold more digits than Float64, where offsets are taken off."""
    if model.over or not model.intercept:
        return {}
    schema = rows.collect_schema()
    return {name: schema[f"{name}_exact"] for name in columns(model) if f"{name}_exact" in schema}


def _centred(model: Regression, dtypes: dict[str, pl.DataType]) -> list[pl.Expr]:
    """The columns less their pivots, null in rows that lack one of them."""
    less = {name: pl.col(name) - pl.col(f"{name}_pivot") for name in columns(model)}
    for name, dtype in dtypes.items():
        exact = wide.integer(pl.col(f"{name}_exact"), dtype)
        less[name] = wide.difference(exact, pl.col(f"{name}_origin"), dtype)
    return [pl.when(COMPLETE).then(e).alias(name) for name, e in less.items()]


def _offsets(rows: pl.LazyFrame, model: Regression, dtypes: dict[str, pl.DataType]) -> pl.LazyFrame:
    """The offset that the first rows have in common, a column each, 0 where there is none; exact for wide types."""
    names = columns(model)
    if model.over or not model.intercept:
        return pl.LazyFrame({f"{name}_pivot": [0.0] for name in names})
    first = rows.filter(COMPLETE & pl.all_horizontal(pl.col(name).is_finite() for name in names)).head(FIRST)
    offsets = first.select(
        *(pl.col(name).first().fill_null(0.0).alias(f"{name}_first") for name in names),
        *(pl.col(name).mean().fill_null(0.0).alias(f"{name}_mean") for name in names),
        *(pl.col(name).std().fill_null(0.0).alias(f"{name}_std") for name in names),
        *(
            wide.integer(pl.col(f"{name}_exact"), dtype).first().fill_null(0).alias(f"{name}_origin")
            for name, dtype in dtypes.items()
        ),
    )
    offsets = offsets.select(
        *(pl.when(_near(name)).then(f"{name}_first").otherwise(0.0).alias(f"{name}_pivot") for name in names),
        *(pl.when(_near(name)).then(f"{name}_origin").otherwise(0).alias(f"{name}_origin") for name in dtypes),
    )
    both = {name: wide.offset(pl.col(f"{name}_origin"), dtype) for name, dtype in dtypes.items()}
    return offsets.with_columns(
        *(near.alias(f"{name}_pivot") for name, (near, _) in both.items()),
        *(equal.alias(f"{name}_origin") for name, (_, equal) in both.items()),
    )


def _near(name: str) -> pl.Expr:
    """Whether the first values of a column have an offset in common."""
    first, mean, std = (pl.col(f"{name}_{statistic}") for statistic in ("first", "mean", "std"))
    return (std < mean.abs() / 8) & ((first - mean).abs() < mean.abs() / 8)


def _sums(model: Regression) -> dict[str, pl.Expr]:
    """Plain reductions: the means and covariances centre before they multiply."""
    names = columns(model)
    dropped = {"_pool_dropped": COMPLETE.not_().sum()}
    if model.weights is None:
        means = {f"{name}_mean": pl.col(name).mean() for name in names}
        covariances = {f"_pool_cov{i}_{j}": _covariance(names[i], names[j]) for i, j in pairs(model)}
        return {"_pool_n": VALUE.count().cast(pl.Float64)} | dropped | means | covariances
    sums = {f"{name}_sum": pl.col(f"{name}_w").sum() for name in names}
    covariances = {f"_pool_cov{i}_{j}": pl.cov(f"{names[i]}_w", names[j]) for i, j in pairs(model)}
    with_weights = {f"_pool_cov_w{j}": pl.cov("_pool_w", name) for j, name in enumerate(names)}
    count = {"_pool_n": W.count().cast(pl.Float64), "_pool_w": W.sum()}
    return count | dropped | sums | covariances | with_weights


def _covariance(a: str, b: str) -> pl.Expr:
    return pl.col(a).var() if a == b else pl.cov(a, b)


def _statistics(found: pl.LazyFrame, model: Regression) -> pl.LazyFrame:
    """Means and cross-products of a group from its sums."""
    names = columns(model)
    if model.weights is None:
        products = [
            moments.squares(N, pl.col(f"_pool_cov{i}_{j}")).alias(f"_pool_cross{i}_{j}") for i, j in pairs(model)
        ]
        return found.with_columns(_pool_w=N).select(pl.all().exclude("^_pool_cov.*$"), *products)
    products = [
        moments.squares_between(
            N, pl.col(f"{names[i]}_sum"), W, pl.col(f"_pool_cov{i}_{j}"), pl.col(f"_pool_cov_w{j}")
        ).alias(f"_pool_cross{i}_{j}")
        for i, j in pairs(model)
    ]
    means = [pl.when(W > 0).then(pl.col(f"{name}_sum") / W).alias(f"{name}_mean") for name in names]
    kept = pl.col(*model.keys, "_pool_n", "_pool_w", "_pool_dropped")
    return found.select(kept, *means, *products)


def _constants(rows: pl.LazyFrame, pivots: pl.LazyFrame, model: Regression) -> pl.LazyFrame:
    """One row: the pivots, and how many rows have a bad weight."""
    if model.weights is None:
        return pivots
    improper = WEIGHTS.is_null() | ~((WEIGHTS >= 0) & (np.inf > WEIGHTS))
    # Joined before it is summed, so that the count awaits the pivots as the groups do.
    counted = rows.select(_pool_bad_weights=improper & COMPLETE).join(pivots, how="cross")
    return pivots.join(counted.select(pl.col("_pool_bad_weights").sum()), how="cross")
