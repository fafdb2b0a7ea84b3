"""Rows to one row per group: its rank among the groups of its model, with the uncertainty of this rank.

Ranks are conditional on sigma2, tau2 and mu, as the true means of the groups are independent only then.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ..keys import public
from ..tables import WHOLE, series
from .estimates import with_errors
from .rank_probabilities import ranks_of
from .spec import Means, Ranking

STATISTICS = ("estimate", "se", "rank", "expected_rank", "rank_lower", "rank_upper", "p_best")
ESTIMATE, SE, RANK, EXPECTED = (pl.col(f"_pool_{name}") for name in ("estimate", "se", "rank", "expected_rank"))


def columns(ranking: Ranking) -> tuple[str, ...]:
    """The columns of a ranking after the keys."""
    return STATISTICS if ranking.top is None else (*STATISTICS, "p_top")


def ranks(frame: pl.LazyFrame, request: Means, ranking: Ranking, unseen: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """One row per group, the first of each model first, under public names; groups among `unseen` may have no rows."""
    estimates = with_errors(frame, request, unseen).select(*request.keys, ESTIMATE, SE)
    private = {f"_pool_{name}": pl.Float64() for name in columns(ranking)}
    ranked = estimates.map_batches(
        partial(_ranked, request=request, ranking=ranking),
        schema=pl.Schema({**estimates.select(*request.keys).collect_schema(), **private}),
        **WHOLE,
    )
    statistics = (pl.col(f"_pool_{name}").alias(name) for name in columns(ranking))
    return ranked.select(*public(*request.key_names), *statistics)


def _ranked(estimates: pl.DataFrame, request: Means, ranking: Ranking) -> pl.DataFrame:
    """The estimates of all models with their ranks."""
    models = estimates.partition_by(request.over) if request.over and estimates.height else [estimates]
    table = pl.concat([_of_model(model, request.options.level, ranking) for model in models])
    nulls_last = [False] * len(request.over) + [True, *[False] * len(request.by_names)]
    return table.sort(*request.over, EXPECTED, *request.keys[len(request.over) :], nulls_last=nulls_last)


def _of_model(estimates: pl.DataFrame, level: float, ranking: Ranking) -> pl.DataFrame:
    """The groups of a model with their ranks, null for groups without an estimate or its standard error."""
    m, s = (column.fill_null(np.nan).to_numpy() for column in estimates.select(ESTIMATE, SE))
    known = np.isfinite(m) & np.isfinite(s)
    names = columns(ranking)[len(("estimate", "se", "rank")) :]
    statistics = dict.fromkeys(names, np.full(len(m), np.nan))
    if known.any():
        numbers = _numbers(ranking, int(known.sum()))
        r = ranks_of(m[known] if ranking.descending else -m[known], s[known], numbers, level)
        values = (r.expected, r.lower, r.upper, *r.first.T)
        statistics = {name: _placed(value, known) for name, value in zip(names, values, strict=True)}
    estimate = pl.when(pl.Series(known)).then(ESTIMATE)
    rank = estimate.rank("average", descending=ranking.descending).alias("_pool_rank")
    added = (series(f"_pool_{name}", values, pl.Float64()) for name, values in statistics.items())
    return estimates.with_columns(rank).with_columns(*added)


def _numbers(ranking: Ranking, groups: int) -> tuple[int, ...]:
    """The numbers of first groups whose probability is computed: the best alone, and the number or share of top."""
    if ranking.top is None:
        return (1,)
    return 1, ranking.top if isinstance(ranking.top, int) else max(1, round(ranking.top * groups))


def _placed(values: Array, known: Array) -> Array:
    result = np.full(len(known), np.nan)
    result[known] = values
    return result
