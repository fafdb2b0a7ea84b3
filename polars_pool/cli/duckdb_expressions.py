"""Text of the command line to columns of DuckDB: a column's name, otherwise one expression of its SQL.

DuckDB's own parser must read the text as exactly one expression before the text becomes part of a query.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import duckdb
import polars as pl

from .. import arguments
from .database import PART, rows
from .errors import DataError, UsageError, sentence
from .expressions import KEY_ROLES, check_size, constant_key, too_large, wrong_condition
from .quoting import identifier

AGGREGATES = """
    SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'
    EXCEPT SELECT function_name FROM duckdb_functions() WHERE function_type = 'scalar'
"""


class Column(NamedTuple):
    """An SQL expression, its name in a result, and the data type if the column is a key."""

    text: str
    name: str
    dtype: pl.DataType | None = None


def column(con: duckdb.DuckDBPyConnection, text: str, names: Sequence[str], role: str) -> Column:
    """One column: a name, or an expression that is valid for the columns of the part."""
    if text in names:
        return Column(identifier(text), text)
    parsed = expression(con, text, role)
    column_type(con, parsed, text, names, role)
    return parsed


def condition(con: duckdb.DuckDBPyConnection, text: str, names: Sequence[str]) -> str:
    """The SQL of a condition on rows."""
    parsed = Column(identifier(text), text) if text in names else expression(con, text, "where")
    kind = column_type(con, parsed, text, names, "where")
    if kind != "BOOLEAN":
        raise TypeError(f"where stands for {text!r}: {kind}; give one column or expression of Booleans")
    try:
        rows(con, f"SELECT {parsed.text} FROM (SELECT 1) LEFT JOIN (FROM {PART} LIMIT 0) ON false")
    except duckdb.ConversionException as error:  # a literal that does not have the type of its column
        raise wrong_condition(text, error) from None
    return parsed.text


def column_type(con: duckdb.DuckDBPyConnection, parsed: Column, text: str, names: Sequence[str], role: str) -> str:
    """The SQL type of a column in the part."""
    try:
        [described] = rows(con, f"DESCRIBE SELECT {parsed.text} FROM {PART}")
    except duckdb.Error as error:
        missing = re.search(r'eferenced column "(.+?)" not found', str(error))
        if missing:
            raise arguments.no_column(role, missing[1], names) from None
        raise DataError(f"--{role} {text!r}: {sentence(error)}") from None
    return str(described[1])


def expression(con: duckdb.DuckDBPyConnection, text: str, role: str) -> Column:
    """The expression as DuckDB writes it back after parsing; an error if the text is not exactly one expression.

    The text is parsed in a SELECT of its own, followed by a line break. Several statements or expressions, a further
    clause or an open comment then give more than one item in an otherwise empty SELECT, or a parser error.
    """
    check_size(text, role)
    try:
        return _one_expression(con, text, role)
    except RecursionError:
        raise too_large(text, role) from None


def _one_expression(con: duckdb.DuckDBPyConnection, text: str, role: str) -> Column:
    tree = _parsed(con, f"SELECT {text}\n")
    empty = _parsed(con, "SELECT 1\n")
    if tree["error"] and tree["error_type"] == "parser":
        raise UsageError(f"--{role} {text!r} is not an SQL expression: {tree['error_message']}")
    items, [only] = [] if tree["error"] else _items(tree), _items(empty)
    if len(items) != 1 or _with_items(tree, [only]) != empty:
        raise UsageError(f"--{role} {text!r} is not one SQL expression; give one expression, without any clause")
    _check_by_row(con, items[0], text, role)
    alias = items[0]["alias"]
    bare = _written(con, _with_items(tree, [{**items[0], "alias": ""}]))
    last = items[0]["column_names"][-1] if items[0]["class"] == "COLUMN_REF" else bare
    return Column(bare, alias or last)


def _parsed(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    [(text,)] = rows(con, "SELECT json_serialize_sql($1)", [query])
    tree: dict[str, Any] = json.loads(text)
    return tree


def _written(con: duckdb.DuckDBPyConnection, tree: dict[str, Any]) -> str:
    [(text,)] = rows(con, "SELECT json_deserialize_sql($1::JSON)", [json.dumps(tree)])
    return str(text).removeprefix("SELECT ").removesuffix(";")


def _items(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """The select list of the first statement; empty if the statement is not a plain SELECT."""
    items: list[dict[str, Any]] = tree["statements"][0]["node"].get("select_list", [])
    return items


def _with_items(tree: dict[str, Any], items: list[dict[str, Any]]) -> dict[str, Any]:
    first, *others = tree["statements"]
    return {**tree, "statements": [{**first, "node": {**first["node"], "select_list": items}}, *others]}


def _check_by_row(con: duckdb.DuckDBPyConnection, tree: dict[str, Any], text: str, role: str) -> None:
    """Refuse expressions that depend on other rows: moments are computed part by part, so other parts would be missing.

    A key that reads no column is refused as well: it would be the same in every row.
    """
    if not {node["class"] for node in _nodes(tree)}.isdisjoint({"STAR"}):
        raise UsageError(f"--{role} {text!r} stands for several columns; name each")
    many = {name for (name,) in rows(con, AGGREGATES)} | {"unnest"}
    for node in _nodes(tree):
        if node["class"] == "PARAMETER":
            raise UsageError(f"--{role} {text!r} has a parameter; give its value")
        if node["class"] in ("WINDOW", "SUBQUERY") or (node["class"] == "FUNCTION" and node["function_name"] in many):
            raise UsageError(f"--{role} {text!r} must be computed row by row: no aggregate, window, subquery or unnest")
    if role in KEY_ROLES and not tree["alias"] and not any(node["class"] == "COLUMN_REF" for node in _nodes(tree)):
        raise constant_key(text, role)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for inner in tree:
            yield from _nodes(inner)
