"""Groups compressed by a plan: a bin of many groups of nearly equal sampling variance becomes one row of sums.

Only bins, and the groups of small models and of small bins, reach the function that fits the models: a remote engine
does the rest. The formulas and their source stand in formulas/compression.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import compression as formulas
from ...formulas import within
from ...formulas.aggregates import total
from ...formulas.compression import BINS, DEGREE, KEPT, MANY, ZERO
from ...formulas.elementary import INFINITY
from ..columns import POLARS, Columns, Step, with_steps
from .compression import pseudo_groups
from .groups import N, V, W, Y
from .spec import OneWay

EMPTY, SINGLE = 10_000, 20_000  # the bin of groups without rows; added to the bins of single rows
BIN, IN_BIN = "_pool_bin", "_pool_in_bin"
U, NUMBER = pl.col("_pool_u"), pl.col("_pool_number")
ENDS = ("_pool_least", "_pool_largest")  # the least and the largest mean of a group in the row
PLACE = ("_pool_number", "_pool_centre", "_pool_low", "_pool_high")  # of a bin: mean of its means, ends of its u
ORDERS = tuple((p, q) for p in range(DEGREE + 1) for q in range(3))[1:]  # of T_p(t) z^q; the first sum is the number
SUMS = tuple(f"_pool_sum_{p}_{q}" for p, q in ORDERS)
OF_BIN = (*ENDS, *PLACE, *SUMS)


# ---- the plan -------------------------------------------------------------------------------------------------------


def binned(groups: pl.LazyFrame, request: OneWay) -> pl.LazyFrame:
    """The groups, of which those in bins of many are one row, with its numbers in a list; small models have no bins.

    The columns of `groups` are the keys of the models and the statistics of a group.
    """
    if not request.over:
        return _in_bins(groups, request)
    groups, over = groups.cache(), list(request.over)
    large = groups.group_by(over).agg(_pool_number=pl.len()).filter(NUMBER >= MANY).cache()
    small = groups.join(large, on=over, how="anti", nulls_equal=True)
    bins = _in_bins(groups.join(large, on=over, how="semi", nulls_equal=True), request)
    return pl.concat([small, bins], how="diagonal")


def _in_bins(groups: pl.LazyFrame, request: OneWay) -> pl.LazyFrame:
    """The groups of small bins, and one row for each other bin, with the means of the statistics of its groups."""
    columns, keys = groups.collect_schema().names(), [*request.over, BIN]
    placed = with_steps(groups, _places(request)).cache()
    bins = _bins(placed, [name for name in columns if name not in keys], request).cache()
    placed = placed.join(bins.select(*keys, *PLACE), on=keys, how="left", nulls_equal=True).cache()
    kept = placed.filter(NUMBER.is_null()).select(columns)
    in_bins = with_steps(placed.filter(NUMBER.is_not_null()), polynomials())
    summed = bins.join(in_bins.group_by(keys).agg(**sums()), on=keys, nulls_equal=True)
    # One column, as each would be as long as the groups that are kept.
    return pl.concat([kept, summed.select(*columns, pl.concat_list(OF_BIN).alias(IN_BIN))], how="diagonal")


def _places(request: OneWay) -> Iterator[Step]:
    """u, which is v or w, and its bin; a single row has no variance of its own, so its u is w."""
    u, shift = V if request.published else W, pl.lit(0)
    if request.hyperparameters.has_group_variances:
        own = within.sampling_variance(pl.col("_pool_squares") / (N - 1), W)
        u, shift = pl.when(N > 1).then(own).otherwise(W), pl.when(N > 1).then(0).otherwise(SINGLE)
    yield {"_pool_u": u}
    finite = (U > 0) & (U < INFINITY)
    place = pl.when(finite).then((BINS * U.log(2)).floor()).when(U == 0).then(ZERO)
    yield {BIN: pl.when(W > 0).then(place + shift).otherwise(EMPTY).cast(pl.Int16)}


def _bins(placed: pl.LazyFrame, statistics: list[str], request: OneWay) -> pl.LazyFrame:
    """The bins of many groups: the number of groups, the ends of u and y, the means of the statistics.

    A model has no bins if Float64 does not hold the sums of its variances or of the squares of its means.
    """
    ends = {"_pool_low": U.min(), "_pool_high": U.max(), "_pool_least": Y.min(), "_pool_largest": Y.max()}
    means = (pl.col(name).mean() for name in statistics)
    bins = placed.group_by(*request.over, BIN).agg(*means, _pool_number=pl.len().cast(pl.Float64), **ends)
    high, least, largest = (pl.col(name) for name in ("_pool_high", *ENDS))
    size = NUMBER * (high + Y * Y + least * least + largest * largest)
    of_model = {"_pool_groups": NUMBER.sum(), "_pool_bad": (pl.col(BIN).is_null() | ~size.is_finite()).any()}
    bins = bins.with_columns(**{name: e.over(*request.over) if request.over else e for name, e in of_model.items()})
    bins = bins.filter(NUMBER > KEPT, pl.col("_pool_groups") >= MANY, ~pl.col("_pool_bad"))
    return bins.with_columns(_pool_centre=Y)


# ---- the sums of bins, for every engine -----------------------------------------------------------------------------


def polynomials(c: Columns = POLARS) -> Iterator[Step]:
    """z and z^2 of the mean of a group, and T_p(t) of its place in the bin."""
    yield {"_pool_z": c.y - c.centre, "_pool_t1": formulas.place(c.u, c.low, c.high)}
    yield {"_pool_z2": c.z * c.z, "_pool_t2": formulas.next_polynomial(c.t1, c.t1, 1.0)}
    for p in range(3, DEGREE + 1):
        last, before = (c.column(f"_pool_t{p - i}") for i in (1, 2))
        yield {f"_pool_t{p}": formulas.next_polynomial(c.t1, last, before)}


def sums(c: Columns = POLARS) -> dict[str, Any]:
    """The sums of T_p(t) z^q over the groups of a bin."""
    powers = (None, c.z, c.z2)
    factors = ((c.column(f"_pool_t{p}") if p else None, powers[q]) for p, q in ORDERS)
    return {name: total(_product(*pair)) for name, pair in zip(SUMS, factors, strict=True)}


def _product(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else one * other


# ---- the table of bins ----------------------------------------------------------------------------------------------


def with_pseudo_groups(table: pl.DataFrame, request: OneWay) -> pl.DataFrame:
    """The rows of groups, and in place of each bin its pseudo-groups; their columns are those of classes."""
    if IN_BIN not in table.columns:
        return table
    is_bin = pl.col(IN_BIN).is_not_null() & (W > 0)
    groups, bins = table.filter(~is_bin).drop(IN_BIN), table.filter(is_bin)
    if bins.is_empty():
        return groups
    bins = bins.with_columns(pl.col(IN_BIN).list.to_struct(fields=OF_BIN)).unnest(IN_BIN)
    pseudo = pseudo_groups_of(bins).with_columns(**_at_point(request)).drop("_pool_u")
    return pl.concat([groups.with_columns(**dict.fromkeys(ENDS, Y), _pool_k=pl.lit(1.0)), pseudo], how="diagonal")


def _at_point(request: OneWay) -> Step:
    """What u is for a pseudo-group; the v of single rows follows from w, once the pooled variance is known."""
    if request.published:
        return {"_pool_v": U}
    if request.hyperparameters.has_group_variances:
        return {"_pool_v": pl.when(N > 1).then(U), "_pool_w": pl.when(N > 1).then(W).otherwise(U)}
    return {"_pool_w": U}


def pseudo_groups_of(bins: pl.DataFrame) -> pl.DataFrame:
    """The pseudo-groups of bins: k, y, u, and the other columns of their bin."""
    number, centre, low, high = bins.select(PLACE).to_numpy().T
    sums = bins.select("_pool_number", *SUMS).to_numpy().reshape(-1, DEGREE + 1, 3)
    mean = sums[:, 0, 1] / number
    columns, of_bin = pseudo_groups(number, centre + mean, _about(sums, mean), low, high)
    pseudo = {"_pool_k": columns["k"], "_pool_y": columns["y"], "_pool_u": columns["x"]}
    return bins[of_bin].drop(*PLACE, *SUMS).with_columns(**pseudo)


def _about(sums: Array, mean: Array) -> Array:
    """Sums of T_p(t) (z - mean)^q from those of T_p(t) z^q."""
    mean = mean[:, None]
    zeroth, first, second = np.moveaxis(sums, 2, 0)
    return np.stack([zeroth, first - mean * zeroth, second - 2 * mean * first + mean * mean * zeroth], axis=2)
