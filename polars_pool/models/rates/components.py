"""The groups of a query to one row per model: the prior of its rates."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import overdispersion
from ..keys import public
from ..tables import WHOLE, series
from .fit import by_model, solved
from .groups import SIZE, X, grouped
from .pairs import Pairs
from .prior import Prior
from .refuse import bad_rows
from .spec import Counts, Rates


def components_schema(request: Rates) -> dict[str, pl.DataType]:
    """The columns of `components` after the keys."""
    errors = [f"se_log_{name}" for name in request.parameters]
    return {
        "groups": pl.Int64(),
        "n": type_of_size(request),
        **dict.fromkeys((*request.parameters, "mean", *errors, "rho", "log_likelihood"), pl.Float64()),
        "converged": pl.Boolean(),
    }


def type_of_size(request: Counts) -> pl.DataType:
    """The type of trials or exposure."""
    return pl.Int64() if request.family == "binomial" else pl.Float64()


def components(frame: pl.LazyFrame, request: Rates) -> pl.LazyFrame:
    """One row per model, under public names."""
    groups, constants = grouped(frame, request)
    keys = groups.select(public(*request.over_names)).collect_schema()
    pairs = groups.group_by(*request.over, X, SIZE).agg(pl.len().cast(pl.Float64).alias("_pool_k"))
    return pairs.join(constants, how="cross").map_batches(
        partial(of_pairs, request=request),
        schema=pl.Schema({**keys, **components_schema(request)}),
        **WHOLE,
    )


def of_pairs(table: pl.DataFrame, request: Rates) -> pl.DataFrame:
    """The prior of every model in a table of distinct pairs, each with its number of groups."""
    bad_rows(table, request)
    schema = components_schema(request)
    if table.is_empty() and request.over:
        return pl.DataFrame(schema={**table.select(public(*request.over_names)).schema, **schema})
    rows, start = by_model(table.with_columns(pl.col("_pool_k").fill_null(0.0)), request.over)
    fitted = solved(Pairs(start, *(rows[f"_pool_{name}"].to_numpy() for name in ("x", "n", "k"))), request)
    prior = fitted.prior
    statistics = {
        "groups": fitted.groups,
        "n": fitted.n,
        **dict(zip(request.parameters, parameters(prior, request), strict=True)),
        **{f"se_log_{name}": error for name, error in zip(request.parameters, _errors(prior, request), strict=True)},
        "mean": prior.mean,
        "rho": _overdispersion(prior, request),
        "log_likelihood": prior.log_likelihood,
        "converged": prior.converged,
    }
    keys = rows.select(public(*request.over_names))[start].get_columns() if request.over else []
    of_model = {name: values[fitted.model] for name, values in statistics.items()}
    return pl.DataFrame([*keys, *(series(name, of_model[name], dtype) for name, dtype in schema.items())])


def parameters(prior: Prior, request: Rates) -> tuple[Array, Array]:
    """alpha and beta, or shape and rate; both infinite where all groups pool completely."""
    if request.family == "binomial":
        infinite = np.isinf(prior.size)
        size = np.where(infinite, 1.0, prior.size)
        alpha, beta = (np.where(infinite, np.inf, share * size) for share in (prior.mean, 1 - prior.mean))
        return alpha, beta
    with np.errstate(divide="ignore"):
        return prior.size, prior.size / prior.mean


def _errors(prior: Prior, request: Rates) -> tuple[Array, Array]:
    """Standard errors of the logs of both parameters, by the observed information."""
    binomial = request.family == "binomial"
    slopes = (1 - prior.mean, -prior.mean) if binomial else (0 * prior.mean, 0 * prior.mean - 1)
    var_mean, cov, var_size = (prior.covariance[:, i, j] for i, j in ((0, 0), (0, 1), (1, 1)))
    variances = (overdispersion.variance_of_log(slope, var_mean, cov, var_size) for slope in slopes)
    first, second = (np.sqrt(np.where(variance > 0, variance, np.nan)) for variance in variances)
    return first, second


def _overdispersion(prior: Prior, request: Rates) -> Array:
    """Overdispersion, 1 / (1 + alpha + beta) or 1 / shape; infinite where the shape is 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (prior.size + (request.family == "binomial")))
