"""The view of a task's columns in DuckDB: keys, value, weights and filter of one part of a source."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import duckdb
import polars as pl

from .. import arguments
from . import transport
from .database import PART, ROWS, rows
from .duckdb_expressions import Column, column, column_type, condition, expression
from .errors import UsageError
from .quoting import identifier
from .task import Input, Task, split

CARRIED = "polars_pool_key_"  # prefix of a key that passes through DuckDB in another type
MOST_KEYS = 500  # the macros name each key many times, and DuckDB's planning time grows with the square of the number


def create_view(con: duckdb.DuckDBPyConnection, task: Task, frame: pl.LazyFrame) -> Input:
    """The view of the columns that a task needs, and their names in it."""
    schema = frame.collect_schema()
    names = schema.names()
    pieces = {role: _pieces(texts, names) for role, texts in (("over", task.over), ("by", task.by))}
    all_keys = [*pieces["over"], *pieces["by"]]
    check_number_of_keys(all_keys)
    con.register(PART, _registered(frame, all_keys))
    over, by = ([_key(con, piece, schema, role) for piece in pieces[role]] for role in ("over", "by"))
    keys = [*over, *by]
    arguments.distinct_keys([key.name for key in over], [key.name for key in by], ())
    columns: dict[str, Any] = {"over": [key.name for key in over], "by": [key.name for key in by]}
    selected = list(keys)
    covariates = {role: texts[0] for role, texts in task.predictors.items()}  # the macros have one
    for role, text in {"value": task.value or "", **task.columns, **covariates}.items():
        new = column(con, text, names, role)
        if (new.text, new.name) not in [(other.text, other.name) for other in selected]:  # a value may also be a key
            new = Column(new.text, _free_name(new.name, [other.name for other in selected]))
            selected.append(new)
        columns[role] = new.name
    where = "" if task.where is None else f"WHERE {condition(con, task.where, names)}"
    listed = ", ".join(f"{one.text} AS {identifier(one.name)}" for one in selected)
    rows(con, f"CREATE OR REPLACE TEMP VIEW {ROWS} AS SELECT {listed} FROM {PART} {where}")
    types = {key.name: key.dtype for key in keys if key.dtype is not None}
    [described] = rows(con, f"DESCRIBE SELECT {identifier(columns['value'])} FROM {ROWS}")
    return Input(ROWS, columns, types, boolean=described[1] == "BOOLEAN")


def check_number_of_keys(keys: Collection[object]) -> None:
    """Refuse more keys than DuckDB can plan in a reasonable time."""
    if len(keys) > MOST_KEYS:
        raise UsageError(
            f"there are {len(keys):,} keys, and --engine duckdb takes {MOST_KEYS} at most; use --engine polars"
        )


def _pieces(texts: Sequence[str], names: Sequence[str]) -> list[str]:
    """Each key as a text of its own."""
    return [piece for text in texts for piece in ([text] if text in names else split([text]))]


def _registered(frame: pl.LazyFrame, keys: Sequence[str]) -> pl.LazyFrame:
    """The columns in types that DuckDB accepts, with a copy of each key that must pass through in another type."""
    schema = frame.collect_schema()
    carried = {key: transport.carried(schema[key]) for key in dict.fromkeys(keys) if key in schema}
    copies = [
        arguments.column_of(schema, key, "by").cast(dtype).alias(f"{CARRIED}{key}")
        for key, dtype in carried.items()
        if dtype != schema[key]
    ]
    return transport.admitted(frame.with_columns(copies))


def _free_name(name: str, taken: Sequence[str]) -> str:
    """The name, with underscores added until it differs from all names in use."""
    while name.casefold() in map(str.casefold, taken):
        name += "_"
    return name


def _key(con: duckdb.DuckDBPyConnection, text: str, schema: pl.Schema, role: str) -> Column:
    """A key: a column in the type in which it passes through DuckDB, or an expression in its SQL type."""
    if text in schema:
        dtype = schema[text]
        return Column(identifier(text if transport.carried(dtype) == dtype else f"{CARRIED}{text}"), text, dtype)
    parsed = expression(con, text, role)
    kind = column_type(con, parsed, text, schema.names(), role)
    if kind == "INTERVAL":
        raise UsageError(
            f"--{role} {text!r} is an INTERVAL, which cannot be a key; give a number, as epoch_us(...) does"
        )
    if kind in ("HUGEINT", "UHUGEINT"):
        dtype = pl.Int128() if kind == "HUGEINT" else pl.UInt128()
        return Column(f"CAST({parsed.text} AS VARCHAR)", parsed.name, dtype)
    return Column(parsed.text, parsed.name, con.sql(f"SELECT NULL::{kind} AS key").pl().schema["key"])
