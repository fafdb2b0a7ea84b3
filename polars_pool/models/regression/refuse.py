"""Errors that only the data can raise, read off the group table when the query runs."""

from __future__ import annotations

import polars as pl

from ..oneway.refuse import ALLOWED
from .groups import columns
from .spec import INTERCEPT, Regression


def bad_rows(table: pl.DataFrame, model: Regression) -> None:
    """Raise if a mean is no number, so a value is none, or a weight is not allowed."""
    counted = table.get_column("_pool_bad_weights", default=None)
    if counted is not None and (count := int(counted.head(1).sum())):
        raise ValueError(
            f"weights={model.names['weights']!r} is null, NaN, negative or infinite in {_rows(count)}: "
            f"{ALLOWED['weights']}"
        )
    for name, column in zip([*model.covariate_names, model.names["value"]], columns(model), strict=True):
        if not table[f"{column}_mean"].drop_nulls().is_finite().all():
            role = "value" if column == "_pool_value" else "covariate"
            raise ValueError(
                f"the {role} {name!r} holds NaN or infinite numbers: remove them, or count them as missing with "
                "nan='null'"
            )


def bad_rows_to_predict(table: pl.DataFrame, model: Regression) -> None:
    """Raise if a covariate of the rows to predict is NaN or infinite."""
    for name, column in zip(model.covariate_names, columns(model), strict=False):
        if count := int(table[f"{column}_bad"].head(1).sum()):
            raise ValueError(
                f"the covariate {name!r} of the rows to predict is NaN or infinite in {_rows(count)}: remove them, or "
                "count them as missing with nan='null'"
            )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def collinear(model: Regression, covariate: int) -> None:
    """Raise if a covariate of the only model is a combination of the terms before it."""
    name, before = model.covariate_names[covariate], model.terms[: covariate + model.intercept]
    if not before:
        raise ValueError(f"x={name!r} is 0 in every row: leave it out")
    if before == (INTERCEPT,):
        raise ValueError(f"x={name!r} is the same in every row, so it cannot be told from the intercept: leave it out")
    others = ", ".join(repr(other) for other in before)
    raise ValueError(
        f"x={name!r} is a linear combination of {others} in every row, or so nearly that at most 3 digits would be "
        "left: leave it or one of these out, or replace it with its difference from the others"
    )
