"""The expected number of many independent normal variables above a point, by binning and Fourier transforms.

Each variable puts its mass linearly on the two nearest points of a grid and on the two nearest of some variances. The
normal density solves the heat equation in its variance, so that both are right to second order; the binning adds
dx^2 / 6 to a variance, which is taken off. Time does not depend on the pairs of variables.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import special, threads
from .arrays import Array

POINTS = 2**15  # of the grid
VARIANCES = 128  # at most
MARGIN = 9.5  # standard deviations beside the outermost means: those of the sum of two of the widest variables
ROOT_2PI = np.sqrt(2 * np.pi)


@dataclass(frozen=True)
class CountsAbove:
    """Variables with means m and deviations s, binned; `place` is their place in the grid, `node` in the variances."""

    low: float
    step: float
    place: Array
    variances: Array
    node: Array
    share: Array  # of the mass that goes to the next variance

    @cached_property
    def spectra(self) -> Array:
        """The Fourier transforms of the masses at each variance."""
        cell = np.minimum(self.place.astype(np.int64), POINTS - 2)
        part, size = self.place - cell, len(self.variances) * POINTS
        masses = np.zeros(size + POINTS)
        for beside, share in ((0, 1 - self.share), (1, self.share)):
            at = (self.node + beside) * POINTS + cell
            masses[:size] += np.bincount(at, share * (1 - part), size + POINTS)[:size]
            masses[:size] += np.bincount(at + 1, share * part, size + POINTS)[:size]
        return np.fft.rfft(masses[:size].reshape(-1, POINTS), axis=1)

    @cached_property
    def squares(self) -> Array:
        """Squared angular frequencies of the transforms."""
        return (2 * np.pi * np.fft.rfftfreq(POINTS, self.step)) ** 2

    @cached_property
    def spectrum(self) -> Array:
        """The transform of the summed densities."""
        variances = np.maximum(self.variances - self.step**2 / 6, 0.0)
        total = np.zeros(POINTS // 2 + 1, dtype=complex)
        for one, variance in zip(self.spectra, variances, strict=True):
            total += one * np.exp(-0.5 * variance * self.squares)
        return total

    def means(self, variance: float = 0.0) -> tuple[Array, Array]:
        """Mean number above each point of the grid, averaged over a normal error of the point, and minus its slope."""
        density = np.fft.irfft(self.spectrum * np.exp(-0.5 * variance * self.squares), POINTS)
        return np.cumsum(density[::-1])[::-1] - density / 2, density

    def spreads(self) -> Array:
        """Variance of the number above each point of the grid: the sum of P (1 - P)."""
        distance = np.minimum(np.arange(POINTS), POINTS - np.arange(POINTS)) * self.step
        total = np.zeros(POINTS // 2 + 1, dtype=complex)
        for one, variance in zip(self.spectra, self.variances, strict=True):
            s = max(np.sqrt(variance), self.step)  # narrower kernels fall between the points; their area is kept
            tail = special.ndtr(-distance / s)
            total += one * np.fft.rfft(tail * (1 - tail)) * (np.sqrt(variance) / s)
        return np.maximum(np.fft.irfft(total, POINTS), 0.0)

    @property
    def x(self) -> Array:
        """The points of the grid."""
        return self.low + self.step * np.arange(POINTS)

    def at_variables(self) -> Array:
        """Mean number above each variable itself, which counts as half above itself."""
        order = np.argsort(self.node, kind="stable")
        start = np.searchsorted(self.node[order], np.arange(len(self.variances) + 1))
        result = np.zeros(len(self.place))

        def of_node(k: int) -> None:
            mean, density = self.means(self.variances[k])
            here, before = order[start[k] : start[k + 1]], order[start[max(k - 1, 0)] : start[k]]
            parts[k] = (
                here,
                before,
                _cubic(mean, density, self.place[here]),
                _cubic(mean, density, self.place[before]),
            )

        parts: dict[int, tuple[Array, Array, Array, Array]] = {}
        threads.of_blocks(of_node, range(len(self.variances)))
        for here, before, value, next_value in parts.values():
            result[here] += (1 - self.share[here]) * value
            result[before] += self.share[before] * next_value
        return result


def counts_above(m: Array, s: Array) -> CountsAbove:
    """The binned variables with means m and deviations s, of which some may be 0."""
    margin = MARGIN * s.max()
    low, high = m.min() - margin, m.max() + margin
    step = (high - low) / (POINTS - 1)
    variances = np.unique(s * s)
    if len(variances) > VARIANCES:
        least = max(variances[0], step * step)
        variances = np.unique(np.append(np.geomspace(least, variances[-1], VARIANCES - 1), variances[[0, -1]]))
    node = np.clip(np.searchsorted(variances, s * s, "right") - 1, 0, max(len(variances) - 2, 0))
    gap = np.diff(variances, append=np.inf)[node]
    share = np.clip((s * s - variances[node]) / gap, 0.0, 1.0)
    return CountsAbove(low, step, (m - low) / step, variances, node, share)


def _cubic(value: Array, minus_slope: Array, place: Array) -> Array:
    """Cubic interpolation between points, by their values and minus their slopes per step."""
    i = np.minimum(place.astype(np.int64), len(value) - 2)
    u = place - i
    start, end, first, last = value[i], value[i + 1], -minus_slope[i], -minus_slope[i + 1]
    rise = end - start
    return np.asarray(start + u * (first + u * (3 * rise - 2 * first - last + u * (first + last - 2 * rise))))
