"""Compression of the groups of a model: many groups of nearly equal sampling variance become a few pseudo-groups.

A model needs sums over its groups of f(v) y^q, q = 0, 1, 2, where y is the mean of a group and f is smooth: a power of
1 / (v + tau2), log(v + tau2), a pooling factor. The groups are binned by log v. In a bin, whatever tau2, f equals its
polynomial through 8 Chebyshev points up to 1e-12, as all poles of f are at v = -tau2 or below. So the sum over the
groups of a bin equals a sum over the points, in which each point has a (signed) count that does not depend on f.
At each point of v three points of y have the sums of 1, y and y^2: the mean of the bin, and one standard deviation
below and above it. So a bin becomes 24 pseudo-groups. Where v = sigma2 / w, the same holds for bins by log w.

A bin of not more groups keeps them: sums in which one group outweighs all others stay exact. In a bin with one value of
v, two pseudo-groups suffice, each of half the count: one standard deviation below the mean, and one above it.
Source: Trefethen (2013), Approximation Theory and Approximation Practice, chapters 2, 4 and 8.
"""

import math

from .elementary import Column, where

MANY = 4096  # a model of fewer groups keeps all of them
BINS = 8  # per doubling of v: bin floor(8 log2(v)); groups with v = 0 have a bin of their own
ZERO = -10_000  # the bin of 0; Float64 has none below -8,600
DEGREE = 7  # of the polynomials in v
POINTS = tuple(math.cos(math.pi * m / DEGREE) for m in range(DEGREE + 1))  # Chebyshev points, from 1 down to -1
KEPT = 3 * len(POINTS)  # a bin of at most so many groups keeps them


def _is_end(index: int) -> bool:
    return index in (0, DEGREE)


COUNTS = tuple(
    tuple(
        math.cos(math.pi * m * p / DEGREE) * 2 / DEGREE / (2 if _is_end(m) else 1) / (2 if _is_end(p) else 1)
        for p in range(DEGREE + 1)
    )
    for m in range(DEGREE + 1)
)
"""What T_p at the place of a group adds to the count of point m: `sum(COUNTS[m][p] * sum(T_p(t)) for p in 0..7)`.

With z or z^2 as a factor in the sums over groups, they are the sums of z and z^2 at the point.
"""


def place(v: Column, least: Column, largest: Column) -> Column:
    """The place t of a group in its bin, from -1 at the least v of the bin to 1 at the largest."""
    return where(largest > least, ((v - least) - (largest - v)) / where(largest > least, largest - least, 1.0), 1.0)


def next_polynomial(t: Column, last: Column, before: Column) -> Column:
    """T_{p+1} from T_p and T_{p-1}, the Chebyshev polynomials at t; T_0 = 1 and T_1 = t."""
    return 2 * t * last - before


def at_point(x: Column, least: Column, largest: Column) -> Column:
    """The v of the point x of a bin; exactly its ends at x = -1 and x = 1."""
    return (least * (1 - x) + largest * (1 + x)) / 2


def deviation(y: Column, mean: Column, sd: Column) -> Column:
    """z, the deviation of a group's mean from the mean of its bin, in standard deviations of the bin (divisor k)."""
    return where(sd > 0, (y - mean) / where(sd > 0, sd, 1.0), 0.0)


def count_above(first: Column, second: Column) -> Column:
    """Count of the pseudo-group one standard deviation above the mean, from the sums of z and z^2 at its point."""
    return (second + first) / 2


def count_below(first: Column, second: Column) -> Column:
    """Count of the pseudo-group one standard deviation below the mean."""
    return (second - first) / 2


def count_at_mean(count: Column, second: Column) -> Column:
    """Count of the pseudo-group at the mean, from the sums of 1 and z^2 at its point."""
    return count - second
