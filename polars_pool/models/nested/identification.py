"""Which variances the rows of a model determine, and those that are 0 as values agree."""

from __future__ import annotations

import numpy as np

from ...engines.numpy import Array
from .tree import Tree

LARGEST = 1e150  # of values whose squares are within Float64
ROUNDING = 2.0**-96  # of the square of the unit: squares of values that are equal, except for rounding


def free_and_determined(tree: Tree, estimated: Array) -> tuple[Array, Array]:
    """Which variances the likelihood estimates, and which are determined, (1 + levels, models), of those `estimated`.

    Where each node of a level is the only child of its parent, the rows determine only the sum of the tau2 of both
    levels; at the first level, mu takes up the only node. The likelihood then has 0 for the inner of both.
    """
    free = np.repeat(estimated[:, None], tree.models, axis=1)
    determined = np.ones_like(free)
    for index in range(1, len(free)):
        depth = tree.depth - index + 1
        only = (tree.nodes[depth] == tree.nodes[depth - 1]) & free[index]
        if depth > 1:
            only &= free[index + 1]
            determined[index + 1] &= ~only
        free[index] &= ~only
        determined[index] &= ~only
    return free, determined


def without_spread(tree: Tree) -> Array:
    """Whether the nodes of every parent agree at a level and at all levels below, (levels, models), innermost first."""
    mean, spread = tree.y, tree.spread
    k, agree = tree.k, np.ones(tree.models, dtype=bool)
    levels = []
    for depth in reversed(range(tree.depth)):
        level = tree.levels[depth]
        number = level.sum(k)
        parent = level.sum(k * mean) / number
        squares = level.sum(k * ((mean - level.each(parent)) ** 2 + spread))
        for above in reversed(tree.levels[:depth]):
            squares = above.sum(squares)
        agree = agree & (squares <= ROUNDING)
        levels.append(agree)
        k, mean, spread = np.ones(len(parent)), parent, np.zeros(len(parent))
    return np.array(levels)


def unit(tree: Tree, given: bool) -> Array:
    """A power of two near the spread of each model; of models whose values agree, near a standard error."""
    size = np.fmax(spread(tree), typical_error(tree) if given else np.sqrt(tree.squares_within / tree.rows))
    error = np.sqrt(tree.total(tree.k * tree.u) / tree.leaves) if given else 1.0
    for other in (error, np.ones(tree.models)):
        size = np.where(size > 0, size, other)
    return np.exp2(np.rint(np.log2(size)))


def spread(tree: Tree) -> Array:
    """The standard deviation of the leaves' means of each model."""
    mean = tree.total(tree.k * tree.y) / tree.leaves
    return np.sqrt(tree.total(tree.k * ((tree.y - tree.each(mean)) ** 2 + tree.spread)) / tree.leaves)


def size_of(tree: Tree, given: bool) -> Array:
    """The same, or a typical error of given means where it is larger; 1 where both are 0."""
    size = np.fmax(spread(tree), typical_error(tree)) if given else spread(tree)
    return np.where(size > 0, size, 1.0)


def typical_error(tree: Tree) -> Array:
    """The error of given means, from their mean precision: one exact mean suffices for 0."""
    return np.sqrt(tree.leaves / tree.total(tree.k / tree.u))


def in_range(tree: Tree) -> Array:
    """Whether the squares of differences between means are within Float64, as far as means differ."""
    mean = tree.total(tree.k * tree.y) / tree.leaves
    size = tree.total(tree.k * np.abs(tree.y - tree.each(mean))) / tree.leaves
    return np.asarray((size == 0) | ((size >= 1 / LARGEST) & (size <= LARGEST)))
