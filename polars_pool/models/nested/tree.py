"""The trees of many models as arrays: the nodes of each level in the order of their parents, leaves in classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...engines.numpy import Array
from ...numerics.segments import Segments


@dataclass(frozen=True)
class Level(Segments):
    """The nodes of a level, sorted by their parent; `start` holds the first child of each parent."""

    number: Array  # one per node

    def each(self, x: Array) -> Array:
        """The value of its parent for each node."""
        return np.repeat(x, self.lengths, axis=-1)

    @property
    def parents(self) -> int:
        """Number of parents."""
        return self.models


@dataclass(frozen=True)
class Tree:
    """The levels of many models, outer to inner; the nodes of the last level are classes of `k` similar leaves.

    The parents of the first level are the models. `u` is the sampling variance of a leaf's mean divided by sigma2 (of
    published estimates the variance itself), `y` the mean of the leaves' means, as deviation from a pivot, `spread`
    their mean squared deviation from it, `squares` the mean of their sums of squares within.
    """

    levels: tuple[Level, ...]
    k: Array
    n: Array
    u: Array
    y: Array
    spread: Array
    squares: Array

    @property
    def models(self) -> int:
        """Number of models."""
        return self.levels[0].parents

    @property
    def depth(self) -> int:
        """Number of levels."""
        return len(self.levels)

    def total(self, x: Array) -> Array:
        """Sum over the classes of each model."""
        for level in reversed(self.levels):
            x = level.sum(x)
        return x

    def of_nodes(self, x: Array, depth: int) -> Array:
        """The value of its model for each node at a depth."""
        for level in self.levels[:depth]:
            x = level.each(x)
        return x

    def each(self, x: Array) -> Array:
        """The value of its model for each class of leaves."""
        return self.of_nodes(x, self.depth)

    @cached_property
    def leaves(self) -> Array:
        """Number of leaves of each model, J."""
        return self.total(self.k)

    @cached_property
    def rows(self) -> Array:
        """Number of rows of data of each model, N."""
        return np.rint(self.total(self.k * self.n))

    @cached_property
    def logs_of_size(self) -> Array:
        """Sum of log(1 / u) over the leaves of each model: of log(n), or of the logs of weights."""
        return -self.total(self.k * np.log(self.u))

    @cached_property
    def squares_within(self) -> Array:
        """Sum of squares within the leaves of each model, SSW."""
        return self.total(self.k * self.squares)

    @cached_property
    def nodes(self) -> Array:
        """Number of nodes of each model, by depth: (depths, models), from 1 at depth 0 to the leaves."""
        counts = [np.ones(self.models)]
        for depth in range(1, self.depth):
            count = np.ones(len(self.levels[depth - 1].number))
            for level in reversed(self.levels[:depth]):
                count = level.sum(count)
            counts.append(count)
        return np.array([*counts, self.leaves])

    def take(self, models: Array) -> Tree:
        """The trees of some models, in the order of `models`."""
        if len(models) == self.models and np.array_equal(models, np.arange(self.models)):
            return self
        return self._picked(models, 0)

    def thinned(self, most: int) -> Tree:
        """The trees with at most so many children of each node above the leaves' parents, at equal distances."""
        tree = self
        for depth in range(self.depth - 1):
            level = tree.levels[depth]
            fewer = replace(level, number=np.arange(len(level.number))).thinned(most)
            if len(fewer.number) < len(level.number):
                below = tree._picked(fewer.number, depth + 1)
                tree = replace(below, levels=(*tree.levels[:depth], fewer, *below.levels))
        return tree

    def _picked(self, nodes: Array, depth: int) -> Tree:
        """The levels below some nodes at a depth."""
        levels = []
        for level in self.levels[depth:]:
            levels.append(level.take(nodes))
            nodes = level.rows_of(nodes)
        columns = {name: getattr(self, name)[nodes] for name in ("k", "n", "u", "y", "spread", "squares")}
        return Tree(tuple(levels), **columns)

    def centred(self) -> tuple[Tree, Array]:
        """The trees with the values of each model as deviations from the mean of its leaves, and this mean."""
        mean = self.total(self.k * self.y) / self.leaves
        return replace(self, y=self.y - self.each(mean)), mean

    def scaled(self, factor: Array, published: bool) -> Tree:
        """The trees with the values of each model multiplied by a factor."""
        each, square = self.each(factor), self.each(factor * factor)
        u = self.u * square if published else self.u
        return replace(self, u=u, y=self.y * each, spread=self.spread * square, squares=self.squares * square)
