"""Means on Spark: rows to groups, groups to the components of their model, and these to estimates."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as spark

from ..formulas.elementary import INFINITY
from ..models.keys import KEY
from ..models.oneway import comparison
from ..models.oneway import components as fitting
from ..models.oneway.estimates import estimates_schema
from ..models.oneway.groups import bad_columns, predictors, prepared, states_columns, statistics, sums
from ..models.oneway.pooling import OF_MODEL, errors, pooled
from ..models.oneway.spec import Means, OneWay
from ..models.refuse import BAD
from ..models.request import Request
from . import design, robust
from .classes import classes_of
from .frames import SPARK, named, with_steps
from .inputs import Inputs
from .models import Models, on_driver
from .offset import VALUE, less_pivots
from .refuse import refused
from .unseen import with_unseen


def grouped(inputs: Inputs, request: OneWay) -> tuple[DataFrame, float]:
    """One row per group: keys, n, w, y (the mean less the pivot), var or v, and bad rows by reason; and the pivot."""
    groups, pivots = grouped_with_pivots(inputs, request)
    return groups, pivots[VALUE]


def grouped_with_pivots(inputs: Inputs, request: OneWay) -> tuple[DataFrame, dict[str, float]]:
    """The same, and the pivots of the value and of the predictors, which stay as they are."""
    rows, pivots = _rows(inputs, request)
    bad = (spark.sum(name).alias(name) for name in rows.columns if name.startswith(BAD))
    return _summed(rows, request, *bad, *design.unseen_levels(request.design)), pivots


def _rows(inputs: Inputs, request: OneWay) -> tuple[DataFrame, dict[str, float]]:
    """The rows with their value less the pivot, and 1 in the column of each reason for which they are bad."""
    of_groups = {name: spark.col(name) for name in predictors(request)}
    rows = with_steps(inputs.rows(request), [{name: x.cast("double") for name, x in of_groups.items()}])
    rows, pivots = less_pivots(rows, [VALUE], list(of_groups))
    numbers = {f"_pool_{role}": spark.col(f"_pool_{role}").cast("double") for role in inputs.columns if role != "value"}
    if request.nan == "null":
        numbers[VALUE] = spark.when(spark.abs(SPARK.value) < INFINITY, SPARK.value)
    counts = SPARK.value.isNotNull()  # a predictor that is missing there is infinite in its group
    bad = {BAD + reason: e.cast("long") for reason, e in bad_columns(request, SPARK).items()}
    marked = {name: spark.when(spark.abs(x) < INFINITY, x).when(counts, INFINITY) for name, x in of_groups.items()}
    return with_steps(rows, [numbers, bad | marked, *prepared(request, SPARK)]), pivots


def _summed(rows: DataFrame, request: OneWay, *more: Column) -> DataFrame:
    aggregates = (e.alias(name) for name, e in sums(request, SPARK).items())
    groups = rows.groupBy(*map(named, request.keys)).agg(*aggregates, *more)
    return with_steps(groups, statistics(request, SPARK))


def states(inputs: Inputs, request: OneWay) -> DataFrame:
    """One row per group under public names: n, mean, var, and w where rows have weights."""
    rows, pivots = _rows(inputs, request)
    groups = refused(_summed(rows, request), rows, request).withColumn("_pool_mean", SPARK.y + pivots[VALUE])
    types = dict.fromkeys(states_columns(request), pl.Float64()) | {"n": pl.Int64()}
    return public(groups, request, {name: types[name] for name in states_columns(request)})


def components(inputs: Inputs, request: Means) -> DataFrame:
    """One row per model, under public names."""
    groups, pivot = grouped(inputs, request)
    with inputs.kept_within(groups, request) as kept:
        models = _fitted(kept, pivot, request, inferences=True)
    return models.frame(groups, request, fitting.STATISTICS)


def estimates(inputs: Inputs, request: Means, keys: DataFrame | None = None) -> DataFrame:
    """One row per group, under public names; groups among the keys may have no rows."""
    return public(means(inputs, request, keys), request, estimates_schema(request))


def means(inputs: Inputs, request: Means, keys: DataFrame | None = None) -> DataFrame:
    """One row per group with its estimate, standard error and interval, under private names."""
    groups, pivot = grouped(inputs, request)
    without_rows = {"_pool_w": 0.0, "_pool_n": 0.0} | ({"_pool_v": INFINITY} if request.published else {})
    groups = with_unseen(inputs.kept(groups), keys, request, without_rows)
    models = _fitted(groups, pivot, request, inferences=False)
    pooled_means = with_steps(_joined(groups, models, request), pooled(request, SPARK))
    pooled_means = with_steps(pooled_means, errors(request, request.options, SPARK))
    return robust.with_intervals(pooled_means, request) if request.options.interval == "robust" else pooled_means


def compared(inputs: Inputs, request: Means) -> DataFrame:
    """One row per model: the error of each way of pooling."""
    groups, pivot = grouped(inputs, request)
    with inputs.kept_within(groups, request) as kept:
        classes = classes_of(kept, pivot, request, by_n=True)
    table = comparison.of_classes(classes.table, on_driver(request))
    return Models(classes.models.keys, table).frame(groups, request, comparison.STATISTICS)


def public(groups: DataFrame, request: Request, schema: Mapping[str, pl.DataType]) -> DataFrame:
    """Keys and statistics under public names."""
    keys = (named(KEY + name).alias(name) for name in request.key_names)
    types = {name: "long" if dtype == pl.Int64() else "double" for name, dtype in schema.items()}
    return groups.select(*keys, *(spark.col(f"_pool_{name}").cast(dtype).alias(name) for name, dtype in types.items()))


def _fitted(groups: DataFrame, pivot: float, request: Means, inferences: bool) -> Models:
    """The components of every model, from the classes of its groups, which come to the driver."""
    classes = classes_of(groups, pivot, request)
    return Models(classes.models.keys, fitting.of_classes(classes.table, on_driver(request), inferences))


def _joined(groups: DataFrame, models: Models, request: Means) -> DataFrame:
    """Every group with the components of its model."""
    of_model = [pl.col(name).alias(f"_pool_{name}") for name in OF_MODEL]
    only = (pl.col("groups") == 1) & pl.col("tau2").is_null()
    models = Models(models.keys, models.table.with_columns(*of_model, _pool_only=only))
    errors_of_tau2 = fitting.ERRORS if request.error_of_tau2 else ()
    columns = [f"_pool_{name}" for name in (*OF_MODEL, "pivot", "only")]
    return models.beside(groups, request, [*columns, *errors_of_tau2])
