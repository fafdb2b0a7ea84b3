"""Functions of whole tables inside a plan, and the columns that they return."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..numerics.arrays import Array

# No filter or choice of columns may pass through a function of the table.
WHOLE = {"predicate_pushdown": False, "projection_pushdown": False, "slice_pushdown": False}


def series(name: str, values: Array, dtype: pl.DataType) -> pl.Series:
    """A statistic as a column, null where it is NaN."""
    if dtype == pl.Boolean:
        return pl.Series(name, values)
    if dtype == pl.Int64:
        return pl.Series(name, np.rint(values), nan_to_null=True).cast(dtype)
    return pl.Series(name, values, nan_to_null=True)
