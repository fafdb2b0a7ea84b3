"""One row a group: the posterior of its true mean, a mixture of normals over the nodes of its model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from ...formulas import shrink
from ...numerics import mixture
from ...numerics.arrays import Array
from ..oneway.groups import N
from ..oneway.spec import Model
from ..tables import WHOLE
from .fit import Posterior
from .groups import Solved, beside_models

STATISTICS = ("mean", "v", "weight", "estimate", "se", "lower", "upper", "p_above")
CHUNK = 2_000_000  # numbers of a table of nodes and groups at once
NEGLIGIBLE = 1e-17  # weight of a node that no probability of a group can show


@dataclass(frozen=True)
class Wanted:
    """What is told of a group beside its mean and standard deviation."""

    interval: str | None = None
    level: float = 0.95
    predict: str = "mean"
    threshold: float | None = None


def of_groups(groups: pl.LazyFrame, constants: pl.LazyFrame, model: Model, wanted: Wanted) -> pl.LazyFrame:
    """Groups beside the posterior of their true mean, names private."""
    keys = groups.select(*model.keys, N).collect_schema()
    found = pl.Schema({**keys, **dict.fromkeys((f"_pool_{name}" for name in STATISTICS), pl.Float64())})
    return groups.join(constants, how="cross").map_batches(
        partial(_of_groups, model=model, wanted=wanted),
        schema=found,
        **WHOLE,
    )


def _of_groups(table: pl.DataFrame, model: Model, wanted: Wanted) -> pl.DataFrame:
    table, found = beside_models(table, model)
    with np.errstate(all="ignore"):
        told = _told(table, found, wanted)
    series = [pl.Series(f"_pool_{name}", column, nan_to_null=True) for name, column in told.items()]
    return table.with_columns(series).select(*model.keys, N, *(f"_pool_{name}" for name in STATISTICS))


def _told(table: pl.DataFrame, found: Solved, wanted: Wanted) -> dict[str, Array]:
    """The statistics of every group, NaN where its model has no posterior."""
    told = {name: np.full(table.height, np.nan) for name in STATISTICS if name != "mean"}
    told["v"] = table["_pool_v"].to_numpy().copy()
    post = found.post
    if post is None:
        return told
    column, y, v, pivot = (table[f"_pool_{name}"].to_numpy() for name in ("post", "y", "v", "pivot"))
    sigma2, inflation = table["_pool_sigma2"].to_numpy(), post.mean(post.inflation)
    for seen, least in ((v < np.inf, NEGLIGIBLE), (v == np.inf, 0.0)):
        rows = np.flatnonzero((column >= 0) & seen)
        rows = rows[np.lexsort((v[rows], column[rows]))]
        nodes = np.flatnonzero((post.weight > least).any(axis=1))
        chunk = max(1, CHUNK // max(1, len(nodes)))
        for start in range(0, len(rows), chunk):
            some = rows[start : start + chunk]
            answers = _of_some(post, nodes, column[some], y[some], v[some], sigma2[some], pivot[some], wanted)
            for name, answer in answers.items():
                told[name][some] = answer
    has = column >= 0
    told["v"][has] *= inflation[column[has]]
    # What a group's own rows say has a mean wherever v is known.
    told_by_prior = has & ((v == np.inf) | (post.sigma is not None))
    power = found.moments[column]
    told["estimate"][told_by_prior & (power < 1)] = np.nan
    told["se"][told_by_prior & (power < 2)] = np.nan
    return told


def _of_some(
    post: Posterior, nodes: Array, column: Array, y: Array, v: Array, sigma2: Array, pivot: Array, wanted: Wanted
) -> dict[str, Array]:
    """The statistics of groups in the order of their model and v: what depends on v alone is worked out once for it."""
    new = np.append(True, (np.diff(column) != 0) | (np.diff(v) != 0))
    of_class, first = np.cumsum(new) - 1, np.flatnonzero(new)
    at = np.ix_(nodes, column[first])
    p, mu, tau2, inflation = post.weight[at], post.mu[at], post.tau[at] ** 2, post.inflation[at]
    variances = v[first] * inflation
    weight, pooling = shrink.weight(tau2, variances), shrink.pooling(tau2, variances)
    variance = shrink.marginal_variance(tau2, pooling, np.sqrt(post.variance[at]))
    if wanted.predict != "mean":
        noise = sigma2[first] * inflation if wanted.predict == "row" else variances
        variance = shrink.predictive_variance(variance, noise)
    p = p / p.sum(axis=0)
    mean_weight = mixture.average(p, weight)
    p, s = p[:, of_class], np.sqrt(variance)[:, of_class]
    m = np.asarray(shrink.estimate(y, mu[:, of_class], weight[:, of_class]))
    mean, sd = mixture.moments(p, m, s)
    told = {"weight": mean_weight[of_class], "estimate": mean + pivot, "se": sd}
    if wanted.threshold is not None:
        told["p_above"] = mixture.above(p, m, s, wanted.threshold - pivot)
    if wanted.interval is not None:
        interval = mixture.shortest if wanted.interval == "shortest" else mixture.central
        lower, upper, settled = interval(p, m, s, wanted.level)
        told |= {name: np.where(settled, end + pivot, np.nan) for name, end in (("lower", lower), ("upper", upper))}
    return told
