"""Errors about rows and groups that a model of means cannot use, raised when the query runs."""

from __future__ import annotations

import polars as pl

from ...formulas.methods import Method
from .. import refuse
from .spec import OneWay


def bad_rows(table: pl.DataFrame, request: OneWay) -> None:
    """Raise if a weight, count, variance or standard error is bad, or the value is NaN or infinite in a row."""
    refuse.bad_rows(table, request.names)
    refuse.not_finite(table, [("_pool_y", "value", request.names["value"])])


def unequal(method: Method, count: int) -> None:
    """Raise if the groups of some models have unequal sampling variances."""
    if count:
        models = "1 model" if count == 1 else f"{count:,} models"
        raise ValueError(
            f"tau2={method.name!r} is for groups of equal sampling variance, all of as many rows, and those of "
            f"{models} differ: {' and '.join(map(repr, method.instead))} fit them"
        )
