"""Derivatives of log gamma that SciPy lacks or has in another form."""

from __future__ import annotations

import numpy as np

from . import special
from .arrays import Array


def trigamma(x: Array) -> Array:
    """The second derivative of log gamma, computed once for each distinct number: the function is slow."""
    distinct, place = np.unique(x, return_inverse=True)
    return np.asarray(special.polygamma(1, distinct))[place].reshape(np.shape(x))


def trigamma_inverse(x: Array) -> Array:
    """Newton's method for 1 / trigamma, which is convex (Smyth 2004, appendix): from above it goes down to the root."""
    infinite = x == np.inf
    x = np.where(infinite, 1.0, x)
    y = 0.5 + 1 / x  # above the root, as trigamma(y) < 1 / (y - 1/2) for all y > 1/2
    while True:
        value = trigamma(y)
        step = value * (1 - value / x) / special.polygamma(2, y)
        moved = step < -1e-15 * y  # upward is rounding
        y = np.where(moved, y + step, y)
        if not moved.any():
            return np.where(infinite, 0.0, y)
