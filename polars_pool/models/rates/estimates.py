"""The groups of a query to one row per group: the posterior of its rate."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import rates as formulas
from .. import warning
from ..keys import public
from ..tables import WHOLE, series
from . import posterior
from .components import parameters, type_of_size
from .fit import Fitted, solved
from .groups import SIZE, X, grouped
from .prior import Prior
from .refuse import bad_rows
from .spec import AGAINST, GROUPS, Rates
from .unseen import with_unseen


def estimates_schema(request: Rates) -> dict[str, pl.DataType]:
    """The columns of `estimates` after the keys."""
    against = () if request.options.threshold is None else AGAINST
    parameters = request.parameters if request.options.posterior else ()
    return {**dict.fromkeys((*GROUPS, *against, *parameters), pl.Float64()), "n": type_of_size(request)}


def estimates(frame: pl.LazyFrame, request: Rates, unseen: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """One row per group, under public names; groups among `unseen` may have no rows."""
    groups, constants = grouped(frame, request)
    groups = with_unseen(groups, unseen, request)
    keys, statistics = groups.select(public(*request.key_names)).collect_schema(), estimates_schema(request)
    return groups.join(constants, how="cross").map_batches(
        partial(_of_groups, request=request, statistics=statistics), schema=pl.Schema({**keys, **statistics}), **WHOLE
    )


def _of_groups(table: pl.DataFrame, request: Rates, statistics: dict[str, pl.DataType]) -> pl.DataFrame:
    bad_rows(table, request)
    keys = table.select(public(*request.key_names)).schema
    if table.is_empty():
        return pl.DataFrame(schema={**keys, **statistics})
    counts = table.group_by(*request.over, X, SIZE, maintain_order=True).agg(pl.len().cast(pl.Float64).alias("_pool_k"))
    fitted = solved(counts, request)
    pairs, of_model = fitted.pairs, fitted.pairs["_pool_model"].to_numpy()
    with np.errstate(all="ignore"):
        values = _posterior(pairs, fitted.prior, of_model, request)
    if request.options.threshold is not None:
        values["q_value"] = _q_values(values["pep"], pairs["_pool_k"].to_numpy(), of_model)
    values["n"] = pairs["_pool_n"].to_numpy()
    warning.warn({warning.POOLED_RATES: _pooled_completely(fitted, request)}, request.caller)
    by = ["_pool_model", "_pool_x", "_pool_n"]
    # Keys have private names here, so results can have theirs.
    results = pairs.select(by).with_columns(series(name, values[name], dtype) for name, dtype in statistics.items())
    groups = table.select(*request.keys, X, SIZE)
    if request.over:
        groups = groups.join(fitted.models, on=request.over, how="left", nulls_equal=True, maintain_order="left")
    else:
        groups = groups.with_columns(_pool_model=pl.lit(0))
    joined = groups.join(results, on=by, how="left", maintain_order="left")
    return joined.select(*public(*request.key_names), *statistics)


def _pooled_completely(fitted: Fitted, request: Rates) -> Array:
    """Whether each model has several groups, and an estimated prior that pools them completely."""
    return np.isinf(fitted.prior.size) & (fitted.groups > 1) & isinstance(request.prior, str)


def _posterior(pairs: pl.DataFrame, prior: Prior, of_model: Array, request: Rates) -> dict[str, Array]:
    """The statistics of the groups of each pair."""
    x, n, k = (pairs[f"_pool_{name}"].to_numpy() for name in ("x", "n", "k"))
    first, second = parameters(prior, request)
    of_group = posterior.Prior(prior.mean[of_model], first[of_model], second[of_model], request.family)
    conditional = distribution = posterior.given_prior(x, n, of_group)
    if request.options.uncertainty == "mu" and isinstance(request.prior, str):
        effective = np.bincount(of_model, k * posterior.effective(n, of_group), len(prior.mean))
        distribution = posterior.with_error_of_mean(conditional, n, of_group, effective[of_model])
    level = request.options.level
    lower, upper = distribution.quantiles((1 - level) / 2, (1 + level) / 2)
    statistics = {
        "mean": np.where(n > 0, x / n, np.nan),
        "weight": np.where(np.isnan(of_group.size), np.nan, formulas.weight(n, of_group.size)),
        "estimate": conditional.mean,
        "se": np.sqrt(distribution.variance),
        "lower": lower,
        "upper": upper,
    }
    if request.options.threshold is not None:
        statistics |= {
            "p_above": distribution.above(request.options.threshold),
            "pep": distribution.below(request.options.threshold),
        }
    return statistics | dict(zip(request.parameters, (conditional.first, conditional.second), strict=True))


def _q_values(pep: Array, k: Array, of_model: Array) -> Array:
    """The mean posterior error of the groups of a model whose own is at most as large: Storey (2003), Ann. Stat. 31."""
    table = pl.DataFrame({"model": of_model, "pep": pep, "k": k}).with_row_index("place").sort("model", "pep")
    errors, groups = (e.cum_sum().over("model") for e in (pl.col("pep") * pl.col("k"), pl.col("k")))
    # Groups with equal errors have one q-value, that of the last of them.
    sorted_q = table.with_columns(q=errors / groups).with_columns(pl.col("q").last().over("model", "pep"))
    return sorted_q.sort("place")["q"].to_numpy()
