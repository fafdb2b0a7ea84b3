"""The beta-binomial likelihood of groups of few trials, by the number of groups with more than i events.

Gamma(a + x) / Gamma(a) is the product of a + i for all i < x (Abramowitz & Stegun 1964, 6.1.16). So the log likelihood
of a model is a sum over i = 0, 1, 2 ... whose terms do not depend on the number of groups. All terms are relative to
the binomial limit, log(1 + i / a), and keep their digits where a is large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from ...numerics import special
from ...numerics.segments import Segments
from .likelihood import MANY, Terms
from .pairs import Pairs

CHEAPER = 8  # terms of the product per gamma function that cost less than it


@dataclass(frozen=True)
class Factors(Segments):
    """The factors a + i of the groups of each model, and how many groups have each."""

    i: Array
    k: Array

    @classmethod
    def of(cls, pairs: Pairs, x: Array) -> Factors:
        """The factors of the counts x of each pair; a model whose counts are all 0 has a factor of no group."""
        lengths = _lengths(pairs, x)
        start = np.cumsum(lengths) - lengths
        some = x > 0
        last = (pairs.each(start) + x.astype(np.int64))[some] - 1
        begun = np.bincount(last, pairs.k[some], int(lengths.sum()))
        before = np.cumsum(begun) - begun
        groups = np.add.reduceat(begun, start)
        k = np.repeat(groups + before[start], lengths) - before
        return cls(start, np.arange(len(k)) - np.repeat(start, lengths) * 1.0, k)

    def logs(self, a: Array) -> Array:
        """Sum of log(1 + i / a), over the factors of all groups."""
        return self.sum(self.k * np.log(1 + self.i * self.each(1 / a)))

    def sums(self, a: Array) -> Array:
        """Sums of log(1 + i / a), a / (a + i), i / (a + i), (a / (a + i))^2 and a i / (a + i)^2."""
        ratio = self.i * self.each(1 / a)
        above = 1 + ratio
        share = 1 / above
        rest = ratio * share
        return np.stack([self.sum(self.k * x) for x in (np.log(above), share, rest, share * share, rest * share)])


def _lengths(pairs: Pairs, x: Array) -> Array:
    return np.maximum(pairs.largest(x), 1).astype(np.int64)


def chosen(pairs: Pairs) -> Array:
    """Whether the factors of a model cost less than gamma functions of its pairs."""
    factors = sum(_lengths(pairs, x) for x in (pairs.x, pairs.n - pairs.x, pairs.n))
    return np.asarray((pairs.largest(pairs.n) <= MANY) & (factors <= CHEAPER * 3 * pairs.lengths))


@dataclass(frozen=True)
class FewTrials:
    """The log likelihood of each model, but for the binomial coefficients, as a sum over its groups."""

    events: Array
    others: Array
    groups: Array
    of_events: Factors
    of_others: Factors
    of_trials: Factors

    @classmethod
    def of(cls, pairs: Pairs) -> FewTrials:
        """The likelihood of the pairs of each model."""
        counts = pairs.x, pairs.n - pairs.x, pairs.n
        totals = pairs.sum(counts[0]), pairs.sum(counts[1]), pairs.sum(np.ones_like(pairs.x))
        return cls(*totals, *(Factors.of(pairs, x) for x in counts))

    def take(self, models: Array) -> FewTrials:
        """The likelihood of some models."""
        return FewTrials(
            self.events[models],
            self.others[models],
            self.groups[models],
            self.of_events.take(models),
            self.of_others.take(models),
            self.of_trials.take(models),
        )

    def value(self, mean: Array, size: Array) -> Array:
        """The log likelihood at a mean and a size, which may be infinite."""
        alpha, beta = _parameters(mean, size)
        logs = self.of_events.logs(alpha) + self.of_others.logs(beta) - self.of_trials.logs(size)
        return np.asarray(self._binomial(mean) + logs)

    def terms(self, mean: Array, size: Array, _moved: Array) -> Terms:
        """The log likelihood with its derivatives by the logit of the mean and the log of the size."""
        alpha, beta = _parameters(mean, size)
        logs_x, share_x, rest_x, squares_x, both_x = self.of_events.sums(alpha)
        logs_y, share_y, rest_y, squares_y, both_y = self.of_others.sums(beta)
        logs_n, share_n, rest_n, _, both_n = self.of_trials.sums(size)
        by_mean = (1 - mean) * share_x - mean * share_y
        # Of both forms, equal as events and others are all trials, the one whose terms are smaller.
        large = self.events + self.others < size * self.groups
        by_size = np.where(large, rest_n - rest_x - rest_y, share_x + share_y - share_n)
        by_mean_twice = (1 - 2 * mean) * by_mean - (1 - mean) ** 2 * squares_x - mean**2 * squares_y
        by_both = (1 - mean) * both_x - mean * both_y
        value = self._binomial(mean) + logs_x + logs_y - logs_n
        return Terms(value, (by_mean, by_size), (by_mean_twice, by_both, both_x + both_y - both_n))

    def _binomial(self, mean: Array) -> Array:
        return np.asarray(special.xlogy(self.events, mean) + special.xlog1py(self.others, -mean))


def _parameters(mean: Array, size: Array) -> tuple[Array, Array]:
    """alpha and beta; 1 in place of 0, where no group has such events."""
    return np.where(mean > 0, mean * size, 1.0), np.where(mean < 1, (1 - mean) * size, 1.0)
