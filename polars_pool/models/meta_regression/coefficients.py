"""Rows to one row per model and term: the coefficients of the predictors of groups, with their tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ...engines.numpy import Array
from .. import coefficients as tables
from ..keys import public
from ..oneway.groups import grouped
from ..tables import series
from . import inference
from .components import of_classes
from .fit import Fitted
from .groups import classes
from .spec import MetaRegression
from .terms import terms


def coefficients(frame: pl.LazyFrame, request: MetaRegression) -> pl.LazyFrame:
    """One row per model and term, under public names."""
    return _table(frame, request, of_terms, tables.coefficients_schema())


def covariances(frame: pl.LazyFrame, request: MetaRegression) -> pl.LazyFrame:
    """One row per model and pair of terms, under public names."""
    return _table(frame, request, of_pairs, tables.covariances_schema())


def _table(frame: pl.LazyFrame, request: MetaRegression, function: Any, schema: dict[str, pl.DataType]) -> pl.LazyFrame:
    groups, constants = grouped(frame, request)
    table = of_classes(classes(groups, constants, request), request, function, schema)
    return table.select(*public(*request.over_names), *schema)


def of_terms(
    models: pl.DataFrame, present: Array, fitted: Fitted | None, request: MetaRegression, schema: Any
) -> list[pl.Series]:
    """The keys of every model and the columns of its coefficients, one row per term."""
    count = len(request.terms)
    numbers = {name: np.full((models.height, count), np.nan) for name in schema if name != "term"}
    if fitted is not None:
        t = terms(fitted, models["_pool_pivot"].to_numpy()[present]).about_zero()
        with np.errstate(all="ignore"):
            factor = inference.knapp_hartung(fitted, request.options.test)
            se = np.sqrt(np.einsum("mii->mi", t.covariance) * factor[:, None])
        df = None
        if request.options.test != "z":
            df = np.broadcast_to(np.where(fitted.g.df > 0, fitted.g.df, np.nan)[:, None], se.shape)
        for name, values in tables.inferred(t.beta, se, df, request.options.level).items():
            numbers[name][present] = values
    names = pl.Series("term", request.terms * models.height, pl.String)
    others = (series(name, x.ravel(), pl.Float64) for name, x in numbers.items())
    rows = np.repeat(np.arange(models.height), count)
    return [*(models[key].gather(rows) for key in request.over), names, *others]


def of_pairs(
    models: pl.DataFrame, present: Array, fitted: Fitted | None, request: MetaRegression, _schema: Any
) -> list[pl.Series]:
    """The keys of every model and the covariances of its coefficients, one row per pair of terms."""
    count = len(request.terms)
    covariance = np.full((models.height, count, count), np.nan)
    if fitted is not None:
        t = terms(fitted, models["_pool_pivot"].to_numpy()[present]).about_zero()
        with np.errstate(all="ignore"):
            factor = inference.knapp_hartung(fitted, request.options.test)
        covariance[present] = t.covariance * factor[:, None, None]
    one = [name for name in request.terms for _ in request.terms] * models.height
    other = list(request.terms * count) * models.height
    rows = np.repeat(np.arange(models.height), count * count)
    keys = (models[key].gather(rows) for key in request.over)
    columns = [pl.Series("term", one, pl.String), pl.Series("other_term", other, pl.String)]
    return [*keys, *columns, series("covariance", covariance.ravel(), pl.Float64)]
