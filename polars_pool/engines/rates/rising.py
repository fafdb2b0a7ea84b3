"""Gamma(a + x) / Gamma(a) and its derivatives by a, right to the last digits where a is far larger than x.

There the model is nearly binomial, or Poisson, and what tells it from that is a small difference: it is worked out as
such. By Stirling's series (Abramowitz & Stegun 1964, 6.1.41, 6.3.18, 6.4.12), below by the functions themselves.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from ..numpy import Array

LARGE = 30.0
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
TAYLOR = 1 / 16


def log_rise(a: Array, x: Array) -> Array:
    """log of Gamma(a + x) / Gamma(a)."""
    return _by_size(a, x, _log_rise_far, lambda a, x: gammaln(a + x) - gammaln(a))


def slopes(a: Array, x: Array) -> tuple[Array, Array]:
    """a times the derivative of log_rise by a; and the same less x: 0 for x of 0 and 1, and about -x (x - 1) / 2a."""
    far = np.where(a > LARGE, a, LARGE)
    t, above = x / far, far + x
    series = x / (2 * above)
    for k, c in enumerate(STIRLING):
        series = series - far * (2 * k + 1) * c * (above ** -(2 * k + 2.0) - far ** -(2 * k + 2.0))
    near = np.where(a > LARGE, LARGE, a)
    by_digamma = near * (digamma(near + x) - digamma(near))
    slope = np.where(a > LARGE, far * np.log1p(t) + series, by_digamma)
    rest = np.where(a > LARGE, far * log1p_rest(t) + series, by_digamma - x)
    exact = (x == 0) | (x == 1)
    return np.where(exact, x, slope), np.where(exact, 0.0, rest)


def curvature_rest(a: Array, x: Array) -> Array:
    """a squared times the second derivative of log_rise by a, and x: 0 for x of 0 and 1, and about x (x - 1) / a."""
    far = np.where(a > LARGE, a, LARGE)
    above = far + x
    found = x * x / above - x * (2 * far + x) / (2 * above * above)
    for k, c in enumerate(STIRLING):
        power = 2 * k + 3.0
        found = found + far * far * (2 * k + 1) * (2 * k + 2) * c * (above**-power - far**-power)
    near = np.where(a > LARGE, LARGE, a)
    by_functions = near * near * (polygamma(1, near + x) - polygamma(1, near)) + x
    return np.where((x == 0) | (x == 1), 0.0, np.where(a > LARGE, found, by_functions))
