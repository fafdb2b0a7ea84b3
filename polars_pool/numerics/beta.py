"""Quantiles of many beta distributions at a few probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import special, threads
from .arrays import Array

MANY = 20_000  # distributions for which a table costs less than it saves
SIDE = 64  # points of the table by each parameter
BLOCK = 2**14  # distributions at once: their numbers fit into the cache
NEAR = 1 / 256  # of a step, relative to the distance over which the density changes: the rest is below its sixth power
LARGEST = 500.0  # parameters beyond which SciPy is as fast


def quantiles(a: Array, b: Array, *probabilities: float) -> list[Array]:
    """The quantile of each beta distribution, for each of a few probabilities.

    Of many distributions, the logits of the quantiles are first interpolated between those of a table over log a and
    log b. From there, one evaluation of the distribution function and five terms of the series of its inverse give all
    digits; where the step is not short, SciPy inverts the function.
    """
    ordinary = (a > 0) & (b > 0) & (a < LARGEST) & (b < LARGEST)
    if np.count_nonzero(ordinary) < MANY:
        return [np.asarray(special.betaincinv(a, b, p)) for p in probabilities]
    with np.errstate(all="ignore"):
        table = Table.of(a[ordinary], b[ordinary], probabilities)
    results = [np.empty(len(a)) for _ in probabilities]

    def fill(rows: slice) -> None:
        with np.errstate(all="ignore"):
            of_block = Distributions.of(a[rows], b[rows])
            logits = table.logits_of(of_block.log_a, of_block.log_b)
            for p, logit, result in zip(probabilities, logits, results, strict=True):
                result[rows], is_near = of_block.near(logit, p)
                others = np.flatnonzero(~(is_near & ordinary[rows]))
                result[others + rows.start] = special.betaincinv(of_block.a[others], of_block.b[others], p)

    threads.of_blocks(fill, threads.slices(len(a), BLOCK))
    return results


@dataclass(frozen=True)
class Distributions:
    """Beta distributions, with the logarithms of their parameters and of the beta function of these."""

    a: Array
    b: Array
    log_a: Array
    log_b: Array
    log_beta: Array

    @classmethod
    def of(cls, a: Array, b: Array) -> Distributions:
        """The distributions of these parameters."""
        return cls(a, b, np.log(a), np.log(b), special.betaln(a, b))

    def near(self, z: Array, p: float) -> tuple[Array, Array]:
        """The quantile of each distribution near a logit, and whether the step to it was short.

        With the density g of the logit z and g' = g d1, the inverse of the distribution function has the derivatives
        1 / g, -d1 / g^2, (2 d1^2 - d2) / g^3 and so on, where d2, d3 and d4 are those of d1.
        """
        a, b = self.a, self.b
        x, y = special.expit(z), special.expit(-z)
        density = np.exp(a * np.log(x) + b * np.log(y) - self.log_beta)
        step = (p - special.betainc(a, b, x)) / density
        d1, size = a * y - b * x, (a + b) * x * y
        d2, d3, d4 = -size, -size * (y - x), -size * (1 - 6 * x * y)
        second, third = -d1, 2 * d1 * d1 - d2
        fourth = d1 * (7 * d2 - 6 * d1 * d1) - d3
        fifth = d1 * d1 * (24 * d1 * d1 - 46 * d2) + 7 * d2 * d2 + 11 * d1 * d3 - d4
        z = z + step * (1 + step / 2 * (second + step / 3 * (third + step / 4 * (fourth + step / 5 * fifth))))
        return special.expit(z), np.abs(step) * (1 + np.abs(d1) + np.sqrt(size)) < NEAR


@dataclass(frozen=True)
class Table:
    """Logits of quantiles of beta distributions at equal distances of log a and log b, for each probability.

    With them, in each cell: the second differences along both axes, halved.
    """

    logits: list[Array]
    bends: list[tuple[Array, Array]]
    least: Array
    step: Array

    @classmethod
    def of(cls, a: Array, b: Array, probabilities: Sequence[float]) -> Table:
        """The table over the range of the parameters."""
        least = np.log([a.min(), b.min()])
        step = np.maximum(np.log([a.max(), b.max()]) - least, 1e-6) / (SIDE - 1)
        points = np.exp(least + step * np.arange(SIDE)[:, None])
        a, b = points[:, :1], points[:, 1]
        # log(1 - x) by the quantile of the other tail, as x may be near 1
        tables = [np.log(special.betaincinv(a, b, p)) - np.log(special.betaincinv(b, a, 1 - p)) for p in probabilities]
        bends = [(_bend(x).ravel(), _bend(x.T).T.ravel()) for x in tables]
        return cls([x.ravel() for x in tables], bends, least, step)

    def logits_of(self, log_a: Array, log_b: Array) -> list[Array]:
        """The logits of the quantiles of each distribution, between the points of the table.

        Bilinear, with the second term of Bessel's formula along each axis (Abramowitz & Stegun 1964, 25.2.13).
        """
        (i, t), (j, u) = (self._place(x, axis) for axis, x in enumerate((log_a, log_b)))
        point, of_t, of_u = i * SIDE + j, t * (1 - t), u * (1 - u)
        results = []
        for at, (bend_a, bend_b) in zip(self.logits, self.bends, strict=True):
            below, above = at[point], at[point + SIDE]
            below += u * (at[point + 1] - below)
            above += u * (at[point + SIDE + 1] - above)
            results.append(below + t * (above - below) - of_t * bend_a[point] - of_u * bend_b[point])
        return results

    def _place(self, log: Array, axis: int) -> tuple[Array, Array]:
        """The point below each parameter, and its place between this and the next one; the ends for others."""
        place = np.clip((log - self.least[axis]) / self.step[axis], 0.0, SIDE - 1)
        point = np.minimum(np.where(np.isnan(place), 0.0, place).astype(np.int64), SIDE - 2)
        return point, place - point


def _bend(table: Array) -> Array:
    """Half of the second difference between rows, as its mean over the corners of the cell after each point."""
    second = np.empty_like(table)
    second[1:-1] = table[2:] - 2 * table[1:-1] + table[:-2]
    second[0], second[-1] = second[1], second[-2]
    second[:-1] = (second[:-1] + second[1:]) / 2
    second[:, :-1] = (second[:, :-1] + second[:, 1:]) / 2
    return second / 2
