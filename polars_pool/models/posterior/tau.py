"""The posterior of tau, read from its nodes: quantiles, the shortest interval, the density."""

from __future__ import annotations

import numpy as np

from ...engines.numpy import Array
from ...numerics.roots import find_root
from .fit import Posterior
from .hierarchy import log_density
from .nodes import inflated


def below(post: Posterior, x: Array, models: Array) -> Array:
    """Posterior probability of a smaller x of tau, one for each model listed."""
    assert post.cells is not None
    cells = _cells(post, models)
    inside = post.cells.below(np.repeat(x, len(post.share)), cells).reshape(len(models), -1)
    return np.asarray((inside * post.share[:, models].T).sum(axis=1))


def _cells(post: Posterior, models: Array) -> Array:
    """The nodes of sigma of the models listed."""
    many = len(post.share)
    return np.repeat(models, many) * many + np.tile(np.arange(many), len(models))


def quantile(post: Posterior, probability: Array, models: Array) -> Array:
    """The tau that is not exceeded with a probability, one for each model listed."""
    if post.cells is None:
        return np.full(len(models), post.least)
    if len(post.share) == 1:
        return post.cells.quantile(probability, models)
    by_model = [x.reshape(post.models, -1) for x in post.cells.reach]
    low, high = by_model[0].min(axis=1)[models], by_model[1].max(axis=1)[models]
    root, converged = find_root(lambda x, p, i: below(post, x, i) - p, low, high, probability, models)
    return np.asarray(np.where(converged, post.cells.support.value(root), np.nan))


def quantiles(post: Posterior, probabilities: Array) -> Array:
    """Quantiles of tau, a row for each row of probabilities."""
    models = np.tile(np.arange(post.models), len(probabilities))
    return quantile(post, probabilities.ravel(), models).reshape(probabilities.shape)


def shortest(post: Posterior, level: float, power: int) -> Array:
    """Both ends of the shortest interval of tau to a power."""
    tail = np.zeros(post.models) if post.cells is None else _tail_of_shortest(post, level, power)
    lower, upper = quantiles(post, np.stack([np.where(tail > 0, tail, 0.5), tail + level]))
    return np.stack([np.where(tail > 0, lower, post.least), upper])


def _tail_of_shortest(post: Posterior, level: float, power: int) -> Array:
    """The probability below the shortest interval: both ends are equally dense, or the density falls all the way."""

    def falls(tail: Array, i: Array) -> Array:
        ends = (quantile(post, p, i) for p in (tail, tail + level))
        lower, upper = (density(post, tau, i) / tau ** (power - 1) for tau in ends)
        return np.asarray(lower - upper)

    models = np.arange(post.models)
    least, most = (np.full(post.models, x * (1 - level)) for x in (1e-6, 1 - 1e-6))
    inside = np.flatnonzero(falls(least, models) < 0)
    tail = np.zeros(post.models)
    if inside.size:
        root, converged = find_root(falls, least[inside], most[inside], inside)
        tail[inside] = np.where(converged, root, (1 - level) / 2)
    return tail


def density(post: Posterior, tau: Array, models: Array) -> Array:
    """Posterior density of tau, one for each model listed; 0 where the prior is."""
    assert post.cells is not None
    many = len(post.share)
    cells, repeated = _cells(post, models), np.repeat(models, many)
    support = post.cells.support
    inside = inflated(post.g, repeated, post.inflation_of_cells[cells])
    logs = log_density(inside, post.hierarchy.take(repeated), np.repeat(tau, many))
    each = np.exp(logs - post.cells.log_total[cells]).reshape(len(models), many)
    mixed = (each * post.share[:, models].T).sum(axis=1)
    return np.asarray(np.where((tau < support.lower) | (tau > support.upper), 0.0, mixed))
