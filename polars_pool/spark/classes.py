"""The groups of every model as a small table of classes on the driver: by size, or by sampling variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..engines.numpy import Array
from ..formulas import moments, within
from ..models.oneway import components as fitting
from ..models.oneway.fit import pooled_within
from ..models.oneway.pooling import own_variance
from ..models.oneway.refuse import bad_rows
from ..models.oneway.spec import OneWay
from ..models.refuse import BAD
from . import squeeze
from .compression import MODEL, compressed
from .frames import SPARK, named
from .models import Models, keys_of


@dataclass(frozen=True)
class Classes:
    """The classes of the groups of all models, the number of bad rows by reason, and the keys of the models."""

    table: pl.DataFrame
    bad: pl.DataFrame
    keys: pa.Table


def classes_of(groups: DataFrame, request: OneWay) -> Classes:
    """The classes of the groups of every model."""
    collected_sizes = _sizes(groups, request).toArrow()
    sizes, keys = pl.DataFrame(pl.from_arrow(collected_sizes)), keys_of(collected_sizes, request)
    bad = sizes.select(pl.col(name).sum() for name in sizes.columns if name.startswith(BAD))
    if request.variance_depends_on_n:
        return Classes(fitting.of_sizes(sizes.lazy(), request).collect(), bad, keys)
    bad_rows(sizes.select("_pool_y").hstack(pl.concat([bad] * sizes.height)) if bad.width else sizes, request)
    return Classes(_by_variance(groups, sizes, keys, request), bad, keys)


def _sizes(groups: DataFrame, request: OneWay) -> DataFrame:
    """The groups of each model by their size, or all where nothing depends on it: number, means, least and largest."""
    by_n = request.variance_depends_on_n or request.hyperparameters.has_group_variances
    aggregates = {"k": spark.count(SPARK.y), "y": spark.avg(SPARK.y), "spread": spark.var_pop(SPARK.y)}
    aggregates |= {"least": spark.min(SPARK.y), "largest": spark.max(SPARK.y), "w": spark.avg(SPARK.w)}
    if not request.published:
        aggregates["var"] = spark.avg(SPARK.var)
    columns = (e.cast("double").alias(f"_pool_{name}") for name, e in aggregates.items())
    bad = (spark.sum(name).alias(name) for name in groups.columns if name.startswith(BAD))
    return groups.groupBy(*map(named, request.over), *([SPARK.n] if by_n else [])).agg(*columns, *bad)


# ---- groups with variances of their own -----------------------------------------------------------------------------


def _by_variance(groups: DataFrame, sizes: pl.DataFrame, keys: pa.Table, request: OneWay) -> pl.DataFrame:
    """The groups of each model, many of nearly equal sampling variance as pseudo-groups."""
    models = _numbered(sizes, request)
    if request.hyperparameters.has_group_variances:
        models = models.hstack(_variances(groups, sizes, models, keys, request))
    beside = Models(keys, models).beside(groups, request, models.drop(*request.over).get_columns())
    table = compressed(_with_sampling_variance(beside, request), request)
    of_model = models.drop("_pool_centre", "_pool_sigma2", strict=False)
    return of_model.join(table, on=MODEL, how="left").with_columns(pl.col("_pool_w").fill_null(0.0))


def _numbered(sizes: pl.DataFrame, request: OneWay) -> pl.DataFrame:
    """One row per model: its number, and the mean, the least and the largest of the means of its groups."""
    centre = (pl.col("_pool_k") * pl.col("_pool_y")).sum() / pl.col("_pool_k").sum()
    statistics = {"_pool_centre": centre, "_pool_least": pl.col("_pool_least").min()}
    statistics["_pool_largest"] = pl.col("_pool_largest").max()
    over = list(request.over)
    models = sizes.group_by(over, maintain_order=True).agg(**statistics) if over else sizes.select(**statistics)
    return models.with_columns(pl.int_range(pl.len()).alias(MODEL))


def _variances(
    groups: DataFrame, sizes: pl.DataFrame, models: pl.DataFrame, keys: pa.Table, request: OneWay
) -> pl.DataFrame:
    """The pooled variance of every model, and the prior of squeezed ones."""
    _, _, g, present = fitting.by_model(
        fitting.of_sizes(sizes.lazy(), request).collect().with_columns(_pool_pivot=pl.lit(0.0)), request
    )
    pooled = np.full(models.height, np.nan) if g is None else pooled_within(g, False, request.hyperparameters.sigma2)

    def of_all(values: Array) -> pl.Series:
        column = np.full(models.height, np.nan)
        column[present] = values
        return pl.Series(column, nan_to_null=True)

    variances = {"_pool_sigma2": of_all(pooled)}
    if request.hyperparameters.sigma2 == "squeezed":
        df, prior = squeeze.prior(groups, Models(keys, models), request)
        variances |= {"_pool_df_prior": df, "_pool_sigma2_prior": prior}
    return pl.DataFrame(variances)


def _with_sampling_variance(groups: DataFrame, request: OneWay) -> DataFrame:
    """The groups with v, where their own variance determines it, and their sums of squares."""
    if request.published:
        return groups.withColumn("_pool_squares", spark.lit(0.0))
    squares = moments.above_rounding(SPARK.n, moments.squares(SPARK.n, SPARK.var), SPARK.y)
    has_own = request.hyperparameters.has_group_variances
    v = within.sampling_variance(own_variance(request, SPARK), SPARK.w) if has_own else SPARK.missing()
    return groups.withColumns({"_pool_squares": squares, "_pool_v": v})
