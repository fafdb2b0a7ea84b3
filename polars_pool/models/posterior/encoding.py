"""The posterior mean of its group for every row, joined to the rows."""

from __future__ import annotations

import polars as pl

from ..encoding import WHOLE, Encoding, beside, column_beside, column_out_of_fold, out_of_fold, renamed
from ..keys import PRIVATE
from ..oneway import groups
from .estimates import estimates, of_groups
from .spec import PosteriorMeans


def encoded(frame: pl.LazyFrame, request: PosteriorMeans, encoding: Encoding) -> pl.LazyFrame:
    """All columns of the frame, and statistics of the posterior of the group of each row."""
    if encoding.folds is not None:
        return out_of_fold(frame, request, encoding, estimates)
    columns = pl.nth(range(len(frame.collect_schema())))
    rows, pivot = groups.in_order(frame, request, columns)
    rows = rows.cache()
    means = _posterior(rows, pivot, request)
    return beside(rows, means, request.keys, encoding.private).select(columns, *renamed(encoding))


def statistic(table: pl.DataFrame, request: PosteriorMeans, name: str, encoding: Encoding = WHOLE) -> pl.Series:
    """A statistic of its group for every row of a table in memory."""
    if encoding.folds is not None:
        return column_out_of_fold(encoded, table, request, name, encoding)
    rows, pivot = groups.in_order(table.lazy(), request)
    return column_beside(rows, _posterior(rows, pivot, request), request.keys, PRIVATE + name)


def _posterior(rows: pl.LazyFrame, pivot: pl.LazyFrame, request: PosteriorMeans) -> pl.LazyFrame:
    return of_groups(groups.summed(rows, request), groups.constants(rows, pivot, request), request)
