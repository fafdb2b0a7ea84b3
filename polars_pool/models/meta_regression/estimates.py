"""Rows to one row per group: its mean, pulled toward what its predictors say, with standard error and interval."""

from __future__ import annotations

import polars as pl

from ..columns import with_steps
from ..oneway import estimates as of_means
from ..oneway.groups import grouped
from ..oneway.pooling import errors, pooled
from . import pooling
from .components import of_classes, of_groups, private
from .groups import classes, with_unseen
from .spec import MetaRegression


def estimates_schema(request: MetaRegression) -> dict[str, pl.DataType]:
    """The columns of `estimates` after the keys."""
    return of_means.estimates_schema(request) | {"fit": pl.Float64(), "se_fit": pl.Float64()}


def estimates(frame: pl.LazyFrame, request: MetaRegression, unseen: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """One row per group, under public names; groups among `unseen` may have no rows."""
    groups, constants = grouped(frame, request)
    means = pooled_groups(with_unseen(groups, unseen, request), constants, request)
    return of_means.result(means, request.key_names, tuple(estimates_schema(request)))


def pooled_groups(groups: pl.LazyFrame, constants: pl.LazyFrame, request: MetaRegression) -> pl.LazyFrame:
    """The groups with their pooled means, under private names."""
    models = of_classes(classes(groups, constants, request), request, of_groups, private(request))
    means = with_steps(pooling.joined(groups, models, request), pooling.fitted(request))
    return with_steps(with_steps(means, pooled(request)), errors(request, request.options))
