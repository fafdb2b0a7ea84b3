"""One row a model and tau: mu, its error, Q and the log likelihoods along a grid of tau."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

from ...formulas import inference, profile, within
from ...numerics.arrays import Array
from .. import warning
from ..keys import public
from ..many import Groups
from ..oneway import components, estimates
from ..oneway.fit import fitted, population
from ..oneway.groups import PIVOT, W
from ..oneway.inference import Fitted, likelihood, profile_limits
from ..oneway.refuse import bad_rows
from ..oneway.spec import Model
from ..tables import WHOLE
from . import fit as posterior
from .groups import Solved, solved
from .hierarchy import at_tau

STATISTICS = ("tau", "sigma2", "mu", "se_mu", "q", "log_likelihood", "restricted_log_likelihood")
ESTIMATES = ("tau", "estimate", "se")
PRIVATE = ("_pool_df_prior", "_pool_sigma2_prior", "_pool_pivot")  # of the model, for the estimates of its groups
POINTS, LEVEL = 61, 0.99  # of the grid by default: so many, up to the limit of tau by the restricted profile


def profiled(
    classes: pl.LazyFrame, constants: pl.LazyFrame, model: Model, tau: tuple[float, ...] | None
) -> pl.LazyFrame:
    """One row a model and tau, and the pivot; what lies below keeps streaming."""
    keys = classes.select(*model.over).collect_schema()
    statistics = told(model)
    return classes.join(constants, how="cross").map_batches(
        partial(curves, model=model, tau=tau),
        schema=pl.Schema({**keys, **dict.fromkeys((*statistics, *PRIVATE), pl.Float64())}),
        **WHOLE,
    )


def told(model: Model) -> tuple[str, ...]:
    """The statistics of a point; beside a prior its posterior density, too."""
    return (*STATISTICS, "density") if model.priors else STATISTICS


def result(profiled: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """Keys and statistics under their public names."""
    return profiled.select(*public(*model.over_names), *told(model))


def sorted_by(model: Model, groups: bool) -> tuple[str, ...]:
    """The columns that tell the rows of a result apart."""
    return (*(model.key_names if groups else model.over_names), "tau")


def of_groups(groups: pl.LazyFrame, profiled: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """One row a model, tau and group: how its estimate moves with tau."""
    tau = pl.col("tau")
    of_model = [pl.col(name).alias(f"_pool_{name}") for name in ("sigma2", "mu", "se_mu", "tau")]
    points = profiled.select(*model.over, *of_model, *PRIVATE, (tau * tau).alias("_pool_tau2"))
    points = points.with_columns(_pool_only=pl.lit(value=False))
    if model.over:
        joined = groups.join(points, on=list(model.over), how="inner", nulls_equal=True)
    else:
        joined = groups.join(points, how="cross")
    found = estimates.with_errors(estimates.estimated(joined, model), model, quantile=0.0)
    return found.select(*public(*model.key_names), *(pl.col(f"_pool_{name}").alias(name) for name in ESTIMATES))


def curves(table: pl.DataFrame, model: Model, tau: tuple[float, ...] | None) -> pl.DataFrame:
    """Every model that has groups, at every tau of its grid."""
    bad_rows(table, model)
    models = table.select(*model.over, PIVOT)
    models = models.unique(model.over, maintain_order=True) if model.over else models.head(1)
    counted = table.filter(W > 0)
    if counted.is_empty():
        nothing = [pl.lit(None, pl.Float64).alias(name) for name in (*told(model), *PRIVATE[:-1])]
        return models.clear().select(*model.over, *nothing, PIVOT)
    groups, present = components.groups_of(counted, models, model)
    pivot = models["_pool_pivot"].to_numpy()[present]
    beside = solved(table, model) if model.priors else None
    with np.errstate(all="ignore"):
        columns = points(groups, model, tau, beside)
    times = len(columns["tau"]) // len(present)
    columns["mu"] = columns["mu"] + np.tile(pivot, times)
    columns["_pool_pivot"] = np.tile(pivot, times)
    for name in told(model):
        columns[name] = np.where(np.isfinite(columns[name]), columns[name], np.nan)
    series = [pl.Series(name, x, nan_to_null=True) for name, x in columns.items()]
    keys = models[np.tile(present, times)].select(*model.over)
    return pl.DataFrame([*keys, *series]).filter(pl.col("tau").is_not_null())


def points(
    groups: Groups, model: Model, tau: tuple[float, ...] | None, beside: Solved | None = None
) -> dict[str, Array]:
    """The statistics at every tau, model after model; tau is NaN where a model has no such point."""
    arguments = (model.input == "published", model.sigma2, "reml", model.mu)
    found, groups = fitted(groups, *arguments)
    f = Fitted(groups, found, *arguments)
    # Not along single rows of unequal weights, where the most likely sigma2 may be 0 from some tau on.
    squares = f.g.squares_within > 0
    identified = ~np.isnan(f.g.sum(f.g.v)) & (squares | ~f.g.identifies_variances | (not f.pooled))
    on_rows = identified & f.pooled & squares
    found.sigma2[~identified] = np.nan
    if beside is None:
        warning.warn({warning.UNIDENTIFIED: ~identified}, model.caller)
    curve = {True: on_rows, False: identified & ~on_rows}
    if tau is not None:
        grid = np.array(tau)[:, None] + np.zeros(f.g.models)
    else:
        grid = _grid(_limit(f) if beside is None else _posterior_limit(f, beside))
    rows = [_at(f, curve, point, beside) for point in grid]
    prior = {"_pool_df_prior": found.df_prior, "_pool_sigma2_prior": found.sigma2_prior}
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]} | {
        name: np.tile(x, len(rows)) for name, x in prior.items()
    }


def _limit(f: Fitted) -> Array:
    """The upper limit of tau by the restricted profile, NaN where the data do not limit it."""
    upper = np.full(f.g.models, np.nan)
    for rows, models in ((True, f.joint), (False, f.known & ~f.joint & (f.df > 0))):
        if (chosen := np.flatnonzero(models)).size:
            _, upper[chosen] = profile_limits(f, chosen, rows, LEVEL)
    return np.asarray(np.sqrt(upper))


def _posterior_limit(f: Fitted, beside: Solved) -> Array:
    """The tau that is exceeded with the probability that is left beside the limit above."""
    upper = np.full(f.g.models, np.nan)
    if (post := beside.post) is not None:
        probability = np.full(post.models, (1 + LEVEL) / 2)
        upper[beside.chosen] = posterior.tau_quantile(post, probability, np.arange(post.models))
    return upper


def _grid(upper: Array) -> Array:
    """A row a point, a column a model; 0 alone where tau has no limit."""
    grid = upper * np.linspace(0.0, 1.0, POINTS)[:, None]
    grid[0] = 0.0
    return np.where(upper > 0, grid, np.where(grid == 0, grid, np.nan))


def _at(f: Fitted, curve: dict[bool, Array], tau: Array, beside: Solved | None) -> dict[str, Array]:
    """Every statistic at one tau a model; on rows sigma2 is the most likely beside it, by the restricted likelihood."""
    tau2, sigma2 = tau * tau, f.found.sigma2.copy()
    likely = {restricted: np.full(f.g.models, np.nan) for restricted in (False, True)}
    for on_rows, models in curve.items():
        chosen = np.flatnonzero(models & ~np.isnan(tau))
        for restricted in likely if chosen.size else ():
            g, line = f.g.take(chosen), likelihood(on_rows, restricted)
            x = profile.at_tau2(g, line, tau2[chosen], f.found.sigma2[chosen])
            likely[restricted][chosen] = inference.log_likelihood(line.deviance(g, x), line.numbers(g))
            if on_rows and restricted:
                sigma2[chosen] = line.sigma2(g, x)
    g = replace(f.g, v=np.asarray(within.sampling_variance(f.g.each(sigma2), f.g.w))) if f.pooled else f.g
    known = curve[True] | curve[False]
    mu, se_mu = population(g, tau2, "gls", sigma2, known)
    if beside is not None and beside.asked is not None:
        at = at_tau(g, tau, beside.asked.population)
        mu, se_mu = np.where(known, at.mu, mu), np.where(known, np.sqrt(at.variance), se_mu)
    found = {
        "tau": tau,
        "sigma2": sigma2,
        "mu": mu,
        "se_mu": se_mu,
        "q": np.where(known, profile.q_statistic(g, tau2), np.nan),
        "log_likelihood": likely[False],
        "restricted_log_likelihood": likely[True],
    }
    if beside is not None:
        found["density"] = np.full(f.g.models, np.nan)
        if beside.post is not None:
            of_post = tau[beside.chosen]
            found["density"][beside.chosen] = posterior.density(beside.post, of_post, np.arange(len(of_post)))
    return found
