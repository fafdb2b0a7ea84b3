"""The groups of a query to one row per model: the prior of its rates."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ...formulas.priors import Beta, Gamma
from ...numerics.arrays import Array
from .. import warning
from ..keys import public
from ..tables import WHOLE
from . import fit
from .fit import Pairs, Prior
from .groups import SIZE, X
from .refuse import bad_rows
from .spec import Rates


def components_schema(model: Rates) -> dict[str, pl.DataType]:
    errors = [f"se_log_{name}" for name in model.parameters]
    return {
        "groups": pl.Int64(),
        "n": type_of_size(model),
        **dict.fromkeys((*model.parameters, "mean", *errors, "rho", "log_likelihood"), pl.Float64()),
        "converged": pl.Boolean(),
    }


def type_of_size(model: Rates) -> pl.DataType:
    return pl.Int64() if model.family == "binomial" else pl.Float64()


def of_models(grouped: pl.LazyFrame, constants: pl.LazyFrame, model: Rates) -> pl.LazyFrame:
    """One row a model, under public names."""
    keys = grouped.select(public(*model.over_names)).collect_schema()
    pairs = grouped.group_by(*model.over, X, SIZE).agg(pl.len().cast(pl.Float64).alias("_pool_k"))
    return pairs.join(constants, how="cross").map_batches(
        partial(_of_models, model=model),
        schema=pl.Schema({**keys, **components_schema(model)}),
        **WHOLE,
    )


def solved(pairs: pl.DataFrame, model: Rates) -> tuple[pl.DataFrame, Prior, Array, Array]:
    """The models of a table of pairs, their prior, their groups with trials or exposure, and how much of it."""
    models = pairs.select(*model.over).unique(maintain_order=True).with_row_index("_pool_model")
    if not model.over:
        models = pl.DataFrame({"_pool_model": pl.Series([0], dtype=pl.UInt32)})
        numbered = pairs.with_columns(_pool_model=pl.lit(0, pl.UInt32))
    else:
        numbered = pairs.join(models, on=model.over, how="left", nulls_equal=True)
    told = numbered.filter(SIZE > 0).sort("_pool_model")
    present, start = np.unique(told["_pool_model"].to_numpy(), return_index=True)
    given = Pairs(start, *(told[f"_pool_{name}"].to_numpy() for name in ("x", "n", "k")))
    with np.errstate(all="ignore"):
        found = _estimated(given, model)
    groups, n = np.zeros((2, models.height))
    groups[present], n[present] = given.sum(np.ones_like(given.x)), given.sum(given.n)
    warning.warn({warning.UNSETTLED_PRIOR: ~found.converged}, model.caller)
    return models, _of_all(found, present, models.height, model), groups, n


def _estimated(pairs: Pairs, model: Rates) -> Prior:
    if isinstance(model.prior, Beta | Gamma):
        return fit.known(pairs, model.family, model.prior.mean, model.prior.size)
    estimator = fit.by_likelihood if model.prior == "ml" else fit.by_moments
    return estimator(pairs, model.family)


def _of_all(found: Prior, present: Array, models: int, model: Rates) -> Prior:
    """The priors of the models that have groups, and of those that have none: unknown, or known beforehand."""
    mean, size, log_likelihood = np.full((3, models), np.nan)
    covariance, converged = np.full((models, 2, 2), np.nan), np.zeros(models, dtype=bool)
    if isinstance(model.prior, Beta | Gamma):
        mean[:], size[:], log_likelihood[:], converged[:] = model.prior.mean, model.prior.size, 0.0, True
    mean[present], size[present], log_likelihood[present] = found.mean, found.size, found.log_likelihood
    covariance[present], converged[present] = found.covariance, found.converged
    return Prior(mean, size, covariance, log_likelihood, converged)


def _of_models(table: pl.DataFrame, model: Rates) -> pl.DataFrame:
    bad_rows(table, model)
    schema = components_schema(model)
    if table.is_empty() and model.over:
        return pl.DataFrame(schema={**table.select(public(*model.over_names)).schema, **schema})
    pairs = table.with_columns(pl.col("_pool_k").fill_null(0.0))
    models, prior, groups, n = solved(pairs, model)
    told: dict[str, Any] = {
        "groups": groups.astype(np.int64),
        "n": n.astype(np.int64 if schema["n"] == pl.Int64 else float),
    }
    told |= dict(zip(model.parameters, parameters(prior, model), strict=True))
    told |= {f"se_log_{name}": error for name, error in zip(model.parameters, _errors(prior, model), strict=True)}
    told |= {"mean": prior.mean, "rho": _overdispersion(prior, model)}
    told |= {"log_likelihood": prior.log_likelihood, "converged": prior.converged}
    columns = [_column(name, told[name], dtype) for name, dtype in schema.items()]
    keys = models.select(public(*model.over_names)).get_columns() if model.over else []
    return pl.DataFrame([*keys, *columns])


def parameters(prior: Prior, model: Rates) -> tuple[Array, Array]:
    """alpha and beta, or shape and rate; both infinite where all groups pool completely."""
    if model.family == "binomial":
        infinite = np.isinf(prior.size)
        size = np.where(infinite, 1.0, prior.size)
        alpha, beta = (np.where(infinite, np.inf, share * size) for share in (prior.mean, 1 - prior.mean))
        return alpha, beta
    with np.errstate(divide="ignore"):
        return prior.size, prior.size / prior.mean


def _errors(prior: Prior, model: Rates) -> tuple[Array, Array]:
    """Standard errors of the logs of both parameters, by the observed information."""
    one = np.ones_like(prior.mean)
    if model.family == "binomial":
        by = np.stack([1 - prior.mean, one, -prior.mean, one], axis=1)
    else:
        by = np.stack([0 * one, one, -one, one], axis=1)
    by = by.reshape(-1, 2, 2)
    variances = np.einsum("mai,mij,maj->ma", by, prior.covariance, by)
    first, second = np.sqrt(np.where(variances > 0, variances, np.nan)).T
    return first, second


def _overdispersion(prior: Prior, model: Rates) -> Array:
    return 1 / (1 + prior.size) if model.family == "binomial" else 1 / prior.size


def _column(name: str, values: Array, dtype: pl.DataType) -> pl.Series:
    return pl.Series(name, values, dtype, nan_to_null=True) if dtype == pl.Float64 else pl.Series(name, values, dtype)
