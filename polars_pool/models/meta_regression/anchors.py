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
    for model in models:
        rows = slice(g.start[model], g.start[model] + g.lengths[model])
        chosen = _heaviest(x[:, rows], 1 / g.v[rows])
        basis, means = x[:, rows][:, chosen], y[rows][chosen]
        x[:, rows] = np.linalg.solve(basis, x[:, rows])
        x[:, rows.start + chosen] = np.eye(g.terms)
        y[rows] -= means @ x[:, rows]
        y[rows.start + chosen], is_anchor[rows.start + chosen] = 0.0, True
        plain[:, model] = -means
        transform[model] = np.linalg.solve(basis, transform[model])
        beta[model] = basis.T @ beta[model] + means
    design = replace(g, x=x, y=y, is_anchor=is_anchor, plain=plain)
    return replace(s, g=design, transform=transform, beta=beta)


def _heaviest(x: Array, weight: Array) -> Array:
    """The places of as many groups as terms, the heaviest whose predictors do not depend on each other."""
    left, chosen = x.copy(), []
    size = np.einsum("ij,ij->j", x, x)
    for _ in range(len(x)):
        squares = np.einsum("ij,ij->j", left, left)
        best = int(np.argmax(np.where(squares > PARALLEL * size, squares * weight, 0.0)))
        chosen.append(best)
        unit = left[:, best] / np.sqrt(squares[best])
        for _ in range(2):  # a second time for the digits that the first loses
            left = left - np.outer(unit, unit @ left)
    return np.array(chosen)


def of_anchors(g: Design, column: Array) -> Array:
    """The values of the anchors, by terms, (models, terms)."""
    assert g.is_anchor is not None
    own = np.where(g.is_anchor, column, 0.0)
    return np.stack([g.sum(own * x) for x in g.x], axis=1)
