"""Tables of groups to the posteriors of their models; what leaves none is refused, or told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ...formulas import within
from ...formulas.priors import Normal, Prior
from ...numerics.arrays import Array
from .. import warning
from ..many import Groups
from ..oneway import components, estimates
from ..oneway.groups import PIVOT, W, Y
from ..oneway.refuse import bad_rows, improper_at_zero, no_squares, too_few_groups
from ..oneway.spec import Model, Priors
from . import proper
from .fit import Posterior, integrated
from .hierarchy import Population, Question, with_variances


@dataclass(frozen=True)
class Solved:
    """The models of a table: which have groups (`present`), and which of those a posterior (`chosen`)."""

    models: pl.DataFrame
    pivot: Array
    present: Array
    chosen: Array
    asked: Question | None
    g: Groups | None
    sigma2: Array
    df_prior: Array
    sigma2_prior: Array
    identified: Array
    moments: Array  # the largest power of tau (and of sigma) that has a mean, of the chosen
    post: Posterior | None

    def of_models(self, values: Array, nothing: float = np.nan) -> Array:
        """A value for each that has a posterior, as a value for every model."""
        column = np.full(self.models.height, nothing)
        column[self.present[self.chosen]] = values
        return column

    def of_present(self, values: Array) -> Array:
        """A value for each that has groups, as a value for every model."""
        column = np.full(self.models.height, np.nan)
        column[self.present] = values
        return column


def solved(classes: pl.DataFrame, model: Model) -> Solved:
    """The posterior of every model in a table of classes; what leaves none is refused where it is the only model."""
    bad_rows(classes, model)
    models, pivot, groups, present = components.by_model(classes, model)
    assert model.priors
    if groups is None:
        none = np.zeros(0)
        return Solved(models, pivot, present, present, None, None, none, none, none, none, none, None)
    asked = _question(model, model.priors, pivot[present])
    with np.errstate(all="ignore"):
        g, sigma2, df_prior, sigma2_prior = with_variances(groups, asked)
        identified = ~np.isnan(g.sum(g.v))
        enough = proper.moments_of_tau(g, asked)
        at_zero = proper.proper_at_zero(g, asked)
        spread = (g.squares_within > 0) | (not isinstance(asked.sigma2, Prior))
        if not model.over and identified.all():
            no_squares(asked.sigma2, spread)
            too_few_groups(asked.tau2, g.groups, proper.tail_exponent(g, asked))
            improper_at_zero(asked.tau2, at_zero)
        chosen = np.flatnonzero(identified & (enough >= 0) & at_zero & spread)
        post = integrated(g.take(chosen), asked.take(chosen), sigma2[chosen]) if chosen.size else None
    moments = np.minimum(enough, proper.moments_of_sigma(g, asked))[chosen]
    found = Solved(models, pivot, present, chosen, asked, g, sigma2, df_prior, sigma2_prior, identified, moments, post)
    warning.warn(_causes(found), model.caller)
    return found


def _question(model: Model, priors: Priors, pivot: Array) -> Question:
    """The priors, that of mu about the pivot of each model."""
    mu = priors.mu
    known = Population(mu.mean - pivot, mu.sd) if isinstance(mu, Normal) else Population(0.0 * pivot, np.inf)
    return Question(model.input == "published", priors.sigma2, priors.tau2, known)


def beside_models(table: pl.DataFrame, model: Model) -> tuple[pl.DataFrame, Solved]:
    """The groups with their mean and v, beside what their model has, and `post`, its column of the posterior."""
    found = solved(components.classes_of_table(table, model), model)
    of_model = found.models.select(
        *model.over,
        _pool_pivot=found.pivot,
        _pool_sigma2=_column(found.of_present(found.sigma2)),
        _pool_df_prior=_column(found.of_present(found.df_prior)),
        _pool_sigma2_prior=_column(found.of_present(found.sigma2_prior)),
        _pool_post=_column(found.of_models(np.arange(found.chosen.size), -1)).cast(pl.Int64),
    )
    table = table.drop("_pool_pivot")
    if model.over:
        table = table.join(of_model, on=list(model.over), how="left", nulls_equal=True, maintain_order="left")
    else:
        table = table.hstack(of_model[np.zeros(table.height, dtype=np.uint32)])
    if model.input != "published":
        table = table.with_columns(_pool_v=within.sampling_variance(estimates.own_variance(model), W))
    return table.with_columns(_pool_mean=PIVOT + Y), found


def _column(values: Array) -> pl.Series:
    return pl.Series(values, nan_to_null=True)


def _causes(found: Solved) -> dict[str, Array]:
    """The models that have groups and give cause for a message."""
    improper, unsettled = found.identified.copy(), np.zeros_like(found.identified)
    improper[found.chosen] = False
    if found.post is not None:
        unsettled[found.chosen] = ~found.post.settled
    return {warning.IMPROPER: improper, warning.UNIDENTIFIED: ~found.identified, warning.UNSETTLED: unsettled}
