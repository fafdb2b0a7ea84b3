"""The private columns of a relation, for arithmetic that is written once for every engine of relations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from .keys import PRIVATE

Step = Mapping[str, Any]
"""Columns to add to a relation at once, by their private names; later steps read the columns of earlier ones."""


@dataclass(frozen=True)
class Columns:
    """The private columns of a relation of some engine: `columns.tau2` is the column "_pool_tau2"."""

    column: Callable[[str], Any]  # of a name
    missing: Callable[[], Any]  # a missing Float64

    def __getattr__(self, name: str) -> Any:
        return self.column(PRIVATE + name)


POLARS = Columns(pl.col, lambda: pl.lit(None, pl.Float64))


def with_steps(frame: pl.LazyFrame, steps: Iterable[Step]) -> pl.LazyFrame:
    """The frame with the columns of all steps."""
    for step in steps:
        frame = frame.with_columns(**step)
    return frame
