"""Partial pooling: the weight, the estimate and its standard error (Gelman & Hill 2007, formula 12.1)."""

from .elementary import INFINITY, Column, where


def weight(tau2: Column, v: Column) -> Column:
    """Weight of a group's own mean, tau2 / (tau2 + v): 0 without rows, else 1 where the mean is exact."""
    return where(v == INFINITY, 0.0, where(v == 0, 1.0, tau2 / (tau2 + v)))


def pooling(tau2: Column, v: Column) -> Column:
    """Weight of the population mean, 1 - weight, without cancellation."""
    return where(v == INFINITY, 1.0, where(v == 0, 0.0, v / (tau2 + v)))


def estimate(mean: Column, mu: Column, weight: Column) -> Column:
    """The partially pooled mean, weight * mean + (1 - weight) * mu."""
    return where(weight == 0, mu, where(weight == 1, mean, mu + weight * (mean - mu)))


def morris_variance(tau2: Column, v: Column, df: Column) -> Column:
    """The variance between groups whose pooling is that of Morris (1983), (df - 2) / df v / (v + tau2).

    The factor makes up for the estimation of tau2, so that a tau2 of 0 does not pool completely; df = J - 1, or J about
    a known mu. A group without rows has tau2 itself.
    """
    return where(v == INFINITY, tau2, (df * tau2 + 2 * v) / (df - 2))


def conditional_variance(tau2: Column, pooling: Column) -> Column:
    """Variance of the group's true mean where mu is known, weight * v = tau2 * pooling (lme4: condVar)."""
    return where(pooling == 0, 0.0, tau2 * pooling)


def marginal_variance(tau2: Column, pooling: Column, se_mu: Column) -> Column:
    """Variance of the estimate with the error of mu (metafor's BLUP; Raudenbush & Bryk 1985)."""
    return where(pooling == 0, 0.0, tau2 * pooling + (pooling * se_mu) * (pooling * se_mu))


def lower(estimate: Column, se: Column, quantile: Column) -> Column:
    """Lower end of the interval; `quantile` is the normal quantile of (1 + level) / 2."""
    return estimate - quantile * se


def upper(estimate: Column, se: Column, quantile: Column) -> Column:
    """Upper end of the interval; `quantile` is the normal quantile of (1 + level) / 2."""
    return estimate + quantile * se


def predictive_variance(variance: Column, noise: Column) -> Column:
    """Variance of a future observation: `noise` is sigma2 for a row, v for a mean."""
    return where(noise == INFINITY, None, variance + noise)


def standardised(estimate: Column, se: Column, threshold: Column) -> Column:
    """Distance z of the estimate above the threshold in standard errors; the normal P(z) is the chance to exceed it.

    Infinite where se = 0, so that the probability is 1 or 0.
    """
    certain = where(estimate > threshold, INFINITY, -INFINITY)
    return where(se == 0, certain, (estimate - threshold) / se)


def icc(tau2: Column, sigma2: Column) -> Column:
    """Intraclass correlation, the share of the variance of a row that lies between groups."""
    return where(tau2 + sigma2 == 0, None, tau2 / (tau2 + sigma2))
