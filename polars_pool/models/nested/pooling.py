"""Nodes, the variances of their model and the estimates of their parents to partially pooled means, row by row.

The formulas and their source stand in formulas/nested.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...formulas import nested, shrink
from ...formulas.aggregates import total
from ...formulas.elementary import INFINITY, exists, normal_cdf, sqrt, where
from ..columns import POLARS, Columns, Step
from .spec import Nested

OF_MODEL = ("_pool_pivot", "_pool_sigma2", "_pool_mu", "_pool_se_mu")
WITHOUT_ROWS = {"_pool_v": INFINITY, "_pool_n": 0.0}


def tau2_of(depth: int) -> str:
    """The private name of tau2 of the level at a depth."""
    return f"_pool_tau2_{depth}"


def determined_of(depth: int) -> str:
    """The private name of the same tau2, missing where the data do not determine it."""
    return f"_pool_determined_{depth}"


def of_model(request: Nested) -> tuple[str, ...]:
    """The private columns of a model that its nodes need."""
    depths = range(1, request.depth + 1)
    return ("_pool_only", *OF_MODEL, *map(tau2_of, depths), *map(determined_of, depths))


# ---- up: the children of a node -------------------------------------------------------------------------------------


def weighed(depth: int, c: Columns = POLARS) -> Iterator[Step]:
    """The precision of the nodes at a depth, and this times their mean."""
    yield {"_pool_w": nested.precision(c.v, c.column(tau2_of(depth)))}
    yield {"_pool_wy": c.w * c.y}


def sums(c: Columns = POLARS) -> dict[str, Any]:
    """Sums over the children of a node."""
    return {"_pool_w": total(c.w), "_pool_wy": total(c.wy), "_pool_n": total(c.n)}


def statistics(request: Nested, c: Columns = POLARS) -> Iterator[Step]:
    """n, y, the mean less the pivot, and v of a node from the sums over its children."""
    n = {"_pool_n": c.missing()} if request.published and request.n is None else {}
    yield {"_pool_y": where(c.w > 0, c.wy / c.w, None), "_pool_v": nested.sampling_variance(c.w)} | n


# ---- down: a node and its parent ------------------------------------------------------------------------------------


def under_model(request: Nested, c: Columns = POLARS) -> Iterator[Step]:
    """The parent of the nodes of the first level, which is their model."""
    yield {"_pool_parent": c.mu, "_pool_se_parent": 0.0 * c.se_mu if request.conditional else c.se_mu}


def shrunk(depth: int, request: Nested, c: Columns = POLARS) -> Iterator[Step]:
    """Mean, weight, estimate and error of the nodes at a depth; the only node of all of its depth keeps its mean.

    A node without rows has no error where the data do not determine tau2 of its level.
    """
    tau2 = c.column(tau2_of(depth))
    only = (c.only >= depth) & exists(c.y)
    if not request.given:
        yield {"_pool_v": where(exists(c.sigma2) | (c.v == INFINITY), c.v, None)}
    yield {"_pool_mean": c.pivot + c.y, "_pool_tau2": where(exists(c.y), tau2, c.column(determined_of(depth)))}
    yield {"_pool_pooling": shrink.pooling(c.tau2, c.v)}
    yield {"_pool_weight": where(only & exists(c.v), 1.0, shrink.weight(tau2, c.v))}
    estimate = where(only, c.mean, shrink.estimate(c.mean, c.parent, c.weight))
    yield {
        "_pool_estimate": where(exists(estimate), estimate, c.mu) if request.filled else estimate,
        "_pool_se": where(only, sqrt(c.v), sqrt(shrink.marginal_variance(c.tau2, c.pooling, c.se_parent))),
    }


def errors(request: Nested, c: Columns = POLARS) -> Iterator[Step]:
    """Effects and intervals of the nodes of the result, as estimates of the quantity to predict."""
    yield {
        "_pool_effect": nested.effect(c.weight, c.mean, c.parent),
        "_pool_se_effect": where(
            c.only >= request.at, None, sqrt(nested.effect_variance(c.tau2, c.pooling, c.weight, c.se_parent))
        ),
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
        noise = noise + c.column(determined_of(depth))
    return noise
