"""The groups of many models at once: their sums, roots and minima."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import chdtri

from ..formulas import between
from ..numerics import search
from ..numerics.arrays import Array

ORDINARY = 2.0**100  # spreads up to here and down to its inverse are used in their own unit
MEASURABLE = 2.0**506  # up to here and down to its inverse Float64 holds the squares of spreads
ROUNDING = 1e-12  # relative: numbers that differ by less are equal


@dataclass(frozen=True)
class Groups:
    """Groups sorted by model; `k` groups of equal size stand together with their mean `y` and its spread among them.

    Columns have a value a row; `start` and what `sum` returns have a value a model.
    """

    start: Array  # first row of every model
    n: Array  # rows of data in each group of the row
    w: Array  # precision weight of each (n where there are no weights)
    y: Array  # mean of their means, as deviation from a pivot
    squares: Array  # mean of their sums of squares within
    v: Array  # sampling variance of each mean
    k: Array | None = None  # groups in the row; None where each has a row of its own
    spread: Array | None = None  # mean squared deviation of their means from y
    mu: Array | None = None  # known population mean of each model, as deviation from the pivot

    @property
    def models(self) -> int:
        return len(self.start)

    @cached_property
    def _lengths(self) -> Array:
        return np.diff(self.start, append=len(self.y))

    def sum(self, x: Array) -> Array:
        """Sum over the groups of each model."""
        if not self.models:
            return np.zeros(0)
        return np.add.reduceat(x if self.k is None else x * self.k, self.start, dtype=np.float64)

    def each(self, x: Array) -> Array:
        """A value a model, repeated for its groups."""
        return x if self.models == 1 else np.repeat(x, self._lengths)

    def pairs(self, w: Array) -> Array:
        """sum(w)^2 - sum(w^2), without the cancellation where one group outweighs all others."""
        s1, s2 = self.sum(w), self.sum(w * w)
        if (2 * s2 < s1 * s1).all():
            return np.asarray(s1 * s1 - s2)
        top = self.largest(w)
        is_top = w == self.each(top)
        rest = np.where(is_top, 0.0, w)
        return np.asarray(between.pairs(self.sum(is_top), top, self.sum(rest), self.sum(rest * rest)))

    def others(self, x: Array) -> Array:
        """Sum over the other groups of each group's model, without the cancellation where one outweighs all others."""
        top = self.each(self.largest(x))
        is_top = x == top
        rest = self.sum(np.where(is_top, 0.0, x))
        return np.asarray(
            np.where(is_top, self.each(rest) + (self.each(self.sum(is_top)) - 1) * top, self.each(self.sum(x)) - x)
        )

    def smallest(self, x: Array) -> Array:
        return np.minimum.reduceat(x, self.start) if self.models else np.zeros(0)

    def largest(self, x: Array) -> Array:
        return np.maximum.reduceat(x, self.start) if self.models else np.zeros(0)

    def median(self, x: Array, among: Array) -> Array:
        """Median of x over the groups of each model among some, each a row of its own; NaN where there are none."""
        count = np.add.reduceat(among, self.start, dtype=np.int64) if self.models else np.zeros(0, dtype=np.int64)
        model = self.each(np.arange(self.models)) if self.models > 1 else np.zeros(len(x), dtype=np.int64)
        sorted_x = x[np.lexsort((x, ~among, model))]
        last = len(x) - 1
        low, high = (np.minimum(self.start + np.maximum(i, 0), last) for i in ((count - 1) // 2, count // 2))
        return np.where(count > 0, (sorted_x[low] + sorted_x[high]) / 2, np.nan)

    def centre(self, c: Array) -> Array:
        """The known mu of each model, else the mean of its groups with weights c."""
        return np.asarray(self.sum(c * self.y) / self.sum(c) if self.mu is None else self.mu)

    @property
    def plain_mean(self) -> Array:
        """The known mu of each model, else the mean of its groups, each counting alike."""
        return np.asarray(self.sum(self.y) / self.groups if self.mu is None else self.mu)

    def squares_about(self, centre: Array) -> Array:
        """Squared deviation of a group's mean from the centre of its model."""
        squares = self.y - self.each(centre)
        squares *= squares
        return np.asarray(squares if self.spread is None else squares + self.spread)

    @property
    def ones(self) -> Array:
        return np.broadcast_to(1.0, self.y.shape)

    @property
    def groups(self) -> Array:
        """J of each model."""
        return self._lengths * 1.0 if self.k is None else self.sum(self.ones)

    @property
    def rows(self) -> Array:
        """N of each model."""
        return self.sum(self.n)

    @property
    def fitted(self) -> int:
        """Degrees of freedom spent on mu."""
        return 1 if self.mu is None else 0

    @property
    def squares_within(self) -> Array:
        """SSW of each model."""
        return self.sum(self.squares)

    @property
    def told_by_weights(self) -> Array:
        """Models of one row per group whose unequal weights tell sigma2 from tau2: Var(y) = tau2 + sigma2 / w.

        Two variances take two deviations from mu. Equal weights, but for rounding, leave only the sum of both.
        """
        most = self.largest(self.w)
        unequal = most - self.smallest(self.w) > ROUNDING * most
        return np.asarray((self.rows == self.groups) & unequal & (self.groups - self.fitted >= 2))

    @property
    def tells_variances(self) -> Array:
        """Models whose rows have a likelihood with a maximum in sigma2 and tau2."""
        return np.asarray((self.squares_within > 0) | (self.told_by_weights & self.apart))

    @cached_property
    def size(self) -> Array:
        """The spread of each model; where the means and rows do not differ, the least number to compute with."""
        most, least = self.largest(self.y), self.smallest(self.y)
        width = most - least + (0.0 if self.spread is None else np.sqrt(self.largest(self.spread)))
        v = np.sqrt(np.fmax(self.v, 0.0))
        size = np.maximum(np.maximum(width, np.sqrt(self.squares_within / self.rows)), self.smallest(v))
        # Squares of values near 0 may be 0 themselves.
        for other in (self.largest(v), np.maximum(np.abs(most), np.abs(least)), 1.0):
            size = np.where(size == 0, other, size)
        return size

    @property
    def measurable(self) -> Array:
        """Models whose spread has squares that Float64 holds; or that have none."""
        return np.asarray((self.size > 1 / MEASURABLE) & (self.size < MEASURABLE))

    @cached_property
    def unit(self) -> Array:
        """The unit of each model to compute in: a power of two near a spread whose fourth power is not safe, else 1."""
        ordinary = (self.size > 1 / ORDINARY) & (self.size < ORDINARY)
        return np.where(ordinary | ~self.measurable, 1.0, np.exp2(np.rint(np.log2(self.size))))

    def scaled(self, factor: Array) -> Groups:
        """The same groups with the values of each model multiplied by a power of two."""
        if (factor == 1).all():
            return self
        each, square = self.each(factor), self.each(factor * factor)
        return replace(
            self,
            y=self.y * each,
            squares=self.squares * square,
            v=self.v * square,
            spread=None if self.spread is None else self.spread * square,
            mu=None if self.mu is None else self.mu * factor,
        )

    @property
    def apart(self) -> Array:
        """Models whose means differ by more than the rounding of sums of equal rows, which says nothing of groups."""
        rounding = (4 * np.finfo(float).eps) ** 2 * self.reach(np.zeros(self.models))
        return np.asarray(self.reach(self.plain_mean) > rounding)

    @property
    def exact(self) -> Array:
        """How many groups of each model have v = 0."""
        return self.sum(np.asarray(self.v == 0))

    def reach(self, centre: Array) -> Array:
        """A bound on the squared deviation of any group of a model from the centre."""
        means = np.maximum((self.largest(self.y) - centre) ** 2, (self.smallest(self.y) - centre) ** 2)
        return np.asarray(means if self.spread is None else 2 * (means + self.largest(self.k * self.spread)))

    def chi2_median(self, df: Array) -> Array:
        """Median of the chi-square distribution."""
        return np.asarray(chdtri(df, 0.5))

    def take(self, models: Array) -> Groups:
        """The groups of some models, in the order given."""
        if len(models) == self.models and np.array_equal(models, np.arange(self.models)):
            return self
        lengths = self._lengths[models]
        start = np.cumsum(lengths) - lengths
        rows = np.repeat(self.start[models] - start, lengths) + np.arange(lengths.sum())
        columns = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("start", "mu")}
        picked: dict[str, Any] = {name: None if x is None else x[rows] for name, x in columns.items()}
        return Groups(start=start, mu=None if self.mu is None else self.mu[models], **picked)

    def about(self, centre: Array) -> Groups:
        """The same groups with the pivot of each model moved by `centre`."""
        return replace(self, y=self.y - self.each(centre), mu=None if self.mu is None else self.mu - centre)

    def binned(self, x: Array, bins: int = 128) -> Groups:
        """Groups of alike log x merged into at most `bins` rows a model: enough to see where a maximum lies."""
        if len(self.y) <= 4 * bins * self.models:
            return self
        cells = bins * self.models
        cell = self._cell(x, bins)
        used = np.flatnonzero(np.bincount(cell, minlength=cells))

        def total(column: Array) -> Array:
            return np.bincount(cell, column if self.k is None else column * self.k, cells)

        count = total(self.ones)
        y = total(self.y) / count
        deviation = y[cell]
        deviation -= self.y
        deviation *= deviation
        if self.spread is not None:
            deviation += self.spread
        columns = (total(column) for column in (self.n, self.w, deviation, self.squares, self.v))
        n, w, spread, squares, v = ((column / count)[used] for column in columns)
        start = np.searchsorted(used, np.arange(self.models) * bins)
        return Groups(start, n, w, y[used], squares, v, count[used], spread, self.mu)

    def _cell(self, x: Array, bins: int) -> Array:
        """The bin of log x that every row falls in; those of a model follow those of the model before."""
        exponent = np.maximum(x, np.finfo(float).tiny)
        np.log(exponent, out=exponent)
        low, high = self.smallest(exponent), self.largest(exponent)
        exponent -= self.each(low)
        exponent *= self.each((bins - 1) / np.where(high > low, high - low, 1.0))
        exponent += self.each(np.arange(self.models) * bins)
        return exponent.astype(np.int64)

    def root(self, function: Callable[..., Array], low: Array, high: Array, *more: Array) -> tuple[Array, Array]:
        """Root of an increasing function in [low, high], one a model, and whether it settled.

        The function is given the groups, the argument, and `more`, each a value a model.
        """
        return search.root(self, function, np.arange(self.models), low, high, *more)

    def minimise(
        self, deviance: search.Function, slope: search.Function, by: Array, **within: Array
    ) -> tuple[Array, Array]:
        """Global minimum of a deviance, one a model, and whether it settled; `within` as in search.Range.

        Where it lies is seen on groups binned by `by` where they are many.
        """
        return search.minimum(self, self.binned(by), deviance, slope, search.Range(**within))
