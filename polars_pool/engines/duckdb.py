"""The macros of sql/pool.sql in a DuckDB connection."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a connection comes with its library
    import duckdb

_package = Path(__file__).parents[1]
FOLDER = next(
    path for path in (_package / "sql", _package.parent / "sql") if path.is_dir()
)  # in a wheel, in a checkout
# Each branch begins with plain text: the search takes a quarter of the time, as only what follows is then compared.
CALL = re.compile(r"pool_(?<!\wpool_)(?<!MACRO pool_)\w+\(|_pool_(?<!\w_pool_)(?<!MACRO _pool_)\w+\(")
MACROS = re.compile(r"^CREATE OR REPLACE (?:TEMP )?MACRO .*?;$", re.MULTILINE | re.DOTALL)
PUBLIC = re.compile(r"^CREATE OR REPLACE MACRO pool_.*?;$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"(CREATE OR REPLACE MACRO (\w+)\(([^;]*?)\)) AS TABLE\b")
PARAMETER = re.compile(r'(?:^|,)\s*("?\w+"?)( :=)?')
COMMENT = re.compile(r"^COMMENT ON MACRO (TABLE )?(pool_\w+)", re.MULTILINE)
FIRST = '"memory"."main".'  # of a connection without a file


def install_macros(connection: duckdb.DuckDBPyConnection, *, temporary: bool = False) -> None:
    """Install the SQL macros in a DuckDB connection: `pool_shrink`, `pool_components` and all others.

    Parameters
    ----------
    connection
        An open DuckDB connection. Macros of an earlier call or of another version are replaced.
    temporary
        False (default) stores the macros in the current database and schema. Cursors, later connections and the shell
        then find them. If the database is open for reading only, the macros are temporary. After `USE` of another
        database, cursors call the macros of a database in memory by their full names.
        True leaves the database as it is. The macros exist in this connection only, and its cursors do not find them.

    Returns
    -------
    Nothing.

    Raises
    ------
    duckdb.Error
        The connection is closed, or its transaction is broken.

    Source
    ------
    DuckDB documentation, "CREATE MACRO": names inside a macro are looked up when it is called.

    Examples
    --------
    >>> import duckdb, polars_pool as pool
    >>> con = duckdb.connect()
    >>> pool.install_macros(con)
    >>> con.execute("SELECT pool_weight(4.0, 1.0)").fetchone()
    (0.8,)
    """
    text = (FOLDER / "pool.sql").read_text(encoding="utf-8")
    place = None if temporary else _place(connection)
    if place is None:
        connection.execute(_temporary(_commented(text, "temp.main.")))
        return
    schema, in_memory = place
    # In memory macros call each other by their full names, to find each other after USE of another database. Not in a
    # file: its database is called after the file, or as ATTACH says, so full names would be wrong once it moves.
    stored = CALL.sub(lambda call: schema + call[0], _stored(text)) if in_memory else text
    connection.execute(_commented(stored, schema))
    # Temporary copies are found after USE of another database too. Of the macros that call others by their full names,
    # the public ones are enough, and a table macro calls the stored one, unless their database may be detached.
    if in_memory and schema == FIRST:
        copied = [_forwarded(macro, schema) for macro in PUBLIC.findall(stored)]
    else:
        copied = MACROS.findall(text)
    connection.execute(_temporary("\n".join(copied)))


def _forwarded(macro: str, schema: str) -> str:
    """A macro as it is, or in place of a table macro one that calls it in its schema: its body is not bound again."""
    match = TABLE.match(macro)
    if match is None:
        return macro
    head, name, parameters = match.groups()
    names = PARAMETER.findall(re.sub(r"\{.*?\}", "NULL", parameters))
    arguments = ", ".join(f"{name} := {name}" if default else name for name, default in names)
    return f"{head} AS TABLE FROM {schema}{name}({arguments});"


def _temporary(text: str) -> str:
    """The text with temporary macros."""
    return text.replace("CREATE OR REPLACE MACRO", "CREATE OR REPLACE TEMP MACRO")


def _stored(text: str) -> str:
    """The text without temporary macros: a database in memory takes the types of parameters that old files refuse."""
    return text.replace("CREATE OR REPLACE TEMP MACRO", "CREATE OR REPLACE MACRO")


def _commented(text: str, schema: str) -> str:
    """The text with comments on the macros of one schema: a plain name would mean a temporary macro first."""
    return COMMENT.sub(lambda match: f"COMMENT ON MACRO {match[1] or ''}{schema}{match[2]}", text)


def _place(connection: duckdb.DuckDBPyConnection) -> tuple[str, bool] | None:
    """The current schema with a dot, and whether its database is in memory; None where it can only be read."""
    row = connection.execute(
        "SELECT path IS NULL, current_database(), current_schema() FROM duckdb_databases() "
        "WHERE database_name = current_database() AND NOT readonly"
    ).fetchone()
    if row is None:
        return None
    in_memory, *names = row
    return "".join('"' + name.replace('"', '""') + '".' for name in names), in_memory
