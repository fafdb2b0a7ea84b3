"""The covariance of the varying terms relative to sigma2, Psi = L L', by a lower triangular factor L.

L is measured in units of the data: at the identity a typical group keeps half of its own deviation.
"""

from __future__ import annotations

import numpy as np

from ...engines.numpy import Array
from .reduced import Reduced
from .scale import Terms

Pattern = tuple[Array, Array]  # rows and columns of the free entries of L

SINGULAR = 1e-12  # an eigenvalue of Psi, in units, up to which it counts as 0


def pattern(terms: Terms) -> Pattern:
    """The free entries of L: its lower triangle, or its diagonal where the varying terms are independent."""
    every = np.arange(len(terms.varying))
    return np.tril_indices(len(terms.varying)) if terms.correlated else (every, every)


def identity(models: int, free: Pattern) -> Array:
    """The free entries of the identity, (models, entries)."""
    return np.repeat((free[0] == free[1])[None] * 1.0, models, axis=0)


def lower(entries: Array, free: Pattern, varying: int) -> Array:
    """L of each model from its free entries, (models, entries)."""
    factor = np.zeros((len(entries), varying, varying))
    factor[:, free[0], free[1]] = entries
    return factor


def units(d: Reduced) -> Array:
    """The deviation of each varying term, (models, varying), with which a typical group keeps half of its own."""
    squares = np.array([d.sum((d.r[:, k] ** 2).sum(axis=0)) for k in range(len(d.r))])
    groups = np.maximum(d.counts, 1)
    return np.sqrt(groups / np.where(squares > 0, squares, groups)).T


def cleared(factor: Array, unit: Array) -> tuple[Array, Array]:
    """The relative covariance without directions in which nothing varies, and its rank."""
    plain = factor / unit[:, :, None]
    product = plain @ np.swapaxes(plain, 1, 2)
    values, vectors = np.linalg.eigh(product)
    kept = values > SINGULAR * np.maximum(1.0, values.max(axis=1, keepdims=True))
    covariance = np.einsum("mij,mj,mkj->mik", vectors, np.where(kept, values, 0.0), vectors)
    none = np.einsum("mii->mi", covariance) <= SINGULAR
    covariance = np.where(none[:, :, None] | none[:, None, :], 0.0, covariance)
    covariance = np.where(kept.all(axis=1)[:, None, None], product, covariance)
    return covariance * unit[:, :, None] * unit[:, None, :], kept.sum(axis=1)


def roots(covariance: Array, singular: float = SINGULAR) -> Array:
    """Lower Cholesky factors of matrices, (models, size, size), that may be singular up to a share of each square."""
    left, factor = covariance.copy(), np.zeros_like(covariance)
    for k in range(covariance.shape[-1]):
        pivot = left[:, k, k]
        column = left[:, :, k] / np.sqrt(np.where(pivot > singular * covariance[:, k, k], pivot, np.inf))[:, None]
        factor[:, k:, k] = column[:, k:]
        left = left - column[:, :, None] * column[:, None, :]
    return factor


def cholesky(matrix: list[list[Array]]) -> list[list[Array]]:
    """Lower Cholesky factors of many small positive definite matrices, both as lists of entries."""
    factor: list[list[Array]] = []
    for i in range(len(matrix)):
        row: list[Array] = []
        for j in range(i + 1):
            entry = matrix[i][j]
            for k in range(j):
                entry = entry - row[k] * (row[k] if i == j else factor[j][k])
            row.append(np.sqrt(entry) if i == j else entry / factor[j][j])
        factor.append(row)
    return factor
