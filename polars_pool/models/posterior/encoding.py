"""The posterior mean of its group for every row, joined to the rows."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from ..encoding import WHOLE, Encoding, out_of_fold, renamed
from ..oneway import groups
from ..oneway.encoding import joined_to_rows
from .estimates import estimates, of_groups
from .spec import PosteriorMeans


def encoded(frame: pl.LazyFrame, request: PosteriorMeans, encoding: Encoding) -> pl.LazyFrame:
    """All columns of the frame, and statistics of the posterior of the group of each row."""
    if encoding.folds is not None:
        return out_of_fold(frame, request, encoding, estimates)
    columns = pl.nth(range(len(frame.collect_schema())))
    rows, pivot = groups.in_order(frame, request, columns)
    rows = rows.cache()
    means = _posterior(rows, pivot, request).select(*request.keys, *(f"_pool_{one}" for one in encoding.statistics))
    joined = rows.join(means, on=list(request.keys), how="left", nulls_equal=True, maintain_order="left")
    return joined.select(columns, *renamed(encoding))


def statistic(table: pl.DataFrame, request: PosteriorMeans, name: str, encoding: Encoding = WHOLE) -> pl.Series:
    """A statistic of its group for every row of a table in memory."""
    if encoding.folds is not None:
        rows = encoded(table.lazy(), request, replace(encoding, statistics=(name,), name="_pool_encoded"))
        return rows.select(pl.last()).collect(engine="in-memory").to_series()
    rows, pivot = groups.in_order(table.lazy(), request)
    means = _posterior(rows, pivot, request)
    return joined_to_rows(rows, means, request.keys, name).collect(engine="in-memory").to_series()


def _posterior(rows: pl.LazyFrame, pivot: pl.LazyFrame, request: PosteriorMeans) -> pl.LazyFrame:
    return of_groups(groups.summed(rows, request), groups.constants(rows, pivot, request), request)
