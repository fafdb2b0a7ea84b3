"""Errors about rows and covariates that a regression cannot use, raised when the query runs."""

from __future__ import annotations

import polars as pl

from .. import refuse, warning
from ..keys import PRIVATE
from .groups import columns
from .spec import INTERCEPT, Regression

UNSEEN_ROWS = PRIVATE + "unseen_rows"  # the number of rows to predict with an unseen level
LEVEL_WITHOUT_ROWS = (
    "; if no complete row has a level of {name!r}, give the levels that rows have, with pool.factor({name!r}, "
    "levels=[...])"
)
COMBINATION_WITHOUT_ROWS = (
    "; if no complete row has this combination of levels, give the products of the other combinations as expressions"
)


def bad_rows(table: pl.DataFrame, request: Regression) -> None:
    """Raise if a weight is bad, or a covariate or the value is NaN or infinite in a row."""
    refuse.bad_rows(table, request.names)
    refuse.no_level(table, request.design.factors)
    names = [*request.covariate_names, request.names["value"]]
    roles = ["covariate"] * len(request.covariates) + ["value"]
    means = [f"{column}_mean" for column in columns(request)]
    refuse.not_finite(table, zip(means, roles, names, strict=True))


def bad_rows_to_predict(table: pl.DataFrame, request: Regression) -> None:
    """Raise if a covariate of the rows to predict is NaN or infinite."""
    for name, column in zip(request.covariate_names, columns(request), strict=False):
        if count := int(table[f"{column}_bad"].head(1).sum()):
            raise ValueError(refuse.NOT_FINITE_TO_PREDICT.format(name=name, rows=refuse.number_of_rows(count)))


def warn_of_unseen_levels(table: pl.DataFrame, request: Regression) -> None:
    """Warn once of all rows to predict with a value that is no level of a factor."""
    factors = request.design.factors
    if factors and (count := int(table[UNSEEN_ROWS].head(1).sum())):
        values = {factor.name: table[f"{column}_bad"].head(1).item() for column, factor in factors.items()}
        warning.warn([warning.unseen_levels(refuse.number_of_rows(count), values)], request.caller, UserWarning)


def collinear(request: Regression, covariate: int) -> None:
    """Raise if a covariate of the only model is a combination of the terms before it."""
    message = _collinear(request, covariate)
    raise ValueError(message + _of_levels(request, covariate))


def _of_levels(request: Regression, covariate: int) -> str:
    """What to do about a term of a factor: the data may lack a level or a combination of levels."""
    design = request.design
    parts = design.terms[covariate].parts
    factors = [design.sources[source].name for source, _ in parts if design.sources[source].levels]
    if not factors:
        return ""
    if len(parts) == 1:
        return LEVEL_WITHOUT_ROWS.format(name=factors[0])
    return COMBINATION_WITHOUT_ROWS


def _collinear(request: Regression, covariate: int) -> str:
    """The sentence about a covariate that is a combination of the terms before it."""
    name, before = request.covariate_names[covariate], request.terms[: covariate + request.intercept]
    if not before:
        return f"x={name!r} is 0 in every row: leave it out"
    if before == (INTERCEPT,):
        return f"x={name!r} is the same in every row, so it cannot be distinguished from the intercept: leave it out"
    others = ", ".join(repr(other) for other in before)
    return (
        f"x={name!r} is a linear combination of {others} in every row, or so nearly that at most 3 digits would be "
        "left: leave it or one of these out, or replace it with its difference from the others"
    )
