"""Functions of whole tables inside a plan, and the columns that they return."""

from __future__ import annotations

from typing import Any

import polars as pl

# No filter or choice of columns may pass through a function of the table.
WHOLE = {"predicate_pushdown": False, "projection_pushdown": False, "slice_pushdown": False}


def series(name: str, values: Any, dtype: Any) -> pl.Series:
    """A statistic as a column, null where it is NaN; the fields of a struct lie in the second axis of the values."""
    if isinstance(dtype, pl.Struct):
        fields = [series(field.name, values[:, k], field.dtype) for k, field in enumerate(dtype.fields)]
        return pl.DataFrame({field.name: field for field in fields}).to_struct(name)  # a name may be empty
    if dtype == pl.Int64:
        return pl.Series(name, values.round(), nan_to_null=True).cast(dtype)
    return pl.Series(name, values, dtype, nan_to_null=dtype == pl.Float64)
