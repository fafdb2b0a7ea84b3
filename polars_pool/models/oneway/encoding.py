"""The estimate of its group for every row, by windows over the rows: a join back would scan the frame twice."""

from __future__ import annotations

import polars as pl

from ..columns import with_steps
from . import groups
from .components import classes, classes_of_rows, fitted_models
from .groups import VALUE, N
from .pooling import ESTIMATE, joined, pooled
from .spec import Means

MANY = 100_000  # rows of a table: windows in the streaming engine cost less than a join back, but more to begin


def encoded(frame: pl.LazyFrame, request: Means, name: str) -> pl.LazyFrame:
    """All columns of the frame, and the estimate of the group of each row under a name."""
    columns = pl.nth(range(len(frame.collect_schema())))
    rows, pivot = groups.in_order(frame, request, columns)
    return _pooled(_with_moments(rows, request).cache(), pivot, request).select(columns, ESTIMATE.alias(name))


def _pooled(rows: pl.LazyFrame, pivot: pl.LazyFrame, request: Means) -> pl.LazyFrame:
    """The rows with the partially pooled mean of their group, from the moments of the group."""
    constants = groups.constants(rows, pivot, request)
    components = fitted_models(classes_of_rows(rows, constants, request), request)
    beside = joined(rows, components, request, ordered=True)
    if request.variance_depends_on_n:
        beside = with_steps(beside.with_columns(N.cast(pl.Float64)), groups.statistics(request))
    return with_steps(beside, pooled(request))


def _with_moments(rows: pl.LazyFrame, request: Means) -> pl.LazyFrame:
    """The rows with the moments of their group; without its variance, where one variance within groups suffices.

    A window costs memory for each row.
    """
    rows = with_steps(rows, groups.prepared(request))
    if request.variance_depends_on_n:
        return rows.with_columns(_pool_n=VALUE.count().over(*request.keys), _pool_y=VALUE.mean().over(*request.keys))
    windows = {name: e.over(*request.keys) for name, e in groups.sums(request).items()}
    return with_steps(rows.with_columns(**windows), groups.statistics(request))


def statistic(table: pl.DataFrame, request: Means, name: str) -> pl.Series:
    """A statistic of its group for every row of a table in memory."""
    rows, pivot = groups.in_order(table.lazy(), request)
    if request.variance_depends_on_n and table.height >= MANY:
        of_rows = _pooled(_with_moments(rows, request).cache(), pivot, request)
        return of_rows.select(f"_pool_{name}").collect(engine="streaming").to_series()
    means, constants = groups.summed(rows, request), groups.constants(rows, pivot, request)
    components = fitted_models(classes(means, constants, request), request)
    of_groups = with_steps(joined(means, components, request), pooled(request))
    return joined_to_rows(rows, of_groups, request.keys, name).collect(engine="in-memory").to_series()


def joined_to_rows(rows: pl.LazyFrame, of_groups: pl.LazyFrame, keys: tuple[str, ...], name: str) -> pl.LazyFrame:
    """The private column of a statistic of its group for every row, in the order of the rows."""
    statistic = f"_pool_{name}"
    joined = rows.join(
        of_groups.select(*keys, statistic), on=list(keys), how="left", nulls_equal=True, maintain_order="left"
    )
    return joined.select(statistic)
