"""Independent draws of the rates, one row per draw and group: from the prior's mean to the rate of each group."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from .. import warning
from ..keys import public
from ..tables import WHOLE, series
from . import posterior
from .components import parameters
from .estimates import pooled_completely
from .fit import by_model, solved
from .groups import SIZE, X, grouped
from .pairs import Pairs
from .refuse import bad_rows
from .spec import Family, Rates
from .unseen import with_unseen

NUMBERS = ("mean", "rho", "theta")
STATISTICS = {"chain": pl.Int64(), "draw": pl.Int64(), **dict.fromkeys(NUMBERS, pl.Float64())}


def draws(
    frame: pl.LazyFrame, request: Rates, number: int, seed: int | None, unseen: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    """A number of draws of every group, sorted by the keys and the draw; groups among `unseen` may have no rows."""
    groups, constants = grouped(frame, request)
    groups = with_unseen(groups, unseen, request)
    keys = groups.select(public(*request.key_names)).collect_schema()
    return groups.join(constants, how="cross").map_batches(
        partial(_draws, request=request, number=number, seed=seed),
        schema=pl.Schema({**keys, **STATISTICS}),
        **WHOLE,
    )


def _draws(table: pl.DataFrame, request: Rates, number: int, seed: int | None) -> pl.DataFrame:
    bad_rows(table, request)
    rows, start = by_model(table.sort(request.keys).select(*request.keys, X, SIZE), request.over)
    every = np.repeat(np.arange(rows.height), number)
    keys = rows.select(public(*request.key_names))[every]
    statistics = {name: np.full((rows.height, number), np.nan) for name in NUMBERS}
    if rows.height:
        x, n = (rows[f"_pool_{name}"].to_numpy() for name in ("x", "n"))
        statistics = _of_groups(Pairs(start, x, n, np.ones(rows.height)), request, number, np.random.default_rng(seed))
    numbers = {name: series(name, values.ravel(), pl.Float64) for name, values in statistics.items()}
    places = {"chain": pl.Series("chain", np.zeros(len(every), dtype=np.int64))}
    places["draw"] = pl.Series("draw", np.tile(np.arange(number, dtype=np.int64), rows.height))
    return keys.with_columns(**places, **numbers)


def _of_groups(groups: Pairs, request: Rates, number: int, rng: np.random.Generator) -> dict[str, Array]:
    """Draws of the prior's mean and overdispersion and of the rate of each group; NaN where the prior is unknown."""
    fitted = solved(groups, request)
    warning.warn({warning.POOLED_RATES: pooled_completely(fitted, request)}, request.caller)
    model = fitted.model[groups.model]
    with np.errstate(all="ignore"):
        prior = posterior.Prior(fitted.prior.mean, *parameters(fitted.prior, request), request.family)
        mean = np.repeat(prior.mean[model, None], number, axis=1)
        if isinstance(request.prior, str) and request.options.uncertainty == "mu":
            effective = fitted.pairs.sum(posterior.effective(fitted.pairs.n, prior.of(fitted.pairs.model)))
            mean = _means(prior.of(fitted.model), effective[fitted.model], number, rng)[groups.model]
        size = prior.size[model, None]
        rho = 1 / (1 + size + 0 * mean) if request.family == "binomial" else 1 / (mean * size)
        theta = _rates(groups.x[:, None], groups.n[:, None], mean, size, rng, request.family)
    return {"mean": mean, "rho": np.where(np.isnan(mean), np.nan, np.where(np.isinf(size), 0.0, rho)), "theta": theta}


def _means(prior: posterior.Prior, effective: Array, number: int, rng: np.random.Generator) -> Array:
    """Draws of the prior's mean of each model: the posterior of a common rate in so many trials, or so much exposure.

    The rate of a group then has the mean and the variance of its interval by `shrink` (see formulas/rates.py).
    """
    events, effective = (np.repeat(e[:, None], number, axis=1) for e in (prior.mean * effective, effective))
    if prior.family == "binomial":
        return _beta(events + 0.5, effective - events + 0.5, rng)
    return _gamma(events + 0.5, rng) / effective


def _rates(x: Array, n: Array, mean: Array, size: Array, rng: np.random.Generator, family: Family) -> Array:
    """Draws of the rate of each group given the prior's mean and size; of an infinite size all are the mean."""
    if family == "poisson":
        return np.where(np.isinf(size), mean, _gamma(mean * size + x, rng) / (n + size))
    before, others = mean * size + x, (1 - mean) * size + (n - x)
    theta = _beta(before, others, rng)
    theta = np.where(before == 0, 0.0, np.where(others == 0, 1.0, theta))
    both = (before == 0) & (others == 0)  # of size 0, rates are 0 or 1
    if both.any():
        theta = np.where(both, rng.uniform(size=mean.shape) < mean, theta)
    return np.where(np.isinf(size), mean, theta)


def _beta(first: Array, second: Array, rng: np.random.Generator) -> Array:
    """Draws of beta distributions; NaN where a parameter is not positive and finite."""
    proper = (first > 0) & (second > 0) & np.isfinite(first + second)
    return np.where(proper, rng.beta(np.where(proper, first, 1.0), np.where(proper, second, 1.0)), np.nan)


def _gamma(shape: Array, rng: np.random.Generator) -> Array:
    """Draws of gamma distributions of rate 1; NaN where the shape is not positive and finite."""
    proper = (shape > 0) & np.isfinite(shape)
    return np.where(proper, rng.standard_gamma(np.where(proper, shape, 1.0)), np.nan)
