"""Groups whose sampling variances differ, compressed by Spark: a bin of many groups comes to the driver as sums.

The formulas and their source stand in formulas/compression.py. Two small aggregations of the groups: the sums of each
bin, and the groups of bins that have only a few.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..engines.numpy import Array
from ..formulas import compression as formulas
from ..formulas.compression import BINS, DEGREE, KEPT
from ..formulas.elementary import INFINITY
from ..models.oneway.compression import pseudo_groups
from ..models.oneway.spec import OneWay
from .frames import SPARK, collected, same
from .models import MODEL

BIN, ZERO = "_pool_bin", -10_000  # the bin of 0; Float64 has none below -8,600
MEANS = ("_pool_n", "_pool_w", "_pool_squares", "_pool_v")  # of the groups of a bin


def compressed(groups: DataFrame, request: OneWay, by_n: bool = False) -> pl.DataFrame:
    """The classes of groups with their model, w, y, squares, v and `centre`, the mean of their model."""
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
    """The groups that have rows, with the bin of u, which is v or w, its ends, and z, the deviation of their mean."""
    u = SPARK.v if _by_v(request) else SPARK.w
    finite = (u > 0) & (u < INFINITY)  # Spark may compute a column before it removes rows
    place = spark.when(finite, spark.floor(BINS * spark.log2(u))).when(u == 0, ZERO).cast("int")
    groups = groups.where(SPARK.w > 0).withColumns({"_pool_u": u, BIN: place})
    low, high = (spark.when(SPARK.u > 0, spark.pow(spark.lit(2.0), (SPARK.bin + i) / BINS)) for i in (0, 1))
    return groups.withColumns({"_pool_low": low, "_pool_high": high, "_pool_z": SPARK.y - SPARK.centre})


def _polynomials(groups: DataFrame) -> DataFrame:
    """The groups with T_p(t), the Chebyshev polynomials of their place in the bin."""
    first = {"_pool_t0": spark.lit(1.0), "_pool_t1": formulas.place(SPARK.u, SPARK.low, SPARK.high)}
    groups = groups.withColumns(first)
    for p in range(2, DEGREE + 1):
        last, before = (spark.col(f"_pool_t{p - i}") for i in (1, 2))
        groups = groups.withColumn(f"_pool_t{p}", formulas.next_polynomial(SPARK.t1, last, before))
    return groups


def _sums(groups: DataFrame, keys: list[str]) -> DataFrame:
    """One row per bin: its number of groups, its ends, the means of its columns, and the sums of T_p(t) z^q."""
    powers = {0: spark.lit(1.0), 1: SPARK.z, 2: SPARK.z * SPARK.z}
    sums = {f"_pool_sum_{p}_{q}": spark.sum(spark.col(f"_pool_t{p}") * powers[q]) for p, q in _orders()}
    columns = {"_pool_number": spark.count("*").cast("double"), "_pool_centre": spark.first(SPARK.centre)}
    columns |= {"_pool_least": spark.min(SPARK.u), "_pool_largest": spark.max(SPARK.u)}
    columns |= {"_pool_low": spark.first(SPARK.low), "_pool_high": spark.first(SPARK.high)}
    columns |= {name: spark.avg(name) for name in MEANS if name not in keys}
    return _polynomials(groups).groupBy(*keys).agg(*(e.alias(name) for name, e in (columns | sums).items()))


def _orders() -> list[tuple[int, int]]:
    return [(p, q) for p in range(DEGREE + 1) for q in range(3)]


def _groups_of(groups: DataFrame, bins: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The groups of these bins."""
    some = groups.sparkSession.createDataFrame(bins.rename(lambda name: f"{name}_of_bin").to_arrow())
    kept = groups.join(spark.broadcast(some), same({key: f"{key}_of_bin" for key in keys}), "left_semi")
    return collected(kept.select(MODEL, "_pool_centre", *MEANS, "_pool_y")).with_columns(_pool_k=pl.lit(1.0))


def _pseudo_groups(bins: pl.DataFrame, request: OneWay) -> pl.DataFrame:
    """The pseudo-groups of bins, with the means of the other columns."""
    number, low, high = (bins[f"_pool_{name}"].to_numpy() for name in ("number", "low", "high"))
    least, largest = (bins[f"_pool_{name}"].to_numpy() for name in ("least", "largest"))
    sums = bins.select(f"_pool_sum_{p}_{q}" for p, q in _orders()).to_numpy().reshape(-1, DEGREE + 1, 3)
    mean = sums[:, 0, 1] / number
    one = least == largest
    ends = (np.where(one, least, end) for end in (low, high))
    columns, of_bin = pseudo_groups(number, mean, _about(sums, mean), *ends)
    table = bins.select(MODEL, "_pool_centre", *MEANS)[of_bin]
    name = "_pool_v" if _by_v(request) else "_pool_w"
    return table.with_columns(
        pl.Series(name, columns["x"]), _pool_y=pl.Series(columns["y"]) + table["_pool_centre"], _pool_k=columns["k"]
    )


def _about(sums: Array, mean: Array) -> Array:
    """Sums of T_p(t) (z - mean)^q from those of T_p(t) z^q."""
    mean = mean[:, None]
    zeroth, first, second = np.moveaxis(sums, 2, 0)
    return np.stack([zeroth, first - mean * zeroth, second - 2 * mean * first + mean * mean * zeroth], axis=2)
