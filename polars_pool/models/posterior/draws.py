"""Independent draws from the posterior, one row a draw and group: for those who go on computing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from ...formulas import shrink
from ...numerics.arrays import Array
from ..keys import KEY
from ..oneway.spec import Model
from ..tables import WHOLE
from .fit import Posterior, inflated, nodes_of_tau, tau_quantile
from .groups import beside_models
from .hierarchy import at_tau

STATISTICS = {"chain": pl.Int64(), "draw": pl.Int64(), "sigma2": pl.Float64(), "tau": pl.Float64(), "mu": pl.Float64()}
STATISTICS |= {"theta": pl.Float64()}
CHUNK = 2_000_000  # groups at once


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
            drawn_models = of_models(post, draws, rng)
            sigma2, tau, mu = (x.T[column[rows]] for x in (drawn_models.sigma2, drawn_models.tau, drawn_models.mu))
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


@dataclass(frozen=True)
class Draws:
    """Independent draws, a row a draw and a column a model; theta follows from them group by group."""

    sigma2: Array
    tau: Array
    mu: Array


def of_models(post: Posterior, draws: int, rng: np.random.Generator) -> Draws:
    """Draws of sigma, of tau given sigma, and of mu given both."""
    shape = draws, post.models
    first, second, normal = rng.uniform(size=shape), rng.uniform(size=shape), rng.standard_normal(shape)
    found = Draws(*(np.empty(shape) for _ in range(3)))
    at_once = max(1, CHUNK // max(1, len(post.g.y)))
    for start in range(0, draws, at_once):
        rows = slice(start, start + at_once)
        models = np.tile(np.arange(post.models), len(first[rows]))
        sigma2 = post.sigma2[models]
        if post.sigma is not None:
            sigma2 = post.sigma.quantile(first[rows].ravel(), models) ** 2
        inside, asked = inflated(post.g, models, sigma2 / post.sigma2[models]), post.asked.take(models)
        if post.sigma is None or post.cells is None:
            tau = tau_quantile(post, second[rows].ravel(), models)
        else:
            cells = nodes_of_tau(inside, asked)
            assert cells is not None
            tau = cells.quantile(second[rows].ravel(), np.arange(len(models)))
        at = at_tau(inside, tau, asked.population)
        mu = at.mu + np.sqrt(at.variance) * normal[rows].ravel()
        for column, values in ((found.sigma2, sigma2), (found.tau, tau), (found.mu, mu)):
            column[rows] = values.reshape(-1, post.models)
    return found
