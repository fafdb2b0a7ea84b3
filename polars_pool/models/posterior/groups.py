"""Tables of groups to the posteriors of their models.

An improper posterior raises an error, or gives no results among several models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import within
from ...formulas.priors import Normal, Prior
from .. import warning
from ..many import Groups
from ..oneway import components
from ..oneway.fit import with_variances
from ..oneway.groups import PIVOT, W, Y
from ..oneway.pooling import own_variance
from ..oneway.refuse import bad_rows
from ..oneway.spec import OneWay
from ..tables import series
from . import proper
from .fit import Posterior, integrated
from .hierarchy import Hierarchy, Population
from .refuse import improper_at_zero, no_squares, too_few_groups

OF_MODEL = tuple(f"_pool_{name}" for name in ("pivot", "sigma2", "df_prior", "sigma2_prior", "post"))


@dataclass(frozen=True)
class Posteriors:
    """The models of a table: those that have groups (`present`), and those among them with a posterior (`chosen`)."""

    models: pl.DataFrame
    pivot: Array
    present: Array
    chosen: Array
    hierarchy: Hierarchy | None
    g: Groups | None
    sigma2: Array
    df_prior: Array
    sigma2_prior: Array
    identified: Array
    moments: Array  # the largest power of tau (and of sigma) with a finite mean, for the chosen
    post: Posterior | None

    def of_models(self, values: Array, nothing: float = np.nan) -> Array:
        """Values of the models that have a posterior as values of all models."""
        column = np.full(self.models.height, nothing)
        column[self.present[self.chosen]] = values
        return column

    def of_present(self, values: Array) -> Array:
        """Values of the models that have groups as values of all models."""
        column = np.full(self.models.height, np.nan)
        column[self.present] = values
        return column


def posteriors(classes: pl.DataFrame, request: OneWay) -> Posteriors:
    """The posterior of every model in a table of classes; an improper one raises an error if it is the only model."""
    bad_rows(classes, request)
    models, pivot, groups, present = components.by_model(classes, request)
    if groups is None:
        none = np.zeros(0)
        return Posteriors(models, pivot, present, present, None, None, none, none, none, none, none, None)
    hierarchy = _hierarchy(request, pivot[present])
    with np.errstate(all="ignore"):
        g, within_groups = with_variances(groups, request.published, hierarchy.sigma2, by_size=False)
        identified = ~np.isnan(g.sum(g.v))
        enough = proper.moments_of_tau(g, hierarchy)
        at_zero = proper.proper_at_zero(g, hierarchy)
        spread = (g.squares_within > 0) | (not isinstance(hierarchy.sigma2, Prior))
        if not request.over and identified.all():
            no_squares(hierarchy.sigma2, spread)
            too_few_groups(hierarchy.tau2, g.groups, proper.tail_exponent(g, hierarchy))
            improper_at_zero(hierarchy.tau2, at_zero)
        chosen = np.flatnonzero(identified & (enough >= 0) & at_zero & spread)
        post = integrated(g.take(chosen), hierarchy.take(chosen), within_groups.pooled[chosen]) if chosen.size else None
    moments = np.minimum(enough, proper.moments_of_sigma(g, hierarchy))[chosen]
    variances = (within_groups.pooled, within_groups.df_prior, within_groups.prior)
    result = Posteriors(models, pivot, present, chosen, hierarchy, g, *variances, identified, moments, post)
    warning.warn(_causes(result), request.caller)
    return result


def _hierarchy(request: OneWay, pivot: Array) -> Hierarchy:
    """The hyperparameters, the prior of mu about the pivot of each model."""
    h = request.hyperparameters
    assert not isinstance(h.tau2, str)
    mu = h.mu
    population = Population(mu.mean - pivot, mu.sd) if isinstance(mu, Normal) else Population(0.0 * pivot, np.inf)
    return Hierarchy(request.published, h.sigma2, h.tau2, population)


def with_models(table: pl.DataFrame, request: OneWay) -> tuple[pl.DataFrame, Posteriors]:
    """The groups with their mean and v, the statistics of their model, and `post`, its column in the posterior."""
    result = posteriors(components.classes_of_table(table, request), request)
    of_model = of_models(result, request)
    table = table.drop("_pool_pivot")
    if request.over:
        table = table.join(of_model, on=list(request.over), how="left", nulls_equal=True, maintain_order="left")
    else:
        table = table.hstack(of_model[np.zeros(table.height, dtype=np.uint32)])
    if not request.published:
        table = table.with_columns(_pool_v=within.sampling_variance(own_variance(request), W))
    return table.with_columns(_pool_mean=PIVOT + Y), result


def of_models(result: Posteriors, request: OneWay) -> pl.DataFrame:
    """What the posteriors of groups depend on beside themselves, and `post`, the column of their model."""
    statistics: dict[str, Any] = {
        "_pool_pivot": result.pivot,
        "_pool_sigma2": _column(result.of_present(result.sigma2)),
        "_pool_df_prior": _column(result.of_present(result.df_prior)),
        "_pool_sigma2_prior": _column(result.of_present(result.sigma2_prior)),
        "_pool_post": _column(result.of_models(np.arange(result.chosen.size), -1)).cast(pl.Int64),
    }
    return result.models.select(*request.over, **statistics)


def _column(values: Array) -> pl.Series:
    return series("", values, pl.Float64)


def _causes(result: Posteriors) -> dict[str, Array]:
    """The models that have groups and give cause for each warning."""
    improper, unsettled = result.identified.copy(), np.zeros_like(result.identified)
    improper[result.chosen] = False
    if result.post is not None:
        unsettled[result.chosen] = ~result.post.settled
    return {warning.IMPROPER: improper, warning.UNIDENTIFIED: ~result.identified, warning.UNSETTLED: unsettled}
