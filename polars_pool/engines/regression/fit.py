"""From the cross-products of groups to the estimates of every model, and what is said where data are degenerate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..numpy import Array
from . import likelihood, trust_region
from .likelihood import Fit
from .model import Regression
from .reduced import Crossproducts, Reduced, Scale, Terms, reduced, scale

STARTS = (0.1, 1.0, 10.0)  # of the factor of the relative covariance, where 1 lets a typical group keep half
FEW = 2_000  # groups of a model that tell which start is the best
COLLINEAR = 1e-12  # share of a covariate's squares that those before it leave
EXACT = 1e-14  # share of the value's squares that is rounding
SINGULAR = 1e-12  # an eigenvalue of the covariance, relative as the starts are, that is 0

FITTED, NO_ROWS, SPANNED, FEW_ROWS, UNIDENTIFIED, PERFECT, ALONE = range(7)


@dataclass(frozen=True)
class Estimates:
    """The models of a table: what is known of each, in standard units (see Scale), NaN where the data do not say."""

    terms: Terms
    scale: Scale
    groups: Array
    n: Array
    state: Array  # FITTED, or why there are no estimates or others
    spanned: Array  # (models,) the first covariate that is a combination of those before it, else -1
    sigma2: Array  # of the standardised value
    relative: Array  # (models, varying, varying): covariance of the varying terms by sigma2
    rank: Array
    beta: Array  # (models, terms)
    covariance: Array  # of beta, by sigma2
    log_likelihood: Array
    converged: Array


def estimated(groups: Crossproducts, pivots: Array, model: Regression) -> tuple[Estimates, Reduced]:
    """The estimates of all models of groups that have rows, and the reduced groups."""
    terms = Terms(len(model.covariates), model.intercept, model.varying, model.correlated)
    with np.errstate(all="ignore"):
        by = scale(groups, pivots, terms)
        d = reduced(groups, terms, by)
        spanned = _spanned(by.products)
        factor, settled = np.zeros((d.models, len(terms.varying), len(terms.varying))), np.ones(d.models, dtype=bool)
        plain, _ = likelihood.fitted(d, factor, model.restricted)
        state = _states(d, plain, groups.told, spanned, terms)
        if (chosen := np.flatnonzero(state == FITTED)).size:
            factor[chosen], settled[chosen] = _factors(groups, by, d, chosen, terms, model.restricted)
        relative, rank = _cleared(factor, _units(d))
        fit, _ = likelihood.fitted(d, roots(relative), model.restricted)
        known = (state == FITTED) | (state == ALONE)
        sigma2 = np.where(known, fit.squares / fit.df, np.where(state == PERFECT, 0.0, np.nan))
        sigma2 = np.where(state == ALONE, fit.squares / (d.n - terms.count), sigma2)
        estimable = (state != SPANNED) & (state != FEW_ROWS) & (state != NO_ROWS)
        relative[(state == ALONE) | (state == UNIDENTIFIED)] = np.nan
        found = Estimates(
            terms,
            by,
            groups.told,
            d.n,
            state,
            spanned,
            sigma2,
            relative,
            rank,
            np.where(estimable[:, None], fit.beta, np.nan),
            fit.covariance,
            np.where(state == FITTED, _log_likelihood(fit, by, terms, model.restricted), np.nan),
            settled & (known | (state == PERFECT)),
        )
    return found, d


def _spanned(products: Array) -> Array:
    """The first covariate of each model that the intercept and those before it span, -1 where there is none.

    A centred covariate that is the same in every row has nothing left at all.
    """
    covariates = len(products) - 1
    left = products[:covariates, :covariates].copy()
    own = np.einsum("iim->im", left).copy()
    found = np.full(products.shape[-1], -1)
    for k in range(covariates):
        gone = ~(left[k, k] > COLLINEAR * own[k])
        found = np.where((found < 0) & gone, k, found)
        row = left[k] / np.where(gone, np.inf, left[k, k])
        left = left - left[k][:, None] * row[None]
    return found


def _states(d: Reduced, plain: Fit, groups: Array, spanned: Array, terms: Terms) -> Array:
    """What can be said of every model; a later answer goes before an earlier one."""
    state = np.full(d.models, FITTED)
    within = d.rest[-1, -1]
    exact = EXACT * d.n
    state[within <= exact] = UNIDENTIFIED
    state[d.told >= d.n] = UNIDENTIFIED
    state[groups == 1] = ALONE
    state[plain.squares <= exact] = PERFECT
    state[d.n <= terms.count] = UNIDENTIFIED
    state[d.n < terms.count] = FEW_ROWS
    state[spanned >= 0] = SPANNED
    state[d.n == 0] = NO_ROWS
    return state


# ---- the covariance of the varying terms ----------------------------------------------------------------------------


def _factors(
    groups: Crossproducts, by: Scale, d: Reduced, chosen: Array, terms: Terms, restricted: bool
) -> tuple[Array, Array]:
    """The factor of the relative covariance of the models chosen, and whether it settled.

    A likelihood can have several maxima: some groups tell from several starts which one is the highest.
    """
    thin = groups.thinned(FEW)
    few = (d if thin is groups else reduced(thin, terms, by)).take(chosen)
    d = d.take(chosen)
    units, pattern = _units(d), _pattern(terms)
    tried = [_minimum(few, start * _diagonal(d.models, pattern), units, pattern, restricted) for start in STARTS]
    values = np.array([value for _, value, _ in tried])
    best = np.where(np.isfinite(values), values, np.inf).argmin(axis=0)
    x = np.array([x for x, _, _ in tried])[best, np.arange(d.models)]
    settled = np.array([settled for _, _, settled in tried])[best, np.arange(d.models)]
    if thin is not groups:
        x, _, settled = _minimum(d, x, units, pattern, restricted)
    return likelihood.lower(x, pattern, len(terms.varying)) * units[:, :, None], settled


def _minimum(
    d: Reduced, start: Array, units: Array, pattern: tuple[Array, Array], restricted: bool
) -> tuple[Array, Array, Array]:
    size = units[:, pattern[0]]

    def at(models: Array, x: Array) -> tuple[Array, Array, Array]:
        some, by = d.take(models), size[models]
        factor = likelihood.lower(x * by, pattern, units.shape[1])
        fit, rows = likelihood.fitted(some, factor, restricted)
        gradient, hessian = likelihood.derivatives(some, rows, fit, factor, pattern, restricted)
        return fit.deviance, gradient * by, hessian * by[:, :, None] * by[:, None, :]

    return trust_region.minimum(at, start)


def _pattern(terms: Terms) -> tuple[Array, Array]:
    """The free entries of the factor: its lower triangle, or its diagonal."""
    every = np.arange(len(terms.varying))
    return np.tril_indices(len(terms.varying)) if terms.correlated else (every, every)


def _diagonal(models: int, pattern: tuple[Array, Array]) -> Array:
    return np.repeat((pattern[0] == pattern[1])[None] * 1.0, models, axis=0)


def _units(d: Reduced) -> Array:
    """The deviation of each varying term, (models, varying), by which a typical group keeps half of its own."""
    squares = np.array([np.add.reduceat((d.r[:, k] ** 2).sum(axis=0), d.start) for k in range(len(d.r))])
    told = np.maximum(d.lengths, 1)
    return np.sqrt(told / np.where(squares > 0, squares, told)).T


def _cleared(factor: Array, units: Array) -> tuple[Array, Array]:
    """The relative covariance without directions in which nothing varies, and its rank."""
    plain = factor / units[:, :, None]
    values, vectors = np.linalg.eigh(plain @ np.swapaxes(plain, 1, 2))
    kept = values > SINGULAR * np.maximum(1.0, values.max(axis=1, keepdims=True))
    covariance = np.einsum("mij,mj,mkj->mik", vectors, np.where(kept, values, 0.0), vectors)
    diagonal = np.einsum("mii->mi", covariance)
    none = diagonal <= SINGULAR
    covariance = np.where(none[:, :, None] | none[:, None, :], 0.0, covariance)
    whole = kept.all(axis=1)[:, None, None]
    covariance = np.where(whole, plain @ np.swapaxes(plain, 1, 2), covariance)
    return covariance * units[:, :, None] * units[:, None, :], kept.sum(axis=1)


def roots(covariance: Array) -> Array:
    """Lower Cholesky factors of matrices that may be singular."""
    left, factor = covariance.copy(), np.zeros_like(covariance)
    for k in range(covariance.shape[-1]):
        pivot = left[:, k, k]
        column = left[:, :, k] / np.sqrt(np.where(pivot > SINGULAR * covariance[:, k, k], pivot, np.inf))[:, None]
        factor[:, k:, k] = column[:, k:]
        left = left - column[:, :, None] * column[:, None, :]
    return factor


def _log_likelihood(fit: Fit, by: Scale, terms: Terms, restricted: bool) -> Array:
    """The (restricted) log likelihood in the units of the data, as lme4 counts it."""
    value, covariates = np.log(by.size[-1]), np.log(by.size[:-1]).sum(axis=0)
    deviance = fit.deviance - fit.df * np.log(fit.df) + fit.df * (1 + np.log(2 * np.pi) + 2 * value)
    if restricted:
        # |X' V^-1 X| in the covariates' own units
        deviance = deviance + 2 * covariates
    return np.asarray(-0.5 * deviance)
