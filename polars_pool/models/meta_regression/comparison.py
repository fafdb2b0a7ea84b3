"""One row per group to one row per model: the error of each way of pooling on rows that are held out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import between, comparison, shrink, within
from ..keys import public
from ..oneway.groups import grouped
from ..tables import series
from .components import of_classes
from .design import Design, Fit
from .fit import Fitted
from .groups import of_each_group
from .spec import MetaRegression

STATISTICS: dict[str, pl.DataType] = {
    **dict.fromkeys(("groups", "n"), pl.Int64()),
    **dict.fromkeys(("none", "complete", "partial", "gain_on_none", "gain_on_complete"), pl.Float64()),
}


def comparisons(frame: pl.LazyFrame, request: MetaRegression) -> pl.LazyFrame:
    """One row per model, under public names."""
    groups, constants = grouped(frame, request)
    # The error of a group depends on its own predictors, so that groups of equal size keep their rows.
    compared = of_classes(of_each_group(groups, constants, request), request, of_models, STATISTICS)
    return compared.select(*public(*request.over_names), *STATISTICS)


def of_models(
    models: pl.DataFrame, present: Array, fitted: Fitted | None, request: MetaRegression, schema: Any
) -> list[pl.Series]:
    """The statistics of every model from its groups, each in a row of its own."""
    statistics = {name: np.full(models.height, 0.0 if name in ("groups", "n") else np.nan) for name in schema}
    if fitted is not None:
        for name, values in compare(fitted).items():
            statistics[name][present] = values
    return [*(models[key] for key in request.over), *(series(name, statistics[name], t) for name, t in schema.items())]


def compare(f: Fitted) -> dict[str, Array]:
    """The statistics of every model, NaN where there are none."""
    g = f.g
    with np.errstate(all="ignore"):
        n, tau2 = g.sum(np.where(g.n > 1, g.n, 0.0)), g.each(f.tau2)
        less = replace(g, n=g.n - 1, w=g.w - 1, v=within.sampling_variance(g.v * g.w, g.w - 1))
        precision = between.precision(g.v, tau2)
        weight = np.where(g.each(f.exact), 1.0, shrink.weight(tau2, less.v))
        errors = (
            _error(g, np.ones(g.y.shape), g.n, less.n),
            _error(g, np.zeros(g.y.shape), g.n, less.n),
            _error(g, weight, precision, between.precision(less.v, tau2)),
        )
        none, complete, partial = (x * f.unit**2 / np.where((n > 0) & f.regular, n, np.nan) for x in errors)
        return {
            "groups": g.groups,
            "n": n,
            "none": none,
            "complete": complete,
            "partial": partial,
            "gain_on_none": np.asarray(comparison.gain(partial, none)),
            "gain_on_complete": np.asarray(comparison.gain(partial, complete)),
        }


def _error(g: Design, weight_less: Array, c: Array, c_less: Array) -> Array:
    """Squared error of the rows of every model, from the weights that are left without a row.

    Without the row, z'(Z'CZ)^-1 z of its group rises from q to q / (1 - (c - c_less) q) (Sherman & Morrison 1950), and
    the prediction moves as that by a mean does (formulas/comparison.py).
    """
    fit = Fit.of(g, c)
    inverse = np.moveaxis(fit.inverse, 0, -1)
    q = np.einsum("ir,ijr,jr->r", g.x, np.broadcast_to(g.each(inverse), (g.terms, g.terms, len(g.y))), g.x)
    needed = (weight_less < 1) & (g.n > 1)
    ratio = np.where(needed, 1 / (1 - (c - c_less) * q), 1.0)
    share = np.where(needed, c_less * q * ratio, 0.0)
    of_row = comparison.missed_of_row(g.n, weight_less, share)
    of_mean = comparison.missed_of_mean(weight_less, ratio)
    return g.sum(comparison.held_out_squares(g.n, g.squares, g.residual_squares(fit.beta), of_row, of_mean))
