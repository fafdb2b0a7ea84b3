"""Log likelihoods of beta-binomial and gamma-Poisson groups with two derivatives, by what is told apart best.

Both have a mean and a size: logit or log of the mean, and the log of alpha + beta, or of the shape. At an infinite size
they are binomial and Poisson; what is left of that limit is worked out as a small difference, so that a maximum far out
is found to as many digits as one near by. Sources: Skellam (1948), J. R. Stat. Soc. B 10; Fisher (1941), Ann. Eugenics
11.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from ..numpy import Array
from .rising import curvature_rest, log1p_rest, log_rise, slopes


@dataclass(frozen=True)
class Terms:
    """Of every pair of x and n: log likelihood, gradient by mean and size, and Hessian (mean, both, size)."""

    value: Array
    gradient: tuple[Array, Array]
    hessian: tuple[Array, Array, Array]


def beta_binomial(x: Array, n: Array, mean: Array, size: Array) -> Terms:
    """x of n trials, without the binomial coefficient; by logit of the mean and log of the size alpha + beta."""
    alpha, beta, y = mean * size, (1 - mean) * size, n - x
    (slope_x, rest_x), (slope_y, rest_y), (slope_n, rest_n) = slopes(alpha, x), slopes(beta, y), slopes(size, n)
    bend_x, bend_y, bend_n = curvature_rest(alpha, x), curvature_rest(beta, y), curvature_rest(size, n)
    # alpha d/dalpha = slope_x = rest_x + x, alpha^2 d2/dalpha2 = bend_x - x, and so on
    by_mean = (1 - mean) * slope_x - mean * slope_y
    # The rests are small beside a large size, the slopes beside a small one
    by_size = np.where(n < size, rest_x + rest_y - rest_n, slope_x + slope_y - slope_n)
    bent = (1 - mean) ** 2 * (bend_x - x) + mean**2 * (bend_y - y)
    return Terms(
        log_beta_binomial(x, n, mean, size),
        (by_mean, by_size),
        (
            (1 - 2 * mean) * by_mean + bent,
            (1 - mean) * (rest_x + bend_x) - mean * (rest_y + bend_y),
            (rest_x + bend_x) + (rest_y + bend_y) - (rest_n + bend_n),
        ),
    )


def gamma_poisson(x: Array, exposure: Array, mean: Array, size: Array) -> Terms:
    """x events in an exposure, without log x!; by logs of the mean rate and of the shape, here the size."""
    mu = mean * exposure
    both = size + mu
    (slope, rest), bend = slopes(size, x), curvature_rest(size, x)
    poisson = size * log1p_rest(mu / size)  # size log(1 + mu / size) - mu
    by_size = np.where(
        mu < size,
        rest - poisson + (x - mu) * mu / both,
        slope - size * np.log1p(mu / size) - (x - mu) * size / both,
    )
    return Terms(
        log_gamma_poisson(x, exposure, mean, size),
        (size * (x - mu) / both, by_size),
        (
            -size * mu * (size + x) / both**2,
            size * (x - mu) * mu / both**2,
            rest + bend - poisson - mu * mu / both - size * (x - mu) * mu / both**2,
        ),
    )


def log_beta_binomial(x: Array, n: Array, mean: Array, size: Array) -> Array:
    """The log likelihood alone."""
    return log_rise(mean * size, x) + log_rise((1 - mean) * size, n - x) - log_rise(size, n)


def log_gamma_poisson(x: Array, exposure: Array, mean: Array, size: Array) -> Array:
    """The log likelihood alone."""
    mu = mean * exposure
    return np.asarray(
        log_rise(size, x) - x * np.log(size + mu) - (size * log1p_rest(mu / size) + mu) + xlogy(x, mu),
    )


def binomial(x: Array, n: Array, mean: Array) -> Array:
    """The limit of an infinite size."""
    return np.asarray(xlogy(x, mean) + xlog1py(n - x, -mean))


def poisson(x: Array, exposure: Array, mean: Array) -> Array:
    return np.asarray(xlogy(x, mean * exposure) - mean * exposure)


def constant(x: Array, n: Array, family: str) -> Array:
    """What the likelihoods leave out: log of the binomial coefficient, or -log x!."""
    if family == "binomial":
        return np.asarray(gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1))
    return np.asarray(-gammaln(x + 1))
