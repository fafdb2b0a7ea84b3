"""The verbs of the package as macros of sql/pool.sql: the same call, answered by both DuckDBs.

Each has one database with the macros, opened once for all tests: that of the module, and that of a shell which reads a
pipe. Tables go in and results come out as Parquet, so keys keep their types and doubles their last bits.
"""

import atexit
import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import shells

import polars_pool as pool

MACROS = pool.SQL / "pool.sql"
DONE = "---- done ----"
COLUMNS = ("over", "n", "var", "se", "weights")


class Module:
    """The DuckDB inside this Python."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()

    def run(self, script: str) -> None:
        self.connection.execute(script)

    def close(self) -> None:
        self.connection.close()


class Shell:
    """A DuckDB shell that lives on; what a script makes it say is an error."""

    def __init__(self) -> None:
        command = [str(shells.binary()), "-no-init", "-batch"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen(command, **pipes, text=True, encoding="utf-8")

    def run(self, script: str) -> None:
        self.process.stdin.write(f"{script.rstrip().rstrip(';')};\n.print {DONE}\n")
        self.process.stdin.flush()
        errors = []
        while (line := self.process.stdout.readline()) != f"{DONE}\n":
            if not line:
                raise duckdb.Error(f"the shell ended: {''.join(errors)}")
            errors.append(line)
        if errors:
            raise duckdb.Error("".join(errors).strip())

    def close(self) -> None:
        self.process.communicate()


class Database:
    """Macros, one table called data, one of groups without rows, and queries of them."""

    def __init__(self, engine: Module | Shell) -> None:
        self.engine = engine
        self.folder = Path(tempfile.mkdtemp())
        self.numbers = itertools.count()
        self.held: dict[str, pl.DataFrame] = {}
        engine.run(MACROS.read_text(encoding="utf-8"))

    def hold(self, frame: pl.DataFrame, name: str = "data") -> None:
        """The frame as a table."""
        if frame is not self.held.get(name):
            file = self.folder / f"{name}{next(self.numbers)}.parquet"  # DuckDB remembers what it read under a name
            frame.write_parquet(file)
            self.engine.run(f"CREATE OR REPLACE TABLE {name} AS FROM '{file}'")
            file.unlink()
            self.held[name] = frame

    def ask(self, query: str) -> pl.DataFrame:
        """What a query gives."""
        file = self.folder / "result.parquet"
        self.engine.run(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
        return pl.read_parquet(file)

    def close(self) -> None:
        self.engine.close()
        shutil.rmtree(self.folder)
        database.cache_clear()


@cache
def database(engine: str) -> Database:
    """The one database of an engine."""
    opened = Database({"duckdb": Module, "shell": Shell}[engine]())
    atexit.register(opened.close)
    return opened


# ---- calls as SQL ----------------------------------------------------------------------------------------------------


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as a literal."""
    return "'" + value.replace("'", "''") + "'"


def keys(names: str | Sequence[str]) -> str:
    """One key as a bare column, several by their names."""
    return quoted(names) if isinstance(names, str) else f"COLUMNS([{', '.join(map(text, names))}])"


def argument(role: str, value: Any) -> str:
    """A column, a name, a number or a list of numbers."""
    if role in COLUMNS:
        return keys(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return f"[{', '.join(argument(role, item) for item in value)}]"
    return str(value) if isinstance(value, int) else shells.number(value)


def call(name: str, *columns: str | Sequence[str], **options: Any) -> str:
    """A table macro on the table data."""
    named = [f"{quoted(role)} := {argument(role, value)}" for role, value in options.items() if value is not None]
    return f"FROM {name}({', '.join(['data', *map(keys, columns), *named])})"


def statement(verb: Any, *arguments: Any, **options: Any) -> str:
    """A verb of Python, with its arguments, as a query."""
    if verb is pool.merge:
        by, value = *arguments, options.pop("value", "mean")
        return statement(pool.moments, value, by, **({"n": "n", "var": "var"} | options))
    value, by = arguments
    if verb is pool.moments and (weights := options.pop("weights", None)) is not None:
        return call("pool_weighted_moments", value, by, weights, **options)
    if verb is pool.encode:
        name = options.pop("name", "estimate")
        coded = call("pool_encode", value, by, **options)
        return f'SELECT * EXCLUDE ("row number") RENAME (estimate AS {quoted(name)}) {coded} ORDER BY "row number"'
    return call(f"pool_{verb.__name__}", value, by, **options)


def path(engine: str) -> Any:
    """Runs a verb on a frame in a DuckDB and gives a DataFrame."""

    def run(verb: Any, frame: pl.DataFrame, *arguments: Any, **options: Any) -> pl.DataFrame:
        if (groups := options.get("groups")) is not None and not isinstance(groups, bool):  # True asks for a profile's
            database(engine).hold(groups.lazy().collect(), "unseen")
            options["groups"] = "unseen"
        database(engine).hold(frame.with_row_index("row number") if verb is pool.encode else frame)
        return database(engine).ask(statement(verb, *arguments, **options))

    return run


def checkerboard(rows: Iterable[Any], columns: Iterable[Any]) -> list[tuple[str, Any, Any]]:
    """Every pair with one engine: the two by turns along rows and columns."""
    columns, engines = list(columns), ("duckdb", "shell")
    return [(engines[(i + j) % 2], row, column) for i, row in enumerate(rows) for j, column in enumerate(columns)]


SQL_PATHS = {engine: path(engine) for engine in ("duckdb", "shell")}
MODULE = {"duckdb": SQL_PATHS["duckdb"]}
"""For cases by the hundred: continuous integration asks the module of DuckDB 2 and that of 1.5, which the shell is."""
