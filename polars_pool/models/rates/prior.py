"""The prior of the rates of a model, by its mean and size; and its estimate by moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from ...formulas import overdispersion
from . import likelihood
from .pairs import Pairs
from .spec import Family

ROUNDING = 1e-12  # relative difference up to which two numbers count as equal


@dataclass(frozen=True)
class Prior:
    """The prior of each model: mean and size (alpha + beta, or shape), infinite where groups do not differ.

    NaN where it is unknown.
    """

    mean: Array
    size: Array
    covariance: Array  # (models, 2, 2) of logit or log of the mean, and log of the size
    log_likelihood: Array
    converged: Array

    def put(self, models: Array, others: Prior) -> None:
        """Replace the priors of some models."""
        for name in vars(self):
            getattr(self, name)[models] = getattr(others, name)

    def of(self, models: Array) -> Prior:
        """The priors of some models."""
        return Prior(*(column[models] for column in vars(self).values()))


def with_size(pairs: Pairs, family: Family, mean: Array, size: Array) -> Prior:
    """Priors of a known mean and size, with the log likelihood of the pairs."""
    constant = pairs.sum(likelihood.constant(pairs.x, pairs.n, family))
    return with_likelihood(mean, size, log_likelihood(pairs, family, mean, size) + constant)


def with_likelihood(mean: Array, size: Array, value: Array) -> Prior:
    """Priors of a mean, a size and a log likelihood."""
    unknown = np.full((len(mean), 2, 2), np.nan)
    return Prior(mean, size, unknown, value, np.ones(len(mean), dtype=bool))


def log_likelihood(pairs: Pairs, family: Family, mean: Array, size: Array) -> Array:
    """The log likelihood of the pairs of each model, but for the constants that `likelihood.constant` gives."""
    m, s = pairs.each(mean), pairs.each(size)
    finite = np.where(np.isfinite(s), s, 1.0)
    x, n, excess = pairs.x, pairs.n, pairs.excess(mean)
    if family == "binomial":
        limit, inside = likelihood.binomial(x, n, m, excess), likelihood.log_beta_binomial(x, n, m, finite, excess)
    else:
        limit, inside = likelihood.poisson(x, n, m, excess), likelihood.log_gamma_poisson(x, n, m, finite, excess)
    return pairs.sum(np.where(np.isfinite(s), inside, limit))


def known(pairs: Pairs, family: Family, mean: float, size: float) -> Prior:
    """The same known prior for each model."""
    models = np.ones(pairs.models)
    return with_size(pairs, family, mean * models, size * models)


def by_moments(pairs: Pairs, family: Family) -> Prior:
    """The prior whose variance is that of the raw rates less the binomial or Poisson variance.

    Source: Kleinman (1973), JASA 68; Buehlmann & Straub (1970), Mitt. Ver. Schweiz. Versich.-Math. 70.
    """
    return with_size(pairs, family, pairs.sum(pairs.x) / pairs.sum(pairs.n), size_by_moments(pairs, family))


def size_by_moments(pairs: Pairs, family: Family) -> Array:
    """The size of the prior by moments; infinite where the raw rates do not differ by more than chance."""
    n, rate = pairs.sum(pairs.n), pairs.sum(pairs.x) / pairs.sum(pairs.n)
    share = pairs.n / pairs.each(n)
    squares = pairs.sum(pairs.excess(rate) ** 2 / pairs.n)
    if family == "binomial":
        noise, spread = pairs.sum(1 - share), pairs.sum(pairs.n * (1 - share))
        rho = overdispersion.of_trials(squares, rate, noise, spread)
        rho = np.where(spread > noise * (1 + ROUNDING), rho, 0)  # groups of one trial each do not identify it
        return np.where(rho > 0, np.maximum(1 / np.minimum(rho, 1) - 1, 0), np.inf)
    noise, spread = pairs.sum(np.ones_like(share)) - 1, n - pairs.sum(pairs.n * share)
    rho = overdispersion.of_exposure(squares, rate, noise, spread)
    return np.where(rho > 0, 1 / rho, np.inf)
