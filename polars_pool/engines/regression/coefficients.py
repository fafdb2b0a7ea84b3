"""One row a group and term: the group's own coefficient, and what is left of it by the population's."""

from __future__ import annotations

import numpy as np

from ..numpy import Array
from .fit import ALONE, PERFECT, Estimates, roots
from .likelihood import beside, blocks, cholesky
from .reduced import Reduced, Terms

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
    covariance = np.einsum("mij,mjk,mlk->mil", fixed, found.covariance, fixed)
    return mu, covariance * found.sigma2[:, None, None]


def between(found: Estimates) -> Array:
    """The covariance of the varying terms, (models, varying, varying)."""
    _, varying = transform(found)
    relative = np.einsum("mij,mjk,mlk->mil", varying, found.relative, varying)
    sigma2 = np.where(found.state == PERFECT, 0.0, found.sigma2)
    return np.asarray(relative * sigma2[:, None, None])


def coefficients(found: Estimates, d: Reduced, conditional: bool) -> dict[str, Array]:
    """What is told of every group's terms, (groups, terms) each; groups without rows come with rows of 0."""
    terms, groups = found.terms, d.r.shape[-1]
    told = {name: np.full((groups, terms.count), np.nan) for name in STATISTICS}
    mu, covariance = population(found)
    fixed, varying = transform(found)
    alone, perfect = found.state == ALONE, found.state == PERFECT
    factor = roots(np.where(np.isnan(found.relative), 0.0, found.relative))
    of_mu = np.sqrt(np.einsum("mii->mi", covariance))
    for of, models, start in blocks(d):
        count = of.stop - of.start

        def each(x: Array) -> Array:
            return np.broadcast_to(beside(x[models], start, count), (*x.shape[1:], count))  # noqa: B023

        r, rx = d.r[..., of], d.rx[..., of]
        deviation, effect, weights, errors = _of_groups(
            terms,
            r,
            rx,
            d.ry[:, of],
            each(found.beta),
            each(factor),
            each(varying),
            each(fixed[:, terms.varying]),
            each(found.covariance * (0.0 if conditional else 1.0)),
        )
        at_mu, sigma2 = each(mu), each(found.sigma2)
        only, exact = each(alone), each(perfect)
        known = ~np.isnan(sigma2)
        for t in range(terms.count):
            here = {name: told[name][of, t] for name in STATISTICS}
            here["effect"][:] = np.where(known, 0.0, np.nan)
            here["weight"][:] = np.where(known, 0.0, np.nan)
            here["se"][:] = 0.0 if conditional else each(of_mu)[t]
            if t in terms.varying:
                k = terms.varying.index(t)
                here["mean"][:] = at_mu[t] + deviation[k]
                here["effect"][:] = np.where(known, effect[k], np.nan)
                here["weight"][:] = np.where(known, weights[k], np.nan)
                here["se"][:] = np.sqrt(sigma2 * errors[k])
                own = ~np.isnan(deviation[k])
                for name, value in (("mean", at_mu[t]), ("weight", 1.0)):
                    here[name][:] = np.where((only | exact) & own, value, here[name])
                here["effect"][:] = np.where(only | exact, 0.0, here["effect"])
                here["se"][:] = np.where(only, each(of_mu)[t], here["se"])
            here["se"][:] = np.where(exact, 0.0, here["se"])
            here["estimate"][:] = at_mu[t] + here["effect"]
    return told


def _of_groups(
    terms: Terms, r: Array, rx: Array, ry: Array, beta: Array, factor: Array, varying: Array, fixed: Array, cov: Array
) -> tuple[Array, Array, Array, Array]:
    """Own deviation from the population, effect, weight and squared error by sigma2 of the varying terms of groups.

    With V = I + R Psi R': effect = Psi R' V^-1 (ry - rx beta); its error holds Psi - Psi H Psi, H = R' V^-1 R, computed
    as F'F, F = (I + L'R'R L)^(-1/2) L', and the error of the population's coefficients, of which it keeps
    1 - Psi R' V^-1 rx.
    """
    size, count = len(r), terms.count
    every = range(size)
    rl = [
        [sum((r[i, k] * factor[k, j] for k in range(max(i, j), size)), np.zeros(r.shape[-1])) for j in every]
        for i in every
    ]
    inner = [[sum(rl[k][i] * rl[k][j] for k in every) + (1.0 if i == j else 0.0) for j in every] for i in every]
    root = cholesky(inner)
    # F = root^-1 L', so that the conditional covariance is F'F, and Psi R' V^-1 = F'F R'.
    f = np.array([[factor[j, i] for j in every] for i in every])
    for i in every:
        for k in range(i):
            f[i] -= root[i][k] * f[k]
        f[i] /= root[i][i]
    conditional = np.einsum("kig,kjg->ijg", f, f)
    kept = np.einsum("ijg,kjg->ikg", conditional, r)
    left = ry - np.einsum("ktg,tg->kg", rx, beta)
    effect = np.einsum("ijg,jg->ig", varying, np.einsum("ikg,kg->ig", kept, left))
    deviation = np.einsum("ijg,jg->ig", varying, _own(r, left))
    share = np.einsum("ikg,kjg->ijg", kept, r)
    passed_on = fixed - np.einsum("ijg,jkg,ktg->itg", varying, kept, rx)
    spread = np.einsum("ijg,jkg->ikg", varying, conditional)
    errors = np.einsum("ijg,ijg->ig", spread, varying) + np.einsum("isg,stg,itg->ig", passed_on, cov, passed_on)
    return deviation, effect, _weights(share, varying), errors


def _own(r: Array, left: Array) -> Array:
    """The least-squares coefficients of groups that tell of every varying term: R b = left."""
    size = len(r)
    found = np.empty_like(left)
    for i in reversed(range(size)):
        found[i] = left[i]
        for j in range(i + 1, size):
            found[i] -= r[i, j] * found[j]
        found[i] /= np.where(r[i, i] > 0, r[i, i], np.nan)
    return np.where(np.isnan(found).any(axis=0), np.nan, found)


def _weights(share: Array, varying: Array) -> Array:
    """What a term keeps of its own deviation, where that alone makes up its effect."""
    size = len(share)
    if size == 1:
        return share[0]
    inverse = np.moveaxis(np.linalg.inv(np.moveaxis(varying, -1, 0)), 0, -1)
    by_terms = np.einsum("ijg,jkg,klg->ilg", varying, share, inverse)
    weights = np.empty((size, share.shape[-1]))
    for k in range(size):
        others = sum(np.abs(by_terms[k, j]) for j in range(size) if j != k)
        weights[k] = np.where(others == 0, by_terms[k, k], np.nan)
    return weights
