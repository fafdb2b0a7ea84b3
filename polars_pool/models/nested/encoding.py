"""The estimate of its node for every row: rows are read once and joined back to their leaf."""

from __future__ import annotations

import polars as pl

from ..encoding import WHOLE, Encoding, beside, column_beside, column_out_of_fold, out_of_fold, renamed
from ..keys import PRIVATE
from ..oneway import groups
from .components import fitted_models
from .estimates import estimates
from .levels import pooled
from .spec import Nested


def encoded(frame: pl.LazyFrame, request: Nested, encoding: Encoding) -> pl.LazyFrame:
    """All columns of the frame, and statistics of the node of each row."""
    if encoding.folds is not None:
        return out_of_fold(frame, request, encoding, estimates)
    columns = pl.nth(range(len(frame.collect_schema())))
    rows, nodes = _nodes(frame, request, columns)
    keys = request.node_keys(request.at)
    return beside(rows, nodes, keys, encoding.private).select(columns, *renamed(encoding))


def _nodes(frame: pl.LazyFrame, request: Nested, *keep: pl.Expr) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The rows in their order, and their nodes."""
    rows, pivot = groups.in_order(frame, request, *keep)
    rows = rows.cache()
    leaves, constants = groups.summed(rows, request).cache(), groups.constants(rows, pivot, request)
    return rows, pooled(leaves, fitted_models(leaves, constants, request), None, request)


def statistic(table: pl.DataFrame, request: Nested, name: str, encoding: Encoding = WHOLE) -> pl.Series:
    """A statistic of its node for every row of a table in memory."""
    if encoding.folds is not None:
        return column_out_of_fold(encoded, table, request, name, encoding)
    rows, nodes = _nodes(table.lazy(), request)
    return column_beside(rows, nodes, request.node_keys(request.at), PRIVATE + name)
