"""Partial pooling of rates: the posterior of a group's rate from its events and its trials, or its exposure.

The prior has a mean and a size: alpha + beta of a beta distribution, the rate of a gamma one. An infinite size pools
completely. Source: Skellam (1948), J. R. Stat. Soc. B 10; Clayton & Kaldor (1987), Biometrics 43.

An estimated mean of the prior is uncertain. It is worth so many trials, or so much exposure, and has the posterior that
as many of the common rate have under Jeffreys' prior: Beta(events + 1/2, others + 1/2), or Gamma(events + 1/2,
exposure), whose intervals cover well for few events too (Brown, Cai & DasGupta 2001, Stat. Sci. 16). The law of total
variance gives the mean and the variance of a group's rate; its distribution is the beta, or gamma, one that has both
(Morris 1983, JASA 78, section 4).
"""

from .elementary import INFINITY, Column, where


def weight(n: Column, size: Column) -> Column:
    """What a group's own rate keeps, n / (n + size): 0 without trials, or where all pool completely."""
    return where(size == INFINITY, 0.0, where(n == 0, 0.0, n / (n + size)))


def pooling(n: Column, size: Column) -> Column:
    """What the mean of the prior contributes to the estimate of a group, 1 - weight."""
    return where(size == INFINITY, 1.0, where(n == 0, 1.0, size / (n + size)))


def estimate(x: Column, n: Column, mean: Column, size: Column) -> Column:
    """The mean of the posterior, (x + mean size) / (n + size)."""
    return where(size == INFINITY, mean, where(n == 0, mean, (x + mean * size) / (n + size)))


def beta_variance(estimate: Column, n: Column, size: Column) -> Column:
    """The variance of a beta posterior."""
    return where(size == INFINITY, 0.0, estimate * (1 - estimate) / (n + size + 1))


def gamma_variance(estimate: Column, n: Column, size: Column) -> Column:
    """The variance of a gamma posterior."""
    return where(size == INFINITY, 0.0, estimate / (n + size))


def effective_trials(n: Column, size: Column) -> Column:
    """The independent trials that determine the mean of the prior as well as n trials of one group, n / (1 + (n - 1)
    rho) with the overdispersion rho = 1 / (1 + size); their sum is mean (1 - mean) / Var(mean).
    """
    return where(size == INFINITY, n, where(n == 0, 0.0, n * ((1 + size) / (n + size))))


def effective_exposure(n: Column, size: Column) -> Column:
    """The exposure that determines the mean of the prior as well as an exposure n of one group: mean / Var(mean)."""
    return where(size == INFINITY, n, n * (size / (n + size)))


def beta_centre(mean: Column, trials: Column) -> Column:
    """The posterior mean of the prior's mean, estimated from so many effective trials; infinite ones: known."""
    return mean + (0.5 - mean) / (trials + 1)


def beta_centre_variance(centre: Column, trials: Column) -> Column:
    """The posterior variance of the mean of a beta prior."""
    return centre * (1 - centre) / (trials + 2)


def gamma_centre(mean: Column, exposure: Column) -> Column:
    """The posterior mean of the prior's mean, estimated from so much effective exposure; infinite: known."""
    return mean + 0.5 / exposure


def gamma_centre_variance(centre: Column, exposure: Column) -> Column:
    """The posterior variance of the mean of a gamma prior."""
    return centre / exposure


def location(estimate: Column, pooling: Column, mean: Column, centre: Column) -> Column:
    """The mean of a group's rate: the estimate, with the posterior mean of the prior's mean in place of that mean."""
    return estimate + pooling * (centre - mean)


def matched_trials(location: Column, pooling: Column, variance: Column, n: Column, size: Column) -> Column:
    """alpha + beta of the beta distribution of a group's rate, with this location and the variance [location (1 -
    location) + (n + size) pooling^2 variance] / (n + size + 1); `variance` is that of the prior's mean.
    """
    spread = location * (1 - location)
    error = pooling * pooling * variance
    return where(
        n + size == INFINITY,
        (spread - error) / error,
        where(n + size == 0, 0.0, (spread - error) / (spread / (n + size) + error)),
    )


def matched_exposure(location: Column, pooling: Column, variance: Column, n: Column, size: Column) -> Column:
    """The rate of the gamma distribution of a group's rate, with this location and the variance location / (n + size)
    + pooling^2 variance.
    """
    return location / (where(size == INFINITY, 0.0, location / (n + size)) + pooling * pooling * variance)


def beta_spread(location: Column, size: Column) -> Column:
    """The variance of a beta distribution of this mean and alpha + beta."""
    return location * (1 - location) / (size + 1)


def gamma_spread(location: Column, rate: Column) -> Column:
    """The variance of a gamma distribution of this mean and rate."""
    return location / rate
