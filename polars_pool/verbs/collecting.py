"""A frame of either kind in, one of the same kind out: what a verb does with its lazy result."""

from __future__ import annotations

from typing import TypeVar

import polars as pl

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
FEW = 10_000  # rows


def collected(frame: pl.DataFrame, result: pl.LazyFrame) -> pl.DataFrame:
    """What a query of a DataFrame gives: of few rows in memory, as a stream takes longer to begin than they take."""
    return result.collect(engine="in-memory" if frame.height <= FEW else "auto")


def in_order(result: pl.LazyFrame, keys: int) -> pl.LazyFrame:
    """The result sorted by its first columns, the keys; rows of equal keys stay in their order."""
    return result.sort(pl.nth(range(keys)), maintain_order=True) if keys else result


def as_given(frame: Frame, result: pl.LazyFrame, keys: int) -> Frame:
    """A LazyFrame as it is, a DataFrame collected and sorted by its keys."""
    return result if isinstance(frame, pl.LazyFrame) else collected(frame, in_order(result, keys))
