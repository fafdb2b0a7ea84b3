"""Formulas on Polars expressions; functions that Polars lacks are those on arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import polars as pl

from ..formulas import aggregates, elementary
from .registering import register


def _where(condition: pl.Expr, then: Any, otherwise: Any) -> pl.Expr:
    return pl.when(condition).then(then).otherwise(otherwise)


def _normal_cdf(x: pl.Expr) -> pl.Expr:
    return pl.map_batches([x], _normal_cdf_of_column, return_dtype=pl.Float64(), is_elementwise=True)


def _normal_cdf_of_column(columns: Sequence[pl.Series]) -> pl.Series:
    [x] = columns
    # models/tables.py does the same for statistics, but lies above this layer: an engine imports no model.
    return pl.Series(x.name, _on_array(elementary.normal_cdf, x.cast(pl.Float64)), nan_to_null=True)


def _normal_density(x: pl.Expr) -> pl.Expr:
    return (-0.5 * x * x).exp() / math.sqrt(2 * math.pi)


def _by_numpy(function: Any) -> Callable[[pl.Expr], pl.Expr]:
    call = partial(_of_column, function=function)
    return lambda x: pl.map_batches([x], call, return_dtype=pl.Float64)


def _of_column(columns: Sequence[pl.Series], function: Any) -> pl.Series:
    return pl.Series(_on_array(function, columns[0]))


def _on_array(function: Any, column: pl.Series) -> Any:
    """The function of a column by its form on arrays, which is loaded with NumPy when a query needs it."""
    from . import numpy as numpy

    return function(column.to_numpy())


FORMS: dict[Any, Callable[..., Any]] = {
    elementary.exp: pl.Expr.exp,
    elementary.log: pl.Expr.log,
    elementary.sqrt: pl.Expr.sqrt,
    elementary.where: _where,
    elementary.exists: pl.Expr.is_not_null,
    elementary.floor: pl.Expr.floor,
    elementary.normal_cdf: _normal_cdf,
    elementary.normal_density: _normal_density,
    **{f: _by_numpy(f) for f in (elementary.log_gamma, elementary.digamma)},
    **{f: _by_numpy(f) for f in (elementary.trigamma, elementary.trigamma_inverse)},
}
AGGREGATES: dict[Any, Callable[..., Any]] = {
    aggregates.count: lambda x: x.count().cast(pl.Float64),
    aggregates.total: pl.Expr.sum,
    aggregates.mean: pl.Expr.mean,
    aggregates.variance: pl.Expr.var,
    aggregates.spread: partial(pl.Expr.var, ddof=0),
    aggregates.covariance: pl.cov,
    aggregates.joint_spread: partial(pl.cov, ddof=0),
    aggregates.minimum: pl.Expr.min,
    aggregates.maximum: pl.Expr.max,
}
register(FORMS | AGGREGATES, pl.Expr)
