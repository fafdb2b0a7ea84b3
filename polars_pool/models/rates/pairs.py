"""Groups of rates as distinct pairs of events and trials, or exposure, each with its number of groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from ...numerics.segments import Segments
from . import likelihood

EXACT = 2.0**53  # integers up to which all are floating-point numbers
ODD = [np.uint64(x) for x in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)]  # of a hash function


@dataclass(frozen=True)
class Pairs(Segments):
    """Events and trials, or exposure, sorted by model."""

    x: Array
    n: Array
    k: Array  # number of groups with this pair

    @property
    def model(self) -> Array:
        """The number of the model of each pair."""
        return np.repeat(np.arange(self.models), self.lengths)

    def sum(self, x: Array) -> Array:
        """Sum over the groups of each model."""
        return super().sum(self.k * x)

    def excess(self, mean: Array) -> Array:
        """Events beyond their expected number at the mean of each model."""
        return likelihood.excess(self.x, self.n, self.each(mean))

    def distinct(self) -> tuple[Pairs, Array]:
        """The distinct pairs of each model, sorted by events and trials; and the number of the pair of each row."""
        events, trials = (x.max(initial=0.0) + 1 for x in (self.x, self.n))
        cells = self.models * events * trials
        if cells >= EXACT or (self.n % 1).any():
            return self._by_order(np.lexsort((self.n, self.x, self.model)))
        place = (self.model * events + self.x) * trials + self.n
        if cells > len(place):
            return self._by_order(np.argsort(place))
        return self._by_place(place.astype(np.int64), int(cells))

    def _by_order(self, order: Array) -> tuple[Pairs, Array]:
        """The distinct pairs by the order of the rows."""
        x, n, model = self.x[order], self.n[order], self.model[order]
        begins = np.ones(len(x), dtype=bool)
        begins[1:] = (x[1:] != x[:-1]) | (n[1:] != n[:-1]) | (model[1:] != model[:-1])
        first, number = np.flatnonzero(begins), np.empty(len(x), dtype=np.int64)
        number[order] = np.cumsum(begins) - 1
        start = np.searchsorted(model[first], np.arange(self.models))
        return Pairs(start, x[first], n[first], np.add.reduceat(self.k[order], first)), number

    def _by_place(self, place: Array, cells: int) -> tuple[Pairs, Array]:
        """The distinct pairs by the places of the rows in a table of all possible pairs, which are few."""
        first = np.full(cells, -1)
        first[place] = np.arange(len(place))
        cell = np.flatnonzero(first >= 0)
        row, number = first[cell], np.empty(cells, dtype=np.int64)
        number[cell] = np.arange(len(cell))
        start = np.searchsorted(self.model[row], np.arange(self.models))
        return Pairs(start, self.x[row], self.n[row], np.bincount(place, self.k, cells)[cell]), number[place]

    def first_equal(self) -> Array:
        """For each model, the first one with the same pairs: of few trials, many small models are equal."""
        every = np.arange(self.models)
        if self.models == 1:
            return every
        bits = (column.view(np.uint64) * odd for column, odd in zip((self.x, self.n, self.k), ODD, strict=True))
        mixed = np.bitwise_xor.reduce(list(bits))
        mixed = (mixed ^ (mixed >> np.uint64(29))) * ODD[0]
        hashes = np.add.reduceat(mixed ^ (mixed >> np.uint64(32)), self.start)
        _, first, number = np.unique(hashes, return_index=True, return_inverse=True)
        others = np.flatnonzero(first[number] != every)
        equal = others[self._equal(others, first[number[others]])]
        every[equal] = first[number[equal]]
        return every

    def _equal(self, models: Array, others: Array) -> Array:
        """Whether the pairs of some models are those of others."""
        result = np.asarray(self.lengths[models] == self.lengths[others])
        if (some := np.flatnonzero(result)).size:
            ours, theirs = self.take(models[some]), self.take(others[some])
            differ = (ours.x != theirs.x) | (ours.n != theirs.n) | (ours.k != theirs.k)
            result[some] = ~np.logical_or.reduceat(differ, ours.start)
        return result
