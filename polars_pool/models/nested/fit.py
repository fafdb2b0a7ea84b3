"""Trees to the variance of each level and mu, also where the data are degenerate."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from ...engines.numpy import Array
from . import search
from .identification import free_and_determined, spread, spread_or_1, unit, without_spread
from .likelihood import likelihood
from .search import Deviance
from .tree import Tree

LEAST = 2.0**-200  # of the square of the unit: a sampling variance of 0, as powers of its inverse are finite


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
        return np.asarray((self.variances[0] == LEAST) & (not self.deviance.given))

    def of(self, models: Array) -> Fitted:
        """The same of some models."""
        columns = ((f.name, getattr(self, f.name)) for f in fields(self) if f.name != "deviance")
        return Fitted(deviance=self.deviance.of(models), **{name: x[..., models] for name, x in columns})


def fit(tree: Tree, known: Known) -> Fitted:
    """The variances and mu of every model."""
    with np.errstate(all="ignore"):
        units = unit(tree, known.given)
        tree = tree.scaled(1 / units, known.given)
        tree = replace(tree, u=np.maximum(tree.u, LEAST))
        free, determined = free_and_determined(tree, known.estimated)
        sigma2, identified = _sigma2(tree, known)
        tau2 = np.nan_to_num(known.tau2)[:, None] / (units * units)
        agree = without_spread(tree) & _all_exact(tree, sigma2)
        free[1:] &= ~agree
        free[0] &= sigma2 > LEAST
        deviance = Deviance(tree, free, known.given, known.restricted)
        variances, converged = _searched(deviance, np.concatenate([sigma2[None], tau2]), identified)
        at = likelihood(tree, variances, known.given, known.restricted)
        unbounded = _two_exact(tree, variances) & free[1]
        mean = tree.total(tree.k * tree.y) / tree.leaves
    converged &= identified & determined.all(axis=0) & ~unbounded
    mu, variance, lowest = (
        np.where(identified, x, other)
        for x, other in ((at.mean.value, mean), (at.variance.value, np.nan), (at.deviance.value, np.nan))
    )
    return Fitted(deviance, units, variances, determined & identified, lowest, mu, variance, converged)


def _sigma2(tree: Tree, known: Known) -> tuple[Array, Array]:
    """sigma2 where the search begins, the pooled one, and whether the rows separate it from tau2 of the leaves.

    Of given means it is 1.
    """
    if known.given:
        return np.ones(tree.models), np.ones(tree.models, dtype=bool)
    several = tree.rows > tree.leaves
    with_known_tau2 = bool(known.estimated[0]) and not np.isnan(known.tau2[0])
    pooled = np.where(several, tree.squares_within / (tree.rows - tree.leaves), spread(tree) ** 2)
    return np.maximum(pooled, LEAST), several | with_known_tau2


def _all_exact(tree: Tree, sigma2: Array) -> Array:
    """Whether all leaves' means are without error."""
    v = tree.each(sigma2) * tree.u
    return np.asarray(tree.total(tree.k * (v > 2 * LEAST)) == 0)


def _two_exact(tree: Tree, variances: Array) -> Array:
    """Whether tau2 of the leaves is 0 beside several leaves without error: the likelihood has no maximum."""
    v = tree.each(variances[0]) * tree.u
    return np.asarray((tree.total(tree.k * (v <= 2 * LEAST)) > 1) & (variances[1] < LEAST**0.5))


def _searched(deviance: Deviance, variances: Array, identified: Array) -> tuple[Array, Array]:
    """The variances with those that are free where the likelihood is highest, and whether the search converged."""
    converged = np.ones(len(identified), dtype=bool)
    models = np.flatnonzero(deviance.free.any(axis=0) & identified)
    if models.size:
        some = deviance.of(models)
        lowest = search.best(some, np.sqrt(variances[:, models].T), spread_or_1(some.tree))
        variances = variances.copy()
        variances[:, models] = np.where(some.free, (lowest.x * lowest.x).T, variances[:, models])
        converged[models] = lowest.converged
    return variances, converged
