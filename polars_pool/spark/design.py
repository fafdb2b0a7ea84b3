"""The terms of covariates as Spark columns: those of factors by levels that one small job reads, or that are given."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import mul

import polars as pl
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as spark

from ..arguments import Call, expanded
from ..arguments.expansion import MOST
from ..models.contrasts import ROWS, Design, Source
from .frames import collected


def design_of(frame: DataFrame, columns: Sequence[Column], call: Call, role: str) -> Design:
    """The design of a call whose covariates are expressions of Polars; `columns` are those of its sources on Spark."""

    def levels(places: Sequence[int]) -> list[list[str]]:
        parts = (_values(frame, columns[place], i) for i, place in enumerate(places))
        table = collected(reduce(DataFrame.unionByName, parts))
        return [table.filter(place=i)["value"].to_list() for i in range(len(places))]

    return expanded(call.frame, call.schema, call[role], role, levels)


def _values(frame: DataFrame, column: Column, place: int) -> DataFrame:
    """The distinct values of a column as text; no more than show that a factor has too many."""
    values = frame.select(spark.lit(place).alias("place"), column.cast("string").alias("value"))
    return values.where(spark.col("value").isNotNull()).distinct().limit(MOST + 1)


def terms(design: Design, columns: Sequence[Column]) -> list[Column]:
    """The terms of a design as numbers."""
    every = []
    for term in design.terms:
        parts = [(design.sources[source], columns[source], level) for source, level in term.parts]
        [(source, column, _), *others] = parts
        alone = not others and not source.levels
        every.append(column if alone else reduce(mul, (_number(*part) for part in parts)))
    return every


def _number(source: Source, column: Column, level: int) -> Column:
    """A source as numbers; for a factor, whether a row has a level."""
    if not source.levels:
        return column.cast("double")
    if source.boolean:
        return (column if source.levels[level] == "true" else ~column).cast("double")
    text = column.cast("string")
    return spark.when(text.isin(*source.levels), (text == source.levels[level]).cast("double"))


def unseen(design: Design, columns: Sequence[Column]) -> dict[str, Column]:
    """For each factor, a column of the values that are none of its levels, by private names."""
    texts = ((name, factor, columns[design.sources.index(factor)]) for name, factor in design.factors.items())
    return {
        name: spark.when(~column.cast("string").isin(*factor.levels), column.cast("string"))
        for name, factor, column in texts
    }


def unseen_levels(design: Design) -> list[Column]:
    """Aggregates of these columns: the number of rows with such a value, and the first of the values."""
    return [e for name in design.factors for e in (spark.count(name).alias(name + ROWS), spark.min(name).alias(name))]


def of_classes(design: Design) -> dict[str, Column]:
    """The same aggregates of a table that has them for each group."""
    return {name: e for f in design.factors for name, e in ((f + ROWS, spark.sum(f + ROWS)), (f, spark.min(f)))}


def of_all(design: Design) -> list[pl.Expr]:
    """The same aggregates of all classes, in each of these."""
    return [e for name in design.factors for e in (pl.col(name + ROWS).sum(), pl.col(name).min())]
