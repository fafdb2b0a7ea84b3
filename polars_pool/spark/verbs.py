"""The verbs on Spark frames: the arguments are checked as those of Polars frames, by the schema and without a job."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import polars as pl
from pyspark.sql import DataFrame

from .. import arguments
from ..arguments import Call
from ..models.nested.spec import Nested
from ..models.oneway.spec import Means
from ..models.posterior.spec import PosteriorMeans
from ..models.rates.spec import Rates
from ..models.regression.spec import Regression
from . import encoding, nested, oneway, posterior, profile, rates, regression
from .frames import schema_of
from .inputs import translated

FAMILIES: dict[type, ModuleType] = {
    Means: oneway,
    PosteriorMeans: posterior,
    Rates: rates,
    Regression: regression,
    Nested: nested,
}

FOLDS = (
    "folds= and rows= of encode do not run on Spark: give a Polars frame of rows that fit into memory; or shrink() the "
    "other folds, with over= and a copy of the rows for each fold, and join"
)
RATES = "encode on Spark pools means: shrink() the rates, with trials= or family='binomial', and join them to the rows"


def states(call: Call) -> DataFrame:
    """One row per group: its moments."""
    inputs, call = translated(call)
    return oneway.states(inputs, arguments.states(call))


def components(call: Call) -> DataFrame:
    """One row per model, by the family that the arguments describe."""
    inputs, call = translated(call)
    request = arguments.components(call)
    result: DataFrame = FAMILIES[type(request)].components(inputs, request)
    return result


def estimates(call: Call) -> DataFrame:
    """One row per group, by the family that the arguments describe."""
    inputs, call = translated(call)
    request = arguments.estimates(call)
    keys = _unseen(call, request)
    result: DataFrame = FAMILIES[type(request)].estimates(inputs, request, keys)
    return result


def encode(call: Call) -> DataFrame:
    """The rows with statistics of their group."""
    if call["rows"] is not None or call["folds"] is not None:
        raise TypeError(FOLDS)
    inputs, call = translated(call)
    request, how, _ = arguments.encoding(call)
    if isinstance(request, Nested):
        return nested.encoded(inputs, request, how)
    if isinstance(request, Rates):
        raise TypeError(RATES)
    means = (posterior if isinstance(request, PosteriorMeans) else oneway).means(inputs, request)
    return encoding.encoded(inputs, means, request, how)


def profiles(call: Call) -> DataFrame:
    """The likelihood along tau."""
    inputs, call = translated(call)
    request, grid, of_groups = arguments.profile(call)
    return profile.profiles(inputs, request, grid, of_groups)


def compare(call: Call) -> DataFrame:
    """The error of each way of pooling."""
    inputs, call = translated(call)
    return oneway.compared(inputs, arguments.comparison(call))


def predict(call: Call) -> DataFrame:
    """The rows with their expected value by a regression."""
    inputs, of_polars = translated(call)
    request, rows = arguments.regression(of_polars), call["rows"]
    if rows is None:
        arguments.rows_to_predict(of_polars, request)
        return regression.predicted(inputs, None, request)
    if not isinstance(rows, DataFrame):
        raise TypeError(f"rows is a {type(rows).__qualname__}; give a Spark DataFrame")
    arguments.rows_to_predict(of_polars.replaced(rows=pl.LazyFrame(schema=schema_of(rows))), request)
    new_rows, _ = translated(call.replaced(frame=rows, value=None, weights=None))
    return regression.predicted(inputs, new_rows, request)


def _unseen(call: Call, request: Any) -> DataFrame | None:
    """The keys of groups that may have no rows, of the types of those of the frame."""
    keys = call.get("groups")
    if keys is None:
        return None
    if not isinstance(keys, DataFrame):
        raise TypeError(f"groups is a {type(keys).__qualname__}; give a Spark DataFrame of keys")
    arguments.unseen(call.replaced(groups=pl.LazyFrame(schema=schema_of(keys))), request)
    return keys
