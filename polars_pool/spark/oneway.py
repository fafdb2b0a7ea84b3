"""Means on Spark: rows to groups, groups to the classes that the models depend on, and their components to groups."""

from __future__ import annotations

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..models.keys import KEY
from ..models.oneway import components as fitting
from ..models.oneway.estimates import estimates_schema
from ..models.oneway.groups import bad_columns, prepared, states_columns, statistics, sums
from ..models.oneway.pooling import OF_MODEL, errors, pooled
from ..models.oneway.spec import Means, OneWay
from ..models.refuse import BAD
from .classes import classes_of
from .frames import SPARK, named, with_steps
from .inputs import Inputs
from .models import Models, on_driver
from .offset import VALUE, less_pivot
from .refuse import is_good


def grouped(inputs: Inputs, request: OneWay) -> tuple[DataFrame, float]:
    """One row per group: keys, n, w, y (the mean less the pivot), var or v, and bad rows by reason; and the pivot."""
    rows, pivot = less_pivot(inputs.rows(request))
    numbers = {f"_pool_{role}": spark.col(f"_pool_{role}").cast("double") for role in inputs.columns if role != "value"}
    if request.nan == "null":
        numbers[VALUE] = spark.when(spark.abs(SPARK.value) < float("inf"), SPARK.value)
    rows = rows.withColumns(numbers)
    bad = {BAD + reason: e.cast("long") for reason, e in bad_columns(request, SPARK).items()}
    rows = with_steps(rows.withColumns(bad), prepared(request, SPARK))
    aggregates = sums(request, SPARK) | {name: spark.sum(name) for name in bad}
    groups = rows.groupBy(*map(named, request.keys)).agg(*(e.alias(name) for name, e in aggregates.items()))
    return with_steps(groups, statistics(request, SPARK)), pivot


def states(inputs: Inputs, request: OneWay) -> DataFrame:
    """One row per group under public names: n, mean, var, and w where rows have weights."""
    groups, pivot = grouped(inputs, request)
    columns = {"n": SPARK.n.cast("long"), "mean": SPARK.y + pivot, "var": SPARK.var, "w": SPARK.w}
    checked = groups.where(is_good(groups, request))
    keys = (named(KEY + name).alias(name) for name in request.key_names)
    return checked.select(*keys, *(columns[name].alias(name) for name in states_columns(request)))


def fitted(groups: DataFrame, pivot: float, request: Means, inferences: bool) -> Models:
    """The components of every model, from the classes of its groups, which come to the driver."""
    classes = classes_of(groups, pivot, request)
    return Models(classes.models.keys, fitting.of_classes(classes.table, on_driver(request), inferences))


def components(inputs: Inputs, request: Means) -> DataFrame:
    """One row per model, under public names."""
    groups, pivot = grouped(inputs, request)
    models = fitted(groups, pivot, request, inferences=True)
    return models.frame(groups, request, fitting.STATISTICS)


def estimates(inputs: Inputs, request: Means, persist: bool) -> DataFrame:
    """One row per group, under public names."""
    groups, pivot = grouped(inputs, request)
    if persist:
        groups = groups.persist()
    models = fitted(groups, pivot, request, inferences=False)
    means = with_steps(joined(groups, models, request), pooled(request, SPARK))
    means = with_steps(means, errors(request, request.options, SPARK))
    types = {name: "long" if dtype == pl.Int64 else "double" for name, dtype in estimates_schema(request).items()}
    keys = (named(KEY + name).alias(name) for name in request.key_names)
    return means.select(*keys, *(spark.col(f"_pool_{name}").cast(dtype).alias(name) for name, dtype in types.items()))


def joined(groups: DataFrame, models: Models, request: Means) -> DataFrame:
    """Every group with the components of its model."""
    of_model = [pl.col(name).alias(f"_pool_{name}") for name in OF_MODEL]
    only = (pl.col("groups") == 1) & pl.col("tau2").is_null()
    models = Models(models.keys, models.table.with_columns(*of_model, _pool_only=only))
    errors_of_tau2 = fitting.ERRORS if request.error_of_tau2 else ()
    columns = [f"_pool_{name}" for name in (*OF_MODEL, "pivot", "only")]
    return models.beside(groups, request, [*columns, *errors_of_tau2])
