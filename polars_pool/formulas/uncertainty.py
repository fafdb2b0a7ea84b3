"""How the error of tau2 adds to the error of a group's estimate, by the variance and the bias of tau2.

Source: Kackar & Harville (1984), "Approximations for standard errors of estimators of fixed and random effects";
Prasad & Rao (1990), "The estimation of the mean squared error of small-area estimators"; the bias by Datta, Rao & Smith
(2005), "On measuring the variability of small area estimators under a basic area level model".
"""

from .elementary import Column, where


def variance_with_tau2(
    marginal: Column, v: Column, tau2: Column, pooling: Column, error: Column, correction: Column
) -> Column:
    """Variance of an estimate with the error of tau2: at most v, the variance of the raw mean; at least `marginal`.

    `error` is the variance of tau2, `correction` minus its bias. The weight has the slope v / (v + tau2)^2 by tau2, so
    that it moves the estimate by pooling^2 error / (v + tau2); as much again is lost by putting tau2 into the variance.
    """
    more = marginal + pooling * pooling * (2 * error / (v + tau2) + correction)
    capped = where(more > v, v, more)
    return where(pooling == 0, 0.0, where(capped < marginal, marginal, capped))


def error_of_ratio(tt: Column, ts: Column, ss: Column, within: Column, rho: Column) -> Column:
    """Variance of tau2 - rho sigma2 at fixed rho = tau2 / sigma2: the error of the weights where both are estimated.

    From the joint information, named as in `variance_by_information`.
    """
    return 2 * (within + ss + 2 * rho * ts + rho * rho * tt) / (tt * within + (tt * ss - ts * ts))


def ml_correction(s1: Column) -> Column:
    """Minus the bias of tau2 by maximum likelihood, which ignores that mu is estimated."""
    return 1 / s1


def root_correction(groups: Column, s1: Column, s2: Column) -> Column:
    """Minus the bias of tau2 by pm and eb, to first order: their Q is convex in tau2 (Datta, Rao & Smith 2005)."""
    return -2 * (groups * s2 - s1 * s1) / (s1 * s1 * s1)


def median_correction(correction: Column, df: Column, median: Column, s1: Column) -> Column:
    """Correction of pmm, whose root lies higher than that of pm because the median of chi-square is below its mean."""
    return correction - (df - median) / s1
