"""Groups whose sampling variances differ, compressed by Spark: a bin of many groups comes to the driver as sums.

The formulas and their source stand in formulas/compression.py. Two small aggregations of the groups: the sums of each
bin, and the groups of bins that have only a few.
"""

from __future__ import annotations

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..formulas.compression import BINS, KEPT, ZERO
from ..formulas.elementary import INFINITY
from ..models.oneway.bins import BIN, polynomials, pseudo_groups_of, sums
from ..models.oneway.spec import OneWay
from .frames import SPARK, collected, same, with_steps
from .models import MODEL

MEANS = ("_pool_n", "_pool_w", "_pool_squares", "_pool_v")  # of the groups of a bin
COLUMNS = (MODEL, *MEANS, "_pool_y", "_pool_k")


def compressed(groups: DataFrame, request: OneWay, by_n: bool = False) -> pl.DataFrame:
    """The classes of groups with their model, n, w, y, squares, v and k."""
    groups, keys = _binned(groups, request), _keys(request, by_n)
    bins = collected(_sums(groups, keys))
    few = pl.col("_pool_number") <= KEPT
    tables = [_pseudo_groups(bins.filter(~few), request)]
    if bins.select(few.any()).item():
        tables.append(_groups_of(groups, bins.filter(few).select(keys), keys))
    return pl.concat(tables)


def _by_v(request: OneWay) -> bool:
    """Whether the variances of groups are known; else they follow from the weights."""
    return request.published or request.hyperparameters.has_group_variances


def _keys(request: OneWay, by_n: bool) -> list[str]:
    """What determines a bin; n too, where an estimator needs it beside v."""
    by_n |= request.hyperparameters.needs_n and _by_v(request)
    return [MODEL, BIN, "_pool_n"] if by_n else [MODEL, BIN]


def _binned(groups: DataFrame, request: OneWay) -> DataFrame:
    """The groups that have rows, with the bin of u, which is v or w, and the ends of the bin."""
    u = SPARK.v if _by_v(request) else SPARK.w
    finite = (u > 0) & (u < INFINITY)  # Spark may compute a column before it removes rows
    place = spark.when(finite, spark.floor(BINS * spark.log2(u))).when(u == 0, ZERO).cast("int")
    groups = groups.where(SPARK.w > 0).withColumns({"_pool_u": u, BIN: place})
    low, high = (spark.when(SPARK.u > 0, spark.pow(spark.lit(2.0), (SPARK.bin + i) / BINS)) for i in (0, 1))
    return groups.withColumns({"_pool_low": low, "_pool_high": high})


def _sums(groups: DataFrame, keys: list[str]) -> DataFrame:
    """One row per bin: its number of groups, its ends, the means of its columns, and the sums of T_p(t) z^q."""
    least, largest = spark.min(SPARK.u), spark.max(SPARK.u)
    columns = {"_pool_number": spark.count("*").cast("double"), "_pool_centre": spark.first(SPARK.centre)}
    for name in ("_pool_low", "_pool_high"):
        columns[name] = spark.when(least == largest, least).otherwise(spark.first(name))
    columns |= {name: spark.avg(name) for name in MEANS if name not in keys} | sums(SPARK)
    of_bins = with_steps(groups, polynomials(SPARK)).groupBy(*keys)
    return of_bins.agg(*(e.alias(name) for name, e in columns.items()))


def _groups_of(groups: DataFrame, bins: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The groups of these bins."""
    some = groups.sparkSession.createDataFrame(bins.rename(lambda name: f"{name}_of_bin").to_arrow())
    kept = groups.join(spark.broadcast(some), same({key: f"{key}_of_bin" for key in keys}), "left_semi")
    return collected(kept.select(MODEL, *MEANS, "_pool_y")).with_columns(_pool_k=pl.lit(1.0)).select(COLUMNS)


def _pseudo_groups(bins: pl.DataFrame, request: OneWay) -> pl.DataFrame:
    """The pseudo-groups of bins, with the means of the other columns."""
    name = "_pool_v" if _by_v(request) else "_pool_w"
    return pseudo_groups_of(bins).with_columns(pl.col("_pool_u").alias(name)).select(COLUMNS)
