"""Variance between groups when the sampling variances v are known: moments, roots and likelihoods (metafor's rma).

Every formula is a term of one group, or algebra on sums of terms: s1 = sum(w), s2 = sum(w^2), `wd2` =
sum(w (mean - mu)^2), `w2d2` = sum(w^2 (mean - mu)^2), with w = 1 / (v + tau2) by default; `pairs` =
sum(w)^2 - sum(w^2), the products of all pairs, from which s1 - s2 / s1 = pairs / s1 without cancellation.
Source of all: Viechtbauer (2005), "Bias and efficiency of meta-analytic variance estimators"; Veroniki et al. (2016).
"""

from .elementary import Column, log


def precision(v: Column, tau2: Column) -> Column:
    """Precision of a group's mean about mu, w = 1 / (v + tau2)."""
    return 1 / (v + tau2)


def pairs(count: Column, top: Column, rest: Column, rest2: Column) -> Column:
    """sum(w)^2 - sum(w^2), from the `count` groups of largest w = `top` and the sums over the rest.

    The difference itself loses all digits where one group outweighs all others.
    """
    return count * (count - 1) * top * top + 2 * count * top * rest + rest * rest - rest2


def moment_estimate(ad2: Column, av: Column, a2v: Column, a: Column, pairs: Column) -> Column:
    """Generalised method of moments with fixed weights a, from sums (DerSimonian & Kacker 2007).

    dl takes a = 1 / v, he a = 1, anova a = n (Henderson I, Buehlmann-Straub).
    """
    return (ad2 - av + a2v / a) * a / pairs


def moment_estimate_known_mu(ad2: Column, av: Column, a: Column) -> Column:
    """Method of moments about a known mu, which takes no degree of freedom."""
    return (ad2 - av) / a


def moment_estimate_one_exact(ad2: Column, groups: Column, a: Column) -> Column:
    """Limit of dl when the v of one group goes to 0: a = 1 / v and the squares about that group, over the others."""
    return (ad2 - groups + 1) / (2 * a)


def hunter_schmidt(ad2: Column, groups: Column, a: Column) -> Column:
    """Hunter & Schmidt (1990), a = 1 / v: (Q - J) / sum(a)."""
    return (ad2 - groups) / a


def hunter_schmidt_corrected(ad2: Column, groups: Column, df: Column, a: Column) -> Column:
    """Hunter & Schmidt with the small-sample correction of Brannick et al. (2019)."""
    return (groups / df * ad2 - groups) / a


def sidik_jonkman(tau2: Column, wd2: Column, df: Column) -> Column:
    """One step from a crude tau2 = sum((mean - centre)^2) / J (Sidik & Jonkman 2005): 0 only where all means agree."""
    return tau2 * wd2 / df


def excess(wd2: Column, expected: Column) -> Column:
    """Generalised Q minus its expectation, whose root is pm (J - 1 expected) or pmm (the median of chi-square)."""
    return wd2 - expected


def log_variance(v: Column, tau2: Column) -> Column:
    """Term of one group in log |V|: log(v + tau2)."""
    return log(v + tau2)


def ml_deviance(logs: Column, wd2: Column) -> Column:
    """-2 log L at the optimal mu, up to a constant, from sum(log(v + tau2))."""
    return logs + wd2


def reml_deviance(logs: Column, wd2: Column, s1: Column) -> Column:
    """-2 restricted log L up to a constant; log sum(w) accounts for the fitted mu (Harville 1977)."""
    return logs + wd2 + log(s1)


def ml_slope(w2d2: Column, s1: Column) -> Column:
    """Derivative of -2 log L by tau2."""
    return s1 - w2d2


def reml_slope(w2d2: Column, s1: Column, pairs: Column) -> Column:
    """Derivative of -2 restricted log L by tau2, with tr P = s1 - s2 / s1 in place of s1."""
    return pairs / s1 - w2d2


def chung_deviance(logs: Column, wd2: Column, tau2: Column) -> Column:
    """-2 (log L + log tau) up to a constant: the prior tau keeps the mode off 0 (Chung et al. 2013, Psychometrika)."""
    return logs + wd2 - log(tau2)


def chung_slope(w2d2: Column, rest: Column, v: Column, tau2: Column) -> Column:
    """Derivative of chung_deviance by tau2; v is the least one, `rest` the sum of w without one group of the least v.

    1 / (v + tau2) - 1 / tau2 = -v / (tau2 (v + tau2)) without the cancellation where v is 0.
    """
    return rest - v / (tau2 * (v + tau2)) - w2d2


def unbiased_risk(pooling: Column, d2: Column, v: Column, tau2: Column) -> Column:
    """Term of one group in Stein's unbiased estimate of the risk, less v (Xie, Kou & Brown 2012, JASA 107, eq. 4)."""
    return pooling * pooling * d2 + pooling * (tau2 - v)


def unbiased_risk_slope(pooling: Column, d2: Column, w: Column) -> Column:
    """Derivative of unbiased_risk by tau2; at the mu of least risk, sum(pooling^2 mean) / sum(pooling^2), for sums."""
    return 2 * pooling * pooling * (1 - w * d2)


def james_stein(squares: Column, df: Column, v: Column) -> Column:
    """The tau2 whose pooling v / (v + tau2) is that of James & Stein (1961), (df - 2) v / squares, for equal v."""
    return squares / (df - 2) - v
