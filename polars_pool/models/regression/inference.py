"""The coefficients of the population as a table, one row per model and term, or their covariances, one per pair."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ..coefficients import PAIRS, coefficients_schema, covariances_schema, inferred
from ..keys import public
from ..tables import WHOLE, series
from .coefficients import population
from .fit import Table, solved
from .groups import grouped
from .satterthwaite import degrees_of_freedom
from .spec import Regression


def table_schema(request: Regression) -> dict[str, pl.DataType]:
    """The columns of the table after the keys of the models."""
    return covariances_schema() if request.options.covariance else coefficients_schema()


def table(frame: pl.LazyFrame, request: Regression) -> pl.LazyFrame:
    """The table of a query, under public names."""
    groups, constants = grouped(frame, request)
    keys = groups.select(public(*request.over_names)).collect_schema()
    return groups.join(constants, how="cross").map_batches(
        partial(of_groups, request=request), schema=pl.Schema({**keys, **table_schema(request)}), **WHOLE
    )


def of_groups(groups: pl.DataFrame, request: Regression) -> pl.DataFrame:
    """The same from a table of groups with the constants of the query."""
    solution, schema = solved(groups, request), table_schema(request)
    mu, covariance, df = _numbers(solution, request)
    columns = _pairs(covariance, request) if request.options.covariance else _terms(mu, covariance, df, request)
    named = [series(name, values, schema[name]) for name, values in columns.items()]
    if not request.over:
        return pl.DataFrame(named)
    models = groups if solution is None else solution.models
    rows = np.repeat(np.arange(len(mu), dtype=np.uint32), len(named[0]) // max(len(mu), 1))
    return models.select(public(*request.over_names))[rows].with_columns(named)


def _numbers(solution: Table | None, request: Regression) -> tuple[Array, Array, Array | None]:
    """The coefficients of each model, (models, terms), their covariance, and their degrees of freedom for t.

    A frame without groups has no model, or without `over` one whose numbers are unknown.
    """
    by_t = request.options.test == "t"
    if solution is None:
        unknown = np.full((0 if request.over else 1, len(request.terms)), np.nan)
        return unknown, np.repeat(unknown[:, :, None], len(request.terms), axis=2), unknown if by_t else None
    mu, covariance = population(solution.fitted)
    with np.errstate(all="ignore"):
        df = degrees_of_freedom(solution.fitted, solution.reduced, request.restricted) if by_t else None
    return mu, covariance, df


def _terms(mu: Array, covariance: Array, df: Array | None, request: Regression) -> dict[str, Array]:
    """The columns of coefficients with their tests."""
    with np.errstate(all="ignore"):
        se = np.sqrt(np.einsum("mtt->mt", covariance))
    statistics = inferred(mu, se, df, request.options.level)
    return {"term": np.tile(request.terms, len(mu))} | {name: x.ravel() for name, x in statistics.items()}


def _pairs(covariance: Array, request: Regression) -> dict[str, Array]:
    """The columns of the covariances of all ordered pairs of terms."""
    term, other = (np.ravel(names) for names in np.meshgrid(request.terms, request.terms, indexing="ij"))
    columns = (np.tile(term, len(covariance)), np.tile(other, len(covariance)), covariance.ravel())
    return dict(zip(PAIRS, columns, strict=True))
