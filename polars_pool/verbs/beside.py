"""The statistic of its group beside every row, as an expression: what `pl.col(...).pool` is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl

from .. import arguments
from ..arguments import IntoColumn, Keys
from ..models import warning
from ..models.keys import PRIVATE
from ..models.oneway.spec import Model
from ..models.posterior import encoding
from . import evaluation, rates

Estimated = Callable[..., pl.Series]  # of a table whose first column is the value, and of its columns by their roles
Roles = dict[str, list[pl.Expr]]
KEYS = ("by", "over")


def beside(
    value: pl.Expr,
    result: pl.Expr,
    *,
    by: Keys,
    over: Keys | None,
    weights: IntoColumn | None,
    nan: str,
    rates: str | None,
    **hyperparameters: Any,
) -> pl.Expr:
    """An expression of a statistic of means; the columns themselves are checked when the query runs."""
    arguments.one_of(nan, ("error", "null"), "nan")
    given_weights = None if weights is None else value
    arguments.fitting(Model(value, by_names=(), weights=given_weights, **arguments.integrated(**hyperparameters)))
    estimated = partial(_of_means, result=result, options={"nan": nan, "rates": rates, **hyperparameters})
    return _of_columns(value, _roles(value, by=by, over=over, weights=weights), estimated)


def of_rates(
    value: pl.Expr,
    result: str,
    *,
    by: Keys,
    over: Keys | None,
    trials: IntoColumn | None,
    exposure: IntoColumn | None,
    **counted: Any,
) -> pl.Expr:
    """The same for the posterior of the rate of its group."""
    estimated = partial(_of_rates, result=result, counted=counted)
    return _of_columns(value, _roles(value, by=by, over=over, trials=trials, exposure=exposure), estimated)


def _of_means(table: pl.DataFrame, columns: dict[str, Any], *, result: pl.Expr, options: dict[str, Any]) -> pl.Series:
    model = arguments.model(table.lazy(), table.columns[0], **columns, **options)
    return encoding.beside(table, model, result)


def _of_rates(table: pl.DataFrame, columns: dict[str, Any], *, result: str, counted: dict[str, Any]) -> pl.Series:
    columns = {"over": None, "trials": None, "exposure": None} | columns
    plain: dict[str, Any] = {"threshold": None, "groups": None, "posterior": False}
    estimates = rates.shrink(
        table.lazy(), table.columns[0], **columns, level=0.95, uncertainty="conditional", **plain, **counted
    )
    keys = [*(columns["over"] or []), *columns["by"]]
    joined = table.lazy().join(
        estimates.select(*keys, result), on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    return joined.select(result).collect(engine="in-memory").to_series()


# ---- columns --------------------------------------------------------------------------------------------------------


def _roles(value: pl.Expr, **given: Any) -> Roles:
    """The columns beside the value by their roles; like the value, each is computed row by row."""
    arguments.rowwise(value, "value")
    listed = {
        role: arguments.key_columns(columns, role) if role in KEYS else [arguments.name_or_expression(columns, role)]
        for role, columns in given.items()
        if columns is not None or role == "by"
    }
    for role, columns in listed.items():
        for column in columns:
            arguments.rowwise(column, role)
    return {
        role: [arguments.named(column) if isinstance(column, str) else column for column in columns]
        for role, columns in listed.items()
    }


def _of_columns(value: pl.Expr, roles: Roles, estimated: Estimated) -> pl.Expr:
    """An expression that stands for as many columns as its value does: the columns of each role are one struct."""
    structs = [
        pl.struct(column.name.prefix(f"{PRIVATE}{role}_") for column in columns) for role, columns in roles.items()
    ]
    constant = ["value"] * _is_constant([value]) + [role for role, columns in roles.items() if _is_constant(columns)]
    call = partial(_called, roles=tuple(roles), constant=tuple(constant), estimated=estimated, caller=warning.caller())
    return pl.map_batches([value, *structs, evaluation.number()], call, return_dtype=pl.Float64)


def _is_constant(columns: list[pl.Expr]) -> bool:
    return all(column.meta.is_literal(allow_aliasing=True) for column in columns)


def _called(
    inputs: Sequence[pl.Series],
    roles: tuple[str, ...],
    constant: tuple[str, ...],
    estimated: Estimated,
    caller: warning.Caller,
) -> pl.Series:
    """The statistic beside the rows of one call."""
    value, *structs, numbers = inputs
    columns = _full({"value": value, **dict(zip(roles, structs, strict=True))}, constant)
    frames = {role: column.struct.unnest() for role, column in columns.items() if role != "value"}
    table = pl.DataFrame([columns["value"], *(column for frame in frames.values() for column in frame)])
    run = evaluation.run(numbers, caller, *table.columns)
    caller = replace(caller, messages=run.messages)
    if run.groups > 1 and run.called(single=frames["by"].n_unique() <= 1):
        warning.warn([warning.ALONE], caller, UserWarning)
    with warning.called_from(caller):
        named = {role: frame.columns if role in KEYS else _one(role, frame) for role, frame in frames.items()}
        return estimated(table, named).alias(value.name)


def _full(columns: dict[str, pl.Series], constant: tuple[str, ...]) -> dict[str, pl.Series]:
    """Constants repeated in every row, and no aggregate: it would be repeated, too."""
    rows = next((len(column) for column in columns.values() if len(column) != 1), 1)
    for role, column in columns.items():
        if len(column) != rows and role not in constant:
            raise ValueError(
                f"{role} has one value for all {rows:,} rows, as an aggregate gives: give a column, an expression that "
                "is as long, or pl.lit(...) for a constant"
            )
    return {role: column.new_from_index(0, rows) if len(column) != rows else column for role, column in columns.items()}


def _one(role: str, frame: pl.DataFrame) -> pl.Expr:
    """The only column of a role, under its own name."""
    names = [name.removeprefix(f"{PRIVATE}{role}_") for name in frame.columns]
    arguments.one_column(names, role)
    return pl.col(frame.columns[0]).alias(names[0])
