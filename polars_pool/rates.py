"""Rates and counts: what `shrink` and `components` do with events out of trials, or in an exposure."""

from __future__ import annotations

from typing import Any

import polars as pl

from . import check
from .check import IntoColumn, Keys
from .collecting import Frame, as_given
from .engines.rates import results, sums
from .engines.rates.model import Rates
from .engines.rates.unseen import with_unseen


def shrink(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    over: Keys | None,
    *,
    level: float,
    threshold: float | None,
    groups: pl.DataFrame | pl.LazyFrame | None,
    posterior: bool,
    uncertainty: str,
    **counted: Any,
) -> Frame:
    """The posterior of every group's rate."""
    lf, model = _model(frame, value, by, over, **counted)
    uncertainty = check.uncertainty_of_rates(uncertainty, model)
    threshold = check.threshold(threshold)
    columns = results.groups_schema(model, threshold is not None, check.flag(posterior, "posterior"))
    check.distinct_keys(model.over_names, model.by_names, columns)
    grouped, constants = sums.grouped(lf, model)
    if groups is not None:
        grouped = with_unseen(grouped, check.unseen(groups, lf, model), model)
    wanted = results.Wanted(check.level(level), threshold, uncertainty, posterior)
    found = results.of_groups(grouped, constants, model, wanted)
    return as_given(frame, found, len(model.key_names))


def components(frame: Frame, value: IntoColumn, by: Keys, over: Keys | None, **counted: Any) -> Frame:
    """The prior of every model."""
    lf, model = _model(frame, value, by, over, **counted)
    check.distinct_keys(model.over_names, (), results.components_schema(model))
    return as_given(frame, results.of_models(*sums.grouped(lf, model), model), len(model.over_names))


def _model(frame: Frame, value: IntoColumn, by: Keys, over: Keys | None, **counted: Any) -> tuple[pl.LazyFrame, Rates]:
    lf = check.lazy(frame)
    return lf, check.rates(lf, value, by, over, result=(), **counted)
