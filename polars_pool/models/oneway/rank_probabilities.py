"""The ranks of the groups of one model: expected ranks, quantiles, and the probabilities to be among the first.

Up to EXACT groups their distribution is exact but for quadrature. Beyond, the number of groups above a point is known
by its first three cumulants, and that none is above it by the sum of logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np

from ...engines.numpy import Array
from ...formulas import ranks
from ...formulas.elementary import normal_cdf, normal_density
from ...numerics import threads
from ...numerics.counts_above import CountsAbove, counts_above
from ...numerics.poisson_binomial import rank_distribution

EXACT = 500  # groups up to which the whole distribution of every rank is computed
PAIRS = 3_000  # groups up to which expected ranks are sums over all pairs
FIRST = 200  # of more groups, those whose expected ranks are sums over all others
NODES = 160  # at which the number of groups above is known, for the probability to be among the first
ROOM = 2**16  # pairs of groups, or of a group and a node, at once
NARROW = 1e-11  # the least standard deviation, relative to the range: it breaks ties of known means at random
CORE = 7.5  # standard deviations from its mean within which a true mean lies
NEAR = 6.0  # standard deviations of a difference: beyond, its sign is known to 1e-9
ROUNDING = 1e-9  # of a probability that is compared with that of a quantile


@dataclass(frozen=True)
class Ranks:
    """One value per group each; `first` is the probability to be among the first groups, a column for each number."""

    expected: Array
    lower: Array
    upper: Array
    first: Array


def ranks_of(m: Array, s: Array, numbers: tuple[int, ...], level: float) -> Ranks:
    """The ranks of groups with estimates m and standard errors s; 1 is the largest true mean."""
    tail = (1 - level) / 2
    m = m - m.mean()
    spread = max(np.ptp(m), s.max())
    if np.ptp(m) == 0 == np.ptp(s):
        return _exchangeable(len(m), numbers, tail)
    s = np.maximum(s / spread, NARROW)
    m = _without_gaps(m / spread, s)
    if len(m) <= EXACT:
        return _exact(m, s, numbers, tail)
    counts = counts_above(m, s)
    expected = _by_pairs(m, s, np.arange(len(m))) if len(m) <= PAIRS else _binned(m, s, counts)
    first = np.stack([_among_first(m, s, k, counts) for k in numbers], axis=-1)
    return Ranks(expected, *_limits(m, s, counts, tail, first[:, numbers.index(1)]), first)


def _without_gaps(m: Array, s: Array) -> Array:
    """The estimates moved together where no true mean lies between: an outlier does not make the grids coarse."""
    low = m - CORE * s
    order = np.argsort(low)
    reached = np.maximum.accumulate((m + CORE * s)[order])
    gaps = np.maximum(low[order][1:] - reached[:-1], 0.0)
    result = np.empty_like(m)
    result[order] = m[order] - np.cumsum(np.append(0.0, gaps))
    return result


def _exchangeable(groups: int, numbers: tuple[int, ...], tail: float) -> Ranks:
    """Ranks of groups that do not differ: each is equally probable."""
    first = np.minimum(np.array(numbers) / groups, 1.0)
    lower, upper = (np.full(groups, float(_at_least(groups * p))) for p in (tail, 1 - tail))
    return Ranks(np.full(groups, (groups + 1) / 2), lower, upper, np.tile(first, (groups, 1)))


def _at_least(x: float) -> int:
    """The least rank of x or more."""
    return max(1, int(np.ceil(x - ROUNDING)))


# ---- some hundred groups --------------------------------------------------------------------------------------------


def _exact(m: Array, s: Array, numbers: tuple[int, ...], tail: float) -> Ranks:
    at_most = np.cumsum(rank_distribution(m, s), axis=1)
    lower, upper = (1 + (at_most[:, :-1] < p - ROUNDING).sum(axis=1, dtype=float) for p in (tail, 1 - tail))
    first = np.clip(at_most[:, [min(k, len(m)) - 1 for k in numbers]], 0.0, 1.0)
    return Ranks(_by_pairs(m, s, np.arange(len(m))), lower, upper, first)


def _by_pairs(m: Array, s: Array, some: Array) -> Array:
    """Expected ranks of some groups: one half for the group itself, which is neither above nor below itself."""

    def of_block(rows: slice) -> Array:
        i = some[rows, None]
        return np.asarray(ranks.above(m[i], s[i] ** 2, m, s * s).sum(axis=1) + 0.5)

    size = max(1, ROOM // len(m))
    return np.concatenate(threads.of_blocks(of_block, threads.slices(len(some), size)))


# ---- many groups ----------------------------------------------------------------------------------------------------


def _binned(m: Array, s: Array, counts: CountsAbove) -> Array:
    """Expected ranks by Fourier transforms; those of the first groups, whose relative error is largest, by pairs."""
    expected = np.clip(counts.at_variables() + 0.5, 1.0, len(m))
    first = np.argpartition(expected, FIRST)[:FIRST]
    expected[first] = threads.of_blocks(partial(_by_near_pairs, m, s * s), first)
    return expected


def _by_near_pairs(m: Array, variance: Array, i: int) -> float:
    """The expected rank of a group, without the groups that are above it with a probability below 1e-9."""
    below = m[i] - m
    near = np.flatnonzero((below < 0) | (below * below < NEAR * NEAR * (variance + variance[i])))
    return float(ranks.above(m[i], variance[i], m[near], variance[near]).sum()) + 0.5


def _limits(m: Array, s: Array, counts: CountsAbove, tail: float, best: Array) -> tuple[Array, Array]:
    """Quantiles of ranks: the rank is at most k where the group is above the k-th largest of the others.

    The k-th largest lies where k - 1/2 are above on average, and is nearly normal: its variance is that of the number
    above, divided by the squared slope of its mean.
    """
    x = counts.x
    above, density = counts.means()
    spread = np.sqrt(counts.spreads())
    error = spread * counts.step / np.maximum(density, np.finfo(float).tiny)
    widest = np.maximum(s, np.median(s))  # the error is larger only where hardly any group is
    limits = []
    for p in (tail, 1 - tail):
        z = -NormalDist().inv_cdf(p)
        at = m + z * s
        for _ in range(3):
            sd = np.minimum(np.interp(at, x, error), widest)
            at = m + z * np.sqrt(s * s + sd * sd)
        others = np.interp(at, x, above) - normal_cdf((m - at) / s)
        rank = np.clip(np.ceil(others + 0.5 - ROUNDING), 1, len(m))
        limits.append(np.where(best >= p, 1.0, np.maximum(rank, 2.0)))
    return limits[0], np.maximum(*limits)


def _among_first(m: Array, s: Array, number: int, counts: CountsAbove) -> Array:
    """Probability that each group is among this many first ones: that at most number - 1 others are above it.

    The integral over the group's true mean is by parts: the probability of others changes from node to node, and is
    weighted by the mean probability of the group to be above the points between.
    """
    if number >= len(m):
        return np.ones(len(m))
    x = _nodes(number, counts)
    some = np.flatnonzero(m + CORE * s > x[0])
    m, s = m[some], s[some]
    blocks = threads.slices(len(some), max(1, ROOM // len(x)))
    cumulants = np.sum(threads.of_blocks(partial(_cumulants, m, s, x, number), blocks), axis=0)
    probability = np.zeros(len(counts.place))
    of_blocks = threads.of_blocks(partial(_first_of, m, s, x, number, cumulants), blocks)
    probability[some] = np.clip(np.concatenate(of_blocks), 0.0, 1.0)
    return probability / probability.sum() if number == 1 else probability


def _nodes(number: int, counts: CountsAbove) -> Array:
    """Points between which the probability that fewer than `number` groups are above goes from 0 to 1."""
    x = counts.x
    above, _ = counts.means()
    spread = np.sqrt(counts.spreads() + 1e-3)
    z = (number - 0.5 - above) / spread if number > 1 else -np.log(np.maximum(above, 1e-9))
    low, high = (-CORE, CORE) if number > 1 else (-np.log(40.0), -np.log(1e-8))
    z = np.maximum.accumulate(z)
    first, last = max(np.searchsorted(z, low) - 1, 0), min(np.searchsorted(z, high), len(x) - 1)
    even = np.linspace(x[first], x[last], NODES // 2)
    z = z[first : last + 1]
    by_z = np.interp(np.linspace(z[0], z[-1], NODES // 2), z, x[first : last + 1])
    return np.unique(np.concatenate([even, by_z]))


def _cumulants(m: Array, s: Array, x: Array, number: int, rows: slice) -> Array:
    """Sums over groups of the cumulants of being above each node; for the first alone, of the logarithm of not."""
    z = (m[rows, None] - x) / s[rows, None]
    return np.stack([part.sum(axis=0) for part in _parts(z, normal_cdf(z), number)])


def _parts(z: Array, p: Array, number: int) -> tuple[Array, ...]:
    if number == 1:
        return (np.log(np.maximum(normal_cdf(-z), 1e-300)),)
    variance = p * (1 - p)
    return p, variance, variance * (1 - 2 * p)


def _first_of(m: Array, s: Array, x: Array, number: int, cumulants: Array, rows: slice) -> Array:
    z = (m[rows, None] - x) / s[rows, None]
    p = normal_cdf(z)
    others = [total - own for total, own in zip(cumulants, _parts(z, p, number), strict=True)]
    if number == 1:
        few = np.exp(others[0])
    else:
        few = np.clip(ranks.at_most(number - 1.0, others[0], np.maximum(others[1], 1e-12), others[2]), 0.0, 1.0)
    beyond = s[rows, None] * (z * p + normal_density(z))  # integral of p from the node upward
    mean = (beyond[:, :-1] - beyond[:, 1:]) / np.diff(x)
    return np.asarray(few[:, 0] * p[:, 0] + (np.diff(few, axis=1) * mean).sum(axis=1) + 0.0)
