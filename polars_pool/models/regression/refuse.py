"""Errors about rows and covariates that a regression cannot use, raised when the query runs."""

from __future__ import annotations

import polars as pl

from .. import refuse
from .groups import columns
from .spec import INTERCEPT, Regression


def bad_rows(table: pl.DataFrame, request: Regression) -> None:
    """Raise if a weight is bad, or a covariate or the value is NaN or infinite in a row."""
    refuse.bad_rows(table, request.names)
    names = [*request.covariate_names, request.names["value"]]
    roles = ["covariate"] * len(request.covariates) + ["value"]
    means = [f"{column}_mean" for column in columns(request)]
    refuse.not_finite(table, zip(means, roles, names, strict=True))


def bad_rows_to_predict(table: pl.DataFrame, request: Regression) -> None:
    """Raise if a covariate of the rows to predict is NaN or infinite."""
    for name, column in zip(request.covariate_names, columns(request), strict=False):
        if count := int(table[f"{column}_bad"].head(1).sum()):
            raise ValueError(refuse.NOT_FINITE_TO_PREDICT.format(name=name, rows=refuse.number_of_rows(count)))


def collinear(request: Regression, covariate: int) -> None:
    """Raise if a covariate of the only model is a combination of the terms before it."""
    name, before = request.covariate_names[covariate], request.terms[: covariate + request.intercept]
    if not before:
        raise ValueError(f"x={name!r} is 0 in every row: leave it out")
    if before == (INTERCEPT,):
        raise ValueError(
            f"x={name!r} is the same in every row, so it cannot be distinguished from the intercept: leave it out"
        )
    others = ", ".join(repr(other) for other in before)
    raise ValueError(
        f"x={name!r} is a linear combination of {others} in every row, or so nearly that at most 3 digits would be "
        "left: leave it or one of these out, or replace it with its difference from the others"
    )
