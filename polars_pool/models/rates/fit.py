"""Tables of groups to the prior of each model: by maximum likelihood, by moments, or known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas.priors import Beta, Gamma
from .. import warning
from .groups import SIZE
from .maximum import by_likelihood
from .pairs import Pairs
from .prior import Prior, by_moments, known
from .spec import Rates


@dataclass(frozen=True)
class Fitted:
    """The prior of each distinct model, its number of groups that have trials or exposure, and its total; its pairs.

    Models of the same pairs are one: `models` holds the keys of all models, with the number of the distinct one.
    """

    models: pl.DataFrame
    pairs: pl.DataFrame
    prior: Prior
    groups: Array
    n: Array


def solved(pairs: pl.DataFrame, request: Rates) -> Fitted:
    """The fitted models of a table of pairs."""
    models, pairs = _distinct(pairs, request.over)
    informative = pairs.filter(SIZE > 0)
    present, start = np.unique(informative["_pool_model"].to_numpy(), return_index=True)
    arrays = Pairs(start, *(informative[f"_pool_{name}"].to_numpy() for name in ("x", "n", "k")))
    with np.errstate(all="ignore"):
        estimates = _estimated(arrays, request)
    warning.warn({warning.UNSETTLED_PRIOR: ~estimates.converged}, request.caller)
    number = int(models["_pool_model"].to_numpy().max()) + 1
    prior = _without_groups(number, request)
    prior.put(present, estimates)
    groups, n = np.zeros((2, number))
    groups[present], n[present] = arrays.sum(np.ones_like(arrays.x)), arrays.sum(arrays.n)
    return Fitted(models, pairs, prior, groups, n)


def _distinct(pairs: pl.DataFrame, over: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The keys of the models with the numbers of the distinct ones, and the pairs of these, sorted by their numbers.

    Many small models have few distinct counts: a million models of five groups of three trials are 56 distinct ones.
    """
    if not over:
        return pl.DataFrame({"_pool_model": [0]}), pairs.with_columns(_pool_model=pl.lit(0))
    columns = ["_pool_x", "_pool_n", "_pool_k"]
    models = pairs.sort("_pool_x", "_pool_n").group_by(over, maintain_order=True).agg(columns)
    distinct = models.group_by(columns, maintain_order=True).agg(over).with_row_index("_pool_model")
    keys = distinct.select("_pool_model", *over).explode(over, empty_as_null=False)
    return keys, distinct.select("_pool_model", *columns).explode(columns, empty_as_null=False)


def _estimated(pairs: Pairs, request: Rates) -> Prior:
    if isinstance(request.prior, Beta | Gamma):
        return known(pairs, request.family, request.prior.mean, request.prior.size)
    estimator = by_likelihood if request.prior == "ml" else by_moments
    return estimator(pairs, request.family)


def _without_groups(models: int, request: Rates) -> Prior:
    """The priors of models without groups: unknown, except for a known prior."""
    mean, size, log_likelihood = np.nan, np.nan, np.nan
    if is_known := isinstance(request.prior, Beta | Gamma):
        mean, size, log_likelihood = request.prior.mean, request.prior.size, 0.0
    return Prior(
        mean=np.full(models, mean),
        size=np.full(models, size),
        covariance=np.full((models, 2, 2), np.nan),
        log_likelihood=np.full(models, log_likelihood),
        converged=np.full(models, is_known),
    )
