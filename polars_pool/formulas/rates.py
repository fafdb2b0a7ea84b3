"""Partial pooling of rates: the posterior of a group's rate from its events and its trials, or its exposure.

The prior has a mean and a size: alpha + beta of a beta distribution, the rate of a gamma one. An infinite size pools
completely. Source: Skellam (1948), J. R. Stat. Soc. B 10; Clayton & Kaldor (1987), Biometrics 43.
"""

from .elementary import INFINITY, Column, where


def weight(n: Column, size: Column) -> Column:
    """What a group's own rate keeps, n / (n + size): 0 without trials, or where all pool completely."""
    return where(size == INFINITY, 0.0, where(n == 0, 0.0, n / (n + size)))


def estimate(x: Column, n: Column, mean: Column, size: Column) -> Column:
    """The mean of the posterior, (x + mean size) / (n + size)."""
    return where(size == INFINITY, mean, (x + mean * size) / (n + size))


def beta_variance(estimate: Column, n: Column, size: Column) -> Column:
    """The variance of a beta posterior."""
    return where(size == INFINITY, 0.0, estimate * (1 - estimate) / (n + size + 1))


def gamma_variance(estimate: Column, n: Column, size: Column) -> Column:
    """The variance of a gamma posterior."""
    return where(size == INFINITY, 0.0, estimate / (n + size))
