"""The maximum of the likelihood over the relative covariance of the varying terms, which can have several maxima."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from ...engines.numpy import Array
from ...numerics import trust_region
from ...numerics.minima import Minima, deepest, near
from . import factor, likelihood
from .factor import Pattern
from .reduced import Reduced
from .scale import Terms

STARTS = (0.1, 1.0, 10.0)  # of the factor in units, where 1 lets a typical group keep half of its own deviation
EDGE = (1.0, 4.0, 16.0)  # sizes of factors of lower rank
ASIDE = 0.01  # size of such a factor across its directions
SMALL = 30  # groups up to which starts near a lower rank are tried: larger models rarely have several maxima
FAR = 1e30  # a factor in units that stands for an infinite one


@dataclass(frozen=True)
class Deviance:
    """The deviance of models with its derivatives, by the free entries of the factor in units."""

    d: Reduced
    units: Array  # (models, varying)
    free: Pattern
    restricted: bool

    def __call__(self, models: Array, x: Array) -> tuple[Array, Array, Array]:
        """Deviance, gradient and Hessian of the models listed."""
        d, by = self.d.take(models), self.units[models][:, self.free[0]]
        at = factor.lower(x * by, self.free, self.units.shape[1])
        fit, rows = likelihood.profiled(d, at, self.restricted)
        gradient, hessian = likelihood.derivatives(d, rows, fit, at, self.free, self.restricted)
        return fit.deviance, gradient * by, hessian * by[:, :, None] * by[:, None, :]

    def minimum(self, start: Array) -> Minima:
        """The minimum of each model near its start."""
        return near(self, start)

    def minima_of(self, models: Array, starts: Array) -> list[Minima]:
        """The minima of some models near several starts each, (models, starts, entries)."""
        each = np.repeat(models, starts.shape[1])
        flat = starts.reshape(-1, starts.shape[2])
        x, value, _, converged = trust_region.minimum(lambda some, x: self(each[some], x), flat)
        by_start = [part.reshape(len(models), -1, *part.shape[1:]).swapaxes(0, 1) for part in (x, value, converged)]
        return [Minima(*one) for one in zip(*by_start, strict=True)]


def best_factor(d: Reduced, few: Reduced, terms: Terms, restricted: bool) -> tuple[Array, Array]:
    """The factor of the relative covariance with the highest likelihood of each model, and whether it converged.

    `few` are some of the groups in `d`, or all of them: they show which of several starts is the best.
    """
    units, free = factor.units(d), factor.pattern(terms)
    identity = factor.identity(d.models, free)
    of_few, of_all = (Deviance(groups, units, free, restricted) for groups in (few, d))
    best = deepest([of_few.minimum(start * identity) for start in STARTS])
    small = np.flatnonzero(d.counts <= SMALL)
    if small.size and len(free[0]) > len(terms.varying):
        near_edges = of_few.minima_of(small, _edges(d.take(small), units[small], free, restricted))
        best.put(small, deepest([best.of(small), *near_edges]))
    if few is not d:
        # Derivatives by an entry vanish at 0, where some of the groups may have their minimum, but not all groups.
        away = np.where(np.abs(best.x) < ASIDE, ASIDE * identity, 0.0)
        best = of_all.minimum(best.x + away)
    if (without := np.flatnonzero(d.saturated)).size:
        far = FAR * identity[without]
        limit = Minima(far, of_all(without, far)[0], np.ones(len(without), dtype=bool))
        best.put(without, deepest([limit, best.of(without)]))
    return factor.lower(best.x, free, len(terms.varying)) * units[:, :, None], best.converged


def is_infinite(at: Array, d: Reduced) -> Array:
    """Whether the factor of each model stands for an infinite one."""
    return np.asarray((at == FAR * factor.units(d)[:, :, None]).all(axis=(1, 2)))


def _edges(d: Reduced, units: Array, free: Pattern, restricted: bool) -> Array:
    """Starts near covariances of lower rank, (models, starts, entries): of each size those with the lowest deviance.

    There a likelihood of few groups can have maxima that no multiple of one covariance leads to. A candidate is the sum
    of the squares of one or two directions. For each size, as many starts as free entries are kept.
    """
    varying = units.shape[1]
    signs = _signs(varying)
    squares = signs[:, :, None] * signs[:, None, :]
    sums = [np.sum(some, axis=0) for rank in range(1, min(varying, 3)) for some in combinations(squares, rank)]
    aside = ASIDE**2 * np.eye(varying)
    factors = np.linalg.cholesky(np.array([[size**2 * one + aside for one in sums] for size in EDGE]))
    each = np.repeat(np.arange(d.models), len(EDGE) * len(sums))
    candidates = np.tile(factors.reshape(-1, varying, varying), (d.models, 1, 1))
    fit, _ = likelihood.profiled(d.take(each), candidates * units[each, :, None], restricted)
    depth = _finite(fit.deviance).reshape(d.models, len(EDGE), len(sums))
    best = np.argsort(depth, axis=2)[:, :, : len(free[0])]
    entries = factors[np.arange(len(EDGE))[:, None], best][..., free[0], free[1]]
    return np.asarray(entries.reshape(d.models, -1, len(free[0])))


def _signs(varying: int) -> Array:
    """The directions with entries 1, 0 or -1, one of each two opposite directions."""
    every = np.array([*product((1.0, 0.0, -1.0), repeat=varying)])
    return every[: len(every) // 2]


def _finite(value: Array) -> Array:
    return np.where(np.isfinite(value), value, np.inf)
