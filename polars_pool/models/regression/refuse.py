"""Errors about rows and covariates that a regression cannot use, raised when the query runs."""

from __future__ import annotations

import polars as pl

from .. import refuse
from .groups import columns
from .spec import INTERCEPT, Regression


def bad_rows(table: pl.DataFrame, model: Regression) -> None:
    """Raise if a weight is bad, or a covariate or the value is NaN or infinite in a row."""
    refuse.bad_rows(table, model.names)
    names = [*model.covariate_names, model.names["value"]]
    roles = ["covariate"] * len(model.covariates) + ["value"]
    means = [f"{column}_mean" for column in columns(model)]
    refuse.not_finite(table, zip(means, roles, names, strict=True))


def bad_rows_to_predict(table: pl.DataFrame, model: Regression) -> None:
    """Raise if a covariate of the rows to predict is NaN or infinite."""
    for name, column in zip(model.covariate_names, columns(model), strict=False):
        if count := int(table[f"{column}_bad"].head(1).sum()):
            raise ValueError(refuse.NOT_FINITE_TO_PREDICT.format(name=name, rows=refuse.number_of_rows(count)))


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
