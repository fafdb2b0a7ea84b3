"""A statistic of its group for every row, as an expression: `pl.col(...).pool`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl

from .. import arguments
from ..arguments import Call
from ..arguments.columns import PolarsColumn
from ..models import warning
from ..models.families import family_of
from ..models.keys import PRIVATE
from . import evaluation

KEYS = ("by", "over")
COLUMNS = ("weights", "trials", "exposure", "folds", "order_by")
Roles = dict[str, list[pl.Expr]]


def statistic(value: pl.Expr, name: str, call: Call) -> pl.Expr:
    """An expression of a statistic of estimates; the columns themselves are checked when the query runs.

    It stands for as many columns as its value does: the columns of each role are one struct.
    """
    arguments.check_expression(call)
    roles = _roles(value, call)
    structs = [
        pl.struct(column.name.prefix(f"{PRIVATE}{role}_") for column in columns) for role, columns in roles.items()
    ]
    constant = ["value"] * _is_constant([value]) + [role for role, columns in roles.items() if _is_constant(columns)]
    # The columns are inputs of the function: its call keeps the options alone.
    options = call.replaced(**dict.fromkeys((*KEYS, *_columns(call))))
    function = partial(
        _statistic, name=name, call=options, roles=tuple(roles), constant=tuple(constant), caller=warning.caller()
    )
    return pl.map_batches([value, *structs, evaluation.number()], function, return_dtype=pl.Float64)


def _roles(value: pl.Expr, call: Call) -> Roles:
    """The columns by their roles, without the value; like the value, each is computed row by row."""
    arguments.rowwise(value, "value")
    columns = {f"by{depth}": keys for depth, keys in enumerate(_levels(call))}
    columns |= {} if call["over"] is None else {"over": arguments.key_columns(call["over"], "over")}
    columns |= {role: [arguments.name_or_expression(call[role], role)] for role in _columns(call)}
    columns |= {"toward": arguments.predictor_columns(call["toward"])} if arguments.has_predictors(call) else {}
    for role, some in columns.items():
        for column in some:
            arguments.rowwise(column, _argument(role))
    return {
        role: [arguments.named(column) if isinstance(column, str) else column for column in some]
        for role, some in columns.items()
    }


def _levels(call: Call) -> list[list[PolarsColumn]]:
    """The keys of each level; without nested levels all keys are those of one level."""
    return arguments.levels_of(call["by"]) if call["nested"] else [arguments.key_columns(call["by"], "by")]


def _columns(call: Call) -> list[str]:
    """The roles of single columns; folds can be a number or a word instead."""
    return [
        role for role in COLUMNS if call[role] is not None and not (role == "folds" and arguments.is_rule(call[role]))
    ]


def _is_level(role: str) -> bool:
    """Whether a role is that of the keys of a level."""
    return role.removeprefix("by").isdecimal()


def _argument(role: str) -> str:
    """The argument that a role belongs to."""
    return "by" if _is_level(role) else role


def _is_constant(columns: list[pl.Expr]) -> bool:
    return all(column.meta.is_literal(allow_aliasing=True) for column in columns)


# ---- when the query runs --------------------------------------------------------------------------------------------


def _statistic(
    inputs: Sequence[pl.Series],
    name: str,
    call: Call,
    roles: tuple[str, ...],
    constant: tuple[str, ...],
    caller: warning.Caller,
) -> pl.Series:
    """The statistic for the rows of one evaluation."""
    value, *structs, numbers = inputs
    columns = _full({"value": value, **dict(zip(roles, structs, strict=True))}, constant)
    frames = {role: column.struct.unnest() for role, column in columns.items() if role != "value"}
    table = pl.DataFrame([columns["value"], *(column for frame in frames.values() for column in frame)])
    run = evaluation.run(numbers, caller, *table.columns)
    caller = replace(caller, messages=run.messages)
    levels = {role: frame for role, frame in frames.items() if _is_level(role)}
    if run.groups > 1 and run.evaluated(single=_number_of_keys(levels.values()) <= 1):
        warning.warn([warning.ALONE], caller, UserWarning)
    arguments_of_run: dict[str, Any] = {role: _one(role, frame) for role, frame in frames.items() if role in COLUMNS}
    arguments_of_run |= {"over": frames["over"].columns} if "over" in frames else {}
    if "toward" in frames:
        columns_of_toward = _under_own_names("toward", frames["toward"])
        arguments_of_run["toward"] = arguments.of_columns(call["toward"], columns_of_toward)
    if call["nested"]:  # at= names a level by its key
        arguments_of_run["by"] = [_under_own_names(role, frame) for role, frame in levels.items()]
    else:
        arguments_of_run["by"] = levels["by0"].columns
    with warning.called_from(caller):
        request, encoding = arguments.statistic(call.replaced(frame=table, value=table.columns[0], **arguments_of_run))
        of_family = family_of(request).statistic
        assert of_family is not None
        return of_family(table, request, name, encoding).alias(value.name)


def _number_of_keys(levels: Iterable[pl.DataFrame]) -> int:
    """The number of different rows of the keys of all levels."""
    return pl.DataFrame([column for frame in levels for column in frame]).n_unique()


def _full(columns: dict[str, pl.Series], constant: tuple[str, ...]) -> dict[str, pl.Series]:
    """The columns with constants repeated in every row; an aggregate is an error, as it would be repeated too."""
    rows = next((len(column) for column in columns.values() if len(column) != 1), 1)
    for role, column in columns.items():
        if len(column) != rows and role not in constant:
            raise ValueError(
                f"{_argument(role)} has one value for all {rows:,} rows, as an aggregate gives: give a column, an "
                "expression that is as long, or pl.lit(...) for a constant"
            )
    return {role: column.new_from_index(0, rows) if len(column) != rows else column for role, column in columns.items()}


def _under_own_names(role: str, frame: pl.DataFrame) -> list[pl.Expr]:
    """The columns of a role, under their own names."""
    return [pl.col(name).alias(name.removeprefix(f"{PRIVATE}{role}_")) for name in frame.columns]


def _one(role: str, frame: pl.DataFrame) -> pl.Expr:
    """The only column of a role, under its own name."""
    names = [name.removeprefix(f"{PRIVATE}{role}_") for name in frame.columns]
    arguments.one_column(names, role)
    return pl.col(frame.columns[0]).alias(names[0])
