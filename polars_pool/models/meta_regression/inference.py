"""Inferences from the components of many models: heterogeneity, tau2, likelihoods, and the test of the predictors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...engines.numpy import Array
from ...formulas import between, inference, within
from ...formulas import meta_regression as formulas
from ...formulas import uncertainty as formulas_of_uncertainty
from ...formulas.methods import applied
from ...numerics import search, special
from ..oneway.estimators import Statistics
from ..oneway.spec import Options
from .design import Design
from .estimators import AT_RHO, AT_TAU2, matched_q, projected, projected_once, with_fixed_weights
from .fit import Fitted, fit
from .terms import terms as terms_of_data

STATISTICS = (
    *("q", "q_p", "i2", "h2", "se_tau2", "tau2_lower", "tau2_upper", "log_likelihood", "aic", "lrt", "lrt_p"),
    *("qm", "qm_p", "r2"),
)
POWERS = dict.fromkeys(("se_tau2", "tau2_lower", "tau2_upper"), 2)  # of the unit of values, 0 where not listed
STRIDE, STRIDES = 4.0, 200


def inferred(f: Fitted, options: Options) -> dict[str, Array]:
    """Every statistic of every model, NaN where the data do not determine it."""
    with np.errstate(all="ignore"):
        statistics = _heterogeneity(f) | {"se_tau2": np.sqrt(variance_of_tau2(f))}
        statistics |= _limits(f, options) | _likelihood(f) | _test(f, options)
        statistics = {name: x * f.unit ** POWERS.get(name, 0) for name, x in statistics.items()}
        return {name: np.where(f.regular & np.isfinite(x), x, np.nan) for name, x in statistics.items()}


# ---- heterogeneity --------------------------------------------------------------------------------------------------


def _mean_square(f: Fitted) -> Design:
    """The groups with v by the mean square within where sigma2 is pooled, even if it is estimated with tau2."""
    if not f.pooled:
        return f.g
    pooled = within.pooled_variance(f.g.squares_within, f.g.rows, f.g.groups)
    v = within.sampling_variance(f.g.each(np.asarray(pooled, dtype=float)), f.g.w)
    return replace(f.g, v=np.broadcast_to(v, f.g.y.shape))


def _heterogeneity(f: Fitted) -> dict[str, Array]:
    """The residual Q, and tau2 relative to the typical sampling variance."""
    zero, df = np.zeros(f.g.models), np.where(f.g.df > 0, f.g.df, np.nan)
    q = np.asarray(Statistics(_mean_square(f), AT_TAU2, tau2=zero)["wr2"]) + 0 * df
    tail = special.fdtrc(df, f.g.rows - f.g.groups, q / df) if f.pooled else special.chdtrc(df, q)
    exact = f.g.exact > f.g.terms
    q = np.where(exact & (f.g.largest(f.g.v) > 0), np.inf, q)
    trace = Statistics(f.g, AT_TAU2, tau2=zero)["trace"]
    typical = np.where(exact, 0.0, inference.typical_variance(df, trace))
    typical = np.where(f.known, typical, np.nan)
    return {"q": q, "q_p": tail, "i2": inference.i2(f.tau2, typical), "h2": inference.h2(f.tau2, typical)}


# ---- tau2 -----------------------------------------------------------------------------------------------------------


def variance_of_tau2(f: Fitted) -> Array:
    """The variance of tau2 by its estimator, in the unit; NaN where tau2 is not estimated."""
    variance = np.full(f.g.models, np.nan)
    if f.method is None or f.method.error is None:
        return variance
    if (models := np.flatnonzero(f.joint)).size:
        variance[models] = inference.variance_by_information(*information(f, models))
    if (models := np.flatnonzero(f.known & ~f.joint & (f.g.df > 0))).size:
        g, tau2, error = f.g.take(models), f.tau2[models], f.method.error
        if error.weight is None:
            s = Statistics(g, AT_TAU2, tau2=tau2)
        else:
            total = g.v + g.each(tau2)
            s = with_fixed_weights(error.weight, g, total_variance=total)
        variance[models] = applied(error.variance, s)
    return variance


def information(f: Fitted, models: Array) -> tuple[Array, Array, Array, Array]:
    """Information about (tau2, sigma2) between groups, tt, ts, ss, and about sigma2 within them."""
    g, tau2, sigma2 = f.g.take(models), f.tau2[models], f.sigma2[models]
    assert f.method is not None
    s = Statistics(g, AT_TAU2, tau2=tau2)
    one, other = s["ones"], 1 / g.w

    def between_groups(p: Array, q: Array) -> Array:
        return projected(s, p, q) if f.restricted else g.sum(s["weight"] * s["weight"] * p * q)

    of_rows = (g.rows - g.groups) / (sigma2 * sigma2)
    return between_groups(one, one), between_groups(one, other), between_groups(other, other), of_rows


def error_of_tau2(f: Fitted) -> tuple[Array, Array]:
    """Variance and minus bias of tau2 for the errors of estimates, in units of the data: 0 where tau2 is known."""
    none = np.zeros(f.g.models)
    if f.method is None or f.method.error is None:
        return none, none
    with np.errstate(all="ignore"):
        error = variance_of_tau2(f)
        correction = none.copy()
        estimated = f.known & ~f.joint & (f.g.df > 0)
        if f.method.error.correction is not None and (models := np.flatnonzero(f.known & (f.g.df > 0))).size:
            s = Statistics(f.g.take(models), AT_TAU2, tau2=f.tau2[models])
            correction[models] = applied(f.method.error.correction, s)
        if (models := np.flatnonzero(f.joint)).size:
            rho = f.tau2[models] / f.sigma2[models]
            error[models] = formulas_of_uncertainty.error_of_ratio(*information(f, models), rho)
        exact = f.g.largest(f.g.v) == 0
        usable = (estimated | f.joint) & ~exact
        error, correction = np.where(usable, error, np.where(exact, 0.0, np.nan)), np.where(usable, correction, 0.0)
        return error * f.unit**4, correction * f.unit**2


def _limits(f: Fitted, options: Options) -> dict[str, Array]:
    """The interval of tau2: by the profile likelihood, or by the quantiles of the residual Q."""
    lower, upper = np.full(f.g.models, np.nan), np.full(f.g.models, np.nan)
    if f.method is None:
        return {"tau2_lower": lower, "tau2_upper": upper}
    exact = f.g.largest(f.g.v) == 0
    estimated = f.known & (f.g.df > 0) & ~exact
    profiled = estimated if options.limits == "profile" else f.joint & estimated & (options.limits is None)
    for joint in (True, False):
        if (models := np.flatnonzero(profiled & (f.joint == joint))).size:
            lower[models], upper[models] = profile_limits(f, models, joint, options.level)
    if (models := np.flatnonzero(estimated & ~profiled)).size:
        g, ends = _mean_square(f).take(models), ((1 - options.level) / 2, (1 + options.level) / 2)
        for limit, p in zip((lower, upper), ends, strict=True):
            limit[models], _ = matched_q(g, _q_quantile(g, p, f.pooled))
    return {"tau2_lower": lower, "tau2_upper": upper}


def _q_quantile(g: Design, p: float, pooled: bool) -> Array:
    """The quantile of the residual Q at the true tau2 that Q exceeds with probability p."""
    return np.asarray(g.df * special.fdtri(g.df, g.rows - g.groups, 1 - p) if pooled else special.chdtri(g.df, p))


def profile_limits(f: Fitted, models: Array, joint: bool, level: float) -> tuple[Array, Array]:
    """Where -2 log L has risen by the quantile of chi-square on either side of tau2; 0 where it never does below."""
    g, tau2 = f.g.take(models), f.tau2[models]
    curve = Curve(joint, f.restricted)
    x = tau2 / f.sigma2[models] if joint else tau2
    target = curve.deviance(g, x) + special.chdtri(1.0, 1 - level)

    def above(g: Design, at: Array, target: Array) -> Array:
        return curve.deviance(g, at) - target

    zero, every = np.zeros(g.models), np.arange(g.models)
    falls = (above(g, zero, target) > 0) & (x > 0)
    below, _ = search.root(g, lambda g, at, t: -above(g, at, t), every, np.where(falls, 0.0, -1.0), x, target)
    start = np.where(x > 0, x, 1 / g.largest(g.w) if joint else g.largest(g.v))
    upper, _ = search.root(g, above, every, x, _beyond(g, above, STRIDE * start, target), target)
    return curve.tau2(g, np.where(falls, below, 0.0)), curve.tau2(g, upper)


def _beyond(g: Design, above: Callable[..., Array], high: Array, target: Array) -> Array:
    """A point from which on the function is above 0."""
    for _ in range(STRIDES):
        short = above(g, high, target) < 0
        if not short.any():
            break
        high = np.where(short, STRIDE * high, high)
    return high


# ---- likelihood -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """The likelihood along tau2 where v is known, or along rho = tau2 / sigma2 on rows, all else at its best."""

    on_rows: bool
    restricted: bool

    def sigma2(self, g: Design, rho: Array) -> Array:
        """The most likely sigma2 at tau2 = rho sigma2; along the profile of tau2 it is not that at fixed rho."""
        s = Statistics(g, AT_RHO, rho=rho)
        share = s["weight"] / g.w
        h2r2, shares = g.sum(s["weight"] * share * s["r2"]), g.sum(share)
        if self.restricted:
            shares = projected_once(s, 1 / g.w)
        return np.asarray(inference.ml_variance_at(g.squares_within, h2r2, shares, g.rows - g.groups))

    def tau2(self, g: Design, x: Array) -> Array:
        return x * self.sigma2(g, x) if self.on_rows else x

    def at_tau2(self, g: Design, tau2: Array, start: Array) -> Array:
        """The argument of the curve where it has this tau2; `start` is of the size of sigma2."""
        if not self.on_rows:
            return tau2

        def short(g: Design, rho: Array, tau2: Array) -> Array:
            return self.tau2(g, rho) - tau2

        high = _beyond(g, short, np.where(tau2 > 0, STRIDE * tau2 / start, 1.0), tau2)
        rho, _ = search.root(g, short, np.arange(g.models), 0.0 * high, high, tau2)
        return np.where(tau2 > 0, rho, 0.0)

    def deviance(self, g: Design, x: Array, sigma2: Array | None = None) -> Array:
        """-2 log L at x without its constant; on rows at the best sigma2, if no other is stated."""
        if not self.on_rows:
            s = Statistics(g, AT_TAU2, tau2=x)
            value = between.ml_deviance(s["logs"], s["wr2"])
            plain = np.linalg.slogdet(g.products(np.ones(1))[:, :-1, :-1])[1]
            # As metafor's, the restricted one counts log |Z'Z|, which those of one model share.
            return np.asarray(value + s["log_information"] - plain if self.restricted else value)
        sigma2 = self.sigma2(g, x) if sigma2 is None else sigma2
        s = Statistics(g, AT_RHO, rho=x)
        value = inference.rows_deviance(g.squares_within, s["wr2"], s["logs"], sigma2, g.rows)
        return np.asarray(value + s["log_information"] - g.terms * np.log(sigma2) if self.restricted else value)

    def numbers(self, g: Design) -> Array:
        """How many numbers it is the likelihood of; the coefficients count as so many."""
        return np.asarray((g.rows if self.on_rows else g.groups) - (g.terms if self.restricted else 0))

    def log_likelihood(self, f: Fitted, models: Array, x: Array, sigma2: Array | None = None) -> Array:
        """The log likelihood of some models, of values and terms in the units of the data."""
        g = f.g.take(models)
        deviance = self.deviance(g, x, sigma2)
        if self.on_rows and self.restricted:
            deviance = deviance - 2 * np.linalg.slogdet(f.standard.transform[models])[1]
        value = inference.log_likelihood(deviance, self.numbers(g)) - self.numbers(g) * np.log(f.unit[models])
        return np.where(np.isfinite(value), value, np.nan)


def _likelihood(f: Fitted) -> dict[str, Array]:
    """Log likelihood at the estimates: restricted for reml, else full, as metafor and lme4 report it."""
    curve, every = Curve(f.pooled, f.restricted), np.arange(f.g.models)
    x = f.tau2 / f.sigma2 if f.pooled else f.tau2
    log_likelihood = curve.log_likelihood(f, every, x, f.sigma2 if f.pooled else None)
    is_finite = f.known & ~((f.tau2 == 0) & (f.g.exact > f.g.terms))
    log_likelihood = np.where(is_finite, log_likelihood, np.nan)
    ratio = np.full(f.g.models, np.nan)
    if f.method is not None and f.method.likelihood is not None:
        compared = f.known & (f.g.df > 0) & (f.g.largest(f.g.v) > 0)
        at_zero = curve.deviance(f.g, np.zeros(f.g.models))
        ratio = np.where(compared, inference.likelihood_ratio(at_zero, curve.deviance(f.g, x)), np.nan)
    p = np.where(np.isnan(ratio), np.nan, inference.half_half(ratio, special.chdtrc(1.0, ratio)))
    aic = inference.akaike(log_likelihood, f.g.terms + f.pooled + (f.method is not None))
    return {"log_likelihood": log_likelihood, "aic": aic, "lrt": ratio, "lrt_p": p}


# ---- the coefficients -----------------------------------------------------------------------------------------------


def knapp_hartung(f: Fitted, test: str) -> Array:
    """The factor of the covariance of the coefficients by the observed spread; 1 by the model."""
    if test not in ("knha", "adhoc"):
        return np.ones(f.g.models)
    wr2 = Statistics(f.g, AT_TAU2, tau2=f.tau2)["wr2"]
    one = np.ones(f.g.models)
    scaled = inference.knapp_hartung if test == "knha" else inference.knapp_hartung_at_least
    df = np.where(f.g.df > 0, f.g.df, np.nan)
    return np.asarray(scaled(one, wr2, df)) ** 2


def _test(f: Fitted, options: Options) -> dict[str, Array]:
    """The test of all predictors together, and the share of tau2 that they explain."""
    terms = f.g.terms - 1
    qm = np.full(f.g.models, np.nan)
    if terms and (models := np.flatnonzero(f.known & f.regular)).size:
        # In terms of (1, x - centre), in units of their errors: those of the design need not keep the intercept apart.
        of_data = terms_of_data(f, np.zeros(f.g.models))
        covariance, slopes = of_data.covariance[models, 1:, 1:], of_data.beta[models, 1:]
        error = np.sqrt(np.einsum("mii->mi", covariance))
        covariance, slopes = covariance / (error[:, :, None] * error[:, None]), slopes / error
        regular = np.linalg.slogdet(covariance)[0] > 0
        solved = np.linalg.solve(np.where(regular[:, None, None], covariance, np.eye(terms)), slopes[..., None])
        qm[models] = np.where(regular, np.einsum("mi,mi->m", slopes, solved[..., 0]), np.nan)
    df = np.where(f.g.df > 0, f.g.df, np.nan)
    if options.test == "z":
        p = special.chdtrc(float(terms), qm) if terms else qm
    else:
        qm = qm / (terms * knapp_hartung(f, options.test)) if terms else qm
        p = special.fdtrc(float(terms), df, qm) if terms else qm
    return {"qm": qm, "qm_p": p, "r2": _explained(f)}


def _explained(f: Fitted) -> Array:
    if f.method is None:
        return np.full(f.g.models, np.nan)
    without = fit(f.source.without_predictors(), f.published, f.hyperparameters)
    return np.asarray(formulas.explained(f.tau2 * f.unit**2, without.tau2 * without.unit**2))
