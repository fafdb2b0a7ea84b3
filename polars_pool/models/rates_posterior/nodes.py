"""Nodes of the prior's mean and size, for many models at once: few where the posterior is narrow.

The size is integrated by the trapezoid rule in its logarithm u, and at each u the mean by another one. From both follow
the Gauss rules of the posterior itself, which have far fewer nodes. The variable of the rule of the size is
log(1 + n / size), n the largest number of trials: where groups hardly differ, the posterior is smooth in 1 / size at 0,
and where they do it is so in the logarithm.

A group's rate given a node is nearly a point where the size is large. The nodes of the mean must be closer than this
distribution is wide, which is the least for a group without trials.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ...engines.numpy import Array
from ...numerics import gauss, special, trapezoid
from ...numerics.trapezoid import Grid
from ..rates.spec import Family
from .conditional import NOTHING, SETTLED, conditional
from .density import Density

STRIDE, POINTS, ZOOMS = 2.0, 24, 12  # of the search for where u lies: first step; points of each finer search
WIDTH = 1.5  # of the nodes of u, in standard deviations
MARGIN, FARTHEST = 10.0, 650.0
LOW_ENOUGH = 25.0  # fall of the log density at the ends of the interval of u
NEGLIGIBLE = 1e-14  # probability of a node
MOST = 40  # nodes of u
WIDE, FEW = 2.0, 20  # a in units of the spread, and nodes, up to which a Gauss rule has fewer nodes than the grid
TESTS = np.array([-2.0, -0.7, 0.7, 2.0])  # quantiles of a new group whose probabilities the nodes must give


@dataclass(frozen=True)
class Nodes:
    """The posterior of u, that of a at the nodes of u (`of_u` their model), and nodes of both, sorted by model."""

    of_size: Grid
    interval: Interval
    of_mean: Grid
    share: Array
    of_u: Array
    model: Array
    a: Array
    u: Array
    weight: Array

    @property
    def settled(self) -> Array:
        """Whether the sums of each model settled."""
        failed = np.bincount(self.of_u, ~self.of_mean.settled, len(self.of_size.settled))
        return np.asarray(self.of_size.settled & (failed == 0))


def nodes(density: Density, largest: Array) -> Nodes:
    """The nodes of each model; `largest` is its largest number of trials, or exposure."""
    of_size, interval = _of_size(density, _interval(density, largest))
    reference = np.log(largest)
    rule = gauss.rules(
        np.logaddexp(0.0, reference - np.where(of_size.weight > 0, of_size.columns[2], reference)),
        of_size.weight,
        _tests(density, of_size),
        MOST,
    )
    model, row = np.nonzero(rule.weight.T > NEGLIGIBLE)
    u = reference[model] - np.log(np.expm1(rule.x[row, model]))
    blocks = [slice(i, i + density.cells_at_once()) for i in range(0, len(u), density.cells_at_once())]
    widest = partial(_spread, density.family)
    of_mean = trapezoid.joined([conditional(density.take(model[some]), u[some], widest) for some in blocks])
    a, weight = _fewest(density, of_mean, u)
    cell, place = np.nonzero(weight.T * rule.weight[row, model][:, None] > NEGLIGIBLE)
    total = weight[place, cell] * rule.weight[row, model][cell]
    of_model = model[cell]
    total /= np.bincount(of_model, total)[of_model]
    return Nodes(of_size, interval, of_mean, rule.weight[row, model], model, of_model, a[place, cell], u[cell], total)


def _spread(family: Family, a: Array, u: Array) -> Array:
    """The standard deviation of the logit or logarithm of a new group's rate given a and u, about."""
    if family == "binomial":
        m = special.expit(a)
        return np.asarray(1 / np.sqrt((1 + np.exp(u)) * m * (1 - m)))
    return np.asarray(np.exp(-(a + u) / 2))


# ---- the size -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    """Where u of each model lies; its nodes are u = centre + width sinh(t), as the tails are exponential."""

    low: Array
    high: Array
    centre: Array
    width: Array

    def of(self, t: Array, models: Array | slice = slice(None)) -> Array:
        """u of some models at t."""
        return np.asarray(self.centre[models] + self.width[models] * np.sinh(t))

    def ends(self) -> tuple[Array, Array]:
        """t at the ends."""
        low, high = (np.arcsinh((end - self.centre) / self.width) for end in (self.low, self.high))
        return low, high


def _interval(density: Density, largest: Array) -> Interval:
    """Where u is not negligible, at an approximate mode of a: a grid, and finer ones where it is high."""
    to_zero, to_infinity = density.prior.rates
    reference = np.minimum(density.prior.reference, np.log(largest))
    low = np.maximum(reference - MARGIN - 1.6 * NOTHING / min(to_zero, 1.0), -FARTHEST)
    high = np.minimum(np.log(largest) + MARGIN + 1.6 * NOTHING / min(to_infinity, 1.0), FARTHEST)
    points = int(np.ceil((high - low).max() / STRIDE)) + 1
    for _ in range(ZOOMS):
        steps = (high - low) / (points - 1)
        u = low + steps * np.arange(points)[:, None]
        heights = np.stack([_height(density, row) for row in u])
        heights = np.where(np.isnan(heights), -np.inf, heights)
        above = heights > heights.max(axis=0) - 1.6 * NOTHING
        first, last = above.argmax(axis=0), points - 1 - above[::-1].argmax(axis=0)
        new_low = low + steps * np.maximum(first - 1, 0)
        new_high = low + steps * np.minimum(last + 1, points - 1)
        coarse = (last - first < POINTS / 3).any()
        low, high, points = new_low, new_high, POINTS
        if not coarse:
            break
    p = np.exp(heights - heights.max(axis=0))
    p /= p.sum(axis=0)
    centre = (p * u).sum(axis=0)
    return Interval(low, high, centre, WIDTH * np.sqrt((p * (u - centre) ** 2).sum(axis=0)))


def _height(density: Density, u: Array) -> Array:
    return density.value(density.start(u), u)


def _of_size(density: Density, interval: Interval) -> tuple[Grid, Interval]:
    """The posterior of t; at its points mean and standard deviation of a, and u."""
    low, high = interval.low, interval.high
    every = np.arange(len(low))
    for _ in range(ZOOMS):
        values = _totals(density, every, np.linspace(low, high, 9))[0]
        fall = values.max(axis=0) - values
        below, above = fall[0] < LOW_ENOUGH, fall[-1] < LOW_ENOUGH
        if not (below | above).any():
            break
        width = (high - low) / 2
        low, high = np.where(below, low - width, low), np.where(above, high + width, high)
        low, high = np.maximum(low, -FARTHEST), np.minimum(high, FARTHEST)
    interval = replace(interval, low=low, high=high)

    def function_of(models: Array) -> Callable[[Array], Array]:
        def at(t: Array) -> Array:
            u = interval.of(t, models)
            log_density, mean, sd = _totals(density, models, u)
            return np.stack([log_density + np.log(interval.width[models] * np.cosh(t)), mean, sd, u])

        return at

    return trapezoid.integrated(function_of, *interval.ends(), settled_at=SETTLED), interval


def _totals(density: Density, models: Array, u: Array) -> Array:
    """The log density of u, and the mean and the standard deviation of a, at rows of u of some models."""
    cells = np.tile(models, len(u))
    flat, at_once = u.ravel(), density.cells_at_once()
    values = np.empty((3, len(flat)))
    for start in range(0, len(flat), at_once):
        some = slice(start, start + at_once)
        grid = conditional(density.take(cells[some]), flat[some])
        values[:, some] = grid.log_total, grid.mean, grid.sd
    return values.reshape(3, *u.shape)


# ---- Gauss rules ----------------------------------------------------------------------------------------------------


def _tests(density: Density, of_size: Grid) -> Array:
    """At the points of u: the probabilities of some values of a new group's rate, by normal approximation."""
    used = of_size.weight > 0
    mean, sd, u = (np.where(used, x, other) for x, other in zip(of_size.columns, (0.0, 1.0, 0.0), strict=True))
    spread = np.sqrt(sd**2 + _spread(density.family, mean, u) ** 2)
    centre = (of_size.weight * mean).sum(axis=0)
    typical = np.exp((of_size.weight * np.log(spread)).sum(axis=0))
    at = centre + TESTS[:, None] * typical
    of_group = special.ndtr((at[:, None, :] - mean) / spread)
    bounded = special.expit(np.stack([mean - centre, u - density.prior.reference]))
    return np.concatenate([of_group, bounded])


def _fewest(density: Density, grid: Grid, u: Array) -> tuple[Array, Array]:
    """The nodes of a of each cell: those of its Gauss rule, or the points of the grid if these are fewer."""
    mean, sd = grid.mean, grid.sd
    spread = _spread(density.family, mean, u)
    used = grid.weight > NEGLIGIBLE
    cells = np.flatnonzero((sd < WIDE * spread) & (used.sum(axis=0) > FEW))
    a, weight = grid.x.copy(), grid.weight.copy()
    if not cells.size:
        return a, weight
    rows = int(np.flatnonzero(used[:, cells].any(axis=1)).max()) + 1
    x, p = grid.x[:rows, cells], grid.weight[:rows, cells]
    at = mean[cells] + TESTS[:, None] * np.sqrt(sd[cells] ** 2 + spread[cells] ** 2)
    tests = special.ndtr((at[:, None, :] - x) / _spread(density.family, x, u[cells]))
    bounded = special.expit(x - mean[cells])[None]  # where the size is small, groups depend on the mean itself
    rule = gauss.rules(x, p, np.concatenate([tests, bounded]), min(FEW, rows))
    fewer = np.flatnonzero(rule.number < FEW)
    a[:, cells[fewer]], weight[:, cells[fewer]] = 0.0, 0.0
    n = len(rule.x)
    a[:n, cells[fewer]], weight[:n, cells[fewer]] = rule.x[:, fewer], rule.weight[:, fewer]
    return a, weight


def joined(parts: list[Nodes]) -> Nodes:
    """The nodes of several blocks of models."""
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0, *(part.of_size.x.shape[1] for part in parts)])
    grids = (trapezoid.joined([getattr(part, name) for part in parts]) for name in ("of_size", "of_mean"))
    numbers = {
        name: np.concatenate([getattr(part, name) + first for part, first in zip(parts, before, strict=False)])
        for name in ("of_u", "model")
    }
    others = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("share", "a", "u", "weight")}
    of_size, of_mean = grids
    columns = zip(*(vars(part.interval).values() for part in parts), strict=True)
    return Nodes(of_size, Interval(*map(np.concatenate, columns)), of_mean, **numbers, **others)
