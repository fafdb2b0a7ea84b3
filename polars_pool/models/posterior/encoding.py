"""The estimate of its group beside every row: windows over the rows, so that the frame is scanned once."""

from __future__ import annotations

import polars as pl

from ..oneway import components, estimates, groups
from ..oneway.spec import Model
from . import estimates as posterior_estimates


def encoded(frame: pl.LazyFrame, model: Model, *result: pl.Expr) -> pl.LazyFrame:
    """All columns of the frame, and results (estimates.ESTIMATE, WEIGHT, ...) of the group of each row."""
    columns = pl.nth(range(len(frame.collect_schema())))
    if model.priors:
        rows, pivot = groups.in_order(frame, model, columns)
        return _joined(rows.cache(), pivot, model, *(e.meta.undo_aliases() for e in result)).select(columns, *result)
    rows, pivot = groups.in_order(frame, model, columns)
    rows = groups.prepared(rows, model)
    windows = {name: e.over(*model.keys) for name, e in groups.sums(model).items()}
    rows = groups.statistics(rows.with_columns(**windows), model).cache()
    constants = groups.constants(rows, pivot, model)
    found = components.components(components.classes_of_rows(rows, model), constants, model)
    joined = estimates.joined(rows, found, model, ordered=True)
    return estimates.estimated(joined, model).select(columns, *result)


def beside(table: pl.DataFrame, model: Model, result: pl.Expr) -> pl.Series:
    """The result of its group beside every row of a table in memory, where to join back costs less than windows."""
    rows, pivot = groups.in_order(table.lazy(), model)
    return _joined(rows, pivot, model, result).select(result).collect(engine="in-memory").to_series()


def _joined(rows: pl.LazyFrame, pivot: pl.LazyFrame, model: Model, *result: pl.Expr) -> pl.LazyFrame:
    """Rows beside the results of their group."""
    estimated = _of_groups(rows, pivot, model).select(*model.keys, *result)
    return rows.join(estimated, on=list(model.keys), how="left", nulls_equal=True, maintain_order="left")


def _of_groups(rows: pl.LazyFrame, pivot: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """One row a group, estimated."""
    grouped = groups.summed(rows, model)
    constants = groups.constants(rows, pivot, model)
    if model.priors:
        wanted = posterior_estimates.Wanted()
        return posterior_estimates.of_groups(grouped, constants, model, wanted)
    found = components.components(components.classes(grouped, model), constants, model)
    return estimates.estimated(estimates.joined(grouped, found, model), model)
