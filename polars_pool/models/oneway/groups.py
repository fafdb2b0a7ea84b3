"""Rows to one row per group: the sufficient statistics, from plain sums in one group-by.

Values are deviations from a pivot, so that a common offset costs no digits. Every kind of input has its elementwise
preparation, its sums, and the statistics that follow from the sums; group-bys and windows use these three.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import polars as pl

from ...formulas import moments
from ...formulas.aggregates import count, covariance, maximum, mean, minimum, total, variance
from ...formulas.elementary import INFINITY, exists, floor, where
from .. import offset as wide
from ..columns import POLARS, Columns, Step, with_steps
from ..keys import KEY, public
from ..pivot import Column, pivots
from ..refuse import counted, improper
from ..tables import WHOLE
from .refuse import bad_rows
from .spec import OneWay

NO_PIVOT = pl.LazyFrame({"_pool_pivot": [0.0]})
EXACT = 2.0**500  # the precision for se = 0: it outweighs all others, and its products stay finite

PIVOT, VALUE, WEIGHTS, SE = (pl.col(f"_pool_{c}") for c in ("pivot", "value", "weights", "se"))
N, VAR, W, Y, V = (pl.col(f"_pool_{c}") for c in ("n", "var", "w", "y", "v"))
WY, SQUARES = pl.col("_pool_wy"), pl.col("_pool_squares")


def rows(frame: pl.LazyFrame, request: OneWay, *keep: pl.Expr) -> pl.LazyFrame:
    """The columns that the request needs, as Float64."""
    value = request.value.cast(pl.Float64)
    if request.nan == "null":
        value = pl.when(value.is_finite()).then(value)
    return _selected(frame, request, value, *keep)


def _selected(frame: pl.LazyFrame, request: OneWay, value: pl.Expr, *keep: pl.Expr) -> pl.LazyFrame:
    roles = {"weights": request.weights, "n": request.n, "var": request.var, "se": request.se}
    columns = [e.cast(pl.Float64).alias(f"_pool_{role}") for role, e in roles.items() if e is not None]
    columns += [
        _predictor(e, value).alias(name) for e, name in zip(request.predictors, predictors(request), strict=True)
    ]
    keys = (e.name.prefix(KEY) for e in request.key_columns)
    return frame.select(*keep, *keys, value.alias("_pool_value"), *columns, *request.design.unseen)


def _predictor(column: pl.Expr, value: pl.Expr) -> pl.Expr:
    """A predictor, infinite where it is missing in a row that counts: its largest in the group then shows it."""
    x = column.cast(pl.Float64)
    return pl.when(x.is_finite()).then(x).when(value.is_not_null()).then(INFINITY)


def predictors(request: OneWay) -> list[str]:
    """The private names of the predictors of groups: of rows their value, of groups the least one."""
    return [f"_pool_x{i}" for i in range(len(request.predictors))]


def largest(name: str) -> str:
    """The private name of the largest value of a predictor in a group, which is its least if it is constant."""
    return f"{name}_largest"


def about_pivot(
    frame: pl.LazyFrame, request: OneWay, *keep: pl.Expr, ordered: bool = False
) -> tuple[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame]:
    """The columns that the request needs, first with the value itself, then with the value less the pivot; the pivot.

    The columns are cached, so that the plan below runs once for the pivot and the rows.
    """
    dtype = _dtype(frame, request)
    if wide.is_wide(dtype):
        selected = _selected(frame, request, wide.integer(request.value, dtype), *keep).cache()
        value = Column("_pool_value", wide.number(VALUE, dtype), VALUE, dtype)
    else:
        selected, value = rows(frame, request, *keep).cache(), Column("_pool_value", VALUE)
    # Models of an `over` have a pivot only where all first values have more digits than Float64.
    pivot = pivots(selected, [value], wide.EXACT if request.over and value.exact is not None else 0.0).cache()
    centred = beside_one_row(selected, pivot.select(value.origin), ordered)
    centred = centred.with_columns(_pool_value=value.centred).drop(value.origin)
    return selected, centred, pivot.select(_pool_pivot=value.pivot)


def beside_one_row(rows: pl.LazyFrame, constants: pl.LazyFrame, ordered: bool) -> pl.LazyFrame:
    """The rows, if needed in their order, each with the constants, which are one row."""
    # With one row on the right, this is the order of the left, which Polars 2.1 keeps at a third of the cost of "left".
    return rows.join(constants, how="cross", maintain_order="right_left" if ordered else "none")


def in_order(frame: pl.LazyFrame, request: OneWay, *keep: pl.Expr) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The columns that the request needs in the order of the frame, for windows and joins to the rows; and the pivot.

    Only values with more digits than Float64 have a pivot here.
    """
    if not wide.is_wide(_dtype(frame, request)):
        return rows(frame, request, *keep), NO_PIVOT
    _, centred, pivot = about_pivot(frame, request, *keep, ordered=True)
    return centred, pivot


def _dtype(frame: pl.LazyFrame, request: OneWay) -> pl.DataType:
    return frame.select(request.value).collect_schema().dtypes()[0]


def grouped(frame: pl.LazyFrame, request: OneWay) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """One row per group: keys, n, w, y (the mean less the pivot), var or v; and the constants of the query.

    Models of an `over` may have different offsets, so they have a pivot only where the first values have more digits
    than Float64.
    """
    if request.over and not wide.is_wide(_dtype(frame, request)):
        selected = rows(frame, request).cache()  # for the groups and the constants
        return summed(selected, request), constants(selected, NO_PIVOT, request)
    selected, centred, pivot = about_pivot(frame, request)
    return summed(centred, request), constants(selected, pivot, request)


def summed(rows: pl.LazyFrame, request: OneWay) -> pl.LazyFrame:
    """One row per group from rows without a pivot, or less their pivot."""
    of_groups = with_steps(rows, prepared(request)).group_by(*request.keys).agg(**sums(request))
    return with_steps(of_groups, statistics(request))


def constants(rows: pl.LazyFrame, pivot: pl.LazyFrame, request: OneWay) -> pl.LazyFrame:
    """One row: the pivots of the value and of predictors, and the number of bad rows by reason."""
    counts = counted(rows, bad_columns(request), pivot, request.design.factors)
    if not request.predictors:
        return counts
    return counts.join(pivots(rows, [Column(name, pl.col(name)) for name in predictors(request)]), how="cross")


def states_columns(request: OneWay) -> tuple[str, ...]:
    """The columns of `states` after the keys."""
    return ("n", "mean", "var") if request.weights is None else ("n", "mean", "var", "w")


def states(frame: pl.LazyFrame, request: OneWay, rest: bool = False) -> pl.LazyFrame:
    """One row per group under public names: n, mean, var, and w where rows have weights; bad rows raise an error.

    With `rest`, also mean_low, the rounding error of the mean: at an offset, it holds half of the digits.
    """
    groups, constant = grouped(frame, request)
    groups = groups.join(constant, how="cross")
    columns = {"n": N.cast(pl.Int64), "mean": PIVOT + Y, "var": VAR} | ({"w": W} if request.weights is not None else {})
    columns |= {"mean_low": remainder(PIVOT, Y)} if rest else {}
    public_columns = [*public(*request.key_names), *(e.alias(name) for name, e in columns.items())]

    # The check is row by row, so the table may pass in pieces, as it streams.
    checked = partial(_checked, request=request, columns=public_columns)
    return groups.map_batches(checked, schema=groups.select(public_columns).collect_schema(), streamable=True, **WHOLE)


def _checked(table: pl.DataFrame, request: OneWay, columns: list[pl.Expr]) -> pl.DataFrame:
    bad_rows(table, request)
    return table.select(columns)


def remainder(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """The rounding error of a + b, exactly: Knuth's TwoSum, The Art of Computer Programming 2, 4.2.2."""
    total = a + b
    b_kept = total - a
    return (a - (total - b_kept)) + (b - b_kept)


def merged(frame: pl.LazyFrame, request: OneWay) -> pl.LazyFrame:
    """Stored moments that are known to be good and have no offset, merged: keys, n, mean, var, w under private names.

    The plan has no function of whole tables, so that filters of keys are pushed down to the files.
    """
    return summed(rows(frame, request), request)


def bad_columns(request: OneWay, c: Columns = POLARS) -> dict[str, Any]:
    """The rows that count and whose weight, n, variance or standard error is bad, by reason."""
    bad = {}
    if request.weights is not None:
        bad["weights"] = improper(c.weights)
    if request.n is not None and request.se is None:
        bad["n"] = improper(c.n) | (floor(c.n) != c.n)
    elif request.n is not None:
        bad["n"] = improper(c.n) & (True if request.hyperparameters.needs_n else exists(c.n))
    if request.var is not None:
        bad["var"] = improper(c.var) & (c.n > 1)
    if request.se is not None:  # an infinite standard error is that of an estimate without information
        bad["se"] = ~exists(c.se) | (c.se < 0) | (c.se > INFINITY)  # NaN is above infinity
    return {name: e & exists(c.value) for name, e in bad.items()}


def prepared(request: OneWay, c: Columns = POLARS) -> list[Step]:
    """Elementwise inputs of the sums; a row that does not count is missing in all of them."""
    if request.input == "rows" and request.weights is None:
        return []
    counts, wy = exists(c.value), {"_pool_wy": c.w * c.value}
    if request.input == "rows":
        return [{"_pool_w": where(counts & (c.weights > 0), c.weights, None)}, wy]
    if request.published:
        n = {} if request.n is None else {"_pool_n": where(c.w > 0, c.n, None)}
        precision = where(c.se > EXACT**-0.5, 1 / (c.se * c.se), EXACT)
        return [{"_pool_w": where(counts, precision, None)}, wy | n]
    weight = c.n if request.weights is None else c.weights
    counts &= (c.n > 0) & (weight > 0)
    inputs = {"_pool_w": weight, "_pool_n": c.n, "_pool_squares": moments.squares(c.n, c.var)}
    return [{name: where(counts, e, None) for name, e in inputs.items()}, wy]


def sums(request: OneWay, c: Columns = POLARS) -> dict[str, Any]:
    """Plain reductions of prepared columns, for a group_by or a window.

    Each reduction costs time, and each input memory for every row of a group_by of many groups: only those needed.
    """
    names = predictors(request)
    ends = {name: minimum(c.column(name)) for name in names}
    return _sums_of_values(request, c) | ends | {largest(name): maximum(c.column(name)) for name in names}


def _sums_of_values(request: OneWay, c: Columns) -> dict[str, Any]:
    if request.input == "rows" and request.weights is None:
        return {"_pool_n": count(c.value), "_pool_y": mean(c.value), "_pool_var": variance(c.value)}
    first = {"_pool_w": total(c.w), "_pool_wy": total(c.wy)}
    second = {"_pool_cov_wy": covariance(c.wy, c.value), "_pool_cov_w": covariance(c.w, c.value)}
    if request.input == "rows":
        return first | second | {"_pool_n": count(c.w)}
    if request.published:
        return first if request.n is None else first | {"_pool_n": total(c.n)}
    states = {"_pool_n": total(c.n), "_pool_states": count(c.n), "_pool_squares": total(c.squares)}
    return first | second | states


def statistics(request: OneWay, c: Columns = POLARS) -> list[Step]:
    """n, w, y, and var or v of a group from its sums."""
    if request.input == "rows" and request.weights is None:
        return [{"_pool_w": c.n}]
    means = {"_pool_y": where(c.w > 0, c.wy / c.w, None)}
    if request.published:
        n = c.missing() if request.n is None else where(c.n > 0, c.n, None)
        v = where(c.w == 0, INFINITY, where(c.w >= EXACT, 0.0, 1 / c.w))
        return [means | {"_pool_n": n, "_pool_v": v}]
    states = c.n if request.input == "rows" else c.states
    squares = moments.squares_between(states, c.wy, c.w, c.cov_wy, c.cov_w)
    if request.input == "moments":
        squares = c.squares + squares
    return [means | {"_pool_var": moments.variance(c.n, squares)}]
