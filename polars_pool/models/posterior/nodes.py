"""Nodes of tau, and of sigma where it is integrated, for many models at once: at a node all else is normal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...engines.numpy import Array
from ...formulas import posterior as formulas
from ...formulas.priors import Jeffreys, Prior
from ...numerics.quadrature import Domain, LogDensity, Nodes, Support, nodes
from ..many import Groups
from .hierarchy import Hierarchy, at_tau, log_density
from .proper import FARTHEST, NOTHING, moments_of_tau, tail_exponent

STEEP = 8.0
ROOM = 50_000  # groups at once
TOLERANCE = 1e-7  # of sums over nodes of sigma, compared with every second node: their own error is its square


def inflated(g: Groups, models: Array, inflation: Array) -> Groups:
    """The groups of models, which may repeat, with v multiplied by the inflation of each."""
    taken = g.take(models)
    known = np.where(np.isnan(inflation), 1.0, inflation)  # published estimates have no sigma2
    return replace(taken, v=taken.v * taken.each(known)) if (known != 1).any() else taken


def closed_forms(g: Groups, hierarchy: Hierarchy, tau: Array) -> tuple[Array, Array, Array]:
    at = at_tau(g, tau, hierarchy.population)
    return at.log_likelihood, at.mu, at.variance


def in_rows(function: Callable[..., Any], g: Groups, hierarchy: Hierarchy, tau: Array) -> list[Array]:
    """The values of a function at rows of tau, in pieces that fit into memory."""
    at_once = max(1, ROOM // max(1, len(g.y)))
    parts = []
    for start in range(0, len(tau), at_once):
        rows = tau[start : start + at_once]
        models = np.tile(np.arange(g.models), len(rows))
        values = function(g.take(models), hierarchy.take(models), rows.ravel())
        parts.append([x.reshape(rows.shape) for x in (values if isinstance(values, tuple) else (values,))])
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def nodes_of_tau(g: Groups, hierarchy: Hierarchy) -> Nodes | None:
    """Nodes of tau for each model; None where tau is known."""
    if not isinstance(hierarchy.tau2, Prior):
        return None

    def density_of(models: Array, g: Groups = g) -> LogDensity:
        some, hierarchy_of_some = g.take(models), hierarchy.take(models)
        return lambda tau: in_rows(log_density, some, hierarchy_of_some, tau)[0]

    few = g.binned(g.v)  # enough to see where tau lies
    power = moments_of_tau(g, hierarchy)
    slope = np.minimum(tail_exponent(g, hierarchy) - 1 - power, 1.0)
    reach = NOTHING, np.minimum(NOTHING / slope, FARTHEST)
    support = Support(*hierarchy.tau2.support)
    domain = Domain(g.models, support, _sizes(g, hierarchy.tau2), reach, power, sharp=_sharp(g, hierarchy))
    return nodes(density_of, domain, placed_by=lambda models: density_of(models, few))


def _sharp(g: Groups, hierarchy: Hierarchy) -> Array:
    """Whether mu or a group is known almost exactly: then a normal density at a small tau is a step by log tau."""
    v = np.minimum(g.groups / g.sum(1 / g.v), hierarchy.population.sd**2)
    spread = g.sum(g.squares_about(g.plain_mean)) / g.groups
    return np.asarray((v < 0.02 * spread) | (g.exact > 0) | (g.mu is not None))


def _sizes(g: Groups, prior: Prior) -> tuple[Array, Array]:
    """The smallest and the largest scale of tau in the data or the prior."""
    own = np.full(g.models, np.nan if prior.size is None else prior.size)
    spread = np.sqrt(g.reach(g.plain_mean))
    sizes = np.stack([own, spread, np.sqrt(g.smallest(np.where(g.v > 0, g.v, np.inf))), np.sqrt(g.largest(g.v))])
    sizes = np.where((sizes > 0) & (sizes < np.inf), sizes, np.nan)
    return np.fmin.reduce(sizes), np.fmax.reduce(sizes)


def nodes_of_sigma(g: Groups, hierarchy: Hierarchy, sigma2: Array) -> Nodes:
    """Nodes of sigma, placed by its posterior from the squares within alone."""
    prior = hierarchy.sigma2
    assert isinstance(prior, Prior)

    def alone(models: Array) -> LogDensity:
        some = g.take(models)
        squares, df = some.squares_within, some.rows - some.groups

        def at(sigma: Array) -> Array:
            within = formulas.log_likelihood_within(df, 0.0, squares, sigma * sigma)
            return np.asarray(within + _log_density_of_sigma(prior, sigma, some))

        return at

    def with_groups(models: Array) -> LogDensity:
        within = alone(models)

        def at(sigma: Array) -> Array:
            cells = np.tile(models, len(sigma))
            inside, hierarchy_inside = (
                inflated(g, cells, (sigma * sigma / sigma2[models]).ravel()),
                hierarchy.take(cells),
            )
            tau = nodes_of_tau(inside, hierarchy_inside)
            if tau is None:
                known = np.full(inside.models, hierarchy.known_tau)
                total = at_tau(inside, known, hierarchy_inside.population).log_likelihood
            else:
                total = tau.log_total
            return np.asarray(within(sigma) + total.reshape(sigma.shape))

        return at

    # The squares within fall as exp(-(N - J) x) above, and below as the exponential of an exponential.
    reach = NOTHING / STEEP, NOTHING / np.minimum(g.rows - g.groups, STEEP)
    around, power = (np.sqrt(sigma2),) * 2, np.zeros(g.models)
    domain = Domain(g.models, Support(*prior.support), around, reach, power, TOLERANCE)
    return nodes(with_groups, domain, placed_by=alone)


def _log_density_of_sigma(prior: Prior, sigma: Array, g: Groups) -> Array:
    """Log density of sigma; Jeffreys' prior of a standard deviation with an unknown mean is 1 / sigma."""
    if isinstance(prior, Jeffreys):
        return np.asarray(-np.log(sigma))
    return np.asarray(prior.log_density(sigma, g))
