"""The estimate of its group for every row, by windows over the rows: a join back would scan the frame twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Literal

import polars as pl

from ...formulas import folds as formulas
from ...formulas.elementary import exists, where
from .. import tables, warning
from ..columns import POLARS, Columns, Step, with_steps
from ..encoding import WHOLE, Encoding, column_beside, renamed
from ..keys import PRIVATE
from ..refuse import BAD
from . import folds, groups
from .components import classes, classes_of_rows, fitted_models
from .folds import PAIR, PLACE
from .groups import VALUE, N, W, Y
from .pooling import errors, joined, pooled
from .spec import Means

MANY = 100_000  # rows of a table: windows in the streaming engine cost less than a join back, but more to begin
ORDER = "_pool_order"  # of a row: its value of `order_by`
LARGE = 20  # rows of the median group from which an estimate without a row gives away its value


def encoded(frame: pl.LazyFrame, request: Means, encoding: Encoding) -> pl.LazyFrame:
    """All columns of the frame, and statistics of the group of each row under the names of the encoding."""
    columns = pl.nth(range(len(frame.collect_schema())))
    return _means(frame, request, encoding, columns).select(columns, *renamed(encoding))


def _means(frame: pl.LazyFrame, request: Means, encoding: Encoding, *keep: pl.Expr) -> pl.LazyFrame:
    """The rows in their order with the pooled means of their groups, from the rows that the encoding uses."""
    if encoding.has_folds:
        return _out_of_fold(frame, request, encoding, *keep)
    order = [] if encoding.order_by is None else [encoding.order_by.alias(ORDER)]
    rows, pivot = groups.in_order(frame, request, *keep, *order)
    means = _pooled(_with_moments(rows, request).cache(), pivot, request, encoding)
    return with_steps(means, errors(request, request.options)) if "se" in encoding.statistics else means


def _out_of_fold(frame: pl.LazyFrame, request: Means, encoding: Encoding, *keep: pl.Expr) -> pl.LazyFrame:
    """The rows in their order beside the statistics of their group in the other folds.

    The rows are numbered, joined without their order and sorted, as a join that keeps the order costs twice as much.
    """
    rows, pivot = groups.in_order(frame, request, *keep, encoding.label)
    rows = folds.paired(rows, request).cache()
    means = folds.means(rows, pivot, request, "se" in encoding.statistics).select(PAIR, *encoding.private)
    encoded = rows.with_row_index(PLACE).select(PLACE, PAIR).join(means, on=PAIR, how="left").drop(PAIR).sort(PLACE)
    return pl.concat([rows, encoded.select(encoding.private)], how="horizontal_extend")


def _pooled(rows: pl.LazyFrame, pivot: pl.LazyFrame, request: Means, encoding: Encoding = WHOLE) -> pl.LazyFrame:
    """The rows with the partially pooled mean of their group: of all its rows, all but the row, or those before it.

    sigma2, tau2 and mu are those of all rows.
    """
    models = fitted_models(_classes(rows, pivot, request, encoding), request)
    if request.variance_depends_on_n:
        rows = with_steps(rows.with_columns(N.cast(pl.Float64)), groups.statistics(request))
    if encoding.folds == "loo":
        rows = with_steps(rows, _without_itself(request))
    elif encoding.folds == "before":
        rows = _joined_to_earlier(rows, request)
    return with_steps(joined(rows, models, request, ordered=True), pooled(request))


def _classes(rows: pl.LazyFrame, pivot: pl.LazyFrame, request: Means, encoding: Encoding) -> pl.LazyFrame:
    """The classes of the groups of all rows, with what the query reports of the folds."""
    constants = groups.constants(rows, pivot, request)
    if encoding.folds == "before":
        constants = constants.join(rows.select(pl.col(ORDER).is_null().sum().alias(BAD + "order_by")), how="cross")
    of_groups = classes_of_rows(rows, constants, request)
    if encoding.folds == "loo":
        check = partial(_large_groups, at=request.caller)
        of_groups = of_groups.map_batches(check, schema=of_groups.collect_schema(), **tables.WHOLE)
    return of_groups


def _large_groups(of_groups: pl.DataFrame, at: warning.Caller) -> pl.DataFrame:
    """The classes of groups; warns if the groups are so large that the estimates without a row give away its value."""
    k = of_groups["_pool_k"] if "_pool_k" in of_groups.columns else pl.repeat(1.0, of_groups.height, eager=True)
    sizes = pl.DataFrame({"n": of_groups["_pool_n"], "k": k}).sort("n").with_columns(pl.col("k").cum_sum())
    if sizes.height and (sizes.filter(pl.col("k") * 2 >= sizes["k"][-1])["n"][0] or 0.0) > LARGE:
        warning.warn([warning.WITHOUT_ITSELF], at, UserWarning)
    return of_groups


def _without_itself(request: Means, c: Columns = POLARS) -> Iterator[Step]:
    """The moments of the group of each row without this row; a row without a value is in none."""
    own = c.weights if request.weights is not None else 1.0
    yield {"_pool_part": where(exists(c.value) & (c.w > 0), own, 0.0)}
    yield {"_pool_n": where(c.part > 0, c.n - 1, c.n), "_pool_rest": c.w - c.part}
    rest = where(c.n > 0, c.rest, 0.0)
    yield {"_pool_y": where(c.part > 0, formulas.rest_mean(c.y, c.value, c.part, rest), c.y), "_pool_w": rest}


def _with_moments(rows: pl.LazyFrame, request: Means) -> pl.LazyFrame:
    """The rows with the moments of their group; without its variance, where one variance within groups suffices.

    A window costs memory for each row.
    """
    rows = with_steps(rows, groups.prepared(request))
    if request.variance_depends_on_n:
        return rows.with_columns(_pool_n=VALUE.count().over(*request.keys), _pool_y=VALUE.mean().over(*request.keys))
    windows = {name: e.over(*request.keys) for name, e in groups.sums(request).items()}
    return with_steps(rows.with_columns(**windows), groups.statistics(request))


# ---- rows before each row -------------------------------------------------------------------------------------------


def _joined_to_earlier(rows: pl.LazyFrame, request: Means) -> pl.LazyFrame:
    """The rows with n, w and y of the rows of their group that come before; rows of equal order do not.

    Sums are taken of deviations from the mean of the group, so that a common offset costs no digits.
    """
    keys = [*request.keys, ORDER]
    own = pl.col("_pool_weights") if request.weights is not None else pl.lit(1.0)
    counts = VALUE.is_not_null() & (own > 0)
    terms = {"_pool_n": counts.cast(pl.Float64), "_pool_w": own, "_pool_away": own * (VALUE - Y)}
    sums = {name: pl.when(counts).then(e).otherwise(0.0).sum() for name, e in terms.items()}
    steps = rows.group_by(keys).agg(**sums).sort(ORDER)
    earlier = [(pl.col(name).cum_sum() - pl.col(name)).over(*request.keys) for name in sums]
    steps = steps.with_columns(earlier)
    rows = rows.drop("_pool_n", "_pool_w").rename({"_pool_y": "_pool_whole"})
    rows = rows.join(steps, on=keys, how="left", nulls_equal=True, maintain_order="left")
    mean = pl.col("_pool_whole") + pl.col("_pool_away") / W
    return rows.with_columns(_pool_y=pl.when(N > 0).then(mean), _pool_w=pl.when(N > 0).then(W).otherwise(0.0))


# ---- expressions ----------------------------------------------------------------------------------------------------


def statistic(table: pl.DataFrame, request: Means, name: str, encoding: Encoding = WHOLE) -> pl.Series:
    """A statistic of its group for every row of a table in memory."""
    if encoding.folds is not None:
        means = _means(table.lazy(), request, replace(encoding, statistics=(name,)))
        engine: Literal["streaming", "in-memory"] = "streaming" if table.height >= MANY else "in-memory"
        return means.select(f"_pool_{name}").collect(engine=engine).to_series()
    rows, pivot = groups.in_order(table.lazy(), request)
    if request.variance_depends_on_n and table.height >= MANY:
        of_rows = _pooled(_with_moments(rows, request).cache(), pivot, request)
        return of_rows.select(f"_pool_{name}").collect(engine="streaming").to_series()
    means, constants = groups.summed(rows, request), groups.constants(rows, pivot, request)
    components = fitted_models(classes(means, constants, request), request)
    of_groups = with_steps(joined(means, components, request), pooled(request))
    return column_beside(rows, of_groups, request.keys, PRIVATE + name)
