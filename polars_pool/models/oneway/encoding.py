"""The estimate of its group for every row: windows over the rows, so that the frame is scanned once."""

from __future__ import annotations

import polars as pl

from . import groups
from .components import classes, classes_of_rows, fitted_models
from .pooling import ESTIMATE, joined, pooled
from .spec import Means


def encoded(frame: pl.LazyFrame, request: Means, name: str) -> pl.LazyFrame:
    """All columns of the frame, and the estimate of the group of each row under a name."""
    columns = pl.nth(range(len(frame.collect_schema())))
    rows, pivot = groups.in_order(frame, request, columns)
    rows = groups.prepared(rows, request)
    windows = {column: e.over(*request.keys) for column, e in groups.sums(request).items()}
    rows = groups.statistics(rows.with_columns(**windows), request).cache()
    constants = groups.constants(rows, pivot, request)
    components = fitted_models(classes_of_rows(rows, request), constants, request)
    return pooled(joined(rows, components, request, ordered=True), request).select(columns, ESTIMATE.alias(name))


def statistic(table: pl.DataFrame, request: Means, name: str) -> pl.Series:
    """A statistic of its group for every row of a table in memory, where a join back costs less than windows."""
    rows, pivot = groups.in_order(table.lazy(), request)
    means, constants = groups.summed(rows, request), groups.constants(rows, pivot, request)
    components = fitted_models(classes(means, request), constants, request)
    of_groups = pooled(joined(means, components, request), request)
    return joined_to_rows(rows, of_groups, request.keys, name).collect(engine="in-memory").to_series()


def joined_to_rows(rows: pl.LazyFrame, of_groups: pl.LazyFrame, keys: tuple[str, ...], name: str) -> pl.LazyFrame:
    """The private column of a statistic of its group for every row, in the order of the rows."""
    statistic = f"_pool_{name}"
    joined = rows.join(
        of_groups.select(*keys, statistic), on=list(keys), how="left", nulls_equal=True, maintain_order="left"
    )
    return joined.select(statistic)
