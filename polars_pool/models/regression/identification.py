"""What the rows of each model identify: collinear covariates, degenerate data, directions of a flat likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ...engines.numpy import Array
from . import factor, likelihood
from .crossproducts import Crossproducts
from .reduced import Reduced, reduced
from .scale import Scale, Terms

COLLINEAR = 1e-12  # share of a covariate's squares that the terms before it leave
EXACT = 1e-14  # share of the value's squares up to which a residual is rounding
FLAT = 1e-10  # share of the information about a variance, with sigma2 and the fixed terms known, that is rounding
INVOLVED = 1e-6  # share of a flat direction along an entry of the covariance that is more than rounding
ENOUGH = 1_000  # groups of a model that nearly always identify what all its groups identify


class State(IntEnum):
    """How the estimates of a model come about, or why it has none."""

    FITTED = 0  # by the maximum of its likelihood
    NO_ROWS = 1
    COLLINEAR = 2  # a covariate is a combination of the terms before it
    FEW_ROWS = 3  # fewer rows than fixed terms
    UNIDENTIFIED = 4  # the rows determine the fixed terms, but not the variances
    ON_ONE_LINE = 5  # the fixed terms fit all rows exactly
    ON_OWN_LINES = 6  # each group's own coefficients fit its rows exactly
    ONE_GROUP = 7
    UNPOOLED = 8  # the relative covariance is infinite


@dataclass(frozen=True)
class Identification:
    """What the rows of each model identify."""

    state: Array  # of State
    collinear: Array  # (models,) the first covariate that is a combination of the terms before it; -1 for none
    shares: Array  # (covariates, models): share of a covariate's squares that the terms before it leave
    flat: Array  # (models, varying): terms along whose variances or correlations the likelihood is flat

    def models(self, *states: State) -> Array:
        """Whether the state of each model is one of some states."""
        return np.isin(self.state, states)


def identified(groups: Crossproducts, by: Scale, d: Reduced, terms: Terms, restricted: bool) -> Identification:
    """What the rows of each model identify, before its likelihood is maximised."""
    share = _shares(by.products)
    collinear = _first_collinear(share)
    complete_pooling = np.zeros((d.models, len(terms.varying), len(terms.varying)))
    fit, _ = likelihood.profiled(d, complete_pooling, restricted)
    state = _states(d, fit.squares, groups.groups, collinear, terms)
    flat = np.zeros((d.models, len(terms.varying)), dtype=bool)
    if (models := np.flatnonzero(state == State.FITTED)).size:
        # What some groups identify, all groups identify.
        some = reduced(groups.thinned(ENOUGH), terms, by).take(models)
        flat[models] = _flat(some, terms, restricted)
        if (models := np.flatnonzero(flat.any(axis=1))).size:
            flat[models] = _flat(d.take(models), terms, restricted)
        state[flat.any(axis=1)] = State.UNIDENTIFIED
    return Identification(state, collinear, share, flat & ~d.saturated[:, None])


def _shares(products: Array) -> Array:
    """The share of each covariate's squares that the intercept and those before it leave, (covariates, models).

    A centred covariate that is constant over all rows has a share of 0.
    """
    covariates = len(products) - 1
    left = products[:covariates, :covariates].copy()
    own = np.einsum("iim->im", left).copy()
    result = np.zeros((covariates, products.shape[-1]))
    for k in range(covariates):
        result[k] = np.where(own[k] > 0, left[k, k] / own[k], 0.0)
        row = left[k] / np.where(result[k] > COLLINEAR, left[k, k], np.inf)
        left = left - left[k][:, None] * row[None]
    return result


def _first_collinear(share: Array) -> Array:
    """The first covariate of each model that is a combination of the terms before it; -1 where there is none."""
    collinear = ~(share > COLLINEAR)
    if not len(collinear):
        return np.full(share.shape[1], -1)
    return np.where(collinear.any(axis=0), collinear.argmax(axis=0), -1)


def _states(d: Reduced, squares: Array, groups: Array, collinear: Array, terms: Terms) -> Array:
    """The state of each model before its likelihood is maximised; a later rule takes precedence.

    `squares` are the residual squares of the fixed terms alone.
    """
    state = np.full(d.models, State.FITTED)
    exact = EXACT * d.n
    exact_within = _residual_squares(d.rest) <= exact
    state[exact_within] = State.UNIDENTIFIED
    state[exact_within & (d.identified == groups * terms.count)] = State.ON_OWN_LINES
    # With single rows, unequal weights identify the variance of means; slopes need groups of more rows.
    state[d.saturated] = State.FITTED if terms.varying == (0,) and terms.intercept else State.UNIDENTIFIED
    state[groups == 1] = State.ONE_GROUP
    state[squares <= exact] = State.ON_ONE_LINE
    state[d.n <= terms.count] = State.UNIDENTIFIED
    state[d.n < terms.count] = State.FEW_ROWS
    state[collinear >= 0] = State.COLLINEAR
    state[d.n == 0] = State.NO_ROWS
    return state


def _residual_squares(rest: Array) -> Array:
    """The squares of the value that neither the varying terms nor, within groups, the other terms explain."""
    left = rest.copy()
    own = np.einsum("iim->im", rest)
    for k in range(len(rest) - 1):
        row = left[k] / np.where(left[k, k] > COLLINEAR * own[k], left[k, k], np.inf)
        left = left - left[k][:, None] * row[None]
    return np.asarray(left[-1, -1])


def _flat(d: Reduced, terms: Terms, restricted: bool) -> Array:
    """The varying terms of each model about whose variances and correlations its rows hold no information.

    Along a direction without expected curvature the likelihood is flat, whatever the values. The curvature is relative
    to that with known fixed terms and sigma2, where a typical group keeps half of its own deviation.
    """
    free, size = factor.pattern(terms), len(terms.varying)
    at = factor.lower(factor.identity(d.models, free), free, size) * factor.units(d)[:, :, None]

    def information(restricted: bool) -> tuple[Array, Array]:
        fit, rows = likelihood.profiled(d, at, restricted)
        return likelihood.information(d, rows, fit, at, free, restricted)

    of_rows, known = information(False)
    known = np.sqrt(np.einsum("maa->ma", known))
    scale = np.where(known > 0, known, 1.0)
    # Where the groups' own coefficients fit all rows, only the restricted likelihood holds information.
    beyond, _ = information(True)
    left = np.where((restricted | d.saturated)[:, None, None], beyond, of_rows)
    left = np.nan_to_num(left / (scale[:, :, None] * scale[:, None, :]))
    curvature, direction = np.linalg.eigh(left)
    along = np.einsum("mab,mb->ma", direction**2, curvature <= FLAT) > INVOLVED
    flat = np.zeros((d.models, size), dtype=bool)
    for entry, places in enumerate(zip(*free, strict=True)):
        flat[:, places] |= along[:, entry, None]
    return flat
