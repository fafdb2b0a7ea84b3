"""Results by DuckDB and the macros of sql/pool.sql. Polars reads the parts of a source, one batch at a time.

Data of the user (names of files, columns and methods) are quoted. An expression of the user is SQL, which
`duckdb_expressions` checks before it becomes part of a query.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ..engines.duckdb import install_macros
from ..store.keytypes import common_keys
from ..store.reading import Progress
from ..store.sources import Part, batches, rows_of
from . import duckdb_macros, keyfile, transport
from .database import KEYS, MOMENTS, NEW, PART, ROWS, STATES, rows
from .duckdb_view import check_number_of_keys, create_view
from .errors import DataError, UsageError, sentence
from .quoting import identifier, key_list, literal
from .task import Input, Report, Task


def of_rows(con: duckdb.DuckDBPyConnection, task: Task, parts: Sequence[Part], report: Report) -> Input:
    """The moments of rows, computed part by part; DuckDB merges them when a verb reads them."""
    tables = Tables(con)
    done = rows_read = 0
    for batch in batches(parts):
        for several in _read(con, task, batch, tables):
            done += len(several)
            rows_read += int(rows_of(several).select(pl.len()).collect().item()) if report else 0
            if report:
                report(Progress(done, len(parts), rows_read, None))
    return tables.merged()


def _read(
    con: duckdb.DuckDBPyConnection, task: Task, batch: Sequence[Part], tables: Tables
) -> Iterator[Sequence[Part]]:
    """Read a batch in one query. After an error read it part by part, so that the error names the part."""
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
    data = create_view(con, task, rows_of(parts))
    tables.install_macros()
    keys = [*data.columns["over"], *data.columns["by"]]
    weights = [data.columns["weights"]] if "weights" in data.columns else []
    macro = "pool_weighted_moments" if weights else "pool_moments"
    positional = [ROWS, identifier(data.columns["value"]), key_list(keys), *map(identifier, weights)]
    call = f"{macro}({', '.join(positional)}, nan := {literal(task.nan or 'error')})"
    rows(con, f"CREATE OR REPLACE TEMP TABLE {MOMENTS} AS FROM {call}")
    for part in parts:
        if part.current() != part.version:
            raise DataError(f"{part.name} changed while it was read; run the command again")
    tables.add(parts[0].name, data)


class Tables:
    """The moments of parts, one table for each combination of key types."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.kinds: dict[str, tuple[str, Input]] = {}
        self.installed = False

    def install_macros(self) -> None:
        """Install the macros once, after the first part is known to have the columns of the task."""
        if not self.installed:
            install_macros(self.con, temporary=True)
            self.installed = True

    def add(self, source: str, data: Input) -> None:
        """Keep the moments of the part that was read last."""
        kind = repr(data.types)
        new = kind not in self.kinds
        table = f"{STATES}_{len(self.kinds)}" if new else self.kinds[kind][1].frame
        rows(self.con, f"CREATE TABLE {table} AS FROM {MOMENTS}" if new else f"INSERT INTO {table} FROM {MOMENTS}")
        if new:
            columns = {"value": "mean", "n": "n", "var": "var", **{role: data.columns[role] for role in ("by", "over")}}
            columns |= {"weights": "w"} if "weights" in data.columns else {}
            self.kinds[kind] = (source, data._replace(frame=table, columns=columns))

    def merged(self) -> Input:
        """All moments in one table, in types that hold the keys of all parts."""
        _, first = next(iter(self.kinds.values()))
        if len(self.kinds) == 1:
            return first
        types = common_keys([(repr(source), data.types) for source, data in self.kinds.values()])
        frames = [
            transport.decoded(self.con.sql(f"FROM {data.frame}").pl().lazy(), data.types).cast(types)  # type: ignore
            for _, data in self.kinds.values()
        ]
        return _stored(self.con, first._replace(frame=pl.concat(frames), types=types))


def of_frame(con: duckdb.DuckDBPyConnection, task: Task, frame: pl.LazyFrame) -> Input:
    """Stored moments or published estimates, in columns of any name."""
    data = create_view(con, task, frame)
    install_macros(con, temporary=True)
    return data


def of_states(con: duckdb.DuckDBPyConnection, data: Input) -> Input:
    """Stored moments that Polars reads."""
    install_macros(con, temporary=True)
    schema = data.frame.collect_schema()
    predictors = {role: columns[0] for role, columns in data.columns.items() if role in duckdb_macros.THIRD}
    for role, column in predictors.items():
        if not isinstance(column, str):
            raise UsageError(f"--{role} with --store and --engine duckdb takes a key of the store, no expression")
    data = data._replace(columns=data.columns | predictors)
    types = {key: schema[key] for key in (*data.columns["over"], *data.columns["by"])}
    check_number_of_keys(types)
    return _stored(con, data._replace(types=types))


def _stored(con: duckdb.DuckDBPyConnection, data: Input) -> Input:
    """The input with its frame as a table of the database."""
    con.register(PART, transport.encoded(data.frame, data.types))
    rows(con, f"CREATE TABLE {STATES} AS FROM {PART}")
    return data._replace(frame=STATES)


def result(con: duckdb.DuckDBPyConnection, verb: str, data: Input, options: dict[str, Any], path: Path) -> pl.LazyFrame:
    """The result of a verb, which DuckDB writes to a file."""
    columns, by = dict(data.columns), data.columns["by"]
    macro, options = duckdb_macros.macro(verb, columns, options)
    keys = [key_list(by)]
    if options.get("nested"):
        macro, keys, options = f"{macro}_nested", [identifier(key) for key in by], _of_levels(by, options)
    second, third = (
        [identifier(columns.pop(role)) for role in roles if role in columns]
        for roles in (duckdb_macros.SECOND, duckdb_macros.THIRD)
    )
    if "prior" in options and not second:
        second = ["1"]  # every row is one trial
    del columns["by"]
    positional = [data.frame, identifier(columns.pop("value")), *second, *keys, *third]
    if verb == "merge":
        macro = "pool_weighted_moments" if "weights" in columns else "pool_moments"
        positional += [identifier(columns.pop("weights"))] if "weights" in columns else []
    if verb == "shrink" and "groups" in options:
        options = {**options, "groups": _unseen(con, options["groups"], data)}
    over = columns.pop("over", [])
    named = {"over": key_list(over)} if over else {}
    named |= {role: identifier(name) for role, name in columns.items()}
    named |= {name: literal(option) for name, option in options.items()}
    call = ", ".join([*positional, *(f"{identifier(name)} := {text}" for name, text in named.items())])
    rows(con, f"COPY (FROM {macro}({call})) TO {literal(str(path))} (FORMAT parquet)")
    return transport.decoded(pl.scan_parquet(path, glob=False), data.types)


def _of_levels(by: Sequence[str], options: dict[str, Any]) -> dict[str, Any]:
    """The options of the macros of nested levels, which have two: an outer one and an inner one."""
    if len(by) != 2:
        raise UsageError(
            f"--nested with --engine duckdb takes two keys, not {len(by)}; --engine polars takes any number"
        )
    if "groups" in options:
        raise UsageError("--groups with --nested needs --engine polars")
    names = dict(zip(by, ("outer", "inner"), strict=True))
    others = {name: option for name, option in options.items() if name not in ("nested", "at", "tau2", "mu")}
    if "at" in options:
        if options["at"] not in names:
            raise UsageError(f"--at={options['at']!r} is no key of a level; give one of {by[0]!r}, {by[1]!r}")
        others["at"] = names[options["at"]]
    tau2 = options["tau2"]
    if not isinstance(tau2, list):
        return others | {"tau2": tau2}
    estimated = [{"tau2": x} for x in tau2 if isinstance(x, str)]
    known = {f"tau2_{name}": x for name, x in zip(names.values(), tau2, strict=True) if not isinstance(x, str)}
    return others | known | (estimated[0] if estimated else {})


def _unseen(con: duckdb.DuckDBPyConnection, name: str, data: Input) -> str:
    """The table of groups that may have no rows; without the keys of the models, the groups are added to each model."""
    columns = {role: column for role, column in data.columns.items() if column != []}
    frame = transport.decoded(con.sql(f"FROM {data.frame} LIMIT 0").pl().lazy(), data.types)
    keys = keyfile.checked(name, frame, columns)
    present = keys.collect_schema()
    con.register(KEYS, transport.encoded(keys, {key: dtype for key, dtype in data.types.items() if key in present}))
    lacking = [identifier(key) for key in data.columns["over"] if key not in present]
    models = f", (SELECT DISTINCT {', '.join(lacking)} FROM {data.frame})" if lacking else ""
    rows(con, f"CREATE TABLE {NEW} AS FROM {KEYS}{models}")
    return NEW
