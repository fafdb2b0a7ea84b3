"""Rows to one row per group: the posterior of its rate, a mixture over the nodes of its model."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...numerics import threads
from ..keys import public
from ..rates.components import type_of_size
from ..rates.estimates import q_values
from ..rates.fit import by_model
from ..rates.pairs import Pairs
from ..rates.spec import AGAINST, GROUPS
from ..tables import WHOLE, series
from .fit import Fitted, Parts, mixtures, solved
from .groups import SIZE, X, grouped, with_unseen
from .refuse import bad_rows
from .spec import RatesPosterior

AT_ONCE = 2**16  # nodes of groups at once: their numbers fit into the cache


def estimates_schema(request: RatesPosterior) -> dict[str, pl.DataType]:
    """The columns of `estimates` after the keys."""
    against = () if request.options.threshold is None else AGAINST
    return {**dict.fromkeys((*GROUPS, *against), pl.Float64()), "n": type_of_size(request)}


def estimates(
    frame: pl.LazyFrame, request: RatesPosterior, unseen: pl.LazyFrame | None = None, only: str | None = None
) -> pl.LazyFrame:
    """One row per group, under public names; groups among `unseen` may have no rows. Of the statistics, all or one."""
    groups, constants = grouped(frame, request)
    groups = with_unseen(groups, unseen, request)
    keys, statistics = groups.select(public(*request.key_names)).collect_schema(), estimates_schema(request)
    if only is not None:
        statistics = {only: statistics[only]}
    return groups.join(constants, how="cross").map_batches(
        partial(_of_groups, request=request, statistics=statistics), schema=pl.Schema({**keys, **statistics}), **WHOLE
    )


def _of_groups(table: pl.DataFrame, request: RatesPosterior, statistics: dict[str, pl.DataType]) -> pl.DataFrame:
    bad_rows(table, request)
    keys = table.select(public(*request.key_names)).schema
    if table.is_empty():
        return pl.DataFrame(schema={**keys, **statistics})
    groups = of_pairs(table.select(*request.keys, X, SIZE, _pool_k=pl.lit(1.0)), request, statistics)
    return groups.select(*public(*request.key_names), *statistics)


def of_pairs(table: pl.DataFrame, request: RatesPosterior, statistics: dict[str, pl.DataType]) -> pl.DataFrame:
    """The rows of a table of events, trials or exposure, and numbers of groups, with the posterior of their rate.

    The rows are sorted by model. Their columns have private names, so results can have theirs.
    """
    rows, start = by_model(table, request.over)
    fitted = solved(Pairs(start, *(rows[f"_pool_{name}"].to_numpy() for name in ("x", "n", "k"))), request)
    values = _posterior(fitted, request, limits=not {"lower", "upper"}.isdisjoint(statistics))
    return rows.with_columns(series(name, values[name][fitted.pair], dtype) for name, dtype in statistics.items())


def _posterior(fitted: Fitted, request: RatesPosterior, limits: bool) -> dict[str, Array]:
    """The statistics of the groups of each pair, NaN where their model has no posterior."""
    pairs = fitted.pairs
    statistics = {name: np.full(len(pairs.x), np.nan) for name in (*GROUPS, *AGAINST)}
    with np.errstate(all="ignore"):
        statistics["n"], statistics["mean"] = pairs.n, np.where(pairs.n > 0, pairs.x / pairs.n, np.nan)
    if fitted.parts is None:
        return statistics
    place = fitted.place[pairs.model]
    rows = np.flatnonzero(place >= 0)
    block = np.cumsum(fitted.parts.lengths[place[rows]]) // AT_ONCE
    blocks = np.split(rows, np.flatnonzero(np.diff(block)) + 1)

    def fill(some: Array) -> None:
        with np.errstate(all="ignore"):
            values = _of_pairs(fitted.parts, place[some], pairs.x[some], pairs.n[some], request, limits)
        for name, x in values.items():
            statistics[name][some] = x

    threads.of_blocks(fill, blocks)
    if request.options.threshold is not None:
        statistics["q_value"][rows] = q_values(statistics["pep"][rows], pairs.k[rows], pairs.model[rows])
    return statistics


def _of_pairs(
    parts: Parts | None, models: Array, x: Array, n: Array, request: RatesPosterior, limits: bool
) -> dict[str, Array]:
    """The statistics of some pairs of models."""
    assert parts is not None
    groups = mixtures(parts, models, x, n, request.family)
    mean, variance = groups.moments()
    prior = parts.take(models)
    weight = np.where(
        n > 0, groups.average(np.repeat(n, prior.lengths) / (np.repeat(n, prior.lengths) + prior.size)), 0.0
    )
    statistics = {"estimate": mean, "se": np.sqrt(variance), "weight": weight}
    if limits:
        level = request.options.level
        statistics["lower"], statistics["upper"] = groups.quantiles((1 - level) / 2, (1 + level) / 2)
    if request.options.threshold is not None:
        statistics["pep"], statistics["p_above"] = groups.probabilities(request.options.threshold)
    return statistics
