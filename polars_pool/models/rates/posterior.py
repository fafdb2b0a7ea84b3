"""The distribution of the rate of a group: given the prior, or with the error of its mean besides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincc, betaincinv, gammainc, gammaincc, gammaincinv

from ...formulas import rates as formulas
from ...numerics.arrays import Array
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
        """How much a group's own trials, or exposure, are weighed against; infinite: all pool completely."""
        return self.first + self.second if self.family == "binomial" else self.second


@dataclass(frozen=True)
class Posterior:
    """Beta or gamma distributions by mean, variance and parameters; those of infinite parameters are points."""

    mean: Array
    variance: Array
    first: Array
    second: Array
    family: Family

    def quantile(self, p: float) -> Array:
        with np.errstate(all="ignore"):
            if self.family == "binomial":
                inside = np.where(self._two_points, p > 1 - self.mean, betaincinv(self.first, self.second, p))
            else:
                inside = gammaincinv(self.first, p) / self.second
        return np.where(self._point, self.mean, inside)

    def below(self, threshold: float) -> Array:
        """Probability of no more than the threshold."""
        return self._tail(threshold, (betainc, gammainc), (self.mean <= threshold, threshold >= 0, threshold >= 1))

    def above(self, threshold: float) -> Array:
        return self._tail(threshold, (betaincc, gammaincc), (self.mean > threshold, threshold < 0, threshold < 1))

    def _tail(
        self, threshold: float, functions: tuple[np.ufunc, np.ufunc], on_this_side: tuple[Array, bool, bool]
    ) -> Array:
        """The probability of a side of the threshold, on which the mean lies, 0 lies and 1 lies, or not."""
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
    def _point(self) -> Array:
        alone = (self.first == 0) ^ (self.second == 0) if self.family == "binomial" else False
        return np.asarray(np.isinf(self.first) | alone)

    @property
    def _two_points(self) -> Array:
        """Rates of 0 or 1 alone, where both parameters are 0."""
        return np.asarray((self.first == 0) & (self.second == 0))


def given_prior(x: Array, n: Array, prior: Prior) -> Posterior:
    """The posterior of a rate were the prior known."""
    binomial = prior.family == "binomial"
    mean = np.asarray(formulas.estimate(x, n, prior.mean, prior.size))
    variance = (formulas.beta_variance if binomial else formulas.gamma_variance)(mean, n, prior.size)
    others = n - x if binomial else n
    return Posterior(mean, variance, prior.first + x, prior.second + others, prior.family)


def with_error_of_mean(given: Posterior, n: Array, prior: Prior, effective: Array) -> Posterior:
    """The same with the error of the prior's mean, estimated from so many effective trials, or so much exposure."""
    pooling = formulas.pooling(n, prior.size)
    if prior.family == "binomial":
        centre = formulas.beta_centre(prior.mean, effective)
        location = formulas.location(given.mean, pooling, prior.mean, centre)
        error = formulas.beta_centre_variance(centre, effective)
        size = formulas.matched_trials(location, pooling, error, n, prior.size)
        variance = formulas.beta_spread(location, size)
        first, second = location * size, (1 - location) * size
    else:
        centre = formulas.gamma_centre(prior.mean, effective)
        location = formulas.location(given.mean, pooling, prior.mean, centre)
        error = formulas.gamma_centre_variance(centre, effective)
        second = formulas.matched_exposure(location, pooling, error, n, prior.size)
        variance = formulas.gamma_spread(location, second)
        first = location * second
    own = pooling == 0  # rates of 0 and 1 alone: the group's trials determine its rate
    return Posterior(
        np.where(own, given.mean, location),
        np.where(own, given.variance, variance),
        np.where(own, given.first, first),
        np.where(own, given.second, second),
        prior.family,
    )


def effective(n: Array, prior: Prior) -> Array:
    """How many trials, or how much exposure, determine the prior's mean as well as those of each group."""
    of_group = formulas.effective_trials if prior.family == "binomial" else formulas.effective_exposure
    return np.asarray(of_group(n, prior.size))
