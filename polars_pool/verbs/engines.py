"""The engine of a call, by the kind of its frame: Polars, or Spark, whose code is imported with its first frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import polars as pl

from ..arguments import Call
from .collecting import Frame, same_kind

Query = tuple[pl.LazyFrame, int]
"""A lazy result, and the number of its keys, by which the rows of a DataFrame are sorted."""
ON_ONE_MACHINE = (
    "{results} do not run on Spark: give a Polars frame, such as polars.from_arrow(frame.toArrow()), of rows that fit "
    "into memory"
)


def on_spark(frame: Any) -> bool:
    """Whether a frame is one of Spark, of Spark Connect too."""
    kinds = {(kind.__module__, kind.__name__) for kind in type(frame).mro()}
    return ("pyspark.sql.dataframe", "DataFrame") in kinds


def by_engine(frame: Frame, call: Call, verb: str, polars: Callable[[Call], Query]) -> Frame:
    """The result of a verb as a frame of the same kind."""
    if on_spark(frame):
        from ..spark import verbs

        if not hasattr(verbs, verb):
            raise TypeError(ON_ONE_MACHINE.format(results="ranks" if verb == "ranks" else "draws"))
        return cast(Frame, getattr(verbs, verb)(call))
    result, keys = polars(call)
    return same_kind(frame, result, keys)
