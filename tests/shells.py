"""SQL scripts on both DuckDBs that the macros are for: the module of Python and the shell, which is the older one.

Each runs a script in a database of its own, in memory, and gives the rows of its last statement, a query, as
dictionaries. The same values come back from both, doubles to the last bit, NaN and infinities included: the shell
writes as many digits as a double needs. What JSON has no word for (decimals, dates, huge integers) it writes as text:
cast it in the query.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb

Rows = list[dict[str, Any]]
ENGINES = ("module", "shell")


def module(script: str) -> Rows:
    """Rows of the last statement, by the DuckDB inside this Python."""
    with duckdb.connect() as connection:
        result = connection.execute(script)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def binary() -> Path:
    """The shell that the package duckdb-cli brings along."""
    package = importlib.util.find_spec("duckdb_cli")
    if package is None or package.origin is None:
        raise FileNotFoundError("the DuckDB shell is missing: pip install duckdb-cli")
    return Path(package.origin).with_name("duckdb.exe" if sys.platform == "win32" else "duckdb")


def shell(script: str) -> Rows:
    """Rows of the last statement, by the shell; an error of the script is raised with the shell's words."""
    command = [str(binary()), "-no-init", "-batch", "-bail", "-json"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, encoding="utf-8", timeout=600)
    if done.returncode or done.stderr:
        raise duckdb.Error(done.stderr.strip())
    return last_array(done.stdout)


def last_array(text: str) -> Rows:
    """The last of the JSON arrays that the shell wrote one after the other, one a query."""
    decoder, rows, text = json.JSONDecoder(), [], text.strip()
    while text:
        rows, end = decoder.raw_decode(text)
        text = text[end:].lstrip()
    return rows


def run(engine: str, script: str) -> Rows:
    """Rows by the engine of this name, one of ENGINES."""
    return {"module": module, "shell": shell}[engine](script)


def number(value: float | None) -> str:
    """A double as SQL, to the last bit: a plain literal would go through a decimal."""
    return "NULL::DOUBLE" if value is None else f"'{float(value)!r}'::DOUBLE"
