"""Nodes of tau where the posterior is, for many models at once: the trapezoid rule after x = mode + width sinh(t).

x is log tau, or the logit between the limits of a bounded prior: there the density falls exponentially on both sides,
and sinh makes of it a double exponential fall, for which the trapezoid rule is as good as any (Takahasi & Mori 1974).
The step is halved until halving it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, sici

from . import newton
from .arrays import Array

LogDensity = Callable[[Array], Array]  # at any number of rows, each with a value a model
DensityOf = Callable[[Array], LogDensity]  # of the models listed

SETTLED = 1e-11  # change of the sums by the last halving: the error left is its square, that of `below` its size
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
        return np.asarray(self.lower + (self.upper - self.lower) * expit(x))

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
    """Nodes of a positive variable, a row a node and a column a model; those that a model does not need weigh 0."""

    support: Support
    value: Array
    weight: Array  # posterior probability of each node
    t: Array
    step: Array  # of t, a value a model
    mode: Array
    width: Array
    log_total: Array  # log of the integral of the density
    settled: Array

    @property
    def reach(self) -> tuple[Array, Array]:
        """The least and the largest x of the nodes of every model."""
        x = self.mode + self.width * np.sinh(np.where(self.weight > 0, self.t, np.nan))
        return np.nanmin(x, axis=0), np.nanmax(x, axis=0)

    def below(self, x: Array, models: Array) -> Array:
        """Probability of less than x, one a model listed: the integral of the rule's own sinc interpolant.

        Source: Stenger (1993), Numerical Methods Based on Sinc and Analytic Functions, section 3.6.
        """
        t = np.arcsinh((x - self.mode[models]) / self.width[models])
        sine_integral, _ = sici(np.pi * (t - self.t[:, models]) / self.step[models])
        return np.asarray((self.weight[:, models] * (0.5 + sine_integral / np.pi)).sum(axis=0))

    def quantile(self, probability: Array, models: Array) -> Array:
        """The value that is not exceeded with a probability, one a model listed."""
        used = self.weight > 0
        first, last = used.argmax(axis=0), len(self.t) - 1 - used[::-1].argmax(axis=0)
        at = (np.cumsum(self.weight, axis=0)[:, models] < probability).sum(axis=0)
        # The rule's sums tell a quantile to a node or two.
        low, start, high = (
            self.t[np.clip(at + away, first[models], last[models]), models] for away in (-NEARBY, 0, NEARBY)
        )

        def distribution(t: Array, i: Array) -> tuple[Array, Array]:
            away = (t - self.t[:, models[i]]) / self.step[models[i]]
            sine_integral, _ = sici(np.pi * away)
            weight = self.weight[:, models[i]]
            density = (weight * np.sinc(away)).sum(axis=0) / self.step[models[i]]
            return (weight * (0.5 + sine_integral / np.pi)).sum(axis=0), density

        t, settled = newton.quantile(distribution, probability, start, low, high, self.step[models])
        value = self.support.value(self.mode[models] + self.width[models] * np.sinh(t))
        return np.where(settled, value, np.nan)


def nodes(
    density_of: DensityOf,
    models: int,
    support: Support,
    sizes: tuple[Array, Array],
    reach: tuple[float, Array],
    power: Array,
    placed_by: DensityOf | None = None,
    tolerance: float = SETTLED,
    sharp: Array | None = None,
) -> Nodes:
    """Nodes of a log density, one a model, that may have any total.

    `sizes` are the smallest and largest value to look about. The nodes reach so far below and above the mode in x that
    nothing is left of the density, nor of it times the value to this power, the largest that has a mean. Where it lies
    may be told by another density that costs less. `sharp` models will be asked for means of what
    changes faster than their density: there the step is halved once more.
    """
    every = np.arange(models)
    power = power if support.upper == np.inf else 0.0 * power

    def by_x(log_density: LogDensity) -> LogDensity:
        return lambda x: log_density(support.value(x)) + support.log_slope(x)

    placing = by_x((placed_by or density_of)(every))
    mode, width = _peak(placing, support.starts(*sizes))
    low, high = (np.arcsinh(end / width) for end in reach)

    def x_at(share: Array, chosen: Array) -> tuple[Array, Array]:
        """t at shares of its reach, and x there."""
        t = (high + low)[chosen] * share[:, None] - low[chosen]
        return t, mode[chosen] + width[chosen] * np.sinh(t)

    def log_f(share: Array, chosen: Array) -> Array:
        """Log density of t."""
        t, x = x_at(share, chosen)
        return np.asarray(by_x(density_of(chosen))(x) + np.log(width[chosen]) + np.log(np.cosh(t)))

    chosen, steps = every, FIRST
    found = log_f(np.arange(steps + 1) / steps, every)
    at, settled = np.full(models, steps), np.zeros(models, dtype=bool)
    agreed = np.ones(models, dtype=bool) if sharp is None else ~sharp
    for _ in range(HALVINGS):
        halved = np.full((2 * steps + 1, models), -np.inf)
        halved[::2] = found
        halved[1::2, chosen] = log_f(np.arange(1, 2 * steps, 2) / (2 * steps), chosen)
        found, steps = halved, 2 * steps
        at[chosen] = steps
        _, x = x_at(np.arange(steps + 1) / steps, chosen)
        agree = _agree(found[:, chosen], x - mode[chosen], power[chosen], tolerance)
        settled[chosen], agreed[chosen] = agree & agreed[chosen], agreed[chosen] | agree
        chosen = np.flatnonzero(~settled)
        if not chosen.size:
            break
    step = (high + low) / at
    top = found.max(axis=0)
    f = np.exp(found - top)
    total = f.sum(axis=0)
    t, x = x_at(np.arange(steps + 1) / steps, every)
    weight = np.where(f * np.exp(power * np.maximum(x - mode, 0.0)) < NEGLIGIBLE * total, 0.0, f / total)
    used = (weight > 0).any(axis=1)
    log_total = top + np.log(total * step)
    return Nodes(support, support.value(x)[used], weight[used], t[used], step, mode, width, log_total, settled)


def _peak(log_of_x: LogDensity, x: Array) -> tuple[Array, Array]:
    """The highest point of a grid and how far from it the density has fallen to some half.

    Finer grids about the highest point follow until its neighbours are not far below it: the mode only has to be near,
    as its width is.
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
