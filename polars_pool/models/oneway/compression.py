"""Groups of many models, compressed: those of nearly equal sampling variance become a few pseudo-groups.

The formulas and their source stand in formulas/compression.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...engines.numpy import Array
from ...formulas import compression as formulas
from ...formulas.compression import BINS, COUNTS, DEGREE, KEPT, MANY, POINTS
from ...numerics.segments import Segments
from ..many import Groups

BLOCK = 2**13  # groups at once: their polynomials fit into the cache
ZERO = -10_000  # the bin of 0; Float64 has none below -8,600
STEPS = np.array([-1.0, 0.0, 1.0])[:, None, None]  # from the mean of a bin to its pseudo-groups, in standard deviations


def compressed(g: Groups, by: str) -> Groups:
    """The groups; models of many groups have pseudo-groups in place of groups that are similar in a column, v or w.

    Sums of smooth functions of this column, times 1, y or y^2, keep all digits, and so do the ends of both columns. The
    other columns of a pseudo-group are the means of its bin.
    """
    x = getattr(g, by)
    many = (g.lengths >= MANY) & np.isfinite(g.sum(x))
    if g.k is not None or not many.any():
        return g
    bin_of_row, model_of_bin = _bins(x, g)
    in_bin = np.bincount(bin_of_row)
    dense = (in_bin > KEPT) & many[model_of_bin]
    order, in_dense = np.argsort(bin_of_row, kind="stable"), np.repeat(dense, in_bin)
    kept, order = np.sort(order[~in_dense]), order[in_dense]
    number = in_bin[dense]
    bins = Bins(np.cumsum(number) - number, x[order], g.y[order])
    pseudo, bin_of_pseudo = bins.pseudo_groups()
    pseudo[by] = pseudo.pop("x")
    for name in {"n", "w", "squares", "v"} - {by}:
        mean = np.bincount(bin_of_row, getattr(g, name))[dense] / number
        pseudo[name] = mean[bin_of_pseudo]
    return _merged(g, kept, pseudo, model_of_bin[dense][bin_of_pseudo])


def _bins(x: Array, g: Groups) -> tuple[Array, Array]:
    """The bin of each row, numbered by model and size, and the model of each bin; 0 has a bin of its own."""
    place = np.empty(len(x), dtype=np.int32)
    for start in range(0, len(x), BLOCK):
        some = x[start : start + BLOCK]
        place[start : start + BLOCK] = np.where(some > 0, np.floor(BINS * np.log2(np.where(some > 0, some, 1.0))), ZERO)
    place -= place.min()
    width = int(place.max()) + 1
    cell = place if g.models == 1 else place + g.each(width * np.arange(g.models))
    used = np.flatnonzero(np.bincount(cell))
    number = np.zeros(used[-1] + 1, dtype=np.min_scalar_type(len(used)))  # 16 bits are sorted much faster than more
    number[used] = np.arange(len(used))
    return number[cell], used // width


@dataclass(frozen=True)
class Bins(Segments):
    """The groups of each bin: their v or w, and their mean."""

    x: Array
    y: Array

    def pseudo_groups(self) -> tuple[dict[str, Array], Array]:
        """Columns k, x and y of the pseudo-groups of all bins, and the bin of each."""
        number, mean = self.lengths[:, None], (self.sum(self.y) / self.lengths)[:, None]
        least, largest = self.smallest(self.x)[:, None], self.largest(self.x)[:, None]
        sums = self._sums(least, largest, mean)
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
        used = (k != 0).nonzero()
        return {"k": k[used], "x": x[used], "y": y[used]}, used[1]

    def _sums(self, least: Array, largest: Array, mean: Array) -> Array:
        """Sums of T_p(t) (y - mean)^q for each bin, p in the second axis and q in the third."""
        sums = np.zeros((self.models, DEGREE + 1, 3))
        for _, of_block, some in self.blocks(BLOCK):
            t = formulas.place(some.x, some.each(least[of_block, 0]), some.each(largest[of_block, 0]))
            polynomials = np.empty((DEGREE + 1, len(t)))
            polynomials[0], polynomials[1] = 1, t
            for p in range(1, DEGREE):
                polynomials[p + 1] = formulas.next_polynomial(t, polynomials[p], polynomials[p - 1])
            deviation = some.y - some.each(mean[of_block, 0])
            powers = np.stack([np.ones_like(t), deviation, deviation * deviation], axis=1)
            for i, begin, length in zip(range(self.models)[of_block], some.start, some.lengths, strict=True):
                rows = slice(begin, begin + length)
                sums[i] += polynomials[:, rows] @ powers[rows]
        return sums


def _merged(g: Groups, kept: Array, pseudo: dict[str, Array], model: Array) -> Groups:
    """The groups at the rows that are kept, and pseudo-groups of these models, sorted by model."""
    models = np.concatenate([np.searchsorted(g.start, kept, side="right") - 1, model])
    order = np.argsort(models, kind="stable")
    columns = {
        name: np.concatenate([getattr(g, name)[kept], pseudo[name]])[order] for name in ("n", "w", "y", "squares", "v")
    }
    k = np.concatenate([np.ones(len(kept)), pseudo["k"]])[order]
    start = np.searchsorted(models[order], np.arange(g.models))
    ends = np.stack([g.smallest(g.y), g.largest(g.y)])
    return replace(g, start=start, k=k, ends=ends, **columns)
