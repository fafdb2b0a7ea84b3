"""From the cross-products of groups to the estimates of every model, and what is said where data are degenerate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from ...numerics import trust_region
from ...numerics.arrays import Array
from . import likelihood
from .likelihood import Fit
from .reduced import Crossproducts, Reduced, Scale, Terms, own_coefficients, reduced, scale
from .spec import Regression

STARTS = (0.1, 1.0, 10.0)  # of the factor of the relative covariance, where 1 lets a typical group keep half
FEW = 10_000  # groups of a model that tell which start is the best
EDGE = (1.0, 4.0, 16.0)  # the same of a factor of lower rank
ASIDE = 0.01  # across its directions
SMALL = 30  # most groups of a model whose likelihood is looked at there: of more it hardly has several maxima
COLLINEAR = 1e-12  # share of a covariate's squares that those before it leave
FLAT = 1e-10  # share of the information about a variance, were sigma2 and the fixed terms known, that is rounding
ENOUGH = 1_000  # groups of a model that nearly always identify what all do
INVOLVED = 1e-6  # share of a flat direction along an entry of the covariance that is more than rounding
EXACT = 1e-14  # share of the value's squares that is rounding
SINGULAR = 1e-12  # an eigenvalue of the covariance, relative as the starts are, that is 0

FAR = 1e30  # of the factor: there the relative covariance stands for an infinite one

FITTED, NO_ROWS, SPANNED, FEW_ROWS, UNIDENTIFIED, PERFECT, OWN_LINES, ALONE, OWN_MEANS = range(9)


@dataclass(frozen=True)
class Estimates:
    """The models of a table: what is known of each, in standard units (see Scale), NaN where the data do not say."""

    terms: Terms
    scale: Scale
    groups: Array
    n: Array
    state: Array  # FITTED, or why there are no estimates or others
    spanned: Array  # (models,) the first covariate that is a combination of those before it, else -1
    shares: Array  # (covariates, models): of a covariate's squares, what those before it leave
    flat: Array  # (models, varying): terms along whose variances or correlations the likelihood is flat
    sigma2: Array  # of the standardised value
    relative: Array  # (models, varying, varying): covariance of the varying terms by sigma2
    between: Array  # the same covariance as it is
    rank: Array
    departure: Array  # (models, terms): of the population's coefficients from the line that reduced values have lost
    covariance: Array  # of these coefficients
    log_likelihood: Array
    converged: Array

    @property
    def beta(self) -> Array:
        """The population's coefficients, (models, terms)."""
        return self.scale.line(self.terms) + self.departure


def estimated(groups: Crossproducts, pivots: Array, model: Regression) -> tuple[Estimates, Reduced]:
    """The estimates of all models of groups that have rows, and the reduced groups."""
    terms = Terms(len(model.covariates), model.intercept, model.varying, model.correlated)
    with np.errstate(all="ignore"):
        by = scale(groups, pivots, terms)
        d = reduced(groups, terms, by)
        shares = _shares(by.products)
        gone = ~(shares > COLLINEAR)
        spanned = np.where(gone.any(axis=0), gone.argmax(axis=0), -1) if len(gone) else np.full(d.models, -1)
        factor, settled = np.zeros((d.models, len(terms.varying), len(terms.varying))), np.ones(d.models, dtype=bool)
        plain, _ = likelihood.fitted(d, factor, model.restricted)
        state = _states(d, plain, groups.told, spanned, terms)
        flat = np.zeros((d.models, len(terms.varying)), dtype=bool)
        if (chosen := np.flatnonzero(state == FITTED)).size:
            # What some groups identify, all do.
            some = reduced(groups.thinned(ENOUGH), terms, by).take(chosen)
            flat[chosen] = _flat(some, terms, model.restricted)
            if (chosen := np.flatnonzero(flat.any(axis=1))).size:
                flat[chosen] = _flat(d.take(chosen), terms, model.restricted)
            state[flat.any(axis=1)] = UNIDENTIFIED
            flat &= ~saturated(d)[:, None]
        if (chosen := np.flatnonzero(state == FITTED)).size:
            factor[chosen], settled[chosen] = _factors(groups, by, d, chosen, terms, model.restricted)
            state[(factor == FAR * _units(d)[:, :, None]).all(axis=(1, 2))] = OWN_MEANS
        relative, rank = _cleared(factor, _units(d))
        fit, _ = likelihood.fitted(d, roots(relative), model.restricted)
        sigma2 = _sigma2(fit, state, d.n - terms.count)
        relative[np.isin(state, (ALONE, UNIDENTIFIED))] = np.nan
        untold = np.isin(state, (SPANNED, FEW_ROWS, NO_ROWS))
        found = Estimates(
            terms,
            by,
            groups.told,
            d.n,
            state,
            spanned,
            shares,
            flat,
            sigma2,
            relative,
            between=relative * sigma2[:, None, None],
            rank=rank,
            departure=np.where(untold[:, None], np.nan, fit.beta),
            covariance=fit.covariance * sigma2[:, None, None],
            log_likelihood=np.where(state == FITTED, _log_likelihood(fit, by, terms, model.restricted), np.nan),
            converged=settled & ~np.isnan(sigma2),
        )
        return _with_own_lines(found, d, model.restricted), d


def _sigma2(fit: Fit, state: Array, df: Array) -> Array:
    """The variance within groups; that of one group alone by least squares."""
    searched = np.isin(state, (FITTED, OWN_MEANS))
    sigma2 = np.where(searched, fit.squares / fit.df, np.where(state == ALONE, fit.squares / df, np.nan))
    return np.where(np.isin(state, (PERFECT, OWN_LINES)), 0.0, sigma2)


def _with_own_lines(found: Estimates, d: Reduced, restricted: bool) -> Estimates:
    """The estimates, those of models whose groups lie on lines of their own from these lines."""
    models = np.flatnonzero(found.state == OWN_LINES)
    if models.size:
        found.departure[models], found.between[models] = _of_own_lines(
            d.take(models), restricted, found.terms.correlated
        )
        found.covariance[models] = found.between[models] / found.groups[models, None, None]
    return found


def _of_own_lines(d: Reduced, restricted: bool, correlated: bool) -> tuple[Array, Array]:
    """Mean and covariance of the groups' own coefficients, which are exact where no row is off its group's line."""
    own = own_coefficients(d.r, d.ry)
    has = ~np.isnan(own[0])
    own, groups = np.where(has, own, 0.0), np.add.reduceat(has, d.start, dtype=np.float64)
    mean = np.add.reduceat(own, d.start, axis=-1) / groups
    apart = np.where(has, own - np.repeat(mean, d.lengths, axis=-1), 0.0)
    products = np.add.reduceat(apart[:, None] * apart[None], d.start, axis=-1) / (groups - restricted)
    if not correlated:
        products *= np.eye(len(own))[:, :, None]
    return mean.T, np.moveaxis(products, -1, 0)


def _shares(products: Array) -> Array:
    """The share of every covariate's squares that the intercept and those before it leave, (covariates, models).

    A centred covariate that is the same in every row has nothing left at all.
    """
    covariates = len(products) - 1
    left = products[:covariates, :covariates].copy()
    own = np.einsum("iim->im", left).copy()
    shares = np.zeros((covariates, products.shape[-1]))
    for k in range(covariates):
        shares[k] = np.where(own[k] > 0, left[k, k] / own[k], 0.0)
        row = left[k] / np.where(shares[k] > COLLINEAR, left[k, k], np.inf)
        left = left - left[k][:, None] * row[None]
    return shares


def _left(rest: Array) -> Array:
    """The squares of the value that neither the varying terms nor, within groups, the others explain."""
    left = rest.copy()
    own = np.einsum("iim->im", rest)
    for k in range(len(rest) - 1):
        row = left[k] / np.where(left[k, k] > COLLINEAR * own[k], left[k, k], np.inf)
        left = left - left[k][:, None] * row[None]
    return np.asarray(left[-1, -1])


def _states(d: Reduced, plain: Fit, groups: Array, spanned: Array, terms: Terms) -> Array:
    """What can be said of every model; a later answer goes before an earlier one."""
    state = np.full(d.models, FITTED)
    exact = EXACT * d.n
    exact_within = _left(d.rest) <= exact
    state[exact_within] = UNIDENTIFIED
    state[exact_within & (d.told == groups * terms.count)] = OWN_LINES
    # Of single rows, unequal weights tell the variances of means apart; slopes are left to groups of more rows.
    state[saturated(d)] = FITTED if terms.varying == (0,) and terms.intercept else UNIDENTIFIED
    state[groups == 1] = ALONE
    state[plain.squares <= exact] = PERFECT
    state[d.n <= terms.count] = UNIDENTIFIED
    state[d.n < terms.count] = FEW_ROWS
    state[spanned >= 0] = SPANNED
    state[d.n == 0] = NO_ROWS
    return state


def saturated(d: Reduced) -> Array:
    """Models whose groups' own coefficients leave nothing of any row."""
    return np.asarray(d.told >= d.n)


# ---- the covariance of the varying terms ----------------------------------------------------------------------------


def _factors(
    groups: Crossproducts, by: Scale, d: Reduced, chosen: Array, terms: Terms, restricted: bool
) -> tuple[Array, Array]:
    """The factor of the relative covariance of the models chosen, and whether it settled.

    A likelihood can have several maxima: some groups tell from several starts which one is the highest.
    """
    thin = groups.thinned(FEW)
    few = d = d.take(chosen)
    if thin is not groups:
        few = reduced(thin, terms, by).take(chosen)
    units, pattern = _units(d), _pattern(terms)
    unit = _diagonal(d.models, pattern)
    of_few, of_all = (_criterion(some, units, pattern, restricted) for some in (few, d))
    x, settled, value = _deepest([trust_region.minimum(of_few, start * unit) for start in STARTS])
    if (small := np.flatnonzero(d.lengths <= SMALL)).size and len(pattern[0]) > len(terms.varying):
        edges = _edges(d.take(small), units[small], pattern, restricted)
        each = np.repeat(small, edges.shape[1])
        found = trust_region.minimum(lambda models, x: of_few(each[models], x), edges.reshape(-1, edges.shape[2]))
        minima = [part.reshape(len(small), -1, *part.shape[1:]).swapaxes(0, 1) for part in found]
        searched = [(x[small], value[small], settled[small]), *zip(*minima, strict=True)]
        x[small], settled[small], value[small] = _deepest(searched)
    if few is not d:
        x, value, settled = trust_region.minimum(of_all, x)
    if (without := np.flatnonzero(saturated(d))).size:
        far = FAR * unit[without]
        limit = (far, of_all(without, far)[0], np.ones(len(without), dtype=bool))
        x[without], settled[without], _ = _deepest([limit, (x[without], value[without], settled[without])])
    return likelihood.lower(x, pattern, len(terms.varying)) * units[:, :, None], settled


def _deepest(minima: list[tuple[Array, Array, Array]]) -> tuple[Array, Array, Array]:
    """The lowest of several minima of each model: where, whether it settled, and its value; the first of equal ones."""
    x, value, settled = (np.array(part) for part in zip(*minima, strict=True))
    depth = _finite(value)
    best = (depth <= depth.min(axis=0) + trust_region.NOISE * (1 + np.abs(depth.min(axis=0)))).argmax(axis=0)
    every = np.arange(len(best))
    return x[best, every], settled[best, every], value[best, every]


def _edges(d: Reduced, units: Array, pattern: tuple[Array, Array], restricted: bool) -> Array:
    """Starts near covariances of lower rank, (models, starts, entries): of each size those of the lowest deviance.

    There a likelihood of few groups can have maxima that no multiple of the same covariance leads to. A candidate is
    the sum of the squares of one or two directions; as many as free entries are searched from.
    """
    varying = units.shape[1]
    signs = _signs(varying)
    squares = signs[:, :, None] * signs[:, None, :]
    sums = [np.sum(some, axis=0) for rank in range(1, min(varying, 3)) for some in combinations(squares, rank)]
    aside = ASIDE**2 * np.eye(varying)
    factors = np.linalg.cholesky(np.array([[size**2 * one + aside for one in sums] for size in EDGE]))
    each = np.repeat(np.arange(d.models), len(EDGE) * len(sums))
    candidates = np.tile(factors.reshape(-1, varying, varying), (d.models, 1, 1))
    fit, _ = likelihood.fitted(d.take(each), candidates * units[each, :, None], restricted)
    depth = _finite(fit.deviance).reshape(d.models, len(EDGE), len(sums))
    best = np.argsort(depth, axis=2)[:, :, : len(pattern[0])]
    entries = factors[np.arange(len(EDGE))[:, None], best][..., pattern[0], pattern[1]]
    return np.asarray(entries.reshape(d.models, -1, len(pattern[0])))


def _signs(varying: int) -> Array:
    """The directions whose entries are 1, 0 or -1, one of each two opposite ones."""
    every = np.array([*product((1.0, 0.0, -1.0), repeat=varying)])
    return every[: len(every) // 2]


def _finite(value: Array) -> Array:
    return np.where(np.isfinite(value), value, np.inf)


def _flat(d: Reduced, terms: Terms, restricted: bool) -> Array:
    """The varying terms of every model about whose variances and correlations its rows hold no information.

    Along a direction without expected curvature the likelihood is flat, whatever the values. Curvature is measured
    beside that of known fixed terms and sigma2, where a typical group keeps half of its own deviation.
    """
    pattern, size = _pattern(terms), len(terms.varying)
    factor = likelihood.lower(_diagonal(d.models, pattern), pattern, size) * _units(d)[:, :, None]

    def information(restricted: bool) -> tuple[Array, Array]:
        fit, rows = likelihood.fitted(d, factor, restricted)
        return likelihood.information(d, rows, fit, factor, pattern, restricted)

    of_rows, known = information(False)
    known = np.sqrt(np.einsum("maa->ma", known))
    scale = np.where(known > 0, known, 1.0)
    # Without rows beside the groups' own coefficients only what these leave of the fixed terms tells.
    beyond, _ = information(True)
    left = np.where((restricted | saturated(d))[:, None, None], beyond, of_rows)
    left = np.nan_to_num(left / (scale[:, :, None] * scale[:, None, :]))
    curvature, direction = np.linalg.eigh(left)
    along = np.einsum("mab,mb->ma", direction**2, curvature <= FLAT) > INVOLVED
    flat = np.zeros((d.models, size), dtype=bool)
    for entry, places in enumerate(zip(*pattern, strict=True)):
        flat[:, places] |= along[:, entry, None]
    return flat


def _criterion(
    d: Reduced, units: Array, pattern: tuple[Array, Array], restricted: bool
) -> Callable[[Array, Array], tuple[Array, Array, Array]]:
    """The deviance of the models listed with its derivatives, by the free entries of the factor in units."""
    size = units[:, pattern[0]]

    def at(models: Array, x: Array) -> tuple[Array, Array, Array]:
        some, by = d.take(models), size[models]
        factor = likelihood.lower(x * by, pattern, units.shape[1])
        fit, rows = likelihood.fitted(some, factor, restricted)
        gradient, hessian = likelihood.derivatives(some, rows, fit, factor, pattern, restricted)
        return fit.deviance, gradient * by, hessian * by[:, :, None] * by[:, None, :]

    return at


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
