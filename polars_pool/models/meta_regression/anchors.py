"""Groups that are far more precise than the others, as the basis of the predictors of their model.

Where weights differ by orders of magnitude, the heaviest groups determine the coefficients almost alone, and their
residuals and 1 - leverage are differences of nearly equal numbers. With as many groups as terms, the anchors, whose
predictors are unit vectors and whose means are 0, these numbers are read from the other groups. With Z'WZ = D + R, D
the weights of the anchors and R the products of all others: w_c (1 - h_c) = w_c ((Z'WZ)^-1 R)_cc, without a difference.
Source: Cox & Higham (1998), "Stability of Householder QR factorization for weighted least squares problems", on why
pivoting by weighted rows keeps each row's digits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...engines.numpy import Array
from .design import Design, Standard

RATIO = 1e3  # of the largest to the smallest sampling variance of a model, from which it has anchors
PARALLEL = 1e-12  # squared residual of a group's predictors, relative to them, that is rounding


def anchored(s: Standard) -> Standard:
    """The designs, whose groups have their v; those of very different precision in terms of their anchors."""
    g = s.g
    if g.spread is not None:
        return s
    models = np.flatnonzero((g.largest(g.v) > RATIO * g.smallest(g.v)) & (g.df >= 0) & (s.dependent < 0))
    if not models.size:
        return s
    x, y = g.x.copy(), g.y.copy()
    transform, beta = s.transform.copy(), s.beta.copy()
    is_anchor, plain = np.zeros(len(y), dtype=bool), np.zeros((g.terms, g.models))
    for length in np.unique(g.lengths[models]):
        some = models[g.lengths[models] == length]
        rows = g.start[some][:, None] + np.arange(length)
        z = np.moveaxis(x[:, rows], 0, 1)  # (models, terms, groups), as below
        chosen = _heaviest(z, 1 / g.v[rows])
        basis = np.take_along_axis(z, chosen[:, None], axis=2)
        anchors = np.take_along_axis(rows, chosen, axis=1)
        means = y[anchors]
        z = np.linalg.solve(basis, z)
        np.put_along_axis(z, chosen[:, None], np.eye(g.terms), axis=2)
        x[:, rows] = np.moveaxis(z, 1, 0)
        y[rows] -= np.einsum("mt,mtg->mg", means, z)
        y[anchors], is_anchor[anchors] = 0.0, True
        plain[:, some] = -means.T
        transform[some] = np.linalg.solve(basis, transform[some])
        beta[some] = np.einsum("mtc,mt->mc", basis, beta[some]) + means
    design = replace(g, x=x, y=y, is_anchor=is_anchor, plain=plain)
    return replace(s, g=design, transform=transform, beta=beta)


def _heaviest(z: Array, weight: Array) -> Array:
    """The places of as many groups as terms, the heaviest whose predictors do not depend on each other."""
    left, chosen = z.copy(), []
    size = np.einsum("mtg,mtg->mg", z, z)
    for _ in range(z.shape[1]):
        squares = np.einsum("mtg,mtg->mg", left, left)
        best = np.argmax(np.where(squares > PARALLEL * size, squares * weight, 0.0), axis=1)[:, None]
        chosen.append(best)
        unit = np.take_along_axis(left, best[:, None], axis=2)
        unit = unit / np.sqrt(np.take_along_axis(squares, best, axis=1))[:, None]
        for _ in range(2):  # a second time for the digits that the first loses
            left = left - unit * np.einsum("mt,mtg->mg", unit[:, :, 0], left)[:, None]
    return np.concatenate(chosen, axis=1)


def of_anchors(g: Design, column: Array) -> Array:
    """The values of the anchors, by terms, (models, terms)."""
    assert g.is_anchor is not None
    own = np.where(g.is_anchor, column, 0.0)
    return np.stack([g.sum(own * x) for x in g.x], axis=1)
