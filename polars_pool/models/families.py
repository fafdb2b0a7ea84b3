"""The functions of each model family, by the class of its request: the one place that lists the families.

The files of a family are imported with its first request, and NumPy with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from .encoding import Encoding
from .meta_regression.spec import MetaRegression
from .nested.spec import Nested
from .oneway.spec import Means
from .posterior.spec import PosteriorMeans
from .rates.spec import Rates
from .rates_posterior.spec import RatesPosterior
from .regression.spec import Regression
from .request import Request

Schema = Mapping[str, pl.DataType]


@dataclass(frozen=True)
class Family:
    """What each family computes from a frame and a request: relations, and their columns without the keys.

    `components` returns one row per model and `estimates` one row per group (of a regression one per group and term),
    both under public names. `estimates` takes the keys of further groups as a third argument, but for regressions.
    `encoded` returns the rows of a frame with statistics of their group under new names; `statistic`
    returns one column of the estimates for the rows of a table in memory.
    """

    components: Callable[[pl.LazyFrame, Any], pl.LazyFrame]
    components_schema: Callable[[Any], Schema]
    estimates: Callable[..., pl.LazyFrame]
    estimates_schema: Callable[[Any], Schema]
    encoded: Callable[[pl.LazyFrame, Any, Encoding], pl.LazyFrame] | None = None
    statistic: Callable[[pl.DataFrame, Any, str, Encoding], pl.Series] | None = None


@cache
def _means() -> Family:
    from .oneway import components, encoding, estimates

    return Family(
        components=components.components,
        components_schema=components.components_schema,
        estimates=estimates.estimates,
        estimates_schema=estimates.estimates_schema,
        encoded=encoding.encoded,
        statistic=encoding.statistic,
    )


@cache
def _posterior_means() -> Family:
    from .posterior import components, encoding, estimates

    return Family(
        components=components.components,
        components_schema=components.components_schema,
        estimates=estimates.estimates,
        estimates_schema=estimates.estimates_schema,
        encoded=encoding.encoded,
        statistic=encoding.statistic,
    )


@cache
def _rates() -> Family:
    from .rates import components, encoding, estimates

    return Family(
        components=components.components,
        components_schema=components.components_schema,
        estimates=estimates.estimates,
        estimates_schema=estimates.estimates_schema,
        encoded=encoding.encoded,
        statistic=encoding.statistic,
    )


@cache
def _rates_posterior() -> Family:
    from .rates_posterior import components, encoding, estimates

    return Family(
        components=components.components,
        components_schema=components.components_schema,
        estimates=estimates.estimates,
        estimates_schema=estimates.estimates_schema,
        encoded=encoding.encoded,
        statistic=encoding.statistic,
    )


@cache
def _regression() -> Family:
    from .regression import components, estimates

    return Family(
        components=components.components,
        components_schema=components.components_schema,
        estimates=estimates.estimates,
        estimates_schema=estimates.estimates_schema,
    )


@cache
def _meta_regression() -> Family:
    from .meta_regression import components, encoding, estimates

    return Family(
        components=components.components,
        components_schema=components.components_schema,
        estimates=estimates.estimates,
        estimates_schema=estimates.estimates_schema,
        encoded=encoding.encoded,
        statistic=encoding.statistic,
    )


@cache
def _nested() -> Family:
    from .nested import components, encoding, estimates

    return Family(
        components=components.components,
        components_schema=components.components_schema,
        estimates=estimates.estimates,
        estimates_schema=estimates.estimates_schema,
        encoded=encoding.encoded,
        statistic=encoding.statistic,
    )


FAMILIES: dict[type[Request], Callable[[], Family]] = {
    Means: _means,
    MetaRegression: _meta_regression,
    Nested: _nested,
    PosteriorMeans: _posterior_means,
    Rates: _rates,
    RatesPosterior: _rates_posterior,
    Regression: _regression,
}


def family_of(request: Request) -> Family:
    """The functions of the family of a request."""
    return FAMILIES[type(request)]()
