"""The beta-binomial likelihood of groups of few trials, by the number of groups with more than i events.

Gamma(a + x) / Gamma(a) is the product of a + i for all i < x (Abramowitz & Stegun 1964, 6.1.16). So the log likelihood
of a model is a sum over i = 0, 1, 2 ... whose terms do not depend on the number of groups. All terms are relative to
the binomial limit, log(1 + i / a), and keep their digits where a is large.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from ...numerics import special
from .likelihood import MANY, Terms
from .pairs import Pairs

CHEAPER = 8  # terms of the product per gamma function that cost less than it
TILE = 2**14  # terms at once: their numbers fit into the cache


def chosen(pairs: Pairs) -> Array:
    """Whether the factors of a model cost less than gamma functions of its pairs."""
    factors = sum(np.maximum(pairs.largest(x), 1) for x in (pairs.x, pairs.n - pairs.x, pairs.n))
    return np.asarray((pairs.largest(pairs.n) <= MANY) & (factors <= CHEAPER * 3 * pairs.lengths))


@dataclass(frozen=True)
class FewTrials:
    """The log likelihood of each model, but for the binomial coefficients, as a sum over i.

    `above` holds the number of groups with more than i events, i others, or i trials, (i, 3, models). Models are sorted
    by their largest number of trials, so that those with a term lie before those without one.
    """

    events: Array
    others: Array
    groups: Array
    largest: Array  # number of trials, in descending order
    above: Array

    @classmethod
    def of(cls, pairs: Pairs) -> FewTrials:
        """The likelihood of the pairs of each model; the first has the group of most trials, and so on."""
        counts, model = (pairs.x, pairs.n - pairs.x, pairs.n), pairs.model
        events, others, largest = pairs.sum(counts[0]), pairs.sum(counts[1]), pairs.largest(pairs.n).astype(np.int64)
        shape = int(largest[0]), 3, pairs.models
        exactly = np.zeros(shape[0] * 3 * pairs.models)
        for kind, x in enumerate(counts):
            some = np.flatnonzero(x > 0)
            place = ((x[some].astype(np.int64) - 1) * 3 + kind) * pairs.models + model[some]
            exactly += np.bincount(place, pairs.k[some], len(exactly))
        above = exactly.reshape(shape)[::-1].cumsum(axis=0)[::-1]
        return cls(events, others, pairs.sum(np.ones_like(pairs.x)), largest, above)

    def take(self, models: Array) -> FewTrials:
        """The likelihood of some models, in their order."""
        if len(models) == len(self.events):
            return self
        largest = self.largest[models]
        above = self.above[: largest.max(initial=0)].take(models, axis=2)
        return FewTrials(self.events[models], self.others[models], self.groups[models], largest, above)

    def _tiles(self, a: Array) -> Iterator[tuple[int, Array, Array]]:
        """For some i at once and the models that have such a term: their number, `above` and i / a."""
        inverse, i = 1 / a, 0
        while i < len(self.above):
            models = int(np.searchsorted(-self.largest, -i))
            after = i + max(1, TILE // (3 * models))
            above = self.above[i:after, :, :models]
            yield models, above, np.arange(i, i + len(above))[:, None, None] * inverse[:, :models]
            i = after

    def _logs(self, a: Array) -> Array:
        """Sums of log(1 + i / a) for events, others and trials, at alpha, beta and the size."""
        total = np.zeros_like(a)
        for models, above, ratio in self._tiles(a):
            total[:, :models] += _sum(above, np.log(1 + ratio))
        return total

    def _sums(self, a: Array) -> Array:
        """Sums of log(1 + i / a), a / (a + i), i / (a + i), (a / (a + i))^2 and a i / (a + i)^2."""
        totals = np.zeros((5, *a.shape))
        for models, above, ratio in self._tiles(a):
            denominator = 1 + ratio
            share = 1 / denominator
            rest = ratio * share
            weighted = above * share
            products = (above, np.log(denominator)), (above, share), (above, rest), (weighted, share), (weighted, rest)
            for total, factors in zip(totals, products, strict=True):
                total[:, :models] += _sum(*factors)
        return totals

    def value(self, mean: Array, size: Array) -> Array:
        """The log likelihood at a mean and a size, which may be infinite."""
        of_events, of_others, of_trials = self._logs(_parameters(mean, size))
        return np.asarray(self._binomial(mean) + of_events + of_others - of_trials)

    def terms(self, mean: Array, size: Array, _moved: Array) -> Terms:
        """The log likelihood with its derivatives by the logit of the mean and the log of the size."""
        sums = self._sums(_parameters(mean, size))
        (logs_x, logs_y, logs_n), (share_x, share_y, share_n), (rest_x, rest_y, rest_n) = sums[:3]
        (squares_x, squares_y, _), (both_x, both_y, both_n) = sums[3:]
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


def _sum(weights: Array, x: Array) -> Array:
    """Sum over i of a product."""
    return np.asarray(np.einsum("ijm,ijm->jm", weights, x))


def _parameters(mean: Array, size: Array) -> Array:
    """alpha, beta and the size; 1 in place of 0, where no group has such events."""
    return np.stack([np.where(mean > 0, mean * size, 1.0), np.where(mean < 1, (1 - mean) * size, 1.0), size])
