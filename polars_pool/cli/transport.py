"""Keys on their way through DuckDB and back: in types that both engines hold in full, by cast there and by cast back.

DuckDB has no order of an Enum, one zone for all times, microseconds or nanoseconds only, and intervals of months, which
Polars does not read; 128-bit integers leave it as floating-point numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

WIDE = (pl.Int128, pl.UInt128)


def carried(dtype: pl.DataType) -> pl.DataType:
    """The type in which values of a type pass through DuckDB, one to one."""
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
    """A frame with its keys as they pass through."""
    return frame.cast({name: carried(dtype) for name, dtype in types.items()})


def decoded(frame: pl.LazyFrame, types: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """A frame with the keys that it has in their own types again."""
    return frame.cast({name: dtype for name, dtype in types.items() if name in frame.collect_schema()})


def admitted(frame: pl.LazyFrame) -> pl.LazyFrame:
    """A frame whose columns DuckDB takes: integers of 128 bits as decimals, the widest numbers that it reads."""
    wide = [name for name, dtype in frame.collect_schema().items() if dtype in WIDE]
    return frame.cast(dict.fromkeys(wide, pl.Decimal(38, 0))) if wide else frame
