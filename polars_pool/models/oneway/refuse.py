"""Errors about rows and groups that a model of means cannot use, raised when the query runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...formulas.methods import Method
from .. import refuse
from ..many import ROUNDING
from .spec import OneWay


def bad_rows(table: pl.DataFrame, request: OneWay) -> None:
    """Raise if a weight, count, variance or standard error is bad, or the value is NaN or infinite in a row."""
    refuse.bad_rows(table, request.names)
    refuse.not_finite(table, [("_pool_y", "value", request.names["value"])])


def unequal(method: Method, least: NDArray[Any], largest: NDArray[Any]) -> None:
    """Raise if the sampling variances of the groups of a model differ by more than rounding."""
    if count := np.count_nonzero(largest - least > ROUNDING * largest):
        models = "1 model" if count == 1 else f"{count:,} models"
        raise ValueError(
            f"tau2={method.name!r} is for groups of equal sampling variance, all of as many rows, and those of "
            f"{models} differ: {' and '.join(map(repr, method.instead))} fit them"
        )
