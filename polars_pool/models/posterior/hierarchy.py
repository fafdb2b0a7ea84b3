"""What is hierarchy of a posterior, and the closed forms at one tau: there mu and all groups are normal."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...engines.numpy import Array
from ...formulas import between
from ...formulas import posterior as formulas
from ...formulas.priors import Prior
from ..many import Groups


@dataclass(frozen=True)
class Population:
    """The prior of mu: normal with a mean for each model, or flat; a known mu is in the groups (g.mu)."""

    mean: Array
    sd: float  # infinite where it is flat

    def take(self, models: Array) -> Population:
        return Population(self.mean[models], self.sd)


@dataclass(frozen=True)
class AtTau:
    """The closed forms at one tau for each model: the log likelihood, and mean and variance of mu."""

    log_likelihood: Array
    mu: Array
    variance: Array


def at_tau(g: Groups, tau: Array, population: Population) -> AtTau:
    """The closed forms at one tau for each model: mu and all groups are normal there."""
    tau2 = g.each(tau * tau)
    w = between.precision(g.v, tau2)
    logs = g.sum(between.log_variance(g.v, tau2))
    s1 = g.sum(w)
    centre = g.centre(w)
    wd2 = g.sum(w * g.squares_about(centre))
    if g.mu is not None:
        known = formulas.log_likelihood_known_mu(g.groups, logs, wd2)
        return AtTau(np.asarray(known), centre, np.zeros(g.models))
    m, s = population.mean, population.sd
    if s == np.inf:
        return AtTau(np.asarray(formulas.log_likelihood_flat_mu(g.groups, logs, wd2, s1)), centre, 1 / s1)
    return AtTau(
        np.asarray(formulas.log_likelihood_normal_mu(g.groups, logs, wd2, s1, centre, m, s)),
        np.asarray(formulas.mu_given_tau(s1, centre, m, s)),
        np.asarray(formulas.variance_of_mu_given_tau(s1, s)),
    )


@dataclass(frozen=True)
class Hierarchy:
    """sigma2, tau2 and mu as they are known or integrated out, for many models."""

    published: bool
    sigma2: str | float | Prior
    tau2: float | Prior
    population: Population

    @property
    def known_tau(self) -> float:
        return np.nan if isinstance(self.tau2, Prior) else float(np.sqrt(self.tau2))

    def take(self, models: Array) -> Hierarchy:
        return replace(self, population=self.population.take(models))


def log_density(g: Groups, hierarchy: Hierarchy, tau: Array) -> Array:
    """Log of prior times likelihood at one tau for each model."""
    assert isinstance(hierarchy.tau2, Prior)
    return np.asarray(at_tau(g, tau, hierarchy.population).log_likelihood + hierarchy.tau2.log_density(tau, g))
