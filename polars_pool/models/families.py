"""The functions of each model family, by the class of its request: the one place that lists the families."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from .oneway import components as means_components
from .oneway import encoding as means_encoding
from .oneway import estimates as means_estimates
from .oneway.spec import Means
from .posterior import components as posterior_components
from .posterior import encoding as posterior_encoding
from .posterior import estimates as posterior_estimates
from .posterior.spec import PosteriorMeans
from .rates import components as rates_components
from .rates import encoding as rates_encoding
from .rates import estimates as rates_estimates
from .rates.spec import Rates
from .regression import components as regression_components
from .regression import estimates as regression_estimates
from .regression.spec import Regression
from .request import Request

Schema = Mapping[str, pl.DataType]


@dataclass(frozen=True)
class Family:
    """What each family computes from a frame and a request: relations, and their columns without the keys.

    `components` returns one row per model and `estimates` one row per group (of a regression one per group and term),
    both under public names. `estimates` takes the keys of further groups as a third argument, but for regressions.
    For means, `encoded` returns the rows of a frame with the estimate of their group under a new name; `statistic`
    returns one column of the estimates for the rows of a table in memory.
    """

    components: Callable[[pl.LazyFrame, Any], pl.LazyFrame]
    components_schema: Callable[[Any], Schema]
    estimates: Callable[..., pl.LazyFrame]
    estimates_schema: Callable[[Any], Schema]
    encoded: Callable[[pl.LazyFrame, Any, str], pl.LazyFrame] | None = None
    statistic: Callable[[pl.DataFrame, Any, str], pl.Series] | None = None


FAMILIES: dict[type[Request], Family] = {
    Means: Family(
        components=means_components.components,
        components_schema=means_components.components_schema,
        estimates=means_estimates.estimates,
        estimates_schema=means_estimates.estimates_schema,
        encoded=means_encoding.encoded,
        statistic=means_encoding.statistic,
    ),
    PosteriorMeans: Family(
        components=posterior_components.components,
        components_schema=posterior_components.components_schema,
        estimates=posterior_estimates.estimates,
        estimates_schema=posterior_estimates.estimates_schema,
        encoded=posterior_encoding.encoded,
        statistic=posterior_encoding.statistic,
    ),
    Rates: Family(
        components=rates_components.components,
        components_schema=rates_components.components_schema,
        estimates=rates_estimates.estimates,
        estimates_schema=rates_estimates.estimates_schema,
        statistic=rates_encoding.statistic,
    ),
    Regression: Family(
        components=regression_components.components,
        components_schema=regression_components.components_schema,
        estimates=regression_estimates.estimates,
        estimates_schema=regression_estimates.estimates_schema,
    ),
}


def family_of(request: Request) -> Family:
    """The functions of the family of a request."""
    return FAMILIES[type(request)]
