"""Log likelihoods of beta-binomial and gamma-Poisson groups, with two derivatives.

Their parameters are the logit or log of the mean, and the log of the size (alpha + beta, or the shape). At an infinite
size they are binomial and Poisson. The difference from that limit is computed directly, so that a maximum at a large
size has as many digits as one at a small size.

With many events the terms are far larger than their sum. There they are combined before they are evaluated, to
deviances of x, n - x, alpha and beta from their expected values at one rate: all depend on the excess of x over n times
the mean, which has all digits. Sources: Skellam (1948), J. R. Stat. Soc. B 10; Fisher (1941),
Ann. Eugenics 11; deviances by Loader (2000), "Fast and accurate computation of binomial probabilities".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from ...formulas import overdispersion
from ...numerics import special
from ...numerics.rising import beyond_logs, deviance, factorial_rest, log1p_rest, log_rise, rise

MANY = 1e4  # trials, or events, up to which the terms keep 11 digits of their sum


@dataclass(frozen=True)
class Terms:
    """For each pair of x and n: log likelihood, gradient by mean and size, and Hessian (mean, both, size)."""

    value: Array
    gradient: tuple[Array, Array]
    hessian: tuple[Array, Array, Array]


def excess(x: Array, n: Array, mean: Array) -> Array:
    """x - n mean, as if the product were exact."""
    return np.asarray(overdispersion.excess(x, n, mean))


def beta_binomial(x: Array, n: Array, mean: Array, size: Array, over: Array | None = None) -> Terms:
    """x events in n trials, by the logit of the mean and the log of the size alpha + beta; `over` is the excess of x.

    For few trials without the binomial coefficient.
    """
    over = excess(x, n, mean) if over is None else over
    return _terms(_by_number(n, _few_trials, _many_trials, x, n, mean, size, over))


def gamma_poisson(x: Array, exposure: Array, mean: Array, size: Array, over: Array | None = None) -> Terms:
    """x events in an exposure, by the logs of the mean and of the size, the shape; `over` is the excess of x.

    For few events without log x!.
    """
    over = excess(x, exposure, mean) if over is None else over
    return _terms(_by_number(x, _few_events, _many_events, x, exposure, mean, size, over))


def log_beta_binomial(x: Array, n: Array, mean: Array, size: Array, over: Array) -> Array:
    """The value of beta_binomial without derivatives, at a third of its cost."""
    [value] = _by_number(n, _few_trials_value, lambda *columns: _many_trials(*columns)[:1], x, n, mean, size, over)
    return value


def log_gamma_poisson(x: Array, exposure: Array, mean: Array, size: Array, over: Array) -> Array:
    """The value of gamma_poisson without derivatives."""
    columns = (x, exposure, mean, size, over)
    [value] = _by_number(x, _few_events_value, lambda *columns: _many_events(*columns)[:1], *columns)
    return value


def _terms(parts: list[Array]) -> Terms:
    value, by_mean, by_size, by_mean_twice, by_both, by_size_twice = parts
    return Terms(value, (by_mean, by_size), (by_mean_twice, by_both, by_size_twice))


def binomial(x: Array, n: Array, mean: Array, over: Array) -> Array:
    """The limit of beta_binomial at an infinite size."""

    def many(x: Array, n: Array, mean: Array, over: Array) -> list[Array]:
        return [log_coefficient_rest(x, n) - deviance(over, n * mean) - deviance(-over, n * (1 - mean))]

    return _by_number(
        n, lambda x, n, mean, over: [special.xlogy(x, mean) + special.xlog1py(n - x, -mean)], many, x, n, mean, over
    )[0]


def poisson(x: Array, exposure: Array, mean: Array, over: Array) -> Array:
    """The limit of gamma_poisson at an infinite size."""

    def few(x: Array, mu: Array, over: Array) -> list[Array]:
        return [special.xlogy(x, mu) - mu]

    def many(x: Array, mu: Array, over: Array) -> list[Array]:
        return [-deviance(over, mu) - factorial_rest(x)]

    return _by_number(x, few, many, x, mean * exposure, over)[0]


def constant(x: Array, n: Array, family: str) -> Array:
    """The constant that the likelihoods of few omit: log of the binomial coefficient, or -log x!."""
    if family == "binomial":
        return np.where(n > MANY, 0.0, special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1))
    return np.where(x > MANY, 0.0, -special.gammaln(x + 1))


def log_coefficient_rest(x: Array, n: Array) -> Array:
    """log of the binomial coefficient less n log n - x log x - (n - x) log(n - x)."""
    return factorial_rest(n) - factorial_rest(x) - factorial_rest(n - x)


def _by_number(
    number: Array, few: Callable[..., list[Array]], many: Callable[..., list[Array]], *columns: Array
) -> list[Array]:
    """The values of one list of functions of columns where a number is small, and of another where it is large."""
    large = number > MANY
    if not large.any():
        return few(*columns)
    columns = tuple(np.broadcast_arrays(*columns))
    merged = []
    parts = zip(few(*(column[~large] for column in columns)), many(*(column[large] for column in columns)), strict=True)
    for small, big in parts:
        both = np.empty(large.shape)
        both[~large], both[large] = small, big
        merged.append(both)
    return merged


# ---- rates ----------------------------------------------------------------------------------------------------------


def _few_trials_value(x: Array, n: Array, mean: Array, size: Array, over: Array) -> list[Array]:
    return [log_rise(mean * size, x) + log_rise((1 - mean) * size, n - x) - log_rise(size, n)]


def _few_trials(x: Array, n: Array, mean: Array, size: Array, over: Array) -> list[Array]:
    alpha, beta, y = mean * size, (1 - mean) * size, n - x
    log_x, slope_x, rest_x, bend_x = rise(alpha, x)
    log_y, slope_y, rest_y, bend_y = rise(beta, y)
    log_n, slope_n, rest_n, bend_n = rise(size, n)
    # alpha d/dalpha = slope_x = rest_x + x, alpha^2 d2/dalpha2 = bend_x - x, and so on
    by_mean = (1 - mean) * slope_x - mean * slope_y
    # For a large size the rests are small, for a small size the slopes
    by_size = np.where(n < size, rest_x + rest_y - rest_n, slope_x + slope_y - slope_n)
    curvature = (1 - mean) ** 2 * (bend_x - x) + mean**2 * (bend_y - y)
    return [
        log_x + log_y - log_n,
        by_mean,
        by_size,
        (1 - 2 * mean) * by_mean + curvature,
        (1 - mean) * (rest_x + bend_x) - mean * (rest_y + bend_y),
        (rest_x + bend_x) + (rest_y + bend_y) - (rest_n + bend_n),
    ]


def _many_trials(x: Array, n: Array, mean: Array, size: Array, over: Array) -> list[Array]:
    alpha, beta, y, both = mean * size, (1 - mean) * size, n - x, n + size
    shift = over / both  # of the posterior mean from the prior's
    after, others = (alpha + x) / both, (beta + y) / both
    up, down = shift / mean, -shift / (1 - mean)
    log_up, log_down = _log_ratio(after, mean, up), _log_ratio(others, 1 - mean, down)
    (rise_x, slope_x, bend_x), (rise_y, slope_y, bend_y) = beyond_logs(alpha, x), beyond_logs(beta, y)
    rise_n, slope_n, bend_n = beyond_logs(size, n)
    apart = size * shift
    deviances = (deviance(apart, n * after) + deviance(-apart, n * others)) + (
        deviance(-apart, size * after) + deviance(apart, size * others)
    )
    scale = mean * (1 - mean) * size
    by_mean = scale * (log_up - log_down) + ((1 - mean) * slope_x - mean * slope_y)
    rest_up, rest_down = _rest(log_up, up), _rest(log_down, down)
    by_size = alpha * rest_up + beta * rest_down + (slope_x + slope_y - slope_n)
    bent_x, bent_y = bend_x - alpha * x / (alpha + x), bend_y - beta * y / (beta + y)
    return [
        (rise_x + rise_y - rise_n) + log_coefficient_rest(x, n) - deviances,
        by_mean,
        by_size,
        (1 - 2 * mean) * by_mean + (1 - mean) ** 2 * bent_x + mean**2 * bent_y,
        by_mean - scale * size * over / ((alpha + x) * (beta + y)) + (1 - mean) * bend_x - mean * bend_y,
        by_size + apart * apart / (both * after * others) + (bend_x + bend_y - bend_n),
    ]


def _log_ratio(after: Array, before: Array, change: Array) -> Array:
    """log(after / before), by the relative change, except where nearly nothing is left."""
    return np.where(change < -0.5, np.log(after / before), np.log1p(np.maximum(change, -0.5)))


def _rest(log: Array, change: Array) -> Array:
    return np.where(change < -0.5, log - change, log1p_rest(np.maximum(change, -0.5)))


# ---- counts ---------------------------------------------------------------------------------------------------------


def _few_events_value(x: Array, exposure: Array, mean: Array, size: Array, over: Array) -> list[Array]:
    mu = mean * exposure
    return [_few_events_sum(log_rise(size, x), x, mu, size, size * log1p_rest(mu / size))]


def _few_events_sum(log: Array, x: Array, mu: Array, size: Array, rest_mu: Array) -> Array:
    """The value by log_rise and by size log(1 + mu / size) - mu."""
    return np.asarray(log - x * np.log(size + mu) - (rest_mu + mu) + special.xlogy(x, mu))


def _few_events(x: Array, exposure: Array, mean: Array, size: Array, over: Array) -> list[Array]:
    mu = mean * exposure
    both = size + mu
    log, slope, rest, bend = rise(size, x)
    rest_mu = size * log1p_rest(mu / size)  # size log(1 + mu / size) - mu
    by_size = np.where(
        mu < size,
        rest - rest_mu + over * mu / both,
        slope - size * np.log1p(mu / size) - over * size / both,
    )
    return [
        _few_events_sum(log, x, mu, size, rest_mu),
        size * over / both,
        by_size,
        -size * mu * (size + x) / both**2,
        size * over * mu / both**2,
        rest + bend - rest_mu - mu * mu / both - size * over * mu / both**2,
    ]


def _many_events(x: Array, exposure: Array, mean: Array, size: Array, over: Array) -> list[Array]:
    mu = mean * exposure
    both, after = size + mu, size + x
    shift = over / both  # of the posterior mean from the prior's, relatively
    apart = size * shift
    rise, slope, bend = beyond_logs(size, x)
    by_size = size * _rest(_log_ratio(after, both, shift), shift) + slope
    return [
        rise - factorial_rest(x) - deviance(apart, after * (mu / both)) - deviance(-apart, after * (size / both)),
        apart,
        by_size,
        -size * mu * after / both**2,
        apart * mu / both,
        by_size + apart * apart / after + bend,
    ]
