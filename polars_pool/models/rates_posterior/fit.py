"""Groups to the posterior of the prior's mean and size, a mixture of nodes for each model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from ...formulas.priors import Flat
from ...numerics import threads
from ...numerics.conjugate import Betas, Gammas, Mixtures
from ...numerics.segments import Segments
from .. import warning
from ..rates.fit import distinct_models
from ..rates.pairs import Pairs
from . import refuse
from .density import Density
from .groups import median_exposure
from .hyperprior import Hyperprior
from .nodes import Nodes, joined, nodes
from .spec import RatesPosterior

BLOCK = 2**13  # pairs of the models of a block


@dataclass(frozen=True)
class Parts(Segments):
    """The nodes of each model: probability, and mean and size of the prior of rates."""

    weight: Array
    mean: Array
    size: Array


@dataclass(frozen=True)
class Fitted:
    """The distinct models and their pairs; `chosen` are those with a posterior, and the number of each among them.

    `model` is the distinct model of each model, and `pair` the pair of each row.
    """

    pairs: Pairs
    model: Array
    pair: Array
    groups: Array
    n: Array
    chosen: Array
    nodes: Nodes | None
    parts: Parts | None
    prior: Hyperprior  # of the models with a posterior

    @property
    def place(self) -> Array:
        """The number of each distinct model among those with a posterior; -1 without one."""
        place = np.full(self.pairs.models, -1)
        place[self.chosen] = np.arange(len(self.chosen))
        return place


def solved(rows: Pairs, request: RatesPosterior) -> Fitted:
    """The posteriors of the models of rows, whose pairs need not be distinct. Equal models are solved once."""
    pairs, model, pair = distinct_models(rows)
    some = pairs.n > 0
    groups, n = pairs.sum(some), pairs.sum(pairs.n)
    reference = np.ones(pairs.models) if request.family == "binomial" else median_exposure(pairs)
    prior = Hyperprior.of(request.prior, request.family, reference)
    is_proper = _is_proper(pairs, prior)
    if not request.over:
        refuse.improper(request, is_proper)
    chosen = np.flatnonzero(is_proper)
    prior = prior.take(chosen)
    found = _nodes(pairs.take(chosen), prior) if chosen.size else None
    settled = np.zeros(0, dtype=bool) if found is None else found.settled
    warning.warn({warning.IMPROPER_RATES: ~is_proper, warning.UNSETTLED_PRIOR: ~settled}, request.caller)
    parts = None if found is None else _parts(found, request.family, chosen.size)
    return Fitted(pairs, model, pair, groups, n, chosen, found, parts, prior)


def _is_proper(pairs: Pairs, prior: Hyperprior) -> Array:
    """Whether the posterior of each model has a finite total.

    Without events, a density that is flat in the logarithm of the mean stays so; without a group of both events and
    others, the likelihood does not fall as the size goes to 0.
    """
    if isinstance(prior.mean, Flat):
        return np.asarray(pairs.sum(pairs.x) > 0)
    if prior.rho is None:
        return np.asarray(pairs.sum((pairs.x > 0) & (pairs.x < pairs.n)) > 0)
    return np.ones(pairs.models, dtype=bool)


def _nodes(pairs: Pairs, prior: Hyperprior) -> Nodes:
    """The nodes of each model, in blocks of models."""
    block = np.cumsum(pairs.lengths) // BLOCK
    blocks = np.split(np.arange(pairs.models), np.flatnonzero(np.diff(block)) + 1)

    def of_block(models: Array) -> Nodes:
        with np.errstate(all="ignore"):
            some = pairs.take(models)
            largest = some.largest(some.n)
            return nodes(Density.of(some, prior.family, prior.take(models)), np.where(largest > 0, largest, 1.0))

    return joined(threads.of_blocks(of_block, blocks))


def _parts(found: Nodes, family: str, models: int) -> Parts:
    with np.errstate(all="ignore"):
        mean = 1 / (1 + np.exp(-found.a)) if family == "binomial" else np.exp(found.a)
        return Parts(np.searchsorted(found.model, np.arange(models)), found.weight, mean, np.exp(found.u))


def mixtures(parts: Parts, models: Array, x: Array, n: Array, family: str) -> Mixtures:
    """The posterior of the rate of each group: a group of its model with its events and its trials, or exposure."""
    of_groups = parts.take(models)
    x, n = (np.repeat(column, of_groups.lengths) for column in (x, n))
    mean, size = of_groups.mean, of_groups.size
    if family == "binomial":
        return Betas(of_groups.start, of_groups.weight, mean * size + x, (1 - mean) * size + (n - x))
    return Gammas(of_groups.start, of_groups.weight, mean * size + x, size + n)
