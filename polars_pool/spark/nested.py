"""Nested levels on Spark: leaves to classes of one parent and size on the driver, and nodes level by level."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..formulas import moments, within
from ..models.nested import components as fitting
from ..models.nested.estimates import estimates_schema
from ..models.nested.pooling import WITHOUT_ROWS, errors, of_model, shrunk, statistics, sums, under_model, weighed
from ..models.nested.spec import Nested
from ..models.refuse import BAD
from .frames import OTHER, SPARK, named, same, with_steps
from .inputs import Inputs
from .models import Models, on_driver
from .oneway import grouped, public
from .unseen import with_unseen

MOST = 2**18  # classes that the driver takes
TOO_MANY = (
    "the innermost groups have more than {most:,} different pairs of an outer group and a size, or a sampling "
    "variance, each of which is a row on the driver: give a Polars frame, such as that of the moments of the groups"
)


def components(inputs: Inputs, request: Nested) -> DataFrame:
    """One row per model and level, under public names."""
    leaves, pivot = grouped(inputs, request)
    classes = _classes(leaves, pivot, request)
    table = fitting.of_levels(classes.table, on_driver(request))
    return Models(classes.keys, table).frame(leaves, request, fitting.STATISTICS)


def estimates(inputs: Inputs, request: Nested, keys: DataFrame | None = None) -> DataFrame:
    """One row per node, under public names; nodes among the keys may have no rows."""
    return public(_nodes(inputs, request, keys), _at(request), estimates_schema(request))


def _at(request: Nested) -> Nested:
    """The request with the keys of the nodes of the result alone."""
    return _of_depth(request, request.at)


def _of_depth(request: Nested, depth: int) -> Nested:
    return replace(request, by_names=request.path(depth))


# ---- leaves to models -----------------------------------------------------------------------------------------------


def _classes(leaves: DataFrame, pivot: float, request: Nested) -> Models:
    """The leaves of one parent and of equal size, or of equal sampling variance, with the constants of the query."""
    names = ("w", "v") if request.published else ("w", "n") if request.weights is not None else ("n",)
    equal = [f"_pool_{name}" for name in names]
    aggregates = {"k": spark.count("*").cast("double"), "y": spark.avg(SPARK.y), "spread": spark.var_pop(SPARK.y)}
    if not request.published:
        squares = moments.above_rounding(SPARK.n, moments.squares(SPARK.n, SPARK.var), SPARK.y)
        aggregates["squares"] = spark.avg(squares)
    columns = [e.alias(f"_pool_{name}") for name, e in aggregates.items()]
    bad = [name for name in leaves.columns if name.startswith(BAD)]
    columns += [spark.sum(name).alias(name) for name in bad]
    parents = [named(key) for key in request.node_keys(request.depth - 1)]
    classes = Models.of(leaves.groupBy(*parents, *equal).agg(*columns).limit(MOST + 1), request)
    if classes.table.height > MOST:
        raise ValueError(TOO_MANY.format(most=MOST))
    constants = [pl.lit(pivot).alias("_pool_pivot"), *(pl.col(name).sum() for name in bad)]
    w = [] if "_pool_w" in equal else [pl.col("_pool_n").alias("_pool_w")]
    n = [pl.lit(1.0).alias("_pool_n")] if request.published else []
    return Models(classes.keys, classes.table.with_columns(*constants, *w, *n))


# ---- leaves and models to nodes -------------------------------------------------------------------------------------


def _nodes(inputs: Inputs, request: Nested, keys: DataFrame | None) -> DataFrame:
    """The nodes at the depth of the result, partially pooled."""
    leaves, pivot = grouped(inputs, request)
    leaves = inputs.kept(leaves)
    classes = _classes(leaves, pivot, request)
    models = Models(classes.keys, fitting.of_models(classes.table, on_driver(request)))
    levels = [_leaves(leaves, models, request)]
    for depth in reversed(range(2, request.depth + 1)):
        levels.append(_parents(levels[-1], models, depth, request))
    levels.reverse()
    parents = None
    for depth in range(1, request.at + 1):
        nodes = with_unseen(levels[depth - 1], keys, _of_depth(request, depth), WITHOUT_ROWS)
        nodes = models.beside(nodes, request, of_model(request))
        parents = with_steps(_under(nodes, parents, depth, request), shrunk(depth, request, SPARK))
    assert parents is not None
    return with_steps(parents, errors(request, SPARK))


def _leaves(leaves: DataFrame, models: Models, request: Nested) -> DataFrame:
    """The leaves: keys, n, y, the mean less the pivot, and v, its sampling variance."""
    if not request.published:
        leaves = models.beside(leaves, request, ["_pool_sigma2"])
        leaves = leaves.withColumn("_pool_v", within.sampling_variance(SPARK.sigma2, SPARK.w))
    return leaves.select(*map(named, request.keys), SPARK.y, SPARK.v, SPARK.n.cast("double").alias("_pool_n"))


def _parents(nodes: DataFrame, models: Models, depth: int, request: Nested) -> DataFrame:
    """The parents of the nodes at a depth, with the same columns."""
    keys = [named(key) for key in request.node_keys(depth - 1)]
    nodes = with_steps(models.beside(nodes, request, of_model(request)), weighed(depth, SPARK))
    parents = nodes.groupBy(*keys).agg(*(e.alias(name) for name, e in sums(SPARK).items()))
    return with_steps(parents, statistics(request, SPARK)).select(*keys, SPARK.y, SPARK.v, SPARK.n)


def _under(nodes: DataFrame, parents: DataFrame | None, depth: int, request: Nested) -> DataFrame:
    """The nodes at a depth with the estimate of their parent, which is mu at the first level, and its error."""
    if parents is None:
        return with_steps(nodes, under_model(request, SPARK))
    keys = request.node_keys(depth - 1)
    above = parents.select(
        *(named(key).alias(OTHER + key) for key in keys),
        SPARK.estimate.alias("_pool_parent"),
        SPARK.se.alias("_pool_se_parent"),
    )
    return nodes.join(above, same({key: OTHER + key for key in keys}), "left").drop(*(OTHER + key for key in keys))
