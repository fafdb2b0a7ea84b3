"""The maximum of the likelihood of nested levels over the variances, which can have several maxima."""

from __future__ import annotations

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
ASIDE = 0.01  # a standard deviation, relative to the spread, that leads away from 0


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

    def held(self, index: int) -> Deviance:
        """The same with one variance that keeps its value."""
        free = self.free.copy()
        free[index] = False
        return replace(self, free=free)

    def of(self, models: Array) -> Deviance:
        """The same of some models."""
        return replace(self, tree=self.tree.take(models), free=self.free[:, models])


def best(deviance: Deviance, start: Array, spread: Array) -> Minima:
    """The lowest minimum of each model; `start` holds the standard deviations that keep their value, and sigma."""
    tree = deviance.tree
    few = tree.thinned(FEW) if len(tree.k) > MANY * tree.models else tree
    of_few = replace(deviance, tree=few)
    free, levels = deviance.free.T[:, 1:], start.shape[1] - 1
    starts = _starts(levels) if few is tree else [np.ones(levels)]  # large models rarely have several maxima

    def at(shares: Array) -> Array:
        return np.column_stack([start[:, 0], np.where(free, shares * spread[:, None], start[:, 1:])])

    lowest = _lowest(of_few, np.array([at(shares) for shares in starts]))
    if few is not tree:
        # Derivatives vanish at 0, where some of the nodes may have their minimum, but not all.
        away = np.where(free, np.maximum(lowest.x[:, 1:], ASIDE * spread[:, None]), lowest.x[:, 1:])
        lowest = near(deviance, np.column_stack([lowest.x[:, 0], away]))
    return _at_zero(deviance, lowest, spread)


def _lowest(deviance: Deviance, starts: Array) -> Minima:
    """The lowest minimum of each model near several starts, (starts, models, 1 + levels); all are searched at once."""
    count, models, size = starts.shape
    each = np.tile(np.arange(models), count)
    minima = near(lambda some, x: deviance(each[some], x), starts.reshape(-1, size))
    x, value, converged = minima.x.reshape(starts.shape), minima.value, minima.converged
    parts = zip(x, value.reshape(count, models), converged.reshape(count, models), strict=True)
    return deepest([Minima(*one) for one in parts])


def _starts(levels: int) -> list[Array]:
    """Standard deviations of the levels: all combinations, or of many levels one after the other."""
    if levels < MANY_LEVELS:
        return [np.array(shares) for shares in product(STARTS, repeat=levels)]
    return [np.ones(levels), *np.where(np.eye(levels) > 0, *reversed(STARTS))]


def _at_zero(deviance: Deviance, lowest: Minima, spread: Array) -> Minima:
    """The minima with variances of 0 where -2 log L rises from there: a search ends a little above."""
    small = (lowest.x <= ASIDE**2 * spread[:, None]) & deviance.free.T
    small[:, 0] = False
    models = np.flatnonzero(small.any(axis=1))
    if models.size:
        zero = np.where(small, 0.0, lowest.x)[models]
        at = likelihood(deviance.tree.take(models), (zero * zero).T, deviance.given, deviance.restricted).deviance
        rises = (small[models] & (at.first.T >= 0)).copy()
        lowest.x[models] = np.where(rises, 0.0, lowest.x[models])
    return lowest
