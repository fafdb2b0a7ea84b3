"""The lazy result of a verb as a frame of the same kind as its input."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, cast

import polars as pl


class SparkFrame(Protocol):
    """A DataFrame of Spark, as type checkers see it without pyspark."""

    def toArrow(self) -> Any: ...  # noqa: N802


Frame = TypeVar("Frame", bound=pl.DataFrame | pl.LazyFrame | SparkFrame)
FEW = 10_000  # rows


def collected(frame: pl.DataFrame, result: pl.LazyFrame) -> pl.DataFrame:
    """The result of a query of a DataFrame; for few rows, starting a stream or optimising the plan costs more."""
    if frame.height > FEW:
        return result.collect()
    return result.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())


def in_order(result: pl.LazyFrame, keys: int) -> pl.LazyFrame:
    """The result sorted by its first columns, the keys; rows of equal keys stay in their order."""
    return result.sort(pl.nth(range(keys)), maintain_order=True) if keys else result


def same_kind(frame: Frame, result: pl.LazyFrame, keys: int) -> Frame:
    """The result as it is for a LazyFrame, collected and sorted by its keys for a DataFrame."""
    return cast(Frame, collected(frame, in_order(result, keys)) if isinstance(frame, pl.DataFrame) else result)
