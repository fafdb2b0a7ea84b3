"""One row a group to one row a model: sigma2, tau2 and mu of every model at once.

With one sigma2 the groups enter only through their size, so they are grouped once more by n: ten million groups become
about a thousand rows, and those alone are materialised.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import polars as pl

from ..formulas import moments
from .groups import PIVOT, SQUARES, VALUE, WHOLE, N, V, W, Y
from .model import Model, public
from .numpy import Array, Groups
from .refuse import bad_rows
from .solve import Components, solve

STATISTICS: dict[str, pl.DataType] = {
    "groups": pl.Int64(),
    "n": pl.Int64(),
    "sigma2": pl.Float64(),
    "tau2": pl.Float64(),
    "mu": pl.Float64(),
    "se_mu": pl.Float64(),
    "icc": pl.Float64(),
    "converged": pl.Boolean(),
}
MODEL = "_pool_model"
BAD = pl.col("^_pool_bad_.*$")


def components(classes: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """One row a model, and the pivot; what lies below keeps streaming."""
    keys = classes.select(*model.over).collect_schema()
    return classes.map_batches(
        lambda table: estimated(table, model),
        schema=pl.Schema({**keys, **STATISTICS, "_pool_pivot": pl.Float64()}),
        **WHOLE,
    )


def classes(groups: pl.LazyFrame, pivot: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """Groups of equal size in one row: how many, the mean and spread of their means, their mean squares within."""
    if model.sized:
        return _by_size(groups, model, k=pl.len().cast(pl.Float64)).join(pivot, how="cross")
    v = V if model.input == "published" else pl.lit(0.0)
    return groups.select(*model.over, BAD, N, W, Y, SQUARES, v.alias("_pool_v")).join(pivot, how="cross")


def classes_of_rows(rows: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """The same from rows that carry the moments of their group, where each group stands n times; there is no pivot."""
    if model.sized:
        counting = rows.with_columns(pl.when(VALUE.is_not_null()).then(e) for e in (Y, SQUARES))
        found = _by_size(counting, model, k=VALUE.count() / N.first())
    else:
        groups = rows.group_by(*model.keys).agg(pl.col("^_pool_(n|w|y|squares|bad_.*)$").first())
        found = groups.with_columns(_pool_v=pl.lit(0.0))
    return found.with_columns(_pool_pivot=pl.lit(0.0))


def _by_size(groups: pl.LazyFrame, model: Model, k: pl.Expr) -> pl.LazyFrame:
    statistics = {"_pool_k": k, "_pool_spread": Y.var(ddof=0), "_pool_squares": SQUARES.mean()}
    found = groups.group_by(*model.over, N).agg(Y.mean(), BAD.sum(), **statistics)
    return found.with_columns(_pool_w=N, _pool_v=pl.lit(0.0))


def result(components: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """Keys and statistics under their public names."""
    return components.select(*public(*model.over_names), *STATISTICS)


def estimated(table: pl.DataFrame, model: Model) -> pl.DataFrame:
    """The components of every model in a table of classes; a model without groups has what was given."""
    bad_rows(table, model)
    table, models = _numbered(table, model.over)
    pivot = models["_pool_pivot"].to_numpy()
    found = _as_given(model, pivot)
    counted = table.filter(W > 0)
    if not counted.is_empty():
        groups, present = _groups(counted, pivot, model)
        estimates = solve(groups, model.input == "published", model.sigma2, model.tau2, model.mu)
        for field in fields(Components):
            getattr(found, field.name)[present] = getattr(estimates, field.name)
    statistics = {name: getattr(found, name) for name in STATISTICS} | {"_pool_pivot": pivot}
    statistics["mu"] = np.full(models.height, model.mu) if isinstance(model.mu, float) else found.mu + pivot
    if model.input == "published" and model.n is None:
        statistics["n"] = np.full(models.height, np.nan)
    return models.select(*model.over, *(_series(name, x) for name, x in statistics.items()))


def _numbered(table: pl.DataFrame, over: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows sorted by the number of their model, and the models in that order."""
    if not over:
        return table.with_columns(pl.lit(0, pl.UInt32).alias(MODEL)), table.select(PIVOT).head(1)
    models = table.select(*over, PIVOT).unique(list(over), maintain_order=True).with_row_index(MODEL)
    numbered = table.join(models.drop("_pool_pivot"), on=list(over), how="left", nulls_equal=True)
    return numbered.sort(MODEL), models


def _as_given(model: Model, pivot: Array) -> Components:
    given = {name: getattr(model, name) for name in ("sigma2", "tau2", "mu")}
    sigma2, tau2, mu = (np.full(len(pivot), x if isinstance(x, float) else np.nan) for x in given.values())
    none = np.zeros(len(pivot))
    icc = np.full(len(pivot), np.nan)
    return Components(none, none.copy(), sigma2, tau2, mu - pivot, 0 * mu, icc, none.astype(bool))


def _groups(table: pl.DataFrame, pivot: Array, model: Model) -> tuple[Groups, Array]:
    """The groups that have rows, and the models they belong to."""
    number = table[MODEL].to_numpy()
    start = np.flatnonzero(np.diff(number, prepend=-1.0))
    present = number[start]
    n, w, y, v, squares = (table[f"_pool_{name}"].to_numpy() for name in ("n", "w", "y", "v", "squares"))
    squares = moments.above_rounding(n, squares, y)
    k, spread = (table[f"_pool_{name}"].to_numpy() if model.sized else None for name in ("k", "spread"))
    if model.input == "published":
        n = w = n if model.n is not None else np.ones_like(y)
    mu = model.mu - pivot[present] if isinstance(model.mu, float) else None
    return Groups(start, k, n, w, y, spread, squares, v, mu), present


def _series(name: str, values: Array) -> pl.Series:
    dtype = STATISTICS.get(name, pl.Float64())
    if dtype == pl.Boolean:
        return pl.Series(name, values)
    column = pl.Series(name, values, nan_to_null=True)
    return column.round().cast(dtype) if dtype == pl.Int64 else column
