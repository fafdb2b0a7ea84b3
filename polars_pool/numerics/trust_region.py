"""Minima of smooth functions of a few numbers, for many models at once: Newton's method within a trust region.

A negative curvature is replaced by its size, so that a step leads away from a saddle. Source: Nocedal &
Wright (2006), Numerical Optimization, chapter 4; Dauphin et al. (2014), "Identifying and attacking the saddle point
problem in high-dimensional non-convex optimization", section 5.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arrays import Array

# Values, gradients and Hessians of the models listed, each at its own argument.
Function = Callable[[Array, Array], tuple[Array, Array, Array]]

SETTLED = 1e-11  # length of the last step relative to the argument: Newton's next step would be its square
NOISE = 1e-9  # of a value, a difference of sums over groups: the gradient alone decides whether so small a step is good
FLAT = 1e-9  # smallest curvature, relative to the largest; smaller ones count as this
MOST = 200  # steps; a model that takes as many has not converged
FIRST, LARGEST = 1.0, 1e3  # radius, for an argument of size 1


def minimum(function: Function, start: Array) -> tuple[Array, Array, Array, Array]:
    """A local minimum of each model near its start, (models, arguments): argument, value, Hessian, and convergence."""
    x, converged = start.copy(), np.zeros(len(start), dtype=bool)
    value, gradient, hessian = function(np.arange(len(start)), x)
    radius = np.full(len(start), FIRST)
    going = np.flatnonzero(_finite(value, gradient, hessian))
    for _ in range(MOST):
        if not going.size:
            break
        step, predicted = _step(gradient[going], hessian[going], radius[going])
        trial = x[going] + step
        new, new_gradient, new_hessian = function(going, trial)
        noise = NOISE * (1 + np.abs(value[going]))
        actual = value[going] - new
        flatter = np.linalg.norm(new_gradient, axis=1) <= np.linalg.norm(gradient[going], axis=1)
        good = np.where(predicted < noise, (actual > -noise) & flatter, actual >= 0.1 * predicted)
        fine = _finite(new, new_gradient, new_hessian) & good
        length = np.linalg.norm(step, axis=1)
        small = length <= SETTLED * (1 + np.linalg.norm(trial, axis=1))
        radius[going] = np.where(fine, np.where(actual >= 0.7 * predicted, 2, 1) * radius[going], length / 4)
        radius[going] = np.minimum(radius[going], LARGEST * (1 + np.linalg.norm(x[going], axis=1)))
        moved = going[fine]
        x[moved], value[moved] = trial[fine], new[fine]
        gradient[moved], hessian[moved] = new_gradient[fine], new_hessian[fine]
        converged[going] = small
        going = going[~small & np.isfinite(radius[going])]
    return x, value, hessian, converged


def _finite(value: Array, gradient: Array, hessian: Array) -> Array:
    return np.asarray(np.isfinite(value) & np.isfinite(gradient).all(axis=1) & np.isfinite(hessian).all(axis=(1, 2)))


def _step(gradient: Array, hessian: Array, radius: Array) -> tuple[Array, Array]:
    """A step no longer than the radius, and the decrease of the quadratic model by it."""
    curvature, direction = _of_two(hessian) if hessian.shape[1] == 2 else np.linalg.eigh(hessian)
    size = np.abs(curvature)
    size = np.maximum(size, FLAT * np.maximum(size.max(axis=1, keepdims=True), 1e-300))
    along = np.einsum("mij,mi->mj", direction, gradient)
    step = -along / size
    length = np.linalg.norm(step, axis=1)
    step *= np.minimum(1.0, radius / np.maximum(length, 1e-300))[:, None]
    predicted = -(along * step).sum(axis=1) - 0.5 * (curvature * step * step).sum(axis=1)
    return np.einsum("mij,mj->mi", direction, step), predicted


def _of_two(matrix: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors of symmetric matrices of two rows, by a rotation: Golub & Van Loan (2013), 8.5.2."""
    first, both, second = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (second - first) / (2 * both)
        tangent = np.where(both == 0, 0.0, np.copysign(1, ratio) / (np.abs(ratio) + np.hypot(1, ratio)))
    cosine = 1 / np.sqrt(1 + tangent * tangent)
    sine = tangent * cosine
    values = np.stack([first - tangent * both, second + tangent * both], axis=1)
    return values, np.stack([cosine, sine, -sine, cosine], axis=1).reshape(-1, 2, 2)
