"""Independent draws from the posterior, one row a draw and group: for those who go on computing."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ..formulas import shrink
from . import posterior
from .bayes import beside_models
from .groups import WHOLE
from .model import KEY, Model

STATISTICS = {"chain": pl.Int64(), "draw": pl.Int64(), "sigma2": pl.Float64(), "tau": pl.Float64(), "mu": pl.Float64()}
STATISTICS |= {"theta": pl.Float64()}


def drawn(groups: pl.LazyFrame, constants: pl.LazyFrame, model: Model, draws: int, seed: int | None) -> pl.LazyFrame:
    """Every group as often as there are draws, in the order of the keys, whatever order the plan leaves them in."""
    keys = groups.select(*model.keys).collect_schema()
    named = {name.removeprefix(KEY): dtype for name, dtype in keys.items()}
    return groups.join(constants, how="cross").map_batches(
        partial(_drawn, model=model, draws=draws, seed=seed), schema=pl.Schema({**named, **STATISTICS}), **WHOLE
    )


def _drawn(table: pl.DataFrame, model: Model, draws: int, seed: int | None) -> pl.DataFrame:
    table, found = beside_models(table.sort(model.keys), model)
    every = np.repeat(np.arange(table.height), draws)
    keys = table.select(pl.col(model.keys).name.map(lambda name: name.removeprefix(KEY)))[every]
    columns = {name: np.full((table.height, draws), np.nan) for name in ("sigma2", "tau", "mu", "theta")}
    rng = np.random.default_rng(seed)
    if (post := found.post) is not None:
        column, y, v, pivot = (table[f"_pool_{name}"].to_numpy() for name in ("post", "y", "v", "pivot"))
        rows = np.flatnonzero(column >= 0)
        with np.errstate(all="ignore"):
            of_models = posterior.drawn(post, draws, rng)
            sigma2, tau, mu = (x.T[column[rows]] for x in (of_models.sigma2, of_models.tau, of_models.mu))
            inflation = np.where(np.isnan(sigma2), 1.0, sigma2 / post.sigma2[column[rows], None])
            variance, tau2 = v[rows, None] * inflation, tau * tau
            centre = shrink.estimate(y[rows, None], mu, shrink.weight(tau2, variance))
            spread = np.sqrt(shrink.conditional_variance(tau2, shrink.pooling(tau2, variance)))
            theta = centre + spread * rng.standard_normal(tau.shape)
        shift = pivot[rows, None]
        for name, values in {"sigma2": sigma2, "tau": tau, "mu": mu + shift, "theta": theta + shift}.items():
            columns[name][rows] = values
    numbers = {name: pl.Series(name, values.ravel(), nan_to_null=True) for name, values in columns.items()}
    at = {"chain": pl.Series("chain", np.zeros(len(every), dtype=np.int64))}
    at["draw"] = pl.Series("draw", np.tile(np.arange(draws, dtype=np.int64), table.height))
    return keys.with_columns(**at, **numbers)
