"""The prior of the mean and the size of the prior of rates, as a density of their logits or logarithms.

The size is alpha + beta for trials, the rate of the gamma distribution for an exposure. Its reference is one trial, or
the median exposure of the groups: rho = reference / (reference + size) is the share of the variance between groups in
the raw rate of a group of this size. It has a beta prior; under `UniformSpread` the root of 1 / size is uniform. The
mean has a beta prior for trials, for an exposure a gamma prior or one that is flat in its logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from ...formulas.priors import Beta, Flat, Gamma, Hyper, UniformShrinkage, UniformSpread
from ...numerics import special
from ..rates.spec import Family


@dataclass(frozen=True)
class Hyperprior:
    """The prior of the mean, and of rho (None where the root of 1 / size is uniform), for each model."""

    family: Family
    mean: Beta | Gamma | Flat
    rho: Beta | None
    reference: Array  # one trial, or the median exposure

    @classmethod
    def of(cls, prior: UniformShrinkage | UniformSpread | Hyper, family: Family, reference: Array) -> Hyperprior:
        """The densities that a prior stands for."""
        mean: Beta | Gamma | Flat = Beta(1, 1) if family == "binomial" else Flat()
        rho: Beta | None = Beta(1, 1)
        if isinstance(prior, UniformSpread):
            rho = None
        elif isinstance(prior, Hyper):
            mean, rho = prior.mean or mean, prior.rho or rho
        return cls(family, mean, rho, np.log(reference))

    @property
    def proper(self) -> bool:
        """Whether the total of the prior is finite."""
        return self.rho is not None and not isinstance(self.mean, Flat)

    @property
    def rates(self) -> tuple[float, float]:
        """The powers of the size that the density falls by: as the size goes to 0, and to infinity."""
        return (0.5, 0.5) if self.rho is None else (self.rho.beta, self.rho.alpha)

    def take(self, models: Array) -> Hyperprior:
        """The priors of some models."""
        return Hyperprior(self.family, self.mean, self.rho, self.reference[models])

    def value(self, a: Array, u: Array) -> Array:
        """The log density of the link of the mean, a, and the log of the size, u."""
        return self.of_mean(a)[0] + self.of_size(u)

    def of_mean(self, a: Array) -> tuple[Array, Array, Array]:
        """The log density of the logit or logarithm of the mean, with two derivatives."""
        prior = self.mean
        if isinstance(prior, Beta):
            m = special.expit(a)
            value = -prior.alpha * np.logaddexp(0, -a) - prior.beta * np.logaddexp(0, a)
            slope = prior.alpha - prior.size * m
            constant = float(special.betaln(prior.alpha, prior.beta))
            return value - constant, slope, -prior.size * m * special.expit(-a)
        if isinstance(prior, Flat):
            return 0.0 * a, 0.0 * a, 0.0 * a
        scaled = prior.rate * np.exp(a)
        constant = prior.shape * np.log(prior.rate) - float(special.gammaln(prior.shape))
        return prior.shape * a - scaled + constant, prior.shape - scaled, -scaled

    def of_size(self, u: Array) -> Array:
        """The log density of the log of the size."""
        if self.rho is None:
            return -u / 2
        above, below = u - self.reference, self.reference - u
        value = -self.rho.alpha * np.logaddexp(0, above) - self.rho.beta * np.logaddexp(0, below)
        return np.asarray(value - float(special.betaln(self.rho.alpha, self.rho.beta)))
