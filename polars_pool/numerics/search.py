"""Roots and global minima of a function of one number a model, for all models at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.optimize.elementwise import find_root

from .arrays import Array

Function = Callable[[Any, Array], Array]

POINTS_A_DECADE = 4
MOST_POINTS = 100
STRIDE = 4.0
STRIDES = 100
NEARBY = 1.001  # a minimum of the coarse groups is this near to the one of all groups, or the bracket widens


class Models(Protocol):
    """Many models at once, some of which can be taken."""

    @property
    def models(self) -> int:
        """How many there are."""
        ...

    def take(self, models: Array) -> Any:
        """Those with these numbers."""
        ...


def root(
    g: Models, function: Callable[..., Array], models: Array, low: Array, high: Array, *more: Array
) -> tuple[Array, Array]:
    """Root of an increasing function in [low, high] for each model listed, to the last bits (Chandrupatla 1997).

    `more` are further arguments of the function, a value a model listed.
    """
    if not len(models):
        return np.zeros(0), np.zeros(0, dtype=bool)
    found = find_root(lambda x, m, *more: function(g.take(m), x, *more), (low, high), args=(models, *more))
    return np.asarray(found.x), np.asarray(found.success)


@dataclass(frozen=True)
class Range:
    """Where to look, a value a model each: a grid from low to high, and the floor of the argument.

    `pole` marks models whose deviance falls without end at the floor: that is no minimum.
    """

    low: Array
    high: Array
    floor: Array
    pole: Array


def minimum(g: Models, coarse: Models, deviance: Function, slope: Function, within: Range) -> tuple[Array, Array]:
    """Global minimum over [floor, high] for each model, and whether it settled: high is none.

    A likelihood can have two maxima: the grid on the coarse groups brackets every local minimum, all groups close each
    bracket, and the deepest is taken; the floor competes where the slope rises from it.
    """
    rising = np.flatnonzero(slope(g, within.floor) >= 0)
    models, a, b = _brackets(coarse, slope, within, rising)
    if coarse is not g:
        x, _ = root(coarse, slope, models, a, b)
        a, b = np.where(np.isnan(x), a, x / NEARBY), np.where(np.isnan(x), b, x * NEARBY)
    x, settled = root(g, slope, models, a, b)
    off = ~settled  # brackets of the coarse groups that are none of all groups
    models_off, a, b, turned = _widened(g, slope, within, models[off], a[off], b[off])
    x_off, settled_off = b.copy(), turned.copy()
    x_off[turned], settled_off[turned] = root(g, slope, models_off[turned], a[turned], b[turned])
    models = np.concatenate([rising, models[settled], models_off])
    x = np.concatenate([within.floor[rising], x[settled], x_off])
    settled = np.concatenate([~within.pole[rising], settled[settled], settled_off])
    depth = np.zeros(len(models))
    if len(models) > g.models:  # some have more than one
        depth = deviance(g.take(models), x)
        depth[: len(rising)][within.pole[rising]] = np.inf
    deepest_first = np.lexsort((depth, models))
    _, first = np.unique(models[deepest_first], return_index=True)
    best = deepest_first[first]
    return x[best], settled[best]


def _brackets(coarse: Models, slope: Function, within: Range, rising: Array) -> tuple[Array, Array, Array]:
    """Where the slope turns from falling to rising on the grid; a model that falls from its floor has one at least."""
    grid = _grid(within)
    rises = np.vstack([slope(coarse, x) >= 0 for x in grid])
    turn, models = np.nonzero(~rises[:-1] & rises[1:])
    still = np.flatnonzero(~rises[-1])
    missed = np.setdiff1d(np.arange(coarse.models), np.concatenate([rising, models, still]))
    turn = np.concatenate([turn, np.full(len(still), len(grid) - 2), np.zeros(len(missed), dtype=np.int64)])
    models = np.concatenate([models, still, missed])
    return models, grid[turn, models], grid[turn + 1, models]


def _grid(within: Range) -> Array:
    """The floor, then points from low to high in equal ratios: a row a point, a column a model."""
    ratio = within.high / within.low
    points = int(min(np.ceil(np.max(np.log10(ratio), initial=1.0) * POINTS_A_DECADE), MOST_POINTS)) + 1
    return np.vstack([within.floor, within.low * ratio ** np.linspace(0.0, 1.0, points)[:, None]])


def _widened(
    g: Models, slope: Function, within: Range, models: Array, a: Array, b: Array
) -> tuple[Array, Array, Array, Array]:
    """Brackets widened until the slope of all groups turns in them; one that rises from the floor is none."""
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
