"""Mixtures of normal distributions, such as a posterior that is normal at each node of tau.

Columns are mixtures, rows their parts: weights p, means m, standard deviations s. Parts of weight 0 have any m and s.
"""

from __future__ import annotations

import numpy as np

from . import newton, special
from .arrays import Array
from .newton import TINY
from .roots import find_root

ROOT_2PI = np.sqrt(2 * np.pi)


def average(p: Array, x: Array) -> Array:
    """The mean of x, about the value of the heaviest part, so that an x equal in all parts stays exact."""
    heaviest = np.take_along_axis(x, p.argmax(axis=0)[None], axis=0)
    return np.asarray(heaviest[0] + (p * np.where(p > 0, x - heaviest, 0.0)).sum(axis=0))


def moments(p: Array, m: Array, s: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of each mixture."""
    mean = average(p, m)
    return mean, np.sqrt((p * np.where(p > 0, s * s + (m - mean) ** 2, 0.0)).sum(axis=0))


def above(p: Array, m: Array, s: Array, x: Array) -> Array:
    """Probability of a value above x."""
    return np.asarray((p * special.ndtr(_standardised(p, m, s, x))).sum(axis=0))


def _standardised(p: Array, m: Array, s: Array, x: Array) -> Array:
    """The distance of each part's mean above x in standard deviations; infinite for a part without deviation."""
    certain = np.where(m > x, np.inf, -np.inf)
    return np.where(p > 0, np.where(s > 0, (m - x) / np.maximum(s, TINY), certain), 0.0)


def quantile(p: Array, m: Array, s: Array, probability: Array) -> tuple[Array, Array]:
    """A quantile of each mixture, and whether it converged, by Newton's method between the quantiles of the parts."""
    z = special.ndtri(probability)
    of_parts = m + z * s
    low = np.where(p > 0, of_parts, np.inf).min(axis=0)
    high = np.where(p > 0, of_parts, -np.inf).max(axis=0)
    mean, sd = moments(p, m, s)

    def distribution(x: Array, i: Array) -> tuple[Array, Array]:
        p_, s_ = p[:, i], np.maximum(s[:, i], TINY)
        deviation = np.where(p_ > 0, (x - m[:, i]) / s_, 0.0)
        density = (p_ * np.exp(-0.5 * deviation * deviation) / s_).sum(axis=0) / ROOT_2PI
        return (p_ * special.ndtr(deviation)).sum(axis=0), density

    return newton.quantile(distribution, probability, mean + z * sd, low, high, sd)


def quantiles(p: Array, m: Array, s: Array, probabilities: Array) -> Array:
    """Quantiles, one row per row of probabilities; NaN where they did not converge."""
    times = 1, len(probabilities)
    x, settled = quantile(np.tile(p, times), np.tile(m, times), np.tile(s, times), probabilities.ravel())
    return np.where(settled, x, np.nan).reshape(probabilities.shape)


def central(p: Array, m: Array, s: Array, level: float) -> tuple[Array, Array, Array]:
    """The interval with equal probabilities below and above, and whether it converged."""
    tail = np.full(p.shape[1], (1 - level) / 2)
    lower, settled = quantile(p, m, s, tail)
    upper, too = quantile(p, m, s, 1 - tail)
    return lower, upper, settled & too


def shortest(p: Array, m: Array, s: Array, level: float) -> tuple[Array, Array, Array]:
    """The shortest interval, whose ends have equal densities, and whether it converged."""

    def slope(tail: Array, i: Array) -> Array:
        lower, _ = quantile(p[:, i], m[:, i], s[:, i], tail)
        upper, _ = quantile(p[:, i], m[:, i], s[:, i], tail + level)
        return _density(p[:, i], m[:, i], s[:, i], lower) - _density(p[:, i], m[:, i], s[:, i], upper)

    lower, upper, settled = central(p, m, s, level)
    spread = np.flatnonzero(upper > lower)
    if not spread.size:
        return lower, upper, settled
    least, most = 1e-9 * (1 - level), (1 - 1e-9) * (1 - level)
    root, converged = find_root(slope, np.full(spread.size, least), np.full(spread.size, most), spread)
    tail = np.where(converged, root, (1 - level) / 2)
    lower[spread], _ = quantile(p[:, spread], m[:, spread], s[:, spread], tail)
    upper[spread], _ = quantile(p[:, spread], m[:, spread], s[:, spread], tail + level)
    settled[spread] &= converged
    return lower, upper, settled


def _density(p: Array, m: Array, s: Array, x: Array) -> Array:
    s = np.maximum(s, TINY)
    deviation = np.where(p > 0, (x - m) / s, 0.0)
    return np.asarray((p * np.exp(-0.5 * deviation * deviation) / s).sum(axis=0))
