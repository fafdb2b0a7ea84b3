"""Groups and the components of their model to estimates: the arithmetic of formula 12.1, row by row."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from ..formulas import shrink, within
from ..formulas.elementary import sqrt, where
from .groups import PIVOT, VAR, N, V, W, Y
from .model import Model, public

OF_MODEL = ("groups", "sigma2", "tau2", "mu", "se_mu", "converged", "df_prior", "sigma2_prior")
GROUPS, SIGMA2, TAU2, MU, SE_MU, CONVERGED, DF_PRIOR, SIGMA2_PRIOR = (pl.col(f"_pool_{name}") for name in OF_MODEL)
WEIGHT, POOLING, ONLY, MEAN, ESTIMATE = (
    pl.col(f"_pool_{c}") for c in ("weight", "pooling", "only", "mean", "estimate")
)


def joined(groups: pl.LazyFrame, components: pl.LazyFrame, model: Model, ordered: bool = False) -> pl.LazyFrame:
    """Every group or row beside the components of its model."""
    only = (pl.col("groups") == 1) & pl.col("tau2").is_null()
    of_model = pl.col(OF_MODEL).name.prefix("_pool_")
    columns = components.select(*model.over, of_model, PIVOT, only.alias("_pool_only"))
    if not model.over:
        return groups.join(columns, how="cross", maintain_order="left" if ordered else "none")
    order: Literal["left", "none"] = "left" if ordered else "none"
    return groups.join(columns, on=list(model.over), how="left", nulls_equal=True, maintain_order=order)


def estimated(joined: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """Sampling variance, weight and partially pooled mean; a model's only group keeps its own mean, whatever tau2."""
    if model.input != "published":
        joined = joined.with_columns(_pool_v=within.sampling_variance(_own_variance(model), W))
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


def _own_variance(model: Model) -> Any:
    """The variance of a group's rows."""
    if model.sigma2 == "separate":
        return within.separate_variance(N, VAR, SIGMA2)
    if model.sigma2 == "squeezed":
        return within.squeezed_variance(N, VAR, DF_PRIOR, SIGMA2_PRIOR)
    return SIGMA2


def with_errors(estimated: pl.LazyFrame, quantile: float, uncertainty: str) -> pl.LazyFrame:
    """Standard error and interval of the estimates."""
    if uncertainty == "conditional":
        variance = shrink.conditional_variance(TAU2, POOLING)
    else:
        variance = shrink.marginal_variance(TAU2, POOLING, SE_MU)
    estimated = estimated.with_columns(_pool_se=sqrt(where(ONLY, V, variance)))
    se = pl.col("_pool_se")
    return estimated.with_columns(
        _pool_lower=shrink.lower(ESTIMATE, se, quantile), _pool_upper=shrink.upper(ESTIMATE, se, quantile)
    )


def result(estimated: pl.LazyFrame, model: Model, *more: pl.Expr) -> pl.LazyFrame:
    """Keys and statistics under their public names."""
    statistics = ("mean", "v", "weight", "estimate", "se", "lower", "upper")
    return estimated.select(
        *public(*model.key_names),
        N.cast(pl.Int64).alias("n"),
        *(pl.col(f"_pool_{name}").alias(name) for name in statistics),
        *more,
    )
