"""Groups of many models, compressed: those of nearly equal sampling variance become a few pseudo-groups.

The formulas and their source stand in formulas/compression.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from ...engines.numpy import Array
from ...formulas import compression as formulas
from ...formulas.compression import BINS, COUNTS, DEGREE, KEPT, MANY, POINTS, ZERO
from ...numerics import threads
from ...numerics.segments import PER_MODEL, Segments
from ..many import Groups

SORTED = 2**16  # groups sorted at once, by one thread: they fit into the cache
BLOCK = 2**13  # groups at once: their polynomials fit into the cache
STEPS = np.array([-1.0, 0.0, 1.0])[:, None, None]  # from the mean of a bin to its pseudo-groups, in standard deviations


def compressed(g: Groups, by: str) -> Groups:
    """The groups; models of many groups have pseudo-groups in place of groups that are similar in a column, v or w.

    Sums of smooth functions of this column, times 1, y or y^2, keep all digits, and so do the ends of both columns. The
    other columns of a pseudo-group are the means of its bin. A model keeps its groups where Float64 does not hold the
    sums.
    """
    x = getattr(g, by)
    if g.k is not None or not (g.lengths >= MANY).any():
        return g
    ends = np.stack([g.smallest(g.y), g.largest(g.y)])
    size = g.sum(x) + g.lengths * (ends * ends).sum(axis=0)
    many = np.flatnonzero((g.lengths >= MANY) & np.isfinite(size))
    if not many.size:
        return g
    others = {name: getattr(g, name) for name in ("n", "w", "squares", "v") if name != by}
    is_kept = np.ones(len(x), dtype=bool)
    pseudo = []
    for model in many:
        rows = slice(g.start[model], g.start[model] + g.lengths[model])
        bins = Bins.of(x[rows], g.y[rows])
        is_kept[rows] = (bins.number <= KEPT)[bins.place]
        columns, of_bin = bins.pseudo_groups()
        columns[by] = columns.pop("x")
        columns |= {name: bins.mean(column[rows])[of_bin] for name, column in others.items()}
        pseudo.append(columns)
    together = {name: np.concatenate([columns[name] for columns in pseudo]) for name in pseudo[0]}
    merged = _merged(g, np.flatnonzero(is_kept), together, np.repeat(many, [len(columns["k"]) for columns in pseudo]))
    return replace(merged, ends=ends)


def pseudo_groups(
    number: Array, mean: Array, sums: Array, least: Array, largest: Array
) -> tuple[dict[str, Array], Array]:
    """Columns k, x and y of the pseudo-groups of bins of many groups, and the bin of each.

    `sums` holds the sums of T_p(t) (y - mean)^q of each bin, p in the second axis and q in the third.
    """
    number, mean, least, largest = (column[:, None] for column in (number, mean, least, largest))
    sd = np.sqrt(sums[:, 0, 2:] / number)
    unit = np.where(sd > 0, sd, 1.0)
    count, first, second = np.moveaxis(np.array(COUNTS) @ sums, 2, 0)
    first, second = first / unit, second / (unit * unit)
    # With one value of v, half of the groups on each side, exactly: their precision may be infinite.
    half = np.where(np.arange(len(POINTS)) == 0, number / 2, 0.0)
    one = least == largest
    k = np.stack(
        [
            np.where(one, half, formulas.count_below(first, second)),
            np.where(one, 0.0, formulas.count_at_mean(count, second)),
            np.where(one, half, formulas.count_above(first, second)),
        ]
    )
    x, y = np.broadcast_arrays(formulas.at_point(np.array(POINTS), least, largest), mean + STEPS * sd)
    used = ((k != 0) & (number > KEPT)).nonzero()
    return {"k": k[used], "x": x[used], "y": y[used]}, used[1]


@dataclass(frozen=True)
class Bins:
    """The groups of a model: v or w, and the mean of each; the bin of each, and the number and the ends of the bins."""

    x: Array
    y: Array
    place: Array
    number: Array
    least: Array
    largest: Array

    @classmethod
    def of(cls, x: Array, y: Array) -> Bins:
        """Bins of equal ratios; the first and the last end at the least and the largest x, and 0 has a bin of its own.

        The bin is held in 16 bits, which are sorted much faster than more.
        """
        exponent = np.concatenate(threads.of_blocks(_exponent, [x[rows] for rows in threads.slices(len(x), SORTED)]))
        exponent -= (lowest := exponent.min())
        number = np.bincount(exponent)
        used = np.flatnonzero(number)
        of_exponent = np.zeros(len(number), dtype=np.int16)
        of_exponent[used] = np.arange(len(used))
        ends = np.exp2((used + np.array([[0], [1]]) + int(lowest)) / BINS).clip(x.min(), x.max())
        return cls(x, y, of_exponent[exponent], number[used], *ends)

    def mean(self, x: Array) -> Array:
        """The mean of a column in each bin; a constant has no strides."""
        return np.bincount(self.place, x) / self.number if any(x.strides) else np.full(len(self.number), x[0])

    def pseudo_groups(self) -> tuple[dict[str, Array], Array]:
        """Columns k, x and y of the pseudo-groups of bins of many groups, and the bin of each."""
        mean = self.mean(self.y)
        return pseudo_groups(self.number, mean, self._sums(mean), self.least, self.largest)

    def _sums(self, mean: Array) -> Array:
        """Sums of T_p(t) (y - mean)^q for each bin, p in the second axis and q in the third."""

        def of_rows(rows: slice) -> Array:
            sums = np.zeros((len(mean), DEGREE + 1, 3))
            polynomials, powers = np.ones((DEGREE + 1, BLOCK)), np.ones((3, BLOCK))
            for bins, some in self._blocks(rows, mean):
                some.evaluate(polynomials[:, : len(some.x)], powers[:, : len(some.x)])
                for i, start, length in zip(bins, some.start, some.lengths, strict=True):
                    of_bin = slice(start, start + length)
                    sums[i] += polynomials[:, of_bin] @ powers[:, of_bin].T
            return sums

        return np.asarray(np.sum(threads.of_blocks(of_rows, threads.slices(len(self.x), SORTED)), axis=0))

    def _blocks(self, rows: slice, mean: Array) -> Iterator[tuple[Array, Block]]:
        """Blocks of some groups sorted by their bin, and these bins."""
        place = self.place[rows]
        order, number = np.argsort(place, kind="stable"), np.bincount(place)
        bins = np.flatnonzero(number)
        number = number[bins]
        of_bins = (column[bins] for column in (self.least, self.largest, mean))
        some = Block(np.cumsum(number) - number, self.x[rows][order], self.y[rows][order], *of_bins)
        for _, of_block, block in some.blocks(BLOCK):
            yield bins[of_block], block


def _exponent(x: Array) -> Array:
    """The bin of x without a limit."""
    log = np.log2(x, out=np.full(len(x), ZERO / BINS), where=x > 0)
    return np.asarray(np.floor(BINS * log).astype(np.int16))


@dataclass(frozen=True)
class Block(Segments):
    """Groups sorted by their bin, and the ends and the mean of each bin."""

    x: Array
    y: Array
    low: Array = field(metadata=PER_MODEL)
    high: Array = field(metadata=PER_MODEL)
    mean: Array = field(metadata=PER_MODEL)

    def evaluate(self, polynomials: Array, powers: Array) -> None:
        """Write T_1, T_2, ... of t and the first two powers of y - mean into the rows after those of ones."""
        t = polynomials[1]
        t[:] = formulas.place(self.x, self.each(self.low), self.each(self.high))
        twice = 2 * t
        for before, last, following in zip(polynomials, polynomials[1:], polynomials[2:], strict=False):
            np.multiply(twice, last, out=following)
            following -= before
        np.subtract(self.y, self.each(self.mean), out=powers[1])
        np.square(powers[1], out=powers[2])


def _merged(g: Groups, kept: Array, pseudo: dict[str, Array], model: Array) -> Groups:
    """The groups at the rows that are kept, and pseudo-groups of these models, sorted by model."""
    models = np.concatenate([np.searchsorted(g.start, kept, side="right") - 1, model])
    order = np.argsort(models, kind="stable")
    columns = {
        name: np.concatenate([getattr(g, name)[kept], pseudo[name]])[order] for name in ("n", "w", "y", "squares", "v")
    }
    k = np.concatenate([np.ones(len(kept)), pseudo["k"]])[order]
    start = np.searchsorted(models[order], np.arange(g.models))
    return replace(g, start=start, k=k, **columns)
