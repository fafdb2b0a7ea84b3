"""Gamma(a + x) / Gamma(a) and its derivatives by a, right to the last digits where a is far larger than x.

There the model is nearly binomial, or Poisson. Its difference from this limit is small and computed directly: for large
arguments by Stirling's series (Abramowitz & Stegun 1964, 6.1.41, 6.3.18, 6.4.12), for others by the functions of SciPy.

Where x is huge, log Gamma(z) is nearly z log z - z. The rest beyond this term is small, and keeps its digits where a
caller combines the logarithms before it evaluates them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import special
from .arrays import Array

LARGE = 30.0
# sql/parts/rates/likelihood.sql has the same coefficients: a sum over powers is a loop here and one expression there.
# A test compares both.
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
SLOPES = tuple((2 * k + 1) * c for k, c in enumerate(STIRLING))
CURVATURES = tuple((2 * k + 1) * (2 * k + 2) * c for k, c in enumerate(STIRLING))
TAYLOR = 1 / 16


def log_rise(a: Array, x: Array) -> Array:
    """log of Gamma(a + x) / Gamma(a)."""
    [value] = _by_size(a, x, _log_rise_far, _log_rise_near)
    return value


def rise(a: Array, x: Array) -> tuple[Array, Array, Array, Array]:
    """log_rise with its derivatives by a: a times the first, this less x, and a squared times the second plus x.

    The first of them is about x - x (x - 1) / 2a, the last about x (x - 1) / a; both are exact for x of 0 and 1.
    """
    log, slope, rest, curvature = _by_size(a, x, _rise_far, _rise_near)
    exact = x <= 1
    return log, np.where(exact, x, slope), np.where(exact, 0.0, rest), np.where(exact, 0.0, curvature)


def beyond_logs(a: Array, x: Array) -> tuple[Array, Array, Array]:
    """log_rise, a times its derivative and a squared times its second derivative, less those of z log z - z."""
    log, first, second = _by_size(a, x, lambda a, x: [part(a, x) for part in _BEYOND_FAR], _beyond_near)
    return log, first, second


def factorial_rest(x: Array) -> Array:
    """log x! less x log x - x."""
    large = np.maximum(x, LARGE)
    far = np.log(2 * np.pi * large) / 2 + _series(1 / large, STIRLING)
    small = np.minimum(x, LARGE)
    return np.where(x > LARGE, far, special.gammaln(small + 1) - special.xlogy(small, small) + small)


def deviance(excess: Array, expected: Array) -> Array:
    """x log(x / expected) - excess of x = expected + excess: 0 or more, and about excess^2 / 2 expected."""
    t = np.maximum(np.where(expected > 0, excess / expected, 0.0), -1.0)
    near = np.abs(t) < TAYLOR
    small = np.where(near, t, 0.0)
    relative = np.where(near, small * small + (1 + small) * log1p_rest(small), special.xlog1py(1 + t, t) - t)
    return np.asarray(expected * relative)


def _by_size(
    a: Array, x: Array, far: Callable[..., list[Array]], near: Callable[..., list[Array]]
) -> list[Array] | tuple[Array, ...]:
    """The values of one list of functions where a is large, and of another where it is not."""
    a, x = np.broadcast_arrays(a, x)
    large = a > LARGE
    if large.all():
        return far(a, x)
    if not large.any():
        return near(a, x)
    pairs = zip(far(a[large], x[large]), near(a[~large], x[~large]), strict=True)
    return [_merged(large, *both) for both in pairs]


def _of_runs(function: Callable[[Array], Array], a: Array) -> Array:
    """A function of an array with long runs of equal values, as those of a model are; computed once per run."""
    begin = np.flatnonzero(np.diff(a, prepend=np.nan) != 0)
    return np.repeat(function(a[begin]), np.diff(begin, append=len(a)))


def _merged(large: Array, far: Array, near: Array) -> Array:
    values = np.empty(large.shape)
    values[large], values[~large] = far, near
    return values


def _log_rise_far(a: Array, x: Array) -> list[Array]:
    return [x * np.log(a + x) + a * log1p_rest(x / a) + _log_gamma_beyond(a, x)]


def _log_rise_near(a: Array, x: Array) -> list[Array]:
    return [_log_gamma(a + x) - _of_runs(special.gammaln, a)]


def _rise_far(a: Array, x: Array) -> list[Array]:
    above, t = a + x, x / a
    rest, beyond = a * log1p_rest(t), _digamma_beyond(a, x)
    log = x * np.log(above) + rest + _log_gamma_beyond(a, x)
    return [log, a * np.log1p(t) + beyond, rest + beyond, x * x / above + _trigamma_beyond(a, x)]


def _rise_near(a: Array, x: Array) -> list[Array]:
    above = a + x
    slope = a * (_digamma(above) - _of_runs(special.digamma, a))
    curvature = a * a * (_trigamma(above) - _of_runs(_trigamma, a)) + x
    return [*_log_rise_near(a, x), slope, slope - x, curvature]


def _log_gamma_beyond(a: Array, x: Array) -> Array:
    return np.asarray(-np.log1p(x / a) / 2 + (_series(1 / (a + x), STIRLING) - _series(1 / a, STIRLING)))


def _digamma_beyond(a: Array, x: Array) -> Array:
    above = a + x
    series = _series(1 / above, SLOPES) / above - _series(1 / a, SLOPES) / a
    return np.asarray(x / (2 * above) - a * series)


def _trigamma_beyond(a: Array, x: Array) -> Array:
    above = a + x
    series = _series(1 / above, CURVATURES) / above**2 - _series(1 / a, CURVATURES) / a**2
    return np.asarray(a * a * series - x * (2 * a + x) / (2 * above * above))


_BEYOND_FAR = (_log_gamma_beyond, _digamma_beyond, _trigamma_beyond)


def _beyond_near(a: Array, x: Array) -> list[Array]:
    above, power = _rests(a + x), _rests(a)
    return [a**i * (high - low) for i, (high, low) in enumerate(zip(above, power, strict=True))]


def _rests(z: Array) -> list[Array]:
    """log Gamma(z) and its derivatives, less those of z log z - z."""
    u, small = 1 / np.maximum(z, LARGE), np.minimum(z, LARGE)
    far = [
        np.log(2 * np.pi * u) / 2 + _series(u, STIRLING),
        -u / 2 - u * _series(u, SLOPES),
        u * u / 2 + u * u * _series(u, CURVATURES),
    ]
    log = np.log(small)
    near = [special.gammaln(small) - small * log + small, special.digamma(small) - log, _trigamma(small) - 1 / small]
    return [np.where(z > LARGE, *both) for both in zip(far, near, strict=True)]


def _series(u: Array, coefficients: tuple[float, ...]) -> Array:
    """The sum of coefficient * u^(2k + 1) over k."""
    square, total = u * u, np.zeros_like(u)
    for c in reversed(coefficients):
        total *= square
        total += c
    return total * u


def log1p_rest(t: Array) -> Array:
    """log(1 + t) - t without cancellation at small t."""
    value = np.log1p(t) - t
    near = np.abs(t) < TAYLOR
    small = t[near]
    if small.size:
        series = np.zeros_like(small)
        for power in range(16, 1, -1):  # Horner, (-1)^(k + 1) t^k / k: the next term is below 2^-62 t^2
            series *= small
            series += (1.0 if power % 2 else -1.0) / power
        value[near] = small * small * series
    return np.asarray(value)


# log Gamma and its derivatives, by their series where these have all digits: they are faster than SciPy


def _log_gamma(z: Array) -> Array:
    large = np.maximum(z, LARGE)
    u = 1 / large
    value = (large - 0.5) * np.log(large) - large + np.log(2 * np.pi) / 2 + _series(u, STIRLING)
    return _with_small(value, z, special.gammaln)


def _digamma(z: Array) -> Array:
    large = np.maximum(z, LARGE)
    u = 1 / large
    return _with_small(np.log(large) - u / 2 - u * _series(u, SLOPES), z, special.digamma)


def _trigamma(z: Array) -> Array:
    u = 1 / np.maximum(z, LARGE)
    return _with_small(u + u * u / 2 + _series(u, CURVATURES) * u * u, z, lambda small: special.polygamma(1, small))


def _with_small(value: Array, z: Array, function: Callable[[Array], Array]) -> Array:
    """The values, with those of a function where z is small."""
    small = z < LARGE
    value[small] = function(z[small])
    return value
