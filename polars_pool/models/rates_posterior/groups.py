"""Rows to one row per group, as for an estimated prior; and what the prior of the parameters depends on."""

from __future__ import annotations

import numpy as np

from ...engines.numpy import Array
from ..rates.groups import SIZE, X, grouped
from ..rates.pairs import Pairs
from ..rates.unseen import with_unseen

__all__ = ["SIZE", "X", "grouped", "median_exposure", "with_unseen"]


def median_exposure(pairs: Pairs) -> Array:
    """The median exposure of the groups of each model; 1 where there is no group with an exposure."""
    order = np.lexsort((pairs.n, pairs.model))
    n, model, k = pairs.n[order], pairs.model[order], np.where(pairs.n[order] > 0, pairs.k[order], 0.0)
    sums = np.cumsum(k)
    before = np.append(0.0, sums)[pairs.start]
    groups = np.append(sums, 0.0)[np.append(pairs.start[1:], len(sums)) - 1] - before
    low, high = (np.searchsorted(sums, before + (groups + more) // 2, side="left") for more in (1, 2))
    last = len(n) - 1
    median = (n[np.minimum(low, last)] + n[np.minimum(high, last)]) / 2
    return np.where((groups > 0) & (model[pairs.start] >= 0), median, 1.0)
