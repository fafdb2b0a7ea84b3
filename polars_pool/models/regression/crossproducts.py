"""The cross-products of many groups as arrays: all that a regression needs of their rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import moments
from ...numerics.segments import Counted
from .groups import columns, pairs
from .spec import Regression


@dataclass(frozen=True)
class Crossproducts(Counted):
    """Groups sorted by model: number of rows, weight, means of the columns, and cross-products about these means.

    The columns are the covariates and, last, the value. Groups without rows hold zeros. A row can stand for `k` groups.
    """

    n: Array  # (groups,)
    w: Array  # (groups,)
    mean: Array  # (columns, groups)
    cross: Array  # (columns, columns, groups), only i <= j

    @property
    def groups(self) -> Array:
        """Number of groups with rows of each model."""
        return np.rint(self.sum(self.n > 0)).astype(np.int64)


def crossproducts(table: pl.DataFrame, start: Array, request: Regression) -> Crossproducts:
    """The cross-products of a table of groups sorted by model.

    A column that is constant within a group has cross-products of 0 there; the sums hold its rounding.
    """
    names = columns(request)
    mean = np.array([table[f"{name}_mean"].fill_null(0.0).to_numpy() for name in names])
    n, w = (table[name].fill_null(0.0).to_numpy() for name in ("_pool_n", "_pool_w"))
    products = {(i, j): table[f"_pool_cross{i}_{j}"].fill_null(0.0).to_numpy() for i, j in pairs(request)}
    squares = [moments.above_rounding(w, products[i, i], mean[i]) for i in range(len(names))]
    cross = np.zeros((len(names), len(names), table.height))
    for i, j in products:
        constant = (squares[i] == 0) | (squares[j] == 0)
        cross[i, j] = np.where(constant, 0.0, products[i, j])
    k = table["_pool_k"].to_numpy() if "_pool_k" in table.columns else None
    return Crossproducts(start, n, w, mean, cross, k=k)
