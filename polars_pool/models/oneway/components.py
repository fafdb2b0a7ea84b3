"""One row a group to one row a model: sigma2, tau2 and mu of every model at once.

With one sigma2 the groups enter only through their size, so they are grouped once more by n: ten million groups become
about a thousand rows, and those alone are materialised.
"""

from __future__ import annotations

from dataclasses import fields
from functools import partial

import numpy as np
import polars as pl

from ...formulas import moments
from ...numerics.arrays import Array
from .. import warning
from ..keys import public
from ..many import Groups
from ..tables import WHOLE, series
from . import inference
from .fit import Components, fitted
from .groups import PIVOT, VALUE, VAR, N, V, W, Y
from .refuse import bad_rows
from .spec import Model
from .uncertainty import error_of_tau2

STATISTICS: dict[str, pl.DataType] = {
    "groups": pl.Int64(),
    "n": pl.Int64(),
    "sigma2": pl.Float64(),
    "tau2": pl.Float64(),
    "mu": pl.Float64(),
    "se_mu": pl.Float64(),
    "icc": pl.Float64(),
    "df_prior": pl.Float64(),
    "sigma2_prior": pl.Float64(),
    **dict.fromkeys(inference.STATISTICS, pl.Float64()),
    "converged": pl.Boolean(),
}
MODEL = "_pool_model"
SQUARES = moments.above_rounding(N, moments.squares(N, VAR), Y).alias("_pool_squares")


def components(
    classes: pl.LazyFrame, constants: pl.LazyFrame, model: Model, asked: inference.Question | None = None
) -> pl.LazyFrame:
    """One row a model, and the pivot; what lies below keeps streaming. With a question, what is inferred too."""
    keys = classes.select(*model.over).collect_schema()
    statistics = {name: dtype for name, dtype in STATISTICS.items() if asked or name not in inference.STATISTICS}
    return classes.join(constants, how="cross").map_batches(
        partial(estimated, model=model, asked=asked),
        schema=pl.Schema({**keys, **statistics, **dict.fromkeys(_private(model), pl.Float64())}),
        **WHOLE,
    )


def _private(model: Model) -> tuple[str, ...]:
    """What else is told of a model, under private names."""
    return ("_pool_pivot", "_pool_error", "_pool_correction") if model.tau2_error else ("_pool_pivot",)


def classes(groups: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """Groups of equal size in one row: how many, the mean and spread of their means, their mean squares within."""
    if model.sized:
        return _by_size(groups, model, k=pl.len().cast(pl.Float64))
    return groups.select(*model.over, *_columns(model))


def classes_of_table(table: pl.DataFrame, model: Model) -> pl.DataFrame:
    """The same from a table in memory whose rows carry the constants of the query."""
    constants = pl.col("^_pool_(pivot|bad_.*)$")
    if not model.sized:
        return table.select(*model.over, *_columns(model), constants)
    return classes(table.lazy(), model).join(table.lazy().select(constants).head(1), how="cross").collect()


def classes_of_rows(rows: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """The same from rows that carry the moments of their group, where each group stands n times."""
    if model.sized:
        counting = rows.with_columns(pl.when(VALUE.is_not_null()).then(e) for e in (Y, VAR))
        return _by_size(counting, model, k=VALUE.count() / N.first())
    return classes(rows.group_by(*model.keys).agg(e.first() for e in (N, W, Y, VAR)), model)


def _columns(model: Model) -> tuple[pl.Expr, ...]:
    """What a model needs to know of a group."""
    if model.input != "published":
        return N, W, Y, SQUARES
    return (W, Y, V) if model.n is None else (N, W, Y, V)


def _by_size(groups: pl.LazyFrame, model: Model, k: pl.Expr) -> pl.LazyFrame:
    found = groups.group_by(*model.over, N).agg(Y.mean(), VAR.mean(), _pool_k=k, _pool_spread=Y.var(ddof=0))
    return found.with_columns(_pool_w=N).with_columns(SQUARES)


def result(components: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """Keys and statistics under their public names."""
    return components.select(*public(*model.over_names), *STATISTICS)


def estimated(table: pl.DataFrame, model: Model, asked: inference.Question | None = None) -> pl.DataFrame:
    """The components of every model in a table of classes; a model without groups has what was given."""
    bad_rows(table, model)
    models, pivot, groups, present = by_model(table, model)
    found = _as_given(model, pivot)
    inferred = {name: np.full(models.height, np.nan) for name in inference.STATISTICS if asked}
    error, correction = (np.full(models.height, 0.0 if isinstance(model.tau2, float) else np.nan) for _ in range(2))
    if groups is not None:
        arguments = (model.input == "published", model.sigma2, model.tau2, model.mu)
        estimates, groups = fitted(groups, *arguments)
        for field in fields(Components):
            getattr(found, field.name)[present] = getattr(estimates, field.name)
        if asked:
            answers = inference.inferred(inference.Fitted(groups, estimates, *arguments), pivot[present], asked)
            found.se_mu[present] = answers.pop("se_mu")
            for name, answer in answers.items():
                inferred[name][present] = answer
        if model.tau2_error:
            error[present], correction[present] = error_of_tau2(groups, estimates, *arguments[:3])
    warning.warn(causes(found, model), model.caller)
    statistics = {name: getattr(found, name) for name in STATISTICS if name not in inference.STATISTICS}
    statistics |= inferred | {"_pool_pivot": pivot, "_pool_error": error, "_pool_correction": correction}
    statistics["mu"] = np.full(models.height, model.mu) if isinstance(model.mu, float) else found.mu + pivot
    if model.input == "published" and model.n is None:
        statistics["n"] = np.full(models.height, np.nan)
    dtypes = {name: dtype for name, dtype in STATISTICS.items() if name in statistics}
    dtypes |= dict.fromkeys(_private(model), pl.Float64())
    return models.select(*model.over, *(series(name, statistics[name], dtype) for name, dtype in dtypes.items()))


def causes(found: Components, model: Model) -> dict[str, Array]:
    """The models that give cause for each warning."""
    numbers = (found.groups, found.n, found.sigma2, found.tau2, found.converged)
    return warning.causes(warning.Missing(model.input == "published", *numbers), model.tau2, model.mu)


def by_model(table: pl.DataFrame, model: Model) -> tuple[pl.DataFrame, Array, Groups | None, Array]:
    """The models of a table of classes and their pivots; the groups that have rows, and the models they belong to."""
    models = table.select(*model.over, PIVOT)
    models = models.unique(model.over, maintain_order=True) if model.over else models.head(1)
    pivot = models["_pool_pivot"].to_numpy()
    counted = table if (table["_pool_w"] > 0).all() else table.filter(W > 0)
    if counted.is_empty():
        return models, pivot, None, np.zeros(0, dtype=np.int64)
    return models, pivot, *groups_of(counted, models, model)


def _as_given(model: Model, pivot: Array) -> Components:
    given = {name: getattr(model, name) for name in ("sigma2", "tau2", "mu")}
    sigma2, tau2, mu = (np.full(len(pivot), x if isinstance(x, float) else np.nan) for x in given.values())
    none = np.zeros(len(pivot))
    icc, df_prior, prior = (np.full(len(pivot), np.nan) for _ in range(3))
    return Components(none, none.copy(), sigma2, tau2, mu - pivot, 0 * mu, icc, df_prior, prior, none.astype(bool))


def groups_of(table: pl.DataFrame, models: pl.DataFrame, model: Model) -> tuple[Groups, Array]:
    """The groups that have rows, sorted by model, and the models they belong to."""
    start = present = np.zeros(1, dtype=np.int64)
    if model.over:
        numbered = models.select(*model.over).with_row_index(MODEL)
        table = table.join(numbered, on=model.over, how="left", nulls_equal=True).sort(MODEL)
        present, start = np.unique(table[MODEL].to_numpy(), return_index=True)
    mu = model.mu - models["_pool_pivot"].to_numpy()[present] if isinstance(model.mu, float) else None

    def column(name: str) -> Array:
        return table[f"_pool_{name}"].to_numpy()

    y = column("y")
    one, none, unknown = (np.broadcast_to(constant, y.shape) for constant in (1.0, 0.0, np.nan))
    if model.input == "published":
        n = one if model.n is None else column("n")
        return Groups(start, n=n, w=n, y=y, squares=none, v=column("v"), mu=mu), present
    classes = {name: column(name) for name in ("k", "spread")} if model.sized else {}
    n, w, squares = column("n"), column("w"), column("squares")
    return Groups(start, n=n, w=w, y=y, squares=squares, v=unknown, mu=mu, **classes), present
