"""The estimate of its group beside every row: windows over the rows, so that the frame is scanned once."""

from __future__ import annotations

import polars as pl

from . import components, estimates, groups
from .model import Model


def encoded(frame: pl.LazyFrame, model: Model, statistic: str, name: str) -> pl.LazyFrame:
    """All columns of the frame, and the statistic (`estimate` or `weight`) of the row's group under `name`."""
    columns = pl.nth(range(len(frame.collect_schema())))
    rows, pivot = groups.rows(frame, model, columns)
    sums = {c: e.over(*model.keys) for c, e in groups.sums(model).items()}
    rows = groups.statistics(rows.with_columns(**sums), model).join(pivot, how="cross", maintain_order="left")
    found = components.components(components.classes_of_rows(rows, model), model)
    estimated = estimates.estimated(estimates.weighed(estimates.joined(rows, found, model, ordered=True), model))
    return estimated.select(columns, pl.col(f"_pool_{statistic}").alias(name))


def beside(table: pl.DataFrame, model: Model, statistic: str) -> pl.Series:
    """The statistic of its group beside every row of a table in memory."""
    encoding = encoded(table.lazy(), model, statistic, "_pool_result").select("_pool_result")
    return encoding.collect(engine="in-memory").to_series()
