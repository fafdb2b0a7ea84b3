"""Sums, extremes and choices over segments of arrays: the consecutive rows that belong to one model.

An array has its rows in the last axis. Each model has at least one row. A container of such arrays is a frozen
dataclass that extends `Segments`; fields with the metadata PER_MODEL have one value per model, all others one per row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from .arrays import Array

PER_MODEL = {"per": "model"}  # metadata of a field with one value per model


def _is_per_model(column: Field[Any]) -> bool:
    return column.metadata == PER_MODEL


@dataclass(frozen=True)
class Segments:
    """Rows sorted by model, and the first row of each model."""

    start: Array = field(metadata=PER_MODEL)

    @property
    def models(self) -> int:
        """Number of models."""
        return len(self.start)

    @cached_property
    def lengths(self) -> Array:
        """Number of rows of each model."""
        columns = (getattr(self, f.name) for f in fields(self) if not _is_per_model(f))
        return np.diff(self.start, append=next(x.shape[-1] for x in columns if x is not None))

    def sum(self, x: Array) -> Array:
        """Sum over the rows of each model."""
        return np.add.reduceat(x, self.start, axis=-1, dtype=np.float64) if self.models else np.zeros(0)

    def each(self, x: Array) -> Array:
        """The value of its model for each row; the value itself, which broadcasts, where there is one model."""
        return x if self.models == 1 else np.repeat(x, self.lengths, axis=-1)

    def smallest(self, x: Array) -> Array:
        """Smallest value among the rows of each model."""
        return np.minimum.reduceat(x, self.start) if self.models else np.zeros(0)

    def largest(self, x: Array) -> Array:
        """Largest value among the rows of each model."""
        return np.maximum.reduceat(x, self.start) if self.models else np.zeros(0)

    def median(self, x: Array, among: Array) -> Array:
        """Median of x over the rows of each model where `among` is true; NaN where it is true in no row."""
        count = np.add.reduceat(among, self.start, dtype=np.int64) if self.models else np.zeros(0, dtype=np.int64)
        model = np.repeat(np.arange(self.models), self.lengths)
        sorted_x = x[np.lexsort((x, ~among, model))]
        last = len(x) - 1
        low, high = (np.minimum(self.start + np.maximum(i, 0), last) for i in ((count - 1) // 2, count // 2))
        return np.where(count > 0, (sorted_x[low] + sorted_x[high]) / 2, np.nan)

    def rows_of(self, models: Array) -> Array:
        """The row numbers of some models, in the order of `models`."""
        lengths = self.lengths[models]
        start = np.cumsum(lengths) - lengths
        return np.repeat(self.start[models] - start, lengths) + np.arange(lengths.sum())

    def take(self, models: Array) -> Self:
        """The same arrays of some models, in the order of `models`; a model may occur several times."""
        if len(models) == self.models and np.array_equal(models, np.arange(self.models)):
            return self
        lengths = self.lengths[models]
        return self._picked(np.cumsum(lengths) - lengths, self.rows_of(models), models)

    def thinned(self, most: int) -> Self:
        """At most so many rows of each model, at equal distances."""
        if self.lengths.max(initial=0) <= most:
            return self
        place = np.arange(self.lengths.sum()) - np.repeat(self.start, self.lengths)
        rows = np.flatnonzero(place % np.repeat(-(-self.lengths // most), self.lengths) == 0)
        return self._picked(np.searchsorted(rows, self.start), rows, np.arange(self.models))

    def _picked(self, start: Array, rows: Array, models: Array) -> Self:
        """A container of the arrays at some rows and models, which begin at `start`."""
        columns = self.picked(lambda x, per_model: np.take(x, models if per_model else rows, axis=-1))
        return replace(self, **columns | {"start": start})

    def picked(self, pick: Callable[[Array, bool], Array]) -> dict[str, Any]:
        """What a function picks from each array, by whether it has one value per model; once from equal arrays."""
        columns: dict[str, Any] = {}
        of_array: dict[int, Array] = {}
        for f in fields(self):
            if (x := getattr(self, f.name)) is not None:
                if id(x) not in of_array:
                    of_array[id(x)] = pick(x, _is_per_model(f))
                columns[f.name] = of_array[id(x)]
        return columns

    def blocks(self, size: int) -> Iterator[tuple[slice, slice, Self]]:
        """Blocks of at most `size` consecutive rows: their rows, their models, and views of the arrays of both.

        A model may extend over several blocks.
        """
        end = int(self.lengths.sum())
        if end <= size:
            yield slice(0, end), slice(0, self.models), self
            return
        for begin in range(0, end, size):
            rows = slice(begin, min(begin + size, end))
            first = int(np.searchsorted(self.start, rows.start, side="right")) - 1
            models = slice(first, int(np.searchsorted(self.start, rows.stop, side="left")))
            columns: dict[str, Any] = {"start": np.maximum(self.start[models] - begin, 0)}
            for f in fields(self):
                if f.name != "start" and (x := getattr(self, f.name)) is not None:
                    columns[f.name] = x[..., models if _is_per_model(f) else rows]
            yield rows, models, replace(self, **columns)


@dataclass(frozen=True)
class Counted(Segments):
    """Rows that stand for several equal ones: `k` is their number, which can be fractional, or None for one each."""

    k: Array | None = field(default=None, kw_only=True)

    @property
    def counts(self) -> Array:
        """The number of rows that those of each model stand for."""
        return self.lengths if self.k is None else np.rint(super().sum(self.k))

    def times(self, x: Array) -> Array:
        """The rows, each times the number of rows that it stands for."""
        return x if self.k is None else x * self.k

    def sum(self, x: Array) -> Array:
        return super().sum(self.times(x))

    def median(self, x: Array, among: Array) -> Array:
        """The same of the rows that these stand for; `k` are whole numbers."""
        if self.k is None:
            return super().median(x, among)
        times = self.k * among
        count = super().sum(times)
        order = np.lexsort((x, np.repeat(np.arange(self.models), self.lengths)))
        end, before, last = np.cumsum(times[order]), np.cumsum(count) - count, len(x) - 1
        low, high = (
            np.minimum(np.searchsorted(end, before + i, side="right"), last) for i in ((count - 1) // 2, count // 2)
        )
        return np.where(count > 0, (x[order][low] + x[order][high]) / 2, np.nan)


@dataclass(frozen=True)
class Table(Segments):
    """Segments of equal length as the columns of arrays: sums of many short segments are then sums of a few long rows.

    Values of each model are broadcast to its rows.
    """

    @property
    def lengths(self) -> Array:
        columns = (getattr(self, f.name) for f in fields(self) if not _is_per_model(f))
        return np.full(self.models, next(len(x) for x in columns if x is not None))

    def sum(self, x: Array) -> Array:
        return np.asarray(x.sum(axis=0, dtype=np.float64))

    def each(self, x: Array) -> Array:
        return x

    def smallest(self, x: Array) -> Array:
        return np.asarray(x.min(axis=0))

    def largest(self, x: Array) -> Array:
        return np.asarray(x.max(axis=0))

    def median(self, x: Array, among: Array) -> Array:
        count = np.count_nonzero(among, axis=0)
        sorted_x = np.sort(np.where(among, x, np.inf), axis=0)
        low, high = (np.take_along_axis(sorted_x, np.maximum(i, 0)[None], 0) for i in ((count - 1) // 2, count // 2))
        return np.where(count > 0, (low[0] + high[0]) / 2, np.nan)

    def take(self, models: Array) -> Self:
        if len(models) == self.models and np.array_equal(models, np.arange(self.models)):
            return self
        return replace(self, **self.picked(lambda x, _: np.take(x, models, axis=-1)))

    def blocks(self, size: int) -> Iterator[tuple[slice, slice, Self]]:
        yield slice(None), slice(None), self
