"""The groups of many models at once: their sums, units, bins, and roots and minima of functions of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..engines.numpy import Array
from ..formulas import between
from ..numerics import search
from ..numerics.segments import PER_MODEL, Segments, Table

ORDINARY = 2.0**100  # spreads between its inverse and this are used in their own unit
MEASURABLE = 2.0**506  # spreads between its inverse and this have squares that Float64 holds
ROOM = 2**15  # groups at once, where models are many: their numbers fit into the cache
ALIKE = 128  # models of equal length that are worth a table
LONG = 2**12  # rows of a model that are not: their sums are long rows already, and they may be compressed
ROUNDING = 1e-12  # relative difference up to which two numbers count as equal


@dataclass(frozen=True)
class Groups(Segments):
    """Groups sorted by model; one row holds `k` groups of equal size, with the mean `y` and the spread of their means.

    In a compressed model, `k` can be negative or fractional (oneway/compression.py); only its sum is a whole number.
    Columns have one value per row; what `sum` returns has one value per model.
    """

    n: Array  # rows of data in each group of the row
    w: Array  # precision weight of each group (n where there are no weights)
    y: Array  # mean of the groups' means, as deviation from a pivot
    squares: Array  # mean of the groups' sums of squares within
    v: Array  # sampling variance of each group's mean
    k: Array | None = None  # groups in the row; None where each group has a row of its own
    spread: Array | None = None  # mean squared deviation of the groups' means from y
    mu: Array | None = field(default=None, metadata=PER_MODEL)  # known population mean, as deviation from the pivot
    ends: Array | None = field(default=None, metadata=PER_MODEL)  # the least and the largest mean of compressed groups
    squeezed: Array | None = field(default=None, metadata=PER_MODEL)  # prior df and variance of their own variances

    def sum(self, x: Array) -> Array:
        """Sum over the groups of each model."""
        return super().sum(x if self.k is None else x * self.k)

    def dot(self, x: Array, y: Array) -> Array:
        """Sum of products over the groups of each model."""
        return self.sum(x * y)

    def pairs(self, w: Array) -> Array:
        """sum(w)^2 - sum(w^2) of each model, without cancellation where one group outweighs all others."""
        s1, s2 = self.sum(w), self.sum(w * w)
        if (2 * s2 < s1 * s1).all():
            return np.asarray(s1 * s1 - s2)
        top = self.largest(w)
        is_top = w == self.each(top)
        rest = np.where(is_top, 0.0, w)
        return np.asarray(between.pairs(self.sum(is_top), top, self.sum(rest), self.sum(rest * rest)))

    def others(self, x: Array) -> Array:
        """Sum of x over the other groups of the model, for each group; without cancellation where one outweighs all."""
        top = self.each(self.largest(x))
        is_top = x == top
        rest = self.sum(np.where(is_top, 0.0, x))
        return np.asarray(
            np.where(is_top, self.each(rest) + (self.each(self.sum(is_top)) - 1) * top, self.each(self.sum(x)) - x)
        )

    def centre(self, c: Array) -> Array:
        """The known mu of each model, else the mean of its groups with weights c."""
        return np.asarray(self.sum(c * self.y) / self.sum(c) if self.mu is None else self.mu)

    @property
    def plain_mean(self) -> Array:
        """The known mu of each model, else the mean of its groups with equal weights."""
        return np.asarray(self.sum(self.y) / self.groups if self.mu is None else self.mu)

    def squares_about(self, centre: Array) -> Array:
        """Squared deviation of each group's mean from the centre of its model."""
        squares = self.y - self.each(centre)
        squares *= squares
        return np.asarray(squares if self.spread is None else squares + self.spread)

    @property
    def ones(self) -> Array:
        return np.broadcast_to(1.0, self.y.shape)

    @cached_property
    def groups(self) -> Array:
        """Number of groups of each model, J."""
        return self.lengths * 1.0 if self.k is None else np.rint(self.sum(self.ones))

    @cached_property
    def rows(self) -> Array:
        """Number of rows of data of each model, N."""
        return np.rint(self.sum(self.n))

    @property
    def fitted(self) -> int:
        """Degrees of freedom that the estimate of mu takes: 0 where mu is known."""
        return 1 if self.mu is None else 0

    @cached_property
    def squares_within(self) -> Array:
        """Sum of squares within groups of each model, SSW."""
        return self.sum(self.squares)

    @property
    def weights_identify_sigma2(self) -> Array:
        """Whether each model has one row per group with unequal weights, as Var(y) = tau2 + sigma2 / w.

        Two variances need two deviations from mu. Weights that are equal, except for rounding, identify only their sum.
        """
        return np.asarray((self.rows == self.groups) & self.unequal(self.w) & (self.groups - self.fitted >= 2))

    def unequal(self, x: Array) -> Array:
        """Whether x differs among the groups of each model, by more than rounding."""
        most = self.largest(x)
        return np.asarray(most - self.smallest(x) > ROUNDING * most)

    @property
    def identifies_variances(self) -> Array:
        """Whether the likelihood of the rows of each model has a maximum in sigma2 and tau2."""
        return np.asarray((self.squares_within > 0) | (self.weights_identify_sigma2 & self.apart))

    @property
    def range(self) -> tuple[Array, Array]:
        """The least and the largest mean of each model; of classes, the mean of their means."""
        return (self.smallest(self.y), self.largest(self.y)) if self.ends is None else (self.ends[0], self.ends[1])

    @cached_property
    def size(self) -> Array:
        """The spread of each model; where its means and rows do not differ, another positive size of its numbers."""
        least, most = self.range
        width = most - least + (0.0 if self.spread is None else np.sqrt(self.largest(self.spread)))
        v = np.sqrt(np.fmax(self.v, 0.0))
        size = np.maximum(np.fmax(width, np.sqrt(self.squares_within / self.rows)), self.smallest(v))
        # The squares of values near 0 can be 0.
        for other in (self.largest(v), np.maximum(np.abs(most), np.abs(least)), 1.0):
            size = np.where(size == 0, other, size)
        return size

    @property
    def measurable(self) -> Array:
        """Whether Float64 holds the square of the spread of each model."""
        return np.asarray((self.size > 1 / MEASURABLE) & (self.size < MEASURABLE))

    @cached_property
    def unit(self) -> Array:
        """The unit to compute each model in: 1, or a power of two near a spread whose fourth power is not safe."""
        ordinary = (self.size > 1 / ORDINARY) & (self.size < ORDINARY)
        return np.where(ordinary | ~self.measurable, 1.0, np.exp2(np.rint(np.log2(self.size))))

    def scaled(self, factor: Array) -> Groups:
        """The groups with the values of each model multiplied by a factor, a power of two."""
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
            ends=None if self.ends is None else self.ends * factor,
        )

    @property
    def apart(self) -> Array:
        """Whether the means of each model differ by more than the rounding of sums of equal rows."""
        rounding = (4 * np.finfo(float).eps) ** 2 * self.reach(np.zeros(self.models))
        return np.asarray(self.reach(self.plain_mean) > rounding)

    @property
    def exact(self) -> Array:
        """Number of groups with v = 0 of each model."""
        return np.rint(self.sum(np.asarray(self.v == 0)))

    def reach(self, centre: Array) -> Array:
        """An upper bound of the squared deviations of a model's groups from the centre."""
        least, most = self.range
        means = np.maximum((most - centre) ** 2, (least - centre) ** 2)
        return np.asarray(means if self.spread is None else 2 * (means + self.largest(self.k * self.spread)))

    def about(self, centre: Array) -> Groups:
        """The groups with the pivot of each model moved by `centre`."""
        mu, ends = (None if x is None else x - centre for x in (self.mu, self.ends))
        return replace(self, y=self.y - self.each(centre), mu=mu, ends=ends)

    def binned(self, x: Array, bins: int = 128) -> Groups:
        """Groups with similar log x merged into at most `bins` rows per model, which show where a maximum lies."""
        if self.ends is not None or len(self.y) <= 4 * bins * self.models:
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
        """The bin of log x that each row falls in; the bins of a model follow those of the previous model."""
        exponent = np.maximum(x, np.finfo(float).tiny)
        np.log(exponent, out=exponent)
        low, high = self.smallest(exponent), self.largest(exponent)
        exponent -= self.each(low)
        exponent *= self.each((bins - 1) / np.where(high > low, high - low, 1.0))
        exponent += self.each(np.arange(self.models) * bins)
        return exponent.astype(np.int64)

    def root(self, function: Callable[..., Array], low: Array, high: Array, *more: Array) -> tuple[Array, Array]:
        """Root of an increasing function in [low, high] for each model, and whether the search converged.

        The function takes the groups, the argument, and `more`, each with one value per model.
        """
        return search.root(self, function, np.arange(self.models), low, high, *more)

    def minimise(
        self, deviance: search.Function, slope: search.Function, by: Array, within: search.Range
    ) -> tuple[Array, Array]:
        """Global minimum of a deviance for each model, and whether the search converged.

        Of many groups, the search looks for minima on groups binned by `by` first.
        """
        return search.minimum(self, self.binned(by), deviance, slope, within)

    def batches(self) -> Iterator[tuple[Array, int]]:
        """Some models at a time: those of equal length with this length, the others with 0."""
        lengths = self.lengths
        order = np.argsort(lengths, kind="stable")
        each, start, number = np.unique(lengths[order], return_index=True, return_counts=True)
        is_many = (number >= ALIKE) & (each < LONG)
        for length, first, count in zip(each[is_many], start[is_many], number[is_many], strict=True):
            at_once = max(ALIKE, ROOM // length)
            for begin in range(first, first + count, at_once):
                yield order[begin : min(begin + at_once, first + count)], int(length)
        if (rest := order[~np.repeat(is_many, number)]).size:
            yield rest, 0

    def batch(self, models: Array, length: int) -> Groups:
        """The groups of such models: as a table, if they are of equal length."""
        if length == 0:
            return self.take(models)
        rows = self.start[models] + np.arange(length)[:, None]
        return EqualGroups(**self.picked(lambda x, per_model: x[..., models if per_model else rows]))


@dataclass(frozen=True)
class EqualGroups(Groups, Table):
    """Groups of models that have equally many rows each: one row per place, one column per model."""

    def sum(self, x: Array) -> Array:
        return super().sum(x) if self.k is None else np.einsum("ij,ij->j", x, self.k)

    def dot(self, x: Array, y: Array) -> Array:
        return np.asarray(np.einsum("ij,ij->j", x, y) if self.k is None else np.einsum("ij,ij,ij->j", x, y, self.k))
