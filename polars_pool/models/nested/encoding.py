"""The estimate of its node for every row: rows are read once and joined back to their leaf."""

from __future__ import annotations

import polars as pl

from ..oneway import groups
from ..oneway.encoding import joined_to_rows
from .components import fitted_models
from .levels import pooled
from .spec import Nested


def encoded(frame: pl.LazyFrame, request: Nested, name: str) -> pl.LazyFrame:
    """All columns of the frame, and the estimate of the node of each row under a name."""
    columns = pl.nth(range(len(frame.collect_schema())))
    rows, nodes = _nodes(frame, request, columns)
    of_nodes = nodes.select(*request.node_keys(request.at), pl.col("_pool_estimate").alias(name))
    keys = list(request.node_keys(request.at))
    joined = rows.join(of_nodes, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return joined.select(columns, name)


def _nodes(frame: pl.LazyFrame, request: Nested, *keep: pl.Expr) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The rows in their order, and their nodes."""
    rows, pivot = groups.in_order(frame, request, *keep)
    rows = rows.cache()
    leaves, constants = groups.summed(rows, request).cache(), groups.constants(rows, pivot, request)
    return rows, pooled(leaves, fitted_models(leaves, constants, request), None, request)


def statistic(table: pl.DataFrame, request: Nested, name: str) -> pl.Series:
    """A statistic of its node for every row of a table in memory."""
    rows, nodes = _nodes(table.lazy(), request)
    return joined_to_rows(rows, nodes, request.node_keys(request.at), name).collect(engine="in-memory").to_series()
