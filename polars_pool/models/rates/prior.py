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
    m, s = pairs.each(mean), pairs.each(size)
    finite = np.where(np.isfinite(s), s, 1.0)
    x, n, excess = pairs.x, pairs.n, pairs.excess(mean)
    if family == "binomial":
        limit, inside = likelihood.binomial(x, n, m, excess), likelihood.log_beta_binomial(x, n, m, finite, excess)
    else:
        limit, inside = likelihood.poisson(x, n, m, excess), likelihood.log_gamma_poisson(x, n, m, finite, excess)
    value = np.where(np.isfinite(s), inside, limit) + likelihood.constant(x, n, family)
    unknown = np.full((len(mean), 2, 2), np.nan)
    return Prior(mean, size, unknown, pairs.sum(value), np.ones(len(mean), dtype=bool))


def known(pairs: Pairs, family: Family, mean: float, size: float) -> Prior:
    """The same known prior for each model."""
    models = np.ones(pairs.models)
    return with_size(pairs, family, mean * models, size * models)


def by_moments(pairs: Pairs, family: Family) -> Prior:
    """The prior whose variance is that of the raw rates less the binomial or Poisson variance.

    Source: Kleinman (1973), JASA 68; Buehlmann & Straub (1970), Mitt. Ver. Schweiz. Versich.-Math. 70.
    """
    n, rate = pairs.sum(pairs.n), pairs.sum(pairs.x) / pairs.sum(pairs.n)
    share = pairs.n / pairs.each(n)
    squares = pairs.sum(pairs.excess(rate) ** 2 / pairs.n)
    if family == "binomial":
        noise, spread = pairs.sum(1 - share), pairs.sum(pairs.n * (1 - share))
        rho = overdispersion.of_trials(squares, rate, noise, spread)
        rho = np.where(spread > noise * (1 + ROUNDING), rho, 0)  # groups of one trial each do not identify it
        size = np.where(rho > 0, np.maximum(1 / np.minimum(rho, 1) - 1, 0), np.inf)
    else:
        noise, spread = pairs.sum(np.ones_like(share)) - 1, n - pairs.sum(pairs.n * share)
        rho = overdispersion.of_exposure(squares, rate, noise, spread)
        size = np.where(rho > 0, 1 / rho, np.inf)
    return with_size(pairs, family, rate, size)
