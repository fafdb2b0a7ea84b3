"""The profiled likelihood of the covariance of varying terms, with its exact first and second derivatives.

Relative to sigma2 a group has the covariance V = I + Z Psi Z', Psi = L L'. For each L, fixed terms and sigma2 maximise
the likelihood. Sources: Bates et al. (2015), J. Stat. Softw. 67, section 3; derivatives by Lindstrom & Bates (1988),
JASA 83.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from .factor import Pattern, cholesky
from .reduced import Reduced

BLOCK = 1 << 15  # groups at once: their intermediate results stay in the cache


@dataclass(frozen=True)
class Profile:
    """Each model at a factor L of its relative covariance, by the restricted or the full likelihood."""

    deviance: Array  # (models,), without constants
    beta: Array  # (models, terms)
    covariance: Array  # (models, terms, terms), of beta, relative to sigma2
    squares: Array  # (models,), weighted residual sum of squares: sigma2 = squares / df
    df: Array
    log_precision: Array  # log |X' V^-1 X|


@dataclass(frozen=True)
class Whitened:
    """The rows of groups, divided by a Cholesky factor of their covariance I + R Psi R'."""

    z: Array  # (varying, varying, groups)
    x: Array  # (varying, terms, groups)
    y: Array  # (varying, groups)


def each(x: Array, block: Reduced) -> Array:
    """Values of models, (models, ...), for the groups of a block, (..., groups)."""
    return block.each(np.moveaxis(x, 0, -1))


def total(x: Array, block: Reduced) -> Array:
    """Sums over the groups of a block, (models, ...)."""
    return np.moveaxis(block.sum(x), -1, 0)


def gram(a: Array, b: Array, block: Reduced) -> Array:
    """Sums over the groups of a block of all products of two lists of columns, (models, columns, columns)."""
    return (block.times(a) @ b.T)[None] if block.models == 1 else total(a[:, None] * b[None], block)


def covariance_of_rows(r: Array, factor: Array) -> list[list[Array]]:
    """I + R L L' R', entry by entry (its lower triangle)."""
    size = len(r)
    q = [[sum(r[i, k] * factor[k, j] for k in range(max(i, j), size)) for j in range(size)] for i in range(size)]
    return [
        [sum(q[i][k] * q[j][k] for k in range(size)) + (1.0 if i == j else 0.0) for j in range(i + 1)]
        for i in range(size)
    ]


def whitened(r: Array, rx: Array, ry: Array, factor: Array) -> tuple[Whitened, Array]:
    """The whitened rows of groups, and the log determinant of their covariance."""
    size = len(r)
    root = cholesky(covariance_of_rows(r, factor))
    z, x, y = np.empty_like(r), np.empty_like(rx), np.empty_like(ry)
    for i in range(size):
        for rows, source in ((z, r), (x, rx), (y, ry)):
            rows[i] = source[i]
            for k in range(i):
                rows[i] -= root[i][k] * rows[k]
            rows[i] /= root[i][i]
    determinant = root[0][0].copy()
    for i in range(1, size):
        determinant *= root[i][i]
    return Whitened(z, x, y), 2 * np.log(determinant)


def profiled(d: Reduced, factor: Array, restricted: bool) -> tuple[Profile, Whitened]:
    """The models at a factor of their relative covariance, and the whitened rows of their groups."""
    varying, terms, groups = d.rx.shape
    white = Whitened(np.empty((varying, varying, groups)), np.empty((varying, terms, groups)), np.empty(d.ry.shape))
    products = np.moveaxis(d.rest, -1, 0).copy()
    log_determinant = np.zeros(d.models)
    for of, models, block in d.blocks(BLOCK):
        rows, log_of_block = whitened(block.r, block.rx, block.ry, each(factor[models], block))
        white.z[..., of], white.x[..., of], white.y[..., of] = rows.z, rows.x, rows.y
        log_determinant[models] += total(log_of_block, block)
        for i in range(varying):
            columns = np.concatenate([rows.x[i], rows.y[i][None]])
            products[models] += gram(columns, columns, block)
    return _solved(products, log_determinant, d.n, restricted), white


def _solved(products: Array, log_determinant: Array, n: Array, restricted: bool) -> Profile:
    """Fixed terms, their covariance and the deviance, from the cross-products by V^-1 of terms and value."""
    terms = products.shape[-1] - 1
    precision, with_y, of_y = products[:, :terms, :terms], products[:, :terms, terms], products[:, terms, terms]
    sign, log_precision = np.linalg.slogdet(precision)
    covariance = np.linalg.inv(np.where(sign[:, None, None] > 0, precision, np.nan))
    beta = np.einsum("mij,mj->mi", covariance, with_y)
    squares = of_y - np.einsum("mi,mi->m", beta, with_y)
    df = n - terms if restricted else n
    deviance = df * np.log(squares) + log_determinant + (log_precision if restricted else 0.0)
    return Profile(deviance, beta, covariance, squares, df, log_precision)


def derivatives(
    d: Reduced, white: Whitened, fit: Profile, factor: Array, pattern: Pattern, restricted: bool
) -> tuple[Array, Array]:
    """Gradient (models, entries) and Hessian of the deviance by the free entries of L."""
    terms, scale = d.rx.shape[1], fit.df / fit.squares
    s, hx, gg = _sums(d, white, fit, scale, restricted)
    change = _changes(factor, pattern)
    gradient = np.einsum("mij,maij->ma", s, change)
    hessian = _curvature(hx, gg, fit, change, restricted)
    moved = np.einsum("maij,mitj->mat", change, gg[:, :, :terms, :, terms])  # sum of G dPsi u
    fallen = np.einsum("maij,mij->ma", change, gg[:, :, terms, :, terms])  # of u' dPsi u
    hessian -= 2 * scale[:, None, None] * np.einsum("mas,mst,mbt->mab", moved, fit.covariance, moved)
    hessian -= (scale / fit.squares)[:, None, None] * fallen[:, :, None] * fallen[:, None, :]
    rows, columns = pattern
    hessian += 2 * s[:, rows[:, None], rows[None, :]] * (columns[:, None] == columns[None, :])
    return gradient, hessian


def changes_of_variances(
    d: Reduced, white: Whitened, fit: Profile, factor: Array, pattern: Pattern, combinations: Array
) -> Array:
    """Derivatives of the log variances of combinations of the coefficients, (models, entries, combinations).

    The variance is that with the best sigma2: sigma2 c'Cc, dC = C (sum of G dPsi G') C, d squares = -sum of u' dPsi u.
    """
    terms = d.rx.shape[1]
    _, _, gg = _sums(d, white, fit, np.ones(d.models), restricted=False)
    change = _changes(factor, pattern)
    moved = np.einsum("maij,misjt->mast", change, gg[:, :, :terms, :, :terms])
    fallen = np.einsum("maij,mij->ma", change, gg[:, :, terms, :, terms])
    arms = np.einsum("mct,mts->mcs", combinations, fit.covariance)
    variances = np.einsum("mcs,mcs->mc", arms, combinations)
    risen = np.einsum("mcs,mast,mct->mac", arms, moved, arms)
    return np.asarray(risen / variances[:, None] - fallen[:, :, None] / fit.squares[:, None, None])


def information(
    d: Reduced, white: Whitened, fit: Profile, factor: Array, pattern: Pattern, restricted: bool
) -> tuple[Array, Array]:
    """Twice the expected information about the free entries of L: with sigma2 unknown, and with sigma2 known.

    For the derivatives D of V it is tr(P D_a P D_b) - tr(P D_a) tr(P D_b) / df, where P = V^-1, or for the restricted
    likelihood V^-1 without its part for the fixed terms; sigma2 takes up the second product. Source: Searle, Casella &
    McCulloch (1992), Variance Components, section 6.6.
    """
    s, hx, gg = _sums(d, white, fit, np.zeros(d.models), restricted)
    change = _changes(factor, pattern)
    trace = np.einsum("mij,maij->ma", s, change)
    traces = -_curvature(hx, gg, fit, change, restricted)
    return traces - trace[:, :, None] * trace[:, None, :] / fit.df[:, None, None], traces


def _sums(d: Reduced, white: Whitened, fit: Profile, scale: Array, restricted: bool) -> tuple[Array, Array, Array]:
    """The sums over the groups of each model in the first and second derivatives by Psi.

    `scale` is that of the residuals: df / squares, or 0 for the expected information.
    """
    varying, terms, _ = d.rx.shape
    i, j = np.triu_indices(varying)
    s = np.zeros((d.models, len(i)))
    hx = np.zeros((d.models, len(i), len(i)))
    gg = np.zeros((d.models, varying * (terms + 1), varying * (terms + 1)))
    root = _root(fit.covariance)
    for of, models, block in d.blocks(BLOCK):
        z, x, y = white.z[..., of], white.x[..., of], white.y[..., of]
        beta, c = each(fit.beta[models], block), each(root[models], block)
        e = [y[k] - _weighted(x[k], beta) for k in range(varying)]
        u = np.array([sum(z[k, a] * e[k] for k in range(varying)) for a in range(varying)])
        # Row k of G' is a varying term, its columns the fixed terms.
        g = np.array([[sum(z[k, a] * x[k, t] for k in range(varying)) for t in range(terms)] for a in range(varying)])
        g = g.reshape(varying, terms, -1)
        h = np.array([sum(z[k, a] * z[k, b] for k in range(varying)) for a, b in zip(i, j, strict=True)])
        uu = np.array([u[a] * u[b] for a, b in zip(i, j, strict=True)]) * each(scale[models], block)
        s[models] += total(h - uu, block)
        across = 2 * uu - h
        if restricted:
            gc = [[_weighted(g[a, t:], c[t:, t]) for t in range(terms)] for a in range(varying)]
            gcg = np.array([sum(p * q for p, q in zip(gc[a], gc[b], strict=True)) for a, b in zip(i, j, strict=True)])
            s[models] -= total(gcg, block)
            across += 2 * gcg
        hx[models] += gram(h, across, block)
        both = np.concatenate([g, u[:, None]], axis=1).reshape(varying * (terms + 1), -1)
        gg[models] += gram(both, both, block)
    return _square(s, varying), hx, gg.reshape(-1, varying, terms + 1, varying, terms + 1)


def _changes(factor: Array, pattern: Pattern) -> Array:
    """The derivatives of Psi = L L' by the free entries of L, (models, entries, varying, varying)."""
    change = np.zeros((len(factor), len(pattern[0]), *factor.shape[1:]))
    for a, (row, column) in enumerate(zip(*pattern, strict=True)):
        change[:, a, row, :] += factor[:, :, column]
        change[:, a, :, row] += factor[:, :, column]
    return change


def _curvature(hx: Array, gg: Array, fit: Profile, change: Array, restricted: bool) -> Array:
    """Second derivatives of the deviance along changes of Psi, with sigma2 and the fixed terms constant."""
    varying, terms = gg.shape[1], gg.shape[2] - 1
    i, j = np.triu_indices(varying)
    full = np.empty((len(hx), varying, varying, varying, varying))
    for a, (i1, j1) in enumerate(zip(i, j, strict=True)):
        for b, (i2, j2) in enumerate(zip(i, j, strict=True)):
            for p, q in {(i1, j1), (j1, i1)}:
                for k, n in {(i2, j2), (j2, i2)}:
                    full[:, p, q, k, n] = hx[:, a, b]
    curvature = np.einsum("mali,mijkl,mbjk->mab", change, full, change)
    curvature = (curvature + np.swapaxes(curvature, 1, 2)) / 2
    if restricted and terms:
        inner = np.einsum("maij,misjt->mast", change, gg[:, :, :terms, :, :terms])
        weighed = np.einsum("mst,matu->masu", fit.covariance, inner)
        curvature -= np.einsum("mast,mbts->mab", weighed, weighed)
    return np.asarray(curvature)


def _root(matrices: Array) -> Array:
    """Cholesky factors, (models, size, size); NaN for a matrix without one."""
    size = matrices.shape[-1]
    entries = cholesky([[matrices[:, i, j] for j in range(size)] for i in range(size)])
    factor = np.zeros_like(matrices)
    for i in range(size):
        for j in range(i + 1):
            factor[:, i, j] = entries[i][j]
    return factor


def _weighted(columns: Array, weights: Array) -> Array:
    """Sum of columns times their weights."""
    total = np.zeros(columns.shape[-1])
    for column, weight in zip(columns, weights, strict=True):
        total += column * weight
    return total


def _square(packed: Array, size: int) -> Array:
    """Symmetric matrices from their upper triangles."""
    i, j = np.triu_indices(size)
    full = np.empty((*packed.shape[:-1], size, size))
    full[..., i, j] = full[..., j, i] = packed
    return full
