"""Groups and the components of their model to estimates: the arithmetic of formula 12.1, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import polars as pl

from ...formulas import shrink, within
from ...formulas.elementary import normal_cdf, sqrt, where
from ...formulas.uncertainty import variance_with_tau2
from ..keys import public
from .groups import PIVOT, VAR, N, V, W, Y
from .spec import Model

OF_MODEL = ("groups", "sigma2", "tau2", "mu", "se_mu", "converged", "df_prior", "sigma2_prior")
GROUPS, SIGMA2, TAU2, MU, SE_MU, CONVERGED, DF_PRIOR, SIGMA2_PRIOR = (pl.col(f"_pool_{name}") for name in OF_MODEL)
WEIGHT, POOLING, ONLY, MEAN, ESTIMATE, SE = (
    pl.col(f"_pool_{c}") for c in ("weight", "pooling", "only", "mean", "estimate", "se")
)
ERROR, CORRECTION = pl.col("_pool_error"), pl.col("_pool_correction")


def joined(groups: pl.LazyFrame, components: pl.LazyFrame, model: Model, ordered: bool = False) -> pl.LazyFrame:
    """Every group or row beside the components of its model."""
    only = (pl.col("groups") == 1) & pl.col("tau2").is_null()
    of_model = pl.col(OF_MODEL).name.prefix("_pool_")
    error = (ERROR, CORRECTION) if model.tau2_error else ()
    columns = components.select(*model.over, of_model, PIVOT, only.alias("_pool_only"), *error)
    if not model.over:
        return groups.join(columns, how="cross", maintain_order="left" if ordered else "none")
    order: Literal["left", "none"] = "left" if ordered else "none"
    return groups.join(columns, on=list(model.over), how="left", nulls_equal=True, maintain_order=order)


def estimated(joined: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """Sampling variance, weight and partially pooled mean; a model's only group keeps its own mean, whatever tau2."""
    if model.input != "published":
        joined = joined.with_columns(_pool_v=within.sampling_variance(own_variance(model), W))
    if model.tau2 == "morris":
        df = GROUPS.cast(pl.Float64) - (0.0 if isinstance(model.mu, float) else 1.0)
        joined = joined.with_columns(_pool_tau2=shrink.morris_variance(TAU2, V, df))
    only = ONLY & (W > 0)
    weighed = joined.with_columns(
        _pool_only=only,
        _pool_mean=PIVOT + Y,
        _pool_weight=where(only & V.is_not_null(), 1.0, shrink.weight(TAU2, V)),
        _pool_pooling=shrink.pooling(TAU2, V),
    )
    return weighed.with_columns(_pool_estimate=shrink.estimate(MEAN, MU, where(ONLY, 1.0, WEIGHT)))


def own_variance(model: Model) -> Any:
    """The variance of a group's rows."""
    if model.sigma2 == "separate":
        return within.separate_variance(N, VAR, SIGMA2)
    if model.sigma2 == "squeezed":
        return within.squeezed_variance(N, VAR, DF_PRIOR, SIGMA2_PRIOR)
    return SIGMA2


def with_errors(
    estimated: pl.LazyFrame,
    model: Model,
    quantile: float,
    uncertainty: str = "mu",
    predict: str = "mean",
    threshold: float | None = None,
) -> pl.LazyFrame:
    """Standard error and interval of the estimates, as of the true mean or of what is yet to be observed."""
    if uncertainty == "conditional":
        variance = shrink.conditional_variance(TAU2, POOLING)
    else:
        variance = shrink.marginal_variance(TAU2, POOLING, SE_MU)
    if uncertainty == "tau2":
        variance = variance_with_tau2(variance, V, TAU2, POOLING, ERROR, CORRECTION)
    variance = where(ONLY, V, variance)
    if predict != "mean":
        variance = shrink.predictive_variance(variance, own_variance(model) if predict == "row" else V)
    estimated = estimated.with_columns(_pool_se=sqrt(variance))
    estimated = estimated.with_columns(
        _pool_lower=shrink.lower(ESTIMATE, SE, quantile), _pool_upper=shrink.upper(ESTIMATE, SE, quantile)
    )
    if threshold is None:
        return estimated
    return estimated.with_columns(_pool_p_above=normal_cdf(shrink.standardised(ESTIMATE, SE, threshold)))


def result(estimated: pl.LazyFrame, model: Model, statistics: Iterable[str]) -> pl.LazyFrame:
    """Keys and statistics under their public names."""
    return estimated.select(
        *public(*model.key_names),
        *(N.cast(pl.Int64).alias("n") if name == "n" else pl.col(f"_pool_{name}").alias(name) for name in statistics),
    )
