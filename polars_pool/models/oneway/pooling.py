"""Groups and the components of their model to partially pooled means: the arithmetic of formula 12.1, row by row."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from ...formulas import shrink, within
from ...formulas.elementary import normal_cdf, sqrt, where
from ...formulas.uncertainty import variance_with_tau2
from .groups import PIVOT, VAR, N, V, W, Y, beside_one_row
from .spec import Means, OneWay, Options

OF_MODEL = ("groups", "sigma2", "tau2", "mu", "se_mu", "converged", "df_prior", "sigma2_prior")
GROUPS, SIGMA2, TAU2, MU, SE_MU, CONVERGED, DF_PRIOR, SIGMA2_PRIOR = (pl.col(f"_pool_{name}") for name in OF_MODEL)
WEIGHT, POOLING, ONLY, MEAN, ESTIMATE, SE = (
    pl.col(f"_pool_{c}") for c in ("weight", "pooling", "only", "mean", "estimate", "se")
)
ERROR, CORRECTION = pl.col("_pool_error"), pl.col("_pool_correction")


def joined(groups: pl.LazyFrame, components: pl.LazyFrame, request: Means, ordered: bool = False) -> pl.LazyFrame:
    """Every group or row with the components of its model."""
    only = (pl.col("groups") == 1) & pl.col("tau2").is_null()
    of_model = pl.col(OF_MODEL).name.prefix("_pool_")
    error = (ERROR, CORRECTION) if request.error_of_tau2 else ()
    columns = components.select(*request.over, of_model, PIVOT, only.alias("_pool_only"), *error)
    if not request.over:
        return beside_one_row(groups, columns, ordered)
    order: Literal["left", "none"] = "left" if ordered else "none"
    return groups.join(columns, on=list(request.over), how="left", nulls_equal=True, maintain_order=order)


def pooled(joined: pl.LazyFrame, request: OneWay) -> pl.LazyFrame:
    """Sampling variance, weight and partially pooled mean; the only group of a model keeps its mean for every tau2."""
    method, known_mu = request.hyperparameters.method, request.hyperparameters.known_mu
    if not request.published:
        joined = joined.with_columns(_pool_v=within.sampling_variance(own_variance(request), W))
    if method is not None and method.shrunk_by is not None:
        df = GROUPS.cast(pl.Float64) - (1.0 if known_mu is None else 0.0)
        joined = joined.with_columns(_pool_tau2=method.shrunk_by(TAU2, V, df))
    only = ONLY & (W > 0)
    weighted = joined.with_columns(
        _pool_only=only,
        _pool_mean=PIVOT + Y,
        _pool_weight=where(only & V.is_not_null(), 1.0, shrink.weight(TAU2, V)),
        _pool_pooling=shrink.pooling(TAU2, V),
    )
    return weighted.with_columns(_pool_estimate=shrink.estimate(MEAN, MU, where(ONLY, 1.0, WEIGHT)))


def own_variance(request: OneWay) -> Any:
    """The variance of a group's rows."""
    if request.hyperparameters.sigma2 == "separate":
        return within.separate_variance(N, VAR, SIGMA2)
    if request.hyperparameters.sigma2 == "squeezed":
        return within.squeezed_variance(N, VAR, DF_PRIOR, SIGMA2_PRIOR)
    return SIGMA2


def with_errors(pooled: pl.LazyFrame, request: OneWay, options: Options) -> pl.LazyFrame:
    """The pooled means with their standard error and interval, as estimates of the quantity to predict."""
    pooled = pooled.with_columns(_pool_se=sqrt(_variance(request, options)))
    pooled = pooled.with_columns(
        _pool_lower=shrink.lower(ESTIMATE, SE, options.quantile),
        _pool_upper=shrink.upper(ESTIMATE, SE, options.quantile),
    )
    if options.threshold is None:
        return pooled
    return pooled.with_columns(_pool_p_above=normal_cdf(shrink.standardised(ESTIMATE, SE, options.threshold)))


def _variance(request: OneWay, options: Options) -> Any:
    """The squared standard error of an estimate."""
    if options.uncertainty == "conditional":
        variance = shrink.conditional_variance(TAU2, POOLING)
    else:
        variance = shrink.marginal_variance(TAU2, POOLING, SE_MU)
    if options.uncertainty == "tau2":
        variance = variance_with_tau2(variance, V, TAU2, POOLING, ERROR, CORRECTION)
    variance = where(ONLY, V, variance)
    if options.predict == "mean":
        return variance
    return shrink.predictive_variance(variance, own_variance(request) if options.predict == "row" else V)
