"""Groups to the prior of each model: by maximum likelihood, by moments, or known."""

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
    """The distinct models, their pairs, and for each the prior, the number of groups with trials, and their total.

    `model` is the distinct model of each model, and `pair` the pair of each row.
    """

    pairs: Pairs
    prior: Prior
    groups: Array
    n: Array
    model: Array
    pair: Array


def by_model(table: pl.DataFrame, over: tuple[str, ...]) -> tuple[pl.DataFrame, Array]:
    """The rows of a table sorted by model, and the first row of each model."""
    if not over:
        return table, np.zeros(1, dtype=np.int64)
    columns = [name for name in table.columns if name not in over]
    lists = table.group_by(over, maintain_order=True).agg(columns)
    lengths = lists.select(SIZE.list.len().cast(pl.Int64)).to_series().to_numpy()
    return lists.explode(columns, empty_as_null=False), np.cumsum(lengths) - lengths


def solved(rows: Pairs, request: Rates) -> Fitted:
    """The fitted models of rows, whose pairs need not be distinct. Equal models are solved once."""
    pairs, model, pair = distinct_models(rows)
    return Fitted(pairs, *_fitted(pairs, request), model, pair)


def distinct_models(rows: Pairs) -> tuple[Pairs, Array, Array]:
    """The distinct models of rows with their distinct pairs, the number of each model, and the pair of each row."""
    pairs, pair = rows.distinct()
    first = pairs.first_equal()
    distinct = np.flatnonzero(first == np.arange(pairs.models))
    model = np.searchsorted(distinct, first)
    some = pairs.take(distinct)
    pair += np.repeat(some.start[model] - pairs.start, rows.lengths)
    return some, model, pair


def _fitted(pairs: Pairs, request: Rates) -> tuple[Prior, Array, Array]:
    """The prior of each model, its number of groups that have trials or exposure, and their total."""
    present, some = informative(pairs)
    with np.errstate(all="ignore"):
        estimates = _estimated(some, request)
    warning.warn({warning.UNSETTLED_PRIOR: ~estimates.converged}, request.caller)
    prior = _without_groups(pairs.models, request)
    prior.put(present, estimates)
    groups, n = np.zeros((2, pairs.models))
    groups[present], n[present] = some.sum(np.ones_like(some.x)), some.sum(some.n)
    return prior, groups, n


def informative(pairs: Pairs) -> tuple[Array, Pairs]:
    """The models with groups that have trials or exposure, and the pairs of these groups."""
    some = pairs.n > 0
    if some.all() and len(some):
        return np.arange(pairs.models), pairs
    rows = np.flatnonzero(some)
    number = np.bincount(pairs.model[rows], minlength=pairs.models)
    present = np.flatnonzero(number)
    start = np.cumsum(number[present]) - number[present]
    return present, Pairs(start, pairs.x[rows], pairs.n[rows], pairs.k[rows])


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
