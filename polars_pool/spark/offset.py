"""The offset that the values have in common, from the first values: one small job, whatever the size of the frame."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as spark

from ..models import offset as wide
from ..models import pivot
from .frames import polars_type

VALUE = "_pool_value"


def less_pivot(rows: DataFrame) -> tuple[DataFrame, float]:
    """The rows with their value less the pivot, as Float64; and the pivot."""
    dtype = rows.schema[VALUE].dataType
    value = spark.col(VALUE)
    first = rows.select(VALUE).where(_is_finite(value, dtype)).limit(pivot.FIRST)
    table = pl.DataFrame(pl.from_arrow(first.toArrow()))
    polars = polars_type(dtype)
    if not wide.is_wide(polars):
        number = pl.col(VALUE).cast(pl.Float64)
        origin = _pivot(table, pivot.Column(VALUE, number))
        centred = value.cast("double") - origin if origin else value.cast("double")
        return rows.withColumn(VALUE, centred), origin
    integer = wide.integer(pl.col(VALUE), polars)
    column = pivot.Column(VALUE, wide.number(integer, polars), integer, polars)
    found = pivot.pivots(table.lazy(), [column]).collect()
    origin = found[column.pivot].item() if found.height else 0.0
    if not origin:
        return rows.withColumn(VALUE, value.cast("double")), 0.0
    exact = Decimal(int(found[column.origin].item()))
    if isinstance(dtype, types.DecimalType):
        exact = exact.scaleb(-dtype.scale)
    else:
        value = value.cast("decimal(38,0)")
    return rows.withColumn(VALUE, (value - spark.lit(exact)).cast("double")), origin


def _pivot(table: pl.DataFrame, column: pivot.Column) -> float:
    found = pivot.pivots(table.lazy(), [column]).collect()
    return float(found[column.pivot].item()) if found.height else 0.0


def _is_finite(value: Column, dtype: types.DataType) -> Column:
    if not isinstance(dtype, types.FractionalType) or isinstance(dtype, types.DecimalType):
        return value.isNotNull()
    return (spark.abs(value) < float("inf")) & value.isNotNull()  # NaN is above infinity
