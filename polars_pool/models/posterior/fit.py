"""The exact posterior of many models at once: a mixture over nodes of tau, and of sigma where it is integrated.

At a node all else is normal, in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from ...formulas.priors import Prior
from ...numerics.quadrature import Nodes
from ..many import Groups
from .hierarchy import Hierarchy
from .nodes import closed_forms, in_rows, inflated, nodes_of_sigma, nodes_of_tau


@dataclass(frozen=True)
class Posterior:
    """Nodes of models that have a posterior, a column each, with their weight, tau, and mean and variance of mu.

    The groups have the v of `sigma2`; `inflation` is sigma2 at a node relative to it. `cells` are the nodes of tau at
    each node of sigma, model after model; `share` is what each node of sigma weighs.
    """

    g: Groups
    hierarchy: Hierarchy
    weight: Array
    tau: Array
    mu: Array
    variance: Array
    inflation: Array
    sigma2: Array
    share: Array
    cells: Nodes | None  # None where tau is known
    sigma: Nodes | None  # None where sigma2 is known
    inflation_of_cells: Array
    log_total: Array
    settled: Array

    @property
    def models(self) -> int:
        return self.g.models

    @property
    def least(self) -> float:
        """The least tau of the prior, or the known tau."""
        return self.cells.support.lower if self.cells else self.hierarchy.known_tau

    def mean(self, x: Array) -> Array:
        """The posterior mean of a quantity with the values x at the nodes."""
        return np.asarray((self.weight * np.where(self.weight > 0, x, 0.0)).sum(axis=0))


def integrated(g: Groups, hierarchy: Hierarchy, sigma2: Array) -> Posterior:
    """The posterior of models that have one; the groups have the v of sigma2."""
    sigma, inflation, share = _sigma(g, hierarchy, sigma2)
    many = len(inflation)
    models = np.repeat(np.arange(g.models), many)
    inside, hierarchy_inside = inflated(g, models, inflation.T.ravel()), hierarchy.take(models)
    cells = nodes_of_tau(inside, hierarchy_inside)
    tau = np.full((1, inside.models), hierarchy.known_tau) if cells is None else cells.value
    likelihood, mu, variance = in_rows(closed_forms, inside, hierarchy_inside, tau)
    of_cell = np.ones_like(tau) if cells is None else cells.weight
    weight = _by_model(of_cell * share.T.ravel(), g.models)
    total = likelihood[0] if cells is None else cells.log_total
    settled = np.ones(inside.models, dtype=bool) if cells is None else cells.settled
    used = np.flatnonzero((weight > 0).any(axis=1))
    return Posterior(
        g,
        hierarchy,
        weight=weight[used],
        tau=_by_model(tau, g.models)[used],
        mu=_by_model(mu, g.models)[used],
        variance=_by_model(variance, g.models)[used],
        inflation=_by_model(np.broadcast_to(inflation.T.ravel(), tau.shape), g.models)[used],
        sigma2=sigma2,
        share=share,
        cells=cells,
        sigma=sigma,
        inflation_of_cells=inflation.T.ravel(),
        log_total=total if sigma is None else sigma.log_total,
        settled=np.asarray(settled.reshape(g.models, many).all(axis=1) & (True if sigma is None else sigma.settled)),
    )


def _sigma(g: Groups, hierarchy: Hierarchy, sigma2: Array) -> tuple[Nodes | None, Array, Array]:
    """The nodes of sigma, None where it is known; sigma2 at each relative to `sigma2`, and the weight of each."""
    if not isinstance(hierarchy.sigma2, Prior):
        return None, np.ones((1, g.models)), np.ones((1, g.models))
    sigma = nodes_of_sigma(g, hierarchy, sigma2)
    return sigma, sigma.value**2 / sigma2, sigma.weight


def _by_model(x: Array, models: int) -> Array:
    """Rows of cells as rows of models: (nodes, models * many) to (nodes * many, models)."""
    many = x.shape[1] // models
    return np.moveaxis(x.reshape(len(x), models, many), 1, 2).reshape(len(x) * many, models)
