"""Independent draws from the posterior, one row per draw and group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import shrink
from ..keys import KEY
from ..oneway.groups import grouped
from ..oneway.unseen import with_unseen
from ..tables import WHOLE, series
from . import tau as tau_
from .fit import Posterior
from .groups import with_models
from .hierarchy import at_tau
from .nodes import inflated, nodes_of_tau
from .spec import PosteriorMeans

STATISTICS = {"chain": pl.Int64(), "draw": pl.Int64(), "sigma2": pl.Float64(), "tau": pl.Float64(), "mu": pl.Float64()}
STATISTICS |= {"theta": pl.Float64()}
CHUNK = 2_000_000  # groups at once


def draws(
    frame: pl.LazyFrame, request: PosteriorMeans, number: int, seed: int | None, unseen: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    """A number of draws of every group, sorted by the keys and the draw; groups among `unseen` may have no rows."""
    groups, constants = grouped(frame, request)
    groups = with_unseen(groups, unseen, request)
    keys = groups.select(*request.keys).collect_schema()
    public_keys = {name.removeprefix(KEY): dtype for name, dtype in keys.items()}
    return groups.join(constants, how="cross").map_batches(
        partial(_draws, request=request, number=number, seed=seed),
        schema=pl.Schema({**public_keys, **STATISTICS}),
        **WHOLE,
    )


def _draws(table: pl.DataFrame, request: PosteriorMeans, number: int, seed: int | None) -> pl.DataFrame:
    table, models = with_models(table.sort(request.keys), request)
    every = np.repeat(np.arange(table.height), number)
    keys = table.select(pl.col(request.keys).name.map(lambda name: name.removeprefix(KEY)))[every]
    statistics = {name: np.full((table.height, number), np.nan) for name in ("sigma2", "tau", "mu", "theta")}
    if models.post is not None:
        rows = np.flatnonzero(table["_pool_post"].to_numpy() >= 0)
        for name, values in _of_groups(table[rows], models.post, number, np.random.default_rng(seed)).items():
            statistics[name][rows] = values
    numbers = {name: series(name, values.ravel(), pl.Float64) for name, values in statistics.items()}
    places = {"chain": pl.Series("chain", np.zeros(len(every), dtype=np.int64))}
    places["draw"] = pl.Series("draw", np.tile(np.arange(number, dtype=np.int64), table.height))
    return keys.with_columns(**places, **numbers)


def _of_groups(table: pl.DataFrame, post: Posterior, number: int, rng: np.random.Generator) -> dict[str, Array]:
    """Draws of the true mean theta of each group with a posterior, and of the hyperparameters of its model."""
    column, y, v, pivot = (table[f"_pool_{name}"].to_numpy() for name in ("post", "y", "v", "pivot"))
    with np.errstate(all="ignore"):
        of_models = draws_of_models(post, number, rng)
        sigma2, tau, mu = (x.T[column] for x in (of_models.sigma2, of_models.tau, of_models.mu))
        inflation = np.where(np.isnan(sigma2), 1.0, sigma2 / post.sigma2[column, None])
        variance, tau2 = v[:, None] * inflation, tau * tau
        centre = shrink.estimate(y[:, None], mu, shrink.weight(tau2, variance))
        spread = np.sqrt(shrink.conditional_variance(tau2, shrink.pooling(tau2, variance)))
        theta = centre + spread * rng.standard_normal(tau.shape)
    shift = pivot[:, None]
    return {"sigma2": sigma2, "tau": tau, "mu": mu + shift, "theta": np.asarray(theta + shift)}


@dataclass(frozen=True)
class Draws:
    """Independent draws, one row per draw and one column per model; theta follows from them group by group."""

    sigma2: Array
    tau: Array
    mu: Array


def draws_of_models(post: Posterior, number: int, rng: np.random.Generator) -> Draws:
    """Draws of sigma, of tau conditional on sigma, and of mu conditional on both."""
    shape = number, post.models
    first, second, normal = rng.uniform(size=shape), rng.uniform(size=shape), rng.standard_normal(shape)
    draws = Draws(*(np.empty(shape) for _ in range(3)))
    at_once = max(1, CHUNK // max(1, len(post.g.y)))
    for start in range(0, number, at_once):
        rows = slice(start, start + at_once)
        models = np.tile(np.arange(post.models), len(first[rows]))
        sigma2 = post.sigma2[models]
        if post.sigma is not None:
            sigma2 = post.sigma.quantile(first[rows].ravel(), models) ** 2
        inside, hierarchy = inflated(post.g, models, sigma2 / post.sigma2[models]), post.hierarchy.take(models)
        if post.sigma is None or post.cells is None:
            tau = tau_.quantile(post, second[rows].ravel(), models)
        else:
            cells = nodes_of_tau(inside, hierarchy)
            assert cells is not None
            tau = cells.quantile(second[rows].ravel(), np.arange(len(models)))
        at = at_tau(inside, tau, hierarchy.population)
        mu = at.mu + np.sqrt(at.variance) * normal[rows].ravel()
        for column, values in ((draws.sigma2, sigma2), (draws.tau, tau), (draws.mu, mu)):
            column[rows] = values.reshape(-1, post.models)
    return draws
