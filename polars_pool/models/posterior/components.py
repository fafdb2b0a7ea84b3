"""Rows to one row per model: its posterior in numbers."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas.priors import Prior
from ...numerics import mixture
from ..keys import public
from ..oneway.components import classes
from ..oneway.groups import grouped
from ..tables import WHOLE, series
from . import proper
from . import tau as tau_
from .fit import Posterior
from .groups import Posteriors, posteriors
from .hierarchy import at_tau
from .spec import Options, PosteriorMeans

STATISTICS: dict[str, pl.DataType] = {
    **dict.fromkeys(("groups", "n"), pl.Int64()),
    **dict.fromkeys(
        (
            *("sigma2", "se_sigma2"),
            *("tau", "se_tau", "tau_median", "tau_lower", "tau_upper"),
            *("tau2", "se_tau2", "tau2_median", "tau2_lower", "tau2_upper", "log_tau"),
            *("mu", "se_mu", "mu_median", "mu_lower", "mu_upper", "mu_positive"),
            *("new", "se_new", "new_median", "new_lower", "new_upper", "new_positive"),
            *("icc", "df_prior", "sigma2_prior", "log_marginal", "bayes_factor"),
        ),
        pl.Float64(),
    ),
    "converged": pl.Boolean(),
}


def components_schema(_request: PosteriorMeans) -> dict[str, pl.DataType]:
    """The columns of `components` after the keys."""
    return STATISTICS


def components(frame: pl.LazyFrame, request: PosteriorMeans) -> pl.LazyFrame:
    """One row per model, under public names."""
    groups, constants = grouped(frame, request)
    keys = groups.select(*request.over).collect_schema()
    models = classes(groups, constants, request).map_batches(
        partial(of_classes, request=request), schema=pl.Schema({**keys, **STATISTICS}), **WHOLE
    )
    return models.select(*public(*request.over_names), *STATISTICS)


def of_classes(table: pl.DataFrame, request: PosteriorMeans) -> pl.DataFrame:
    """The posterior of every model in a table of classes, in numbers."""
    models = posteriors(table, request)
    statistics = _statistics(models, request)
    columns = [series(name, statistics[name], dtype) for name, dtype in STATISTICS.items()]
    return pl.DataFrame([*(models.models[name] for name in request.over), *columns])


def _statistics(models: Posteriors, request: PosteriorMeans) -> dict[str, Array]:
    """The statistics of every model, NaN where it has no posterior."""
    height = models.models.height
    statistics = {name: np.full(height, np.nan) for name in STATISTICS}
    statistics |= {name: np.zeros(height) for name in ("groups", "n", "converged")}
    if models.g is not None:
        statistics["groups"][models.present] = models.g.groups
        statistics["n"][models.present] = models.g.rows
        for name in ("sigma2", "df_prior", "sigma2_prior"):
            statistics[name] = models.of_present(getattr(models, name))
    if request.published and request.n is None:
        statistics["n"][:] = np.nan
    if models.post is not None:
        chosen = models.present[models.chosen]
        with np.errstate(all="ignore"):
            summary = summarised(models.post, models.moments, models.pivot[chosen], request.options)
        for name, values in summary.items():
            statistics[name][chosen] = values
    statistics["converged"] = statistics["converged"] == 1
    return statistics


def summarised(post: Posterior, moments: Array, pivot: Array, options: Options) -> dict[str, Array]:
    """The statistics of tau, mu and a new group of every model; NaN for means that are infinite."""
    mean, variance = moments >= 1, moments >= 2
    statistics = {"converged": post.settled * 1.0, "log_tau": post.mean(np.log(post.tau))}
    statistics |= _of_sigma2(post) | _of_tau(post, moments, options) | _evidence(post)
    is_flat = post.hierarchy.population.sd == np.inf and post.g.mu is None
    of_mu = (mean, variance) if is_flat else (np.ones_like(mean), np.ones_like(variance))
    deviations = np.sqrt(post.variance), np.sqrt(post.variance + post.tau**2)
    # mu and a new group in one array, as their quantiles then need one search.
    both = np.tile(post.weight, 2), np.tile(post.mu, 2), np.concatenate(deviations, axis=1)
    has_moments = np.concatenate([of_mu[0], mean]), np.concatenate([of_mu[1], variance])
    patterns = _of_normals(both, np.tile(pivot, 2), has_moments, options)
    for name, half in (("mu", slice(None, post.models)), ("new", slice(post.models, None))):
        statistics |= {pattern.format(name): values[half] for pattern, values in patterns.items()}
    return statistics


def _of_sigma2(post: Posterior) -> dict[str, Array]:
    """sigma2 and the share of tau2; sigma2 is that of the nodes where it is integrated."""
    if post.sigma is None:
        share = post.mean(np.where(post.tau + post.sigma2 > 0, post.tau**2 / (post.tau**2 + post.sigma2), np.nan))
        return {"icc": share}
    sigma2 = post.inflation * post.sigma2
    mean = post.mean(sigma2)
    error = np.sqrt(post.mean((sigma2 - mean) ** 2))
    moments = proper.moments_of_sigma(post.g, post.hierarchy)
    return {
        "sigma2": np.where(moments >= 2, mean, np.nan),
        "se_sigma2": np.where(moments >= 4, error, np.nan),
        "icc": post.mean(post.tau**2 / (post.tau**2 + sigma2)),
    }


def _of_tau(post: Posterior, moments: Array, options: Options) -> dict[str, Array]:
    """tau and tau2: means and standard deviations where they are finite, medians and intervals."""
    mean, variance, fourth = moments >= 1, moments >= 2, moments >= 4
    tau, tau2 = post.mean(post.tau), post.mean(post.tau**2)
    error2 = np.sqrt(post.mean((post.tau**2 - tau2) ** 2))
    lower, median, upper = tau_.quantiles(post, _tails(options.level, post.models))
    statistics = {
        "tau": np.where(mean, tau, np.nan),
        "se_tau": np.where(variance, np.sqrt(post.mean((post.tau - tau) ** 2)), np.nan),
        "tau2": np.where(variance, tau2, np.nan),
        "se_tau2": np.where(fourth, error2, np.nan),
    }
    for name, power in (("tau", 1), ("tau2", 2)):
        if options.interval == "shortest":
            lower, upper = tau_.shortest(post, options.level, power)
        ends = {"lower": lower, "median": median, "upper": upper}
        statistics |= {f"{name}_{end}": x**power for end, x in ends.items()}
    return statistics


def _tails(level: float, models: int) -> Array:
    """The probabilities below a central interval, the median, and the interval's upper end."""
    return np.repeat([[(1 - level) / 2], [0.5], [(1 + level) / 2]], models, axis=1)


def _of_normals(
    parts: tuple[Array, Array, Array], pivot: Array, has_moments: tuple[Array, Array], options: Options
) -> dict[str, Array]:
    """Mean, deviation, median, interval and sign of mixtures of normals, by patterns of the names of statistics.

    The parts are weights, means and standard deviations at the nodes; moments that are infinite are NaN.
    """
    has_mean, has_sd = has_moments
    mean, sd = mixture.moments(*parts)
    lower, median, upper = mixture.quantiles(*parts, _tails(options.level, len(pivot)))
    if options.interval == "shortest":
        lower, upper, _ = mixture.shortest(*parts, options.level)
    return {
        "{}": np.where(has_mean, mean + pivot, np.nan),
        "se_{}": np.where(has_sd, sd, np.nan),
        "{}_median": median + pivot,
        "{}_lower": lower + pivot,
        "{}_upper": upper + pivot,
        "{}_positive": mixture.above(*parts, -pivot),
    }


def _evidence(post: Posterior) -> dict[str, Array]:
    """The marginal likelihood, and the Bayes factor of tau = 0, where the prior of tau is a density."""
    prior = post.hierarchy.tau2
    none = np.full(post.models, np.nan)
    if isinstance(prior, Prior) and not prior.proper:
        return {"log_marginal": none, "bayes_factor": none}
    if not isinstance(prior, Prior) or post.sigma is not None:
        return {"log_marginal": post.log_total, "bayes_factor": none}
    at_zero = at_tau(post.g, np.zeros(post.models), post.hierarchy.population).log_likelihood
    factor = np.where(post.g.exact > 0, np.nan, np.exp(at_zero - post.log_total))
    return {"log_marginal": post.log_total, "bayes_factor": factor}
