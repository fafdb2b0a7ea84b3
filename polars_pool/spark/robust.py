"""Robust intervals on Spark: moments of the groups' effects by model, and the critical value of each group."""

from __future__ import annotations

import numpy as np
import polars as pl
from pyspark.sql import DataFrame

from ..formulas import robust
from ..models.columns import with_steps as polars_steps
from ..models.oneway.critical import intervals
from ..models.oneway.robust import of_sums, sums
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
    aggregates = (e.alias(name) for name, e in sums(SPARK).items())
    summed = Models.of(means.where(SPARK.w > 0).groupBy(*map(named, request.over)).agg(*aggregates), request)
    return Models(summed.keys, polars_steps(summed.table.lazy(), of_sums()).collect())
