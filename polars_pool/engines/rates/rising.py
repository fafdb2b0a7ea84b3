"""Gamma(a + x) / Gamma(a) and its derivatives by a, right to the last digits where a is far larger than x.

There the model is nearly binomial, or Poisson, and what tells it from that is a small difference: it is worked out as
such. By Stirling's series (Abramowitz & Stegun 1964, 6.1.41, 6.3.18, 6.4.12), below by the functions themselves.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from ..numpy import Array

LARGE = 30.0
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
TAYLOR = 1 / 16


def log1p_rest(t: Array) -> Array:
    """log(1 + t) - t without the cancellation at small t."""
    small = np.where(t < TAYLOR, t, 0.0)
    series = np.zeros_like(small)
    for power in range(16, 1, -1):  # Horner, (-1)^(k + 1) t^k / k: the next term is below 2^-68 t^2
        series = (1.0 if power % 2 else -1.0) / power + small * series
    return np.where(t < TAYLOR, small * small * series, np.log1p(t) - t)


def log_rise(a: Array, x: Array) -> Array:
    """log of Gamma(a + x) / Gamma(a)."""
    far = np.where(a > LARGE, a, LARGE)
    t, above = x / far, far + x
    series = np.zeros_like(far)
    for k, c in enumerate(STIRLING):
        series = series + c * (above ** -(2 * k + 1.0) - far ** -(2 * k + 1.0))
    by_series = x * np.log(above) + far * log1p_rest(t) - np.log1p(t) / 2 + series
    near = np.where(a > LARGE, LARGE, a)
    return np.asarray(np.where(a > LARGE, by_series, gammaln(near + x) - gammaln(near)))


def slope_rest(a: Array, x: Array) -> Array:
    """a times the derivative of log_rise by a, less x: 0 for x of 0 and 1, and about -x (x - 1) / 2a."""
    far = np.where(a > LARGE, a, LARGE)
    t, above = x / far, far + x
    series = x / (2 * above)
    for k, c in enumerate(STIRLING):
        series = series - far * (2 * k + 1) * c * (above ** -(2 * k + 2.0) - far ** -(2 * k + 2.0))
    near = np.where(a > LARGE, LARGE, a)
    found = np.where(a > LARGE, far * log1p_rest(t) + series, near * (digamma(near + x) - digamma(near)) - x)
    return np.where(x <= 1, np.where((x == 0) | (x == 1), 0.0, found), found)


def curvature(a: Array, x: Array) -> Array:
    """a squared times the second derivative of log_rise by a."""
    far = np.where(a > LARGE, a, LARGE)
    above = far + x
    found = -far * x / above - x * (2 * far + x) / (2 * above * above)
    for k, c in enumerate(STIRLING):
        power = 2 * k + 3.0
        found = found + far * far * (2 * k + 1) * (2 * k + 2) * c * (above**-power - far**-power)
    near = np.where(a > LARGE, LARGE, a)
    by_functions = near * near * (polygamma(1, near + x) - polygamma(1, near))
    return np.where(x == 0, 0.0, np.where(a > LARGE, found, by_functions))
