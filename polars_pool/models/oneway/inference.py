"""Inferences from the components of many models: tests, intervals, log likelihoods, heterogeneity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...engines.numpy import Array
from ...formulas import between, inference, profile, within
from ...numerics import special
from ..many import Groups
from . import errors
from .estimators import matched_q
from .fit import Fitted
from .groups import EXACT
from .spec import Options

STATISTICS = (
    "q",
    "q_p",
    "i2",
    "h2",
    "se_tau2",
    "tau2_lower",
    "tau2_upper",
    "log_likelihood",
    "aic",
    "lrt",
    "lrt_p",
    "mu_lower",
    "mu_upper",
    "mu_p",
    "new_lower",
    "new_upper",
)
# The power of the unit of values that a statistic is in; 0 where it is not listed.
POWERS = dict.fromkeys(("se_tau2", "tau2_lower", "tau2_upper"), 2)
POWERS |= dict.fromkeys(("se_mu", "mu_lower", "mu_upper", "new_lower", "new_upper"), 1)


def inferred(fitted: Fitted, pivot: Array, options: Options) -> dict[str, Array]:
    """Every statistic of every model, NaN where the data do not determine it; computed in the unit of each model."""
    with np.errstate(all="ignore"):
        unit = fitted.g.unit
        f = replace(fitted, g=fitted.g.scaled(1 / unit), components=fitted.components.scaled(1 / unit))
        statistics = _heterogeneity(f) | _error(f) | _limits(f, options)
        statistics |= _likelihood(f, np.log(unit)) | _of_mu(f, pivot / unit, options)
        statistics = {name: x * unit ** POWERS.get(name, 0) for name, x in statistics.items()}
        return {name: np.where(np.isfinite(x), x, np.nan) for name, x in statistics.items()}


# ---- heterogeneity --------------------------------------------------------------------------------------------------


def _mean_square(f: Fitted) -> Groups:
    """The groups with v by the mean square within where sigma2 is pooled, even if it is estimated with tau2."""
    if not f.pooled:
        return f.g
    pooled = within.pooled_variance(f.g.squares_within, f.g.rows, f.g.groups)
    return replace(f.g, v=np.asarray(within.sampling_variance(f.g.each(pooled), f.g.w)))


def _q_tail(f: Fitted, q: Array) -> Array:
    """Probability of a larger Q where tau2 = 0: chi-square, or F where v is estimated by a mean square."""
    df = np.where(f.df > 0, f.df, np.nan)
    return np.asarray(special.fdtrc(df, f.g.rows - f.g.groups, q / df) if f.pooled else special.chdtrc(df, q))


def _q_quantile(f: Fitted, g: Groups, p: float) -> Array:
    """The quantile of Q at the true tau2 that Q exceeds with probability p."""
    df = g.groups - g.fitted
    return np.asarray(df * special.fdtri(df, g.rows - g.groups, 1 - p) if f.pooled else special.chdtri(df, p))


def _heterogeneity(f: Fitted) -> dict[str, Array]:
    q = np.where(f.df > 0, profile.q_statistic(_mean_square(f), np.zeros(f.g.models)), np.nan)
    typical = _typical_variance(f)
    i2, h2 = inference.i2(f.components.tau2, typical), inference.h2(f.components.tau2, typical)
    return {"q": q, "q_p": _q_tail(f, q), "i2": i2, "h2": h2}


def _typical_variance(f: Fitted) -> Array:
    """The typical v; 0 where more groups are exact than mu has degrees of freedom."""
    exact = f.g.exact > f.g.fitted
    w = np.where(f.g.v == 0, EXACT, 1 / f.g.v)
    trace = f.g.sum(w) if f.g.mu is not None else inference.trace(f.g.pairs(w), f.g.sum(w))
    typical = np.where(exact, 0.0, inference.typical_variance(f.df, trace))
    return np.where(f.df > 0, typical, np.nan)


# ---- tau2 -----------------------------------------------------------------------------------------------------------


def _for_some(models: Array, g: Groups, statistic: Callable[[Groups, Array], Array]) -> Array:
    """A statistic of some models, NaN for the others."""
    column = np.full(g.models, np.nan)
    if (chosen := np.flatnonzero(models)).size:
        column[chosen] = statistic(g.take(chosen), chosen)
    return column


def _error(f: Fitted) -> dict[str, Array]:
    method, joint = f.hyperparameters.method, f.joint

    def jointly(g: Groups, chosen: Array) -> Array:
        return errors.joint_variance(g, f.components.sigma2[chosen], f.components.tau2[chosen], f.restricted)

    variance = _for_some(joint, f.g, jointly)
    if method is not None:
        estimated = f.known & ~joint & (f.df > 0)
        others = _for_some(estimated, f.g, lambda g, chosen: errors.variance(method, g, f.components.tau2[chosen]))
        variance = np.where(joint, variance, others)
    return {"se_tau2": np.sqrt(variance)}


def _limits(f: Fitted, options: Options) -> dict[str, Array]:
    """The interval of tau2: by the profile likelihood, or by the quantiles of Q."""
    lower, upper = np.full(f.g.models, np.nan), np.full(f.g.models, np.nan)
    # Q needs a mean square within; along the profile of single rows sigma2 may be 0, from some tau2 on.
    limited = (f.g.rows > f.g.groups) | (not f.pooled)
    estimated = f.known & limited & (f.df > 0) & (f.hyperparameters.method is not None)
    joint = f.joint & estimated
    profiled = estimated if options.limits == "profile" else joint & (options.limits is None)
    for rows, models in ((True, profiled & joint), (False, profiled & ~joint)):
        if (chosen := np.flatnonzero(models)).size:
            lower[chosen], upper[chosen] = profile_limits(f, chosen, rows, options.level)
    by_q = _mean_square(f)
    if (chosen := np.flatnonzero(estimated & ~profiled)).size:
        for limit, p in ((lower, (1 - options.level) / 2), (upper, (1 + options.level) / 2)):
            g = by_q.take(chosen)
            limit[chosen], _ = matched_q(g, _q_quantile(f, g, p))
    return {"tau2_lower": lower, "tau2_upper": upper}


def profile_limits(f: Fitted, chosen: Array, rows: bool, level: float) -> tuple[Array, Array]:
    g, tau2 = f.g.take(chosen), f.components.tau2[chosen]
    curve = likelihood(rows, f.restricted)
    drop = np.full(len(chosen), special.chdtri(1.0, 1 - level))
    if rows:
        x, least = tau2 / f.components.sigma2[chosen], 1 / g.largest(g.w)
    else:
        x, least = tau2, g.largest(g.v) + g.reach(g.plain_mean)
    lower, upper = profile.limits(g, curve, x, drop, least)
    return np.asarray(curve.tau2(g, lower)), np.asarray(curve.tau2(g, upper))


def likelihood(rows: bool, restricted: bool) -> profile.Likelihood:
    """One of the four curves."""
    if rows:
        return profile.ROWS_RESTRICTED if restricted else profile.ROWS
    return profile.GIVEN_RESTRICTED if restricted else profile.GIVEN


# ---- likelihood -----------------------------------------------------------------------------------------------------


def _likelihood(f: Fitted, log_unit: Array) -> dict[str, Array]:
    """Log likelihood at the estimates: restricted for reml, full for all others, as metafor and lme4 report it.

    Of the rows where one sigma2 is estimated from them, else of the means.
    """
    g, tau2, sigma2 = f.g, f.components.tau2, f.components.sigma2
    if f.pooled:
        deviance = profile.rows_restricted_deviance if f.restricted else profile.rows_deviance
        at_best = deviance(g, tau2 / sigma2, sigma2, f.components.mu)
    else:
        deviance_given = profile.given_restricted_deviance if f.restricted else profile.given_deviance
        at_best = deviance_given(g, tau2, f.components.mu)
    curve = likelihood(f.pooled, f.restricted)
    log_likelihood = inference.log_likelihood(np.where(f.known, at_best, np.nan), curve.numbers(g))
    log_likelihood -= curve.numbers(g) * log_unit
    log_likelihood = np.where(np.isfinite(log_likelihood), log_likelihood, np.nan)
    parameters = f.pooled + (f.hyperparameters.method is not None) + (f.hyperparameters.known_mu is None)
    ratio = np.full(g.models, np.nan)
    if f.by_likelihood:
        at_zero = curve.deviance(g, np.zeros(g.models))  # not finite where v = 0: then tau2 = 0 is no hypothesis
        compared = np.isfinite(at_zero) & np.isfinite(log_likelihood) & (f.df > 0)
        best = curve.deviance(g, tau2 / sigma2 if f.pooled else tau2)
        ratio = np.where(compared, inference.likelihood_ratio(at_zero, best), np.nan)
    p = np.where(np.isnan(ratio), np.nan, inference.half_half(ratio, special.chdtrc(1.0, ratio)))
    aic = inference.akaike(log_likelihood, parameters)
    return {"log_likelihood": log_likelihood, "aic": aic, "lrt": ratio, "lrt_p": p}


# ---- mu -------------------------------------------------------------------------------------------------------------


def _of_mu(f: Fitted, pivot: Array, options: Options) -> dict[str, Array]:
    """Error, interval and test of mu, and the interval of a new group's true mean."""
    mu, tau2 = f.components.mu + pivot, f.components.tau2
    se = f.components.se_mu
    if options.test in ("knha", "adhoc") and f.g.mu is None:
        scaled = inference.knapp_hartung if options.test == "knha" else inference.knapp_hartung_at_least
        w = between.precision(f.g.v, f.g.each(tau2))
        # About the gls mean, whatever mu is, as metafor does: its expectation is then J - 1.
        se = np.asarray(scaled(se, f.g.sum(w * f.g.squares_about(f.g.centre(w))), f.df))
    half = (1 + options.level) / 2
    quantile = special.ndtri(half) if options.test == "z" else special.stdtrit(f.df, half)
    z = -np.abs(mu) / np.where(se > 0, se, np.nan)
    p = 2 * (special.ndtr(z) if options.test == "z" else special.stdtr(f.df, z))
    reach, reach_new = quantile * se, quantile * inference.prediction_error(tau2, se)
    if f.g.mu is not None:
        reach = 0.0 * se
    return {
        "se_mu": se,
        "mu_lower": mu - reach,
        "mu_upper": mu + reach,
        "mu_p": p,
        "new_lower": mu - reach_new,
        "new_upper": mu + reach_new,
    }
