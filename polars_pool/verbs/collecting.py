"""The lazy result of a verb as a frame of the same kind as its input."""

from __future__ import annotations

from typing import TypeVar

import polars as pl

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
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
    return result if isinstance(frame, pl.LazyFrame) else collected(frame, in_order(result, keys))
