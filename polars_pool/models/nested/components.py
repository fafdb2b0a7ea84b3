"""Leaves to one row per model: its variances and mu; or to one row per model and level, with inferences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import inference as formulas
from ...formulas import nested
from .. import warning
from ..keys import public
from ..oneway.groups import grouped
from ..tables import WHOLE, series
from . import inference
from .fit import Fitted, Known, fit
from .groups import classes, trees
from .pooling import determined_of, of_model, tau2_of
from .refuse import bad_rows, causes
from .search import LEAST
from .spec import Nested

STATISTICS: dict[str, pl.DataType] = {
    "level": pl.String(),
    "depth": pl.Int64(),
    "groups": pl.Int64(),
    "n": pl.Int64(),
    **dict.fromkeys(("sigma2", "tau2", "share", "se_tau2", "tau2_lower", "tau2_upper", "lrt", "lrt_p"), pl.Float64()),
    **dict.fromkeys(("log_likelihood", "aic", "mu", "se_mu", "mu_lower", "mu_upper"), pl.Float64()),
    **dict.fromkeys(("new_lower", "new_upper"), pl.Float64()),
    "converged": pl.Boolean(),
}


def components_schema(_request: Nested) -> dict[str, pl.DataType]:
    """The columns of `components` after the keys."""
    return STATISTICS


def components(frame: pl.LazyFrame, request: Nested) -> pl.LazyFrame:
    """One row per model and level, under public names."""
    leaves, constants = grouped(frame, request)
    levels = _of_classes(leaves, constants, request, of_levels, STATISTICS)
    return levels.select(*public(*request.over_names), *STATISTICS)


def fitted_models(leaves: pl.LazyFrame, constants: pl.LazyFrame, request: Nested) -> pl.LazyFrame:
    """One row per model with what its nodes need, under private names; computed once for all levels."""
    return _of_classes(leaves, constants, request, of_models, _private(request)).cache()


def _private(request: Nested) -> dict[str, pl.DataType]:
    """The columns of a model that its nodes need."""
    return dict.fromkeys(of_model(request), pl.Float64())


def _of_classes(
    leaves: pl.LazyFrame, constants: pl.LazyFrame, request: Nested, function: Any, schema: dict[str, pl.DataType]
) -> pl.LazyFrame:
    of_leaves = classes(leaves, request)
    keys = of_leaves.select(*request.over).collect_schema() if request.over else {}
    return of_leaves.join(constants, how="cross").map_batches(
        partial(function, request=request), schema=pl.Schema({**keys, **schema}), **WHOLE
    )


# ---- in memory ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Models:
    """The models of a table by their keys and pivot: first those that have rows, whose variances are `fitted`.

    `centre` is the mean of each of these, less the pivot, from which the values of its tree are deviations.
    """

    table: pl.DataFrame
    fitted: Fitted | None
    centre: Array

    @property
    def pivot(self) -> Array:
        """The pivot of each model that has rows."""
        return self.table["_pool_pivot"].head(len(self.centre)).to_numpy()

    @property
    def mu(self) -> Array:
        """mu of each model that has rows."""
        assert self.fitted is not None
        return np.asarray(self.pivot + (self.centre + self.fitted.mu * self.fitted.unit))

    def padded(self, x: Array, value: float = np.nan) -> Array:
        """Numbers of the models with rows, in the last axis, and a value for each of the others."""
        wider = [(0, 0)] * (x.ndim - 1) + [(0, self.table.height - x.shape[-1])]
        return np.pad(x, wider, constant_values=value)


def models_of(table: pl.DataFrame, request: Nested) -> Models:
    """The models of a table of classes; warns of those whose variances the data do not determine."""
    bad_rows(table, request)
    keys = [*request.over, "_pool_pivot"]
    every = table.select(keys).unique(list(request.over), maintain_order=True) if request.over else table[keys].head(1)
    present, tree = trees(table, request)
    if tree is None:
        return Models(every, None, np.zeros(0))
    absent = every.join(present, on=keys, how="anti", nulls_equal=True)
    tau2 = np.array([np.nan if x is None else x for x in reversed(request.tau2)])
    f = fit(tree, Known(tau2, request.given, request.restricted))
    warning.warn(causes(f, request), request.caller)
    return Models(pl.concat([present.select(keys), absent]), f, present["_pool_centre"].to_numpy())


def of_models(table: pl.DataFrame, request: Nested) -> pl.DataFrame:
    """What the nodes of every model need."""
    models = models_of(table, request)
    with np.errstate(all="ignore"):
        statistics = {} if models.fitted is None else _of_nodes(models.fitted, models, request)
    none = np.zeros(0)
    fill = {"_pool_only": 0.0}
    numbers = {x: models.padded(statistics.get(x, none), fill.get(x, np.nan)) for x in _private(request)}
    columns = (series(name, numbers[name], dtype) for name, dtype in _private(request).items())
    return pl.DataFrame([*(models.table[key] for key in request.over), *columns])


def _of_nodes(f: Fitted, models: Models, request: Nested) -> dict[str, Array]:
    unknown = np.where(f.identified, 1.0, np.nan)
    statistics = {
        "_pool_pivot": models.pivot,
        "_pool_sigma2": _sigma2(f, request),
        "_pool_mu": models.mu,
        "_pool_se_mu": np.sqrt(f.variance_of_mu) * f.unit,
        "_pool_only": np.cumprod(f.only[::-1], axis=0).sum(axis=0),
    }
    square = f.unit * f.unit
    tau2, determined = f.variances[:0:-1] * square * unknown, _determined(f, request)[::-1] * square * unknown
    statistics |= {tau2_of(depth): x for depth, x in enumerate(tau2, start=1)}
    return statistics | {determined_of(depth): x for depth, x in enumerate(determined, start=1)}


def _determined(f: Fitted, request: Nested) -> Array:
    """tau2 of each level, innermost first, in the unit; NaN where it is neither known nor determined by the data."""
    known = np.array([x is not None for x in reversed(request.tau2)])[:, None]
    return np.where(f.determined[1:] | known, f.variances[1:], np.nan)


def of_levels(table: pl.DataFrame, request: Nested) -> pl.DataFrame:
    """The statistics of every model and level, the outer level first; a model without rows has 0 groups."""
    models = models_of(table, request)
    statistics: dict[str, Array] = {}
    if models.fitted is not None:
        with np.errstate(all="ignore"):
            statistics = _of_tau2(models.fitted, request) | _of_model(models.fitted, models.mu, request)
    height, of_none = models.table.height, ("groups", "converged", *(() if _without_n(request) else ("n",)))
    columns = [pl.Series("level", [", ".join(level) for level in request.levels] * height, pl.String())]
    for name, dtype in STATISTICS.items():
        if name == "level":
            continue
        x = models.padded(statistics.get(name, np.zeros(0)), 0.0 if name in of_none else np.nan)
        if name == "depth":
            x = np.arange(1.0, request.depth + 1)[:, None]
        columns.append(series(name, np.broadcast_to(x, (request.depth, height)).T.ravel(), dtype))
    rows = np.repeat(np.arange(height), request.depth)
    return pl.DataFrame([*(models.table[key].gather(rows) for key in request.over), *columns])


def _without_n(request: Nested) -> bool:
    return request.published and request.n is None


def _sigma2(f: Fitted, request: Nested) -> Array:
    """sigma2 of each model, as far as it is known or estimated."""
    known = request.hyperparameters.known_sigma2
    if request.published or known is not None:
        return np.full(f.tree.models, np.nan if known is None else known)
    return np.where(f.exact, 0.0, np.where(f.identified, f.variances[0] * f.unit * f.unit, np.nan))


def _of_tau2(f: Fitted, request: Nested) -> dict[str, Array]:
    """What differs between the levels, (levels, models), the outer level first."""
    square = f.unit * f.unit
    tau2 = _determined(f, request)
    error, ratio = inference.errors(f), inference.likelihood_ratios(f)
    lower, upper = inference.limits(f, ratio, error, request.options.level)
    ratio, p = inference.tested(f, ratio)
    sigma2 = _typical_variance(f) if request.published else _sigma2(f, request) / square
    return {
        "groups": f.tree.nodes[1:],
        "tau2": (tau2 * square)[::-1],
        "share": np.asarray(nested.share(tau2, tau2.sum(axis=0) + sigma2))[::-1],
        "se_tau2": (error * square)[::-1],
        "tau2_lower": (lower * square)[::-1],
        "tau2_upper": (upper * square)[::-1],
        "lrt": ratio[::-1],
        "lrt_p": p[::-1],
    }


def _typical_variance(f: Fitted) -> Array:
    """The typical sampling variance of published means, as in I^2 (formulas/inference.py), in the unit.

    With one exact mean tr P has a limit, with several the typical variance is 0.
    """
    w = np.where(f.tree.u > 2 * LEAST, 1 / f.tree.u, 0.0)
    s1, s2 = f.tree.total(f.tree.k * w), f.tree.total(f.tree.k * w * w)
    trace = np.where(f.exact_leaves == 1, 2 * s1, formulas.trace(s1 * s1 - s2, s1))
    return np.where(f.exact_leaves > 1, 0.0, formulas.typical_variance(f.tree.leaves - 1, trace))


def _of_model(f: Fitted, mu: Array, request: Nested) -> dict[str, Array]:
    """What all levels of a model have in common, and the interval of the true mean of a new node of each level."""
    quantile = request.options.quantile
    se = np.where(f.only[-1], np.nan, np.sqrt(f.variance_of_mu) * f.unit)
    between = np.cumsum(np.where(f.determined, f.variances, np.nan)[:0:-1], axis=0) * f.unit * f.unit
    reach = quantile * np.asarray(formulas.prediction_error(between, se))
    log_likelihood = inference.log_likelihood(f)
    parameters = 1 + (not f.deviance.given) + np.count_nonzero(f.deviance.free[1:], axis=0)
    n = np.full(f.tree.models, np.nan) if _without_n(request) else f.tree.rows
    return {
        "n": n,
        "sigma2": _sigma2(f, request),
        "log_likelihood": log_likelihood,
        "aic": np.asarray(formulas.akaike(log_likelihood, parameters)),
        "mu": mu,
        "se_mu": se,
        "mu_lower": mu - quantile * se,
        "mu_upper": mu + quantile * se,
        "new_lower": mu - reach,
        "new_upper": mu + reach,
        "converged": f.converged,
    }
