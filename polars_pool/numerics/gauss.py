"""Gauss rules of discrete measures, for many measures at once: the same integrals by the fewest nodes.

Columns are measures, rows their points. The orthonormal polynomials of a measure follow by Stieltjes' procedure, the
rule from the eigenvalues of their Jacobi matrix. Sources: Golub & Welsch (1969), Math. Comput. 23; Gautschi (2004),
Orthogonal Polynomials, sections 2.2 and 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Array

SMALL = 1e-14  # of a polynomial's norm: the measure has no more points
# A rule of n nodes omits the coefficients from degree 2 n on. They are the square of that of degree n where this falls
# as fast as up to a few nodes; with more nodes, it falls more slowly.
ENOUGH, FEW, ENOUGH_OF_FEW = 1e-7, 4, 1e-5


@dataclass(frozen=True)
class Rules:
    """The nodes and weights of each measure, in rows; weights beyond its number of nodes are 0."""

    x: Array
    weight: Array
    number: Array


def rules(x: Array, p: Array, tests: Array, most: int) -> Rules:
    """The rule of each measure whose nodes suffice for functions with the values `tests`, (functions, rows, measures).

    The points have the probabilities p. A measure that needs more than `most` nodes gets this many.
    """
    centre = (p * x).sum(axis=0)
    scale = np.sqrt((p * (x - centre) ** 2).sum(axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    diagonal, beside, number = _jacobi((x - centre) / scale, p, tests, most)
    nodes, weights = np.zeros((2, int(number.max(initial=1)), len(number)))
    for n in np.unique(number):
        some = np.flatnonzero(number == n)
        matrix = np.zeros((len(some), n, n))
        i = np.arange(n)
        matrix[:, i, i] = diagonal[:n, some].T
        matrix[:, i[1:], i[:-1]] = beside[1:n, some].T
        values, vectors = np.linalg.eigh(matrix)
        nodes[:n, some], weights[:n, some] = values.T, (vectors[:, 0, :] ** 2).T
    return Rules(centre + scale * nodes, weights, number)


def _jacobi(x: Array, p: Array, tests: Array, most: int) -> tuple[Array, Array, Array]:
    """The diagonals of the Jacobi matrix of each measure, and the number of nodes that suffices."""
    measures = x.shape[1]
    diagonal, beside = np.zeros((2, most + 2, measures))
    number, last = np.full(measures, most), np.zeros(measures)
    before, now = np.zeros_like(x), np.ones_like(x)
    basis = [now]
    going = np.ones(measures, dtype=bool)
    for n in range(most + 1):
        size = np.abs((tests * (p * now)).sum(axis=1)).max(axis=0)
        enough = going & (n > 1) & (np.maximum(size, last) < (ENOUGH_OF_FEW if n <= FEW else ENOUGH))
        number[enough], last = n, size
        going &= ~enough
        diagonal[n] = (p * x * now * now).sum(axis=0)
        following = (x - diagonal[n]) * now - beside[n] * before
        for polynomial in basis:  # again, as rounding makes them less orthogonal
            following = following - (p * following * polynomial).sum(axis=0) * polynomial
        norm = np.sqrt((p * following * following).sum(axis=0))
        ended = going & (norm < SMALL)
        number[ended] = n + 1
        going &= ~ended
        if not going.any():
            break
        beside[n + 1] = norm
        before, now = now, following / np.where(norm < SMALL, 1.0, norm)
        basis.append(now)
    return diagonal, beside, np.minimum(number, most)
