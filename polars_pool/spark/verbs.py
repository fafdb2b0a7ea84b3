"""The verbs on Spark frames: the arguments are checked as those of Polars frames, by the schema and without a job."""

from __future__ import annotations

from types import ModuleType

import polars as pl
from pyspark.sql import DataFrame

from .. import arguments
from ..arguments import Call
from ..models.meta_regression.spec import MetaRegression
from ..models.nested.spec import Nested
from ..models.oneway.spec import Means
from ..models.posterior.spec import PosteriorMeans
from ..models.rates.spec import Rates
from ..models.rates_posterior.spec import RatesPosterior
from ..models.regression.spec import Regression
from ..models.request import Request
from . import encoding, meta_regression, nested, oneway, posterior, profile, rates, regression
from .frames import named, schema_of
from .inputs import Inputs, translated, with_design

FAMILIES: dict[type, ModuleType] = {
    Means: oneway,
    MetaRegression: meta_regression,
    PosteriorMeans: posterior,
    Rates: rates,
    RatesPosterior: rates,
    Regression: regression,
    Nested: nested,
}

FOLDS = (
    "folds={folds} does not run on Spark, whose rows have no order: give a column or an expression of the fold of each "
    "row, such as abs(hash(customer)) % 5"
)

OF_RATES = (
    "{verb} of rates does not run on Spark: give a Polars frame, such as polars.from_arrow(frame.toArrow()), of the "
    "sums of events and trials by group"
)


def states(call: Call) -> DataFrame:
    """One row per group: its moments."""
    inputs, call = translated(call)
    return oneway.states(inputs, arguments.states(call))


def components(call: Call) -> DataFrame:
    """One row per model, by the family that the arguments describe."""
    inputs, call = with_design(call)
    request = arguments.components(call)
    result: DataFrame = FAMILIES[type(request)].components(inputs, request)
    return result


def estimates(call: Call) -> DataFrame:
    """One row per group, by the family that the arguments describe."""
    inputs, call = with_design(call)
    request = arguments.estimates(call)
    keys = _unseen(call, inputs, request)
    result: DataFrame = FAMILIES[type(request)].estimates(inputs, request, keys)
    return result


def encode(call: Call) -> DataFrame:
    """The rows with statistics of their group."""
    inputs, of_polars = with_design(call)
    rows = call["rows"]
    if rows is not None and not isinstance(rows, DataFrame):
        raise TypeError(f"rows is a {type(rows).__qualname__}; give a Spark DataFrame")
    if rows is not None:
        of_polars = of_polars.replaced(rows=pl.LazyFrame(schema=schema_of(rows)))
    request, how, _ = arguments.encoding(of_polars)
    estimates = FAMILIES[type(request)].estimates
    if rows is not None:
        others, _ = translated(call.replaced(frame=rows, value=None, weights=None, rows=None))
        return encoding.of_other_rows(inputs, request, how, others, estimates)
    if how.folds is None:
        return encoding.encoded(inputs, request, how, estimates)
    if not isinstance(how.folds, pl.Expr):
        raise TypeError(FOLDS.format(folds=repr(how.folds)))
    return encoding.out_of_fold(inputs, request, how, estimates)


def profiles(call: Call) -> DataFrame:
    """The likelihood along tau."""
    inputs, call = with_design(call)
    request, grid, of_groups = arguments.profile(call)
    if isinstance(request, Rates):
        raise TypeError(OF_RATES.format(verb="profile"))
    if isinstance(request, MetaRegression):
        return meta_regression.profiles(inputs, request, grid, of_groups)
    return profile.profiles(inputs, request, grid, of_groups)


def compare(call: Call) -> DataFrame:
    """The error of each way of pooling."""
    inputs, call = with_design(call)
    request = arguments.comparison(call)
    if isinstance(request, Rates):
        raise TypeError(OF_RATES.format(verb="compare"))
    if isinstance(request, MetaRegression):
        return meta_regression.compared(inputs, request)
    return oneway.compared(inputs, request)


def regress_coefficients(call: Call) -> DataFrame:
    """The coefficients of a regression, or their covariances."""
    inputs, call = with_design(call)
    return regression.coefficients(inputs, arguments.coefficients_of_regression(call))


def coefficients(call: Call) -> DataFrame:
    """The coefficients of predictors of groups, or their covariances."""
    inputs, call = with_design(call)
    return meta_regression.coefficients(inputs, *arguments.coefficients(call))


def predict(call: Call) -> DataFrame:
    """The rows with their expected value by a regression."""
    inputs, of_polars = with_design(call)
    request, rows = arguments.prediction(of_polars), call["rows"]
    if rows is None:
        arguments.rows_to_predict(of_polars, request)
        return regression.predicted(inputs, None, request)
    if not isinstance(rows, DataFrame):
        raise TypeError(f"rows is a {type(rows).__qualname__}; give a Spark DataFrame")
    arguments.rows_to_predict(of_polars.replaced(rows=pl.LazyFrame(schema=schema_of(rows))), request)
    new_rows, _ = translated(call.replaced(frame=rows, value=None, weights=None))
    return regression.predicted(inputs, new_rows, request)


def _unseen(call: Call, inputs: Inputs, request: Request) -> DataFrame | None:
    """The keys of groups that may have no rows, of the types of those of the frame, and their predictors."""
    keys = call.get("groups")
    if keys is None:
        return None
    if not isinstance(keys, DataFrame):
        raise TypeError(f"groups is a {type(keys).__qualname__}; give a Spark DataFrame of keys")
    arguments.unseen(call.replaced(groups=pl.LazyFrame(schema=schema_of(keys))), request)
    over = [name for name in request.over_names if name in keys.columns]
    return inputs.with_predictors(keys, map(named, (*over, *request.group_names)), request)
