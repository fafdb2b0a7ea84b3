"""Tables of groups to fitted models: their coefficients, variances and states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ...engines.numpy import Array
from .. import warning
from . import factor, likelihood, refuse, search
from .crossproducts import Crossproducts, crossproducts
from .groups import columns
from .identification import Identification, State, identified
from .likelihood import Profile
from .own_lines import population_of_lines
from .reduced import Reduced, reduced
from .scale import Scale, Terms, scale
from .spec import Regression

FEW = 10_000  # groups of a model that show which start of the search is the best
ROUNDING = 1e-15  # relative rounding of a cross-product
DIGITS = 8  # correct digits of an estimate below which a model warns


@dataclass(frozen=True)
class Fitted:
    """The models of a table in standard units (see Scale), NaN where their rows do not identify a number."""

    terms: Terms
    scale: Scale
    groups: Array
    n: Array
    identification: Identification
    sigma2: Array  # of the standardised value
    relative: Array  # (models, varying, varying): covariance of the varying terms relative to sigma2
    between: Array  # (models, varying, varying): the same covariance in absolute terms
    rank: Array  # of this covariance
    departure: Array  # (models, terms): the population's coefficients less those of the least-squares line
    covariance: Array  # of these coefficients
    log_likelihood: Array
    converged: Array

    @property
    def beta(self) -> Array:
        """The population's coefficients, (models, terms)."""
        return self.scale.line(self.terms) + self.departure


@dataclass(frozen=True)
class Table:
    """A table of groups sorted by model, its models, and both as arrays."""

    groups: pl.DataFrame
    models: pl.DataFrame
    fitted: Fitted
    reduced: Reduced


def solved(table: pl.DataFrame, request: Regression) -> Table | None:
    """The fitted models of a table of groups; None for a table without rows."""
    refuse.bad_rows(table, request)
    if table.is_empty():
        return None
    models, start = table.head(1), np.zeros(1, dtype=np.int64)
    if request.over:
        models = table.select(*request.over).unique(maintain_order=True).with_row_index("_pool_model")
        table = table.join(models, on=request.over, how="left", nulls_equal=True).sort("_pool_model")
        start = np.flatnonzero(np.diff(table["_pool_model"].to_numpy(), prepend=-1))
    pivots = np.array([table[f"{name}_pivot"].to_numpy()[start] for name in columns(request)])
    estimates, d = fitted(crossproducts(table, start, request), pivots, request)
    known = estimates.identification
    if not request.over and known.state[0] == State.COLLINEAR:
        refuse.collinear(request, int(known.collinear[0]))
    warning.warn(_messages(estimates, request), request.caller)
    return Table(table, models, estimates, d)


def terms_of(request: Regression) -> Terms:
    """The terms of a request, by number."""
    return Terms(len(request.covariates), request.intercept, request.varying, request.correlated)


def fitted(groups: Crossproducts, pivots: Array, request: Regression) -> tuple[Fitted, Reduced]:
    """The fitted models of groups that have rows, and the reduced groups."""
    terms, restricted = terms_of(request), request.restricted
    with np.errstate(all="ignore"):
        by = scale(groups, pivots, terms)
        d = reduced(groups, terms, by)
        known = identified(groups, by, d, terms, restricted)
        at, converged = _best_factors(groups, by, d, terms, known.models(State.FITTED), restricted)
        known.state[search.is_infinite(at, d)] = State.UNPOOLED
        relative, rank = factor.cleared(at, factor.units(d))
        fit, _ = likelihood.profiled(d, factor.roots(relative), restricted)
        sigma2 = _sigma2(fit, known, d.n - terms.count)
        relative[known.models(State.ONE_GROUP, State.UNIDENTIFIED)] = np.nan
        unknown = known.models(State.COLLINEAR, State.FEW_ROWS, State.NO_ROWS)
        log_likelihood = _log_likelihood(fit, by, restricted)
        estimates = Fitted(
            terms,
            by,
            groups.groups,
            d.n,
            known,
            sigma2,
            relative,
            between=relative * sigma2[:, None, None],
            rank=rank,
            departure=np.where(unknown[:, None], np.nan, fit.beta),
            covariance=fit.covariance * sigma2[:, None, None],
            log_likelihood=np.where(known.models(State.FITTED), log_likelihood, np.nan),
            converged=converged & ~np.isnan(sigma2),
        )
        _put_lines(estimates, d, restricted)
    return estimates, d


def _best_factors(
    groups: Crossproducts, by: Scale, d: Reduced, terms: Terms, searched: Array, restricted: bool
) -> tuple[Array, Array]:
    """The factor of the relative covariance of each model, 0 where it is not searched, and whether it converged."""
    size = len(terms.varying)
    at, converged = np.zeros((d.models, size, size)), np.ones(d.models, dtype=bool)
    if (models := np.flatnonzero(searched)).size:
        thin, chosen = groups.thinned(FEW), d.take(models)
        few = chosen if thin is groups else reduced(thin, terms, by).take(models)
        at[models], converged[models] = search.best_factor(chosen, few, terms, restricted)
    return at, converged


def _sigma2(fit: Profile, known: Identification, df: Array) -> Array:
    """The variance within groups; for one group that of its least-squares line."""
    of_line = np.where(known.models(State.ONE_GROUP), fit.squares / df, np.nan)
    sigma2 = np.where(known.models(State.FITTED, State.UNPOOLED), fit.squares / fit.df, of_line)
    return np.where(known.models(State.ON_ONE_LINE, State.ON_OWN_LINES), 0.0, sigma2)


def _put_lines(estimates: Fitted, d: Reduced, restricted: bool) -> None:
    """Replace the estimates of models whose groups lie on lines of their own by mean and covariance of the lines."""
    models = np.flatnonzero(estimates.identification.models(State.ON_OWN_LINES))
    if models.size:
        mean, covariance = population_of_lines(d.take(models), restricted, estimates.terms.correlated)
        to_fixed = estimates.scale.from_varying(estimates.terms)[models]
        estimates.departure[models] = np.einsum("mij,mj->mi", to_fixed, mean)
        estimates.between[models] = covariance
        covariance_of_mean = covariance / estimates.groups[models, None, None]
        estimates.covariance[models] = np.einsum("mij,mjk,mlk->mil", to_fixed, covariance_of_mean, to_fixed)


def _log_likelihood(fit: Profile, by: Scale, restricted: bool) -> Array:
    """The (restricted) log likelihood in the units of the data, with the constants of lme4."""
    value, covariates = np.log(by.size[-1]), np.log(by.size[:-1]).sum(axis=0)
    deviance = fit.deviance - fit.df * np.log(fit.df) + fit.df * (1 + np.log(2 * np.pi) + 2 * value)
    if restricted:
        # |X' V^-1 X| in the units of the covariates
        deviance = deviance + 2 * covariates
    return np.asarray(-0.5 * deviance)


def _messages(estimates: Fitted, request: Regression) -> list[str]:
    """The messages of the models that have one."""
    known, failed = estimates.identification, ~estimates.converged
    messages = np.full(len(estimates.n), None, dtype=object)
    digits = np.floor(np.log10(np.maximum(known.shares, ROUNDING) / ROUNDING))  # of estimates, by covariate
    for i in np.flatnonzero(digits.min(axis=0, initial=DIGITS) < DIGITS):
        worst = digits[:, i].argmin()
        messages[i] = warning.lost(request.covariate_names[worst], int(digits[worst, i]))
    messages[failed] = warning.UNIDENTIFIED_VARIANCES
    messages[failed & known.models(State.FITTED)] = warning.UNSETTLED
    messages[known.models(State.COLLINEAR)] = warning.COLLINEAR
    messages[known.models(State.NO_ROWS)] = None
    for i in np.flatnonzero(known.flat.any(axis=1)):
        messages[i] = warning.flat([name for name, one in zip(request.vary, known.flat[i], strict=True) if one])
    return [message for message in messages if message is not None]
