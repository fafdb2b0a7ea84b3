"""The groups of a query to one row per group: the posterior of its rate."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import rates as formulas
from ...numerics import threads
from .. import warning
from ..keys import public
from ..tables import WHOLE, series
from . import posterior
from .components import parameters, type_of_size
from .fit import Fitted, by_model, solved
from .groups import SIZE, X, grouped
from .pairs import Pairs
from .posterior import Posterior
from .prior import Prior
from .refuse import bad_rows
from .spec import AGAINST, GROUPS, Rates
from .unseen import with_unseen

BLOCK = 2**14  # pairs at once: their numbers fit into the cache


def estimates_schema(request: Rates) -> dict[str, pl.DataType]:
    """The columns of `estimates` after the keys."""
    against = () if request.options.threshold is None else AGAINST
    parameters = request.parameters if request.options.posterior else ()
    return {**dict.fromkeys((*GROUPS, *against, *parameters), pl.Float64()), "n": type_of_size(request)}


def estimates(
    frame: pl.LazyFrame, request: Rates, unseen: pl.LazyFrame | None = None, only: str | None = None
) -> pl.LazyFrame:
    """One row per group, under public names; groups among `unseen` may have no rows. Of the statistics, all or one."""
    groups, constants = grouped(frame, request)
    groups = with_unseen(groups, unseen, request)
    keys, statistics = groups.select(public(*request.key_names)).collect_schema(), estimates_schema(request)
    if only is not None:
        statistics = {only: statistics[only]}
    return groups.join(constants, how="cross").map_batches(
        partial(_of_groups, request=request, statistics=statistics), schema=pl.Schema({**keys, **statistics}), **WHOLE
    )


def _of_groups(table: pl.DataFrame, request: Rates, statistics: dict[str, pl.DataType]) -> pl.DataFrame:
    bad_rows(table, request)
    keys = table.select(public(*request.key_names)).schema
    if table.is_empty():
        return pl.DataFrame(schema={**keys, **statistics})
    groups = of_pairs(table.select(*request.keys, X, SIZE, _pool_k=pl.lit(1.0)), request, statistics)
    return groups.select(*public(*request.key_names), *statistics)


def of_pairs(table: pl.DataFrame, request: Rates, statistics: dict[str, pl.DataType]) -> pl.DataFrame:
    """The rows of a table of events, trials or exposure, and numbers of groups, with the posterior of their rate.

    The rows are sorted by model. Their columns have private names, so results can have theirs.
    """
    rows, start = by_model(table, request.over)
    x, n, k = (rows[f"_pool_{name}"].to_numpy() for name in ("x", "n", "k"))
    fitted = solved(Pairs(start, x, n, k), request)
    with np.errstate(all="ignore"):
        values = statistics_of(fitted.pairs, fitted.prior, request, not {"lower", "upper"}.isdisjoint(statistics))
    warning.warn({warning.POOLED_RATES: pooled_completely(fitted, request)}, request.caller)
    return rows.with_columns(series(name, values[name][fitted.pair], dtype) for name, dtype in statistics.items())


def pooled_completely(fitted: Fitted, request: Rates) -> Array:
    """Whether each model has several groups, and an estimated prior that pools them completely."""
    return np.isinf(fitted.prior.size) & (fitted.groups > 1) & isinstance(request.prior, str)


def statistics_of(pairs: Pairs, prior: Prior, request: Rates, limits: bool) -> dict[str, Array]:
    """The statistics of the groups of each pair, with or without the limits of their intervals."""
    model, x, n = pairs.model, pairs.x, pairs.n
    given = posterior.Prior(prior.mean, *parameters(prior, request), request.family)
    uncertain = request.options.uncertainty == "mu" and isinstance(request.prior, str)
    effective = np.bincount(model, pairs.k * posterior.effective(n, given.of(model)), pairs.models)

    def of_block(rows: slice) -> tuple[Posterior, Posterior]:
        with np.errstate(all="ignore"):
            some, of_group = model[rows], given.of(model[rows])
            conditional = posterior.given_prior(x[rows], n[rows], of_group)
            if not uncertain:
                return conditional, conditional
            return conditional, posterior.with_error_of_mean(conditional, n[rows], of_group, effective[some])

    blocks = threads.of_blocks(of_block, threads.slices(len(x), BLOCK))
    conditional, distribution = (Posterior.joined(parts) for parts in zip(*blocks, strict=True))
    size = given.size[model]
    statistics = {
        "mean": np.where(n > 0, x / n, np.nan),
        "weight": np.where(np.isnan(size), np.nan, formulas.weight(n, size)),
        "estimate": conditional.mean,
        "se": np.sqrt(distribution.variance),
    }
    if limits:
        level = request.options.level
        both = distribution.quantiles((1 - level) / 2, (1 + level) / 2)
        statistics["lower"], statistics["upper"] = both
    if request.options.threshold is not None:
        statistics |= {
            "p_above": distribution.above(request.options.threshold),
            "pep": distribution.below(request.options.threshold),
        }
        statistics["q_value"] = q_values(statistics["pep"], pairs.k, model)
    statistics["n"] = n
    return statistics | dict(zip(request.parameters, (conditional.first, conditional.second), strict=True))


def q_values(pep: Array, k: Array, of_model: Array) -> Array:
    """The mean posterior error of the groups of a model whose own is at most as large: Storey (2003), Ann. Stat. 31."""
    table = pl.DataFrame({"model": of_model, "pep": pep, "k": k}).with_row_index("place").sort("model", "pep")
    errors, groups = (e.cum_sum().over("model") for e in (pl.col("pep") * pl.col("k"), pl.col("k")))
    # Groups with equal errors have one q-value, that of the last of them.
    sorted_q = table.with_columns(q=errors / groups).with_columns(pl.col("q").last().over("model", "pep"))
    return sorted_q.sort("place")["q"].to_numpy()
