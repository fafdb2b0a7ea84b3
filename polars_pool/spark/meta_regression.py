"""Means beside predictors of groups on Spark: groups to classes of equal sampling variance, and these to models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import polars as pl
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as spark

from ..formulas import moments
from ..models import coefficients as tables
from ..models.columns import Columns
from ..models.meta_regression import coefficients as of_coefficients
from ..models.meta_regression import comparison, profile
from ..models.meta_regression import components as fitting
from ..models.meta_regression.estimates import estimates_schema
from ..models.meta_regression.groups import MISSING, VARYING, bad_predictors, columns, origin, pairs, sums
from ..models.meta_regression.pooling import fitted, of_model
from ..models.meta_regression.spec import MetaRegression
from ..models.oneway.groups import predictors
from ..models.oneway.pooling import errors, pooled
from ..models.oneway.spec import Options
from ..models.oneway.unseen import of_none
from ..models.refuse import BAD
from . import design
from .frames import SPARK, named, with_steps
from .inputs import Inputs
from .models import MODEL, Models, on_driver
from .offset import VALUE
from .oneway import grouped_with_pivots, public
from .unseen import with_unseen

MOST = 100_000  # classes of groups that the driver takes
TOO_MANY = "{of_groups}, and each of them is a row on the driver: {instead}"
POLARS = "give a Polars frame, such as that of the moments of the groups"


def components(inputs: Inputs, request: MetaRegression) -> DataFrame:
    """One row per model, under public names."""
    return _of_models(inputs, request, fitting.of_models, fitting.STATISTICS)


def coefficients(inputs: Inputs, request: MetaRegression, covariance: bool) -> DataFrame:
    """One row per model and term, or pair of terms, under public names."""
    if covariance:
        return _of_models(inputs, request, of_coefficients.of_pairs, tables.covariances_schema())
    return _of_models(inputs, request, of_coefficients.of_terms, tables.coefficients_schema())


def compared(inputs: Inputs, request: MetaRegression) -> DataFrame:
    """One row per model: the error of each way of pooling."""
    return _of_models(inputs, request, comparison.of_models, comparison.STATISTICS, each=True)


def estimates(inputs: Inputs, request: MetaRegression, keys: DataFrame | None = None) -> DataFrame:
    """One row per group, under public names; groups among the keys, with their predictors, may have no rows."""
    groups, pivots = grouped_with_pivots(inputs, request)
    if keys is not None:
        keys = keys.withColumns({name: spark.col(name).cast("double") for name in predictors(request)})
    groups = with_unseen(inputs.kept(groups), keys, request, of_none(request))
    models = _models(_classes(groups, pivots, request), request, fitting.of_groups, fitting.private(request))
    return public(_pooled(groups, models, request, request.options), request, estimates_schema(request))


def profiles(inputs: Inputs, request: MetaRegression, grid: tuple[float, ...] | None, of_groups: bool) -> DataFrame:
    """One row per model and tau, or one per model, tau and group, under public names."""
    function = partial(profile.of_points, grid=grid)
    if not of_groups:
        return _of_models(inputs, request, function, dict.fromkeys(profile.STATISTICS, pl.Float64()))
    groups, pivots = grouped_with_pivots(inputs, request)
    groups, schema = inputs.kept(groups), fitting.private(request) | {"_pool_tau": pl.Float64()}
    points = _models(_classes(groups, pivots, request), request, function, schema)
    means = _pooled(groups, points, request, Options(), "_pool_tau", how="inner")
    return public(means, request, dict.fromkeys(profile.ESTIMATES, pl.Float64()))


def _of_models(
    inputs: Inputs, request: MetaRegression, function: Any, schema: Mapping[str, pl.DataType], each: bool = False
) -> DataFrame:
    """What a function of the fitted models returns, under public names."""
    groups, pivots = grouped_with_pivots(inputs, request)
    with inputs.kept_within(groups, request) as kept:
        classes = _classes(kept, pivots, request, each)
    return _models(classes, request, function, schema).frame(groups, request, schema)


def _models(classes: Models, request: MetaRegression, function: Any, schema: Mapping[str, pl.DataType]) -> Models:
    """The same by the numbers of the models."""
    return Models(classes.keys, fitting.in_memory(classes.table, on_driver(request), function, schema))


def _pooled(
    groups: DataFrame,
    models: Models,
    request: MetaRegression,
    options: Options,
    *more: str,
    how: Literal["left", "inner"] = "left",
) -> DataFrame:
    """The groups with their pooled means by the coefficients of their model, once for each row about it."""
    table = models.table.select(*on_driver(request).over, *of_model(request), *more)
    means = Models(models.keys, table).beside(groups, request, [name for name in table.columns if name != MODEL], how)
    for steps in (fitted(request, SPARK), pooled(request, SPARK), errors(request, options, SPARK)):
        means = with_steps(means, steps)
    return means


# ---- groups to classes ----------------------------------------------------------------------------------------------


def _classes(groups: DataFrame, pivots: Mapping[str, float], request: MetaRegression, each: bool = False) -> Models:
    """The groups of every model with the constants of the query: those of equal size in one row.

    Groups whose sampling variance does not depend on their size alone have a row each; if they are too many, those of
    equal variance share a row. With `each`, every group has a row of its own.
    """
    groups = with_steps(
        groups, [_squares(request), {n: e.cast("long") for n, e in bad_predictors(request, SPARK).items()}]
    )
    if request.variance_depends_on_n and not each:
        classes = Models.of(_summed(groups, ["_pool_n"], pivots, request), request)
    else:
        keys = [key for key in request.keys if key not in request.over]
        rows = _summed(groups, keys, pivots, request).drop(*keys, *(name for _, _, name in pairs(request)), "_pool_k")
        classes = Models.of(rows.limit(MOST + 1), request)
        if classes.table.height > MOST and not each:
            classes = Models.of(_summed(groups, _equal(request), pivots, request).limit(MOST + 1), request)
        if classes.table.height > MOST:
            raise ValueError(_too_many(request, each))
    origins = (pl.lit(pivots[name]).alias(origin(name)) for name in predictors(request))
    bad = (pl.col(name).sum() for name in classes.table.columns if name.startswith(BAD))
    constants = (pl.lit(pivots[VALUE]).alias("_pool_pivot"), *bad, *design.of_all(request.design))
    return Models(classes.keys, classes.table.with_columns(*origins, *constants))


def _summed(groups: DataFrame, equal: Sequence[str], pivots: Mapping[str, float], request: MetaRegression) -> DataFrame:
    """The groups of every model that are equal in some columns, in one row."""
    counts = [name for name in groups.columns if name.startswith((BAD, MISSING, VARYING))]
    aggregates = _means(pivots, request) | {n: e for n, e in _of_equal(request).items() if n not in equal}
    aggregates |= {name: spark.sum(name) for name in counts} | design.of_classes(request.design)
    return groups.groupBy(*map(named, (*request.over, *equal))).agg(*(e.alias(n) for n, e in aggregates.items()))


def _squares(request: MetaRegression) -> dict[str, Column]:
    """The sum of squares of each group."""
    if request.published:
        return {}
    return {"_pool_squares": moments.above_rounding(SPARK.n, moments.squares(SPARK.n, SPARK.var), SPARK.y)}


def _equal(request: MetaRegression) -> list[str]:
    """What determines the sampling variance of a group, beside the numbers of its model."""
    if request.variance_depends_on_n:
        return ["_pool_n"]
    if request.published:
        return ["_pool_n", "_pool_w"]
    return ["_pool_n", "_pool_w", "_pool_squares"] if request.hyperparameters.has_group_variances else ["_pool_w"]


def _of_equal(request: MetaRegression) -> dict[str, Column]:
    """The number of groups in a class, and their n, w, v and squares; w and v are equal."""
    columns = {"_pool_k": spark.count("*").cast("double"), "_pool_n": spark.avg(SPARK.n), "_pool_w": spark.min(SPARK.w)}
    if request.published:
        return columns | {"_pool_v": spark.min(SPARK.v)}
    return columns | {"_pool_squares": spark.avg(SPARK.squares)}


def _means(pivots: Mapping[str, float], request: MetaRegression) -> dict[str, Column]:
    """The means and covariances over the groups of a class, of predictors less their pivots.

    The mean of equal numbers is one of them: the mean of Spark may be rounded, and a constant would seem to vary.
    """
    of_groups = {name: spark.col(name) - pivots[name] for name in predictors(request)}
    about_pivots = Columns(lambda name: of_groups.get(name, spark.col(name)), SPARK.missing)
    aggregates = sums(request, about_pivots)
    for name in columns(request):
        x = about_pivots.column(name)
        aggregates[name] = spark.when(spark.var_pop(x) == 0, spark.min(x)).otherwise(aggregates[name])
    return aggregates


def _too_many(request: MetaRegression, each: bool) -> str:
    """The sentence about more classes than the driver takes."""
    instead = POLARS
    if each:
        of_groups = f"compare() beside predictors needs every group, which are more than {MOST:,}"
    elif request.hyperparameters.has_group_variances:
        sigma2 = request.hyperparameters.sigma2
        of_groups = f"with sigma2={sigma2!r}, the variances of the groups have more than {MOST:,} different values"
    elif request.published:
        of_groups = f"se={request.names['se']!r} has more than {MOST:,} different values"
        instead = f"round the errors, or {POLARS}"
    else:
        name = request.names["weights"]
        of_groups = f"the sums of weights={name!r} of the groups have more than {MOST:,} different values"
        instead = f"round the weights, or {POLARS}"
    return TOO_MANY.format(of_groups=of_groups, instead=instead)
