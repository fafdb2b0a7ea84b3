"""The groups of a query to one row per model: its population, and the variances about it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri

from ...formulas import regression as formulas
from ...formulas.shrink import icc
from ...numerics.arrays import Array
from .. import warning
from ..keys import public
from ..tables import WHOLE
from .coefficients import between, population
from .fit import FITTED, NO_ROWS, OWN_MEANS, SPANNED, Estimates, estimated
from .groups import columns, crossproducts
from .reduced import Reduced
from .refuse import bad_rows, spanned
from .spec import Regression

ROUNDING = 1e-15  # of a cross-product
DIGITS = 8  # of an estimate; where fewer are left a model warns


def components_schema(model: Regression) -> dict[str, pl.DataType]:
    def of(names: tuple[str, ...], dtype: Any = None) -> pl.Struct:
        return pl.Struct({name: dtype or pl.Float64() for name in names})

    return {
        **dict.fromkeys(("groups", "n", "dropped"), pl.Int64()),
        "sigma2": pl.Float64(),
        "tau2": of(model.vary),
        "correlation": of(model.vary, of(model.vary)),
        **dict.fromkeys(("mu", "se_mu", "mu_lower", "mu_upper", "mu_p"), of(model.terms)),
        "cov_mu": of(model.terms, of(model.terms)),
        **dict.fromkeys(("icc", "r2_marginal", "r2_conditional", "log_likelihood", "aic"), pl.Float64()),
        "singular": pl.String(),
        "converged": pl.Boolean(),
    }


def of_models(grouped: pl.LazyFrame, constants: pl.LazyFrame, model: Regression, level: float) -> pl.LazyFrame:
    """One row a model, under public names."""
    keys = grouped.select(public(*model.over_names)).collect_schema()
    schema = pl.Schema({**keys, **components_schema(model)})
    call = partial(_of_models, model=model, quantile=float(ndtri((1 + level) / 2)))
    return grouped.join(constants, how="cross").map_batches(call, schema=schema, **WHOLE)


def solved(table: pl.DataFrame, model: Regression) -> tuple[pl.DataFrame, pl.DataFrame, Estimates, Reduced] | None:
    """The groups sorted by model, their models and the estimates of these; none of no groups."""
    bad_rows(table, model)
    if table.is_empty():
        return None
    models, start = table.head(1), np.zeros(1, dtype=np.int64)
    if model.over:
        models = table.select(*model.over).unique(maintain_order=True).with_row_index("_pool_model")
        table = table.join(models, on=model.over, how="left", nulls_equal=True).sort("_pool_model")
        start = np.flatnonzero(np.diff(table["_pool_model"].to_numpy(), prepend=-1))
    pivots = np.array([table[f"{name}_pivot"][0] for name in columns(model)])
    found, d = estimated(crossproducts(table, start, model), pivots, model)
    if not model.over and found.state[0] == SPANNED:
        spanned(model, int(found.spanned[0]))
    warning.warn(_messages(found, model), model.caller)
    return table, models, found, d


def _messages(found: Estimates, model: Regression) -> list[str]:
    """The message that each model gives cause for; most give none."""
    messages = np.full(len(found.n), None, dtype=object)
    digits = _digits(found)
    for of_model in np.flatnonzero(digits.min(axis=0, initial=DIGITS) < DIGITS):
        worst = digits[:, of_model].argmin()
        messages[of_model] = warning.lost(model.covariate_names[worst], int(digits[worst, of_model]))
    messages[~found.converged] = warning.UNTOLD
    messages[~found.converged & (found.state == FITTED)] = warning.UNSETTLED
    messages[found.state == SPANNED] = warning.COLLINEAR
    messages[found.state == NO_ROWS] = None
    for of_model in np.flatnonzero(found.flat.any(axis=1)):
        terms = [name for name, one in zip(model.vary, found.flat[of_model], strict=True) if one]
        messages[of_model] = warning.flat(terms)
    return [message for message in messages if message is not None]


def _digits(found: Estimates) -> Array:
    """How many digits of its estimates the rounding of cross-products leaves beside each covariate."""
    return np.floor(np.log10(np.maximum(found.shares, ROUNDING) / ROUNDING))


def _of_models(table: pl.DataFrame, model: Regression, quantile: float) -> pl.DataFrame:
    schema = components_schema(model)
    answer = solved(table, model)
    if answer is None:
        return _nothing(table, model, schema)
    table, models, found, d = answer
    dropped = np.add.reduceat(table["_pool_dropped"].to_numpy(), d.start, dtype=np.int64)
    with np.errstate(all="ignore"):
        told = summarised(found, model, quantile)
    told |= {"groups": found.groups.astype(np.int64), "n": found.n.astype(np.int64), "dropped": dropped}
    statistics = [_column(name, told[name], dtype) for name, dtype in schema.items() if name in told]
    keys = models.select(public(*model.over_names)).get_columns() if model.over else []
    return pl.DataFrame([*keys, *statistics])


def _nothing(table: pl.DataFrame, model: Regression, schema: dict[str, Any]) -> pl.DataFrame:
    """Of no groups: no models, or the one model that is asked for, without rows."""
    if model.over:
        return pl.DataFrame(schema={**table.select(public(*model.over_names)).schema, **schema})
    none = {"groups": 0, "n": 0, "dropped": 0, "converged": False}
    return pl.DataFrame({name: [none.get(name)] for name in schema}, schema=schema)


def _column(name: str, values: Any, dtype: Any) -> pl.Series:
    """A statistic as a column, with a field a term where it has one."""
    if isinstance(dtype, pl.Struct):
        fields = [_column(f.name, values[:, k], f.dtype) for k, f in enumerate(dtype.fields)]
        return pl.DataFrame({field.name: field for field in fields}).to_struct(name)
    if dtype == pl.Float64:
        return pl.Series(name, values, dtype, nan_to_null=True)
    return pl.Series(name, values, dtype)


def summarised(found: Estimates, model: Regression, quantile: float) -> dict[str, Any]:
    """What is told of every model; the order of terms is that of the model."""
    mu, cov_mu = population(found)
    tau2 = between(found)
    deviations = np.sqrt(np.einsum("mii->mi", tau2))
    sigma2 = np.where(found.state == OWN_MEANS, 0.0, found.sigma2) * found.scale.size[-1] ** 2
    se_mu = np.sqrt(np.einsum("mii->mi", cov_mu))
    fixed, varying = _variances(found)
    free = len(model.vary) * (len(model.vary) + 1) // 2 if model.correlated else len(model.vary)
    return {
        "sigma2": sigma2,
        "tau2": deviations**2,
        "correlation": _correlation(tau2, deviations),
        "mu": mu,
        "se_mu": se_mu,
        "mu_lower": mu - quantile * se_mu,
        "mu_upper": mu + quantile * se_mu,
        "mu_p": 2 * ndtr(-np.abs(mu) / se_mu),
        "cov_mu": cov_mu,
        "icc": icc(varying, sigma2),
        "r2_marginal": formulas.r2_marginal(fixed, varying, sigma2),
        "r2_conditional": formulas.r2_conditional(fixed, varying, sigma2),
        "log_likelihood": found.log_likelihood,
        "aic": 2 * (len(model.terms) + free + 1) - 2 * found.log_likelihood,
        "singular": _singular(found, model, deviations),
        "converged": found.converged,
    }


def _correlation(tau2: Array, deviations: Array) -> Array:
    """NaN beside a term that does not vary."""
    correlation = np.clip(tau2 / (deviations[:, :, None] * deviations[:, None, :]), -1, 1)
    every = np.arange(deviations.shape[1])
    correlation[:, every, every] = np.where(deviations > 0, 1.0, np.nan)
    return np.asarray(correlation)


def _variances(found: Estimates) -> tuple[Array, Array]:
    """The variance of the fixed terms over the rows of a model, and the mean variance of its varying terms."""
    terms, by = found.terms, found.scale
    spread = np.moveaxis(by.products, -1, 0)[:, :-1, :-1]
    about_mean = ((by.mean - by.centre) / by.size)[:-1].T
    value = by.size[-1] ** 2
    beta = found.beta[:, terms.intercept :]
    variance = spread - about_mean[:, :, None] * about_mean[:, None, :]
    fixed = np.einsum("mi,mij,mj->m", beta, variance, beta) * value * found.n / (found.n - 1)
    at = np.zeros((len(found.n), terms.count)) if terms.shifted else _places(found)
    second = at[:, :, None] * at[:, None, :]
    second[:, terms.intercept :, terms.intercept :] += spread
    if terms.intercept:
        second[:, 0, 0] = 1.0
    chosen = second[:, terms.varying][:, :, terms.varying]
    return fixed, np.einsum("mij,mij->m", found.between, chosen) * value


def _places(found: Estimates) -> Array:
    """Where the mean of every term lies that is not taken about it, by size."""
    of_covariates = (found.scale.origin / found.scale.size)[:-1].T
    one = np.ones((len(found.n), int(found.terms.intercept)))
    return np.concatenate([one, of_covariates], axis=1)


def _singular(found: Estimates, model: Regression, deviations: Array) -> list[str | None]:
    """Which varying terms do not vary, or only together; None where all do."""
    full = len(model.vary)
    said: list[str | None] = []
    for state, rank, of_model in zip(found.state, found.rank, deviations, strict=True):
        none = [name for name, deviation in zip(model.vary, of_model, strict=True) if deviation == 0]
        if state != FITTED or rank == full:
            said.append(None)
        elif none:
            terms = " and ".join(repr(name) for name in none)
            said.append(f"{terms} {'does' if len(none) == 1 else 'do'} not vary between groups: the variance is 0")
        else:
            terms = ", ".join(repr(name) for name in model.vary)
            said.append(f"{terms} vary in {rank} of {full} directions: correlations are at their limit")
    return said
