"""Groups and the components of their model to estimates: the arithmetic of formula 12.1, row by row."""

from __future__ import annotations

from typing import Literal

import polars as pl

from ..formulas import shrink, within
from ..formulas.elementary import sqrt, where
from .groups import PIVOT, VAR, N, V, W, Y
from .model import Model, public

STATISTICS = ("groups", "sigma2", "tau2", "mu", "se_mu", "deviation")
GROUPS, SIGMA2, TAU2, MU, SE_MU, DEVIATION = (pl.col(f"_pool_{name}") for name in STATISTICS)
WEIGHT, POOLING, ONLY = (pl.col(c) for c in ("_pool_weight", "_pool_pooling", "_pool_only"))


def joined(groups: pl.LazyFrame, components: pl.LazyFrame, model: Model, ordered: bool = False) -> pl.LazyFrame:
    """Every group or row beside the components of its model."""
    columns = components.select(*model.over, pl.col(STATISTICS).name.prefix("_pool_"))
    if not model.over:
        return groups.join(columns, how="cross", maintain_order="left" if ordered else "none")
    order: Literal["left", "none"] = "left" if ordered else "none"
    return groups.join(columns, on=list(model.over), how="left", nulls_equal=True, maintain_order=order)


def weighed(joined: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """The sampling variance and the weight of every group; a model's only group keeps its own mean, whatever tau2."""
    if model.input != "published":
        sigma2 = within.separate_variance(N, VAR, SIGMA2) if model.sigma2 == "separate" else SIGMA2
        joined = joined.with_columns(_pool_v=within.sampling_variance(sigma2, W))
    only = (GROUPS == 1) & TAU2.is_null() & (W > 0)
    joined = joined.with_columns(_pool_only=only)
    return joined.with_columns(
        _pool_weight=where(ONLY & V.is_not_null(), 1.0, shrink.weight(TAU2, V)),
        _pool_pooling=shrink.pooling(TAU2, V),
    )


def estimated(weighed: pl.LazyFrame) -> pl.LazyFrame:
    """The partially pooled mean."""
    between = PIVOT + where(ONLY, Y, shrink.estimate(Y, DEVIATION, WEIGHT))
    return weighed.with_columns(_pool_estimate=where(WEIGHT == 0, MU, between))


def with_errors(estimated: pl.LazyFrame, quantile: float, uncertainty: str) -> pl.LazyFrame:
    """Standard error and interval of the estimates."""
    if uncertainty == "conditional":
        variance = shrink.conditional_variance(TAU2, POOLING)
    else:
        variance = shrink.marginal_variance(TAU2, POOLING, SE_MU)
    estimated = estimated.with_columns(_pool_se=sqrt(where(ONLY, V, variance)))
    estimate, se = pl.col("_pool_estimate"), pl.col("_pool_se")
    return estimated.with_columns(
        _pool_lower=shrink.lower(estimate, se, quantile), _pool_upper=shrink.upper(estimate, se, quantile)
    )


def result(estimated: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """Keys and statistics under their public names."""
    statistics = ("v", "weight", "estimate", "se", "lower", "upper")
    return estimated.select(
        *public(*model.key_names),
        N.cast(pl.Int64).alias("n"),
        (PIVOT + Y).alias("mean"),
        *(pl.col(f"_pool_{name}").alias(name) for name in statistics),
    )
