"""Leaves and the variances of their model to partially pooled means of the nodes of a level, as relations.

Up the levels a node sums its children, down the levels each node is pulled toward its parent: one group-by and one join
for each level. The formulas and their source stand in formulas/nested.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl

from ...formulas import nested, shrink, within
from ...formulas.elementary import INFINITY, exists, normal_cdf, sqrt, where
from .. import unseen
from ..columns import POLARS, Columns, Step, with_steps
from ..oneway.groups import N, V, W, Y
from .spec import Nested

OF_MODEL = ("_pool_pivot", "_pool_sigma2", "_pool_mu", "_pool_se_mu")
WITHOUT_ROWS = {"_pool_v": INFINITY, "_pool_n": 0.0}


def tau2_of(depth: int) -> str:
    """The private name of tau2 of the level at a depth."""
    return f"_pool_tau2_{depth}"


def pooled(leaves: pl.LazyFrame, models: pl.LazyFrame, keys: pl.LazyFrame | None, request: Nested) -> pl.LazyFrame:
    """The nodes at the depth of the result, partially pooled; nodes among the keys may have no rows."""
    levels = [_leaves(leaves, models, request)]
    for depth in reversed(range(2, request.depth + 1)):
        levels.append(_parents(levels[-1], models, depth, request))
    levels.reverse()
    parents = None
    for depth in range(1, request.at + 1):
        nodes = _with_unseen(levels[depth - 1], keys, depth, request)
        nodes = _beside(nodes, models, request)
        parents = with_steps(_under(nodes, parents, depth, request), _shrunk(depth, request))
    assert parents is not None
    return with_steps(parents, _errors(request))


# ---- up -------------------------------------------------------------------------------------------------------------


def _leaves(leaves: pl.LazyFrame, models: pl.LazyFrame, request: Nested) -> pl.LazyFrame:
    """The leaves: keys, n, y, the mean less the pivot, and v, its sampling variance."""
    n = pl.lit(None, pl.Float64) if request.published and request.n is None else N.cast(pl.Float64)
    if request.published:
        return leaves.select(*request.keys, V, Y, _pool_n=n)
    v = within.sampling_variance(pl.col("_pool_sigma2"), W.cast(pl.Float64))
    return _beside(leaves, models, request).select(*request.keys, Y, _pool_v=v, _pool_n=n)


def _parents(nodes: pl.LazyFrame, models: pl.LazyFrame, depth: int, request: Nested) -> pl.LazyFrame:
    """The parents of the nodes at a depth, with the same columns."""
    w = nested.precision(V, pl.col(tau2_of(depth)))
    nodes = _beside(nodes, models, request).with_columns(_pool_w=w)
    sums = nodes.group_by(*request.node_keys(depth - 1)).agg(W.sum(), N.sum(), _pool_wy=(W * Y).sum())
    mean = where(W > 0, pl.col("_pool_wy") / W, None)
    columns = [mean.alias("_pool_y"), nested.sampling_variance(W).alias("_pool_v")]
    n = pl.lit(None, pl.Float64).alias("_pool_n") if request.published and request.n is None else N
    return sums.select(*request.node_keys(depth - 1), *columns, n)


# ---- down -----------------------------------------------------------------------------------------------------------


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
        error = pl.lit(0.0) if request.options.uncertainty == "conditional" else pl.col("_pool_se_mu")
        return nodes.with_columns(_pool_parent=pl.col("_pool_mu"), _pool_se_parent=error)
    keys = list(request.node_keys(depth - 1))
    above = parents.select(*keys, _pool_parent="_pool_estimate", _pool_se_parent="_pool_se")
    return nodes.join(above, on=keys, how="left", nulls_equal=True)


def _shrunk(depth: int, request: Nested, c: Columns = POLARS) -> Iterator[Step]:
    """Mean, weight, estimate and error of the nodes at a depth; the only node below a model keeps its mean."""
    tau2 = c.column(tau2_of(depth))
    only = c.only & exists(c.y) if depth == 1 else pl.lit(False)
    yield {"_pool_mean": c.pivot + c.y, "_pool_pooling": shrink.pooling(tau2, c.v), "_pool_tau2": tau2}
    yield {"_pool_weight": where(only & exists(c.v), 1.0, shrink.weight(tau2, c.v))}
    yield {
        "_pool_estimate": shrink.estimate(c.mean, c.parent, c.weight),
        "_pool_se": where(only, sqrt(c.v), sqrt(shrink.marginal_variance(tau2, c.pooling, c.se_parent))),
    }


def _errors(request: Nested, c: Columns = POLARS) -> Iterator[Step]:
    """Effects and intervals of the nodes of the result, as estimates of the quantity to predict."""
    yield {
        "_pool_effect": nested.effect(c.weight, c.mean, c.parent),
        "_pool_se_effect": sqrt(nested.effect_variance(c.tau2, c.pooling, c.weight, c.se_parent)),
    }
    if request.options.predict != "mean":
        yield {"_pool_se": sqrt(shrink.predictive_variance(c.se * c.se, _noise(request, c)))}
    quantile, threshold = request.options.quantile, request.options.threshold
    against = {}
    if threshold is not None:
        against["_pool_p_above"] = normal_cdf(shrink.standardised(c.estimate, c.se, threshold))
    ends = {"_pool_lower": shrink.lower, "_pool_upper": shrink.upper}
    yield {name: end(c.estimate, c.se, quantile) for name, end in ends.items()} | against


def _noise(request: Nested, c: Columns) -> Any:
    """The variance of a new row of a node, in a new node of each level below it, or of a new mean with the same v."""
    if request.options.predict == "replicate":
        return c.v
    noise = c.sigma2
    for depth in range(request.at + 1, request.depth + 1):
        noise = noise + c.column(tau2_of(depth))
    return noise


# ---- models ---------------------------------------------------------------------------------------------------------


def _beside(nodes: pl.LazyFrame, models: pl.LazyFrame, request: Nested) -> pl.LazyFrame:
    """The nodes with the variances and mu of their model."""
    columns = ["_pool_only", *OF_MODEL, *(tau2_of(depth) for depth in range(1, request.depth + 1))]
    if not request.over:
        return nodes.join(models.select(columns), how="cross")
    return nodes.join(models.select(*request.over, *columns), on=list(request.over), how="left", nulls_equal=True)
