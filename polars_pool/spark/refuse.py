"""Errors of a lazy query about bad rows, raised by Spark when the query runs."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as spark

from ..formulas import messages
from ..models.oneway.spec import OneWay
from ..models.refuse import BAD, BAD_ROWS


def is_good(groups: DataFrame, request: OneWay) -> Column:
    """True for every group: a bad one raises an error. As a condition, Spark evaluates it whatever is selected."""
    columns = {role: f"{role}={name!r}" for role, name in request.names.items()}
    bad = {
        sentence.format(**columns, rows="some rows"): spark.col(BAD + reason) > 0
        for reason, sentence in BAD_ROWS.items()
        if BAD + reason in groups.columns
    }
    mean = spark.col("_pool_y")
    not_finite = messages.NOT_FINITE.format(role="value", name=repr(request.names["value"]))
    bad[not_finite] = mean.isNotNull() & ~(spark.abs(mean) < float("inf"))
    return unless(bad)


def unless(bad: dict[str, Column]) -> Column:
    """True, or an error with the first of some sentences whose condition holds."""
    return reduce(_raising, reversed(bad.items()), spark.lit(True))


def _raising(rest: Column, bad: tuple[str, Column]) -> Column:
    sentence, condition = bad
    return spark.when(condition, spark.raise_error(spark.lit(sentence)).cast("boolean")).otherwise(rest)
