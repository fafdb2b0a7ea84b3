"""The groups of a query to one row per model: its population, and the variances about it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import regression as formulas
from ...formulas.shrink import icc
from ...numerics import special
from ..keys import public
from ..tables import WHOLE, series
from .coefficients import between, population
from .fit import Fitted, solved
from .groups import grouped
from .identification import State
from .spec import Regression


def components_schema(request: Regression) -> dict[str, pl.DataType]:
    """The columns of `components` after the keys."""

    def of(names: tuple[str, ...], dtype: Any = None) -> pl.Struct:
        return pl.Struct({name: dtype or pl.Float64() for name in names})

    return {
        **dict.fromkeys(("groups", "n", "dropped"), pl.Int64()),
        "sigma2": pl.Float64(),
        "tau2": of(request.vary),
        "correlation": of(request.vary, of(request.vary)),
        **dict.fromkeys(("mu", "se_mu", "mu_lower", "mu_upper", "mu_p"), of(request.terms)),
        "cov_mu": of(request.terms, of(request.terms)),
        **dict.fromkeys(("icc", "r2_marginal", "r2_conditional", "log_likelihood", "aic"), pl.Float64()),
        "singular": pl.String(),
        "converged": pl.Boolean(),
    }


def components(frame: pl.LazyFrame, request: Regression) -> pl.LazyFrame:
    """One row per model, under public names."""
    groups, constants = grouped(frame, request)
    keys = groups.select(public(*request.over_names)).collect_schema()
    return groups.join(constants, how="cross").map_batches(
        partial(of_groups, request=request),
        schema=pl.Schema({**keys, **components_schema(request)}),
        **WHOLE,
    )


def of_groups(table: pl.DataFrame, request: Regression) -> pl.DataFrame:
    """The same from a table of groups with the constants of the query."""
    schema = components_schema(request)
    solution = solved(table, request)
    if solution is None:
        return _without_groups(table, request, schema)
    models = solution.fitted
    dropped = solution.reduced.sum(solution.groups["_pool_dropped"].to_numpy())
    with np.errstate(all="ignore"):
        statistics = _summary(models, request)
    statistics |= {"groups": models.groups, "n": models.n, "dropped": dropped}
    keys = solution.models.select(public(*request.over_names)).get_columns() if request.over else []
    return pl.DataFrame([*keys, *(series(name, statistics[name], dtype) for name, dtype in schema.items())])


def _without_groups(table: pl.DataFrame, request: Regression, schema: dict[str, Any]) -> pl.DataFrame:
    """No models; without `over`, one model without rows."""
    if request.over:
        return pl.DataFrame(schema={**table.select(public(*request.over_names)).schema, **schema})
    none = {"groups": 0, "n": 0, "dropped": 0, "converged": False}
    return pl.DataFrame({name: [none.get(name)] for name in schema}, schema=schema)


def _summary(models: Fitted, request: Regression) -> dict[str, Any]:
    """The statistics of each model, terms in the order of the model."""
    quantile = request.options.quantile
    mu, cov_mu = population(models)
    tau2 = between(models)
    deviations = np.sqrt(np.einsum("mii->mi", tau2))
    sigma2 = np.where(models.identification.models(State.UNPOOLED), 0.0, models.sigma2) * models.scale.size[-1] ** 2
    se_mu = np.sqrt(np.einsum("mii->mi", cov_mu))
    fixed, varying = _variances(models)
    free = len(request.vary) * (len(request.vary) + 1) // 2 if request.correlated else len(request.vary)
    return {
        "sigma2": sigma2,
        "tau2": deviations**2,
        "correlation": _correlation(tau2, deviations),
        "mu": mu,
        "se_mu": se_mu,
        "mu_lower": mu - quantile * se_mu,
        "mu_upper": mu + quantile * se_mu,
        "mu_p": 2 * special.ndtr(-np.abs(mu) / se_mu),
        "cov_mu": cov_mu,
        "icc": icc(varying, sigma2),
        "r2_marginal": formulas.r2_marginal(fixed, varying, sigma2),
        "r2_conditional": formulas.r2_conditional(fixed, varying, sigma2),
        "log_likelihood": models.log_likelihood,
        "aic": 2 * (len(request.terms) + free + 1) - 2 * models.log_likelihood,
        "singular": _singular(models, request, deviations),
        "converged": models.converged,
    }


def _correlation(tau2: Array, deviations: Array) -> Array:
    """The correlations of the varying terms; NaN with a term that does not vary."""
    correlation = np.clip(tau2 / (deviations[:, :, None] * deviations[:, None, :]), -1, 1)
    every = np.arange(deviations.shape[1])
    correlation[:, every, every] = np.where(deviations > 0, 1.0, np.nan)
    return np.asarray(correlation)


def _variances(models: Fitted) -> tuple[Array, Array]:
    """The variance of the fixed terms over the rows of each model, and the mean variance of its varying terms."""
    terms, by = models.terms, models.scale
    spread = np.moveaxis(by.products, -1, 0)[:, :-1, :-1]
    about_mean = ((by.mean - by.centre) / by.size)[:-1].T
    value = by.size[-1] ** 2
    beta = models.beta[:, terms.intercept :]
    variance = spread - about_mean[:, :, None] * about_mean[:, None, :]
    fixed = np.einsum("mi,mij,mj->m", beta, variance, beta) * value * models.n / (models.n - 1)
    at = np.zeros((len(models.n), terms.count)) if terms.shifted else _mean_terms(models)
    second = at[:, :, None] * at[:, None, :]
    second[:, terms.intercept :, terms.intercept :] += spread
    if terms.intercept:
        second[:, 0, 0] = 1.0
    chosen = second[:, terms.varying][:, :, terms.varying]
    return fixed, np.einsum("mij,mij->m", models.between, chosen) * value


def _mean_terms(models: Fitted) -> Array:
    """The mean of each term in units of its size."""
    of_covariates = (models.scale.origin / models.scale.size)[:-1].T
    one = np.ones((len(models.n), int(models.terms.intercept)))
    return np.concatenate([one, of_covariates], axis=1)


def _singular(models: Fitted, request: Regression, deviations: Array) -> list[str | None]:
    """A sentence on varying terms that do not vary, or only together with others; None where all vary."""
    full = len(request.vary)
    sentences: list[str | None] = []
    for state, rank, of_model in zip(models.identification.state, models.rank, deviations, strict=True):
        none = [name for name, deviation in zip(request.vary, of_model, strict=True) if deviation == 0]
        if state != State.FITTED or rank == full:
            sentences.append(None)
        elif none:
            terms = " and ".join(repr(name) for name in none)
            sentences.append(f"{terms} {'does' if len(none) == 1 else 'do'} not vary between groups: the variance is 0")
        else:
            terms = ", ".join(repr(name) for name in request.vary)
            sentences.append(f"{terms} vary in {rank} of {full} directions: correlations are at their limit")
    return sentences
