"""The maximum of the likelihood of nested levels over the variances, which can have several maxima."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ...engines.numpy import Array
from ...numerics.minima import Minima, deepest, near
from .likelihood import likelihood
from .tree import Tree

STARTS = (0.1, 1.0)  # standard deviations between nodes, relative to the spread of the leaves' means
MANY_LEVELS = 4  # levels from which not every combination of these is tried
MANY = 2**14  # classes of a model from which some of its nodes show where to start
FEW = 2**8  # of these nodes
LEAST = 2.0**-200  # of the square of the unit: a sampling variance of 0, as powers of its inverse are finite
ROUNDING = 1e-12
NEAR_ZERO = 0.01  # a standard deviation, relative to the spread, from which a search starts instead of 0


@dataclass(frozen=True)
class Deviance:
    """-2 log L of models by the standard deviations of their levels; those that are not free keep their value."""

    tree: Tree
    free: Array  # (1 + levels, models)
    given: bool
    restricted: bool

    def __call__(self, models: Array, x: Array) -> tuple[Array, Array, Array]:
        """Value, gradient and Hessian of the models listed, at (models, 1 + levels) standard deviations."""
        at = likelihood(self.tree.take(models), (x * x).T, self.given, self.restricted).deviance
        free = self.free[:, models].T
        slope = at.first.T
        hessian = 4 * x[:, :, None] * x[:, None, :] * at.hessian()
        size = np.arange(x.shape[1])
        hessian[:, size, size] += 2 * slope
        hessian = np.where(free[:, :, None] & free[:, None, :], hessian, np.eye(x.shape[1]))
        return at.value, np.where(free, 2 * x * slope, 0.0), hessian

    def held(self, index: Array) -> Deviance:
        """The same with one variance of each model that keeps its value."""
        free = self.free.copy()
        free[index, np.arange(len(index))] = False
        return replace(self, free=free)

    def of(self, models: Array) -> Deviance:
        """The same of some models."""
        return replace(self, tree=self.tree.take(models), free=self.free[:, models])

    def bounded(self, variances: Array) -> Array:
        """Whether -2 log L of given means has a limit where the error of exact means goes to 0, tau2 of leaves being 0.

        It has none where their number differs from that of the parents they determine, or where they contradict each
        other.
        """
        bounded = np.ones(self.tree.models, dtype=bool)
        if not self.given or (self.tree.u > 2 * LEAST).all():
            return bounded
        exact = number_of_exact(self.tree, variances[0]) > 0
        if (models := np.flatnonzero(exact & (variances[1] < LEAST**0.5))).size:
            tree = self.tree.take(models)
            larger = replace(tree, u=np.where(tree.u <= 2 * LEAST, 4 * tree.u, tree.u))
            at = [likelihood(x, variances[:, models], self.given, self.restricted).deviance for x in (tree, larger)]
            bounded[models] = np.abs(at[1].value - at[0].value) < 0.5  # one logarithm of the error adds log 4
        return bounded


def number_of_exact(tree: Tree, sigma2: Array) -> Array:
    """Number of leaves whose mean is without error, for each model."""
    return tree.total(tree.k * (tree.each(sigma2) * tree.u <= 2 * LEAST))


def best(deviance: Deviance, start: Array, spread: Array) -> Minima:
    """The lowest minimum of each model; `start` holds the standard deviations that keep their value, and sigma."""
    tree = deviance.tree
    few = tree.thinned(FEW) if len(tree.k) > MANY * tree.models else tree
    of_few = replace(deviance, tree=few)
    free, levels = deviance.free.T[:, 1:], start.shape[1] - 1
    starts = _starts(levels) if few is tree else [np.ones(levels)]  # large models rarely have several maxima

    def at(shares: Array) -> Array:
        return np.column_stack([start[:, 0], np.where(free, shares * spread[:, None], start[:, 1:])])

    lowest = _lowest(of_few, np.array([at(shares) for shares in starts]), spread)
    if few is not tree:
        # Derivatives vanish at 0, where some of the nodes may have their minimum, but not all.
        away = np.where(free, np.maximum(lowest.x[:, 1:], NEAR_ZERO * spread[:, None]), lowest.x[:, 1:])
        lowest = minima(deviance, np.column_stack([lowest.x[:, 0], away]))
    return _at_zero(deviance, lowest, spread)


def minima(deviance: Callable[[Array, Array], tuple[Array, Array, Array]], start: Array) -> Minima:
    """The minimum near the start of each model; a search may pass 0, where standard deviations change their sign."""
    lowest = near(deviance, start)
    return Minima(np.abs(lowest.x), lowest.value, lowest.converged)


def _lowest(deviance: Deviance, starts: Array, spread: Array) -> Minima:
    """The lowest minimum of each model near several starts, (starts, models, 1 + levels); all are searched at once.

    Where exact means let the likelihood grow without bound toward 0, it is the lowest in the interior, if there is one.
    """
    count, models, size = starts.shape
    each = np.tile(np.arange(models), count)
    each_start = minima(lambda some, x: deviance(each[some], x), starts.reshape(-1, size))
    x, value, converged = (
        each_start.x.reshape(starts.shape),
        each_start.value.reshape(count, models),
        each_start.converged,
    )
    bounded = np.array([deviance.bounded(np.where(_small(deviance, one, spread), 0.0, one * one).T) for one in x])
    value = np.where(bounded | ~bounded.any(axis=0), value, np.inf)
    return deepest([Minima(*one) for one in zip(x, value, converged.reshape(count, models), strict=True)])


def _starts(levels: int) -> list[Array]:
    """Standard deviations of the levels: all combinations, or of many levels one after the other."""
    if levels < MANY_LEVELS:
        return [np.array(shares) for shares in product(STARTS, repeat=levels)]
    return [np.ones(levels), *np.where(np.eye(levels) > 0, *reversed(STARTS))]


def _at_zero(deviance: Deviance, lowest: Minima, spread: Array) -> Minima:
    """The minima with variances of 0 where -2 log L rises from there: a search ends a little above.

    sigma2 of single rows can be 0, too.
    """
    small = _small(deviance, lowest.x, spread)
    models = np.flatnonzero(small.any(axis=1))
    if models.size:
        zero = np.where(small, np.where(np.arange(small.shape[1]) == 0, LEAST**0.5, 0.0), lowest.x)[models]
        at = likelihood(deviance.tree.take(models), (zero * zero).T, deviance.given, deviance.restricted).deviance
        value = lowest.value[models]
        rises = small[models] & ((at.first.T >= 0) | (at.value <= value + ROUNDING * (1 + abs(value)))[:, None])
        lowest.x[models] = np.where(rises, zero, lowest.x[models])
    return lowest


def _small(deviance: Deviance, x: Array, spread: Array) -> Array:
    """Which standard deviations of free levels are next to 0, and of single rows that within leaves."""
    small = (x <= NEAR_ZERO**2 * spread[:, None]) & deviance.free.T
    small[:, 0] &= deviance.tree.rows == deviance.tree.leaves
    return small
