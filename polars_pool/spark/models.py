"""Small tables about models on the driver, where numbers stand for the keys of `over`; and these beside the groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import polars as pl
import pyarrow as pa
from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as spark

from ..models.keys import KEY
from ..models.request import Request
from .frames import same, spark_type

R = TypeVar("R", bound=Request)
NUMBER = "_pool_model"  # the number of a model, the only key of a request on the driver
MODEL = KEY + NUMBER
OF_MODEL = "_pool_of_model_"  # prefix of the keys of models beside those of groups


def on_driver(request: R) -> R:
    """The request about tables on the driver."""
    return replace(request, over_names=(NUMBER,)) if request.over else request


@dataclass(frozen=True)
class Models:
    """The keys of `over` of every model, as Spark gave them, and statistics of the models, by their number."""

    keys: pa.Table
    table: pl.DataFrame

    @classmethod
    def of(cls, frame: DataFrame, request: Request) -> Models:
        """The rows of a small frame, with the number of their model in place of its keys."""
        collected = frame.toArrow()
        table, over = pl.DataFrame(pl.from_arrow(collected)), list(request.over)
        if not over:
            return cls(pa.table({}), table)
        # Windows take NaN for equal to NaN, as Spark does; a join on a single key would not.
        first = pl.col("_pool_first").first().over(over)
        table = table.with_row_index("_pool_first").with_columns(first)
        keys = collected.select(over).take(table["_pool_first"].unique().sort().to_arrow())
        number = pl.col("_pool_first").rank("dense").cast(pl.Int64) - 1
        return cls(keys, table.with_columns(number.alias(MODEL)).drop(*over, "_pool_first"))

    def frame(
        self, like: DataFrame, request: Request, schema: Mapping[str, pl.DataType], prefix: str = ""
    ) -> DataFrame:
        """The keys under their own names and some statistics, as a frame of the same session as another."""
        keys = [types.StructField(prefix + name, like.schema[KEY + name].dataType) for name in request.over_names]
        fields = [types.StructField(name, spark_type(dtype)) for name, dtype in schema.items()]
        columns = self.keys.take(self.table[MODEL].to_arrow()).columns if keys else []
        columns += self.table.select(*schema).to_arrow(compat_level=pl.CompatLevel.oldest()).columns
        names = [field.name for field in (*keys, *fields)]
        return like.sparkSession.createDataFrame(pa.table(columns, names), types.StructType([*keys, *fields]))

    def beside(
        self, groups: DataFrame, request: Request, columns: Iterable[str], how: Literal["left", "inner"] = "left"
    ) -> DataFrame:
        """The groups with statistics of their model, once for each row that the table has about it."""
        table = self.table.select(columns)
        if not request.over and how == "left":
            return groups.withColumns({name: _constant(table[name]) for name in table.columns})
        of_models = spark.broadcast(self.frame(groups, request, table.schema, OF_MODEL))
        if not request.over:
            return groups.crossJoin(of_models)
        keys = [OF_MODEL + name for name in request.over_names]
        return groups.join(of_models, same(dict(zip(request.over, keys, strict=True))), how).drop(*keys)


def _constant(column: pl.Series) -> Column:
    """The value of a single model, or null where there is none."""
    value = column[0] if len(column) else None
    return spark.lit(value).cast(spark_type(column.dtype))
