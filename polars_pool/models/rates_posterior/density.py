"""The log posterior density of the prior's mean and size, for many cells at once: a model at one size.

It is a density of a, the logit or logarithm of the mean, and u, the logarithm of the size. The likelihood of a given
size is log-concave in the mean, as its factors are affine in it, so a cell has one mode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from ...numerics import special
from ...numerics.rising import log_rise, rise
from ..rates import few_trials, likelihood
from ..rates.few_trials import FewTrials
from ..rates.pairs import Pairs
from ..rates.prior import log_likelihood
from ..rates.spec import Family
from .hyperprior import Hyperprior

AT_ONCE = 2**19  # pairs at once
FAR = 1e3  # times the rate of the prior: an exposure beyond it


@dataclass(frozen=True)
class Density:
    """The density of models; `few` replaces the sum over pairs where all models have few trials."""

    pairs: Pairs
    family: Family
    prior: Hyperprior
    few: FewTrials | None

    @classmethod
    def of(cls, pairs: Pairs, family: Family, prior: Hyperprior) -> Density:
        """The density of models with these pairs."""
        is_few = family == "binomial" and pairs.models == 1 and bool(few_trials.chosen(pairs).all())
        return cls(pairs, family, prior, FewTrials.of(pairs) if is_few else None)

    def take(self, models: Array) -> Density:
        """The density of some models, which may repeat."""
        few = None if self.few is None else self.few.take(models)
        pairs = self.pairs if few is not None else self.pairs.take(models)
        return Density(pairs, self.family, self.prior.take(models), few)

    def cells_at_once(self) -> int:
        """How many cells of these models fit into memory together."""
        size = 3 * len(self.few.above) if self.few is not None else int(self.pairs.lengths.max())
        return max(1, AT_ONCE // max(1, size))

    def mean_and_size(self, a: Array, u: Array) -> tuple[Array, Array]:
        """The mean and the size of the likelihood: alpha + beta, or the shape."""
        if self.family == "binomial":
            return special.expit(a), np.exp(u)
        return np.exp(a), np.exp(a + u)

    def value(self, a: Array, u: Array) -> Array:
        """The log density of each cell."""
        mean, size = self.mean_and_size(a, u)
        if self.few is not None:
            value = self.few.value(mean, size)
        elif self.family == "binomial":
            value = log_likelihood(self.pairs, self.family, mean, size)
        else:
            value = self._of_counts(mean, size, u)
        return np.asarray(value + self.prior.value(a, u))

    def slopes(self, a: Array, u: Array) -> tuple[Array, Array]:
        """The first and the second derivative of the log density by a."""
        mean, size = self.mean_and_size(a, u)
        _, slope, bend = self.prior.of_mean(a)
        pairs = self.pairs
        if self.few is not None:
            terms = self.few.terms(mean, size, mean)
            return slope + terms.gradient[0], bend + terms.hessian[0]
        if self.family == "binomial":
            m, s = pairs.each(mean), pairs.each(size)
            terms = likelihood.beta_binomial(pairs.x, pairs.n, m, s, pairs.excess(mean))
            return slope + pairs.sum(terms.gradient[0]), bend + pairs.sum(terms.hessian[0])
        # At a known rate the shape moves with the mean.
        shape = pairs.each(size)
        _, of_x, _, curvature = rise(shape, pairs.x)
        by_mean = pairs.sum(of_x - shape * np.log1p(pairs.n / pairs.each(np.exp(u))))
        return slope + by_mean, bend + by_mean + pairs.sum(curvature - pairs.x)

    def _of_counts(self, mean: Array, shape: Array, u: Array) -> Array:
        """The log likelihood of counts; at a rate far below the exposure as a function of shape and rate.

        There the mean can be huge although the shape is not.
        """
        pairs = self.pairs
        m, s, rate = pairs.each(mean), pairs.each(shape), pairs.each(np.exp(u))
        terms = likelihood.log_gamma_poisson(pairs.x, pairs.n, m, s, pairs.excess(mean))
        far = np.broadcast_to(pairs.n > FAR * rate, terms.shape)
        if far.any():
            ratio = pairs.n / rate
            direct = log_rise(s, pairs.x) - s * np.log1p(ratio) + pairs.x * np.log(ratio / (1 + ratio))
            # As the other one, without the constant of few events alone.
            terms = np.where(
                far, direct - np.where(pairs.x > likelihood.MANY, special.gammaln(pairs.x + 1), 0.0), terms
            )
        return pairs.sum(terms)

    def start(self, u: Array) -> Array:
        """About the most likely a at a size: by the mean of the rates, with weights that suit this size."""
        if self.few is not None:
            return np.concatenate([_start(self.pairs, self.family, u[i : i + 1]) for i in range(len(u))])
        return _start(self.pairs, self.family, u)


def _start(pairs: Pairs, family: Family, u: Array) -> Array:
    weight = pairs.n / (pairs.n + pairs.each(np.exp(u)))
    total, events = pairs.sum(weight), pairs.sum(weight * np.where(pairs.n > 0, pairs.x / pairs.n, 0.0))
    if family == "binomial":
        return np.asarray(special.logit((events + 0.5) / (total + 1)))
    exposure = pairs.sum(pairs.n)
    least = 0.1 / np.where(exposure > 0, exposure, 1.0)
    return np.asarray(np.log(np.maximum(np.where(total > 0, events / total, 0.0), least)))
