"""Robust intervals beside estimates: moments of the groups' effects in every model, and what follows for each group.

The moments are plain sums over the group table. What comes of them depends on a group through m alone, so that groups
of one size share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from ...formulas import robust
from .critical import intervals
from .estimates import ESTIMATE, MEAN, MU, TAU2, WEIGHT
from .groups import V, W
from .spec import Model

MU2, KAPPA, M = (pl.col(f"_pool_{name}") for name in ("mu2", "kappa", "m"))
FOUND = pl.Struct({"reach": pl.Float64(), "noncoverage": pl.Float64()})


def with_intervals(estimated: pl.LazyFrame, model: Model, alpha: float) -> pl.LazyFrame:
    """Lower and upper end, and how often the ordinary interval misses at worst."""
    estimated = estimated.cache()
    beside = _beside_their_moments(estimated, model).with_columns(_pool_m=robust.bias_moment(WEIGHT, V, MU2))
    given = pl.struct(m=M, ratio=TAU2 / MU2, kappa=KAPPA)
    found = pl.map_batches([given], partial(_found, alpha=alpha), return_dtype=FOUND).alias("_pool_found")
    half = pl.col("_pool_found").struct.field("reach") * robust.root_mean_square(WEIGHT, V, MU2)
    return beside.with_columns(found).with_columns(
        _pool_lower=ESTIMATE - half,
        _pool_upper=ESTIMATE + half,
        _pool_noncoverage=pl.col("_pool_found").struct.field("noncoverage"),
    )


def _beside_their_moments(estimated: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """Every group beside mu2 and kappa of its model."""
    d2 = (MEAN - MU) * (MEAN - MU)
    sums = {
        "_pool_squares": robust.effect_square(d2, V).sum(),
        "_pool_fourths": robust.effect_fourth_power(d2, V).sum(),
        "_pool_v1": V.sum(),
        "_pool_v2": (V * V).sum(),
        "_pool_v4": (V * V * V * V).sum(),
        "_pool_count": pl.len().cast(pl.Float64),
    }
    squares, fourths, v1, v2, v4, count = map(pl.col, sums)
    counted = estimated.filter(W > 0)
    summed = counted.group_by(*model.over).agg(**sums) if model.over else counted.select(**sums)
    moments = summed.with_columns(_pool_mu2=robust.second_moment(squares, count, v1, v2))
    moments = moments.with_columns(_pool_kappa=robust.kurtosis(fourths, count, MU2, v2, v4))
    moments = moments.select(*model.over, MU2, KAPPA)
    if not model.over:
        return estimated.join(moments, how="cross")
    return estimated.join(moments, on=list(model.over), how="left", nulls_equal=True)


def _found(columns: Sequence[pl.Series], alpha: float) -> pl.Series:
    [given] = columns
    m, ratio, kappa = (given.struct.field(name).to_numpy() for name in ("m", "ratio", "kappa"))
    reach, noncoverage = intervals(m, ratio, kappa, alpha)
    found = {"reach": reach, "noncoverage": noncoverage}
    return pl.DataFrame([pl.Series(name, x, nan_to_null=True) for name, x in found.items()]).to_struct(given.name)
