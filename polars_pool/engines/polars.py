"""Formulas on Polars expressions."""

from __future__ import annotations

from typing import Any

import polars as pl

from ..formulas.elementary import exp, log, sqrt, where
from . import gamma as _gamma  # noqa: F401  registers its functions

exp.register(pl.Expr, pl.Expr.exp)
log.register(pl.Expr, pl.Expr.log)
sqrt.register(pl.Expr, pl.Expr.sqrt)


@where.register(pl.Expr)
def _(condition: pl.Expr, then: Any, otherwise: Any) -> pl.Expr:
    return pl.when(condition).then(then).otherwise(otherwise)
