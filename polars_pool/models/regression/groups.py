"""Rows to one row per group: number of rows, means of covariates and value, and all cross-products about the means.

One group-by of plain reductions. Columns are taken as deviations from a pivot, so that a common offset costs no digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from ...formulas import moments
from ...formulas.aggregates import count, covariance, mean, total, variance
from ...formulas.elementary import exists, where
from .. import offset as wide
from ..columns import POLARS, Columns, Step, with_steps
from ..keys import KEY
from ..pivot import Column, no_pivots, pivots
from ..refuse import counted, improper
from .spec import Regression


def columns(request: Regression) -> list[str]:
    """The private names of the covariates and, last, of the value."""
    return [*(f"_pool_x{i}" for i in range(len(request.covariates))), "_pool_value"]


def pairs(request: Regression) -> list[tuple[int, int]]:
    """The pairs of columns, each once, with a cross-product each."""
    count = len(columns(request))
    return [(i, j) for i in range(count) for j in range(i, count)]


def statistics_columns(request: Regression) -> list[str]:
    """The names of the statistics of a group."""
    means = [f"{name}_mean" for name in columns(request)]
    return ["_pool_n", "_pool_w", "_pool_dropped", *means, *(f"_pool_cross{i}_{j}" for i, j in pairs(request))]


def grouped(frame: pl.LazyFrame, request: Regression) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """One row per group: keys, n, w, incomplete rows, means less the pivots, cross-products; and the constants."""
    return summed(rows(frame, request).cache(), request)


def summed(selected: pl.LazyFrame, request: Regression) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """One row per group, and the constants, from rows as `rows` returns them.

    There is no pivot without an intercept, or with several models, whose values may lie far apart.
    """
    numbers, offsets = _pivots(selected, request)
    steps = prepared({column.name: column.centred for column in numbers}, request)
    prepared_rows = with_steps(selected.join(offsets, how="cross"), steps)
    aggregates = sums(request) | {"_pool_dropped": POLARS.complete.not_().sum()}
    groups = with_steps(prepared_rows.group_by(*request.keys).agg(**aggregates), statistics(request))
    groups = groups.select(*request.keys, *statistics_columns(request))
    pivots = offsets.select(column.pivot for column in numbers)
    return groups, counted(selected, bad_columns(request), pivots, request.design.factors)


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
    keys = (e.name.prefix(KEY) for e in request.key_columns)
    chosen = frame.select(*keep, *keys, *cast, *weights, *request.design.unseen)
    if request.nan == "null":
        chosen = finite(chosen, numbers)
    return chosen.with_columns(
        pl.all_horizontal(pl.col(name).is_not_null() for name in numbers).alias("_pool_complete")
    )


def finite(frame: pl.LazyFrame, names: Iterable[str]) -> pl.LazyFrame:
    """The frame with null in place of NaN and infinite numbers in some columns."""
    return frame.with_columns(pl.when(pl.col(name).is_finite()).then(pl.col(name)) for name in names)


def bad_columns(request: Regression, c: Columns = POLARS) -> dict[str, Any]:
    """The complete rows whose weight is bad."""
    return {} if request.weights is None else {"weights": improper(c.weights) & c.complete}


def prepared(centred: Mapping[str, Any], request: Regression, c: Columns = POLARS) -> list[Step]:
    """The columns less their pivots, and their products with the weights; missing in a row that does not count."""
    names = columns(request)
    steps: list[Step] = [{name: where(c.complete, centred[name], None) for name in names}]
    if request.weights is None:
        return steps
    steps.append({"_pool_w": where(c.complete & (c.weights > 0), c.weights, None)})
    steps.append({name: where(exists(c.w), c.column(name), None) for name in names})
    return [*steps, {f"{name}_w": c.w * c.column(name) for name in names}]


def sums(request: Regression, c: Columns = POLARS) -> dict[str, Any]:
    """Plain reductions of prepared columns; means and covariances centre before they multiply."""
    names = columns(request)
    if request.weights is None:
        means = {f"{name}_mean": mean(c.column(name)) for name in names}
        covariances = {f"_pool_cov{i}_{j}": _covariance(c, names[i], names[j]) for i, j in pairs(request)}
        return {"_pool_n": count(c.value)} | means | covariances
    of_products = {f"{name}_sum": total(c.column(f"{name}_w")) for name in names}
    covariances = {f"_pool_cov{i}_{j}": _covariance(c, f"{names[i]}_w", names[j]) for i, j in pairs(request)}
    with_weights = {f"_pool_cov_w{j}": _covariance(c, "_pool_w", name) for j, name in enumerate(names)}
    return {"_pool_n": count(c.w), "_pool_w": total(c.w)} | of_products | covariances | with_weights


def _covariance(c: Columns, a: str, b: str) -> Any:
    return variance(c.column(a)) if a == b else covariance(c.column(a), c.column(b))


def statistics(request: Regression, c: Columns = POLARS) -> list[Step]:
    """Means and cross-products of a group from its sums."""
    names = columns(request)
    covariances = {(i, j): c.column(f"_pool_cov{i}_{j}") for i, j in pairs(request)}
    if request.weights is None:
        cross = {f"_pool_cross{i}_{j}": moments.squares(c.n, cov) for (i, j), cov in covariances.items()}
        return [{"_pool_w": c.n} | cross]
    of_products = {name: c.column(f"{name}_sum") for name in names}
    means = {f"{name}_mean": where(c.w > 0, of_product / c.w, None) for name, of_product in of_products.items()}
    cross = {
        f"_pool_cross{i}_{j}": moments.squares_between(
            c.n, of_products[names[i]], c.w, cov, c.column(f"_pool_cov_w{j}")
        )
        for (i, j), cov in covariances.items()
    }
    return [means | cross]
