"""Rates and counts: what `shrink` and `components` do with events out of trials, or in an exposure."""

from __future__ import annotations

from typing import Any

import polars as pl

from .. import arguments
from ..arguments import IntoColumn, Keys
from ..models.rates import components as _components
from ..models.rates import estimates
from ..models.rates import groups as sums
from ..models.rates.spec import Rates
from ..models.rates.unseen import with_unseen
from .collecting import Frame, as_given


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
    uncertainty = arguments.uncertainty_of_rates(uncertainty, model)
    threshold = arguments.threshold(threshold)
    columns = estimates.groups_schema(model, threshold is not None, arguments.flag(posterior, "posterior"))
    arguments.distinct_keys(model.over_names, model.by_names, columns)
    grouped, constants = sums.grouped(lf, model)
    if groups is not None:
        grouped = with_unseen(grouped, arguments.unseen(groups, lf, model), model)
    wanted = estimates.Wanted(arguments.level(level), threshold, uncertainty, posterior)
    found = estimates.of_groups(grouped, constants, model, wanted)
    return as_given(frame, found, len(model.key_names))


def components(frame: Frame, value: IntoColumn, by: Keys, over: Keys | None, **counted: Any) -> Frame:
    """The prior of every model."""
    lf, model = _model(frame, value, by, over, **counted)
    arguments.distinct_keys(model.over_names, (), _components.components_schema(model))
    return as_given(frame, _components.of_models(*sums.grouped(lf, model), model), len(model.over_names))


def _model(frame: Frame, value: IntoColumn, by: Keys, over: Keys | None, **counted: Any) -> tuple[pl.LazyFrame, Rates]:
    lf = arguments.lazy(frame)
    return lf, arguments.rates(lf, value, by, over, result=(), **counted)
