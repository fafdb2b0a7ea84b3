"""The stages that several verbs are composed of."""

from __future__ import annotations

import polars as pl

from ..models.oneway import components as _components
from ..models.oneway import groups as _groups
from ..models.oneway import inference
from ..models.oneway.spec import Model
from ..models.oneway.unseen import with_unseen


def with_components(
    lf: pl.LazyFrame,
    model: Model,
    asked: inference.Question | None = None,
    unseen: pl.LazyFrame | None = None,
    twice: bool = False,
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The groups, and the components of their models; `twice` if groups meet what is summed over them once more."""
    grouped, constants = all_groups(lf, model, unseen)
    if twice:
        grouped = grouped.cache()
    return grouped, _components.components(_components.classes(grouped, model), constants, model, asked)


def all_groups(lf: pl.LazyFrame, model: Model, unseen: pl.LazyFrame | None) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """One row a group, those without rows among them, and the constants of the query."""
    grouped, constants = _groups.grouped(lf, model)
    return grouped if unseen is None else with_unseen(grouped, unseen, model), constants
