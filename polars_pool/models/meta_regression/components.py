"""One row per group to one row per model: sigma2, tau2, the coefficients, and inferences."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas.shrink import icc
from .. import warning
from ..keys import public
from ..oneway.components import in_models
from ..oneway.groups import grouped, predictors
from ..tables import WHOLE, series
from . import inference
from .design import Design
from .fit import Fitted, fit
from .groups import classes, origin, pairs
from .refuse import bad_rows, causes, dependent
from .spec import MetaRegression
from .terms import Terms, terms

STATISTICS: dict[str, pl.DataType] = {
    "groups": pl.Int64(),
    "n": pl.Int64(),
    **dict.fromkeys(("sigma2", "tau2", "icc", "df_prior", "sigma2_prior", *inference.STATISTICS), pl.Float64()),
    "converged": pl.Boolean(),
}
ERRORS = ("_pool_error", "_pool_correction")  # variance and minus bias of tau2


def components_schema(_request: MetaRegression) -> dict[str, pl.DataType]:
    """The columns of `components` after the keys."""
    return STATISTICS


def components(frame: pl.LazyFrame, request: MetaRegression) -> pl.LazyFrame:
    """One row per model, under public names."""
    groups, constants = grouped(frame, request)
    models = of_classes(classes(groups, constants, request), request, of_models, STATISTICS)
    return models.select(*public(*request.over_names), *STATISTICS)


def of_classes(
    of_groups: pl.LazyFrame, request: MetaRegression, function: Any, schema: dict[str, pl.DataType]
) -> pl.LazyFrame:
    """What a function of the fitted models returns, one row or several per model, after the keys of the models."""
    keys = of_groups.select(*request.over).collect_schema() if request.over else {}
    call = partial(in_memory, request=request, function=function, schema=schema)
    return of_groups.map_batches(call, schema=pl.Schema({**keys, **schema}), **WHOLE)


def private(request: MetaRegression) -> dict[str, pl.DataType]:
    """The columns of a model that its groups need: variances, and the coefficients with their centres and errors."""
    count = len(request.terms)
    centred = [f"_pool_{place}{i}" for i in range(1, count) for place in ("origin", "centre")]
    covariances = [name for _, _, name in covariance_columns(count)]
    names = ["_pool_pivot", *ERRORS, *centred, *(f"_pool_b{i}" for i in range(count)), *covariances, "_pool_fitted"]
    of_model = ("groups", "sigma2", "tau2", "df_prior", "sigma2_prior")
    return {**dict.fromkeys(of_model, pl.Float64()), **dict.fromkeys(names, pl.Float64())}


def covariance_columns(count: int) -> list[tuple[int, int, str]]:
    """The pairs of terms and the names of their covariances."""
    return [(i, j, f"_pool_error{i}_{j}") for i in range(count) for j in range(i, count)]


# ---- in memory ------------------------------------------------------------------------------------------------------


def in_memory(table: pl.DataFrame, request: MetaRegression, function: Any, schema: Any) -> pl.DataFrame:
    """What a function of the fitted models returns, from a table of groups or of classes of groups."""
    bad_rows(table, request)
    names = [name for name in table.columns if name not in (*request.over, "_pool_pivot")]
    models, rows, lengths = in_models(table, request.over, names)
    counted = rows["_pool_w"].fill_null(0.0).to_numpy() > 0
    if not counted.all():
        lengths = np.bincount(np.repeat(np.arange(len(lengths)), lengths)[counted], minlength=len(lengths))
        rows = rows.filter(counted)
    present = np.flatnonzero(lengths)
    fitted = None
    if present.size:
        start = np.cumsum(lengths)[present] - lengths[present]
        fitted = fit(_design(rows, start, request), request.published, request.hyperparameters)
        dependent(fitted, request)
        warning.warn(causes(fitted, request), request.caller)
    return pl.DataFrame(function(models, present, fitted, request, schema))


def _design(rows: pl.DataFrame, start: Array, request: MetaRegression) -> Design:
    """The groups of models, which begin at these rows."""

    def column(name: str, default: Array | None = None) -> Array:
        values = rows.get_column(f"_pool_{name}", default=None)
        return values.to_numpy() if values is not None else default  # type: ignore[return-value]

    y = column("y")
    one, none = np.ones(len(y)), np.zeros(len(y))
    x, origins = _predictors(rows, start, request)
    n = one if request.published and request.n is None else column("n", one)
    spread = None
    if "_pool_k" in rows.columns:
        count = len(x)
        spread = np.zeros((count + 1, count + 1, len(y)))
        for i, j, name in pairs(request):
            spread[i + 1, j + 1] = spread[j + 1, i + 1] = rows[name].to_numpy()
    return Design(
        start,
        n=n,
        w=n if request.published else column("w"),
        squares=none if request.published else column("squares"),
        v=column("v") if request.published else none,
        y=y,
        x=x,
        origin=origins,
        spread=spread,
        k=rows["_pool_k"].to_numpy() if "_pool_k" in rows.columns else None,
    )


def _predictors(rows: pl.DataFrame, start: Array, request: MetaRegression) -> tuple[Array, Array]:
    """Z, whose first row is 1; and of each model what its predictors are less of."""
    names = predictors(request)
    one, none = np.ones(rows.height), np.zeros(len(start))
    x = np.vstack([one, *(rows[name].to_numpy() for name in names)])
    return x, np.vstack([none, *(rows[origin(name)].to_numpy()[start] for name in names)])


def of_models(
    models: pl.DataFrame, present: Array, fitted: Fitted | None, request: MetaRegression, schema: Any
) -> list[pl.Series]:
    """The statistics of every model; one without groups has its known variances."""
    statistics = _known(models.height, request)
    if fitted is not None:
        of_fitted = components_of(fitted) | inference.inferred(fitted, request.options)
        for name, values in of_fitted.items():
            statistics[name][present] = values
    if request.published and request.n is None:
        statistics["n"] = np.full(models.height, np.nan)
    return [*(models[key] for key in request.over), *(series(name, statistics[name], t) for name, t in schema.items())]


def of_groups(
    models: pl.DataFrame, present: Array, fitted: Fitted | None, request: MetaRegression, schema: Any
) -> list[pl.Series]:
    """What the groups of every model need."""
    statistics = _known(models.height, request)
    pivot = models["_pool_pivot"].to_numpy()
    statistics |= {name: np.full(models.height, np.nan) for name in schema if name not in statistics}
    statistics["_pool_pivot"] = pivot
    if fitted is not None:
        of_fitted = components_of(fitted) | of_terms(terms(fitted, pivot[present]))
        if request.error_of_tau2:
            of_fitted |= dict(zip(ERRORS, inference.error_of_tau2(fitted), strict=True))
        for name, values in of_fitted.items():
            statistics[name][present] = values
    return [*(models[key] for key in request.over), *(series(name, statistics[name], t) for name, t in schema.items())]


def _known(height: int, request: MetaRegression) -> dict[str, Array]:
    """The components of models without groups."""
    h = request.hyperparameters
    statistics = {name: np.full(height, np.nan) for name in STATISTICS}
    statistics |= {"groups": np.zeros(height), "n": np.zeros(height), "converged": np.zeros(height, dtype=bool)}
    for name, value in (("sigma2", h.known_sigma2), ("tau2", h.known_tau2)):
        if value is not None:
            statistics[name] = np.full(height, value)
    return statistics


def components_of(f: Fitted) -> dict[str, Array]:
    square = f.unit * f.unit
    sigma2, tau2 = f.sigma2 * square, f.tau2 * square
    with np.errstate(all="ignore"):
        share = np.asarray(icc(tau2, sigma2))
    return {
        "groups": f.g.groups,
        "n": f.g.rows,
        "sigma2": sigma2,
        "tau2": tau2,
        "icc": share,
        "df_prior": f.df_prior,
        "sigma2_prior": f.sigma2_prior,
        "converged": f.converged & f.known & f.regular,
    }


def of_terms(t: Terms) -> dict[str, Array]:
    count = t.beta.shape[1]
    columns = {f"_pool_centre{i}": t.centre[:, i] for i in range(1, count)}
    columns |= {f"_pool_origin{i}": t.origin[:, i] for i in range(1, count)}
    columns |= {f"_pool_b{i}": t.beta[:, i] for i in range(count)}
    columns |= {name: t.covariance[:, i, j] for i, j, name in covariance_columns(count)}
    return columns | {"_pool_fitted": t.exact * 1.0}
