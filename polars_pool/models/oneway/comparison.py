"""One row per group to one row per model: the error of each way of pooling on rows that are held out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import comparison, shrink, within
from .. import warning
from ..keys import public
from ..many import Groups
from ..tables import WHOLE, series
from .components import by_model, causes, classes, fit_models
from .fit import Fitted, count_in_mu, pooled_within, with_variances
from .groups import grouped
from .refuse import bad_rows
from .spec import Means

STATISTICS: dict[str, pl.DataType] = {
    "groups": pl.Int64(),
    "n": pl.Int64(),
    "none": pl.Float64(),
    "complete": pl.Float64(),
    "partial": pl.Float64(),
    "gain_on_none": pl.Float64(),
    "gain_on_complete": pl.Float64(),
    "pooling_rows": pl.Float64(),
    "pooling_groups": pl.Float64(),
}


def comparisons(frame: pl.LazyFrame, request: Means) -> pl.LazyFrame:
    """One row per model, under public names."""
    groups, constants = grouped(frame, request)
    needs_all = request.hyperparameters.has_group_variances
    of_models = classes(groups, constants, request, compress=not needs_all)
    keys = groups.select(*request.over).collect_schema()
    compared = of_models.map_batches(
        partial(of_classes, request=request), schema=pl.Schema({**keys, **STATISTICS}), **WHOLE
    )
    return compared.select(*public(*request.over_names), *STATISTICS)


def of_classes(table: pl.DataFrame, request: Means) -> pl.DataFrame:
    """The comparison of every model in a table of classes; a model without groups has nothing to compare."""
    bad_rows(table, request)
    models, pivot, groups, present = by_model(table, request)
    statistics = {name: np.full(len(pivot), 0.0 if name in ("groups", "n") else np.nan) for name in STATISTICS}
    if groups is not None:
        fitted = _of_all_groups(fit_models(groups, request), groups)
        warning.warn(causes(fitted.components, request), request.caller)
        for name, values in compare(fitted).items():
            statistics[name][present] = values
    return models.select(*request.over, *(series(name, x, STATISTICS[name]) for name, x in statistics.items()))


def _of_all_groups(fitted: Fitted, groups: Groups) -> Fitted:
    """The models with all of their groups: the errors depend on n, the squares within and v of each group at once."""
    if not fitted.hyperparameters.has_group_variances:
        return fitted
    with np.errstate(all="ignore"):
        g, _ = with_variances(groups, False, fitted.hyperparameters.sigma2, by_size=True)
    return replace(fitted, g=g)


def compare(fitted: Fitted) -> dict[str, Array]:
    """The statistics of every model from its groups with their v, NaN where there are none."""
    g = fitted.g
    with np.errstate(all="ignore"):
        n = g.sum(np.where(g.n > 1, g.n, 0.0))
        none, complete, partial = (x / np.where(n > 0, n, np.nan) for x in _errors(fitted))
        return {
            "groups": g.groups,
            "n": n,
            "none": none,
            "complete": complete,
            "partial": partial,
            "gain_on_none": np.asarray(comparison.gain(partial, none)),
            "gain_on_complete": np.asarray(comparison.gain(partial, complete)),
            **_pooling(fitted),
        }


def _errors(fitted: Fitted) -> tuple[Array, Array, Array]:
    """Squared error of all rows that have others in their group: by raw means, by the grand mean, partially pooled."""
    g, components, h = fitted.g, fitted.components, fitted.hyperparameters
    less = replace(g, n=g.n - 1, w=g.w - 1, v=within.sampling_variance(g.v * g.w, g.w - 1))
    pooled = pooled_within(g, False, h.sigma2)
    c, c_less = (count_in_mu(groups, components.tau2, h.mu, pooled) for groups in (g, less))
    grand = g.sum(g.n * g.y) / g.rows if g.mu is None else g.mu
    return (
        _error(g, g.ones, g.n, less.n, grand),
        _error(g, 0.0 * g.n, g.n, less.n, grand),
        _error(g, _weight(less, fitted), c, c_less, components.mu),
    )


def _weight(g: Groups, fitted: Fitted) -> Array:
    """The weight of every group; the only one of a model keeps its own mean for every tau2."""
    only = (g.groups == 1) & np.isnan(fitted.components.tau2)
    tau2 = g.each(fitted.components.tau2)
    method = fitted.hyperparameters.method
    if method is not None and method.shrunk_by is not None:
        tau2 = method.shrunk_by(tau2, g.v, g.each(g.groups - g.fitted))
    return np.where(g.each(only), 1.0, shrink.weight(tau2, g.v))


def _error(g: Groups, weight_less: Array, c: Array, c_less: Array, mu: Array) -> Array:
    """Squared error of the rows of every model, from the weights and counts that are left without a row."""
    share, s_ratio = np.zeros_like(g.y), g.ones
    if g.mu is None:
        total = g.each(g.sum(c))
        # Where a group keeps its mean, mu does not matter, and counts may be infinite.
        needed = (weight_less < 1) & (g.n > 1)
        total_less = np.where(needed, total - c + c_less, 1.0)
        share, s_ratio = (np.where(needed, x / total_less, 0.0) for x in (c_less, total))
    of_row = comparison.missed_of_row(g.n, weight_less, share)
    of_mean = comparison.missed_of_mean(weight_less, s_ratio)
    return g.sum(comparison.held_out_squares(g.n, g.squares, g.squares_about(mu), of_row, of_mean))


def _pooling(fitted: Fitted) -> dict[str, Array]:
    """The pooling factor of rows about their groups and of groups about mu: 1 where tau2 = 0 leaves no effects."""
    g, mu = fitted.g, fitted.components.mu
    weight = _weight(g, fitted)
    rest, var_mu = 1 - weight, fitted.components.se_mu**2
    of_rows = g.sum(comparison.uncertainty_of_rows(g.n, g.v, weight, g.each(g.rows)))
    of_rows += _shared(var_mu, _variation(g, rest, g.n))
    of_groups = g.sum(comparison.uncertainty_of_effects(g.v, weight, g.each(g.groups)))
    of_groups += _shared(var_mu, _variation(g, weight, g.ones))
    groups = comparison.pooling_factor(_spread(g, weight, mu, g.ones), of_groups)
    return {
        "pooling_rows": np.asarray(comparison.pooling_factor(g.squares_within + _spread(g, rest, mu, g.n), of_rows)),
        "pooling_groups": np.where((g.largest(weight) == 0) & (g.groups > 1), 1.0, groups),
    }


def _spread(g: Groups, factor: Array, mu: Array, count: Array) -> Array:
    """Sum of squares of factor (mean - mu) about its mean, each group counting `count` times."""
    x = factor * (g.y - g.each(mu))
    squares = (x - g.each(g.sum(count * x) / g.sum(count))) ** 2
    return g.sum(count * (squares if g.spread is None else squares + factor * factor * g.spread))


def _variation(g: Groups, x: Array, count: Array) -> Array:
    """Sum of squares of x about its mean, each group counting `count` times."""
    return g.sum(count * (x - g.each(g.sum(count * x) / g.sum(count))) ** 2)


def _shared(var_mu: Array, variation: Array) -> Array:
    """The part that the error of mu adds: 0 where all groups share it equally, even where it is unknown."""
    return np.where(variation == 0, 0.0, var_mu * variation)
