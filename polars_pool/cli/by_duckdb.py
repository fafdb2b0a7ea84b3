"""Answers by DuckDB and the macros of sql/pool.sql. It reads the parts of a source through Polars, one at a time.

What the user gives as data (names of files, of columns, of methods) is quoted. What the user gives as an expression is
SQL, and must be one expression by DuckDB's own parser before it becomes a piece of a query.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import polars as pl

from .. import check
from ..engines.duckdb import install_macros
from ..sources import Part
from ..store import Progress
from . import keyfile
from .errors import DataError, UsageError, sentence
from .task import Input, Report, Task, split

# _pool_ is for the macros.
PART, ROWS, STATES = "polars_pool_part", "polars_pool_rows", "polars_pool_states"
KEYS, NEW = "polars_pool_keys", "polars_pool_new"


class Column(NamedTuple):
    """An expression of SQL, and the name it has in a result."""

    text: str
    name: str


@contextmanager
def connection(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in a folder, so that what does not fit into memory can go to disk."""
    with duckdb.connect(scratch / "scratch.duckdb") as con:
        yield con


def rows(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """What a query gives. It runs in a thread: DuckDB itself does not always notice an interrupt while it works."""
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(lambda: con.execute(query, parameters).fetchall())
        try:
            while not wait([found], timeout=0.05).done:  # an interrupt need not end a wait
                pass
            return found.result()
        except KeyboardInterrupt:
            while not found.done():
                con.interrupt()
                time.sleep(0.02)
            raise


def of_rows(con: duckdb.DuckDBPyConnection, task: Task, parts: Sequence[Part], report: Report) -> Input:
    """The moments of rows, part by part, merged by DuckDB when they are read."""
    count = 0
    for number, part in enumerate(parts, start=1):
        data = _viewed(con, task, part.scan())
        if number == 1:
            install_macros(con, temporary=True)
        keys = [*data.columns["over"], *data.columns["by"]]
        weights = [data.columns["weights"]] if "weights" in data.columns else []
        macro = "pool_weighted_moments" if weights else "pool_moments"
        given = [ROWS, identifier(data.columns["value"]), key_list(keys), *map(identifier, weights)]
        query = f"FROM {macro}({', '.join(given)}, nan := {literal(task.nan or 'error')})"
        kind = f"INSERT INTO {STATES}" if number > 1 else f"CREATE TABLE {STATES} AS"
        try:
            rows(con, f"{kind} {query}")
        except duckdb.Error as error:
            raise DataError(f"{part.name}: {sentence(error)}") from error
        if part.current() != part.version:
            raise DataError(f"{part.name} changed while it was read; run the command again")
        count += part.scan().select(pl.len()).collect().item()
        if report:
            report(Progress(number, len(parts), count, None))
    columns = {"value": "mean", "n": "n", "var": "var", "by": data.columns["by"], "over": data.columns["over"]}
    return Input(STATES, columns | ({"weights": "w"} if weights else {}))


def of_frame(con: duckdb.DuckDBPyConnection, task: Task, frame: pl.LazyFrame) -> Input:
    """Stored moments or published estimates, in any columns."""
    data = _viewed(con, task, frame)
    install_macros(con, temporary=True)
    return data


def of_states(con: duckdb.DuckDBPyConnection, data: Input) -> Input:
    """Stored moments that Polars reads."""
    install_macros(con, temporary=True)
    con.register(PART, data.frame)
    rows(con, f"CREATE TABLE {STATES} AS FROM {PART}")
    return Input(STATES, data.columns)


def answer(con: duckdb.DuckDBPyConnection, verb: str, data: Input, options: dict[str, Any], path: Path) -> pl.LazyFrame:
    """What a verb makes of the data, by way of a file."""
    columns = dict(data.columns)
    given = [data.frame]
    if verb == "merge":
        weighted = "weights" in columns
        given += [identifier(columns.pop("value")), key_list(columns.pop("by"))]
        given += [identifier(columns.pop("weights"))] if weighted else []
        macro = "pool_weighted_moments" if weighted else "pool_moments"
    else:
        given += [identifier(columns.pop("value")), key_list(columns.pop("by"))]
        macro = f"pool_{verb}"
    if verb == "shrink" and "groups" in options:
        options = {**options, "groups": _unseen(con, options["groups"], data)}
    over = columns.pop("over", [])
    named = {"over": key_list(over)} if over else {}
    named |= {role: identifier(name) for role, name in columns.items()}
    named |= {name: literal(option) for name, option in options.items()}
    call = ", ".join([*given, *(f"{identifier(name)} := {text}" for name, text in named.items())])
    rows(con, f"COPY (FROM {macro}({call})) TO {literal(str(path))} (FORMAT parquet)")
    return pl.scan_parquet(path, glob=False)


def _unseen(con: duckdb.DuckDBPyConnection, name: str, data: Input) -> str:
    """The table of groups that may have no rows, of every model if their file does not say of which."""
    columns = {role: column for role, column in data.columns.items() if column != []}
    found = keyfile.fitting(name, con.sql(f"FROM {data.frame} LIMIT 0").pl().lazy(), columns)
    con.register(KEYS, found)
    lacking = [identifier(key) for key in data.columns["over"] if key not in found.collect_schema()]
    models = f", (SELECT DISTINCT {', '.join(lacking)} FROM {data.frame})" if lacking else ""
    rows(con, f"CREATE TABLE {NEW} AS FROM {KEYS}{models}")
    return NEW


def _viewed(con: duckdb.DuckDBPyConnection, task: Task, frame: pl.LazyFrame) -> Input:
    """A view of the columns a task needs, and the names they have in it."""
    con.register(PART, frame)
    names = frame.collect_schema().names()
    over, by = (
        [_column(con, piece, names, role) for text in texts for piece in ([text] if text in names else split([text]))]
        for role, texts in (("over", task.over), ("by", task.by))
    )
    chosen = [*over, *by]
    check.distinct_keys([c.name for c in over], [c.name for c in by], ())
    columns: dict[str, Any] = {"over": [c.name for c in over], "by": [c.name for c in by]}
    for role, text in {"value": task.value or "", **task.columns}.items():
        found = _column(con, text, names, role)
        if found not in chosen:  # a value may be a key as well
            found = Column(found.text, _free(found.name, [c.name for c in chosen]))
            chosen.append(found)
        columns[role] = found.name
    where = "" if task.where is None else f"WHERE {_condition(con, task.where, names)}"
    selected = ", ".join(f"{column.text} AS {identifier(column.name)}" for column in chosen)
    rows(con, f"CREATE OR REPLACE TEMP VIEW {ROWS} AS SELECT {selected} FROM {PART} {where}")
    return Input(ROWS, columns)


def _free(name: str, taken: Sequence[str]) -> str:
    """A name that is not taken yet."""
    while name.casefold() in map(str.casefold, taken):
        name += "_"
    return name


# ---- expressions --------------------------------------------------------------------------------------------------


def _column(con: duckdb.DuckDBPyConnection, text: str, names: Sequence[str], role: str) -> Column:
    """One column: its name, or an expression of DuckDB's SQL that has a type on this frame."""
    if text in names:
        return Column(identifier(text), text)
    column = _expression(con, text, role)
    _type(con, column, text, names, role)
    return column


def _condition(con: duckdb.DuckDBPyConnection, text: str, names: Sequence[str]) -> str:
    column = Column(identifier(text), text) if text in names else _expression(con, text, "where")
    kind = _type(con, column, text, names, "where")
    if kind != "BOOLEAN":
        raise TypeError(f"where stands for {text!r}: {kind}; give one column or expression of Booleans")
    return column.text


def _type(con: duckdb.DuckDBPyConnection, column: Column, text: str, names: Sequence[str], role: str) -> str:
    """The type that a column has in the part."""
    try:
        [described] = rows(con, f"DESCRIBE SELECT {column.text} FROM {PART}")
    except duckdb.Error as error:
        missing = re.search(r'eferenced column "(.+?)" not found', str(error))
        if missing:
            raise check.no_column(role, missing[1], names) from None
        raise DataError(f"--{role} {text!r}: {sentence(error)}") from None
    return str(described[1])


def _expression(con: duckdb.DuckDBPyConnection, text: str, role: str) -> Column:
    """The text as DuckDB itself writes it again, if it is one expression and nothing else.

    It stands in a SELECT of its own, with a line's end after it: were it several statements or expressions, a clause,
    or half of a comment, the parser would see more than one item in an otherwise empty SELECT, or fail.
    """
    tree = _parsed(con, f"SELECT {text}\n")
    empty = _parsed(con, "SELECT 1\n")
    if tree["error"] and tree["error_type"] == "parser":
        raise UsageError(f"--{role} {text!r} is no expression of SQL: {tree['error_message']}")
    found, [only] = [] if tree["error"] else _items(tree), _items(empty)
    if len(found) != 1 or _with_items(tree, [only]) != empty:
        raise UsageError(f"--{role} {text!r} is no expression of SQL: give one expression, without any clause")
    _by_row(con, found[0], text, role)
    alias = found[0]["alias"]
    bare = _written(con, _with_items(tree, [{**found[0], "alias": ""}]))
    last = found[0]["column_names"][-1] if found[0]["class"] == "COLUMN_REF" else bare
    return Column(bare, alias or last)


def _parsed(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    [(text,)] = rows(con, "SELECT json_serialize_sql($1)", [query])
    tree: dict[str, Any] = json.loads(text)
    return tree


def _written(con: duckdb.DuckDBPyConnection, tree: dict[str, Any]) -> str:
    [(text,)] = rows(con, "SELECT json_deserialize_sql($1::JSON)", [json.dumps(tree)])
    return str(text).removeprefix("SELECT ").removesuffix(";")


def _items(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """What the first statement selects; nothing, where it is more than a plain SELECT."""
    items: list[dict[str, Any]] = tree["statements"][0]["node"].get("select_list", [])
    return items


def _with_items(tree: dict[str, Any], items: list[dict[str, Any]]) -> dict[str, Any]:
    first, *others = tree["statements"]
    return {**tree, "statements": [{**first, "node": {**first["node"], "select_list": items}}, *others]}


def _by_row(con: duckdb.DuckDBPyConnection, tree: dict[str, Any], text: str, role: str) -> None:
    """Moments are taken part by part, and what needs more rows than one would be of a part alone."""
    if not {node["class"] for node in _nodes(tree)}.isdisjoint({"STAR"}):
        raise UsageError(f"--{role} {text!r} stands for several columns; name each")
    many = {name for (name,) in rows(con, AGGREGATES)} | {"unnest"}
    for node in _nodes(tree):
        if node["class"] == "PARAMETER":
            raise UsageError(f"--{role} {text!r} has a parameter; give its value")
        if node["class"] in ("WINDOW", "SUBQUERY") or (node["class"] == "FUNCTION" and node["function_name"] in many):
            raise UsageError(f"--{role} {text!r} must be computed row by row: no aggregate, window, subquery or unnest")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for inner in tree:
            yield from _nodes(inner)


AGGREGATES = """
    SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'
    EXCEPT SELECT function_name FROM duckdb_functions() WHERE function_type = 'scalar'
"""


# ---- quoting ------------------------------------------------------------------------------------------------------


def identifier(name: str) -> str:
    """A name as SQL, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | float | list[float]) -> str:
    """A text, a truth, a number or a list of them as SQL; a number to its last bit."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else f"'{value!r}'::DOUBLE"


def key_list(names: Sequence[str]) -> str:
    """Keys as the macros take them, with the names they have."""
    return f"COLUMNS([{', '.join(map(literal, names))}])"
