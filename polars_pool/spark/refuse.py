"""Errors of a lazy query about bad rows, raised by Spark when the query runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as spark

from ..formulas import messages
from ..models.oneway.spec import OneWay
from ..models.refuse import BAD, BAD_ROWS


def refused(groups: DataFrame, rows: DataFrame, request: OneWay) -> DataFrame:
    """The groups; bad rows raise an error, which counts them. As a condition, it is checked whatever is selected."""
    columns = {role: f"{role}={name!r}" for role, name in request.names.items()}
    reasons = [reason for reason in BAD_ROWS if BAD + reason in rows.columns]
    if reasons:
        counts = (spark.sum(BAD + reason).alias(BAD + reason) for reason in reasons)
        groups = groups.crossJoin(spark.broadcast(rows.agg(*counts)))
    errors = []
    for reason in reasons:
        before, after = (spark.lit(part.format(**columns)) for part in BAD_ROWS[reason].split("{rows}"))
        count = spark.col(BAD + reason)
        errors.append((spark.concat(before, _number_of_rows(count), after), count > 0))
    not_finite = messages.NOT_FINITE.format(role="value", name=repr(request.names["value"]))
    mean = spark.col("_pool_y")
    errors.append((spark.lit(not_finite), mean.isNotNull() & ~(spark.abs(mean) < float("inf"))))
    return groups.where(unless(errors))


def _number_of_rows(count: Column) -> Column:
    return spark.when(count == 1, "1 row").otherwise(spark.concat(spark.format_number(count, 0), spark.lit(" rows")))


def unless(errors: Sequence[tuple[Column, Column]]) -> Column:
    """True, or an error with the first of some sentences whose condition holds."""
    return reduce(_raising, reversed(errors), spark.lit(True))


def _raising(rest: Column, error: tuple[Column, Column]) -> Column:
    sentence, condition = error
    return spark.when(condition, spark.raise_error(sentence).cast("boolean")).otherwise(rest)
