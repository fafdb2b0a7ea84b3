"""What a regression expects of rows: their covariates by the coefficients of their group, and by the population's."""

from __future__ import annotations

from functools import partial, reduce

import numpy as np
import polars as pl

from ..tables import WHOLE, series
from .coefficients import coefficients, population
from .fit import solved
from .groups import columns, finite, rows, summed
from .refuse import bad_rows_to_predict
from .spec import INTERCEPT, PREDICTIONS, Regression


def predicted(frame: pl.LazyFrame, asked: pl.LazyFrame | None, model: Regression) -> pl.LazyFrame:
    """The rows asked for, or those of the frame, beside what is expected of them."""
    given = frame if asked is None else asked
    every = pl.nth(range(len(given.collect_schema())))
    selected = rows(frame, model, *([every] if asked is None else [])).cache()
    table = selected if asked is None else rows_of(asked, model, every).cache()
    grouped, constants = summed(selected, model)
    found = _coefficients(grouped, _with_bad_rows(constants, table, model), model).cache()
    own = found.select(*model.keys, *_private("own", model))
    of_models = found.select(*model.over, *_private("mu", model))
    of_models = of_models.unique(model.over) if model.over else pl.concat([of_models, _unknown(model)]).head(1)
    joined = table.join(own, on=list(model.keys), how="left", nulls_equal=True, maintain_order="left")
    if model.over:
        joined = joined.join(of_models, on=list(model.over), how="left", nulls_equal=True, maintain_order="left")
    else:
        joined = joined.join(of_models, how="cross", maintain_order="left")
    by_population = [pl.col(name) for name in _private("mu", model)]
    by_group = [pl.coalesce(name, mu) for name, mu in zip(_private("own", model), by_population, strict=True)]
    expected = (_sum(by_group, model), _sum(by_population, model))
    return joined.select(every, *(e.alias(name) for name, e in zip(PREDICTIONS, expected, strict=True)))


def rows_of(asked: pl.LazyFrame, model: Regression, *keep: pl.Expr) -> pl.LazyFrame:
    """Rows that need no value: all their columns, the keys and the covariates."""
    names = columns(model)[:-1]
    covariates = [e.cast(pl.Float64).alias(name) for e, name in zip(model.covariates, names, strict=True)]
    chosen = asked.select(*keep, *(key.name.prefix("_pool_key_") for key in model.key_columns), *covariates)
    return finite(chosen, names) if model.nan == "null" else chosen


def _with_bad_rows(constants: pl.LazyFrame, table: pl.LazyFrame, model: Regression) -> pl.LazyFrame:
    """The constants, and in how many rows to predict each covariate is NaN or infinite."""
    bad = [pl.col(name).is_finite().not_().sum().name.suffix("_bad") for name in columns(model)[:-1]]
    return constants.join(table.select(bad), how="cross") if bad else constants


def _private(kind: str, model: Regression) -> list[str]:
    return [f"_pool_{kind}{t}" for t in range(len(model.terms))]


def _unknown(model: Regression) -> pl.LazyFrame:
    """One row, without coefficients: a model of a frame that has no groups."""
    schema = pl.Schema({**dict.fromkeys(_private("mu", model), pl.Float64())})
    return pl.LazyFrame({name: [None] for name in schema}, schema=schema)


def _sum(of_terms: list[pl.Expr], model: Regression) -> pl.Expr:
    covariates = [pl.col(name) for name in columns(model)[:-1]]
    factors = ([None] if model.terms[0] == INTERCEPT and model.intercept else []) + covariates
    products = [e if x is None else e * x for e, x in zip(of_terms, factors, strict=True)]
    return reduce(lambda a, b: a + b, products)


def _coefficients(grouped: pl.LazyFrame, constants: pl.LazyFrame, model: Regression) -> pl.LazyFrame:
    """One row a group: its keys, its coefficients and the population's."""
    keys = grouped.select(*model.keys).collect_schema()
    numbers = dict.fromkeys((*_private("own", model), *_private("mu", model)), pl.Float64())
    schema = pl.Schema({**keys, **numbers})
    return grouped.join(constants, how="cross").map_batches(partial(_of_groups, model=model), schema=schema, **WHOLE)


def _of_groups(table: pl.DataFrame, model: Regression) -> pl.DataFrame:
    solution = solved(table, model)
    if solution is None:
        names = (*_private("own", model), *_private("mu", model))
        return table.select(*model.keys, *(pl.lit(None, pl.Float64).alias(name) for name in names))
    bad_rows_to_predict(table, model)
    d = solution.reduced
    with np.errstate(all="ignore"):
        own = coefficients(solution.fitted, d, conditional=True)["estimate"]
        mu, _ = population(solution.fitted)
    of_model = np.repeat(np.arange(d.models), d.lengths)
    columns = [series(name, own[:, t], pl.Float64) for t, name in enumerate(_private("own", model))]
    columns += [series(name, mu[of_model, t], pl.Float64) for t, name in enumerate(_private("mu", model))]
    return solution.groups.select(*model.keys).with_columns(*columns)
