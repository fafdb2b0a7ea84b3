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
    """The models of a table with their prior, their number of groups that have trials or exposure, and its total."""

    models: pl.DataFrame
    prior: Prior
    groups: Array
    n: Array


def solved(pairs: pl.DataFrame, request: Rates) -> Fitted:
    """The fitted models of a table of pairs, in the order of their first rows."""
    if request.over:
        models = pairs.select(*request.over).unique(maintain_order=True).with_row_index("_pool_model")
        numbered = pairs.join(models, on=request.over, how="left", nulls_equal=True)
    else:
        models = pl.DataFrame({"_pool_model": pl.Series([0], dtype=pl.UInt32)})
        numbered = pairs.with_columns(_pool_model=pl.lit(0, pl.UInt32))
    informative = numbered.filter(SIZE > 0).sort("_pool_model")
    present, start = np.unique(informative["_pool_model"].to_numpy(), return_index=True)
    arrays = Pairs(start, *(informative[f"_pool_{name}"].to_numpy() for name in ("x", "n", "k")))
    with np.errstate(all="ignore"):
        estimates = _estimated(arrays, request)
    warning.warn({warning.UNSETTLED_PRIOR: ~estimates.converged}, request.caller)
    prior = _without_groups(models.height, request)
    prior.put(present, estimates)
    groups, n = np.zeros((2, models.height))
    groups[present], n[present] = arrays.sum(np.ones_like(arrays.x)), arrays.sum(arrays.n)
    return Fitted(models, prior, groups, n)


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
