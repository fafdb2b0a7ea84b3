"""The trapezoid rule for densities on intervals at whose ends they are negligible, for many cells at once.

The step is halved until halving it changes nothing: the error of the rule is then the square of the change (Trefethen &
Weideman 2014, "The exponentially convergent trapezoidal rule", SIAM Review 56). Between the points, the density is the
rule's own sinc interpolant (Stenger 1993, Numerical Methods Based on Sinc and Analytic Functions, section 3.6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import newton, special
from .arrays import Array

# For some cells: the log density, and further columns, at rows of points: (columns, rows, cells).
FunctionOf = Callable[[Array], Callable[[Array], Array]]

FIRST, HALVINGS = 24, 7  # steps at first, and how often they are halved at most
SETTLED = 1e-5  # change of the sums by the last halving
NEGLIGIBLE = 1e-17


@dataclass(frozen=True)
class Grid:
    """Points at equal distances, a column for each cell, with probabilities; those that a cell does not use have 0."""

    x: Array
    weight: Array
    columns: Array  # further values at the points
    step: Array
    log_total: Array
    settled: Array

    @property
    def mean(self) -> Array:
        return np.asarray((self.weight * self.x).sum(axis=0))

    @property
    def sd(self) -> Array:
        return np.asarray(np.sqrt((self.weight * (self.x - self.mean) ** 2).sum(axis=0)))

    def average(self, x: Array) -> Array:
        """The mean of a quantity that is known at the points."""
        return np.asarray((self.weight * np.where(self.weight > 0, x, 0.0)).sum(axis=0))


def joined(grids: list[Grid]) -> Grid:
    """The cells of several grids."""
    if len(grids) == 1:
        return grids[0]
    rows = max(len(grid.x) for grid in grids)

    def padded(x: Array) -> Array:
        return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, rows - x.shape[-2]), (0, 0)])

    of_points = (
        np.concatenate([padded(getattr(g, name)) for g in grids], axis=-1) for name in ("x", "weight", "columns")
    )
    of_cells = (np.concatenate([getattr(g, name) for g in grids]) for name in ("step", "log_total", "settled"))
    return Grid(*of_points, *of_cells)


def integrated(
    function_of: FunctionOf, low: Array, high: Array, steps: Array | None = None, settled_at: float = SETTLED
) -> Grid:
    """The grid of each cell over its interval, with at least so many steps."""
    steps = np.full(len(low), FIRST) if steps is None else steps + steps % 2
    values = _at(function_of, low, high, steps, np.arange(len(low)), 1)
    settled = np.zeros(len(low), dtype=bool)
    for _ in range(HALVINGS):
        settled |= _agree(values[0], steps, settled_at)
        cells = np.flatnonzero(~settled)
        if not cells.size:
            break
        odd = _at(function_of, low, high, 2 * steps, cells, 2)
        values = _merged(values, odd, cells)
        steps[cells] *= 2
    top, step = values[0].max(axis=0), (high - low) / steps
    f = np.exp(values[0] - top)
    total = f.sum(axis=0)
    return Grid(_points(low, high, steps, len(f)), f / total, values[1:], step, top + np.log(total * step), settled)


def _points(low: Array, high: Array, steps: Array, rows: int) -> Array:
    """The points of each cell in rows, those beyond its last step at its upper end."""
    return np.asarray(low + (high - low) * np.minimum(np.arange(rows)[:, None] / steps, 1.0))


def _at(function_of: FunctionOf, low: Array, high: Array, steps: Array, cells: Array, every: int) -> Array:
    """The values at all points of some cells, or at every second one from the second on; -inf beyond the last step."""
    parts = []
    for number in np.unique(steps[cells]):
        some = cells[steps[cells] == number]
        points = _points(low[some], high[some], steps[some], int(number) + 1)[every - 1 :: every]
        parts.append((some, function_of(some)(points)))
    rows = max(values.shape[1] for _, values in parts)
    result = np.full((len(parts[0][1]), rows, len(low)), -np.inf)
    for some, values in parts:
        result[:, : values.shape[1], some] = values
    result[0][np.isnan(result[0])] = -np.inf
    return result


def _merged(values: Array, odd: Array, cells: Array) -> Array:
    """The values with those between in some cells."""
    rows = max(values.shape[1], 2 * odd.shape[1] + 1)
    merged = np.full((len(values), rows, values.shape[2]), -np.inf)
    merged[:, : values.shape[1]] = values
    merged[:, :, cells] = -np.inf
    even = values[:, : odd.shape[1] + 1, cells]
    merged[:, 0 : 2 * even.shape[1] : 2, cells] = even
    merged[:, 1 : 2 * odd.shape[1] : 2, cells] = odd[:, :, cells]
    return merged


def _agree(log_f: Array, steps: Array, tolerance: float) -> Array:
    """Whether every second point gives the same total and the same mean."""
    f = np.exp(log_f - log_f.max(axis=0))
    agree = np.ones(f.shape[1], dtype=bool)
    for rows in (f, f * np.minimum(np.arange(len(f))[:, None] / steps, 1.0)):
        total = rows.sum(axis=0)
        agree &= np.abs(2 * rows[::2].sum(axis=0) - total) <= tolerance * total
    return agree


@dataclass(frozen=True)
class Interpolant:
    """Mixtures of the distributions of cells, consecutive ones of each mixture: `start` is its first cell."""

    grid: Grid
    share: Array
    start: Array

    def quantile(self, probability: float) -> Array:
        """The quantile of each mixture; NaN where it did not converge."""
        grid, mixture = self.grid, np.repeat(np.arange(len(self.start)), np.diff(self.start, append=len(self.share)))
        row, cell = np.nonzero(self.share * grid.weight > NEGLIGIBLE)
        order = np.argsort(cell, kind="stable")
        row, cell = row[order], cell[order]
        x, weight, step, of = (
            grid.x[row, cell],
            self.share[cell] * grid.weight[row, cell],
            grid.step[cell],
            mixture[cell],
        )
        first = np.searchsorted(of, np.arange(len(self.start)))
        low, high = (e.reduceat(x, first) for e in (np.minimum, np.maximum))
        mean = np.add.reduceat(weight * x, first)
        sd = np.sqrt(np.add.reduceat(weight * (x - mean[of]) ** 2, first))

        def distribution(at: Array, mixtures: Array) -> tuple[Array, Array]:
            place = np.full(len(first), -1)
            place[mixtures] = np.arange(len(mixtures))
            some = np.flatnonzero(place[of] >= 0)
            away = (at[place[of[some]]] - x[some]) / step[some]
            sine_integral, _ = special.sici(np.pi * away)
            begin = np.searchsorted(of[some], np.sort(mixtures))
            below = np.add.reduceat(weight[some] * (0.5 + sine_integral / np.pi), begin)
            return below, np.add.reduceat(weight[some] * np.sinc(away) / step[some], begin)

        start = np.clip(mean + float(special.ndtri(probability)) * sd, low, high)
        result, settled = newton.quantile(distribution, np.full(len(first), probability), start, low, high, sd)
        return np.where(settled, result, np.nan)
