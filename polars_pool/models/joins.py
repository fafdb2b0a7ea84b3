"""Joins by the keys of models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import polars as pl


def beside_models(
    frame: pl.LazyFrame, models: pl.LazyFrame, over: Sequence[str], how: Literal["left", "inner"] = "left"
) -> pl.LazyFrame:
    """The rows of the frame, each beside the rows of its model; beside all of them where there is only one model."""
    return frame.join(models, on=list(over), how=how, nulls_equal=True) if over else frame.join(models, how="cross")
