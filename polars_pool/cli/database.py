"""The DuckDB database of a command, and queries that an interrupt can stop."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

# Names of tables and views in the database; names that begin with _pool_ are reserved for the macros.
PART, ROWS, STATES = "polars_pool_part", "polars_pool_rows", "polars_pool_states"
KEYS, NEW, MOMENTS = "polars_pool_keys", "polars_pool_new", "polars_pool_moments"


@contextmanager
def connection(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a new database in a folder: DuckDB can write to disk what does not fit into memory."""
    with duckdb.connect(scratch / "scratch.duckdb") as con:
        yield con


def rows(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """The rows of a query. It runs in a thread, because DuckDB does not always notice an interrupt while it works."""
    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(lambda: con.execute(query, parameters).fetchall())
        try:
            while not wait([result], timeout=0.05).done:  # a wait without a timeout may ignore an interrupt
                pass
            return result.result()
        except KeyboardInterrupt:
            while not result.done():
                con.interrupt()
                time.sleep(0.02)
            raise
