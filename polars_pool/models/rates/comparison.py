"""Groups to one row per model: how well each way of pooling predicts single trials that are held out."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import comparison, trials
from ...formulas.rates import effective_trials
from ...numerics import special
from ..keys import public
from ..tables import WHOLE, series
from .fit import Fitted, by_model, solved
from .groups import SIZE, X, grouped
from .pairs import Pairs
from .refuse import bad_rows
from .spec import Rates

WAYS = ("none", "complete", "partial")
STATISTICS: dict[str, pl.DataType] = {
    **dict.fromkeys(("groups", "n"), pl.Int64()),
    **dict.fromkeys((*WAYS, "gain_on_none", "gain_on_complete", *(f"log_{way}" for way in WAYS)), pl.Float64()),
}


def comparisons(frame: pl.LazyFrame, request: Rates) -> pl.LazyFrame:
    """One row per model, under public names."""
    groups, constants = grouped(frame, request)
    keys = groups.select(public(*request.over_names)).collect_schema()
    pairs = groups.group_by(*request.over, X, SIZE).agg(pl.len().cast(pl.Float64).alias("_pool_k"))
    return pairs.join(constants, how="cross").map_batches(
        partial(_of_pairs, request=request), schema=pl.Schema({**keys, **STATISTICS}), **WHOLE
    )


def _of_pairs(table: pl.DataFrame, request: Rates) -> pl.DataFrame:
    """The comparison of every model in a table of distinct pairs, each with its number of groups."""
    bad_rows(table, request)
    keys = table.select(public(*request.over_names)).schema
    if table.is_empty() and request.over:
        return pl.DataFrame(schema={**keys, **STATISTICS})
    if table.is_empty():
        table = table.clear(1).fill_null(0.0)  # one model without groups
    rows, start = by_model(table, request.over)
    fitted = solved(Pairs(start, *(rows[f"_pool_{name}"].to_numpy() for name in ("x", "n", "k"))), request)
    with np.errstate(all="ignore"):
        statistics = _compared(fitted, isinstance(request.prior, str), request.prior == "moments")
    of_keys = rows.select(public(*request.over_names))[start].get_columns() if request.over else []
    columns = (series(name, statistics[name][fitted.model], dtype) for name, dtype in STATISTICS.items())
    return pl.DataFrame([*of_keys, *columns])


def _compared(f: Fitted, estimated: bool, of_trials: bool) -> dict[str, Array]:
    """The statistics of every model, NaN where no group has two trials."""
    pairs = f.pairs
    several = pairs.n > 1
    n = pairs.sum(np.where(several, pairs.n, 0.0))
    of_events, of_others = (_predicted(f, outcome, estimated, of_trials) for outcome in (1.0, 0.0))
    statistics = {"groups": f.groups, "n": n}
    for way, of_event, of_other in zip(WAYS, of_events, of_others, strict=True):
        squares = trials.squares(pairs.x, pairs.n, of_event, of_other)
        logs = special.xlogy(pairs.x, of_event) + special.xlog1py(pairs.n - pairs.x, -of_other)
        for name, score in ((way, squares), (f"log_{way}", logs)):
            statistics[name] = pairs.sum(np.where(several, score, 0.0)) / np.where(n > 0, n, np.nan)
    gains = {f"gain_on_{way}": comparison.gain(statistics["partial"], statistics[way]) for way in ("none", "complete")}
    return statistics | {name: np.asarray(gain) for name, gain in gains.items()}


def _predicted(f: Fitted, outcome: float, estimated: bool, of_trials: bool) -> tuple[Array, Array, Array]:
    """The predictions of a held-out trial of each pair that has this outcome, in the order of WAYS.

    `estimated` says whether the prior's mean is estimated, and `of_trials` whether as the rate of all trials. A known
    mean is the prediction of complete pooling.
    """
    pairs, mean = f.pairs, f.pairs.each(f.prior.mean)
    x, n, size = pairs.x, pairs.n, pairs.each(f.prior.size)
    raw = np.clip(trials.by_others(x, n, outcome), 0, 1)
    complete = mean
    if estimated:
        every = pairs.each(pairs.sum(n))
        complete = np.clip(trials.by_others(pairs.each(pairs.sum(x)), every, outcome), 0, 1)
        count, count_less = (n, n - 1) if of_trials else (effective_trials(e, size) for e in (n, n - 1))
        total = pairs.each(pairs.sum(count))
        mean = np.clip(trials.mean_without(x / n, raw, mean, count, count_less, total), 0, 1)
    return raw, complete, np.clip(trials.pooled(x, n, outcome, mean, size), 0, 1)
