"""The likelihood of nested levels, from the leaves upward: each node adds the statistics of its children.

A child with mean m and sampling variance v counts with the precision w = 1 / (v + tau2), tau2 of the child's level.
Its parent has the mean sum(w m) / W and the sampling variance 1 / W, W = sum(w). Derivatives by sigma2 and by the tau2
of the levels below are carried along. Leaves enter by the sums of w^p, w^p d and w^p d^2 of each parent, d the
deviation of a leaf's mean. Source: Searle, Casella & McCulloch (1992), Variance Components, chapter 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np

from ...engines.numpy import Array
from ...formulas import nodes as formulas
from ...numerics import threads
from ...numerics.jets import Jet, joined
from ...numerics.segments import PER_MODEL, Segments
from .tree import Level, Tree

BLOCK = 2**14  # leaves at once: their numbers fit into the cache


@dataclass(frozen=True)
class Nodes:
    """Nodes of a level: mean and sampling variance, and the two parts of -2 log L below each, with derivatives.

    `logs` depends on the variances alone, `squares` on the values too. Derivatives are by sigma2 and by tau2 from the
    innermost level outwards.
    """

    mean: Jet
    variance: Jet
    logs: Jet
    squares: Jet

    def rows(self, some: slice) -> Nodes:
        """Some of the nodes."""
        return Nodes(*(getattr(self, f.name).rows(some) for f in fields(self)))

    @property
    def deviance(self) -> Jet:
        """-2 log L without its constant."""
        return self.logs + self.squares


def likelihood(tree: Tree, variances: Array, given: bool, restricted: bool) -> Nodes:
    """The models: mu, its variance, and -2 log L without its constant, which is that of the rows or of given means.

    The variances, (1 + levels, models), are sigma2 and tau2 from the innermost level outwards; sigma2 of given means is
    1, as `u` is the variance.
    """
    nodes = _parents_of_leaves(tree, variances)
    for depth in reversed(range(1, tree.depth)):
        nodes = _parents(tree.levels[depth - 1], nodes, tree.of_nodes(variances[tree.depth - depth + 1], depth))
    if not restricted:
        nodes = replace(nodes, logs=nodes.logs + nodes.variance.log())
    return nodes if given else _of_rows(tree, variances, nodes)


def _of_rows(tree: Tree, variances: Array, nodes: Nodes) -> Nodes:
    """The models with the likelihood of the deviations of rows from the means of their leaves."""
    sigma2 = Jet(variances[:1], 0).with_parameter(1.0)
    for _ in variances[1:]:
        sigma2 = sigma2.with_parameter()
    logs = sigma2.log().times(tree.rows - tree.leaves).plus(tree.logs_of_size)
    squares = sigma2.inverse().times(tree.squares_within)
    return replace(nodes, logs=nodes.logs + logs, squares=nodes.squares + squares)


def _parents(level: Level, nodes: Nodes, tau2: Array) -> Nodes:
    """The parents of the nodes of a level, from some nodes at a time."""
    w = 1 / (nodes.variance.value + tau2)
    centre = level.sum(w * nodes.mean.value) / level.sum(w)
    blocks = [(some, models, block) for some, models, block in level.blocks(BLOCK)]

    def summed(part: tuple[slice, slice, Level]) -> Array:
        some, models, block = part
        return block.sum(_terms(nodes.rows(some), tau2[some], block.each(centre[models])))

    parts = threads.of_blocks(summed, blocks)
    sums = np.zeros((len(parts[0]), level.parents))
    for (_, models, _), part in zip(blocks, parts, strict=True):
        sums[:, models] += part
    precision, first, second, logs = (Jet(x, nodes.mean.parameters + 1) for x in np.split(sums, 4))
    return _by_sums(precision, first, second, logs, centre)


def _terms(nodes: Nodes, tau2: Array, centre: Array) -> Array:
    """w, w d, w d^2 and log(1 / w) of nodes with the parts below them: the terms of sums over the nodes of a parent."""
    total = nodes.variance.plus(tau2).with_parameter(1.0)
    mean, logs, squares = (x.with_parameter() for x in (nodes.mean, nodes.logs, nodes.squares))
    w, d = total.inverse(), mean.plus(-centre)
    wd = w * d
    return np.concatenate([x.data for x in (w, wd, wd * d + squares, total.log() + logs)])


def _by_sums(precision: Jet, first: Jet, second: Jet, logs: Jet, centre: Array) -> Nodes:
    """Parents from the sums of w, w d and w d^2 of their children, d the deviation from the centre, and of log(1 / w).

    The centre is the mean by w, so that the squares about the mean lose no digits.
    """
    variance = precision.inverse()
    shift = first * variance
    return Nodes(shift.plus(centre), variance, logs + precision.log(), second - shift * first)


# ---- leaves ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leaves(Segments):
    """Classes of leaves sorted by their parent, and the variances of each parent's model."""

    k: Array
    u: Array
    y: Array
    spread: Array
    sigma2: Array = field(metadata=PER_MODEL)
    tau2: Array = field(metadata=PER_MODEL)

    def each(self, x: Array) -> Array:
        return np.repeat(x, self.lengths)

    def parts(self, size: int) -> list[Leaves]:
        """The leaves in parts of about so many, in which no parent is divided."""
        bounds = np.unique(np.searchsorted(self.start, np.arange(0, len(self.k), size)))
        bounds = bounds[bounds < self.models]
        ends = [*bounds[1:], self.models]
        return [self._slice(slice(a, b)) for a, b in zip(bounds, ends, strict=True)]

    def _slice(self, parents: slice) -> Leaves:
        first = self.start[parents.start]
        last = self.start[parents.stop] if parents.stop < self.models else len(self.k)
        columns = self.picked(lambda x, per_model: x[parents if per_model else slice(first, last)])
        return Leaves(**columns | {"start": self.start[parents] - first})


def _parents_of_leaves(tree: Tree, variances: Array) -> Nodes:
    """The parents of the leaves, some at a time."""
    level = tree.levels[-1]
    sigma2, tau2 = (tree.of_nodes(x, tree.depth - 1) for x in variances[:2])
    columns = Leaves(level.start, tree.k, tree.u, tree.y, tree.spread, sigma2, tau2)
    parts = threads.of_blocks(_of_leaves, columns.parts(BLOCK))
    return Nodes(*(joined([getattr(part, f.name) for part in parts]) for f in fields(Nodes)))


def _of_leaves(leaves: Leaves) -> Nodes:
    """The parents of some leaves."""
    sigma2, tau2 = leaves.sigma2, leaves.tau2
    total = leaves.each(sigma2) * leaves.u + leaves.each(tau2)
    w = 1 / total
    kw = leaves.k * w
    centre = leaves.sum(kw * leaves.y) / leaves.sum(kw)
    d = leaves.y - leaves.each(centre)
    square = d * d + leaves.spread
    powers = kw, kw * w, kw * w * w
    s, t, u = ([leaves.sum(x * factor) for x in powers] for factor in (1.0, d, square))
    number, logs = leaves.sum(leaves.k), leaves.sum(leaves.k * np.log(total))
    precision, first, second = (_sum_of_precisions(x, sigma2, tau2) for x in (s, t, u))
    return _by_sums(precision, first, second, _sum_of_logs(logs, number, s, sigma2, tau2), centre)


def _sum_of_precisions(x: list[Array], sigma2: Array, tau2: Array) -> Jet:
    """Sums of w = 1 / (sigma2 u + tau2) by sigma2 and tau2, from the sums of w, w^2, w^3, all with the same factors."""
    first, second, third = x
    by_sigma2 = -formulas.by_sigma2(first, second, tau2, sigma2)
    both = 2 * formulas.by_sigma2(second, third, tau2, sigma2)
    twice = 2 * formulas.by_sigma2_twice(first, second, third, tau2, sigma2)
    return Jet(np.stack([first, by_sigma2, -second, twice, both, 2 * third]), parameters=2)


def _sum_of_logs(logs: Array, number: Array, x: list[Array], sigma2: Array, tau2: Array) -> Jet:
    """Sums of log(1 / w) by sigma2 and tau2, from the number of leaves and the sums of w and w^2."""
    first, second, _ = x
    by_sigma2 = formulas.by_sigma2(number, first, tau2, sigma2)
    both = -formulas.by_sigma2(first, second, tau2, sigma2)
    twice = -formulas.by_sigma2_twice(number, first, second, tau2, sigma2)
    return Jet(np.stack([logs, by_sigma2, first, twice, both, -second]), parameters=2)
