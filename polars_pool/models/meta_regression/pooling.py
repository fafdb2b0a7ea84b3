"""Groups and the coefficients of their model to what each group is pulled toward: x'b, with its error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from ...formulas.elementary import INFINITY, exists, sqrt, where
from ..columns import POLARS, Columns, Step
from ..joins import beside_models
from ..keys import PRIVATE
from .components import ERRORS, covariance_columns, private
from .spec import MetaRegression


def joined(groups: pl.LazyFrame, models: pl.LazyFrame, request: MetaRegression) -> pl.LazyFrame:
    """Every group with the variances and the coefficients of its model."""
    return beside_models(groups, models.select(*request.over, *of_model(request)), request.over)


def of_model(request: MetaRegression) -> list[pl.Expr]:
    """What a group needs of its model, under private names."""
    columns = [name for name in private(request) if request.error_of_tau2 or name not in ERRORS]
    return [pl.col(name).alias(name if name.startswith(PRIVATE) else PRIVATE + name) for name in columns]


def fitted(request: MetaRegression, c: Columns = POLARS) -> Iterator[Step]:
    """x'b of each group, which takes the place of mu, and its error; where b is unknown a group keeps its own mean."""
    count = len(request.terms)
    names = {i: (f"_pool_x{i - 1}", f"_pool_origin{i}", f"_pool_centre{i}") for i in range(1, count)}
    yield {f"_pool_u{i}": _deviation(*map(c.column, columns)) for i, columns in names.items()}
    u = [None, *(c.column(f"_pool_u{i}") for i in range(1, count))]
    fit = c.b0
    for i in range(1, count):
        fit = fit + c.column(f"_pool_b{i}") * u[i]
    variance = None
    for i, j, name in covariance_columns(count):
        term = c.column(name)
        for x in (u[i], u[j]):
            term = term if x is None else term * x
        term = term if i == j else 2 * term
        variance = term if variance is None else variance + term
    yield {"_pool_mu": fit, "_pool_variance": variance, "_pool_only": c.fitted == 1}
    yield {"_pool_se_mu": sqrt(where(exists(c.variance) & (c.variance < 0), 0.0, c.variance))}
    yield {"_pool_fit": c.mu, "_pool_se_fit": c.se_mu}


def _deviation(x: Any, origin: Any, centre: Any) -> Any:
    """x - origin - centre; missing for a group without values whose predictor is missing, NaN or infinite."""
    return where((x > -INFINITY) & (x < INFINITY), (x - origin) - centre, None)  # NaN is above infinity
