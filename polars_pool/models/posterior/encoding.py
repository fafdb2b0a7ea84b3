"""The posterior mean of its group for every row, joined to the rows."""

from __future__ import annotations

import polars as pl

from ..oneway import groups
from ..oneway.encoding import joined_to_rows
from .estimates import of_groups
from .spec import PosteriorMeans


def encoded(frame: pl.LazyFrame, request: PosteriorMeans, name: str) -> pl.LazyFrame:
    """All columns of the frame, and the posterior mean of the group of each row under a name."""
    columns = pl.nth(range(len(frame.collect_schema())))
    rows, pivot = groups.in_order(frame, request, columns)
    rows = rows.cache()
    means = _posterior(rows, pivot, request).select(*request.keys, pl.col("_pool_estimate"))
    joined = rows.join(means, on=list(request.keys), how="left", nulls_equal=True, maintain_order="left")
    return joined.select(columns, pl.col("_pool_estimate").alias(name))


def statistic(table: pl.DataFrame, request: PosteriorMeans, name: str) -> pl.Series:
    """A statistic of its group for every row of a table in memory."""
    rows, pivot = groups.in_order(table.lazy(), request)
    means = _posterior(rows, pivot, request)
    return joined_to_rows(rows, means, request.keys, name).collect(engine="in-memory").to_series()


def _posterior(rows: pl.LazyFrame, pivot: pl.LazyFrame, request: PosteriorMeans) -> pl.LazyFrame:
    return of_groups(groups.summed(rows, request), groups.constants(rows, pivot, request), request)
