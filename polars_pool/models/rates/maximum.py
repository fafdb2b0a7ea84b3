"""The prior of rates with the highest likelihood: beta for trials, gamma for exposure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from ...engines.numpy import Array
from ...formulas import rates
from ...numerics import special, threads, trust_region
from . import few_trials, likelihood
from .few_trials import FewTrials
from .pairs import Pairs
from .prior import ROUNDING, Prior, log_likelihood, size_by_moments, with_likelihood
from .spec import Family

Result = TypeVar("Result")
INFINITE = 1e15  # a size that data cannot distinguish from an infinite one
SIZES = 10.0 ** np.arange(-1, 7)  # candidates for the start of the search
BLOCK = 2**14  # pairs at once, or a quarter of the terms of each kind: their numbers fit into the cache


def by_likelihood(pairs: Pairs, family: Family) -> Prior:
    """The prior of highest likelihood of each model; of infinite size where no finite size is better.

    An infinite size is no maximum where groups differ by more than chance (Tarone 1979, Biometrika 66). Where they do
    not, a finite size can still be better: a large group can hide how much small groups differ.
    """
    unknown = np.full(pairs.models, np.nan)
    prior = with_likelihood(unknown, unknown.copy(), unknown.copy())
    for models, estimates in of_blocks(pairs, family, partial(most_likely, family=family)):
        prior.put(models, estimates)
    return prior


def of_blocks(
    pairs: Pairs, family: Family, function: Callable[[Pairs, Array, Likelihood], Result]
) -> list[tuple[Array, Result]]:
    """A function of blocks of models beside their numbers: of their pairs, the rates of all groups, the likelihoods."""
    is_few = few_trials.chosen(pairs) if family == "binomial" else np.zeros(pairs.models, dtype=bool)
    sizes = np.where(is_few, pairs.largest(pairs.n) / 4, pairs.lengths)

    def of_block(models: Array) -> Result:
        with np.errstate(all="ignore"):
            some = pairs.take(models)
            rate = some.sum(some.x) / some.sum(some.n)
            few = bool(is_few[models[0]])
            return function(some, rate, FewTrials.of(some) if few else AllPairs(some, family, some.excess(rate)))

    blocks = [block for few in (True, False) for block in _blocks(np.flatnonzero(is_few == few), sizes)]
    return list(zip(blocks, threads.of_blocks(of_block, blocks), strict=True))


def _blocks(models: Array, sizes: Array) -> list[Array]:
    """Blocks of models, the larger ones first, whose number times the largest size is limited."""
    models = models[np.argsort(-sizes[models], kind="stable")]
    blocks, start = [], 0
    while start < len(models):
        stop = start + max(1, int(BLOCK // sizes[models[start]]))
        blocks.append(models[start:stop])
        start = stop
    return blocks


def most_likely(pairs: Pairs, rate: Array, of_models: Likelihood, family: Family) -> Prior:
    """The prior of highest likelihood of each model, whose groups have this rate in total; see `by_likelihood`."""
    n, events = pairs.sum(pairs.n), pairs.sum(pairs.x)
    deviation = pairs.sum(pairs.excess(rate) ** 2)
    chance = rate * (1 - rate) * n if family == "binomial" else events
    constant = likelihood.constant(pairs.x, pairs.n, family)
    infinite = np.full_like(rate, np.inf)
    prior = with_likelihood(rate.copy(), infinite, of_models.value(rate, infinite))
    start = _start(pairs, family, rate, of_models)
    rounding = ROUNDING * pairs.sum(1 + np.abs(constant))
    finite = (deviation > chance * (1 + ROUNDING)) | (start.log_likelihood > prior.log_likelihood + rounding)
    if family == "binomial":
        extreme, limit = _all_or_none(pairs)
        prior.put(extreme, limit.of(extreme))
        finite &= ~extreme
    if (models := np.flatnonzero(finite)).size:
        unit = _error(pairs, family, start)
        prior.put(models, _maximum(of_models.take(models), family, rate[models], start.of(models), unit[models]))
    return replace(prior, log_likelihood=prior.log_likelihood + pairs.sum(constant))


def _maximum(of_models: Likelihood, family: Family, pooled: Array, start: Prior, unit: Array) -> Prior:
    """The prior of highest likelihood of each model, near a start, with its covariance by the observed information."""
    centre = link(start.mean, family) - link(pooled, family)
    criterion = Criterion(of_models, family, pooled, centre, unit)
    at_start = np.stack([np.zeros(len(pooled)), np.log(start.size)], axis=1)
    x, value, hessian, converged = trust_region.minimum(criterion, at_start)
    x[:, 0] *= unit
    hessian[:, 0] /= unit[:, None]
    hessian[:, :, 0] /= unit[:, None]
    hessian[~(np.linalg.det(hessian) > 0)] = np.nan
    return Prior(
        mean=moved_by(pooled, centre + x[:, 0], family)[0],
        size=np.exp(x[:, 1]),
        covariance=np.linalg.inv(hessian),
        log_likelihood=-value,
        converged=converged & (x[:, 1] < np.log(INFINITE)),
    )


@dataclass(frozen=True)
class AllPairs:
    """The log likelihood of each model, but for the constants, as a sum over its pairs.

    The excess of each pair is about the pooled rate. About another rate, it follows with all digits.
    """

    pairs: Pairs
    family: Family
    excess: Array

    def take(self, models: Array) -> AllPairs:
        """The likelihood of some models."""
        return AllPairs(self.pairs.take(models), self.family, self.excess[self.pairs.rows_of(models)])

    def value(self, mean: Array, size: Array) -> Array:
        """The log likelihood at a mean and a size, which may be infinite."""
        return log_likelihood(self.pairs, self.family, mean, size)

    def terms(self, mean: Array, size: Array, moved: Array) -> likelihood.Terms:
        """The log likelihood with its derivatives at a mean, which differs from the pooled rate by `moved`."""
        pairs = self.pairs
        terms_of = likelihood.beta_binomial if self.family == "binomial" else likelihood.gamma_poisson
        excess = self.excess - pairs.n * pairs.each(moved)
        terms = terms_of(pairs.x, pairs.n, pairs.each(mean), pairs.each(size), excess)
        (by_mean, by_size), hessian = map(pairs.sum, terms.gradient), map(pairs.sum, terms.hessian)
        by_mean_twice, by_both, by_size_twice = hessian
        return likelihood.Terms(pairs.sum(terms.value), (by_mean, by_size), (by_mean_twice, by_both, by_size_twice))


Likelihood = FewTrials | AllPairs


@dataclass(frozen=True)
class Criterion:
    """Minus the log likelihood of models, by the logit or log of the mean, and the log of the size.

    The first argument is a deviation from a centre, which is itself a deviation from the pooled rate. It has a unit of
    its own: many groups determine it far better than the second.
    """

    of_models: Likelihood
    family: Family
    pooled: Array
    centre: Array
    unit: Array

    def __call__(self, models: Array, x: Array) -> tuple[Array, Array, Array]:
        """Value, gradient and Hessian of the models listed."""
        unit = self.unit[models]
        scale = np.stack([unit, np.ones(len(models))], axis=1)
        mean, moved = moved_by(self.pooled[models], self.centre[models] + unit * x[:, 0], self.family)
        terms = self.of_models.take(models).terms(mean, np.exp(x[:, 1]), moved)
        by_mean, both, by_size = terms.hessian
        gradient = np.stack(terms.gradient, axis=1) * scale
        hessian = np.stack([by_mean, both, both, by_size], axis=1).reshape(-1, 2, 2)
        return -terms.value, -gradient, -hessian * scale[:, :, None] * scale[:, None, :]


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


def _start(pairs: Pairs, family: Family, rate: Array, of_models: Likelihood) -> Prior:
    """The best of some sizes, each with a mean that suits it: the likelihood can have several maxima."""
    moments = np.clip(size_by_moments(pairs, family), SIZES[0], SIZES[-1])
    unknown = np.full(len(rate), np.nan)
    best = with_likelihood(unknown, unknown.copy(), np.full(len(rate), -np.inf))
    for candidate in (moments, *SIZES):
        size = np.broadcast_to(candidate, rate.shape)
        weight = pairs.n / (pairs.n + pairs.each(size if family == "binomial" else size / rate))
        mean = pairs.sum(weight * pairs.x / pairs.n) / pairs.sum(weight)
        prior = with_likelihood(mean, size, of_models.value(mean, size))
        better = prior.log_likelihood > best.log_likelihood
        best.put(better, prior.of(better))
    return best


def _error(pairs: Pairs, family: Family, prior: Prior) -> Array:
    """The standard error of the logit or log of the mean, about; at most 1."""
    mean = prior.mean
    if family == "binomial":
        trials = pairs.sum(rates.effective_trials(pairs.n, pairs.each(prior.size)))
        return np.asarray(1 / np.sqrt(np.maximum(mean * (1 - mean) * trials, 1)))
    exposure = pairs.sum(rates.effective_exposure(pairs.n, pairs.each(prior.size / mean)))
    return np.asarray(1 / np.sqrt(np.maximum(mean * exposure, 1)))


def link(mean: Array, family: Family) -> Array:
    """The logit or the log of a mean."""
    return np.asarray(special.logit(mean) if family == "binomial" else np.log(mean))


def moved_by(rate: Array, by: Array, family: Family) -> tuple[Array, Array]:
    """The rate whose logit, or log, is larger by a step; and its difference from `rate`, to the last digits."""
    if family == "poisson":
        return rate * np.exp(by), rate * np.expm1(by)
    from_other = 1 / (1 + rate * np.expm1(by))
    return rate * np.exp(by) * from_other, rate * (1 - rate) * np.expm1(by) * from_other
