"""The exact posterior of many models at once: nodes of tau, and of sigma where it is integrated, all else normal.

At a node everything is known in closed form, so that a posterior is a mixture over the nodes of its model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize.elementwise import find_root

from ...formulas import posterior as formulas
from ...formulas.priors import Jeffreys, Prior
from ...numerics.arrays import Array
from ...numerics.quadrature import LogDensity, Nodes, Support, nodes
from ..many import Groups
from .hierarchy import Question, at_tau, log_density
from .proper import FARTHEST, NOTHING, moments_of_tau, tail_exponent

STEEP = 8.0
ROOM = 50_000  # groups at once
TOLERANCE = 1e-7  # of sums over nodes of sigma, by every second one: they are right to its square


@dataclass(frozen=True)
class Posterior:
    """Nodes of models that have a posterior, a column each, with their weight, tau, and mean and variance of mu.

    The groups have the v of `sigma2`; `inflation` is sigma2 at a node relative to it. `cells` are the nodes of tau at
    each node of sigma, model after model; `share` is what each node of sigma weighs.
    """

    g: Groups
    asked: Question
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
        """The least tau that there is."""
        return self.cells.support.lower if self.cells else self.asked.known_tau

    def mean(self, x: Array) -> Array:
        """Posterior mean of what has the values x at the nodes."""
        return np.asarray((self.weight * np.where(self.weight > 0, x, 0.0)).sum(axis=0))


# ---- the nodes ------------------------------------------------------------------------------------------------------


def integrated(g: Groups, asked: Question, sigma2: Array) -> Posterior:
    """The posterior of models that have one; the groups have the v of sigma2."""
    sigma, inflation = None, np.ones((1, g.models))
    share = np.ones((1, g.models))
    if isinstance(asked.sigma2, Prior):
        sigma = _nodes_of_sigma(g, asked, sigma2)
        inflation, share = sigma.value**2 / sigma2, sigma.weight
    many = len(inflation)
    models = np.repeat(np.arange(g.models), many)
    inside, asked_inside = inflated(g, models, inflation.T.ravel()), asked.take(models)
    cells = nodes_of_tau(inside, asked_inside)
    tau = np.full((1, inside.models), asked.known_tau) if cells is None else cells.value
    likelihood, mu, variance = in_rows(_at_tau, inside, asked_inside, tau)
    of_cell = np.ones_like(tau) if cells is None else cells.weight

    def by_model(x: Array) -> Array:
        """Rows of cells as rows of models: (nodes, models * many) to (nodes * many, models)."""
        return np.moveaxis(x.reshape(len(x), g.models, many), 1, 2).reshape(len(x) * many, g.models)

    weight = by_model(of_cell * share.T.ravel())
    total = likelihood[0] if cells is None else cells.log_total
    settled = np.ones(inside.models, dtype=bool) if cells is None else cells.settled
    used = np.flatnonzero((weight > 0).any(axis=1))
    return Posterior(
        g,
        asked,
        weight=weight[used],
        tau=by_model(tau)[used],
        mu=by_model(mu)[used],
        variance=by_model(variance)[used],
        inflation=by_model(np.broadcast_to(inflation.T.ravel(), tau.shape))[used],
        sigma2=sigma2,
        share=share,
        cells=cells,
        sigma=sigma,
        inflation_of_cells=inflation.T.ravel(),
        log_total=total if sigma is None else sigma.log_total,
        settled=np.asarray(settled.reshape(g.models, many).all(axis=1) & (True if sigma is None else sigma.settled)),
    )


def inflated(g: Groups, models: Array, inflation: Array) -> Groups:
    """The groups of models that may stand several times, each time with v of its own size."""
    taken = g.take(models)
    known = np.where(np.isnan(inflation), 1.0, inflation)  # published estimates have no sigma2
    return replace(taken, v=taken.v * taken.each(known)) if (known != 1).any() else taken


def _at_tau(g: Groups, asked: Question, tau: Array) -> tuple[Array, Array, Array]:
    at = at_tau(g, tau, asked.population)
    return at.log_likelihood, at.mu, at.variance


def in_rows(function: Callable[..., Any], g: Groups, asked: Question, tau: Array) -> list[Array]:
    """What a function tells at rows of tau, as many rows at once as there is room for."""
    at_once = max(1, ROOM // max(1, len(g.y)))
    found = []
    for start in range(0, len(tau), at_once):
        rows = tau[start : start + at_once]
        models = np.tile(np.arange(g.models), len(rows))
        answers = function(g.take(models), asked.take(models), rows.ravel())
        found.append([x.reshape(rows.shape) for x in (answers if isinstance(answers, tuple) else (answers,))])
    return [np.concatenate(columns) for columns in zip(*found, strict=True)]


def nodes_of_tau(g: Groups, asked: Question) -> Nodes | None:
    if not isinstance(asked.tau2, Prior):
        return None

    def density_of(models: Array, g: Groups = g) -> LogDensity:
        some, asked_of_some = g.take(models), asked.take(models)
        return lambda tau: in_rows(log_density, some, asked_of_some, tau)[0]

    few = g.binned(g.v)  # enough to see where tau lies
    power = moments_of_tau(g, asked)
    slope = np.minimum(tail_exponent(g, asked) - 1 - power, 1.0)
    reach = NOTHING, np.minimum(NOTHING / slope, FARTHEST)
    support = Support(*asked.tau2.support)
    return nodes(
        density_of,
        g.models,
        support,
        _sizes(g, asked.tau2),
        reach,
        power,
        placed_by=lambda models: density_of(models, few),
        sharp=_sharp(g, asked),
    )


def _sharp(g: Groups, asked: Question) -> Array:
    """Whether mu or a group is known almost for certain: then what is normal at a small tau is a step by log tau."""
    v = np.minimum(g.groups / g.sum(1 / g.v), asked.population.sd**2)
    spread = g.sum(g.squares_about(g.plain_mean)) / g.groups
    return np.asarray((v < 0.02 * spread) | (g.exact > 0) | (g.mu is not None))


def _sizes(g: Groups, prior: Prior) -> tuple[Array, Array]:
    """The smallest and the largest tau that data or prior speak of."""
    own = np.full(g.models, np.nan if prior.size is None else prior.size)
    spread = np.sqrt(g.reach(g.plain_mean))
    sizes = np.stack([own, spread, np.sqrt(g.smallest(np.where(g.v > 0, g.v, np.inf))), np.sqrt(g.largest(g.v))])
    sizes = np.where((sizes > 0) & (sizes < np.inf), sizes, np.nan)
    return np.fmin.reduce(sizes), np.fmax.reduce(sizes)


def _nodes_of_sigma(g: Groups, asked: Question, sigma2: Array) -> Nodes:
    """Nodes of sigma, placed by what the squares within alone say of it."""
    prior = asked.sigma2
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
            inside, asked_inside = inflated(g, cells, (sigma * sigma / sigma2[models]).ravel()), asked.take(cells)
            tau = nodes_of_tau(inside, asked_inside)
            if tau is None:
                known = np.full(inside.models, asked.known_tau)
                total = at_tau(inside, known, asked_inside.population).log_likelihood
            else:
                total = tau.log_total
            return np.asarray(within(sigma) + total.reshape(sigma.shape))

        return at

    # The squares within fall as exp(-(N - J) x) above, and below as the exponential of an exponential.
    reach = NOTHING / STEEP, NOTHING / np.minimum(g.rows - g.groups, STEEP)
    around, power = (np.sqrt(sigma2),) * 2, np.zeros(g.models)
    return nodes(with_groups, g.models, Support(*prior.support), around, reach, power, alone, TOLERANCE)


def _log_density_of_sigma(prior: Prior, sigma: Array, g: Groups) -> Array:
    """Jeffreys' prior of a standard deviation whose mean is not known with it is 1 / sigma."""
    if isinstance(prior, Jeffreys):
        return np.asarray(-np.log(sigma))
    return np.asarray(prior.log_density(sigma, g))


# ---- what is read from it -------------------------------------------------------------------------------------------


def _below(post: Posterior, x: Array, models: Array) -> Array:
    """Posterior probability of a smaller x of tau, one a model listed."""
    assert post.cells is not None
    cells = _cells(post, models)
    inside = post.cells.below(np.repeat(x, len(post.share)), cells).reshape(len(models), -1)
    return np.asarray((inside * post.share[:, models].T).sum(axis=1))


def _cells(post: Posterior, models: Array) -> Array:
    """The nodes of sigma of the models listed."""
    many = len(post.share)
    return np.repeat(models, many) * many + np.tile(np.arange(many), len(models))


def tau_quantile(post: Posterior, probability: Array, models: Array) -> Array:
    """The tau that is not exceeded with a probability, one a model listed."""
    if post.cells is None:
        return np.full(len(models), post.least)
    if len(post.share) == 1:
        return post.cells.quantile(probability, models)
    by_model = [x.reshape(post.models, -1) for x in post.cells.reach]
    low, high = by_model[0].min(axis=1)[models], by_model[1].max(axis=1)[models]
    found = find_root(lambda x, p, i: _below(post, x, i) - p, (low, high), args=(probability, models))
    return np.asarray(np.where(found.success, post.cells.support.value(found.x), np.nan))


def tau_quantiles(post: Posterior, probabilities: Array) -> Array:
    """Quantiles of tau, a row for each row of probabilities."""
    models = np.tile(np.arange(post.models), len(probabilities))
    return tau_quantile(post, probabilities.ravel(), models).reshape(probabilities.shape)


def shortest_of_tau(post: Posterior, level: float, power: int) -> Array:
    """Both ends of the shortest interval of tau to a power."""
    tail = np.zeros(post.models) if post.cells is None else _tail_of_shortest(post, level, power)
    lower, upper = tau_quantiles(post, np.stack([np.where(tail > 0, tail, 0.5), tail + level]))
    return np.stack([np.where(tail > 0, lower, post.least), upper])


def _tail_of_shortest(post: Posterior, level: float, power: int) -> Array:
    """The probability below the shortest interval: both ends are equally dense, or the density falls all the way."""

    def falls(tail: Array, i: Array) -> Array:
        ends = (tau_quantile(post, p, i) for p in (tail, tail + level))
        lower, upper = (density(post, tau, i) / tau ** (power - 1) for tau in ends)
        return np.asarray(lower - upper)

    models = np.arange(post.models)
    least, most = (np.full(post.models, x * (1 - level)) for x in (1e-6, 1 - 1e-6))
    inside = np.flatnonzero(falls(least, models) < 0)
    tail = np.zeros(post.models)
    if inside.size:
        found = find_root(falls, (least[inside], most[inside]), args=(inside,))
        tail[inside] = np.where(found.success, found.x, (1 - level) / 2)
    return tail


def density(post: Posterior, tau: Array, models: Array) -> Array:
    """Posterior density of tau, one a model listed; 0 where the prior is."""
    assert post.cells is not None
    many = len(post.share)
    cells, repeated = _cells(post, models), np.repeat(models, many)
    support = post.cells.support
    inside = inflated(post.g, repeated, post.inflation_of_cells[cells])
    logs = log_density(inside, post.asked.take(repeated), np.repeat(tau, many))
    each = np.exp(logs - post.cells.log_total[cells]).reshape(len(models), many)
    found = (each * post.share[:, models].T).sum(axis=1)
    return np.asarray(np.where((tau < support.lower) | (tau > support.upper), 0.0, found))
