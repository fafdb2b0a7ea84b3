"""The distribution of the rank of each of some hundred independent normal variables, exact but for quadrature.

At a point x, the number of the other variables above x is a sum of independent events, whose distribution (the
Poisson-binomial) a recursion builds: q_r <- q_r (1 - P) + q_{r-1} P. The recursion run backwards takes one variable out
again; upwards it is stable for P <= 1/2, downwards for P > 1/2. The integral over x is by Gauss-Legendre panels that
are narrow where any variable, or the number above x, changes fast.
Source: Howard (1972), "Discussion on Professor Cox's paper", J. R. Stat. Soc. B 34, for the recursion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import special, threads
from .arrays import Array

CORE = 6.5  # standard deviations from the mean within which a variable lies; 1e-10 of its probability is outside
PANEL = 2.5  # largest width of a panel in standard deviations of any variable in its core, or of the number above x
POINTS = 8  # of a panel
ROOM = 2**15  # variables times points at once: their numbers fit into the cache


@dataclass(frozen=True)
class Block:
    """Quadrature nodes x with weights w, the variables that may lie there, and the number of those surely above."""

    x: Array
    w: Array
    variables: Array
    above: int


def rank_distribution(m: Array, s: Array) -> Array:
    """Probability of each rank, 1 for the largest, as a row for each variable with mean m and deviation s > 0."""
    blocks = _blocks(m, s)
    parts = threads.of_blocks(lambda some: _summed(some, m, s), [blocks[i::2] for i in range(min(2, len(blocks)))])
    distribution = np.sum(parts, axis=0)
    return np.asarray(distribution / distribution.sum(axis=1, keepdims=True))


def _summed(blocks: list[Block], m: Array, s: Array) -> Array:
    total = np.zeros((len(m), len(m)))
    for block in blocks:
        rows, ranks = block.variables, slice(block.above, block.above + len(block.variables))
        total[rows, ranks] += _of_block(block, m[rows], s[rows])
    return total


def _of_block(block: Block, m: Array, s: Array) -> Array:
    """The part of the probability of each rank that lies at the nodes of a block."""
    z = (m[:, None] - block.x) / s[:, None]
    above, below = special.ndtr(z), special.ndtr(-z)
    density = block.w * np.exp(-0.5 * z * z) / s[:, None]
    q = _numbers_above(above, below)
    result = np.empty((len(m), len(m)))
    is_low = above <= 0.5
    inverse = 1 / np.maximum(above, below)
    ratio = inverse - 1
    upward, downward = np.where(is_low, density, 0.0), np.where(is_low, 0.0, density)
    others = np.zeros_like(z)
    for r in range(len(m)):
        others = q[r] * inverse - ratio * others
        result[:, r] = np.einsum("ij,ij->i", others, upward)
    others = np.zeros_like(z)
    for r in range(len(m) - 1, -1, -1):
        others = q[r + 1] * inverse - ratio * others
        result[:, r] += np.einsum("ij,ij->i", others, downward)
    return result


def _numbers_above(above: Array, below: Array) -> Array:
    """Probability of each number of variables above each node."""
    q = np.zeros((len(above) + 1, above.shape[1]))
    q[0] = 1.0
    for j in range(len(above)):
        q[1 : j + 2] = q[1 : j + 2] * below[j] + q[: j + 1] * above[j]
        q[0] *= below[j]
    return q


# ---- quadrature -----------------------------------------------------------------------------------------------------


def _blocks(m: Array, s: Array) -> list[Block]:
    """The nodes of consecutive panels with the variables that may lie there."""
    low, high = m - CORE * s, m + CORE * s
    ends = _panels(m, s)
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    size = max(1, ROOM // (POINTS * len(m)))
    blocks = []
    for some in threads.slices(len(ends) - 1, size):
        start, end = ends[:-1][some, None], ends[1:][some, None]
        half = (end - start) / 2
        variables = np.flatnonzero((low < end[-1]) & (high > start[0]))
        x, w = start + half * (1 + nodes), half * weights
        blocks.append(Block(x.ravel(), w.ravel(), variables, int((low >= end[-1]).sum())))
    return blocks


def _panels(m: Array, s: Array) -> Array:
    """Ends of panels from the lowest to the highest core."""
    low, high = m - CORE * s, m + CORE * s
    x, last = low.min(), high.max()
    ends = [x]
    while x < last:
        z = (m - x) / s
        above = special.ndtr(z)
        slope = (np.exp(-0.5 * z * z) / s).sum() / np.sqrt(2 * np.pi)
        spread = np.sqrt((above * (1 - above)).sum() + 0.25)  # of the number above x
        of_variables = np.maximum(low + s, x + PANEL * s)[high > x].min()
        x = min(of_variables, x + PANEL * spread / max(slope, np.finfo(float).tiny), last)
        ends.append(x)
    return np.array(ends)
