"""Functions of Polars tables that run on Spark's executors, piece by piece; these need this package installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame, types

DOUBLE = types.DoubleType()


def with_statistics(
    frame: DataFrame, function: Callable[[pl.DataFrame], pl.DataFrame], names: Sequence[str]
) -> DataFrame:
    """The frame with columns of Float64 that a function of its numbers returns, in place of those of the same names."""
    fields = frame.schema.fields
    numbers = [field.name for field in fields if isinstance(field.dataType, types.DoubleType | types.LongType)]
    kept = [field.name for field in fields if field.name not in names]

    def pieces(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            of_rows = function(pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch.select(numbers)]))))
            columns = [*batch.select(kept).columns, *(of_rows[name].to_arrow() for name in names)]
            yield pa.RecordBatch.from_arrays(columns, [*kept, *names])

    added = [types.StructField(name, DOUBLE) for name in names]
    return frame.mapInArrow(pieces, types.StructType([*(f for f in fields if f.name not in names), *added]))
