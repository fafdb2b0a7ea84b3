"""The classes of the groups to the components of every model, on the driver; and these beside the groups again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

import polars as pl
import pyarrow as pa
from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as spark

from ..models.keys import KEY
from ..models.request import Request
from .frames import OF_STATISTICS, named

OF_MODEL = "_pool_of_model_"  # prefix of the keys of models beside those of groups


@dataclass(frozen=True)
class Models:
    """One row per model: its statistics, and the keys of `over` as Spark gave them."""

    keys: pa.Table
    statistics: pl.DataFrame

    def frame(self, like: DataFrame, request: Request, schema: Mapping[str, pl.DataType]) -> DataFrame:
        """The models under public names, as a DataFrame of the session of another."""
        return self._frame(like, request, schema, prefix="")

    def beside(self, groups: DataFrame, request: Request, columns: Sequence[pl.Series]) -> DataFrame:
        """The groups with statistics of their model, one column per statistic."""
        table = pl.DataFrame(columns)
        if not request.over:
            return groups.withColumns({name: _constant(table[name]) for name in table.columns})
        models = Models(self.keys, table)
        of_models = spark.broadcast(models._frame(groups, request, table.schema, prefix=OF_MODEL))
        keys = [OF_MODEL + name for name in request.over_names]
        same = (named(key).eqNullSafe(named(other)) for key, other in zip(request.over, keys, strict=True))
        return groups.join(of_models, reduce(and_, same), "left").drop(*keys)

    def _frame(self, like: DataFrame, request: Request, schema: Mapping[str, pl.DataType], prefix: str) -> DataFrame:
        keys = [types.StructField(prefix + name, like.schema[KEY + name].dataType) for name in request.over_names]
        fields = [types.StructField(name, OF_STATISTICS[dtype.base_type()]) for name, dtype in schema.items()]
        table = self.statistics.select(*schema).to_arrow()
        columns = [*self.keys.columns, *table.columns]
        names = [field.name for field in (*keys, *fields)]
        return like.sparkSession.createDataFrame(pa.table(columns, names), types.StructType([*keys, *fields]))


def _constant(column: pl.Series) -> Column:
    """The value of a single model, or null where there is none."""
    value = column[0] if len(column) else None
    return spark.lit(value).cast(OF_STATISTICS[column.dtype.base_type()])


def keys_of(table: pa.Table, request: Request) -> pa.Table:
    """The keys of the models of a table of classes, each once, in the order of their first classes."""
    if not request.over:
        return table.select([])
    keys = pl.DataFrame(pl.from_arrow(table.select(list(request.over)))).with_row_index("_pool_row")
    first = keys.group_by(*request.over, maintain_order=True).agg(pl.col("_pool_row").first())
    return table.select(list(request.over)).take(first["_pool_row"].to_arrow())
