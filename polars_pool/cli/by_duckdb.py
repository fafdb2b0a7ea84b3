"""Answers by DuckDB and the macros of sql/pool.sql. It reads the parts of a source through Polars, a batch at a time.

What the user gives as data (names of files, of columns, of methods) is quoted. What the user gives as an expression is
SQL, and must be one expression by DuckDB's own parser before it becomes a piece of a query.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import polars as pl

from .. import arguments
from ..engines.duckdb import install_macros
from ..store.merging import common_keys
from ..store.reading import Progress
from ..store.sources import Part, batches, rows_of
from . import keyfile, transport
from .errors import DataError, UsageError, sentence
from .expressions import OF_KEYS, constant_key, of_moderate_size, too_large
from .task import Input, Report, Task, split

# _pool_ is for the macros.
PART, ROWS, STATES = "polars_pool_part", "polars_pool_rows", "polars_pool_states"
CARRIED = "polars_pool_key_"  # before the name of a key that passes through in another type
KEYS, NEW, MOMENTS = "polars_pool_keys", "polars_pool_new", "polars_pool_moments"
MOST_KEYS = 500  # the macros name each key many times, and DuckDB's time to read a query grows with their square


class Column(NamedTuple):
    """An expression of SQL, and the name it has in a result."""

    text: str
    name: str
    dtype: pl.DataType | None = None  # of a key


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
    tables = Tables(con)
    done = rows_read = 0
    for batch in batches(parts):
        for several in _read(con, task, batch, tables):
            done += len(several)
            rows_read += int(rows_of(several).select(pl.len()).collect().item()) if report else 0
            if report:
                report(Progress(done, len(parts), rows_read, None))
    return tables.together()


def _read(
    con: duckdb.DuckDBPyConnection, task: Task, batch: Sequence[Part], tables: Tables
) -> Iterator[Sequence[Part]]:
    """Read a batch: at once, or if anything is wrong part by part, so that the error is that of a part."""
    if len(batch) > 1:
        with suppress(Exception):
            _read_together(con, task, batch, tables)
            yield batch
            return
    for part in batch:
        try:
            _read_together(con, task, [part], tables)
        except duckdb.Error as error:
            raise DataError(f"{part.name}: {sentence(error)}") from error
        yield [part]


def _read_together(con: duckdb.DuckDBPyConnection, task: Task, parts: Sequence[Part], tables: Tables) -> None:
    data = _viewed(con, task, rows_of(parts))
    tables.install_macros()
    keys = [*data.columns["over"], *data.columns["by"]]
    weights = [data.columns["weights"]] if "weights" in data.columns else []
    macro = "pool_weighted_moments" if weights else "pool_moments"
    given = [ROWS, identifier(data.columns["value"]), key_list(keys), *map(identifier, weights)]
    call = f"{macro}({', '.join(given)}, nan := {literal(task.nan or 'error')})"
    rows(con, f"CREATE OR REPLACE TEMP TABLE {MOMENTS} AS FROM {call}")
    for part in parts:
        if part.current() != part.version:
            raise DataError(f"{part.name} changed while it was read; run the command again")
    tables.add(parts[0].name, data)


class Tables:
    """The moments of parts, a table for each types of keys."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.kinds: dict[str, tuple[str, Input]] = {}
        self.installed = False

    def install_macros(self) -> None:
        """Install the macros once, when the first part is known to have the columns of the task."""
        if not self.installed:
            install_macros(self.con, temporary=True)
            self.installed = True

    def add(self, source: str, data: Input) -> None:
        """Keep the moments of the last part."""
        kind = repr(data.types)
        new = kind not in self.kinds
        table = f"{STATES}_{len(self.kinds)}" if new else self.kinds[kind][1].frame
        rows(self.con, f"CREATE TABLE {table} AS FROM {MOMENTS}" if new else f"INSERT INTO {table} FROM {MOMENTS}")
        if new:
            columns = {"value": "mean", "n": "n", "var": "var", **{role: data.columns[role] for role in ("by", "over")}}
            columns |= {"weights": "w"} if "weights" in data.columns else {}
            self.kinds[kind] = (source, Input(table, columns, data.types))

    def together(self) -> Input:
        """All moments in one table, in types that hold the keys of all parts."""
        _, first = next(iter(self.kinds.values()))
        if len(self.kinds) == 1:
            return first
        types = common_keys([(repr(source), data.types) for source, data in self.kinds.values()])
        frames = [
            transport.decoded(self.con.sql(f"FROM {data.frame}").pl().lazy(), data.types).cast(types)  # type: ignore
            for _, data in self.kinds.values()
        ]
        return _stored(self.con, Input(pl.concat(frames), first.columns, types))


def of_frame(con: duckdb.DuckDBPyConnection, task: Task, frame: pl.LazyFrame) -> Input:
    """Stored moments or published estimates, in any columns."""
    data = _viewed(con, task, frame)
    install_macros(con, temporary=True)
    return data


def of_states(con: duckdb.DuckDBPyConnection, data: Input) -> Input:
    """Stored moments that Polars reads."""
    install_macros(con, temporary=True)
    schema = data.frame.collect_schema()
    types = {key: schema[key] for key in (*data.columns["over"], *data.columns["by"])}
    few_keys(types)
    return _stored(con, data._replace(types=types))


def _stored(con: duckdb.DuckDBPyConnection, data: Input) -> Input:
    """The frame as a table."""
    con.register(PART, transport.encoded(data.frame, data.types))
    rows(con, f"CREATE TABLE {STATES} AS FROM {PART}")
    return data._replace(frame=STATES)


def few_keys(keys: Collection[object]) -> None:
    """Refuse more keys than DuckDB's time allows."""
    if len(keys) > MOST_KEYS:
        raise UsageError(
            f"there are {len(keys):,} keys, and --engine duckdb takes {MOST_KEYS} at most; use --engine polars"
        )


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
    return transport.decoded(pl.scan_parquet(path, glob=False), data.types)


def _unseen(con: duckdb.DuckDBPyConnection, name: str, data: Input) -> str:
    """The table of groups that may have no rows, of every model if their file does not say of which."""
    columns = {role: column for role, column in data.columns.items() if column != []}
    frame = transport.decoded(con.sql(f"FROM {data.frame} LIMIT 0").pl().lazy(), data.types)
    found = keyfile.fitting(name, frame, columns)
    present = found.collect_schema()
    con.register(KEYS, transport.encoded(found, {key: dtype for key, dtype in data.types.items() if key in present}))
    lacking = [identifier(key) for key in data.columns["over"] if key not in present]
    models = f", (SELECT DISTINCT {', '.join(lacking)} FROM {data.frame})" if lacking else ""
    rows(con, f"CREATE TABLE {NEW} AS FROM {KEYS}{models}")
    return NEW


def _viewed(con: duckdb.DuckDBPyConnection, task: Task, frame: pl.LazyFrame) -> Input:
    """A view of the columns a task needs, and the names they have in it."""
    schema = frame.collect_schema()
    names = schema.names()
    pieces = {
        role: [piece for text in texts for piece in ([text] if text in names else split([text]))]
        for role, texts in (("over", task.over), ("by", task.by))
    }
    few_keys([*pieces["over"], *pieces["by"]])
    con.register(PART, _registered(frame, [*pieces["over"], *pieces["by"]]))
    over, by = ([_key(con, piece, schema, role) for piece in pieces[role]] for role in ("over", "by"))
    chosen = [*over, *by]
    types = {column.name: column.dtype for column in chosen if column.dtype is not None}
    arguments.distinct_keys([c.name for c in over], [c.name for c in by], ())
    columns: dict[str, Any] = {"over": [c.name for c in over], "by": [c.name for c in by]}
    for role, text in {"value": task.value or "", **task.columns}.items():
        found = _column(con, text, names, role)
        if (found.text, found.name) not in [
            (column.text, column.name) for column in chosen
        ]:  # a value may be a key as well
            found = Column(found.text, _free(found.name, [c.name for c in chosen]))
            chosen.append(found)
        columns[role] = found.name
    where = "" if task.where is None else f"WHERE {_condition(con, task.where, names)}"
    selected = ", ".join(f"{column.text} AS {identifier(column.name)}" for column in chosen)
    rows(con, f"CREATE OR REPLACE TEMP VIEW {ROWS} AS SELECT {selected} FROM {PART} {where}")
    return Input(ROWS, columns, types)


def _registered(frame: pl.LazyFrame, keys: Sequence[str]) -> pl.LazyFrame:
    """The columns that DuckDB takes, and those keys that are columns as they pass through it."""
    schema = frame.collect_schema()
    carried = {key: transport.carried(schema[key]) for key in dict.fromkeys(keys) if key in schema}
    copies = [
        arguments.column_of(schema, key, "by").cast(dtype).alias(f"{CARRIED}{key}")
        for key, dtype in carried.items()
        if dtype != schema[key]
    ]
    return transport.admitted(frame.with_columns(copies))


def _free(name: str, taken: Sequence[str]) -> str:
    """A name that is not taken yet."""
    while name.casefold() in map(str.casefold, taken):
        name += "_"
    return name


def _key(con: duckdb.DuckDBPyConnection, text: str, schema: pl.Schema, role: str) -> Column:
    """A key: a column as it passes through DuckDB, or an expression, whose type DuckDB knows."""
    if text in schema:
        dtype = schema[text]
        return Column(identifier(text if transport.carried(dtype) == dtype else f"{CARRIED}{text}"), text, dtype)
    column = _expression(con, text, role)
    kind = _type(con, column, text, schema.names(), role)
    if kind == "INTERVAL":
        raise UsageError(f"--{role} {text!r} is an INTERVAL, which no key can be; give a number, as epoch_us(...) does")
    if kind in ("HUGEINT", "UHUGEINT"):
        return Column(
            f"CAST({column.text} AS VARCHAR)", column.name, pl.Int128() if kind == "HUGEINT" else pl.UInt128()
        )
    return Column(column.text, column.name, con.sql(f"SELECT NULL::{kind} AS key").pl().schema["key"])


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
            raise arguments.no_column(role, missing[1], names) from None
        raise DataError(f"--{role} {text!r}: {sentence(error)}") from None
    return str(described[1])


def _expression(con: duckdb.DuckDBPyConnection, text: str, role: str) -> Column:
    """The text as DuckDB itself writes it again, if it is one expression and nothing else.

    It stands in a SELECT of its own, with a line's end after it: were it several statements or expressions, a clause,
    or half of a comment, the parser would see more than one item in an otherwise empty SELECT, or fail.
    """
    of_moderate_size(text, role)
    try:
        return _one_expression(con, text, role)
    except RecursionError:
        raise too_large(text, role) from None


def _one_expression(con: duckdb.DuckDBPyConnection, text: str, role: str) -> Column:
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
    if role in OF_KEYS and not tree["alias"] and not any(node["class"] == "COLUMN_REF" for node in _nodes(tree)):
        raise constant_key(text, role)


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
