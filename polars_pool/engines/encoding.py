"""The estimate of its group beside every row: windows over the rows, so that the frame is scanned once."""

from __future__ import annotations

import polars as pl

from . import components, estimates, groups
from .model import Model


def encoded(frame: pl.LazyFrame, model: Model, statistic: str, name: str) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """All columns of the frame with the statistic (`estimate` or `weight`) of the row's group, and the components."""
    columns = pl.nth(range(len(frame.collect_schema())))
    rows = _with_moments(groups.prepared(groups.rows(frame, model, columns), model), model)
    found = components.components(components.classes_of_rows(rows, model), model)
    estimated = estimates.estimated(estimates.weighed(estimates.joined(rows, found, model, ordered=True), model))
    return estimated.select(columns, pl.col(f"_pool_{statistic}").alias(name)), found


def _with_moments(rows: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """Rows beside the moments of their group; squares are taken about its mean, so no pivot is needed."""
    sums = groups.sums(model)
    windows = {c: e.over(*model.keys) for c, e in sums.items() if c not in ("_pool_var", "_pool_wy2")}
    if model.weights is not None:
        rows = rows.rename({"_pool_w": "_pool_row_w"})
    rows = groups.means(rows.with_columns(**windows), model)


def beside(table: pl.DataFrame, model: Model, statistic: str) -> pl.Series:
    """The statistic of its group beside every row of a table in memory."""
    encoding = encoded(table.lazy(), model, statistic, "_pool_result").select("_pool_result")
    return encoding.collect(engine="in-memory").to_series()
