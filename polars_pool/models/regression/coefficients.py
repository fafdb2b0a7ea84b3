"""One row a group and term: the group's own coefficient, and what is left of it by the population's."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ...numerics.arrays import Array
from .fit import ALONE, OWN_LINES, PERFECT, Estimates, roots
from .likelihood import beside, blocks, cholesky
from .reduced import Reduced, own_coefficients

STATISTICS = ("mean", "weight", "effect", "estimate", "se")


def transform(found: Estimates) -> tuple[Array, Array]:
    """Matrices (models, terms, terms) and (models, varying, varying) from standard units of terms to their own.

    In standard units the value has the size 1, and its mean is not part of the intercept.
    """
    terms, size, origin = found.terms, found.scale.size, found.scale.origin
    value, covariates = size[-1], size[:-1]
    fixed = np.zeros((len(value), terms.count, terms.count))
    for t in range(terms.count):
        c = t - terms.intercept
        fixed[:, t, t] = value if c < 0 else value / covariates[c]
        if c >= 0 and terms.intercept:
            fixed[:, 0, t] = -value * origin[c] / covariates[c]
    varying = fixed[:, terms.varying][:, :, terms.varying].copy()
    if not terms.shifted and terms.intercept_varies:
        varying[:, 0, 1:] = 0.0
    return fixed, varying


def population(found: Estimates) -> tuple[Array, Array]:
    """The coefficients of the population, (models, terms), and their covariance."""
    fixed, _ = transform(found)
    mu = np.einsum("mij,mj->mi", fixed, found.beta)
    if found.terms.intercept:
        mu[:, 0] += found.scale.origin[-1]
    return mu, np.einsum("mij,mjk,mlk->mil", fixed, found.covariance, fixed)


def between(found: Estimates) -> Array:
    """The covariance of the varying terms, (models, varying, varying)."""
    _, varying = transform(found)
    return np.asarray(np.einsum("mij,mjk,mlk->mil", varying, found.between, varying))


def coefficients(found: Estimates, d: Reduced, conditional: bool) -> dict[str, Array]:
    """What is told of every group's terms, (groups, terms) each; groups without rows come with rows of 0."""
    terms, groups = found.terms, d.r.shape[-1]
    told = {name: np.full((groups, terms.count), np.nan) for name in STATISTICS}
    mu, covariance = population(found)
    errors_of_mu = np.sqrt(np.einsum("mii->mi", covariance))
    fixed, varying = transform(found)
    shared = Population(
        found.departure,
        roots(np.nan_to_num(found.relative)),
        np.zeros_like(found.covariance) if conditional else found.covariance / found.sigma2[:, None, None],
        fixed[:, terms.varying],
        varying,
        np.linalg.inv(varying),
    )
    for of, models, start in blocks(d):

        def each(x: Array, models: slice = models, start: Array = start, count: int = of.stop - of.start) -> Array:
            return np.broadcast_to(beside(x[models], start, count), (*x.shape[1:], count))

        here = Population(**{f.name: each(getattr(shared, f.name)) for f in fields(Population)})
        own, effect, weights, errors = _of_groups(d.r[..., of], d.rx[..., of], d.ry[:, of], here)
        at, sigma2, error_of_mu = each(mu), each(found.sigma2), each(errors_of_mu)
        known = ~np.isnan(sigma2)
        # The only group of a model is its own population, and so is every group where all lie on one line.
        same, own_line = each((found.state == ALONE) | (found.state == PERFECT)), each(found.state == OWN_LINES)
        exact = each(found.sigma2 == 0)
        for t in range(terms.count):
            if t in terms.varying:
                k = terms.varying.index(t)
                told_by_rows = ~np.isnan(own[k])
                mean = np.where(same & told_by_rows, at[t], at[t] + own[k])
                weight = np.where((same | own_line) & told_by_rows, 1.0, weights[k])
                se = np.where(same, error_of_mu[t], np.sqrt(sigma2 * errors[k]))
                deviation = np.where(same, 0.0, np.where(own_line & told_by_rows, own[k], effect[k]))
            else:
                mean, weight, deviation = np.full_like(sigma2, np.nan), np.zeros_like(sigma2), np.zeros_like(sigma2)
                se = np.zeros_like(sigma2) if conditional else error_of_mu[t]
            told["mean"][of, t] = mean
            told["weight"][of, t] = np.where(known, weight, np.nan)
            told["effect"][of, t] = np.where(known, deviation, np.nan)
            told["estimate"][of, t] = at[t] + told["effect"][of, t]
            told["se"][of, t] = np.where(exact, 0.0, se)
    return told


@dataclass(frozen=True)
class Population:
    """What the groups of a block share with their model: every matrix with the groups in its last axis."""

    departure: Array  # of its coefficients from the line that reduced values have lost, in standard units
    factor: Array  # of the relative covariance of the varying terms
    covariance: Array  # of these, by sigma2; 0 where only the error given the population is asked for
    fixed: Array  # (varying, terms) of the transform to the terms' own units
    varying: Array
    from_varying: Array  # its inverse


def _of_groups(r: Array, rx: Array, ry: Array, of: Population) -> tuple[Array, Array, Array, Array]:
    """Own deviation from the population, effect, weight and squared error by sigma2 of the varying terms of groups.

    With V = I + R Psi R': effect = K (ry - rx departure), K = Psi R' V^-1; its error holds Psi - K R Psi, and the error
    of the population's coefficients, of which it keeps 1 - K rx.
    """
    spread = _conditional(r, of.factor)
    kept = np.einsum("ijg,kjg->ikg", spread, r)
    left = ry - np.einsum("ktg,tg->kg", rx, of.departure)
    effect = np.einsum("ijg,jg->ig", of.varying, np.einsum("ikg,kg->ig", kept, left))
    deviation = np.einsum("ijg,jg->ig", of.varying, own_coefficients(r, left))
    passed_on = of.fixed - _product(of.varying, _product(kept, rx))
    errors = np.einsum("ijg,ijg->ig", _product(of.varying, spread), of.varying)
    errors += np.einsum("ijg,ijg->ig", _product(passed_on, of.covariance), passed_on)
    return deviation, effect, _weights(_product(_product(of.varying, _product(kept, r)), of.from_varying)), errors


def _product(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("ijg,jkg->ikg", a, b))


def _conditional(r: Array, factor: Array) -> Array:
    """Psi - Psi R' V^-1 R Psi without the cancellation: L (I + L'R'R L)^-1 L'."""
    size = len(r)
    scaled = _product(r, np.broadcast_to(factor, r.shape))
    inner = np.einsum("kig,kjg->ijg", scaled, scaled)
    root = cholesky([[inner[i, j] + (i == j) for j in range(size)] for i in range(size)])
    half = np.broadcast_to(np.swapaxes(factor, 0, 1), r.shape).copy()
    for i in range(size):
        for k in range(i):
            half[i] -= root[i][k] * half[k]
        half[i] /= root[i][i]
    return np.asarray(np.einsum("kig,kjg->ijg", half, half))


def _weights(share: Array) -> Array:
    """What a term keeps of its own deviation, where that alone makes up its effect."""
    weights: Array = np.einsum("iig->ig", share).copy()
    for k in range(len(share)):
        others = np.abs(np.delete(share[k], k, axis=0)).sum(axis=0)
        weights[k] = np.where(others == 0, weights[k], np.nan)
    return weights
