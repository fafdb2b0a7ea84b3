"""Further frames of a call: groups without rows, rows to predict."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from ..models.keys import PRIVATE
from ..models.oneway.spec import OneWay
from ..models.regression.spec import LIMITS, PREDICTIONS, Regression
from ..models.request import Request
from .call import Call
from .columns import schema_of
from .expansion import refuse_types
from .sentences import listed, nearest

SIGNED, UNSIGNED = {pl.Int8, pl.Int16, pl.Int32, pl.Int64}, {pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64}


def unseen(call: Call, request: Request) -> pl.LazyFrame | None:
    """The keys of groups that may have no rows: those in `by`, and all or none of those in `over`."""
    groups = call.get("groups")
    if groups is None:
        return None
    if not isinstance(groups, pl.DataFrame | pl.LazyFrame):
        raise TypeError(f"groups is a {type(groups).__qualname__}; give a polars.DataFrame or LazyFrame of keys")
    has, needed = groups.lazy().collect_schema(), call.frame.select(*request.key_columns).collect_schema()
    over = [name for name in request.over_names if name in has]
    missing = [name for name in (*(request.over_names if over else ()), *request.group_names) if name not in has]
    if missing:
        raise pl.exceptions.ColumnNotFoundError(
            f"groups= has no column {missing[0]!r}; it has {listed(has)}, and needs the keys of by and all or none of "
            f"those of over{nearest(missing[0], has)}"
        )
    types = {name: key_type(has[name], needed[name]) for name in (*over, *request.group_names)}
    for name, dtype in types.items():
        if dtype is None:
            raise TypeError(
                f"the key {name!r} is {has[name]} in groups= and {needed[name]} in the frame; cast one of them"
            )
    columns = [pl.col(name).cast(dtype) for name, dtype in types.items() if dtype is not None]
    return groups.lazy().select(*columns, *_predictors(groups.lazy(), has, request))


def _predictors(groups: pl.LazyFrame, schema: pl.Schema, request: Request) -> list[pl.Expr]:
    """The predictors of the groups, under their private names; one that is NaN or infinite is missing."""
    if isinstance(request, OneWay):
        refuse_types(groups, schema, request.design, "groups")
    numbers = (e.cast(pl.Float64) for e in request.predictors)
    return [pl.when(e.is_finite()).then(e).alias(f"{PRIVATE}x{i}") for i, e in enumerate(numbers)]


def key_type(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """The type that holds the keys of two frames: their common type, a wider integer, or text; None for no type."""
    types = {one, other}
    if len(types) == 1:
        return one
    if types <= SIGNED | {pl.UInt8, pl.UInt16, pl.UInt32} or types <= UNSIGNED:
        wide = pl.concat([pl.DataFrame(schema={"key": dtype}) for dtype in types], how="vertical_relaxed")
        return wide.schema["key"]
    return pl.String() if all(dtype in (pl.String, pl.Categorical, pl.Enum) for dtype in types) else None


def rows_to_predict(call: Call, request: Regression) -> pl.LazyFrame | None:
    """Rows that have the covariates and keys of a regression; None for those of the frame."""
    rows = call["rows"]
    if not (rows is None or isinstance(rows, pl.DataFrame | pl.LazyFrame)):
        raise TypeError(f"rows is a {type(rows).__qualname__}; give a polars.DataFrame or LazyFrame")
    lf = call.frame if rows is None else rows.lazy()
    schema = lf.collect_schema()
    _refuse_column_names(schema, PREDICTIONS + LIMITS if request.options.interval else PREDICTIONS)
    if rows is None:
        return None
    has = schema_of(lf, schema, request.key_columns, "rows")
    for name, dtype in call.frame.select(*request.key_columns).collect_schema().items():
        if has[name] != dtype:
            raise TypeError(f"the key {name!r} is {has[name]} in rows= and {dtype} in the frame; cast one of them")
    refuse_types(lf, schema, request.design, "rows")
    return lf


def rows_to_encode(call: Call, request: Request) -> pl.LazyFrame | None:
    """Rows that have the keys of a request; None for those of the frame."""
    rows = call.get("rows")
    if rows is None:
        return None
    if not isinstance(rows, pl.DataFrame | pl.LazyFrame):
        raise TypeError(f"rows is a {type(rows).__qualname__}; give a polars.DataFrame or LazyFrame")
    has = schema_of(rows.lazy(), rows.lazy().collect_schema(), request.key_columns, "rows")
    for name, dtype in call.frame.select(*request.key_columns).collect_schema().items():
        if key_type(has[name], dtype) is None:
            raise TypeError(f"the key {name!r} is {has[name]} in rows= and {dtype} in the frame; cast one of them")
    if isinstance(request, OneWay):
        refuse_types(rows.lazy(), rows.lazy().collect_schema(), request.design, "rows")
    return rows.lazy()


def _refuse_column_names(schema: pl.Schema, added: Iterable[str]) -> None:
    """Refuse rows with columns named as those that a prediction adds, or as private ones."""
    for name in added:
        if name in schema:
            raise ValueError(f"the rows have a column {name!r} already; rename it first")
    for column in schema:
        if column.startswith(PRIVATE):
            raise ValueError(
                f"the column {column!r} of the rows begins with {PRIVATE!r}, as private names do; rename it"
            )
