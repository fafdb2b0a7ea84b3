"""Formulas on Polars expressions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import polars as pl
from scipy.special import ndtr

from ..formulas.elementary import exp, log, normal_cdf, normal_density, sqrt, where
from . import gamma as _gamma  # noqa: F401  registers its functions

exp.register(pl.Expr, pl.Expr.exp)
log.register(pl.Expr, pl.Expr.log)
sqrt.register(pl.Expr, pl.Expr.sqrt)
normal_density.register(pl.Expr, lambda x: (-0.5 * x * x).exp() / math.sqrt(2 * math.pi))


@normal_cdf.register(pl.Expr)
def _(x: pl.Expr) -> pl.Expr:
    return pl.map_batches([x], _normal_cdf, return_dtype=pl.Float64(), is_elementwise=True)


@where.register(pl.Expr)
def _(condition: pl.Expr, then: Any, otherwise: Any) -> pl.Expr:
    return pl.when(condition).then(then).otherwise(otherwise)


def _normal_cdf(columns: Sequence[pl.Series]) -> pl.Series:
    [x] = columns
    return pl.Series(x.name, ndtr(x.cast(pl.Float64).to_numpy()), nan_to_null=True)
