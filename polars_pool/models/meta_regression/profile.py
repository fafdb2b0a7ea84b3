"""Rows to one row per model and tau: the residual Q and the log likelihoods along a grid of tau, and the estimates."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ..columns import with_steps
from ..joins import beside_models
from ..keys import public
from ..oneway.estimators import Statistics
from ..oneway.groups import grouped
from ..oneway.pooling import errors, pooled
from ..oneway.spec import Options
from ..tables import series
from .components import components_of, of_classes, of_terms, private
from .estimators import AT_TAU2
from .fit import Fitted, at_variances
from .groups import classes
from .inference import Curve, profile_limits
from .pooling import fitted, of_model
from .spec import MetaRegression
from .terms import terms

STATISTICS = ("tau", "sigma2", "q", "log_likelihood", "restricted_log_likelihood")
ESTIMATES = ("tau", "estimate", "se")
POINTS, LEVEL = 61, 0.99  # of the grid by default: so many, up to the limit of tau by the restricted profile


def columns(groups: bool) -> tuple[str, ...]:
    """The columns of a profile after the keys."""
    return ESTIMATES if groups else STATISTICS


def profiles(
    frame: pl.LazyFrame, request: MetaRegression, grid: tuple[float, ...] | None, of_groups: bool
) -> pl.LazyFrame:
    """One row per model and tau, or one per model, tau and group, under public names."""
    means, constants = grouped(frame, request)
    of_sizes = classes(means, constants, request)
    if not of_groups:
        schema: dict[str, pl.DataType] = dict.fromkeys(STATISTICS, pl.Float64())
        points = of_classes(of_sizes, request, partial(of_points, grid=grid), schema)
        return points.select(*public(*request.over_names), *STATISTICS)
    schema = private(request) | {"_pool_tau": pl.Float64()}
    points = of_classes(of_sizes, request, partial(of_points, grid=grid), schema)
    of_models = points.select(*request.over, *of_model(request), "_pool_tau")
    of_tau = with_steps(beside_models(means, of_models, request.over, "inner"), fitted(request))
    estimates = with_steps(with_steps(of_tau, pooled(request)), errors(request, Options()))
    names = public(*request.key_names)
    return estimates.select(*names, *(pl.col(f"_pool_{name}").alias(name) for name in ESTIMATES))


def of_points(
    models: pl.DataFrame,
    present: Array,
    f: Fitted | None,
    request: MetaRegression,
    schema: dict[str, pl.DataType],
    grid: tuple[float, ...] | None,
) -> list[pl.Series]:
    """Every model that has groups, at every tau of its grid."""
    if f is None:
        nothing = models.clear()
        return [*(nothing[key] for key in request.over), *(pl.Series(name, [], t) for name, t in schema.items())]
    pivot, none = models["_pool_pivot"].to_numpy()[present], np.full(f.g.models, np.nan)
    with np.errstate(all="ignore"):
        taus = np.array(grid)[:, None] + np.zeros(f.g.models) if grid is not None else _grid(_limit(f))
        rows = [_at(f, tau, pivot) for tau in taus]
    numbers = {name: np.concatenate([row.get(name, none) for row in rows]) for name in schema}
    kept = ~np.isnan(np.concatenate([row["tau"] for row in rows]))
    keys = models[np.tile(present, len(rows))[kept]]
    return [*(keys[key] for key in request.over), *(series(name, numbers[name][kept], t) for name, t in schema.items())]


def _limit(f: Fitted) -> Array:
    """The upper limit of tau by the restricted profile, NaN where the data do not limit it."""
    upper = np.full(f.g.models, np.nan)
    for on_rows, models in ((True, f.joint), (False, f.known & ~f.joint & (f.g.df > 0))):
        if (chosen := np.flatnonzero(models)).size:
            _, upper[chosen] = profile_limits(f, chosen, on_rows, LEVEL)
    return np.asarray(np.sqrt(upper) * f.unit)


def _grid(upper: Array) -> Array:
    """One row per point and one column per model; 0 alone where tau has no limit."""
    grid = upper * np.linspace(0.0, 1.0, POINTS)[:, None]
    grid[0] = 0.0
    return np.where(upper > 0, grid, np.where(grid == 0, grid, np.nan))


def _at(f: Fitted, tau: Array, pivot: Array) -> dict[str, Array]:
    """Every statistic at one tau for each model, and what its groups need."""
    tau2 = (tau / f.unit) ** 2
    on_rows = f.joint & f.known
    sigma2, likely = f.sigma2.copy(), {restricted: np.full(f.g.models, np.nan) for restricted in (False, True)}
    for rows, models in ((True, on_rows), (False, f.identified & f.regular & ~on_rows)):
        chosen = np.flatnonzero(models & ~np.isnan(tau))
        for restricted in likely if chosen.size else ():
            g, curve = f.g.take(chosen), Curve(rows, restricted)
            x = curve.at_tau2(g, tau2[chosen], f.sigma2[chosen])
            likely[restricted][chosen] = curve.log_likelihood(f, chosen, x)
            if rows and restricted:
                sigma2[chosen] = curve.sigma2(g, x)
    at = at_variances(f, sigma2, tau2)
    q = np.where(at.known & f.regular, Statistics(at.g, AT_TAU2, tau2=tau2)["wr2"], np.nan)
    finite = np.where(np.isfinite(q), q, np.nan)
    points = {"q": finite, "log_likelihood": likely[False], "restricted_log_likelihood": likely[True]}
    points |= {"tau": tau, "_pool_tau": tau, "_pool_pivot": pivot}
    return components_of(at) | of_terms(terms(at, pivot)) | points
