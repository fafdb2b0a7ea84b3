"""Rows to one row per model and tau: mu, its error, Q and the log likelihoods along a grid of tau."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import inference, profile, within
from .. import warning
from ..columns import with_steps
from ..joins import beside_models
from ..keys import public
from ..many import Groups
from ..oneway.components import by_model, classes, fit_models
from ..oneway.fit import Fitted, population
from ..oneway.groups import PIVOT, grouped
from ..oneway.inference import likelihood, profile_limits
from ..oneway.pooling import errors, pooled
from ..oneway.refuse import bad_rows
from ..oneway.spec import OneWay, Options
from ..tables import WHOLE, series
from . import tau as tau_
from .groups import Posteriors, posteriors
from .hierarchy import at_tau

STATISTICS = ("tau", "sigma2", "mu", "se_mu", "q", "log_likelihood", "restricted_log_likelihood")
ESTIMATES = ("tau", "estimate", "se")
PRIVATE = ("_pool_df_prior", "_pool_sigma2_prior", "_pool_pivot")  # of the model, for the estimates of its groups
OF_MODEL = (*(f"_pool_{name}" for name in ("sigma2", "mu", "se_mu", "tau", "tau2", "only")), *PRIVATE)
PolarsFrame = TypeVar("PolarsFrame", pl.DataFrame, pl.LazyFrame)
POINTS, LEVEL = 61, 0.99  # of the grid by default: so many, up to the limit of tau by the restricted profile


def columns(request: OneWay, groups: bool) -> tuple[str, ...]:
    """The columns of a profile after the keys."""
    return ESTIMATES if groups else _statistics(request)


def _statistics(request: OneWay) -> tuple[str, ...]:
    """The statistics of a point; with a prior its posterior density too."""
    return (*STATISTICS, "density") if request.hyperparameters.priors else STATISTICS


def profiles(frame: pl.LazyFrame, request: OneWay, grid: tuple[float, ...] | None, groups: bool) -> pl.LazyFrame:
    """One row per model and tau, or with `groups` one per model, tau and group, under public names."""
    means, constants = grouped(frame, request)
    if groups and request.compressed_by_plan:
        means = means.cache()  # for the bins and the estimates
    points = _points(classes(means, constants, request), request, grid)
    if groups:
        return _of_groups(means, points, request)
    return points.select(*public(*request.over_names), *_statistics(request))


def _points(classes: pl.LazyFrame, request: OneWay, grid: tuple[float, ...] | None) -> pl.LazyFrame:
    """One row per model and tau, and the pivot; the plan below keeps streaming."""
    keys = classes.select(*request.over).collect_schema()
    return classes.map_batches(
        partial(of_classes, request=request, grid=grid),
        schema=pl.Schema({**keys, **dict.fromkeys((*_statistics(request), *PRIVATE), pl.Float64())}),
        **WHOLE,
    )


def of_model(points: PolarsFrame) -> PolarsFrame:
    """The points with what the estimates of groups depend on, under private names."""
    columns = [pl.col(name).alias(f"_pool_{name}") for name in ("sigma2", "mu", "se_mu", "tau")]
    tau2 = (pl.col("tau") * pl.col("tau")).alias("_pool_tau2")
    return points.with_columns(*columns, tau2, pl.lit(value=False).alias("_pool_only"))


def _of_groups(groups: pl.LazyFrame, points: pl.LazyFrame, request: OneWay) -> pl.LazyFrame:
    """One row per model, tau and group: the estimate of the group at each tau."""
    points = of_model(points).select(*request.over, *OF_MODEL)
    joined = beside_models(groups, points, request.over, "inner")
    means = with_steps(with_steps(joined, pooled(request)), errors(request, Options()))
    return means.select(*public(*request.key_names), *(pl.col(f"_pool_{name}").alias(name) for name in ESTIMATES))


# ---- curves ---------------------------------------------------------------------------------------------------------


def of_classes(table: pl.DataFrame, request: OneWay, grid: tuple[float, ...] | None) -> pl.DataFrame:
    """Every model that has groups, at every tau of its grid."""
    bad_rows(table, request)
    models, pivot, groups, present = by_model(table, request)
    if groups is None:
        nothing = [pl.lit(None, pl.Float64).alias(name) for name in (*_statistics(request), *PRIVATE[:-1])]
        return models.clear().select(*request.over, *nothing, PIVOT)
    pivot = pivot[present]
    posterior = posteriors(table, request) if request.hyperparameters.priors else None
    with np.errstate(all="ignore"):
        statistics = _curves_of_groups(groups, request, grid, posterior)
    times = len(statistics["tau"]) // len(present)
    statistics["mu"] = statistics["mu"] + np.tile(pivot, times)
    statistics["_pool_pivot"] = np.tile(pivot, times)
    for name in _statistics(request):
        statistics[name] = np.where(np.isfinite(statistics[name]), statistics[name], np.nan)
    columns = [series(name, x, pl.Float64) for name, x in statistics.items()]
    keys = models[np.tile(present, times)].select(*request.over)
    return pl.DataFrame([*keys, *columns]).filter(pl.col("tau").is_not_null())


def _curves_of_groups(
    groups: Groups, request: OneWay, grid: tuple[float, ...] | None, posterior: Posteriors | None
) -> dict[str, Array]:
    """The statistics at every tau, model after model; tau is NaN where a model has no such point."""
    f = fit_models(groups, request)
    # Without single rows of unequal weights, where the most likely sigma2 may be 0 from some tau on.
    squares = f.g.squares_within > 0
    identified = ~np.isnan(f.g.sum(f.g.v)) & (squares | ~f.g.identifies_variances | (not f.pooled))
    on_rows = identified & f.pooled & squares
    f.components.sigma2[~identified] = np.nan
    if posterior is None:
        warning.warn({warning.UNIDENTIFIED: ~identified}, request.caller)
    curve = {True: on_rows, False: identified & ~on_rows}
    if grid is not None:
        taus = np.array(grid)[:, None] + np.zeros(f.g.models)
    else:
        taus = _grid(_limit(f) if posterior is None else _posterior_limit(f, posterior))
    rows = [_at(f, curve, tau, posterior) for tau in taus]
    prior = {"_pool_df_prior": f.components.df_prior, "_pool_sigma2_prior": f.components.sigma2_prior}
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]} | {
        name: np.tile(x, len(rows)) for name, x in prior.items()
    }


# ---- the grid -------------------------------------------------------------------------------------------------------


def _limit(f: Fitted) -> Array:
    """The upper limit of tau by the restricted profile, NaN where the data do not limit it."""
    upper = np.full(f.g.models, np.nan)
    for rows, models in ((True, f.joint), (False, f.known & ~f.joint & (f.df > 0))):
        if (chosen := np.flatnonzero(models)).size:
            _, upper[chosen] = profile_limits(f, chosen, rows, LEVEL)
    return np.asarray(np.sqrt(upper))


def _posterior_limit(f: Fitted, posterior: Posteriors) -> Array:
    """The quantile of the posterior of tau that leaves as much above as the interval by the profile."""
    upper = np.full(f.g.models, np.nan)
    if (post := posterior.post) is not None:
        probability = np.full(post.models, (1 + LEVEL) / 2)
        upper[posterior.chosen] = tau_.quantile(post, probability, np.arange(post.models))
    return upper


def _grid(upper: Array) -> Array:
    """One row per point and one column per model; 0 alone where tau has no limit."""
    grid = upper * np.linspace(0.0, 1.0, POINTS)[:, None]
    grid[0] = 0.0
    return np.where(upper > 0, grid, np.where(grid == 0, grid, np.nan))


# ---- one point ------------------------------------------------------------------------------------------------------


def _at(f: Fitted, curve: dict[bool, Array], tau: Array, posterior: Posteriors | None) -> dict[str, Array]:
    """Every statistic at one tau for each model."""
    tau2 = tau * tau
    sigma2, likely = _likelihoods(f, curve, tau)
    g = replace(f.g, v=np.asarray(within.sampling_variance(f.g.each(sigma2), f.g.w))) if f.pooled else f.g
    known = curve[True] | curve[False]
    mu, se_mu = population(g, tau2, "gls", sigma2, known)
    if posterior is not None and posterior.hierarchy is not None:
        at = at_tau(g, tau, posterior.hierarchy.population)
        mu, se_mu = np.where(known, at.mu, mu), np.where(known, np.sqrt(at.variance), se_mu)
    statistics = {
        "tau": tau,
        "sigma2": sigma2,
        "mu": mu,
        "se_mu": se_mu,
        "q": np.where(known, profile.q_statistic(g, tau2), np.nan),
        "log_likelihood": likely[False],
        "restricted_log_likelihood": likely[True],
    }
    if posterior is not None:
        statistics["density"] = np.full(f.g.models, np.nan)
        if posterior.post is not None:
            of_post = tau[posterior.chosen]
            statistics["density"][posterior.chosen] = tau_.density(posterior.post, of_post, np.arange(len(of_post)))
    return statistics


def _likelihoods(f: Fitted, curve: dict[bool, Array], tau: Array) -> tuple[Array, dict[bool, Array]]:
    """sigma2 and both log likelihoods at one tau for each model, by whether they are restricted.

    On rows sigma2 is the most likely at this tau, by the restricted likelihood.
    """
    tau2, sigma2 = tau * tau, f.components.sigma2.copy()
    likely = {restricted: np.full(f.g.models, np.nan) for restricted in (False, True)}
    for on_rows, models in curve.items():
        chosen = np.flatnonzero(models & ~np.isnan(tau))
        for restricted in likely if chosen.size else ():
            g, line = f.g.take(chosen), likelihood(on_rows, restricted)
            x = profile.at_tau2(g, line, tau2[chosen], f.components.sigma2[chosen])
            likely[restricted][chosen] = inference.log_likelihood(line.deviance(g, x), line.numbers(g))
            if on_rows and restricted:
                sigma2[chosen] = line.sigma2(g, x)
    return sigma2, likely
