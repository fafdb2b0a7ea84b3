"""Runs SQL scripts on both versions of DuckDB: the module of Python, and the shell, which is the older one.

Each engine runs a script in a new database in memory and returns the rows of its last statement, a query, as
dictionaries. Both return equal values, doubles to the last bit, including NaN and infinities: the shell writes as many
digits as a double needs. It writes values that JSON cannot express (decimals, dates, huge integers) as text: cast them
in the query.
"""

import atexit
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

import polars_pool as pool

POOL = (pool.SQL / "pool.sql").read_text(encoding="utf-8")
MARK = "---- the next query ----"

Rows = list[dict[str, Any]]
ENGINES = ("module", "shell")


def module(script: str) -> Rows:
    """The rows of the last statement, by the DuckDB module of this Python."""
    with duckdb.connect() as connection:
        result = connection.execute(script)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def binary() -> Path:
    """The path of the shell from the package duckdb-cli."""
    package = importlib.util.find_spec("duckdb_cli")
    if package is None or package.origin is None:
        raise FileNotFoundError("the DuckDB shell is missing: pip install duckdb-cli")
    return Path(package.origin).with_name("duckdb.exe" if sys.platform == "win32" else "duckdb")


def shell(script: str) -> Rows:
    """The rows of the last statement, by the shell; an error of the script raises with the message of the shell."""
    command = [str(binary()), "-no-init", "-batch", "-bail", "-json"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, encoding="utf-8", timeout=600)
    if done.returncode or done.stderr:
        raise duckdb.Error(done.stderr.strip())
    return last_array(done.stdout)


def last_array(text: str) -> Rows:
    """The last of the JSON arrays in the output of the shell, which has one array per query."""
    decoder, rows, text = json.JSONDecoder(), [], text.strip()
    while text:
        rows, end = decoder.raw_decode(text)
        text = text[end:].lstrip()
    return rows


def run(engine: str, script: str) -> Rows:
    """The rows by the engine with this name, one of ENGINES."""
    return {"module": module, "shell": shell}[engine](script)


def answers(engine: str, queries: Iterable[str], setup: str = "", macros: bool = True) -> list[Rows | str]:
    """The result of each query after a setup that must succeed: its rows, or the message of its error.

    By default the macros of pool.sql are installed first. In the shell, one process runs everything.
    """
    run = {"module": _answers_of_module, "shell": _answers_of_shell}[engine]
    with with_macros(engine) if macros else nullcontext(":memory:") as file:
        return run(list(queries), setup, file)


@contextmanager
def with_macros(engine: str) -> Iterator[Path]:
    """A database file of the engine with the macros of pool.sql, because loading them takes one or two seconds."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copy(macros_file(engine), folder))


@cache
def macros_file(engine: str) -> Path:
    """The file that is copied; each engine has its own, because the shell cannot read that of a newer module."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    file = Path(folder) / "pool_macros.duckdb"
    if engine == "module":
        with duckdb.connect(file) as connection:
            connection.execute(POOL)
    elif errors := shell_writes(["-no-init", str(file)], POOL):
        raise duckdb.Error(errors)
    return file


def _answers_of_module(queries: list[str], setup: str, file: Path | str) -> list[Rows | str]:
    actual: list[Rows | str] = []
    with duckdb.connect(file) as connection:
        connection.execute(setup)
        for query in queries:
            try:
                result = connection.execute(query)
                names = [column[0] for column in result.description]
                actual.append([dict(zip(names, row, strict=True)) for row in result.fetchall()])
            except duckdb.Error as error:
                actual.append(str(error))
    return actual


def _answers_of_shell(queries: list[str], setup: str, file: Path | str) -> list[Rows | str]:
    """A mark before each query shows where its rows or its error begin: both go to one stream, in order."""
    parts = (f".print {MARK}\n{query.rstrip().rstrip(';')};\n" for query in queries)
    written = shell_writes(["-no-init", "-json", str(file)], f"{setup}\n{''.join(parts)}")
    before, *blocks = written.split(f"{MARK}\n")
    if before.strip():
        raise duckdb.Error(before.strip())
    assert len(blocks) == len(queries)
    return [last_array(block) if block.startswith("[") else block.strip() for block in blocks]


def shell_writes(options: list[str], script: str, **process: Any) -> str:
    """The complete output of the shell, including errors; it reads ~/.duckdbrc first, unless it gets -no-init."""
    done = subprocess.run(
        [str(binary()), "-batch", *options],
        input=script,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=600,
        **process,
    )
    return done.stdout


def number(value: float | None) -> str:
    """A double as SQL, to the last bit: a plain literal would be converted through a decimal."""
    return "NULL::DOUBLE" if value is None else f"'{float(value)!r}'::DOUBLE"
