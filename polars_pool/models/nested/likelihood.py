"""The likelihood of nested levels: from the leaves up, each node sums what its children tell of its mean.

A child with mean m and sampling variance v counts with the precision w = 1 / (v + tau2), tau2 of the child's level.
Its parent has the mean sum(w m) / W and the sampling variance 1 / W, W = sum(w). Derivatives by sigma2 and by the tau2
of the levels below are carried along. Leaves enter by the sums of w^p, w^p d and w^p d^2 of each parent, d the
deviation of a leaf's mean. Source: Searle, Casella & McCulloch (1992), Variance Components, chapter 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...engines.numpy import Array
from ...numerics import threads
from ...numerics.jets import Jet
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
        nodes = Nodes(nodes.mean, nodes.variance, nodes.logs + nodes.variance.log(), nodes.squares)
    return nodes if given else _of_rows(tree, variances, nodes)


def _of_rows(tree: Tree, variances: Array, nodes: Nodes) -> Nodes:
    """The models with the likelihood of the deviations of rows from the means of their leaves."""
    none = np.zeros((0, tree.models))
    sigma2 = Jet(variances[0], none, none).with_parameter(1.0)
    for _ in variances[1:]:
        sigma2 = sigma2.with_parameter()
    df, logs_of_n = tree.rows - tree.leaves, -tree.total(tree.k * np.log(tree.u))
    logs = sigma2.log().mapped(lambda x: x * df).less(-logs_of_n)
    squares = sigma2.inverse().mapped(lambda x: x * tree.squares_within)
    return Nodes(nodes.mean, nodes.variance, nodes.logs + logs, nodes.squares + squares)


def _parents(level: Level, nodes: Nodes, tau2: Array) -> Nodes:
    """The parents of the nodes of a level."""
    total = nodes.variance.less(-tau2).with_parameter(1.0)
    mean, logs, squares = (x.with_parameter() for x in (nodes.mean, nodes.logs, nodes.squares))
    w = total.inverse()
    precision = w.mapped(level.sum)
    centre = level.sum(w.value * mean.value) / precision.value
    d = mean.less(level.each(centre))
    wd = w * d
    sums = precision, wd.mapped(level.sum), (wd * d + squares).mapped(level.sum)
    return _by_sums(*sums, (total.log() + logs).mapped(level.sum), centre)


def _by_sums(precision: Jet, first: Jet, second: Jet, logs: Jet, centre: Array) -> Nodes:
    """Parents from the sums of w, w d and w d^2 of their children, d the deviation from the centre, and of log(1 / w).

    The centre is the mean by w, so that the squares about the mean lose no digits.
    """
    variance = precision.inverse()
    shift = first * variance
    return Nodes(shift.less(-centre), variance, logs + precision.log(), second - shift * first)


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
    return parts[0] if len(parts) == 1 else Nodes(*(_joined([getattr(x, name) for x in parts]) for name in PARTS))


PARTS = ("mean", "variance", "logs", "squares")


def _joined(jets: list[Jet]) -> Jet:
    """The rows of some jets, one after the other."""
    return Jet(
        *(np.concatenate([getattr(jet, name) for jet in jets], axis=-1) for name in ("value", "first", "second"))
    )


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
    """Sums of w by sigma2 and tau2, from the sums of w, w^2, w^3, all with the same factors.

    w = 1 / (sigma2 u + tau2), so that u = (1 / w - tau2) / sigma2.
    """
    first, second, third = x
    by_sigma2 = (tau2 * second - first) / sigma2
    both = 2 * (second - tau2 * third) / sigma2
    twice = 2 * (first - 2 * tau2 * second + tau2 * tau2 * third) / (sigma2 * sigma2)
    return Jet(first, np.stack([by_sigma2, -second]), np.stack([twice, both, 2 * third]))


def _sum_of_logs(logs: Array, number: Array, x: list[Array], sigma2: Array, tau2: Array) -> Jet:
    """Sums of log(1 / w) by sigma2 and tau2, from the number of leaves and the sums of w and w^2."""
    first, second, _ = x
    by_sigma2 = (number - tau2 * first) / sigma2
    both = (tau2 * second - first) / sigma2
    twice = -(number - 2 * tau2 * first + tau2 * tau2 * second) / (sigma2 * sigma2)
    return Jet(logs, np.stack([by_sigma2, first]), np.stack([twice, both, -second]))
