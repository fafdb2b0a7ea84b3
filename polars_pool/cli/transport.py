"""Types of keys in DuckDB: keys are cast to types that both engines hold without loss, and cast back in the result.

DuckDB does not keep the order of an Enum, has one time zone for all times, has only microseconds and nanoseconds, has
intervals with months, which Polars cannot read, and returns 128-bit integers as floating-point numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

WIDE = (pl.Int128, pl.UInt128)


def carried(dtype: pl.DataType) -> pl.DataType:
    """The type in which DuckDB holds the values of a type, one to one."""
    if dtype in (pl.Datetime, pl.Duration, pl.Time):
        return pl.Int64()
    if dtype in (pl.Enum, pl.Categorical) or dtype in WIDE:
        return pl.String()
    if dtype == pl.Null:
        return pl.Boolean()
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(carried(dtype.inner))  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: carried(field.dtype) for field in dtype.fields})  # type: ignore[arg-type]
    return dtype


def encoded(frame: pl.LazyFrame, types: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """A frame with its keys in the types for DuckDB."""
    return frame.cast({name: carried(dtype) for name, dtype in types.items()})


def decoded(frame: pl.LazyFrame, types: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """A frame with its keys in their original types."""
    return frame.cast({name: dtype for name, dtype in types.items() if name in frame.collect_schema()})


def admitted(frame: pl.LazyFrame) -> pl.LazyFrame:
    """A frame with columns that DuckDB accepts: 128-bit integers become decimals, the widest numbers that it reads."""
    wide = [name for name, dtype in frame.collect_schema().items() if dtype in WIDE]
    return frame.cast(dict.fromkeys(wide, pl.Decimal(38, 0))) if wide else frame
