"""The groups of every model as a small table of classes on the driver: by size, or by sampling variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..formulas import moments, within
from ..models.oneway import components as fitting
from ..models.oneway.fit import pooled_within
from ..models.oneway.pooling import own_variance
from ..models.oneway.refuse import bad_rows
from ..models.oneway.spec import OneWay
from ..models.refuse import BAD
from . import squeeze
from .compression import compressed
from .frames import SPARK, named
from .models import MODEL, Models, on_driver


@dataclass(frozen=True)
class Classes:
    """The classes of the groups of all models; and in one row the pivot, and the number of bad rows by reason."""

    models: Models
    constants: pl.DataFrame

    @property
    def table(self) -> pl.DataFrame:
        """The classes with the constants of the query, as the functions for Polars take them."""
        return self.models.table.join(self.constants, how="cross")


def classes_of(groups: DataFrame, pivot: float, request: OneWay, by_n: bool = False) -> Classes:
    """The classes of the groups of every model; with `by_n`, groups of a class have one size."""
    sizes = Models.of(_sizes(groups, request).where(SPARK.groups > 0), request)
    bad = (pl.col(name).sum() for name in sizes.table.columns if name.startswith(BAD))
    constants = sizes.table.select(pl.lit(pivot).alias("_pool_pivot"), *bad)
    if request.variance_depends_on_n:
        table = fitting.of_sizes(sizes.table.lazy(), on_driver(request)).collect()
    else:
        bad_rows(sizes.table.select("_pool_y").join(constants, how="cross"), request)
        table = _by_variance(groups, sizes, request, by_n)
    return Classes(Models(sizes.keys, table), constants)


def _sizes(groups: DataFrame, request: OneWay) -> DataFrame:
    """The groups of each model by their size, or all where nothing depends on it: number, means, least and largest."""
    by_n = request.variance_depends_on_n or request.hyperparameters.has_group_variances
    aggregates = {
        "groups": spark.count("*"),
        "k": spark.count(SPARK.y),
        "y": spark.avg(SPARK.y),
        "spread": spark.var_pop(SPARK.y),
    }
    aggregates |= {"least": spark.min(SPARK.y), "largest": spark.max(SPARK.y), "w": spark.avg(SPARK.w)}
    if not request.published:
        aggregates["var"] = spark.avg(SPARK.var)
    columns = (e.cast("double").alias(f"_pool_{name}") for name, e in aggregates.items())
    bad = (spark.sum(name).alias(name) for name in groups.columns if name.startswith(BAD))
    return groups.groupBy(*map(named, request.over), *([SPARK.n] if by_n else [])).agg(*columns, *bad)


# ---- groups with variances of their own -----------------------------------------------------------------------------


def _by_variance(groups: DataFrame, sizes: Models, request: OneWay, by_n: bool) -> pl.DataFrame:
    """The groups of each model, many of nearly equal sampling variance as pseudo-groups."""
    models = _summarised(sizes.table)
    if request.hyperparameters.has_group_variances:
        models = models.hstack(_variances(groups, sizes, models, request))
    beside = Models(sizes.keys, models).beside(groups, request, models.columns)
    table = compressed(_with_sampling_variance(beside, request), request, by_n)
    models = models.drop("_pool_centre", "_pool_sigma2", strict=False)
    joined = models.join(table, on=MODEL, how="left").with_columns(pl.col("_pool_w").fill_null(0.0))
    if by_n and request.hyperparameters.has_group_variances:
        joined = joined.with_columns(_pool_squares=_squares(request))
    return joined if request.over else joined.drop(MODEL)


def _squares(request: OneWay) -> pl.Expr:
    """The sum of squares that a group of this n and v has: both together are what a pseudo-group stands for."""
    n, own, squares = pl.col("_pool_n"), pl.col("_pool_v") * pl.col("_pool_w"), pl.col("_pool_squares")
    if request.hyperparameters.sigma2 == "separate":
        return pl.when(n > 1).then((n - 1) * own).otherwise(0.0)
    df, prior = (pl.col(name) for name in fitting.SQUEEZED)
    var = prior + (own - prior) * (n - 1 + df) / (n - 1)
    return pl.when(n <= 1).then(0.0).when(df.is_infinite()).then(squares).otherwise((n - 1) * var)


def _summarised(sizes: pl.DataFrame) -> pl.DataFrame:
    """One row per model: its number, and the mean, the least and the largest of the means of its groups."""
    k, least, largest = (pl.col(f"_pool_{name}") for name in ("k", "least", "largest"))
    statistics = {"_pool_centre": (k * pl.col("_pool_y")).sum() / k.sum()}
    statistics |= {"_pool_least": least.min(), "_pool_largest": largest.max()}
    if MODEL in sizes.columns:
        return sizes.group_by(MODEL).agg(**statistics).sort(MODEL)
    return sizes.select(pl.lit(0).alias(MODEL).cast(pl.Int64), **statistics)


def _variances(groups: DataFrame, sizes: Models, models: pl.DataFrame, request: OneWay) -> pl.DataFrame:
    """The pooled variance of every model, and the prior of squeezed ones."""
    table = fitting.of_sizes(sizes.table.lazy(), on_driver(request)).collect().with_columns(_pool_pivot=pl.lit(0.0))
    _, _, g, present = fitting.by_model(table, on_driver(request))
    sigma2 = np.full(models.height, np.nan)
    if g is not None:
        sigma2[present] = pooled_within(g, False, request.hyperparameters.sigma2)
    variances = {"_pool_sigma2": sigma2}
    if request.hyperparameters.sigma2 == "squeezed":
        prior = squeeze.prior(groups, Models(sizes.keys, models), request)
        variances |= dict(zip(fitting.SQUEEZED, prior, strict=True))
    return pl.DataFrame({name: pl.Series(values, nan_to_null=True) for name, values in variances.items()})


def _with_sampling_variance(groups: DataFrame, request: OneWay) -> DataFrame:
    """The groups with v, where their own variance determines it, and their sums of squares."""
    if request.published:
        return groups.withColumn("_pool_squares", spark.lit(0.0))
    squares = moments.above_rounding(SPARK.n, moments.squares(SPARK.n, SPARK.var), SPARK.y)
    has_own = request.hyperparameters.has_group_variances
    v = within.sampling_variance(own_variance(request, SPARK), SPARK.w) if has_own else SPARK.missing()
    return groups.withColumns({"_pool_squares": squares, "_pool_v": v})
