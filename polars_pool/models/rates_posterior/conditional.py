"""The posterior of the prior's mean at a known size, for many cells at once: a model at one size each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...engines.numpy import Array
from ...numerics import trapezoid
from ...numerics.trapezoid import FIRST, Grid
from .density import Density

SETTLED = 1e-9  # of sums whose grid gives quantiles: their error is the change by the last halving, not its square
NOTHING = 28.0  # a log density below its maximum by this much is negligible
STEPS, NEARLY = 60, 0.3  # of the search for the mode; it ends this close to it, in standard deviations
FALL = 7.48  # standard deviations from the mode of a normal density to where it is negligible
FARTHEST = 690.0  # of a from 0

Widest = Callable[[Array, Array], Array]


def conditional(density: Density, u: Array, widest: Widest | None = None) -> Grid:
    """The posterior of a for each cell: a model and the log of its size.

    The function `widest` gives the widest step that is allowed about some a at u.
    """
    mode, sd, top = peak(density, u)
    low, high = (mode + side * _reach(density, u, mode, sd, top, side) for side in (-1.0, 1.0))
    steps = np.full(len(u), FIRST)
    if widest is not None:
        least = (high - low) / widest(mode, u)
        doublings = np.ceil(np.log2(np.maximum(least / FIRST, 1.0)))  # few different numbers: cells run together
        steps = FIRST * 2 ** doublings.astype(np.int64)

    def function_of(cells: Array) -> Callable[[Array], Array]:
        some, size = density.take(cells), u[cells]
        return lambda points: np.stack([some.value(row, size) for row in points])[None]

    settled_at = trapezoid.SETTLED if widest is None else SETTLED
    return trapezoid.integrated(function_of, low, high, steps, settled_at)


def peak(density: Density, u: Array) -> tuple[Array, Array, Array]:
    """The mode of each cell, about; the standard deviation that the curvature implies, and the density there."""
    a = density.start(u)
    sd, low, high = np.ones_like(a), np.full_like(a, -FARTHEST), np.full_like(a, FARTHEST)
    cells, some = np.arange(len(u)), density
    for _ in range(STEPS):
        at = a[cells]
        slope, bend = some.slopes(at, u[cells])
        low[cells], high[cells] = np.where(slope > 0, at, low[cells]), np.where(slope < 0, at, high[cells])
        width = np.where(bend < 0, 1 / np.sqrt(np.where(bend < 0, -bend, 1.0)), 1.0)
        step = np.clip(np.where(bend < 0, slope * width * width, np.sign(slope)), -2.0, 2.0)
        near = (np.abs(slope) * width <= NEARLY) & (bend < 0)
        new = at + step
        inside = (new > low[cells]) & (new < high[cells])
        sd[cells], a[cells] = width, np.where(inside, new, np.where(near, at, (low[cells] + high[cells]) / 2))
        left = np.flatnonzero(~near)
        if not left.size:
            break
        cells, some = cells[left], some.take(left)
    return a, sd, density.value(a, u)


def _reach(density: Density, u: Array, mode: Array, sd: Array, top: Array, side: float) -> Array:
    """How far on one side of the mode the density is not negligible."""
    reach, cells, some = FALL * sd, np.arange(len(u)), density
    for _ in range(STEPS):
        fallen = top[cells] - some.value(mode[cells] + side * reach[cells], u[cells])
        left = np.flatnonzero((fallen < NOTHING) & (reach[cells] < 2 * FARTHEST))
        if not left.size:
            break
        cells, some = cells[left], some.take(left)
        reach[cells] *= 1.5
    return reach
