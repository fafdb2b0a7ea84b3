"""The prior of rates with the highest likelihood: beta for trials, gamma for exposure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...engines.numpy import Array
from ...numerics import special, trust_region
from . import likelihood
from .pairs import Pairs
from .prior import ROUNDING, Prior, by_moments, with_size
from .spec import Family

INFINITE = 1e15  # a size that data cannot distinguish from an infinite one
SIZES = 10.0 ** np.arange(-1, 7)  # candidates for the start of the search


def by_likelihood(pairs: Pairs, family: Family) -> Prior:
    """The prior of highest likelihood of each model; of infinite size where no finite size is better.

    An infinite size is no maximum where groups differ by more than chance (Tarone 1979, Biometrika 66). Where they do
    not, a finite size can still be better: a large group can hide how much small groups differ.
    """
    n, events = pairs.sum(pairs.n), pairs.sum(pairs.x)
    rate = events / n
    deviation = pairs.sum(pairs.excess(rate) ** 2)
    chance = rate * (1 - rate) * n if family == "binomial" else events
    prior = with_size(pairs, family, rate, np.full_like(rate, np.inf))
    start = _start(pairs, family, rate)
    rounding = ROUNDING * pairs.sum(1 + np.abs(likelihood.constant(pairs.x, pairs.n, family)))
    finite = (deviation > chance * (1 + ROUNDING)) | (start.log_likelihood > prior.log_likelihood + rounding)
    if family == "binomial":
        extreme, limit = _all_or_none(pairs)
        prior.put(extreme, limit.of(extreme))
        finite &= ~extreme
    if (models := np.flatnonzero(finite)).size:
        prior.put(models, _maximum(pairs.take(models), family, rate[models], start.mean[models], start.size[models]))
    return prior


def _maximum(pairs: Pairs, family: Family, pooled: Array, mean: Array, size: Array) -> Prior:
    """The prior of highest likelihood of each model, near a start, with its covariance by the observed information."""
    every = np.arange(pairs.models)
    criterion = Criterion(pairs, family, pooled, _link(mean, family) - _link(pooled, family), np.ones(pairs.models))
    start = np.stack([np.zeros(pairs.models), np.log(size)], axis=1)
    unit = 1 / np.sqrt(np.maximum(criterion(every, start)[2][:, 0, 0], 1))
    x, value, converged = trust_region.minimum(Criterion(pairs, family, pooled, criterion.centre, unit), start)
    x[:, 0] *= unit
    _, _, hessian = criterion(every, x)
    hessian[~(np.linalg.det(hessian) > 0)] = np.nan
    return Prior(
        mean=_moved(pooled, criterion.centre + x[:, 0], family)[0],
        size=np.exp(x[:, 1]),
        covariance=np.linalg.inv(hessian),
        log_likelihood=pairs.sum(likelihood.constant(pairs.x, pairs.n, family)) - value,
        converged=converged & (x[:, 1] < np.log(INFINITE)),
    )


@dataclass(frozen=True)
class Criterion:
    """Minus the log likelihood of models, by the logit or log of the mean, and the log of the size.

    The first argument is a deviation from a centre, which is itself a deviation from the pooled rate. It has a unit of
    its own: many groups determine it far better than the second.
    """

    pairs: Pairs
    family: Family
    pooled: Array
    centre: Array
    unit: Array

    @cached_property
    def _excess(self) -> Array:
        return self.pairs.excess(self.pooled)

    def __call__(self, models: Array, x: Array) -> tuple[Array, Array, Array]:
        """Value, gradient and Hessian of the models listed."""
        terms_of = likelihood.beta_binomial if self.family == "binomial" else likelihood.gamma_poisson
        pairs, unit = self.pairs.take(models), self.unit[models]
        scale = np.stack([unit, np.ones(len(models))], axis=1)
        mean, moved = _moved(self.pooled[models], self.centre[models] + unit * x[:, 0], self.family)
        excess = self._excess[self.pairs.rows_of(models)] - pairs.n * pairs.each(moved)
        terms = terms_of(pairs.x, pairs.n, pairs.each(mean), pairs.each(np.exp(x[:, 1])), excess)
        by_mean, both, by_size = (pairs.sum(h) for h in terms.hessian)
        gradient = np.stack([pairs.sum(g) for g in terms.gradient], axis=1) * scale
        hessian = np.stack([by_mean, both, both, by_size], axis=1).reshape(-1, 2, 2)
        return -pairs.sum(terms.value), -gradient, -hessian * scale[:, :, None] * scale[:, None, :]


def _all_or_none(pairs: Pairs) -> tuple[Array, Prior]:
    """Models whose groups each have all or none of their trials as events, some of several trials; and their prior.

    That prior has the size 0: rates are 1 or 0.
    """
    one = np.ones_like(pairs.x)
    groups, full = pairs.sum(one), pairs.sum(pairs.x == pairs.n)
    extreme = pairs.sum((pairs.x == 0) | (pairs.x == pairs.n)) == groups
    extreme &= (full > 0) & (full < groups) & (pairs.sum(pairs.n > 1) > 0)
    share = full / groups
    event = (pairs.x > 0) * 1.0
    log_likelihood = likelihood.binomial(event, one, pairs.each(share), event - pairs.each(share))
    unknown = np.full((len(share), 2, 2), np.nan)
    prior = Prior(share, 0 * share, unknown, pairs.sum(log_likelihood), np.ones(len(share), dtype=bool))
    return np.asarray(extreme), prior


def _start(pairs: Pairs, family: Family, rate: Array) -> Prior:
    """The best of some sizes, each with a mean that suits it: the likelihood can have several maxima."""
    moments = np.clip(by_moments(pairs, family).size, SIZES[0], SIZES[-1])
    unknown = np.full(len(rate), np.nan)
    none = np.full((len(rate), 2, 2), np.nan)
    best = Prior(unknown, unknown.copy(), none, np.full(len(rate), -np.inf), np.zeros(len(rate), dtype=bool))
    for candidate in (moments, *SIZES):
        size = np.broadcast_to(candidate, rate.shape)
        weight = pairs.n / (pairs.n + pairs.each(size if family == "binomial" else size / rate))
        mean = pairs.sum(weight * pairs.x / pairs.n) / pairs.sum(weight)
        prior = with_size(pairs, family, mean, size)
        better = prior.log_likelihood > best.log_likelihood
        best.put(better, prior.of(better))
    return best


def _link(mean: Array, family: Family) -> Array:
    return np.asarray(special.logit(mean) if family == "binomial" else np.log(mean))


def _moved(rate: Array, by: Array, family: Family) -> tuple[Array, Array]:
    """The rate whose logit, or log, is larger by a step; and its difference from `rate`, to the last digits."""
    if family == "poisson":
        return rate * np.exp(by), rate * np.expm1(by)
    from_other = 1 / (1 + rate * np.expm1(by))
    return rate * np.exp(by) * from_other, rate * (1 - rate) * np.expm1(by) * from_other
