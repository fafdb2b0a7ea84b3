"""Formulas on Spark columns; those of Spark Connect are of the same class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as spark

from ..formulas import aggregates, elementary
from .registering import register

# Mills' ratio of the normal distribution is the quotient of two polynomials, from the largest power down: those of
# sql/parts/distributions/normal.sql.
MILLS_ABOVE = (
    *(3.9894228040143268025e-1, 1.1753301477689157538e1, 1.7140657535233894827e2, 1.6048107330377902443e3),
    *(1.0591026338864872488e4, 5.1233452088167221782e4, 1.8361036854571419193e5, 4.8167960549015778105e5),
    *(8.8856911580996243795e5, 1.0493555822252974851e6, 6.1220593378124121061e5),
)
MILLS_BELOW = (
    *(1.0, 2.9461157804237982574e1, 4.3065256823582995975e2, 4.0521251166706739407e3, 2.6975418646305944342e4),
    *(1.3238696127369384177e5, 4.8594140141098614502e5, 1.3280642476106547952e6, 2.6386818173147493615e6),
    *(3.6189463379501751278e6, 3.075650489642503274e6, 1.2244118675624824177e6),
)


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
}
register(FORMS | AGGREGATES, Column)
