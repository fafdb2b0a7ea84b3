"""Formulas on Polars expressions; functions that Polars lacks are those on arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import polars as pl

from ..formulas import elementary
from ..numerics import gamma
from ..numerics.special import digamma, gammaln, ndtr


def _where(condition: pl.Expr, then: Any, otherwise: Any) -> pl.Expr:
    return pl.when(condition).then(then).otherwise(otherwise)


def _normal_cdf(x: pl.Expr) -> pl.Expr:
    return pl.map_batches([x], _normal_cdf_of_column, return_dtype=pl.Float64(), is_elementwise=True)


def _normal_cdf_of_column(columns: Sequence[pl.Series]) -> pl.Series:
    [x] = columns
    # models/tables.py does the same for statistics, but lies above this layer: an engine imports no model.
    return pl.Series(x.name, ndtr(x.cast(pl.Float64).to_numpy()), nan_to_null=True)


def _normal_density(x: pl.Expr) -> pl.Expr:
    return (-0.5 * x * x).exp() / math.sqrt(2 * math.pi)


def _by_numpy(function: Any) -> Callable[[pl.Expr], pl.Expr]:
    call = partial(_of_column, function=function)
    return lambda x: pl.map_batches([x], call, return_dtype=pl.Float64)


def _of_column(columns: Sequence[pl.Series], function: Any) -> pl.Series:
    return pl.Series(function(columns[0].to_numpy()))


KINDS = (pl.Expr,)
FORMS = {
    elementary.exp: pl.Expr.exp,
    elementary.log: pl.Expr.log,
    elementary.sqrt: pl.Expr.sqrt,
    elementary.where: _where,
    elementary.normal_cdf: _normal_cdf,
    elementary.normal_density: _normal_density,
    elementary.log_gamma: _by_numpy(gammaln),
    elementary.digamma: _by_numpy(digamma),
    elementary.trigamma: _by_numpy(gamma.trigamma),
    elementary.trigamma_inverse: _by_numpy(gamma.trigamma_inverse),
}
