"""Newton's method for many quantiles at once, each within a bracket."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arrays import Array

# Probability of less than x and its density, for those listed.
Distribution = Callable[[Array, Array], tuple[Array, Array]]

STEPS, CLOSE = 200, 2e-15  # the rounding of sums of probabilities
TINY = 1e-300


def quantile(
    distribution: Distribution, probability: Array, start: Array, low: Array, high: Array, scale: Array
) -> tuple[Array, Array]:
    """The quantile of each distribution, to the last bits of x and its scale, and whether it converged."""
    x, low, high = np.clip(start, low, high), low.copy(), high.copy()
    todo = np.flatnonzero(high > low)
    for _ in range(STEPS):
        if not todo.size:
            break
        at, target = x[todo], probability[todo]
        below, density = distribution(at, todo)
        excess = below - target
        high[todo] = np.where(excess >= 0, at, high[todo])
        low[todo] = np.where(excess <= 0, at, low[todo])
        step = excess / np.maximum(density, TINY)
        near = (np.abs(step) <= CLOSE * (scale[todo] + np.abs(at))) | (np.abs(excess) <= CLOSE * target)
        new = at - step
        # A step onto an end of the bracket, where the function is known, would alternate between two ends whose
        # probabilities differ from the target by rounding alone.
        outside = (new <= low[todo]) | (new >= high[todo])
        new = np.where(near, np.clip(new, low[todo], high[todo]), np.where(outside, (low[todo] + high[todo]) / 2, new))
        near |= np.abs(new - at) <= CLOSE * (scale[todo] + np.abs(new))
        x[todo] = np.where(excess == 0, at, new)
        todo = todo[~near]
    settled = np.ones(len(x), dtype=bool)
    settled[todo] = False
    return x, settled
