"""The offset that the values have in common, from the first values: one small job, whatever the size of the frame."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as spark

from ..models import offset as wide
from ..models import pivot
from .frames import collected, polars_type

VALUE = "_pool_value"


def less_pivot(rows: DataFrame) -> tuple[DataFrame, float]:
    """The rows with their value less the pivot, as Float64; and the pivot."""
    dtype, value = rows.schema[VALUE].dataType, spark.col(VALUE)
    first = collected(rows.select(VALUE).where(_is_finite(value, dtype)).limit(pivot.FIRST))
    column = _column(polars_type(dtype))
    found = pivot.pivots(first.lazy(), [column]).collect().row(0, named=True)
    if not found[column.pivot]:
        return rows.withColumn(VALUE, value.cast("double")), 0.0
    if column.exact is None:
        centred = value.cast("double") - found[column.pivot]
    else:
        exact = Decimal(int(found[column.origin]))
        if isinstance(dtype, types.DecimalType):
            exact = exact.scaleb(-dtype.scale)
        centred = (value.cast(_decimal(dtype)) - spark.lit(exact)).cast("double")
    return rows.withColumn(VALUE, centred), float(found[column.pivot])


def _column(dtype: pl.DataType) -> pivot.Column:
    """The values as Float64, and exactly where their type holds more digits."""
    if not wide.is_wide(dtype):
        return pivot.Column(VALUE, pl.col(VALUE).cast(pl.Float64))
    integer = wide.integer(pl.col(VALUE), dtype)
    return pivot.Column(VALUE, wide.number(integer, dtype), integer, dtype)


def _decimal(dtype: types.DataType) -> types.DataType:
    """A type whose differences do not overflow."""
    return dtype if isinstance(dtype, types.DecimalType) else types.DecimalType(38, 0)


def _is_finite(value: Column, dtype: types.DataType) -> Column:
    if not isinstance(dtype, types.FractionalType) or isinstance(dtype, types.DecimalType):
        return value.isNotNull()
    return (spark.abs(value) < float("inf")) & value.isNotNull()  # NaN is above infinity
