"""The distribution of the rate of a group: conditional on the prior, or with the error of the prior's mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from ...formulas import rates as formulas
from ...numerics import beta, special
from .spec import Family


@dataclass(frozen=True)
class Prior:
    """The mean and the parameters of the prior of each group: alpha and beta, or shape and rate."""

    mean: Array
    first: Array
    second: Array
    family: Family

    @property
    def size(self) -> Array:
        """The trials, or exposure, that the prior is worth; infinite where all groups pool completely."""
        return self.first + self.second if self.family == "binomial" else self.second

    def of(self, models: Array) -> Prior:
        """The priors of groups, by the number of the model of each."""
        return Prior(self.mean[models], self.first[models], self.second[models], self.family)


@dataclass(frozen=True)
class Posterior:
    """Beta or gamma distributions by mean, variance and parameters; a point where the parameters are infinite."""

    mean: Array
    variance: Array
    first: Array
    second: Array
    family: Family

    @classmethod
    def joined(cls, parts: Sequence[Posterior]) -> Posterior:
        """The distributions of several blocks."""
        columns = zip(*((part.mean, part.variance, part.first, part.second) for part in parts), strict=True)
        mean, variance, first, second = map(np.concatenate, columns)
        return cls(mean, variance, first, second, parts[0].family)

    def quantiles(self, *probabilities: float) -> list[Array]:
        """The quantile of each rate, for each of a few probabilities.

        Consecutive equal distributions, as those of the groups of a model that pools completely, are one.
        """
        with np.errstate(all="ignore"):
            begins = np.flatnonzero(self._differs)
            first, second = self.first[begins], self.second[begins]
            if self.family == "binomial":
                distinct = beta.quantiles(first, second, *probabilities)
            else:
                distinct = [special.gammaincinv(first, p) / second for p in probabilities]
        lengths = np.diff(begins, append=len(self.first))
        results = [np.repeat(of_distinct, lengths) for of_distinct in distinct]
        points = np.flatnonzero(self._point)
        two_points = np.flatnonzero(self._two_points) if self.family == "binomial" else np.zeros(0, dtype=np.int64)
        for p, result in zip(probabilities, results, strict=True):
            result[points], result[two_points] = self.mean[points], p > 1 - self.mean[two_points]
        return results

    def below(self, threshold: float) -> Array:
        """Probability of a rate up to the threshold."""
        return self._tail(
            threshold, (special.betainc, special.gammainc), (self.mean <= threshold, threshold >= 0, threshold >= 1)
        )

    def above(self, threshold: float) -> Array:
        """Probability of a rate above the threshold."""
        return self._tail(
            threshold, (special.betaincc, special.gammaincc), (self.mean > threshold, threshold < 0, threshold < 1)
        )

    def _tail(
        self, threshold: float, functions: tuple[np.ufunc, np.ufunc], on_this_side: tuple[Array, bool, bool]
    ) -> Array:
        """The probability of one side of the threshold; `on_this_side` says whether the mean, 0 and 1 lie there."""
        of_beta, of_gamma = functions
        mean, none, all_of = on_this_side
        with np.errstate(all="ignore"):
            if self.family == "binomial":
                inside = of_beta(self.first, self.second, min(max(threshold, 0.0), 1.0))
                inside = np.where(self._two_points, none * (1 - self.mean) + all_of * self.mean, inside)
            else:
                inside = of_gamma(self.first, self.second * max(threshold, 0.0))
        return np.where(self._point, np.where(np.isnan(self.mean), np.nan, mean), inside)

    @property
    def _differs(self) -> Array:
        """Whether the parameters of each distribution differ from those of the one before."""
        first, second = self.first, self.second
        return np.append(True, (first[1:] != first[:-1]) | (second[1:] != second[:-1]))

    @property
    def _point(self) -> Array:
        alone = (self.first == 0) ^ (self.second == 0) if self.family == "binomial" else False
        return np.asarray(np.isinf(self.first) | alone)

    @property
    def _two_points(self) -> Array:
        """Whether the rate is 0 or 1, as both parameters are 0."""
        return np.asarray((self.first == 0) & (self.second == 0))


def given_prior(x: Array, n: Array, prior: Prior) -> Posterior:
    """The posterior of each rate, conditional on the prior."""
    binomial = prior.family == "binomial"
    mean = np.asarray(formulas.estimate(x, n, prior.mean, prior.size))
    variance = (formulas.beta_variance if binomial else formulas.gamma_variance)(mean, n, prior.size)
    others = n - x if binomial else n
    return Posterior(mean, variance, prior.first + x, prior.second + others, prior.family)


def with_error_of_mean(conditional: Posterior, n: Array, prior: Prior, effective: Array) -> Posterior:
    """The posterior with the error of the prior's mean, estimated from `effective` trials or exposure."""
    pooling = formulas.pooling(n, prior.size)
    if prior.family == "binomial":
        centre = formulas.beta_centre(prior.mean, effective)
        location = formulas.location(conditional.mean, pooling, prior.mean, centre)
        error = formulas.beta_centre_variance(centre, effective)
        size = formulas.matched_trials(location, pooling, error, n, prior.size)
        variance = formulas.beta_spread(location, size)
        first, second = location * size, (1 - location) * size
    else:
        centre = formulas.gamma_centre(prior.mean, effective)
        location = formulas.location(conditional.mean, pooling, prior.mean, centre)
        error = formulas.gamma_centre_variance(centre, effective)
        second = formulas.matched_exposure(location, pooling, error, n, prior.size)
        variance = formulas.gamma_spread(location, second)
        first = location * second
    own = pooling == 0  # rates are 0 or 1, and the group's trials determine which
    return Posterior(
        np.where(own, conditional.mean, location),
        np.where(own, conditional.variance, variance),
        np.where(own, conditional.first, first),
        np.where(own, conditional.second, second),
        prior.family,
    )


def effective(n: Array, prior: Prior) -> Array:
    """The trials, or exposure, that would determine the prior's mean as well as the group does."""
    of_group = formulas.effective_trials if prior.family == "binomial" else formulas.effective_exposure
    return np.asarray(of_group(n, prior.size))
