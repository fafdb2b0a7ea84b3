"""Robust intervals on Spark: moments of the groups' effects by model, and the critical value of each group."""

from __future__ import annotations

import numpy as np
import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..formulas import robust
from ..models.oneway.critical import intervals
from ..models.oneway.spec import Means
from .frames import SPARK, named
from .models import Models
from .tables import with_statistics

MOMENTS = ("_pool_mu2", "_pool_kappa")


def with_intervals(means: DataFrame, request: Means) -> DataFrame:
    """The pooled means with both ends of their interval, and the worst noncoverage of the ordinary interval."""
    groups = _moments(means, request).beside(means, request, MOMENTS)
    groups = groups.withColumn("_pool_m", robust.bias_moment(SPARK.weight, SPARK.v, SPARK.mu2))
    alpha = 1 - request.options.level

    def critical(table: pl.DataFrame) -> pl.DataFrame:
        m, tau2, mu2, kappa = (table[f"_pool_{name}"].to_numpy() for name in ("m", "tau2", "mu2", "kappa"))
        with np.errstate(all="ignore"):
            reach, noncoverage = intervals(m, tau2 / mu2, kappa, alpha)
        columns = {"_pool_reach": reach, "_pool_noncoverage": noncoverage}
        return pl.DataFrame({name: pl.Series(x, nan_to_null=True) for name, x in columns.items()})

    groups = with_statistics(groups, critical, ["_pool_reach", "_pool_noncoverage"])
    half = SPARK.reach * robust.root_mean_square(SPARK.weight, SPARK.v, SPARK.mu2)
    return groups.withColumns({"_pool_lower": SPARK.estimate - half, "_pool_upper": SPARK.estimate + half})


def _moments(means: DataFrame, request: Means) -> Models:
    """mu2 and kappa of every model, from sums over its groups."""
    d2, v = (SPARK.mean - SPARK.mu) * (SPARK.mean - SPARK.mu), SPARK.v
    terms = {"squares": robust.effect_square(d2, v), "fourths": robust.effect_fourth_power(d2, v)}
    terms |= {"v1": v, "v2": v * v, "v4": v * v * v * v}
    sums = [spark.sum(e).alias(f"_pool_{name}") for name, e in terms.items()]
    count = spark.count("*").cast("double").alias("_pool_count")
    summed = means.where(SPARK.w > 0).groupBy(*map(named, request.over)).agg(*sums, count)
    models = Models.of(summed, request)
    squares, fourths, v1, v2, v4, groups = (
        pl.col(f"_pool_{name}") for name in ("squares", "fourths", "v1", "v2", "v4", "count")
    )
    table = models.table.with_columns(_pool_mu2=robust.second_moment(squares, groups, v1, v2))
    kappa = robust.kurtosis(fourths, groups, pl.col("_pool_mu2"), v2, v4)
    return Models(models.keys, table.with_columns(_pool_kappa=kappa))
