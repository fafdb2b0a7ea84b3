"""Rates on Spark: groups to their distinct pairs of events and trials, or exposure, and these to posteriors."""

from __future__ import annotations

from typing import Any

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..formulas.elementary import INFINITY, where
from ..models.rates import components as rates_components
from ..models.rates import estimates as rates_estimates
from ..models.rates.groups import bad_columns
from ..models.rates.refuse import bad_rows
from ..models.rates.spec import Counts
from ..models.rates_posterior import components as posterior_components
from ..models.rates_posterior import estimates as posterior_estimates
from ..models.rates_posterior.spec import RatesPosterior
from ..models.refuse import BAD
from .frames import SPARK, named, same, with_steps
from .inputs import Inputs
from .models import MODEL, NUMBER, OF_MODEL, Models, on_driver
from .oneway import public
from .unseen import with_unseen

PAIR = ("_pool_x", "_pool_n")


def components(inputs: Inputs, request: Counts) -> DataFrame:
    """One row per model: its prior."""
    groups = _grouped(inputs, request)
    pairs = _pairs(groups, request)
    of_family: Any = posterior_components if isinstance(request, RatesPosterior) else rates_components
    table = of_family.of_pairs(pairs.table, on_driver(request)).rename({NUMBER: MODEL}, strict=False)
    return Models(pairs.keys, table).frame(groups, request, of_family.components_schema(request))


def estimates(inputs: Inputs, request: Counts, keys: DataFrame | None = None) -> DataFrame:
    """One row per group: the posterior of its rate; groups among the keys may have no rows."""
    groups = with_unseen(inputs.kept(_grouped(inputs, request)), keys, request, dict.fromkeys(PAIR, 0.0))
    of_family: Any = posterior_estimates if isinstance(request, RatesPosterior) else rates_estimates
    pairs, schema = _pairs(groups, request), of_family.estimates_schema(request)
    results = of_family.of_pairs(pairs.table, on_driver(request), schema)
    return public(_beside(groups, Models(pairs.keys, results), request), request, schema)


def _grouped(inputs: Inputs, request: Counts) -> DataFrame:
    """One row per group: keys, x and n, and the number of bad rows by reason."""
    rows = inputs.rows(request).withColumnsRenamed({"_pool_value": "_pool_x", f"_pool_{request.role}": "_pool_n"})
    is_boolean = request.size is None and rows.schema["_pool_x"].dataType.typeName() == "boolean"
    numbers = {name: spark.col(name).cast("double") for name in PAIR if name in rows.columns}
    if request.nan == "null":
        numbers = {name: spark.when(spark.abs(e) < INFINITY, e) for name, e in numbers.items()}
    bad = {} if is_boolean else bad_columns(request, SPARK)
    rows = with_steps(rows, [numbers, {BAD + reason: e.cast("long") for reason, e in bad.items()}])
    if request.size is None:
        sums = {"_pool_x": spark.sum(SPARK.x), "_pool_n": spark.count(SPARK.x)}
    else:
        complete = SPARK.x.isNotNull() & SPARK.n.isNotNull()
        sums = {name: spark.sum(where(complete, spark.col(name), None)) for name in PAIR}
    aggregates = {name: spark.coalesce(e.cast("double"), spark.lit(0.0)) for name, e in sums.items()}
    aggregates |= {BAD + reason: spark.sum(BAD + reason) for reason in bad}
    return rows.groupBy(*map(named, request.keys)).agg(*(e.alias(name) for name, e in aggregates.items()))


def _pairs(groups: DataFrame, request: Counts) -> Models:
    """The distinct pairs of every model, each with its number of groups; bad rows raise an error."""
    bad = [name for name in groups.columns if name.startswith(BAD)]
    aggregates = [spark.count("*").cast("double").alias("_pool_k"), *(spark.sum(name).alias(name) for name in bad)]
    pairs = Models.of(groups.groupBy(*map(named, request.over), *PAIR).agg(*aggregates), request)
    bad_rows(pairs.table.select(pl.col(bad).sum()), request)
    return Models(pairs.keys, pairs.table.drop(bad))


def _beside(groups: DataFrame, results: Models, request: Counts) -> DataFrame:
    """The groups with the posterior of their pair."""
    schema = {name: dtype for name, dtype in results.table.schema.items() if name not in (MODEL, "_pool_k", "n")}
    private = {name: OF_MODEL + name if name in PAIR else f"_pool_{name}" for name in schema}
    of_pairs = results.frame(groups, request, schema, OF_MODEL).withColumnsRenamed(private)
    keys = dict(zip(request.over, (OF_MODEL + name for name in request.over_names), strict=True))
    keys |= {name: OF_MODEL + name for name in PAIR}
    return groups.join(of_pairs, same(keys), "left")
