"""Predicted values of rows: their covariates times the coefficients of their group, and of the population."""

from __future__ import annotations

from functools import partial, reduce

import numpy as np
import polars as pl

from ..columns import POLARS, with_steps
from ..keys import KEY
from ..tables import WHOLE, series
from .coefficients import coefficients, population
from .fit import solved
from .groups import columns, finite, rows, summed
from .prediction_errors import (
    columns_of_groups,
    columns_of_models,
    errors,
    limits,
    numbers_of_groups,
    numbers_of_models,
)
from .refuse import UNSEEN_ROWS, bad_rows_to_predict, warn_of_unseen_levels
from .spec import INTERCEPT, PREDICTIONS, Regression


def predicted(frame: pl.LazyFrame, new_rows: pl.LazyFrame | None, request: Regression) -> pl.LazyFrame:
    """The new rows, or those of the frame, with their predicted values by their group and by the population."""
    every = pl.nth(range(len((frame if new_rows is None else new_rows).collect_schema())))
    selected = rows(frame, request, *([every] if new_rows is None else [])).cache()
    table = selected if new_rows is None else _prepared(new_rows, request, every).cache()
    grouped, constants = summed(selected, request)
    estimates = _coefficients(grouped, _with_bad_rows(constants, table, request), request).cache()
    own = estimates.select(*request.keys, *_of_groups(request))
    joined = table.join(own, on=list(request.keys), how="left", nulls_equal=True, maintain_order="left")
    joined = _with_population(joined, estimates, request)
    by_population = [pl.col(name) for name in _private("mu", request)]
    by_group = [pl.coalesce(name, mu) for name, mu in zip(_private("own", request), by_population, strict=True)]
    values = dict(zip(PREDICTIONS, (_sum(by_group, request), _sum(by_population, request)), strict=True))
    if request.options.interval is not None:
        joined = with_steps(joined, errors(request, POLARS))
        values |= limits(values["fitted"], request, POLARS)
    return joined.select(every, *(e.alias(name) for name, e in values.items()))


def _with_population(rows: pl.LazyFrame, estimates: pl.LazyFrame, request: Regression) -> pl.LazyFrame:
    """The rows with the population's coefficients of their model, and what else they need of it."""
    population = estimates.select(*request.over, *_of_models(request))
    if request.over:
        population, on = population.unique(request.over), list(request.over)
        return rows.join(population, on=on, how="left", nulls_equal=True, maintain_order="left")
    population = pl.concat([population, _unknown(request)]).head(1)
    return rows.join(population, how="cross", maintain_order="left")


def _prepared(new_rows: pl.LazyFrame, request: Regression, *keep: pl.Expr) -> pl.LazyFrame:
    """New rows, which need no value: all their columns, the keys and the covariates."""
    names = columns(request)[:-1]
    covariates = [e.cast(pl.Float64).alias(name) for e, name in zip(request.covariates, names, strict=True)]
    keys = (key.name.prefix(KEY) for key in request.key_columns)
    prepared = new_rows.select(*keep, *keys, *covariates, *request.design.unseen)
    return finite(prepared, names) if request.nan == "null" else prepared


def _with_bad_rows(constants: pl.LazyFrame, table: pl.LazyFrame, request: Regression) -> pl.LazyFrame:
    """The constants, and about the rows to predict: how many have a covariate that is NaN or infinite, for each
    covariate; how many have a value that is no level of a factor, and the first of these values for each factor.
    """
    bad = [pl.col(name).is_finite().not_().sum().name.suffix("_bad") for name in columns(request)[:-1]]
    if factors := list(request.design.factors):
        bad += [pl.any_horizontal(pl.col(name).is_not_null() for name in factors).sum().alias(UNSEEN_ROWS)]
        bad += [pl.col(name).min().name.suffix("_bad") for name in factors]
    return constants.join(table.select(bad), how="cross") if bad else constants


def _private(kind: str, request: Regression) -> list[str]:
    return [f"_pool_{kind}{t}" for t in range(len(request.terms))]


def _of_groups(request: Regression) -> list[str]:
    """The columns that a row needs of its group."""
    return _private("own", request) + (columns_of_groups(request) if request.options.interval else [])


def _of_models(request: Regression) -> list[str]:
    """The columns that a row needs of its model."""
    return _private("mu", request) + (columns_of_models(request) if request.options.interval else [])


def _unknown(request: Regression) -> pl.LazyFrame:
    """One row without coefficients, for a frame without groups."""
    schema = pl.Schema(dict.fromkeys(_of_models(request), pl.Float64()))
    return pl.LazyFrame({name: [None] for name in schema}, schema=schema)


def _sum(of_terms: list[pl.Expr], request: Regression) -> pl.Expr:
    covariates = [pl.col(name) for name in columns(request)[:-1]]
    factors = ([None] if request.terms[0] == INTERCEPT and request.intercept else []) + covariates
    products = [e if x is None else e * x for e, x in zip(of_terms, factors, strict=True)]
    return reduce(lambda a, b: a + b, products)


def _coefficients(grouped: pl.LazyFrame, constants: pl.LazyFrame, request: Regression) -> pl.LazyFrame:
    """One row per group: its keys, its coefficients and those of the population, with an interval their errors."""
    keys = grouped.select(*request.keys).collect_schema()
    numbers = dict.fromkeys((*_of_groups(request), *_of_models(request)), pl.Float64())
    schema = pl.Schema({**keys, **numbers})
    return grouped.join(constants, how="cross").map_batches(partial(_of_table, request=request), schema=schema, **WHOLE)


def _of_table(table: pl.DataFrame, request: Regression) -> pl.DataFrame:
    solution = solved(table, request)
    if solution is None:
        names = (*_of_groups(request), *_of_models(request))
        return table.select(*request.keys, *(pl.lit(None, pl.Float64).alias(name) for name in names))
    bad_rows_to_predict(table, request)
    warn_of_unseen_levels(table, request)
    models, d = solution.fitted, solution.reduced
    with np.errstate(all="ignore"):
        own = coefficients(models, d, conditional=True)["estimate"]
        mu, _ = population(models)
        of_groups = dict(zip(_private("own", request), own.T, strict=True))
        of_models = dict(zip(_private("mu", request), mu.T, strict=True))
        if request.options.interval is not None:
            of_groups |= numbers_of_groups(solution)
            of_models |= numbers_of_models(models)
    model = np.repeat(np.arange(d.models), d.lengths)
    numbers = of_groups | {name: values[model] for name, values in of_models.items()}
    return solution.groups.select(*request.keys).with_columns(
        series(name, values, pl.Float64) for name, values in numbers.items()
    )
