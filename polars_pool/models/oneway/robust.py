"""Robust intervals of estimates, from moments of the groups' effects in every model.

The moments are plain sums over the group table. The intervals depend on a group through m alone, so that groups of one
size share them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import polars as pl

from ...formulas import robust
from ...formulas.aggregates import count, total
from ..columns import POLARS, Columns, Step, with_steps
from ..joins import beside_models
from ..tables import series
from .critical import intervals
from .groups import V, W
from .pooling import ESTIMATE, TAU2, WEIGHT
from .spec import Means

MU2, KAPPA, M = (pl.col(f"_pool_{name}") for name in ("mu2", "kappa", "m"))
CRITICAL = pl.Struct({"reach": pl.Float64(), "noncoverage": pl.Float64()})


def with_intervals(pooled: pl.LazyFrame, request: Means) -> pl.LazyFrame:
    """The pooled means with both ends of their interval, and the worst noncoverage of the ordinary interval."""
    pooled = pooled.cache()
    groups = _with_moments(pooled, request).with_columns(_pool_m=robust.bias_moment(WEIGHT, V, MU2))
    moments = pl.struct(m=M, ratio=TAU2 / MU2, kappa=KAPPA)
    alpha = 1 - request.options.level
    critical = pl.map_batches([moments], partial(_critical, alpha=alpha), return_dtype=CRITICAL).alias("_pool_critical")
    half = pl.col("_pool_critical").struct.field("reach") * robust.root_mean_square(WEIGHT, V, MU2)
    return groups.with_columns(critical).with_columns(
        _pool_lower=ESTIMATE - half,
        _pool_upper=ESTIMATE + half,
        _pool_noncoverage=pl.col("_pool_critical").struct.field("noncoverage"),
    )


def _with_moments(pooled: pl.LazyFrame, request: Means) -> pl.LazyFrame:
    """Every group with mu2 and kappa of its model."""
    counted = pooled.filter(W > 0)
    summed = counted.group_by(*request.over).agg(**sums()) if request.over else counted.select(**sums())
    moments = with_steps(summed, of_sums()).select(*request.over, MU2, KAPPA)
    return beside_models(pooled, moments, request.over)


def sums(c: Columns = POLARS) -> dict[str, Any]:
    """Sums over the groups of a model that have rows."""
    d2 = (c.mean - c.mu) * (c.mean - c.mu)
    return {
        "_pool_squares": total(robust.effect_square(d2, c.v)),
        "_pool_fourths": total(robust.effect_fourth_power(d2, c.v)),
        "_pool_v1": total(c.v),
        "_pool_v2": total(c.v * c.v),
        "_pool_v4": total(c.v * c.v * c.v * c.v),
        "_pool_count": count(c.w),
    }


def of_sums(c: Columns = POLARS) -> Iterator[Step]:
    """mu2 and kappa of a model from these sums."""
    yield {"_pool_mu2": robust.second_moment(c.squares, c.count, c.v1, c.v2)}
    yield {"_pool_kappa": robust.kurtosis(c.fourths, c.count, c.mu2, c.v2, c.v4)}


def _critical(columns: Sequence[pl.Series], alpha: float) -> pl.Series:
    """The critical value of the robust interval, and the noncoverage of the ordinary one."""
    [moments] = columns
    m, ratio, kappa = (moments.struct.field(name).to_numpy() for name in ("m", "ratio", "kappa"))
    reach, noncoverage = intervals(m, ratio, kappa, alpha)
    critical = {"reach": reach, "noncoverage": noncoverage}
    return pl.DataFrame([series(name, x, pl.Float64) for name, x in critical.items()]).to_struct(moments.name)
