"""Trees to the variance of each level and mu, also where the data are degenerate."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from ...engines.numpy import Array
from . import search
from .identification import free_and_determined, in_range, size_of, spread, unit, without_spread
from .likelihood import likelihood
from .search import LEAST, Deviance, number_of_exact
from .tree import Tree

UNEQUAL = 2.0**-40  # relative differences of weights beyond rounding


@dataclass(frozen=True)
class Known:
    """What a call states of the variances: tau2 by level, innermost first, NaN where it is estimated."""

    tau2: Array
    given: bool  # the sampling variances of the leaves' means
    restricted: bool

    @property
    def estimated(self) -> Array:
        """Which of sigma2 and tau2 the likelihood estimates; sigma2 is the pooled one where all tau2 are known."""
        unknown = np.isnan(self.tau2)
        return np.array([not self.given and bool(unknown.any()), *unknown])


@dataclass(frozen=True)
class Fitted:
    """Models in a unit of their own: variances, (1 + levels, models), are sigma2, then tau2, innermost level first."""

    deviance: Deviance
    unit: Array
    variances: Array
    determined: Array  # which of them the data determine
    bounded: Array  # whether the likelihood is finite there
    in_range: Array  # whether the squares of the values are
    lowest: Array  # -2 log L without its constant
    mu: Array
    variance_of_mu: Array
    converged: Array

    @property
    def tree(self) -> Tree:
        return self.deviance.tree

    @property
    def identified(self) -> Array:
        """Whether the data separate the variance of rows from that between leaves."""
        return ~np.isnan(self.lowest)

    @property
    def exact(self) -> Array:
        """Whether rows do not differ within leaves, so that sigma2 is 0."""
        return np.asarray((self.variances[0] == LEAST) & (not self.deviance.given) & self.identified)

    @property
    def only(self) -> Array:
        """Which levels have one node, the tau2 of which the data cannot determine, (levels, models)."""
        return np.asarray(~self.determined[1:] & (self.tree.nodes[:0:-1] == 1))

    @property
    def exact_leaves(self) -> Array:
        """Number of leaves whose given mean is without error."""
        return number_of_exact(self.tree, self.variances[0]) if self.deviance.given else np.zeros(self.tree.models)

    def of(self, models: Array) -> Fitted:
        """The same of some models."""
        columns = ((f.name, getattr(self, f.name)) for f in fields(self) if f.name != "deviance")
        return Fitted(deviance=self.deviance.of(models), **{name: x[..., models] for name, x in columns})


def fit(tree: Tree, known: Known) -> Fitted:
    """The variances and mu of every model."""
    with np.errstate(all="ignore"):
        within_range = in_range(tree)
        units = unit(tree, known.given)
        tree = tree.scaled(1 / units, known.given)
        tree = replace(tree, u=np.maximum(tree.u, LEAST))
        free, determined = free_and_determined(tree, known.estimated)
        sigma2, identified = _sigma2(tree, known)
        identified &= within_range
        tau2 = np.nan_to_num(known.tau2)[:, None] / (units * units)
        agree = without_spread(tree) & (number_of_exact(tree, sigma2) == tree.leaves)
        free[1:] &= ~agree
        free[0] &= sigma2 > LEAST
        tree = replace(tree, u=np.where(tree.each((not known.given) & (sigma2 == LEAST)), 1.0, tree.u))
        deviance = Deviance(tree, free, known.given, known.restricted)
        variances, converged = _searched(deviance, np.concatenate([sigma2[None], tau2]), identified)
        at = likelihood(tree, variances, known.given, known.restricted)
        bounded = deviance.bounded(variances)
        variance_of_mu = np.where(at.variance.value <= LEAST, 0.0, at.variance.value)
        mean = tree.total(tree.k * tree.y) / tree.leaves
    settled = determined[1:] | (tree.nodes[:0:-1] == 1)  # the only node of a level needs no tau2
    converged &= identified & settled.all(axis=0) & (bounded | ~free.any(axis=0))
    mu, variance, lowest = (
        np.where(identified, x, other)
        for x, other in ((at.mean.value, mean), (variance_of_mu, np.nan), (at.deviance.value, np.nan))
    )
    return Fitted(
        deviance, units, variances, determined & identified, bounded, within_range, lowest, mu, variance, converged
    )


def _sigma2(tree: Tree, known: Known) -> tuple[Array, Array]:
    """sigma2 where the search begins, the pooled one, and whether the rows separate it from tau2 of the leaves.

    Of given means it is 1. Single rows separate it by unequal weights, or where tau2 of the leaves is known and they
    are not each alone in a parent of unknown tau2.
    """
    if known.given:
        return np.ones(tree.models), np.ones(tree.models, dtype=bool)
    several = tree.rows > tree.leaves
    u = tree.total(tree.k * tree.u) / tree.leaves
    unequal = tree.total(tree.k * abs(tree.u - tree.each(u))) > UNEQUAL * tree.leaves * u
    alone = (tree.nodes[-1] == tree.nodes[-2]) & bool(np.isnan(known.tau2[1:2]).any())
    by_one_row = (unequal & (tree.leaves > 2)) | (~alone & (not np.isnan(known.tau2[0])))
    pooled = np.where(several, tree.squares_within / (tree.rows - tree.leaves), spread(tree) ** 2 / u)
    return np.maximum(pooled, LEAST), several | (by_one_row & bool(known.estimated[0]))


def _searched(deviance: Deviance, variances: Array, identified: Array) -> tuple[Array, Array]:
    """The variances with those that are free where the likelihood is highest, and whether the search converged."""
    converged = np.ones(len(identified), dtype=bool)
    models = np.flatnonzero(deviance.free.any(axis=0) & identified)
    if models.size:
        some = deviance.of(models)
        lowest = search.best(some, np.sqrt(variances[:, models].T), size_of(some.tree, some.given))
        variances = variances.copy()
        variances[:, models] = np.where(some.free, (lowest.x * lowest.x).T, variances[:, models])
        converged[models] = lowest.converged
    return variances, converged
