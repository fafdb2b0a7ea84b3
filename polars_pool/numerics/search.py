"""Roots and global minima of functions of one number, for many models at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Array
from .roots import find_root, straight_root
from .segments import Segments

Function = Callable[[Any, Array], Array]  # of the models and one argument per model

POINTS_PER_DECADE = 4
POINTS_BEYOND = 1  # the same, where there is one minimum at most
MOST_POINTS = 100
FEW_ROWS = 10_000  # evaluated at once: below, the calls of functions cost more than the arithmetic
STRIDE = 4.0
STRIDES = 100
NEARBY = 1.001  # the minimum of all rows lies within this factor of the coarse rows' minimum, or the bracket widens


def root(
    g: Segments,
    function: Callable[..., Array],
    models: Array,
    low: Array,
    high: Array,
    *more: Array,
    known: tuple[Array, Array] | None = None,
) -> tuple[Array, Array]:
    """Root of an increasing function in [low, high] for each model listed, to the last bits, and whether it converged.

    `more` are further arguments of the function, with one value per model listed; `known` as in find_root. Source:
    Chandrupatla (1997), Advances in Engineering Software 28.
    """
    if not len(models):
        return np.zeros(0), np.zeros(0, dtype=bool)
    return find_root(_of_some(g, function, models), low, high, models, *more, known=known)


def _of_some(g: Segments, function: Callable[..., Array], models: Array) -> Callable[..., Array]:
    """The function of a point, the models it is for, and further arguments; the rows of the models are kept."""
    some, rows = models, g.take(models)

    def value(x: Array, m: Array, *more: Array) -> Array:
        nonlocal some, rows
        if m is not some:
            some, rows = m, g.take(m)
        return function(rows, x, *more)

    return value


def straight_minimum(g: Segments, function: Function, below: Array, value_below: Array) -> Array:
    """A minimum from 0 on of each model, where a function of the sign of its slope turns; NaN if few steps find none.

    The function is nearly a straight line, with about the given value at a point below 0.
    """
    zero = np.zeros(g.models)
    at_zero = function(g, zero)
    x = np.where(at_zero >= 0, 0.0, np.nan)
    models = np.flatnonzero(at_zero < 0)
    points, values = np.stack([below, zero]), np.stack([value_below, at_zero])
    x[models] = straight_root(_of_some(g, function, models), points[:, models], values[:, models], models)
    return x


def is_only_minimum(g: Segments, slope: Function, x: Array, within: Range) -> Array:
    """Whether the deviance of each model falls before x and rises from there on, at points of the grid to the bend."""
    grid = _grid(within, beyond=False)
    return np.asarray(((_slopes(g, slope, grid) >= 0) == (grid >= x)).all(axis=0))


@dataclass(frozen=True)
class Range:
    """The range of a search, with one value per model: a grid from low to high, and the floor of the argument.

    From `bend` on, which may lie outside, the deviance has at most one minimum. `pole` marks models whose deviance
    falls without bound at the floor, which is no minimum.
    """

    low: Array
    bend: Array
    high: Array
    floor: Array
    pole: Array


def minimum(g: Segments, coarse: Segments, deviance: Function, slope: Function, within: Range) -> tuple[Array, Array]:
    """Global minimum over [floor, high] of each model, and whether the search converged; `high` is no minimum.

    A likelihood can have two maxima. So the grid on the coarse rows brackets each local minimum, all rows close each
    bracket, and the deepest minimum is the result. The floor is a candidate where the slope rises from it.
    """
    rising = np.flatnonzero(slope(g, within.floor) >= 0)
    models, points, slopes = _brackets(coarse, slope, within, rising)
    known = points, slopes
    a, b, _ = points
    if coarse is not g:
        x, _ = root(coarse, slope, models, a, b, known=known)
        a, b = np.where(np.isnan(x), a, x / NEARBY), np.where(np.isnan(b), b, x * NEARBY)
    models, x, converged = _closed(g, slope, within, models, a, b, known if coarse is g else None)
    models = np.concatenate([rising, models])
    x = np.concatenate([within.floor[rising], x])
    converged = np.concatenate([~within.pole[rising], converged])
    depth = np.zeros(len(models))
    if len(models) > g.models:  # a model has several candidates
        depth = deviance(g.take(models), x)
        depth[: len(rising)][within.pole[rising]] = np.inf
    deepest_first = np.lexsort((depth, models))
    _, first = np.unique(models[deepest_first], return_index=True)
    best = deepest_first[first]
    return x[best], converged[best]


def _closed(
    g: Segments,
    slope: Function,
    within: Range,
    models: Array,
    a: Array,
    b: Array,
    known: tuple[Array, Array] | None,
) -> tuple[Array, Array, Array]:
    """The minimum in each bracket by all rows, with its model, and whether the search converged."""
    x, converged = root(g, slope, models, a, b, known=known)
    off = ~converged  # brackets of the coarse rows that are none of all rows
    models_off, a, b, turned = _widened(g, slope, within, models[off], a[off], b[off])
    x_off, converged_off = b.copy(), turned.copy()
    x_off[turned], converged_off[turned] = root(g, slope, models_off[turned], a[turned], b[turned])
    models = np.concatenate([models[converged], models_off])
    x = np.concatenate([x[converged], x_off])
    return models, x, np.concatenate([converged[converged], converged_off])


def _brackets(coarse: Segments, slope: Function, within: Range, rising: Array) -> tuple[Array, Array, Array]:
    """The models where the slope turns from falling to rising between two points of the grid; these and a third point.

    A model that falls from its floor has at least one such interval. The slopes at the points come last.
    """
    grid = _grid(within)
    slopes = _slopes(coarse, slope, grid)
    rises = slopes >= 0
    turn, models = np.nonzero(~rises[:-1] & rises[1:])
    still = np.flatnonzero(~rises[-1])
    missing = np.ones(coarse.models, dtype=bool)
    missing[np.concatenate([rising, models, still])] = False
    missed = np.flatnonzero(missing)
    turn = np.concatenate([turn, np.full(len(still), len(grid) - 2), np.zeros(len(missed), dtype=np.int64)])
    models = np.concatenate([models, still, missed])
    places = np.stack([turn, turn + 1, np.where(turn > 0, turn - 1, turn + 2)])
    return models, grid[places, models], slopes[places, models]


def _slopes(g: Segments, slope: Function, grid: Array) -> Array:
    """The slope of each model at the points of a grid; of few rows, at several points at once."""
    together = max(1, FEW_ROWS // max(1, int(g.lengths.sum())))
    slopes = []
    for i in range(0, len(grid), together):
        points = grid[i : i + together]
        slopes.append(slope(g.take(np.tile(np.arange(g.models), len(points))), points.ravel()).reshape(points.shape))
    return np.vstack(slopes)


def _grid(within: Range, beyond: bool = True) -> Array:
    """The floor, then points from low by bend to high: one row per point, one column per model."""
    bend = np.where(within.bend < within.high, np.maximum(within.bend, within.low), within.high)
    points = [within.floor, within.low, _between(within.low, bend, POINTS_PER_DECADE)]
    return np.vstack([*points, _between(bend, within.high, POINTS_BEYOND)] if beyond else points)


def _between(low: Array, high: Array, per_decade: int) -> Array:
    """Points in equal ratios from low to high, without low."""
    ratio = high / low
    points = int(min(np.ceil(np.max(np.log10(ratio), initial=0.0) * per_decade), MOST_POINTS)) + 1
    return low * ratio ** np.linspace(0.0, 1.0, points)[1:, None]


def _widened(
    g: Segments, slope: Function, within: Range, models: Array, a: Array, b: Array
) -> tuple[Array, Array, Array, Array]:
    """Brackets widened until the slope of all rows turns in them; a bracket that rises from the floor is dropped."""
    for _ in range(STRIDES):
        rises = slope(g.take(models), a) >= 0
        keep = ~(rises & (a <= within.floor[models]))
        models, a, b, rises = models[keep], a[keep], b[keep], rises[keep]
        if not rises.any():
            break
        a = np.where(rises, np.where(a > within.low[models], a / STRIDE, within.floor[models]), a)
    highest = within.high[models]
    for _ in range(STRIDES):
        turned = slope(g.take(models), b) >= 0
        if (turned | (b >= highest)).all():
            break
        b = np.where(turned, b, np.minimum(b * STRIDE, highest))
    return models, a, b, turned
