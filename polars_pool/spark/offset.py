"""The offset that the values of a column have in common, from the first ones: one small job for any size of frame."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from operator import and_
from typing import Any

import polars as pl
from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as spark

from ..models import offset as wide
from ..models import pivot
from .frames import collected, polars_type

VALUE = "_pool_value"


def less_pivots(
    rows: DataFrame, names: Sequence[str], others: Sequence[str] = ()
) -> tuple[DataFrame, dict[str, float]]:
    """The rows with some columns less their pivots, as Float64; and the pivots, those of other columns too."""
    dtypes = {name: rows.schema[name].dataType for name in (*names, *others)}
    is_finite = reduce(and_, (_is_finite(spark.col(name), dtype) for name, dtype in dtypes.items()))
    first = collected(rows.select(*dtypes).where(is_finite).limit(pivot.FIRST))
    columns = [_column(name, polars_type(dtype)) for name, dtype in dtypes.items()]
    one_row = pivot.pivots(first.lazy(), columns).collect().row(0, named=True)
    centred = {c.name: _centred(c, dtypes[c.name], one_row) for c in columns if c.name in names}
    return rows.withColumns(centred), {column.name: float(one_row[column.pivot]) for column in columns}


def _centred(column: pivot.Column, dtype: types.DataType, one_row: dict[str, Any]) -> Column:
    """A column less its pivot, which is one of those in the row."""
    value = spark.col(column.name)
    if not one_row[column.pivot]:
        return value.cast("double")
    if column.exact is None:
        return value.cast("double") - one_row[column.pivot]
    exact = Decimal(int(one_row[column.origin]))
    if isinstance(dtype, types.DecimalType):
        exact = exact.scaleb(-dtype.scale)
    return (value.cast(_decimal(dtype)) - spark.lit(exact)).cast("double")


def _column(name: str, dtype: pl.DataType) -> pivot.Column:
    """The values as Float64, and exactly where their type holds more digits."""
    if not wide.is_wide(dtype):
        return pivot.Column(name, pl.col(name).cast(pl.Float64))
    integer = wide.integer(pl.col(name), dtype)
    return pivot.Column(name, wide.number(integer, dtype), integer, dtype)


def _decimal(dtype: types.DataType) -> types.DataType:
    """A type whose differences do not overflow."""
    return dtype if isinstance(dtype, types.DecimalType) else types.DecimalType(38, 0)


def _is_finite(value: Column, dtype: types.DataType) -> Column:
    if not isinstance(dtype, types.FractionalType) or isinstance(dtype, types.DecimalType):
        return value.isNotNull()
    return (spark.abs(value) < float("inf")) & value.isNotNull()  # NaN is above infinity
