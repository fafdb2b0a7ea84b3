"""Frames beside the first one: groups without rows, rows to predict."""

from __future__ import annotations

from typing import Any

import polars as pl

from ..models.keys import PRIVATE
from ..models.oneway.spec import Model
from ..models.rates.spec import Rates
from ..models.regression.spec import PREDICTIONS, Regression
from .columns import numeric, schema_of
from .sentences import listed, nearest

SIGNED, UNSIGNED = {pl.Int8, pl.Int16, pl.Int32, pl.Int64}, {pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64}


def unseen(given: Any, frame: pl.LazyFrame, m: Model | Rates) -> pl.LazyFrame | None:
    """The keys of groups that may have no rows: those in `by`, and all or none of those in `over`."""
    if given is None:
        return None
    if not isinstance(given, pl.DataFrame | pl.LazyFrame):
        raise TypeError(f"groups is a {type(given).__qualname__}; give a polars.DataFrame or LazyFrame of keys")
    has, wants = given.lazy().collect_schema(), frame.select(*m.key_columns).collect_schema()
    over = [name for name in m.over_names if name in has]
    missing = [name for name in (*(m.over_names if over else ()), *m.by_names) if name not in has]
    if missing:
        raise pl.exceptions.ColumnNotFoundError(
            f"groups= has no column {missing[0]!r}; it has {listed(has)}, and needs the keys of by and all or none of "
            f"those of over{nearest(missing[0], has)}"
        )
    types = {name: key_type(has[name], wants[name]) for name in (*over, *m.by_names)}
    for name, dtype in types.items():
        if dtype is None:
            raise TypeError(
                f"the key {name!r} is {has[name]} in groups= and {wants[name]} in the frame; cast one of them"
            )
    return given.lazy().select(pl.col(name).cast(dtype) for name, dtype in types.items() if dtype is not None)


def key_type(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """The type of keys of two frames that holds the values of both: theirs, a wider integer, or text."""
    types = {one, other}
    if len(types) == 1:
        return one
    if types <= SIGNED | {pl.UInt8, pl.UInt16, pl.UInt32} or types <= UNSIGNED:
        wide = pl.concat([pl.DataFrame(schema={"key": dtype}) for dtype in types], how="vertical_relaxed")
        return wide.schema["key"]
    return pl.String() if all(dtype in (pl.String, pl.Categorical, pl.Enum) for dtype in types) else None


def rows_to_predict(given: Any, frame: pl.LazyFrame, m: Regression) -> pl.LazyFrame | None:
    """Rows that have the covariates and keys of a regression; None for those of the frame."""
    if not (given is None or isinstance(given, pl.DataFrame | pl.LazyFrame)):
        raise TypeError(f"rows is a {type(given).__qualname__}; give a polars.DataFrame or LazyFrame")
    rows = frame if given is None else given.lazy()
    schema = rows.collect_schema()
    for name in PREDICTIONS:
        if name in schema:
            raise ValueError(f"the rows have a column {name!r} already; rename it first")
    for column in schema:
        if column.startswith(PRIVATE):
            raise ValueError(
                f"the column {column!r} of the rows begins with {PRIVATE!r}, as private names do; rename it"
            )
    if given is None:
        return None
    has = schema_of(rows, schema, m.key_columns, "rows")
    for name, dtype in frame.select(*m.key_columns).collect_schema().items():
        if has[name] != dtype:
            raise TypeError(f"the key {name!r} is {has[name]} in rows= and {dtype} in the frame; cast one of them")
    for covariate in m.covariates:
        numeric(rows, schema, covariate, "rows")
    return rows
