"""The groups of a query to one row per group: the posterior of its rate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from ...formulas import rates as formulas
from ...numerics.arrays import Array
from .. import warning
from ..keys import public
from ..tables import WHOLE
from . import posterior
from .components import parameters, solved, type_of_size
from .fit import Prior
from .refuse import bad_rows
from .spec import AGAINST, GROUPS, Rates


def groups_schema(model: Rates, against: bool, posterior: bool) -> dict[str, pl.DataType]:
    more = (*(AGAINST if against else ()), *(model.parameters if posterior else ()))
    return {**dict.fromkeys((*GROUPS, *more), pl.Float64()), "n": type_of_size(model)}


def of_groups(
    grouped: pl.LazyFrame,
    constants: pl.LazyFrame,
    model: Rates,
    wanted: Wanted,
) -> pl.LazyFrame:
    """One row per group, under public names."""
    keys = grouped.select(public(*model.key_names)).collect_schema()
    statistics = groups_schema(model, wanted.threshold is not None, wanted.parameters)
    return grouped.join(constants, how="cross").map_batches(
        partial(_of_groups, model=model, wanted=wanted, statistics=statistics),
        schema=pl.Schema({**keys, **statistics}),
        **WHOLE,
    )


@dataclass(frozen=True)
class Wanted:
    """What is computed of each group: the error of the prior's mean is in it, or not."""

    level: float
    threshold: float | None
    uncertainty: str
    parameters: bool  # of the posterior given the prior


def _of_groups(table: pl.DataFrame, model: Rates, wanted: Wanted, statistics: dict[str, pl.DataType]) -> pl.DataFrame:
    bad_rows(table, model)
    keys = table.select(public(*model.key_names)).schema
    if table.is_empty():
        return pl.DataFrame(schema={**keys, **statistics})
    by = [*model.over, "_pool_x", "_pool_n"]
    pairs = table.group_by(by, maintain_order=True).agg(pl.len().cast(pl.Float64).alias("_pool_k"))
    models, prior, groups, _ = solved(pairs, model)
    if model.over:
        pairs = pairs.join(models, on=model.over, how="left", nulls_equal=True, maintain_order="left")
    of_model = pairs["_pool_model"].to_numpy() if model.over else np.zeros(pairs.height, dtype=np.int64)
    with np.errstate(all="ignore"):
        told = _posterior(pairs, prior, of_model, model, wanted)
    if wanted.threshold is not None:
        told["q_value"] = _q_values(told["pep"], pairs["_pool_k"].to_numpy(), of_model)
    told["n"] = pairs["_pool_n"].to_numpy()
    columns = [pl.Series(name, told[name], nan_to_null=True).cast(dtype) for name, dtype in statistics.items()]
    warning.warn({warning.POOLED_RATES: _pooled(prior, groups, model)}, model.caller)
    beside = pairs.select(by).with_columns(*columns)
    # Named as results, whatever the keys are called
    found = table.select(*model.keys, "_pool_x", "_pool_n").join(
        beside, on=by, how="left", nulls_equal=True, maintain_order="left"
    )
    return found.select(*public(*model.key_names), *statistics)


def _pooled(prior: Prior, groups: Array, model: Rates) -> Array:
    """Whether a model of several groups was found to pool completely."""
    return np.isinf(prior.size) & (groups > 1) & isinstance(model.prior, str)


def _posterior(pairs: pl.DataFrame, prior: Prior, of_model: Array, model: Rates, wanted: Wanted) -> dict[str, Array]:
    """The statistics of groups of the same events, trials and model."""
    x, n, k = (pairs[f"_pool_{name}"].to_numpy() for name in ("x", "n", "k"))
    first, second = parameters(prior, model)
    of_group = posterior.Prior(prior.mean[of_model], first[of_model], second[of_model], model.family)
    given = found = posterior.given_prior(x, n, of_group)
    if wanted.uncertainty == "mu" and isinstance(model.prior, str):
        effective = np.bincount(of_model, k * posterior.effective(n, of_group), len(prior.mean))
        found = posterior.with_error_of_mean(given, n, of_group, effective[of_model])
    told = {
        "mean": np.where(n > 0, x / n, np.nan),
        "weight": np.where(np.isnan(of_group.size), np.nan, formulas.weight(n, of_group.size)),
        "estimate": given.mean,
        "se": np.sqrt(found.variance),
        "lower": found.quantile((1 - wanted.level) / 2),
        "upper": found.quantile((1 + wanted.level) / 2),
    }
    if wanted.threshold is not None:
        told |= {"p_above": found.above(wanted.threshold), "pep": found.below(wanted.threshold)}
    return told | dict(zip(model.parameters, (given.first, given.second), strict=True))


def _q_values(pep: Array, k: Array, of_model: Array) -> Array:
    """The mean posterior error of all groups of a model that are at least as sure: Storey (2003), Ann. Stat. 31."""
    table = pl.DataFrame({"model": of_model, "pep": pep, "k": k}).with_row_index("place").sort("model", "pep")
    errors, groups = (e.cum_sum().over("model") for e in (pl.col("pep") * pl.col("k"), pl.col("k")))
    # Equal errors have one q-value, that of the last of them.
    found = table.with_columns(q=errors / groups).with_columns(pl.col("q").last().over("model", "pep"))
    return found.sort("place")["q"].to_numpy()
