"""Degrees of freedom of the population's coefficients by Satterthwaite's method, from exact derivatives.

With sigma2 at its best for each covariance of the varying terms, 1 / df = 1 / df(sigma2) + g' H^-1 g: g is the gradient
of the log variance of a coefficient, and H the Hessian of the deviance. This equals lmerTest's 2 V^2 / Var(V), whose
parameters include sigma. Where the covariance is singular, its directions are those of covariances of the same rank:
only sigma2 is left where no term varies. Source: Kuznetsova, Brockhoff & Christensen (2017), "lmerTest", J. Stat.
Softw. 82.
"""

from __future__ import annotations

import numpy as np

from ...engines.numpy import Array
from ...formulas.inference import satterthwaite
from . import likelihood
from .coefficients import transform
from .factor import Pattern, roots
from .fit import Fitted
from .identification import State
from .reduced import Reduced
from .scale import Terms

FLAT = 1e-10  # eigenvalue of a Hessian of unit diagonal that is rounding


def degrees_of_freedom(models: Fitted, d: Reduced, restricted: bool) -> Array:
    """The degrees of freedom of each coefficient, (models, terms), in its own units; NaN where no error is known."""
    known, count = models.identification, models.terms.count
    of_rows = models.n - restricted * count
    df = np.full(len(models.n), np.nan)
    for state, of_state in {
        State.ONE_GROUP: models.n - count,
        State.UNPOOLED: of_rows,
        State.ON_OWN_LINES: models.groups - restricted,
    }.items():
        df = np.where(known.models(state), of_state, df)
    result = np.repeat(df[:, None], count, axis=1)
    if (fitted := np.flatnonzero(known.models(State.FITTED))).size:
        change = _changes(models, d, fitted, restricted)
        result[fitted] = satterthwaite(of_rows[fitted, None], change)
    return result


def _changes(models: Fitted, d: Reduced, fitted: Array, restricted: bool) -> Array:
    """g' H^-1 g of each coefficient of some models."""
    d, at, free = d.take(fitted), roots(models.relative[fitted]), _every_entry(models.terms)
    fit, rows = likelihood.profiled(d, at, restricted)
    _, hessian = likelihood.derivatives(d, rows, fit, at, free, restricted)
    gradient = likelihood.changes_of_variances(d, rows, fit, at, free, transform(models)[0][fitted])
    return _along(hessian, gradient)


def _every_entry(terms: Terms) -> Pattern:
    """All entries of a factor, which reach each covariance of its rank; of independent terms the diagonal."""
    size = len(terms.varying)
    every = np.indices((size, size)).reshape(2, -1) if terms.correlated else np.tile(np.arange(size), (2, 1))
    return every[0], every[1]


def _along(hessian: Array, gradient: Array) -> Array:
    """g' H^-1 g of gradients, (models, entries, terms), where entries turn the factor without changing the deviance."""
    diagonal = np.einsum("maa->ma", hessian)
    unit = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 0.0)
    curvature, direction = np.linalg.eigh(hessian * unit[:, :, None] * unit[:, None, :])
    along = np.einsum("mab,mat->mbt", direction, gradient * unit[:, :, None])
    inverse = np.where(curvature > FLAT, 1 / np.where(curvature > FLAT, curvature, 1.0), 0.0)
    return np.asarray(np.einsum("mb,mbt->mt", inverse, along**2))
