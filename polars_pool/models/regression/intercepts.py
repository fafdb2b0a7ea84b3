"""Groups and the regression of their model to their intercepts, row by row, where the intercept alone varies by group.

The entries of the matrices in coefficients.py, for engines that hold the groups as a relation. A group whose means lie
at the distance d from the line of the population, and at distances a from the centre of the covariates, has the effect
weight d. With the covariance C of the line's coefficients about the centre, the squared error of its intercept is
tau2 pooling + u'Cu, u = (pooling, -centre - weight a).
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import shrink, within
from ...formulas.elementary import exists, sqrt, where
from ..columns import Columns, Step
from ..keys import PRIVATE
from ..tables import series
from .coefficients import between, population
from .factor import roots
from .fit import Table, solved
from .groups import columns
from .identification import State
from .prediction_errors import of_group, passed_on
from .spec import Regression


def columns_of_models(request: Regression) -> dict[str, pl.DataType]:
    """The columns that a group needs of its model, and their types.

    `line` is the value of the line at the centre of the covariates, less that of the value. `at` is what the pivot of a
    model takes up of the means of its groups, `centre` is less both, and `origin` is the centre in units of the data.
    `root` is a lower Cholesky factor of the covariance of the line.
    """
    every, terms = range(len(columns(request))), range(len(request.terms))
    names = ["sigma2", "tau2", "line", *(f"{name}{i}" for name in ("at", "centre", "origin") for i in every)]
    names += [f"{name}{t}" for name in ("mu", "se_mu") for t in terms]
    names += [_root(t, s) for t in terms for s in terms[: t + 1]]
    return {f"_pool_{name}": pl.Float64() for name in names} | {"_pool_is_population": pl.Boolean()}


def of_models(table: pl.DataFrame, request: Regression) -> pl.DataFrame:
    """One row per model, with these columns."""
    solution, schema = solved(table, request), columns_of_models(request)
    if solution is None:
        return table.select(*request.over, *(pl.lit(None, dtype).alias(name) for name, dtype in schema.items()))
    with np.errstate(all="ignore"):
        numbers = _numbers(solution, request)
    keys = solution.models.select(*request.over).get_columns()
    return pl.DataFrame([*keys, *(series(name, numbers[name], dtype) for name, dtype in schema.items())])


def _numbers(solution: Table, request: Regression) -> dict[str, Array]:
    """The numbers of each model, by column."""
    models, by = solution.fitted, solution.fitted.scale
    mu, cov_mu = population(models)
    size = by.size[-1]
    units = np.concatenate([size[None], size / by.size[:-1]]).T
    root = roots(models.covariance * units[:, :, None] * units[:, None, :])
    start, at = solution.reduced.start, [f"{name}_at" for name in columns(request)]
    numbers = {
        "is_population": models.identification.models(State.ONE_GROUP, State.ON_ONE_LINE),
        "sigma2": models.sigma2 * size**2,
        "tau2": between(models)[:, 0, 0],
        "line": models.beta[:, 0] * size,
        **{f"mu{t}": values for t, values in enumerate(mu.T)},
        **{f"se_mu{t}": np.sqrt(values) for t, values in enumerate(np.einsum("mtt->tm", cov_mu))},
        **{f"at{i}": solution.groups[name].to_numpy()[start] for i, name in enumerate(at)},
        **{f"centre{i}": centre for i, centre in enumerate(by.centre)},
        **{f"origin{i}": origin for i, origin in enumerate(by.origin)},
        **{_root(t, s): root[:, t, s] for t in range(mu.shape[1]) for s in range(t + 1)},
    }
    return {PRIVATE + name: values for name, values in numbers.items()}


def pooled(request: Regression, c: Columns) -> list[Step]:
    """Own intercept of each group, its weight, effect and error, from the columns of the group and its model."""
    names, terms = columns(request), range(1, len(request.terms))
    has_rows = c.w > 0
    away = {
        f"_pool_away{i}": where(has_rows, c.column(f"{name}_mean") - _of(c, "at", i) - _of(c, "centre", i), 0.0)
        for i, name in enumerate(names)
    }
    v = {"_pool_v": within.sampling_variance(c.sigma2, c.w)}
    on_line = reduce(add, (_of(c, "mu", t) * _of(c, "away", t - 1) for t in terms), c.line)
    own = {
        "_pool_own": where(has_rows, _of(c, "away", len(names) - 1) - on_line, None),
        "_pool_weight": shrink.weight(c.tau2, c.v),
        "_pool_pooling": shrink.pooling(c.tau2, c.v),
    }
    effect = where(c.is_population | ~has_rows, 0.0, c.weight * c.own)
    return [
        away | v,
        own,
        {"_pool_effect": where(exists(c.sigma2), effect, None), "_pool_se": _standard_error(request, c)},
        {
            "_pool_mean": where(c.is_population & has_rows, c.mu0, c.mu0 + c.own),
            "_pool_weight": where(exists(c.sigma2), where(c.is_population & has_rows, 1.0, c.weight), None),
        },
    ]


def of_row(request: Regression, c: Columns) -> list[Step]:
    """The columns of prediction_errors.py that a row needs of its group, for groups that are pooled."""
    none = c.is_population
    deviation = sqrt(shrink.conditional_variance(c.tau2, c.pooling))
    share = {passed_on(0, 0): where(none, 0.0, c.weight)}
    of_slopes = {
        passed_on(0, t + 1): c.column(passed_on(0, 0)) * _of(c, "away", t) for t in range(len(request.covariates))
    }
    return [share | {of_group(0, 0): where(c.w > 0, where(none, 0.0, deviation), None)}, of_slopes]


def of_term(term: int, request: Regression, c: Columns) -> dict[str, Any]:
    """The statistics of a term, for groups that are pooled."""
    if term == 0:
        return {
            "mean": c.mean,
            "weight": c.weight,
            "effect": c.effect,
            "estimate": c.mu0 + c.effect,
            "se": where((c.sigma2 == 0) & (c.w > 0), 0.0, c.se),
        }
    none = where(exists(c.sigma2), 0.0, None)
    error = 0.0 if request.options.uncertainty == "conditional" else _of(c, "se_mu", term)
    return {
        "mean": c.missing(),
        "weight": none,
        "effect": none,
        "estimate": _of(c, "mu", term) + none,
        "se": where(c.sigma2 == 0, 0.0, error),
    }


def _standard_error(request: Regression, c: Columns) -> Any:
    """The standard error of the intercept."""
    variance = shrink.conditional_variance(c.tau2, c.pooling)
    if request.options.uncertainty != "conditional":
        terms = range(len(request.terms))
        arms = [c.pooling, *(-_of(c, "origin", i) - c.weight * _of(c, "away", i) for i in terms[:-1])]
        for s in terms:
            along = reduce(add, (arms[t] * c.column(f"_pool_{_root(t, s)}") for t in terms[s:]))
            variance = variance + along * along
    return where(c.is_population, c.se_mu0, sqrt(variance))


def _root(term: int, other: int) -> str:
    return f"root{term}_{other}"


def _of(c: Columns, name: str, number: int) -> Any:
    """A numbered private column."""
    return c.column(f"_pool_{name}{number}")
