"""Leaves to the nodes of a level, as relations: up the levels by a group-by each, and down again by a join each."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from ...formulas import within
from .. import unseen
from ..columns import with_steps
from ..joins import beside_models
from ..oneway.groups import N, V, W, Y
from .pooling import WITHOUT_ROWS, errors, of_model, shrunk, statistics, sums, under_model, weighed
from .spec import Nested


def pooled(leaves: pl.LazyFrame, models: pl.LazyFrame, keys: pl.LazyFrame | None, request: Nested) -> pl.LazyFrame:
    """The nodes at the depth of the result, partially pooled; nodes among the keys may have no rows."""
    levels = [_leaves(leaves, models, request)]
    for depth in reversed(range(2, request.depth + 1)):
        levels.append(_parents(levels[-1], models, depth, request))
    levels.reverse()
    keys = None if keys is None else keys.cache()  # for every level
    parents = None
    for depth in range(1, request.at + 1):
        nodes = _beside(_with_unseen(levels[depth - 1], keys, depth, request), models, request)
        parents = with_steps(_under(nodes, parents, depth, request), shrunk(depth, request))
    assert parents is not None
    return with_steps(parents, errors(request))


def _leaves(leaves: pl.LazyFrame, models: pl.LazyFrame, request: Nested) -> pl.LazyFrame:
    """The leaves: keys, n, y, the mean less the pivot, and v, its sampling variance."""
    if request.published:
        n = pl.lit(None, pl.Float64) if request.n is None else N.cast(pl.Float64)
        return leaves.select(*request.keys, V, Y, _pool_n=n)
    v = within.sampling_variance(pl.col("_pool_sigma2"), W.cast(pl.Float64))
    return _beside(leaves, models, request).select(*request.keys, Y, _pool_v=v, _pool_n=N.cast(pl.Float64))


def _parents(nodes: pl.LazyFrame, models: pl.LazyFrame, depth: int, request: Nested) -> pl.LazyFrame:
    """The parents of the nodes at a depth, with the same columns."""
    keys = request.node_keys(depth - 1)
    of_parents = with_steps(_beside(nodes, models, request), weighed(depth)).group_by(*keys).agg(**sums())
    return with_steps(of_parents, statistics(request)).select(*keys, Y, V, N)


def _with_unseen(nodes: pl.LazyFrame, keys: pl.LazyFrame | None, depth: int, request: Nested) -> pl.LazyFrame:
    """The nodes at a depth, and one without rows for each path of the keys that is not among them."""
    if keys is None:
        return nodes
    names = [name for name in request.over_names if name in keys.collect_schema()]
    paths = keys.select(*names, *request.path(depth)).unique()
    return unseen.with_unseen(nodes, paths, replace(request, by_names=request.path(depth)), WITHOUT_ROWS)


def _under(nodes: pl.LazyFrame, parents: pl.LazyFrame | None, depth: int, request: Nested) -> pl.LazyFrame:
    """The nodes at a depth with the estimate of their parent, which is mu at the first level, and its error."""
    if parents is None:
        return with_steps(nodes, under_model(request))
    keys = list(request.node_keys(depth - 1))
    above = parents.select(*keys, _pool_parent="_pool_estimate", _pool_se_parent="_pool_se")
    return nodes.join(above, on=keys, how="left", nulls_equal=True)


def _beside(nodes: pl.LazyFrame, models: pl.LazyFrame, request: Nested) -> pl.LazyFrame:
    """The nodes with the variances and mu of their model."""
    return beside_models(nodes, models.select(*request.over, *of_model(request)), request.over)
