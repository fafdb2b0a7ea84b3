"""One row per group to one row per model: sigma2, tau2 and mu of all models at once.

With one sigma2 the groups enter only through their size, so they are grouped once more by n: ten million groups become
about a thousand rows, and those alone are materialised.
"""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import moments
from ...numerics import threads
from ...numerics.segments import Segments
from .. import warning
from ..causes import Missing
from ..causes import causes as causes_of
from ..keys import public
from ..many import Groups
from ..tables import WHOLE, series
from . import bins, inference
from .bins import ENDS
from .fit import Components, Fitted, fit
from .groups import PIVOT, VALUE, VAR, N, V, W, Y, bad_columns, grouped
from .refuse import bad_rows
from .spec import Means, OneWay
from .uncertainty import error_of_tau2

STATISTICS: dict[str, pl.DataType] = {
    "groups": pl.Int64(),
    "n": pl.Int64(),
    "sigma2": pl.Float64(),
    "tau2": pl.Float64(),
    "mu": pl.Float64(),
    "se_mu": pl.Float64(),
    "icc": pl.Float64(),
    "df_prior": pl.Float64(),
    "sigma2_prior": pl.Float64(),
    **dict.fromkeys(inference.STATISTICS, pl.Float64()),
    "converged": pl.Boolean(),
}
ERRORS = ("_pool_error", "_pool_correction")  # variance and minus bias of tau2
SQUEEZED = ("_pool_df_prior", "_pool_sigma2_prior")
CLASSES = (*(f"_pool_{name}" for name in ("n", "w", "y", "squares", "v", "k", "spread")), *ENDS, *SQUEEZED)
"""The columns of classes: of models that an engine compressed, also the least and the largest mean of a group in the
row, and the prior of squeezed variances."""
SQUARES = moments.above_rounding(N, moments.squares(N, VAR), Y).alias("_pool_squares")


def components_schema(_request: Means) -> dict[str, pl.DataType]:
    """The columns of `components` after the keys."""
    return STATISTICS


def components(frame: pl.LazyFrame, request: Means) -> pl.LazyFrame:
    """One row per model, under public names."""
    groups, constants = grouped(frame, request)
    models = fitted_models(classes(groups, constants, request), request, inferences=True)
    return models.select(*public(*request.over_names), *STATISTICS)


def fitted_models(classes: pl.LazyFrame, request: Means, inferences: bool = False) -> pl.LazyFrame:
    """One row per model with its pivot, with inferences if they are needed; the plan below keeps streaming."""
    keys = classes.select(*request.over).collect_schema() if request.over else {}
    return classes.map_batches(
        partial(of_classes, request=request, inferences=inferences),
        schema=pl.Schema({**keys, **_schema(request, inferences)}),
        **WHOLE,
    )


def _schema(request: Means, inferences: bool) -> dict[str, pl.DataType]:
    """The statistics of a model, and the private ones that its estimates need."""
    private = ("_pool_pivot", *ERRORS) if request.error_of_tau2 else ("_pool_pivot",)
    statistics = {name: dtype for name, dtype in STATISTICS.items() if inferences or name not in inference.STATISTICS}
    return {**statistics, **dict.fromkeys(private, pl.Float64())}


# ---- classes of groups ----------------------------------------------------------------------------------------------


def classes(groups: pl.LazyFrame, constants: pl.LazyFrame, request: OneWay, compress: bool = True) -> pl.LazyFrame:
    """Groups of equal size in one row: their number, the mean and spread of their means, their mean squares within.

    Groups whose sampling variance does not depend on their size alone keep their rows, or are binned by it. Each row
    has the constants of the query.
    """
    if request.variance_depends_on_n:
        of_groups = _by_size(groups, request, k=pl.len().cast(pl.Float64), var=VAR.mean())
    else:
        of_groups = groups.select(*request.over, *_columns(request))
        if compress and request.compressed_by_plan:
            constants = constants.cache()
            of_groups = bins.binned(_waiting(of_groups, constants, request), request)
    return of_groups.join(constants, how="cross")


def _waiting(groups: pl.LazyFrame, constants: pl.LazyFrame, request: OneWay) -> pl.LazyFrame:
    """The groups, of which none enters a bin before the bad rows are counted: else all rows would wait in memory."""
    if not bad_columns(request):
        return groups
    return groups.join(constants, how="cross").drop(constants.collect_schema())


def classes_of_table(table: pl.DataFrame, request: OneWay) -> pl.DataFrame:
    """The classes of a table of groups in memory, whose rows carry the constants of the query."""
    constants = table.lazy().select("^_pool_(pivot|bad_.*)$").head(1)
    return classes(table.lazy(), constants, request, compress=False).collect()


def classes_of_rows(rows: pl.LazyFrame, constants: pl.LazyFrame, request: OneWay) -> pl.LazyFrame:
    """The classes of rows that carry the moments of their group (encoding.py), where each group appears n times."""
    if not request.variance_depends_on_n:
        return classes(rows.group_by(*request.keys).agg(e.first() for e in (N, W, Y, VAR)), constants, request)
    n, deviation = N.first().cast(pl.Float64), VALUE - Y
    counting = rows.with_columns(pl.when(VALUE.is_not_null()).then(Y))
    of_size = {"k": VALUE.count() / n, "var": (deviation * deviation).mean() * n / (n - 1)}
    return _by_size(counting, request, **of_size).join(constants, how="cross")


def _columns(request: OneWay) -> tuple[pl.Expr, ...]:
    """The statistics of a group that a model depends on."""
    if not request.published:
        return N, W, Y, SQUARES
    return (W, Y, V) if request.n is None else (N, W, Y, V)


def _by_size(groups: pl.LazyFrame, request: OneWay, k: pl.Expr, var: pl.Expr) -> pl.LazyFrame:
    sizes = groups.group_by(*request.over, N).agg(Y.mean(), _pool_var=var, _pool_k=k, _pool_spread=Y.var(ddof=0))
    return of_sizes(sizes, request)


def of_sizes(sizes: pl.LazyFrame, request: OneWay, *keep: str) -> pl.LazyFrame:
    """Classes of groups of equal size, from the means of their statistics."""
    sizes = sizes.with_columns(N.cast(pl.Float64))
    return sizes.select(*request.over, N, Y, SQUARES, "_pool_k", "_pool_spread", *keep, _pool_w=N)


# ---- models ---------------------------------------------------------------------------------------------------------


def of_classes(table: pl.DataFrame, request: Means, inferences: bool) -> pl.DataFrame:
    """The components of every model in a table of classes; a model without groups has its known hyperparameters."""
    bad_rows(table, request)
    models, pivot, groups, present = by_model(table, request)
    components = _known(request, pivot)
    schema, has_known_tau2 = _schema(request, inferences), request.hyperparameters.known_tau2 is not None
    unknown = {name: 0.0 if name in ERRORS and has_known_tau2 else np.nan for name in schema}
    statistics = {name: np.full(models.height, value) for name, value in unknown.items()}
    for which, of_some, more in () if groups is None else _in_batches(groups, present, pivot, request, inferences):
        for field in fields(Components):
            getattr(components, field.name)[which] = getattr(of_some, field.name)
        for name, values in more.items():
            (components.se_mu if name == "se_mu" else statistics[name])[which] = values
    warning.warn(causes(components, request), request.caller)
    statistics |= {name: x for name, x in vars(components).items() if name in schema} | {"_pool_pivot": pivot}
    known_mu = request.hyperparameters.known_mu
    statistics["mu"] = components.mu + pivot if known_mu is None else np.full(models.height, known_mu)
    if request.published and request.n is None:
        statistics["n"] = np.full(models.height, np.nan)
    keys = (models[key] for key in request.over)
    return pl.DataFrame([*keys, *(series(name, statistics[name], dtype) for name, dtype in schema.items())])


def _in_batches(
    groups: Groups, present: Array, pivot: Array, request: Means, inferences: bool
) -> list[tuple[Array, Components, dict[str, Array]]]:
    """Some models at a time, with their components and further statistics, on several threads.

    All at once where an error counts the models with unequal variances.
    """
    method = request.hyperparameters.method
    is_whole = method is not None and method.equal_v
    batches = [(np.arange(groups.models), 0)] if is_whole else groups.batches()

    def fitted(batch: tuple[Array, int]) -> tuple[Array, Components, dict[str, Array]]:
        which, of_some = present[batch[0]], fit_models(groups.batch(*batch), request)
        return which, of_some.components, _further(of_some, request, pivot[which], inferences)

    return threads.of_blocks(fitted, batches)


def fit_models(groups: Groups, request: OneWay) -> Fitted:
    """The components of every model that has groups, without priors, and the groups with the v that follows."""
    return fit(groups, request.published, request.hyperparameters.by_likelihood)


def _further(fitted: Fitted, request: Means, pivot: Array, inferences: bool) -> dict[str, Array]:
    """The statistics that follow from the components of models, as far as the request needs them."""
    statistics = inference.inferred(fitted, pivot, request.options) if inferences else {}
    if request.error_of_tau2:
        statistics |= dict(zip(ERRORS, error_of_tau2(fitted), strict=True))
    return statistics


def causes(components: Components, request: Means) -> dict[str, Array]:
    """The models that give cause for each warning."""
    c = components
    missing = Missing(request.published, c.groups, c.n, c.sigma2, c.tau2, c.converged)
    return causes_of(missing, request.hyperparameters)


def by_model(table: pl.DataFrame, request: OneWay) -> tuple[pl.DataFrame, Array, Groups | None, Array]:
    """The models of a table of classes and their pivots; the groups that have rows, and the models they belong to."""
    table = bins.with_pseudo_groups(table, request)
    models, rows, lengths = in_models(table, request.over, [name for name in table.columns if name in CLASSES])
    pivot = models["_pool_pivot"].to_numpy()
    counted = rows["_pool_w"].to_numpy() > 0
    if not counted.all():
        lengths = np.bincount(np.repeat(np.arange(len(lengths)), lengths)[counted], minlength=len(lengths))
        rows = rows.filter(counted)
    present = np.flatnonzero(lengths)
    if not present.size:
        return models, pivot, None, present
    start = np.cumsum(lengths)[present] - lengths[present]
    return models, pivot, _groups(rows, start, pivot[present], request), present


def in_models(
    table: pl.DataFrame, over: tuple[str, ...], columns: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame, Array]:
    """The models of a table of classes with their pivots, the rows of one model after the other, and their numbers.

    A group-by into lists costs less than a sort by model.
    """
    if not over:
        return table[["_pool_pivot"]].head(1), table, np.array([table.height])
    lists = table.group_by(*over, maintain_order=True).agg(PIVOT.first(), *columns)
    rows = pl.DataFrame([lists[name].explode(empty_as_null=False) for name in columns])
    return lists[[*over, "_pool_pivot"]], rows, lists[columns[0]].list.len().to_numpy().astype(np.int64)


def _known(request: Means, pivot: Array) -> Components:
    """The components of models without groups: the known hyperparameters, and NaN for the others."""
    h = request.hyperparameters
    known = (h.known_sigma2, h.known_tau2, h.known_mu)
    sigma2, tau2, mu = (np.full(len(pivot), np.nan if x is None else x) for x in known)
    none = np.zeros(len(pivot))
    icc, df_prior, prior = (np.full(len(pivot), np.nan) for _ in range(3))
    return Components(none, none.copy(), sigma2, tau2, mu - pivot, 0 * mu, icc, df_prior, prior, none.astype(bool))


def _groups(rows: pl.DataFrame, start: Array, pivot: Array, request: OneWay) -> Groups:
    """The groups of models, which begin at these rows."""
    known_mu = request.hyperparameters.known_mu
    mu = None if known_mu is None else known_mu - pivot

    def column(name: str) -> Array:
        return rows[f"_pool_{name}"].to_numpy()

    y = column("y")
    one, none, unknown = (np.broadcast_to(constant, y.shape) for constant in (1.0, 0.0, np.nan))
    classes: dict[str, Any] = {name: column(name) for name in ("k", "spread") if f"_pool_{name}" in rows.columns}
    if set(ENDS) <= set(rows.columns):
        segments = Segments(start)
        classes["ends"] = np.stack([segments.smallest(column("least")), segments.largest(column("largest"))])
    if set(SQUEEZED) <= set(rows.columns):
        classes["squeezed"] = rows[list(SQUEEZED)].to_numpy()[start].T
    if request.published:
        n = one if request.n is None else column("n")
        return Groups(start, n=n, w=n, y=y, squares=none, v=column("v"), mu=mu, **classes)
    n, squares = column("n"), column("squares")
    w = n if request.weights is None else column("w")
    v = column("v") if "_pool_v" in rows.columns else unknown
    return Groups(start, n=n, w=w, y=y, squares=squares, v=v, mu=mu, **classes)
