"""Rows to one row per group: the posterior of its true mean, a mixture of normals over the nodes of its model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import shrink
from ...numerics import mixture
from ..oneway.estimates import result
from ..oneway.groups import N, grouped
from ..oneway.unseen import with_unseen
from ..tables import WHOLE, series
from .fit import Posterior
from .groups import Posteriors, with_models
from .spec import Options, PosteriorMeans

STATISTICS = ("mean", "v", "weight", "estimate", "se", "lower", "upper", "p_above")
CHUNK = 2_000_000  # numbers of a table of nodes and groups at once
NEGLIGIBLE = 1e-17  # the weight of a node below which no probability of a group changes


def estimates_schema(request: PosteriorMeans) -> dict[str, pl.DataType]:
    """The columns of `estimates` after the keys."""
    against = () if request.options.threshold is None else ("p_above",)
    statistics = ("mean", "v", "weight", "estimate", "se", "lower", "upper", *against)
    return {"n": pl.Int64(), **dict.fromkeys(statistics, pl.Float64())}


def estimates(frame: pl.LazyFrame, request: PosteriorMeans, unseen: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """One row per group, under public names; groups among `unseen` may have no rows."""
    groups, constants = grouped(frame, request)
    groups = with_unseen(groups, unseen, request)
    return result(of_groups(groups, constants, request), request.key_names, tuple(estimates_schema(request)))


def of_groups(groups: pl.LazyFrame, constants: pl.LazyFrame, request: PosteriorMeans) -> pl.LazyFrame:
    """The groups with the posterior of their true mean, under private names."""
    keys = groups.select(*request.keys, N).collect_schema()
    statistics = dict.fromkeys((f"_pool_{name}" for name in STATISTICS), pl.Float64())
    return groups.join(constants, how="cross").map_batches(
        partial(_of_groups, request=request), schema=pl.Schema({**keys, **statistics}), **WHOLE
    )


def _of_groups(table: pl.DataFrame, request: PosteriorMeans) -> pl.DataFrame:
    table, models = with_models(table, request)
    statistics = of_table(table, models, request.options)
    return table.with_columns(statistics).select(*request.keys, N, *(f"_pool_{name}" for name in STATISTICS))


def of_table(table: pl.DataFrame, models: Posteriors, options: Options) -> pl.DataFrame:
    """The statistics of the groups in a table that names the column of their model in the posterior."""
    with np.errstate(all="ignore"):
        statistics = _statistics(table, models, options)
    return pl.DataFrame([series(f"_pool_{name}", values, pl.Float64) for name, values in statistics.items()])


def _statistics(table: pl.DataFrame, models: Posteriors, options: Options) -> dict[str, Array]:
    """The statistics of every group, NaN where its model has no posterior."""
    statistics = {name: np.full(table.height, np.nan) for name in STATISTICS if name != "mean"}
    statistics["v"] = table["_pool_v"].to_numpy().copy()
    post = models.post
    if post is None:
        return statistics
    column, y, v, pivot = (table[f"_pool_{name}"].to_numpy() for name in ("post", "y", "v", "pivot"))
    sigma2, inflation = table["_pool_sigma2"].to_numpy(), post.mean(post.inflation)
    for seen, least in ((v < np.inf, NEGLIGIBLE), (v == np.inf, 0.0)):
        rows = np.flatnonzero((column >= 0) & seen)
        rows = rows[np.lexsort((v[rows], column[rows]))]
        nodes = np.flatnonzero((post.weight > least).any(axis=1))
        chunk = max(1, CHUNK // max(1, len(nodes)))
        for start in range(0, len(rows), chunk):
            some = rows[start : start + chunk]
            groups = Groups(column[some], y[some], v[some], sigma2[some], pivot[some])
            for name, values in mixed(post, nodes, groups, options).items():
                statistics[name][some] = values
    has_posterior = column >= 0
    statistics["v"][has_posterior] *= inflation[column[has_posterior]]
    # From its own rows a group's mean has finite moments wherever v is known.
    by_prior = has_posterior & ((v == np.inf) | (post.sigma is not None))
    power = models.moments[column]
    statistics["estimate"][by_prior & (power < 1)] = np.nan
    statistics["se"][by_prior & (power < 2)] = np.nan
    return statistics


@dataclass(frozen=True)
class Groups:
    """Groups sorted by the column of their model in the posterior, and by v."""

    column: Array
    y: Array
    v: Array
    sigma2: Array
    pivot: Array


def mixed(post: Posterior, nodes: Array, groups: Groups, options: Options) -> dict[str, Array]:
    """The statistics of groups; those that depend on v alone are computed once for each v."""
    column, v, pivot = groups.column, groups.v, groups.pivot
    new = np.append(True, (np.diff(column) != 0) | (np.diff(v) != 0))
    of_class, first = np.cumsum(new) - 1, np.flatnonzero(new)
    at = np.ix_(nodes, column[first])
    p, mu, tau2, inflation = post.weight[at], post.mu[at], post.tau[at] ** 2, post.inflation[at]
    variances = v[first] * inflation
    weight, pooling = shrink.weight(tau2, variances), shrink.pooling(tau2, variances)
    variance = shrink.marginal_variance(tau2, pooling, np.sqrt(post.variance[at]))
    if options.predict != "mean":
        noise = groups.sigma2[first] * inflation if options.predict == "row" else variances
        variance = shrink.predictive_variance(variance, noise)
    p = p / p.sum(axis=0)
    mean_weight = mixture.average(p, weight)
    p, s = p[:, of_class], np.sqrt(variance)[:, of_class]
    m = np.asarray(shrink.estimate(groups.y, mu[:, of_class], weight[:, of_class]))
    mean, sd = mixture.moments(p, m, s)
    statistics = {"weight": mean_weight[of_class], "estimate": mean + pivot, "se": sd}
    if options.threshold is not None:
        statistics["p_above"] = mixture.above(p, m, s, options.threshold - pivot)
    if options.interval is not None:
        interval = mixture.shortest if options.interval == "shortest" else mixture.central
        lower, upper, settled = interval(p, m, s, options.level)
        statistics["lower"], statistics["upper"] = (np.where(settled, end + pivot, np.nan) for end in (lower, upper))
    return statistics
