"""Rows to leaves, and leaves to the trees of all models: leaves of one parent and of equal size become one class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ..oneway.components import SQUARES
from ..oneway.groups import VAR, N, V, W, Y
from .spec import Nested
from .tree import Level, Tree

ROW = "_pool_row"


def classes(leaves: pl.LazyFrame, request: Nested) -> pl.LazyFrame:
    """Leaves of one parent and of equal size in one row; leaves with a variance of their own keep their rows."""
    parents = request.node_keys(request.depth - 1)
    if request.published:
        return leaves.select(*parents, W, Y, V, _pool_n=pl.lit(1.0) if request.n is None else N.cast(pl.Float64))
    if request.weights is not None:
        return leaves.select(*parents, N, W, Y, SQUARES)
    k = pl.len().cast(pl.Float64)
    sizes = leaves.group_by(*parents, N).agg(Y.mean(), VAR.mean(), _pool_k=k, _pool_spread=Y.var(ddof=0))
    sizes = sizes.with_columns(N.cast(pl.Float64))
    return sizes.select(*parents, N, Y, SQUARES, "_pool_k", "_pool_spread", _pool_w=N)


def trees(table: pl.DataFrame, request: Nested) -> tuple[pl.DataFrame, Tree | None]:
    """The models of a table of classes that have rows, by their keys, pivot and mean, and the tree of each.

    The values of a tree are deviations from the mean: one pivot for many models can be far from some of them.
    """
    table = table.filter(W > 0)
    if not table.height:
        return table, None
    nodes = list(_nodes(table, request))
    rows, levels = np.arange(nodes[-1].height), []
    for node in reversed(nodes):
        children = node[ROW].gather(rows)
        lengths = children.list.len().to_numpy().astype(np.int64)
        rows = children.explode(empty_as_null=False).to_numpy()
        levels.append(Level(np.cumsum(lengths) - lengths, np.arange(len(rows))))
    tree, mean = _tree(table[rows], tuple(levels), request).centred()
    return nodes[-1].drop(ROW).with_columns(pl.Series("_pool_centre", mean)), tree


def _nodes(table: pl.DataFrame, request: Nested) -> Iterator[pl.DataFrame]:
    """The parents of leaves, their parents, and so on to the models, each with the rows of its children."""
    for depth in reversed(range(request.depth)):
        table = table.drop(ROW, strict=False).with_row_index(ROW)
        keys = request.node_keys(depth)
        columns = [pl.col(ROW), pl.col("_pool_pivot").first()]
        table = table.group_by(*keys, maintain_order=True).agg(*columns) if keys else table.select(_all(columns))
        yield table


def _all(columns: list[pl.Expr]) -> list[pl.Expr]:
    """The rows of all in one list."""
    return [columns[0].implode(), columns[1]]


def _tree(rows: pl.DataFrame, levels: tuple[Level, ...], request: Nested) -> Tree:
    def column(name: str, default: float) -> Array:
        values = rows.get_column(f"_pool_{name}", default=None)
        return np.full(rows.height, default) if values is None else values.to_numpy()

    w, sigma2 = column("w", 1.0), request.hyperparameters.known_sigma2
    u = column("v", np.nan) if request.published else (1.0 if sigma2 is None else sigma2) / w
    k, n, y, spread, squares = (
        column(*x) for x in (("k", 1.0), ("n", 1.0), ("y", 0.0), ("spread", 0.0), ("squares", 0.0))
    )
    return Tree(levels, k=k, n=n, u=u, y=y, spread=spread, squares=squares)
