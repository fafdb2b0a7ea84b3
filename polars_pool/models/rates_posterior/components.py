"""The groups of a query to one row per model: the posterior of the parameters of the prior of rates."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas.priors import Flat
from ...numerics import special
from ...numerics.trapezoid import Interpolant
from ..keys import public
from ..rates import likelihood
from ..rates.components import type_of_size
from ..rates.fit import by_model
from ..rates.pairs import Pairs
from ..tables import WHOLE, series
from .fit import Fitted, mixtures, solved
from .groups import SIZE, X, grouped
from .nodes import Nodes
from .refuse import bad_rows
from .spec import RatesPosterior

QUANTITIES = ("mean", "rho", "new")


def components_schema(request: RatesPosterior) -> dict[str, pl.DataType]:
    """The columns of `components` after the keys."""
    of_quantity = ("{}", "se_{}", "{}_median", "{}_lower", "{}_upper")
    numbers = [pattern.format(name) for name in QUANTITIES for pattern in of_quantity]
    return {
        "groups": pl.Int64(),
        "n": type_of_size(request),
        **dict.fromkeys((*numbers, "log_marginal"), pl.Float64()),
        "converged": pl.Boolean(),
    }


def components(frame: pl.LazyFrame, request: RatesPosterior) -> pl.LazyFrame:
    """One row per model, under public names."""
    groups, constants = grouped(frame, request)
    keys = groups.select(public(*request.over_names)).collect_schema()
    pairs = groups.group_by(*request.over, X, SIZE).agg(pl.len().cast(pl.Float64).alias("_pool_k"))
    return pairs.join(constants, how="cross").map_batches(
        partial(of_pairs, request=request),
        schema=pl.Schema({**keys, **components_schema(request)}),
        **WHOLE,
    )


def of_pairs(table: pl.DataFrame, request: RatesPosterior) -> pl.DataFrame:
    """The posterior of every model in a table of distinct pairs, each with its number of groups."""
    bad_rows(table, request)
    schema = components_schema(request)
    if table.is_empty():
        empty = pl.DataFrame(schema={**table.select(public(*request.over_names)).schema, **schema})
        return empty if request.over else _without_rows(schema)
    rows, start = by_model(table, request.over)
    fitted = solved(Pairs(start, *(rows[f"_pool_{name}"].to_numpy() for name in ("x", "n", "k"))), request)
    statistics = {name: np.full(fitted.pairs.models, np.nan) for name in schema}
    statistics |= {"groups": fitted.groups, "n": fitted.n, "converged": np.zeros(fitted.pairs.models, dtype=bool)}
    if fitted.nodes is not None:
        with np.errstate(all="ignore"):
            for name, values in _summary(fitted, fitted.nodes, request).items():
                statistics[name][fitted.chosen] = values
    keys = rows.select(public(*request.over_names))[start].get_columns() if request.over else []
    of_model = {name: values[fitted.model] for name, values in statistics.items()}
    return pl.DataFrame([*keys, *(series(name, of_model[name], dtype) for name, dtype in schema.items())])


def _without_rows(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """The only model of a frame without rows."""
    numbers = {"groups": 0, "n": 0, "converged": False}
    return pl.DataFrame({name: [numbers.get(name)] for name in schema}, schema=dict(schema))


def _summary(fitted: Fitted, nodes: Nodes, request: RatesPosterior) -> dict[str, Array]:
    """The statistics of the models with a posterior."""
    assert fitted.parts is not None
    binomial, parts = request.family == "binomial", fitted.parts
    every = np.arange(parts.models)
    levels = ((1 - request.options.level) / 2, 0.5, (1 + request.options.level) / 2)
    statistics = {"converged": nodes.settled}

    mean = parts.sum(parts.weight * parts.mean)
    sd = np.sqrt(parts.sum(parts.weight * (parts.mean - parts.each(mean)) ** 2))
    of_mean = Interpolant(nodes.of_mean, nodes.share, np.searchsorted(nodes.of_u, every))
    value = special.expit if binomial else np.exp
    statistics |= _named("mean", mean, sd, [value(of_mean.quantile(p)) for p in levels])

    of_size, reference = nodes.of_size, fitted.prior.reference
    rho = special.expit(reference - np.where(of_size.weight > 0, of_size.columns[2], 0.0))
    mean = of_size.average(rho)
    sd = np.sqrt(of_size.average((rho - mean) ** 2))
    of_u = Interpolant(of_size, np.ones(parts.models), every)
    # rho falls where u rises
    limits = [special.expit(reference - nodes.interval.of(of_u.quantile(1 - p))) for p in levels]
    statistics |= _named("rho", mean, sd, limits)

    nothing = np.zeros(parts.models)
    new = mixtures(parts, every, nothing, nothing, request.family)
    mean, variance = new.moments()
    statistics |= _named("new", mean, np.sqrt(variance), new.quantiles(*levels))
    if isinstance(fitted.prior.mean, Flat):  # their variances are infinite
        for name in ("mean", "se_mean", "new", "se_new"):
            statistics[name] = np.full(parts.models, np.nan)
    if fitted.prior.proper:
        pairs = fitted.pairs.take(fitted.chosen)
        statistics["log_marginal"] = of_size.log_total + pairs.sum(
            likelihood.constant(pairs.x, pairs.n, request.family)
        )
    return statistics


def _named(name: str, mean: Array, sd: Array, limits: list[Array]) -> dict[str, Array]:
    """The columns of a quantity."""
    lower, median, upper = limits
    return {name: mean, f"se_{name}": sd, f"{name}_median": median, f"{name}_lower": lower, f"{name}_upper": upper}
