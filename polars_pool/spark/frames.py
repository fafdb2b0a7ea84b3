"""Spark DataFrames: their schema as that of Polars, and columns by private and by public names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import and_
from typing import Any

import polars as pl
from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as spark

from ..models.columns import Columns, Step

OTHER = "_pool_other_"  # prefix of the keys of the other frame in a join
SPARK = Columns(spark.col, lambda: spark.lit(None).cast("double"))
SIMPLE: dict[type[types.DataType], pl.DataType] = {
    types.BooleanType: pl.Boolean(),
    types.ByteType: pl.Int8(),
    types.ShortType: pl.Int16(),
    types.IntegerType: pl.Int32(),
    types.LongType: pl.Int64(),
    types.FloatType: pl.Float32(),
    types.DoubleType: pl.Float64(),
    types.StringType: pl.String(),
    types.CharType: pl.String(),
    types.VarcharType: pl.String(),
    types.DateType: pl.Date(),
    types.TimestampType: pl.Datetime("us", "UTC"),
    types.TimestampNTZType: pl.Datetime("us"),
    types.DayTimeIntervalType: pl.Duration("us"),
    types.NullType: pl.Null(),
}
if hasattr(types, "TimeType"):  # since Spark 4.1
    SIMPLE[types.TimeType] = pl.Time()
OF_STATISTICS: dict[type[pl.DataType], types.DataType] = {
    pl.Int64: types.LongType(),
    pl.Float64: types.DoubleType(),
    pl.Boolean: types.BooleanType(),
    pl.String: types.StringType(),
}


def with_steps(frame: DataFrame, steps: Iterable[Step]) -> DataFrame:
    """The frame with the columns of all steps."""
    for step in steps:
        frame = frame.withColumns(dict(step)) if step else frame  # Spark Connect refuses an empty step
    return frame


def collected(frame: DataFrame) -> pl.DataFrame:
    """The rows of a small frame."""
    return pl.DataFrame(pl.from_arrow(frame.toArrow()))


def named(name: str) -> Column:
    """The column with a name; Spark alone would read a dot as a field of a struct."""
    return spark.col("`" + name.replace("`", "``") + "`")


def same(keys: Mapping[str, str]) -> Column:
    """The condition of a join: each column equals another, as keys do (null equals null, and NaN equals NaN)."""
    return reduce(and_, (named(one).eqNullSafe(named(other)) for one, other in keys.items()))


def polars_type(dtype: types.DataType) -> pl.DataType:
    """The type of Polars that holds the values of a type of Spark; binary for those that Polars does not have."""
    if isinstance(dtype, types.DecimalType):
        return pl.Decimal(dtype.precision, dtype.scale)
    if isinstance(dtype, types.ArrayType):
        return pl.List(polars_type(dtype.elementType))
    if isinstance(dtype, types.StructType):
        return pl.Struct({field.name: polars_type(field.dataType) for field in dtype.fields})
    return SIMPLE.get(type(dtype), pl.Binary())


def spark_type(dtype: Any) -> types.DataType:
    """The type of Spark that holds a statistic."""
    if isinstance(dtype, pl.Struct):
        return types.StructType([types.StructField(f.name, spark_type(f.dtype)) for f in dtype.fields])
    return OF_STATISTICS[dtype.base_type()]


def schema_of(frame: DataFrame) -> pl.Schema:
    """The names and types of the columns, without a job."""
    return pl.Schema({field.name: polars_type(field.dataType) for field in frame.schema.fields})
