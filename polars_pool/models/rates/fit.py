"""The prior of every model from its groups: by maximum likelihood, by moments, or known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from ...numerics import trust_region
from ...numerics.arrays import Array
from . import likelihood
from .spec import Family

INFINITE = 1e15  # a size that no data tell from an infinite one
BEGIN = 10.0 ** np.arange(-1, 7)  # sizes among which the search looks for a place to begin
SURE = 1e-12  # relative: less may be rounding, where in truth there is no difference


@dataclass(frozen=True)
class Pairs:
    """Distinct events and trials, or exposure, sorted by model, and how many groups have them."""

    start: Array
    x: Array
    n: Array
    k: Array

    @property
    def lengths(self) -> Array:
        return np.diff(self.start, append=len(self.x))

    def sum(self, values: Array) -> Array:
        """Sums over the groups of each model."""
        return np.add.reduceat(self.k * values, self.start, dtype=np.float64)

    def each(self, values: Array) -> Array:
        return np.repeat(values, self.lengths)

    def over(self, mean: Array) -> Array:
        """Events beyond those that the mean of each model makes expected."""
        return likelihood.excess(self.x, self.n, self.each(mean))

    def of(self, models: Array) -> Array:
        """The places of these models' pairs."""
        lengths = self.lengths[models]
        start = np.cumsum(lengths) - lengths
        return np.repeat(self.start[models] - start, lengths) + np.arange(lengths.sum())

    def take(self, models: Array) -> Pairs:
        lengths, kept = self.lengths[models], self.of(models)
        return Pairs(np.cumsum(lengths) - lengths, self.x[kept], self.n[kept], self.k[kept])


@dataclass(frozen=True)
class Prior:
    """One value a model: mean and size (alpha + beta, or shape), infinite where groups do not differ; NaN: unknown."""

    mean: Array
    size: Array
    covariance: Array  # (models, 2, 2) of logit or log mean, and log size
    log_likelihood: Array
    converged: Array


def by_moments(pairs: Pairs, family: Family) -> Prior:
    """Less what binomial or Poisson variance adds: Kleinman (1973), JASA 68; Buehlmann & Straub (1970)."""
    n, rate = pairs.sum(pairs.n), pairs.sum(pairs.x) / pairs.sum(pairs.n)
    share = pairs.n / pairs.each(n)
    squares = pairs.sum(pairs.over(rate) ** 2 / pairs.n)
    if family == "binomial":
        noise, spread = pairs.sum(1 - share), pairs.sum(pairs.n * (1 - share))
        rho = (squares - rate * (1 - rate) * noise) / (rate * (1 - rate) * (spread - noise))
        rho = np.where(spread > noise * (1 + SURE), rho, 0)  # groups of one trial each tell nothing of it
        size = np.where(rho > 0, np.maximum(1 / np.minimum(rho, 1) - 1, 0), np.inf)
    else:
        between = (squares - (pairs.sum(np.ones_like(share)) - 1) * rate) / (n - pairs.sum(pairs.n * share))
        size = np.where(between > 0, rate * rate / between, np.inf)
    return _at(pairs, family, rate, size)


def by_likelihood(pairs: Pairs, family: Family) -> Prior:
    """The maximum of the likelihood; at an infinite size where none is higher.

    An infinite size is no maximum where groups differ by more than chance (Tarone 1979, Biometrika 66). Where they do
    not, a finite one may still be higher: a large group can hide how much small ones differ.
    """
    n, events = pairs.sum(pairs.n), pairs.sum(pairs.x)
    rate = events / n
    deviation = pairs.sum(pairs.over(rate) ** 2)
    chance = rate * (1 - rate) * n if family == "binomial" else events
    found = _at(pairs, family, rate, np.full_like(rate, np.inf))
    mean, size, highest = _begin(pairs, family, rate)
    rounding = SURE * pairs.sum(1 + np.abs(likelihood.constant(pairs.x, pairs.n, family)))
    higher = highest > found.log_likelihood + rounding
    none = _all_or_none(pairs, found) if family == "binomial" else np.zeros(len(rate), dtype=bool)
    differ = np.flatnonzero(((deviation > chance * (1 + SURE)) | higher) & ~none)
    if not differ.size:
        return found
    some = pairs.take(differ)
    every = np.arange(len(differ))
    pooled = rate[differ]
    centre = _link(mean[differ], family) - _link(pooled, family)
    start = np.stack([np.zeros(len(differ)), np.log(size[differ])], axis=1)
    plain = _criterion(some, family, pooled, centre, np.ones(len(differ)))
    unit = 1 / np.sqrt(np.maximum(plain(every, start)[2][:, 0, 0], 1))
    x, value, settled = trust_region.minimum(_criterion(some, family, pooled, centre, unit), start)
    x[:, 0] *= unit
    _, _, hessian = plain(every, x)
    hessian[~(np.linalg.det(hessian) > 0)] = np.nan
    for name, values in (
        ("mean", _moved(pooled, centre + x[:, 0], family)[0]),
        ("size", np.exp(x[:, 1])),
        ("covariance", np.linalg.inv(hessian)),
        ("log_likelihood", some.sum(likelihood.constant(some.x, some.n, family)) - value),
        ("converged", settled & (x[:, 1] < np.log(INFINITE))),
    ):
        getattr(found, name)[differ] = values
    return found


def _all_or_none(pairs: Pairs, found: Prior) -> Array:
    """Whether every group of a model has all of its trials or none, some of more than one: then rates are 1 or 0."""
    groups, all_of = pairs.sum(np.ones_like(pairs.x)), pairs.sum(pairs.x == pairs.n)
    extreme = pairs.sum((pairs.x == 0) | (pairs.x == pairs.n)) == groups
    chosen = extreme & (all_of > 0) & (all_of < groups) & (pairs.sum(pairs.n > 1) > 0)
    share = all_of / groups
    one = np.ones_like(pairs.x)
    of_group = likelihood.binomial((pairs.x > 0) * 1.0, one, pairs.each(share), (pairs.x > 0) - pairs.each(share))
    for values, known in ((found.mean, share), (found.size, 0 * share), (found.log_likelihood, pairs.sum(of_group))):
        values[chosen] = known[chosen]
    return np.asarray(chosen)


def _begin(pairs: Pairs, family: Family, rate: Array) -> tuple[Array, Array, Array]:
    """The best of some sizes with the mean that goes with it, and its log likelihood: there may be several maxima."""
    moments = np.clip(by_moments(pairs, family).size, BEGIN[0], BEGIN[-1])
    best = np.full((3, len(rate)), np.nan)
    best[2] = -np.inf
    for given in (moments, *BEGIN):
        size = np.broadcast_to(given, rate.shape)
        weight = pairs.n / (pairs.n + pairs.each(size if family == "binomial" else size / rate))
        mean = pairs.sum(weight * pairs.x / pairs.n) / pairs.sum(weight)
        value = _at(pairs, family, mean, size).log_likelihood
        best = np.where(value > best[2], [mean, size, value], best)
    return best[0], best[1], best[2]


def known(pairs: Pairs, family: Family, mean: float, size: float) -> Prior:
    models = np.ones(len(pairs.start))
    return _at(pairs, family, mean * models, size * models)


def _at(pairs: Pairs, family: Family, mean: Array, size: Array) -> Prior:
    """A prior as it is given."""
    m, s = pairs.each(mean), pairs.each(size)
    finite = np.where(np.isfinite(s), s, 1.0)
    x, n, over = pairs.x, pairs.n, pairs.over(mean)
    if family == "binomial":
        limit, inside = likelihood.binomial(x, n, m, over), likelihood.log_beta_binomial(x, n, m, finite, over)
    else:
        limit, inside = likelihood.poisson(x, n, m, over), likelihood.log_gamma_poisson(x, n, m, finite, over)
    value = np.where(np.isfinite(s), inside, limit) + likelihood.constant(x, n, family)
    unknown = np.full((len(mean), 2, 2), np.nan)
    return Prior(mean, size, unknown, pairs.sum(value), np.ones(len(mean), dtype=bool))


def _criterion(
    pairs: Pairs, family: Family, pooled: Array, centre: Array, unit: Array
) -> Callable[[Array, Array], tuple[Array, Array, Array]]:
    """Minus the log likelihood of the models listed, by logit or log of the mean and log of the size.

    The first is a deviation from a centre, itself one from the pooled rate, in units of its own: of many groups it is
    far surer than the second.
    """
    terms = likelihood.beta_binomial if family == "binomial" else likelihood.gamma_poisson
    beyond = pairs.over(pooled)

    def at(models: Array, x: Array) -> tuple[Array, Array, Array]:
        some, scale = pairs.take(models), np.stack([unit[models], np.ones(len(models))], axis=1)
        mean, moved = _moved(pooled[models], centre[models] + unit[models] * x[:, 0], family)
        over = beyond[pairs.of(models)] - some.n * some.each(moved)
        found = terms(some.x, some.n, some.each(mean), some.each(np.exp(x[:, 1])), over)
        by_mean, both, by_size = (some.sum(h) for h in found.hessian)
        gradient = np.stack([some.sum(g) for g in found.gradient], axis=1) * scale
        hessian = np.stack([by_mean, both, both, by_size], axis=1).reshape(-1, 2, 2)
        return -some.sum(found.value), -gradient, -hessian * scale[:, :, None] * scale[:, None, :]

    return at


def _link(mean: Array, family: Family) -> Array:
    return np.asarray(logit(mean) if family == "binomial" else np.log(mean))


def _moved(rate: Array, by: Array, family: Family) -> tuple[Array, Array]:
    """The rate whose logit, or log, is larger by so much, and its difference from this one, to the last digits."""
    if family == "poisson":
        return rate * np.exp(by), rate * np.expm1(by)
    from_other = 1 / (1 + rate * np.expm1(by))
    return rate * np.exp(by) * from_other, rate * (1 - rate) * np.expm1(by) * from_other
