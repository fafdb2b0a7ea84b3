"""One row a model: its posterior in numbers."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...formulas.priors import Prior
from ...numerics import mixture
from ...numerics.arrays import Array
from ..oneway.spec import Model
from ..tables import WHOLE, series
from . import fit as posterior
from . import proper
from .fit import Posterior
from .groups import solved
from .hierarchy import at_tau

STATISTICS: dict[str, pl.DataType] = {
    "groups": pl.Int64(),
    "n": pl.Int64(),
    **dict.fromkeys(
        (
            "sigma2",
            "se_sigma2",
            "tau",
            "se_tau",
            "tau_median",
            "tau_lower",
            "tau_upper",
            "tau2",
            "se_tau2",
            "tau2_median",
            "tau2_lower",
            "tau2_upper",
            "log_tau",
            "mu",
            "se_mu",
            "mu_median",
            "mu_lower",
            "mu_upper",
            "mu_positive",
            "new",
            "se_new",
            "new_median",
            "new_lower",
            "new_upper",
            "new_positive",
            "icc",
            "df_prior",
            "sigma2_prior",
            "log_marginal",
            "bayes_factor",
        ),
        pl.Float64(),
    ),
    "converged": pl.Boolean(),
}


def of_models(
    classes: pl.LazyFrame, constants: pl.LazyFrame, model: Model, level: float, interval: str
) -> pl.LazyFrame:
    """One row a model: its posterior in numbers."""
    keys = classes.select(*model.over).collect_schema()
    return classes.join(constants, how="cross").map_batches(
        partial(_of_models, model=model, level=level, interval=interval),
        schema=pl.Schema({**keys, **STATISTICS}),
        **WHOLE,
    )


def _of_models(table: pl.DataFrame, model: Model, level: float, interval: str) -> pl.DataFrame:
    found = solved(table, model)
    told = {name: np.full(found.models.height, np.nan) for name in STATISTICS}
    told["groups"], told["n"], told["converged"] = (np.zeros(found.models.height) for _ in range(3))
    if found.g is not None:
        told["groups"][found.present], told["n"][found.present] = found.g.groups, found.g.rows
        for name in ("sigma2", "df_prior", "sigma2_prior"):
            told[name] = found.of_present(getattr(found, name))
    if model.input == "published" and model.n is None:
        told["n"][:] = np.nan
    if found.post is not None:
        with np.errstate(all="ignore"):
            summary = summarised(found.post, found.moments, found.pivot[found.present[found.chosen]], level, interval)
        for name, values in summary.items():
            told[name][found.present[found.chosen]] = values
    told["converged"] = told["converged"] == 1
    columns = [series(name, told[name], dtype) for name, dtype in STATISTICS.items()]
    keys = (found.models[name] for name in model.over)
    return pl.DataFrame([*keys, *columns])


def summarised(post: Posterior, moments: Array, pivot: Array, level: float, interval: str) -> dict[str, Array]:
    """What is told of tau, mu and a new group of every model; NaN for means that are infinite."""
    mean, variance = moments >= 1, moments >= 2
    told = {"converged": post.settled * 1.0, "log_tau": post.mean(np.log(post.tau))}
    told |= _of_sigma2(post) | _of_tau(post, moments, level, interval) | _evidence(post)
    flat = post.asked.population.sd == np.inf and post.g.mu is None
    of_mu = (mean, variance) if flat else (np.ones_like(mean), np.ones_like(variance))
    deviations = np.sqrt(post.variance), np.sqrt(post.variance + post.tau**2)
    # Side by side, as their quantiles then need one search.
    both = np.tile(post.weight, 2), np.tile(post.mu, 2), np.concatenate(deviations, axis=1)
    means, errors = np.concatenate([of_mu[0], mean]), np.concatenate([of_mu[1], variance])
    found = _of_normals(*both, np.tile(pivot, 2), means, errors, level, interval)
    for name, half in (("mu", slice(None, post.models)), ("new", slice(post.models, None))):
        told |= {of.format(name): values[half] for of, values in found.items()}
    return told


def _of_sigma2(post: Posterior) -> dict[str, Array]:
    """sigma2 and the share of tau2: at the nodes where sigma2 is integrated."""
    if post.sigma is None:
        share = post.mean(np.where(post.tau + post.sigma2 > 0, post.tau**2 / (post.tau**2 + post.sigma2), np.nan))
        return {"icc": share}
    sigma2 = post.inflation * post.sigma2
    mean = post.mean(sigma2)
    error = np.sqrt(post.mean((sigma2 - mean) ** 2))
    moments = proper.moments_of_sigma(post.g, post.asked)
    return {
        "sigma2": np.where(moments >= 2, mean, np.nan),
        "se_sigma2": np.where(moments >= 4, error, np.nan),
        "icc": post.mean(post.tau**2 / (post.tau**2 + sigma2)),
    }


def _of_tau(post: Posterior, moments: Array, level: float, interval: str) -> dict[str, Array]:
    mean, variance, fourth = moments >= 1, moments >= 2, moments >= 4
    tau, tau2 = post.mean(post.tau), post.mean(post.tau**2)
    error2 = np.sqrt(post.mean((post.tau**2 - tau2) ** 2))
    lower, median, upper = posterior.tau_quantiles(post, _tails(level, post.models))
    told = {
        "tau": np.where(mean, tau, np.nan),
        "se_tau": np.where(variance, np.sqrt(post.mean((post.tau - tau) ** 2)), np.nan),
        "tau2": np.where(variance, tau2, np.nan),
        "se_tau2": np.where(fourth, error2, np.nan),
    }
    for name, power in (("tau", 1), ("tau2", 2)):
        if interval == "shortest":
            lower, upper = posterior.shortest_of_tau(post, level, power)
        told |= {f"{name}_lower": lower**power, f"{name}_median": median**power, f"{name}_upper": upper**power}
    return told


def _tails(level: float, models: int) -> Array:
    """The probabilities below a central interval, the median, and the interval's upper end."""
    return np.repeat([[(1 - level) / 2], [0.5], [(1 + level) / 2]], models, axis=1)


def _of_normals(
    p: Array, m: Array, s: Array, pivot: Array, has_mean: Array, has_sd: Array, level: float, kind: str
) -> dict[str, Array]:
    """Mean, deviation, median, interval and sign of what is normal at every node, by a pattern of their names."""
    parts = p, m, s
    mean, sd = mixture.moments(*parts)
    lower, median, upper = mixture.quantiles(*parts, _tails(level, len(pivot)))
    if kind == "shortest":
        lower, upper, _ = mixture.shortest(*parts, level)
    return {
        "{}": np.where(has_mean, mean + pivot, np.nan),
        "se_{}": np.where(has_sd, sd, np.nan),
        "{}_median": median + pivot,
        "{}_lower": lower + pivot,
        "{}_upper": upper + pivot,
        "{}_positive": mixture.above(*parts, -pivot),
    }


def _evidence(post: Posterior) -> dict[str, Array]:
    """The marginal likelihood, and that of tau = 0 beside it, where the prior of tau is a density."""
    prior = post.asked.tau2
    none = np.full(post.models, np.nan)
    if isinstance(prior, Prior) and not prior.proper:
        return {"log_marginal": none, "bayes_factor": none}
    if not isinstance(prior, Prior) or post.sigma is not None:
        return {"log_marginal": post.log_total, "bayes_factor": none}
    at_zero = at_tau(post.g, np.zeros(post.models), post.asked.population).log_likelihood
    factor = np.where(post.g.exact > 0, np.nan, np.exp(at_zero - post.log_total))
    return {"log_marginal": post.log_total, "bayes_factor": factor}
