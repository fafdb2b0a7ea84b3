"""The estimate of its group for every row: rows are read once and joined back to their group."""

from __future__ import annotations

import polars as pl

from ..encoding import WHOLE, Encoding, beside, column_beside, column_out_of_fold, out_of_fold, renamed
from ..keys import PRIVATE
from ..oneway import groups
from .estimates import estimates, pooled_groups
from .spec import MetaRegression


def encoded(frame: pl.LazyFrame, request: MetaRegression, encoding: Encoding) -> pl.LazyFrame:
    """All columns of the frame, and statistics of the group of each row."""
    if encoding.folds is not None:
        return out_of_fold(frame, request, encoding, estimates)
    columns = pl.nth(range(len(frame.collect_schema())))
    rows, of_groups = _groups(frame, request, columns)
    return beside(rows, of_groups, request.keys, encoding.private).select(columns, *renamed(encoding))


def _groups(frame: pl.LazyFrame, request: MetaRegression, *keep: pl.Expr) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The rows in their order, and their groups."""
    rows, pivot = groups.in_order(frame, request, *keep)
    rows = rows.cache()
    return rows, pooled_groups(groups.summed(rows, request), groups.constants(rows, pivot, request), request)


def statistic(table: pl.DataFrame, request: MetaRegression, name: str, encoding: Encoding = WHOLE) -> pl.Series:
    """A statistic of its group for every row of a table in memory."""
    if encoding.folds is not None:
        return column_out_of_fold(encoded, table, request, name, encoding)
    rows, of_groups = _groups(table.lazy(), request)
    return column_beside(rows, of_groups, request.keys, PRIVATE + name)
