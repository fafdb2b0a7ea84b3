"""Errors that only the data can raise, read off the group table when the query runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..many import ROUNDING
from .spec import OneWay

ALLOWED = {
    "weights": "precision weights are finite and not negative; a row of weight 0 does not count",
    "n": "n is a count of rows, a whole number of 0 or more",
    "var": "var is a sample variance, 0 or more wherever n > 1",
    "se": "a standard error is 0 or more, and infinite for an estimate without information",
}


def bad_rows(table: pl.DataFrame, request: OneWay) -> None:
    """Raise if a mean is no number, so a value is none, or a column beside it holds what it must not."""
    for name, rule in ALLOWED.items():
        counted = table.get_column(f"_pool_bad_{name}", default=None)
        if counted is not None and (count := counted.head(1).sum()):
            rows = "1 row" if count == 1 else f"{count:,} rows"
            wrong = "null, NaN or negative" if name == "se" else "null, NaN, negative or infinite"
            raise ValueError(f"{name}={request.names[name]!r} is {wrong} in {rows}: {rule}")
    if not np.isfinite(table["_pool_y"].drop_nulls().to_numpy()).all():
        raise ValueError(
            f"the value {request.names['value']!r} holds NaN or infinite numbers: remove them, or count them as "
            "missing with nan='null'"
        )


def unequal(method: str, least: NDArray[Any], largest: NDArray[Any]) -> None:
    """Raise if the sampling variances of the groups of a model differ by more than rounding."""
    if count := np.count_nonzero(largest - least > ROUNDING * largest):
        models = "1 model" if count == 1 else f"{count:,} models"
        raise ValueError(
            f"tau2={method!r} is for groups of equal sampling variance, all of as many rows, and those of {models} "
            "differ: 'morris' and 'chung' fit them"
        )
