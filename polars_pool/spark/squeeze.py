"""The prior that each group's own variance is squeezed to, from sums over the groups of one size."""

from __future__ import annotations

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..engines.numpy import Array
from ..formulas import within
from ..formulas.elementary import where
from ..formulas.squeeze import FLOOR, prior_of_classes
from ..models.many import Groups
from ..models.oneway.spec import OneWay
from .frames import SPARK, collected
from .models import MODEL, Models


def prior(groups: DataFrame, models: Models, request: OneWay) -> tuple[Array, Array]:
    """Degrees of freedom and variance of the prior of every model, NaN where no group has two rows."""
    own = models.beside(groups, request, [MODEL]).where(SPARK.n > 1)
    table = collected(_of_sizes(own.withColumn("_pool_floored", SPARK.var)))
    if (table["_pool_least"] < FLOOR * table["_pool_largest"]).any():
        table = collected(_of_sizes(_floored(own)))
    table = table.sort(MODEL)
    model, start = np.unique(table[MODEL].to_numpy(), return_index=True)
    n, k, var, floored, logs, spread = (
        table[f"_pool_{name}"].to_numpy() for name in ("n", "k", "var", "floored", "logs", "spread")
    )
    df, variance = np.full((2, models.table.height), np.nan)
    if model.size:
        with np.errstate(all="ignore"):
            g = Groups(start, n=n, w=n, y=0 * n, squares=(n - 1) * var, v=0 * n, k=k)
            centred = within.centred_log(np.exp(logs), n - 1)
            df[model], variance[model] = prior_of_classes(g, n - 1, centred, spread, var, floored)
    return df, variance


def _of_sizes(own: DataFrame) -> DataFrame:
    """One row per model and size: the number of groups, the mean of their variances, mean and spread of their logs."""
    logs = spark.log(SPARK.floored)
    aggregates = {"k": spark.count("*"), "var": spark.avg(SPARK.var), "floored": spark.avg(SPARK.floored)}
    aggregates |= {"logs": spark.avg(logs), "spread": spark.var_pop(logs)}
    aggregates |= {"least": spark.min(SPARK.var), "largest": spark.max(SPARK.var)}
    columns = (e.cast("double").alias(f"_pool_{name}") for name, e in aggregates.items())
    return own.groupBy(MODEL, SPARK.n).agg(*columns)


def _floored(own: DataFrame) -> DataFrame:
    """The groups with their variance, at least the floor: a part of the median, or of that of the variances above 0."""
    positive = spark.when(SPARK.var > 0, SPARK.var)
    medians = own.groupBy(MODEL).agg(
        spark.median(SPARK.var).alias("_pool_median"), spark.median(positive).alias("_pool_above")
    )
    median = where(SPARK.median == 0, spark.coalesce(SPARK.above, spark.lit(1.0)), SPARK.median)
    own = own.join(spark.broadcast(medians), MODEL).withColumn("_pool_floor", FLOOR * median)
    return own.withColumn("_pool_floored", where(SPARK.var > SPARK.floor, SPARK.var, SPARK.floor))
