"""The estimators of tau2: which formulas each uses, and where its root or maximum is to be looked for.

`g` holds the groups of many models (engines/numpy.py): columns y, v, n, w and sums over the groups of each model.
"""

from __future__ import annotations

from typing import Any

from . import between, crossvalidation, oneway, shrink, within
from .elementary import INFINITY, Column, where
from .registry import TAU2 as TAU2
from .registry import given_v, on_rows

Groups = Any

FAR = 1e10  # tau2 / sigma2 of a single row beyond which sigma2 is 0
NEGLIGIBLE = 1e-30  # of the largest tau2 in question: stands for 0 where v = 0 makes 1 / v infinite


def largest(a: Column, b: Column) -> Column:
    return where(a > b, a, b)


# ---- moments: fixed weights, closed forms ------------------------------------------------------------------------


def _moments(g: Groups, a: Column) -> Column:
    d2 = g.squares_about(g.centre(a))
    if g.mu is not None:
        return between.moment_estimate_known_mu(g.sum(a * d2), g.sum(a * g.v), g.sum(a))
    return between.moment_estimate(g.sum(a * d2), g.sum(a * g.v), g.sum(a * a * g.v), g.sum(a), g.pairs(a))


@given_v(
    "anova", "analysis of variance (Bühlmann–Straub)", "Henderson (1953) I; Bühlmann & Straub (1970)", needs_n=True
)
def anova(g: Groups) -> Column:
    return _moments(g, g.w)


@given_v("plugin", "variance of the group means", "Mount (2023): not reduced by sampling variance")
def plugin(g: Groups) -> Column:
    return g.sum(g.squares_about(g.plain_mean)) / (g.groups - g.fitted)


@given_v("he", "Hedges", "Hedges & Olkin (1985)")
def hedges(g: Groups) -> Column:
    return _moments(g, g.ones)


def _by_precision(g: Groups, ordinary: Any, one_exact: Any, several_exact: Any) -> Column:
    """Moments weighted by 1 / v, and their limits where v = 0: exact groups outweigh all others."""
    exact = where(g.v == 0, 1.0, 0.0)
    a = where(g.v == 0, 0.0, 1 / g.v)
    count = g.sum(exact)
    d2 = g.squares_about(g.centre(where(g.each(count) == 0, a, exact)))
    ad2, sum_a = g.sum(a * d2), g.sum(a)
    limit = where(count > g.fitted, several_exact(g.sum(exact * d2), count), one_exact(ad2, sum_a))
    return where(count == 0, ordinary(ad2, sum_a, g.pairs(a)), limit)


@given_v("dl", "DerSimonian–Laird", "DerSimonian & Laird (1986)")
def dersimonian_laird(g: Groups) -> Column:
    def ordinary(ad2: Column, a: Column, pairs: Column) -> Column:
        if g.mu is not None:
            return between.moment_estimate_known_mu(ad2, g.groups, a)
        return between.moment_estimate(ad2, g.groups, a, a, pairs)

    return _by_precision(
        g,
        ordinary,
        lambda ad2, a: between.moment_estimate_one_exact(ad2, g.groups, a),
        lambda d2, exact: d2 / (exact - g.fitted),
    )


@given_v("hs", "Hunter–Schmidt", "Hunter & Schmidt (1990)")
def hunter_schmidt(g: Groups) -> Column:
    return _by_precision(
        g,
        lambda ad2, a, pairs: between.hunter_schmidt(ad2, g.groups, a),
        lambda ad2, a: 0.0 * a,
        lambda d2, exact: d2 / exact,
    )


@given_v("hsk", "Hunter–Schmidt, small samples", "Brannick, Potter, Benitez & Morris (2019)")
def hunter_schmidt_corrected(g: Groups) -> Column:
    df = g.groups - g.fitted
    return _by_precision(
        g,
        lambda ad2, a, pairs: between.hunter_schmidt_corrected(ad2, g.groups, df, a),
        lambda ad2, a: 0.0 * a,
        lambda d2, exact: g.groups / df * d2 / exact,
    )


@given_v("sj", "Sidik–Jonkman", "Sidik & Jonkman (2005)")
def sidik_jonkman(g: Groups) -> Column:
    crude = g.sum(g.squares_about(g.plain_mean)) / g.groups
    w = between.precision(g.v, g.each(where(crude == 0, 1.0, crude)))
    return between.sidik_jonkman(crude, g.sum(w * g.squares_about(g.centre(w))), g.groups - g.fitted)


@given_v("js", "James–Stein, positive part", "James & Stein (1961); Efron & Morris (1973)", df=3, equal_v=True)
def james_stein(g: Groups) -> Column:
    df = g.groups - g.fitted
    return between.james_stein(g.sum(g.squares_about(g.plain_mean)), df, g.sum(g.v) / g.groups)


# ---- roots: the generalised Q statistic equals its expectation ----------------------------------------------------


def _about_the_most_exact(g: Groups) -> tuple[Groups, Column]:
    """The groups with those of v = 0 at the origin, so that 1 / v may grow without rounding, and how many these are."""
    count = g.exact
    if (count == 0).all():
        return g.about(g.plain_mean), count
    c = where((g.v == 0) | (g.each(count) == 0), 1.0, 0.0)
    return g.about(g.sum(c * g.y) / g.sum(c)), count


def matched_q(g: Groups, expected: Any) -> tuple[Column, Column]:
    """tau2 where the generalised Q is what is expected, 0 where it is less at 0, and whether it settled."""
    g, exact = _about_the_most_exact(g)

    def shortfall(g: Groups, tau2: Column) -> Column:
        w = between.precision(g.v, g.each(tau2))
        return -between.excess(g.sum(w * g.squares_about(g.centre(w))), expected(g))

    # Q(tau2) <= sum((y - centre)^2) / tau2 for any centre, so the root lies below this.
    total = g.sum(g.squares_about(g.plain_mean))
    high = where(total == 0, 1.0, 1.001 * total / expected(g))
    floor = where(exact == 0, 0.0, NEGLIGIBLE * high)
    above = shortfall(g, floor) >= 0
    tau2, settled = g.root(shortfall, where(above, -1.0, floor), high)
    return where(above, 0.0, tau2), settled | above


def _degrees_of_freedom(g: Groups) -> Column:
    return g.groups - g.fitted


@given_v("pm", "Paule–Mandel", "Paule & Mandel (1982)")
def paule_mandel(g: Groups) -> tuple[Column, Column]:
    return matched_q(g, _degrees_of_freedom)


@given_v("eb", "empirical Bayes", "Morris (1983); the same root as Paule–Mandel")
def empirical_bayes(g: Groups) -> tuple[Column, Column]:
    return matched_q(g, _degrees_of_freedom)


@given_v(
    "morris", "empirical Bayes, weights corrected", "Morris (1983): the tau2 of eb, pooling × (J − 3)/(J − 1)", df=3
)
def morris(g: Groups) -> tuple[Column, Column]:
    return matched_q(g, _degrees_of_freedom)


@given_v("pmm", "Paule–Mandel, median-unbiased", "Viechtbauer (2021)")
def paule_mandel_median(g: Groups) -> tuple[Column, Column]:
    return matched_q(g, lambda g: g.chi2_median(g.groups - g.fitted))


# ---- likelihoods, v known -----------------------------------------------------------------------------------------


def _likelihood(g: Groups, deviance: Any, slope: Any, pole_from: float, stretch: Column = 1.0) -> tuple[Column, Column]:
    """The best tau2 by a deviance that falls without end at 0 from so many groups of v = 0 on.

    `stretch` widens the grid at both ends; beyond 1 the deviance is not asked at 0 itself.
    """
    g, exact = _about_the_most_exact(g)
    # Beyond max(v) and three times the squared range of y the restricted likelihood falls, for any J >= 2.
    most = stretch * largest(g.largest(g.v), 12 * g.reach(g.plain_mean))
    high = where(most == 0, 1.0, most)
    least = g.smallest(where(g.v == 0, g.each(high), g.v))
    low = largest(0.01 / stretch * least, 1e-18 * high)
    floor = where((exact == 0) & (stretch == 1), 0.0, NEGLIGIBLE * high)
    pole = exact >= pole_from
    tau2, settled = g.minimise(deviance, slope, by=g.v, low=low, high=high, floor=floor, pole=pole)
    return where(tau2 <= floor, 0.0, tau2), settled


def _deviance(g: Groups, tau2: Column) -> tuple[Column, Column, Column]:
    """Sums of log(v + tau2), of the squares about mu, and of w."""
    w = between.precision(g.v, g.each(tau2))
    return g.sum(between.log_variance(g.v, g.each(tau2))), g.sum(w * g.squares_about(g.centre(w))), g.sum(w)


def _ml_deviance(g: Groups, tau2: Column) -> Column:
    logs, wd2, _ = _deviance(g, tau2)
    return between.ml_deviance(logs, wd2)


def _ml_slope(g: Groups, tau2: Column) -> Column:
    w = between.precision(g.v, g.each(tau2))
    return between.ml_slope(g.sum(g.squares_about(g.centre(w)) * w * w), g.sum(w))


def _reml_deviance(g: Groups, tau2: Column) -> Column:
    return between.reml_deviance(*_deviance(g, tau2))


def _reml_slope(g: Groups, tau2: Column) -> Column:
    w = between.precision(g.v, g.each(tau2))
    return between.reml_slope(g.sum(g.squares_about(g.centre(w)) * w * w), g.sum(w), g.pairs(w))


@given_v("ml", "maximum likelihood", "Hardy & Thompson (1996); on rows Hartley & Rao (1967)")
def maximum_likelihood(g: Groups) -> tuple[Column, Column]:
    return _likelihood(g, _ml_deviance, _ml_slope, pole_from=1 if g.mu is None else INFINITY)


@given_v("reml", "restricted maximum likelihood", "Raudenbush (2009); on rows Patterson & Thompson (1971)")
def restricted_maximum_likelihood(g: Groups) -> tuple[Column, Column]:
    if g.mu is not None:
        return maximum_likelihood(g)
    return _likelihood(g, _reml_deviance, _reml_slope, pole_from=INFINITY)


def _chung_deviance(g: Groups, tau2: Column) -> Column:
    logs, wd2, _ = _deviance(g, tau2)
    return between.chung_deviance(logs, wd2, tau2)


def _chung_slope(g: Groups, tau2: Column) -> Column:
    w = between.precision(g.v, g.each(tau2))
    least = g.smallest(g.v)
    is_least = g.v == g.each(least)
    rest = g.sum(where(is_least, 0.0, w)) + (g.sum(is_least) - 1) * between.precision(least, tau2)
    return between.chung_slope(g.sum(g.squares_about(g.centre(w)) * w * w), rest, least, tau2)


@given_v("chung", "penalised maximum likelihood", "Chung et al. (2013): likelihood × τ", groups=2, positive=True)
def chung(g: Groups) -> tuple[Column, Column]:
    # The slope rises beyond twice max(v) and six times the squared range; where all means agree 0 is at v / (J - 1).
    return _likelihood(g, _chung_deviance, _chung_slope, pole_from=2, stretch=g.groups)


# ---- least risk ---------------------------------------------------------------------------------------------------


def _least_risk(g: Groups, tau2: Column) -> tuple[Column, Column]:
    """The pooling of each group, and its squared deviation from the mu of least risk."""
    b = shrink.pooling(g.each(tau2), g.v)
    return b, g.squares_about(g.centre(where(g.each(g.exact == g.groups), 1.0, b * b)))


def _risk(g: Groups, tau2: Column) -> Column:
    b, d2 = _least_risk(g, tau2)
    return g.sum(between.unbiased_risk(b, d2, g.v, g.each(tau2)))


def _risk_slope(g: Groups, tau2: Column) -> Column:
    b, d2 = _least_risk(g, tau2)
    return g.sum(between.unbiased_risk_slope(b, d2, between.precision(g.v, g.each(tau2))))


@given_v("sure", "least unbiased estimate of risk", "Xie, Kou & Brown (2012)")
def least_unbiased_risk(g: Groups) -> tuple[Column, Column]:
    tau2, settled = _likelihood(g, _risk, _risk_slope, pole_from=INFINITY)
    # Where all v are 0 there is no risk; for equal v that go to 0 it is least here.
    limit = g.sum(g.squares_about(g.plain_mean)) / g.groups
    return where(g.exact == g.groups, limit, tau2), settled


# ---- likelihoods on rows: sigma2 and tau2 jointly, over rho = tau2 / sigma2 ---------------------------------------


def _profiled(g: Groups, df: Any, profile: Any, slope: Any) -> tuple[Column, Column, Column]:
    low, zero = 0.01 / g.largest(g.w), 0.0 * g.largest(g.w)
    # Beyond 3 / min(n) and 8 df range^2 / SSW both profiles rise, for any J >= 2.
    high = largest(3 / g.smallest(g.w), 32 * df(g) * g.reach(g.centre(g.w)) / g.squares_within)
    # Without squares within they may fall for ever, to sigma2 = 0.
    within = g.squares_within > 0
    high = where(within, high, FAR / g.smallest(g.w))
    rho, settled = g.minimise(profile, slope, by=g.w, low=low, high=high, floor=zero, pole=zero > 0)
    h = oneway.information(g.w, g.each(rho))
    sigma2 = oneway.residual_variance(g.squares_within, g.sum(h * g.squares_about(g.centre(h))), df(g))
    at_the_end = (rho >= high) & (within == 0)
    alone = g.sum(g.squares_about(g.plain_mean)) / df(g)
    return where(at_the_end, 0.0, sigma2), where(at_the_end, alone, rho * sigma2), settled | at_the_end


def _information(g: Groups, rho: Column) -> tuple[Column, Column]:
    h = oneway.information(g.w, g.each(rho))
    return h, g.squares_about(g.centre(h))


def _ml_profile(g: Groups, rho: Column) -> Column:
    h, d2 = _information(g, rho)
    logs = g.sum(oneway.log_inflation(g.w, g.each(rho)))
    return oneway.ml_profile(g.squares_within, g.sum(h * d2), logs, g.rows)


def _ml_profile_slope(g: Groups, rho: Column) -> Column:
    h, d2 = _information(g, rho)
    return oneway.ml_profile_slope(g.squares_within, g.sum(h * d2), g.sum(h * h * d2), g.sum(h), g.rows)


def _reml_profile(g: Groups, rho: Column) -> Column:
    h, d2 = _information(g, rho)
    logs = g.sum(oneway.log_inflation(g.w, g.each(rho)))
    return oneway.reml_profile(g.squares_within, g.sum(h * d2), logs, g.rows - 1, g.sum(h))


def _reml_profile_slope(g: Groups, rho: Column) -> Column:
    h, d2 = _information(g, rho)
    hd2, h2d2 = g.sum(h * d2), g.sum(h * h * d2)
    return oneway.reml_profile_slope(g.squares_within, hd2, h2d2, g.sum(h), g.sum(h * h), g.rows - 1)


@on_rows("ml", "maximum likelihood", "Hartley & Rao (1967)")
def maximum_likelihood_on_rows(g: Groups) -> tuple[Column, Column, Column]:
    return _profiled(g, lambda g: g.rows, _ml_profile, _ml_profile_slope)


@on_rows("reml", "restricted maximum likelihood", "Patterson & Thompson (1971)")
def restricted_maximum_likelihood_on_rows(g: Groups) -> tuple[Column, Column, Column]:
    if g.mu is not None:
        return maximum_likelihood_on_rows(g)
    return _profiled(g, lambda g: g.rows - 1, _reml_profile, _reml_profile_slope)


# ---- cross-validation ---------------------------------------------------------------------------------------------


def _held_out(g: Groups, rho: Column) -> tuple[Column, Column, Column, Column]:
    """Squared residuals and leverage of each group, and their slopes."""
    keep = crossvalidation.pooling_at(g.n, g.each(rho))
    h = g.n * keep
    mu = g.centre(h)
    d, d2 = g.y - g.each(mu), g.squares_about(mu)
    s, s2, mu_slope = g.sum(h), g.sum(h * h), -g.sum(h * h * d) / g.sum(h)
    if g.mu is not None:
        s, s2, mu_slope = s + INFINITY, 0.0 * s2, 0.0 * mu_slope
    return (
        crossvalidation.squared_residuals(g.n, keep, g.squares, d2),
        crossvalidation.leverage(g.n, keep, g.each(s)),
        crossvalidation.squared_residuals_slope(g.n, keep, d, d2, g.each(mu_slope)),
        crossvalidation.leverage_slope(g.n, keep, g.each(s), g.each(s2)),
    )


def _leave_one_out(g: Groups, rho: Column) -> Column:
    residuals, leverage, _, _ = _held_out(g, rho)
    return g.sum(crossvalidation.leave_one_out(residuals, leverage))


def _leave_one_out_slope(g: Groups, rho: Column) -> Column:
    return g.sum(crossvalidation.leave_one_out_slope(*_held_out(g, rho)))


@on_rows("cv", "least leave-one-out error", "Allen (1974), PRESS", weighted=False)
def cross_validation(g: Groups) -> tuple[Column, Column, Column]:
    low, high = 0.01 / g.largest(g.n), 1e10 / g.smallest(g.n)
    zero = 0.0 * low
    rho, settled = g.minimise(
        _leave_one_out, _leave_one_out_slope, by=g.n, low=low, high=high, floor=zero, pole=zero > 0
    )
    sigma2 = within.pooled_variance(g.squares_within, g.rows, g.groups)
    return sigma2, rho * sigma2, settled
