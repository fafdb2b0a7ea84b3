"""The coefficients of the population and of each group, in the terms' own units."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ...engines.numpy import Array
from .factor import cholesky, roots
from .fit import Fitted
from .identification import State
from .likelihood import BLOCK, each
from .reduced import Reduced, own_coefficients
from .scale import Terms

STATISTICS = ("mean", "weight", "effect", "estimate", "se")


def transform(models: Fitted) -> tuple[Array, Array]:
    """Matrices (models, terms, terms) and (models, varying, varying) from standard units of terms to their own units.

    In standard units the value has the size 1, and its mean is not part of the intercept.
    """
    terms, size, origin = models.terms, models.scale.size, models.scale.origin
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


def population(models: Fitted) -> tuple[Array, Array]:
    """The coefficients of the population, (models, terms), and their covariance."""
    fixed, _ = transform(models)
    mu = np.einsum("mij,mj->mi", fixed, models.beta)
    if models.terms.intercept:
        mu[:, 0] += models.scale.origin[-1]
    return mu, np.einsum("mij,mjk,mlk->mil", fixed, models.covariance, fixed)


def between(models: Fitted) -> Array:
    """The covariance of the varying terms, (models, varying, varying)."""
    _, varying = transform(models)
    return np.asarray(np.einsum("mij,mjk,mlk->mil", varying, models.between, varying))


def coefficients(models: Fitted, d: Reduced, conditional: bool) -> dict[str, Array]:
    """The statistics of each group's terms, (groups, terms) each; groups without rows have rows of zeros in `d`."""
    result = {name: np.empty((d.r.shape[-1], models.terms.count)) for name in STATISTICS}
    shared = _shared(models, conditional)
    for rows, of, block in d.blocks(BLOCK):
        for name, values in _of_block(block, shared.each(of, block), models.terms, conditional).items():
            result[name][rows] = values.T
    return result


@dataclass(frozen=True)
class Population:
    """What the groups of a model have in common: arrays with the models in the first axis, or groups in the last."""

    mu: Array  # (models, terms)
    error_of_mu: Array
    tau2: Array  # (models, varying)
    sigma2: Array
    state: Array
    departure: Array  # (models, terms): the coefficients less those of the least-squares line, in standard units
    factor: Array  # (models, varying, varying): of the relative covariance of the varying terms
    covariance: Array  # (models, terms, terms): of the coefficients, relative to sigma2; 0 for a conditional error
    fixed: Array  # (models, varying, terms): of the transform to the terms' own units
    varying: Array
    from_varying: Array  # inverse of `varying`

    def each(self, models: slice, block: Reduced) -> Population:
        """The arrays for the groups of a block, in the last axis."""

        def of_groups(x: Array) -> Array:
            return np.broadcast_to(each(x[models], block), (*x.shape[1:], block.r.shape[-1]))

        return Population(**{f.name: of_groups(getattr(self, f.name)) for f in fields(self)})


def _shared(models: Fitted, conditional: bool) -> Population:
    mu, covariance = population(models)
    fixed, varying = transform(models)
    relative = models.covariance / models.sigma2[:, None, None]
    return Population(
        mu=mu,
        error_of_mu=np.sqrt(np.einsum("mii->mi", covariance)),
        tau2=np.einsum("mii->mi", between(models)),
        sigma2=models.sigma2,
        state=models.identification.state,
        departure=models.departure,
        factor=roots(np.nan_to_num(models.relative)),
        covariance=np.zeros_like(relative) if conditional else relative,
        fixed=fixed[:, models.terms.varying],
        varying=varying,
        from_varying=np.linalg.inv(varying),
    )


def _of_block(block: Reduced, of: Population, terms: Terms, conditional: bool) -> dict[str, Array]:
    """The statistics of the groups of a block, (terms, groups) each."""
    own, own_effect, own_weight, errors = _of_groups(block, of)
    mean, weight, effect = np.full_like(of.mu, np.nan), np.zeros_like(of.mu), np.zeros_like(of.mu)
    se = np.zeros_like(of.mu) if conditional else of.error_of_mu.copy()
    varying, identified = list(terms.varying), ~np.isnan(own)
    # The only group of a model is its own population, and so is each group where all groups lie on one line.
    is_population = np.isin(of.state, (State.ONE_GROUP, State.ON_ONE_LINE))
    own_line = of.state == State.ON_OWN_LINES
    mean[varying] = np.where(is_population & identified, of.mu[varying], of.mu[varying] + own)
    weight[varying] = np.where((is_population | own_line) & identified, 1.0, own_weight)
    of_new_line = np.sqrt(of.tau2 + se[varying] ** 2)  # of a group without rows
    se[varying] = np.where(is_population, of.error_of_mu[varying], np.sqrt(of.sigma2 * errors))
    se = np.where(of.sigma2 == 0, 0.0, se)
    se[varying] = np.where(own_line & ~identified, of_new_line, se[varying])
    effect[varying] = np.where(is_population, 0.0, np.where(own_line & identified, own, own_effect))
    known = ~np.isnan(of.sigma2)
    effect = np.where(known, effect, np.nan)
    return {
        "mean": mean,
        "weight": np.where(known, weight, np.nan),
        "effect": effect,
        "estimate": of.mu + effect,
        "se": se,
    }


def _of_groups(block: Reduced, of: Population) -> tuple[Array, Array, Array, Array]:
    """Own deviation from the population, effect, weight and squared error relative to sigma2, of the varying terms.

    With V = I + R Psi R': effect = K (ry - rx departure), K = Psi R' V^-1. Its error holds Psi - K R Psi, and the share
    1 - K rx of the error of the population's coefficients.
    """
    r, rx = block.r, block.rx
    half = conditional_root(r, of.factor)
    spread = np.einsum("kig,kjg->ijg", half, half)
    kept = np.einsum("ijg,kjg->ikg", spread, r)
    left = block.ry - np.einsum("ktg,tg->kg", rx, of.departure)
    effect = np.einsum("ijg,jg->ig", of.varying, np.einsum("ikg,kg->ig", kept, left))
    deviation = np.einsum("ijg,jg->ig", of.varying, own_coefficients(r, left))
    passed_on = of.fixed - product(of.varying, product(kept, rx))
    errors = np.einsum("ijg,ijg->ig", product(of.varying, spread), of.varying)
    errors += np.einsum("ijg,ijg->ig", product(passed_on, of.covariance), passed_on)
    return deviation, effect, _weights(product(product(of.varying, product(kept, r)), of.from_varying)), errors


def product(a: Array, b: Array) -> Array:
    """The products of the matrices of each group."""
    return np.asarray(np.einsum("ijg,jkg->ikg", a, b))


def conditional_root(r: Array, factor: Array) -> Array:
    """H with H'H = Psi - Psi R' V^-1 R Psi without cancellation: H'H = L (I + L'R'R L)^-1 L'."""
    size = len(r)
    scaled = product(r, np.broadcast_to(factor, r.shape))
    inner = np.einsum("kig,kjg->ijg", scaled, scaled)
    root = cholesky([[inner[i, j] + (i == j) for j in range(size)] for i in range(size)])
    half = np.broadcast_to(np.swapaxes(factor, 0, 1), r.shape).copy()
    for i in range(size):
        for k in range(i):
            half[i] -= root[i][k] * half[k]
        half[i] /= root[i][i]
    return half


def _weights(share: Array) -> Array:
    """What each term keeps of its own deviation; NaN where its effect depends on the deviations of other terms."""
    weights: Array = np.einsum("iig->ig", share).copy()
    for k in range(len(share)):
        others = np.abs(np.delete(share[k], k, axis=0)).sum(axis=0)
        weights[k] = np.where(others == 0, weights[k], np.nan)
    return weights
