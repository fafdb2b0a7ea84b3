"""Nodes of a positive variable for many models at once: the trapezoid rule in t, where x = mode + width sinh(t).

x is the log of the variable, or its logit between two limits. In x a density falls exponentially on both sides, in t
doubly exponentially; for such a fall the trapezoid rule is as good as any (Takahasi & Mori 1974). The step is halved
until halving it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import newton, special
from .arrays import Array

LogDensity = Callable[[Array], Array]  # at any number of rows, each with one value per model
DensityOf = Callable[[Array], LogDensity]  # of the models listed

SETTLED = 1e-11  # change of the sums by the last halving: their error is its square, that of `below` the change
FIRST, HALVINGS = 64, 7  # steps at first, and how often they are halved at most
ROUNDING = 4 * np.finfo(float).eps  # of the log density, a sum over groups
NEGLIGIBLE = 1e-18
NEARBY = 4
STRIDE = 0.5
MARGIN, NEAR_THE_LIMIT = 6.0, 35.0  # of the grid of x in which the mode is sought
ZOOM, ZOOMS = 4, 30


@dataclass(frozen=True)
class Support:
    """The interval of the variable, and x on it."""

    lower: float
    upper: float

    def value(self, x: Array) -> Array:
        if self.upper == np.inf:
            return np.asarray(self.lower + np.exp(x))
        return np.asarray(self.lower + (self.upper - self.lower) * special.expit(x))

    def log_slope(self, x: Array) -> Array:
        """Log of the derivative of the value by x."""
        if self.upper == np.inf:
            return x
        return np.asarray(np.log(self.upper - self.lower) - np.logaddexp(0, x) - np.logaddexp(0, -x))

    def starts(self, smallest: Array, largest: Array) -> Array:
        """A grid of x for each model, from below the smallest size to above the largest."""
        low, high = np.log(smallest) - MARGIN, np.log(largest) + MARGIN
        if self.upper < np.inf:
            low, high = np.minimum(low - np.log(self.upper - self.lower), -MARGIN), NEAR_THE_LIMIT + 0 * high
        points = int(np.ceil((high - low).max() / STRIDE)) + 1
        return np.asarray(low + STRIDE * np.arange(points)[:, None])


@dataclass(frozen=True)
class Nodes:
    """Nodes of a positive variable, one row per node and one column per model; unused nodes have weight 0."""

    support: Support
    value: Array
    weight: Array  # posterior probability of each node
    t: Array
    step: Array  # of t, one per model
    mode: Array
    width: Array
    log_total: Array  # log of the integral of the density
    settled: Array

    @property
    def reach(self) -> tuple[Array, Array]:
        """The smallest and the largest x of the nodes of each model."""
        x = self.mode + self.width * np.sinh(np.where(self.weight > 0, self.t, np.nan))
        return np.nanmin(x, axis=0), np.nanmax(x, axis=0)

    def below(self, x: Array, models: Array) -> Array:
        """Probability of less than x for each model listed: the integral of the rule's own sinc interpolant.

        Source: Stenger (1993), Numerical Methods Based on Sinc and Analytic Functions, section 3.6.
        """
        t = np.arcsinh((x - self.mode[models]) / self.width[models])
        sine_integral, _ = special.sici(np.pi * (t - self.t[:, models]) / self.step[models])
        return np.asarray((self.weight[:, models] * (0.5 + sine_integral / np.pi)).sum(axis=0))

    def quantile(self, probability: Array, models: Array) -> Array:
        """The quantile of each model listed at a probability."""
        used = self.weight > 0
        first, last = used.argmax(axis=0), len(self.t) - 1 - used[::-1].argmax(axis=0)
        at = (np.cumsum(self.weight, axis=0)[:, models] < probability).sum(axis=0)
        # The sums of the rule determine a quantile up to one or two nodes.
        low, start, high = (
            self.t[np.clip(at + away, first[models], last[models]), models] for away in (-NEARBY, 0, NEARBY)
        )

        def distribution(t: Array, i: Array) -> tuple[Array, Array]:
            away = (t - self.t[:, models[i]]) / self.step[models[i]]
            sine_integral, _ = special.sici(np.pi * away)
            weight = self.weight[:, models[i]]
            density = (weight * np.sinc(away)).sum(axis=0) / self.step[models[i]]
            return (weight * (0.5 + sine_integral / np.pi)).sum(axis=0), density

        t, settled = newton.quantile(distribution, probability, start, low, high, self.step[models])
        value = self.support.value(self.mode[models] + self.width[models] * np.sinh(t))
        return np.where(settled, value, np.nan)


@dataclass(frozen=True)
class Domain:
    """Where the densities of models lie, and what their nodes are for."""

    models: int
    support: Support
    sizes: tuple[Array, Array]  # the smallest and the largest value near which a mode is searched
    reach: tuple[float, Array]  # how far below and above the mode in x the nodes extend: beyond, nothing is left
    power: Array  # the largest power of the value that has a mean; nothing is left of it either
    tolerance: float = SETTLED
    sharp: Array | None = None  # models with means of functions that change faster than the density: one more halving


@dataclass(frozen=True)
class Grid:
    """The variable t of each model from -low to high, in equal steps about its mode."""

    mode: Array
    width: Array
    low: Array
    high: Array

    def at(self, share: Array, models: Array) -> tuple[Array, Array]:
        """t of some models at shares of its range, one row per share; and x there."""
        t = (self.high + self.low)[models] * share[:, None] - self.low[models]
        return t, self.mode[models] + self.width[models] * np.sinh(t)


def nodes(density_of: DensityOf, domain: Domain, placed_by: DensityOf | None = None) -> Nodes:
    """Nodes of a log density, one per model, whose integral may be any number.

    Another density that costs less can show where the density lies.
    """
    support = domain.support
    power = domain.power if support.upper == np.inf else 0.0 * domain.power
    placing = _by_x((placed_by or density_of)(np.arange(domain.models)), support)
    mode, width = _peak(placing, support.starts(*domain.sizes))
    low, high = (np.arcsinh(end / width) for end in domain.reach)
    grid = Grid(mode, width, low, high)
    log_f, steps, settled = _refined(density_of, domain, grid, power)
    step = (high + low) / steps
    top = log_f.max(axis=0)
    f = np.exp(log_f - top)
    total = f.sum(axis=0)
    t, x = grid.at(np.arange(len(f)) / (len(f) - 1), np.arange(domain.models))
    weight = np.where(f * np.exp(power * np.maximum(x - mode, 0.0)) < NEGLIGIBLE * total, 0.0, f / total)
    used = (weight > 0).any(axis=1)
    log_total = top + np.log(total * step)
    return Nodes(support, support.value(x)[used], weight[used], t[used], step, mode, width, log_total, settled)


def _by_x(log_density: LogDensity, support: Support) -> LogDensity:
    """The log density of x."""
    return lambda x: log_density(support.value(x)) + support.log_slope(x)


def _refined(density_of: DensityOf, domain: Domain, grid: Grid, power: Array) -> tuple[Array, Array, Array]:
    """The log density of t on the finest grid, the number of steps that each model uses, and whether its sums settled.

    Values that a model does not use are -inf.
    """

    def log_f(share: Array, models: Array) -> Array:
        t, x = grid.at(share, models)
        log_density = _by_x(density_of(models), domain.support)
        return np.asarray(log_density(x) + np.log(grid.width[models]) + np.log(np.cosh(t)))

    models, steps = np.arange(domain.models), FIRST
    values = log_f(np.arange(steps + 1) / steps, models)
    used, settled = np.full(domain.models, steps), np.zeros(domain.models, dtype=bool)
    agreed = np.ones(domain.models, dtype=bool) if domain.sharp is None else ~domain.sharp
    for _ in range(HALVINGS):
        halved = np.full((2 * steps + 1, domain.models), -np.inf)
        halved[::2] = values
        halved[1::2, models] = log_f(np.arange(1, 2 * steps, 2) / (2 * steps), models)
        values, steps = halved, 2 * steps
        used[models] = steps
        _, x = grid.at(np.arange(steps + 1) / steps, models)
        agree = _agree(values[:, models], x - grid.mode[models], power[models], domain.tolerance)
        settled[models], agreed[models] = agree & agreed[models], agreed[models] | agree
        models = np.flatnonzero(~settled)
        if not models.size:
            break
    return values, used, settled


def _peak(log_of_x: LogDensity, x: Array) -> tuple[Array, Array]:
    """The highest point of a grid, and the distance from it at which the density has fallen to about a half.

    Finer grids about the highest point follow until its neighbours are nearly as high. Both need only be approximate.
    """
    mode, width, stride = x[0], np.full(x.shape[1], np.nan), STRIDE
    for _ in range(ZOOMS):
        heights = log_of_x(x)
        heights = np.where(np.isnan(heights), -np.inf, heights)
        top = heights.argmax(axis=0)
        mode = np.where(np.isnan(width), np.take_along_axis(x, top[None], axis=0)[0], mode)
        for steps in (1, 2, 4):
            inside = (top >= steps) & (top + steps < len(x))
            sides = [np.take_along_axis(heights, (top + away * inside)[None], axis=0)[0] for away in (-steps, 0, steps)]
            near = inside & (sides[1] - (sides[0] + sides[2]) / 2 <= 1)
            width = np.where(near & (np.isnan(width) | (width < steps * stride)), steps * stride, width)
        if not np.isnan(width).any():
            break
        stride /= ZOOM
        x = mode + stride * np.arange(-ZOOM, ZOOM + 1)[:, None]
    return mode, np.where(np.isnan(width), stride, width)


def _agree(log_f: Array, x: Array, power: Array, tolerance: float) -> Array:
    """Whether every second node gives the same total, the same mean of x, and of the highest power of the value."""
    top = log_f.max(axis=0)
    f = np.exp(log_f - top)
    agree = np.ones(f.shape[1], dtype=bool)
    for rows in (f, f * np.where(f > 0, x, 0.0), f * np.exp(power * x)):
        change = np.abs(rows[::2].sum(axis=0) * 2 - rows.sum(axis=0))
        agree &= change <= (tolerance + ROUNDING * np.abs(top)) * np.abs(rows).sum(axis=0)
    return agree
