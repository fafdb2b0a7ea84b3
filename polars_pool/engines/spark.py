"""Formulas on Spark columns; those of Spark Connect are of the same class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as spark

from ..formulas import aggregates, elementary
from ..formulas.normal import MILLS_ABOVE, MILLS_BELOW
from .registering import register


def _where(condition: Column, then: Any, otherwise: Any) -> Column:
    return spark.when(condition, then).otherwise(otherwise)


def _floor(x: Column) -> Column:
    """As Float64: the floor of Spark is a Long, which holds no larger numbers."""
    return spark.when(spark.abs(x) < 2.0**53, spark.floor(x).cast("double")).otherwise(x)


def _horner(coefficients: Sequence[float], x: Column) -> Column:
    return reduce(lambda value, coefficient: value * x + coefficient, coefficients[1:], spark.lit(coefficients[0]))


def _normal_cdf(x: Column) -> Column:
    """P(X <= x) as the tail beyond |x|: exp(-x^2 / 2) times Mills' ratio."""
    far = spark.least(spark.abs(x), spark.lit(40.0))  # P(X > 40) is 0
    near = spark.floor(far * 16) / 16  # its square is exact (Cody 1969)
    kernel = spark.exp(near * near * -0.5) * spark.exp((near - far) * (near + far) * 0.5)
    tail = kernel * (_horner(MILLS_ABOVE, far) / _horner(MILLS_BELOW, far))
    return spark.when(x.isNotNull(), spark.when(x > 0, 1 - tail).otherwise(tail))


FORMS: dict[Any, Callable[..., Column]] = {
    elementary.exp: spark.exp,
    elementary.log: spark.log,
    elementary.sqrt: spark.sqrt,
    elementary.where: _where,
    elementary.exists: Column.isNotNull,
    elementary.floor: _floor,
    elementary.normal_cdf: _normal_cdf,
}
AGGREGATES: dict[Any, Callable[..., Column]] = {
    aggregates.count: lambda x: spark.count(x).cast("double"),
    aggregates.total: lambda x: spark.coalesce(spark.sum(x), spark.lit(0.0)),
    aggregates.mean: spark.avg,
    aggregates.variance: spark.var_samp,
    aggregates.spread: spark.var_pop,
    aggregates.covariance: spark.covar_samp,
    aggregates.joint_spread: spark.covar_pop,
    aggregates.minimum: spark.min,
    aggregates.maximum: spark.max,
}
register(FORMS | AGGREGATES, Column)
