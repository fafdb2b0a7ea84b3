"""Groups of equal weight as a few pseudo-groups, where the intercept alone varies by group.

Such a group enters the likelihood by its weight w and by products of the means of its columns. So k groups of one w are
equal to any groups of that w with the same number, mean m and covariance S of their means: with the columns l of a
Cholesky factor of S, and its rank r, these are the points m ± sqrt(r) l, each k / (2 r) times.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ...engines.numpy import Array
from .factor import roots
from .groups import columns, pairs
from .spec import Regression

SINGULAR = 1e-15  # share of a square that is rounding


def spread(i: int, j: int) -> str:
    """The name of the covariance of the means of two columns over the groups of a class."""
    return f"_pool_spread{i}_{j}"


def pseudo_groups(classes: pl.DataFrame, request: Regression) -> pl.DataFrame:
    """The pseudo-groups of classes, each row with the number `k` of groups that it stands for.

    The means of each model become deviations from one of them, which its pivot takes up: no point loses digits to the
    offset of a model among others.
    """
    names = columns(request)
    means = [f"{name}_mean" for name in names]
    one = [pl.col(mean).max().over(request.over) if request.over else pl.col(mean).max() for mean in means]
    classes = classes.with_columns(e.fill_null(0.0).alias(f"{name}_at") for e, name in zip(one, names, strict=True))
    classes = classes.with_columns(
        *(pl.col(f"{name}_mean") - pl.col(f"{name}_at") for name in names),
        *(pl.col(f"{name}_pivot") + pl.col(f"{name}_at") for name in names),
    )
    rows, point, share = _points(_covariances(classes, request))
    table = classes[rows]
    moved = [table[mean] + pl.Series(shift) for mean, shift in zip(means, point, strict=True)]
    return table.with_columns(*moved, table["_pool_k"] * pl.Series(share))


def _covariances(classes: pl.DataFrame, request: Regression) -> Array:
    """The covariances of the means, (classes, columns, columns)."""
    size = len(columns(request))
    covariances = np.zeros((classes.height, size, size))
    for i, j in pairs(request):
        covariances[:, i, j] = covariances[:, j, i] = classes[spread(i, j)].fill_null(0.0).to_numpy()
    return covariances


def _points(covariances: Array) -> tuple[Array, Array, Array]:
    """The class of each point, its deviation from the mean of the class, (columns, points), and its share of groups."""
    factor = roots(covariances, SINGULAR)
    of, column = np.nonzero(factor.any(axis=1))
    rank = np.bincount(of, minlength=len(factor))
    alone = np.flatnonzero(rank == 0)
    arms = factor[of, :, column] * np.sqrt(rank[of])[:, None]
    rows = np.concatenate([alone, of, of])
    point = np.concatenate([np.zeros((len(alone), factor.shape[1])), arms, -arms])
    share = np.concatenate([np.ones(len(alone)), *[1 / (2 * rank[of])] * 2])
    return rows.astype(np.uint32), point.T, share
