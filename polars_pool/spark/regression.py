"""Regressions with a varying intercept on Spark: groups to classes of equal weight, and these to fitted models."""

from __future__ import annotations

from functools import reduce
from operator import add, and_
from typing import Any

import polars as pl
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as spark

from ..formulas import moments, shrink
from ..formulas.elementary import INFINITY, where
from ..models.keys import KEY
from ..models.refuse import BAD, NOT_FINITE_TO_PREDICT
from ..models.regression import components as regression_components
from ..models.regression import inference, prediction_errors
from ..models.regression.classes import pseudo_groups, spread
from ..models.regression.coefficients import STATISTICS
from ..models.regression.estimates import estimates_schema
from ..models.regression.groups import bad_columns, columns, pairs, prepared, statistics, statistics_columns, sums
from ..models.regression.intercepts import columns_of_models, of_models, of_row, of_term, pooled
from ..models.regression.spec import INTERCEPT, PREDICTIONS, Regression
from . import design
from .frames import OTHER, SPARK, named, same, with_steps
from .inputs import Inputs
from .models import MODEL, NUMBER, Models, on_driver
from .offset import less_pivots
from .refuse import unless

MOST = 100_000  # classes of weighted groups that the driver takes
TOO_MANY = (
    "the sums of weights={name!r} of the groups have more than {most:,} different values, and each of them is a row on "
    "the driver: round the weights, or give a Polars frame"
)
SLOPES = (
    "on Spark a regression needs an intercept, and no other term can vary by group: leave out vary= and intercept=, or "
    "give a Polars frame, such as polars.from_arrow(frame.toArrow()), of rows that fit into memory"
)


def components(inputs: Inputs, request: Regression) -> DataFrame:
    """One row per model, under public names."""
    groups, pivots = _grouped(inputs, request)
    classes = _classes(groups, pivots, request)
    table = regression_components.of_groups(classes.table, on_driver(request)).rename({NUMBER: MODEL}, strict=False)
    return Models(classes.keys, table).frame(groups, request, regression_components.components_schema(request))


def coefficients(inputs: Inputs, request: Regression) -> DataFrame:
    """One row per model and term, or pair of terms, under public names."""
    groups, pivots = _grouped(inputs, request)
    classes = _classes(groups, pivots, request)
    table = inference.of_groups(classes.table, on_driver(request)).rename({NUMBER: MODEL}, strict=False)
    return Models(classes.keys, table).frame(groups, request, inference.table_schema(request))


def estimates(inputs: Inputs, request: Regression, _keys: DataFrame | None = None) -> DataFrame:
    """One row per group and term, under public names."""
    groups, _ = _pooled(inputs, request)
    terms = [_struct({"term": name} | of_term(t, request, SPARK)) for t, name in enumerate(request.terms)]
    rows = groups.select(*map(named, request.keys), SPARK.n, spark.explode(spark.array(*terms)).alias("_pool_of_term"))
    keys = {name: named(KEY + name) for name in request.key_names}
    statistics = {name: spark.col(f"_pool_of_term.{name}") for name in ("term", *STATISTICS)}
    statistics |= {"n": SPARK.n.cast("long")}
    estimate, se, quantile = statistics["estimate"], statistics["se"], request.options.quantile
    statistics |= {"lower": shrink.lower(estimate, se, quantile), "upper": shrink.upper(estimate, se, quantile)}
    columns_in_order = keys | {name: statistics[name] for name in estimates_schema(request)}
    return rows.select(*(e.alias(name) for name, e in columns_in_order.items()))


def _struct(statistics: dict[str, Any]) -> Column:
    """Statistics as one column; some are numbers or words, not columns."""
    columns = {name: e if isinstance(e, Column) else spark.lit(e) for name, e in statistics.items()}
    return spark.struct(*(e.alias(name) for name, e in columns.items()))


def predicted(inputs: Inputs, new_rows: Inputs | None, request: Regression) -> DataFrame:
    """The new rows, or those of the frame, with their predicted values by their group and by the population."""
    groups, models = _pooled(inputs, request)
    interval, needed = request.options.interval is not None, ["_pool_effect"]
    if interval:
        groups = with_steps(groups, of_row(request, SPARK))
        needed += prediction_errors.columns_of_groups(request)
    of_groups = groups.select(*(named(key).alias(OTHER + key) for key in request.keys), *needed)
    rows = _to_predict(new_rows or inputs, request)
    rows = rows.join(of_groups, same({key: OTHER + key for key in request.keys}), "left")
    rows = models.beside(rows, request, list(columns_of_models(request)))
    slopes = [spark.col(f"_pool_mu{t}") * spark.col(name) for t, name in enumerate(columns(request)[:-1], start=1)]
    intercepts = (spark.coalesce(SPARK.mu0 + SPARK.effect, SPARK.mu0), SPARK.mu0)
    values = dict(zip(PREDICTIONS, (reduce(add, slopes, intercept) for intercept in intercepts), strict=True))
    if interval:
        new_group = {prediction_errors.of_new_group(0, 0): spark.sqrt(SPARK.tau2)}
        rows = with_steps(rows, [new_group, *prediction_errors.errors(request, SPARK)])
        values |= prediction_errors.limits(values["fitted"], request, SPARK)
    every = map(named, (new_rows or inputs).frame.columns)
    return rows.select(*every, *(e.alias(name) for name, e in values.items()))


def _to_predict(inputs: Inputs, request: Regression) -> DataFrame:
    """All columns of the rows to predict, their keys and their covariates; one that is not finite raises an error."""
    names = columns(request)[:-1]
    terms = inputs.terms(request)
    numbers = {name: terms[name].cast("double") for name in names}
    rows = inputs.frame.withColumns(dict(zip(request.keys, inputs.keys, strict=True)) | numbers)
    if request.nan == "null":
        return with_steps(rows, [{name: _finite(spark.col(name)) for name in names}])
    bad = [
        (
            spark.lit(NOT_FINITE_TO_PREDICT.format(name=public, rows="some rows")),
            ~(spark.abs(spark.col(name)) < INFINITY),
        )
        for public, name in zip(request.covariate_names, names, strict=True)
    ]
    return rows.where(unless(bad))


def _finite(number: Column) -> Column:
    """A number, or null in place of NaN and infinite ones; NaN is above infinity."""
    return spark.when(spark.abs(number) < INFINITY, number)


# ---- rows to groups, groups to classes -------------------------------------------------------------------------------


def _grouped(inputs: Inputs, request: Regression) -> tuple[DataFrame, dict[str, float]]:
    """One row per group: keys, n, w, incomplete rows, means less the pivots, cross-products, bad rows; and the pivots.

    Several models, whose values may lie far apart, have no pivot.
    """
    _refuse_slopes(request)
    rows, names = inputs.rows(request), columns(request)
    pivots = dict.fromkeys(names, 0.0)
    if not request.over:
        rows, pivots = less_pivots(rows, names)
    numbers = {name: spark.col(name).cast("double") for name in names}
    if request.nan == "null":
        numbers = {name: _finite(e) for name, e in numbers.items()}
    if request.weights is not None:
        numbers["_pool_weights"] = SPARK.weights.cast("double")
    complete = reduce(and_, (spark.col(name).isNotNull() for name in names))
    bad = {BAD + reason: e for reason, e in bad_columns(request, SPARK).items()}
    flags = {name: e.cast("long") for name, e in (bad | {"_pool_dropped": ~SPARK.complete}).items()}
    steps = [numbers, {"_pool_complete": complete}, flags]
    rows = with_steps(rows, [*steps, *prepared({name: spark.col(name) for name in names}, request, SPARK)])
    aggregates = sums(request, SPARK) | {name: spark.sum(name) for name in flags}
    levels = design.unseen_levels(request.design)
    groups = rows.groupBy(*map(named, request.keys)).agg(*(e.alias(name) for name, e in aggregates.items()), *levels)
    groups = with_steps(groups, [*statistics(request, SPARK), *_above_rounding(request)])
    kept = [*statistics_columns(request), *bad, *design.of_classes(request.design)]
    return groups.select(*map(named, request.keys), *kept), pivots


def _refuse_slopes(request: Regression) -> None:
    """Raise if the likelihood needs more of a group than its weight and its means."""
    if not request.intercept or request.vary != (INTERCEPT,):
        raise TypeError(SLOPES)


def _above_rounding(request: Regression) -> list[dict[str, Column]]:
    """Cross-products of 0 for a column that is constant within a group, where the sums hold its rounding."""
    means = [spark.col(f"{name}_mean") for name in columns(request)]
    squares = [moments.above_rounding(SPARK.w, spark.col(f"_pool_cross{i}_{i}"), mean) for i, mean in enumerate(means)]
    varies = {f"_pool_varies{i}": square > 0 for i, square in enumerate(squares)}
    cross = {
        f"_pool_cross{i}_{j}": where(
            spark.col(f"_pool_varies{i}") & spark.col(f"_pool_varies{j}"), spark.col(f"_pool_cross{i}_{j}"), 0.0
        )
        for i, j in pairs(request)
    }
    return [varies, cross]


def _classes(groups: DataFrame, pivots: dict[str, float], request: Regression) -> Models:
    """The groups of equal weight of every model as pseudo-groups on the driver, with the constants of the query."""
    names = columns(request)
    means = {name: spark.avg(name) for name in statistics_columns(request) if name != "_pool_w"}
    spreads = {spread(i, j): spark.covar_pop(f"{names[i]}_mean", f"{names[j]}_mean") for i, j in pairs(request)}
    aggregates = {"_pool_k": spark.count("*").cast("double")} | means | spreads
    bad = [name for name in groups.columns if name.startswith(BAD)]
    aggregates |= {name: spark.sum(name) for name in bad} | design.of_classes(request.design)
    frame = groups.groupBy(*map(named, request.over), SPARK.w).agg(*(e.alias(n) for n, e in aggregates.items()))
    classes = Models.of(frame if request.weights is None else frame.limit(MOST + 1), request)
    if request.weights is not None and classes.table.height > MOST:
        raise ValueError(TOO_MANY.format(most=MOST, name=request.names["weights"]))
    constants = [pl.lit(pivots[name]).alias(f"{name}_pivot") for name in names]
    table = classes.table.with_columns(*constants, pl.col(bad).sum(), *design.of_all(request.design))
    return Models(classes.keys, pseudo_groups(table, on_driver(request)))


def _pooled(inputs: Inputs, request: Regression) -> tuple[DataFrame, Models]:
    """The groups, in Spark's cache, with the statistics of their intercept; and the fitted models."""
    groups, pivots = _grouped(inputs, request)
    groups = inputs.kept(groups)
    classes, on_classes = _classes(groups, pivots, request), on_driver(request)
    models = Models(classes.keys, of_models(classes.table, on_classes))
    return with_steps(models.beside(groups, request, list(columns_of_models(request))), pooled(request, SPARK)), models
