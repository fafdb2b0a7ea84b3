"""Pieces of SQL: macros, choices by the name of an estimator, and subqueries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import indent

from ...engines.sql import Symbol, comment, folded, symbol
from ...formulas.methods import Formula, applied
from .tables import Table

ROOM = 98  # characters of a line, which may lie deep in subqueries


def value(formula: Formula, table: Table, **more: Symbol) -> Symbol:
    return symbol(applied(formula, table, **more))


def one_of_names(names: Iterable[str], of: str) -> str:
    """A condition: the name is one of these."""
    listed = [f"'{name}'" for name in names]
    if not listed:
        return "false"
    return f"{of} = {listed[0]}" if len(listed) == 1 else f"{of} IN ({', '.join(listed)})"


def scalar(title: str, signature: str, body: str) -> str:
    head = folded(f"CREATE OR REPLACE MACRO {signature} AS", 0)
    return f"{comment(title)}\n{head}\n    {body};\n"


def by_name(values: Mapping[str, str], otherwise: str, of: str = "method") -> str:
    """A CASE of the name of an estimator; those with the same value stand in one branch."""
    names: dict[str, list[str]] = {}
    for name, value in values.items():
        if value != otherwise:
            names.setdefault(value, []).append(name)
    branches = [folded(f"WHEN {one_of_names(some, of)} THEN {value}", 8) for value, some in names.items()]
    if not branches:
        return otherwise
    end = [] if otherwise == "NULL" else [f"ELSE {otherwise}"]
    return "\n        ".join(["CASE", *branches, *end]) + "\n    END"


def select(columns: Mapping[str, Symbol], source: str, first: str = "*", condition: str = "") -> str:
    """A SELECT of some more columns."""
    items = [_item(x, name) for name, x in columns.items()]
    head = f"SELECT {', '.join([first, *items])}"
    if "\n" in head or len(head) > ROOM:
        head = f"SELECT {first}," + ",".join(f"\n    {item}" for item in items)
    return "\n".join([head, f"FROM {source}", *([f"WHERE {condition}"] if condition else [])])


def _item(x: Symbol, name: str) -> str:
    """A column with its name; a long CASE has one line per branch."""
    if len(x.text) + len(name) < ROOM - 8 or not x.cases:
        return _folded(f"{x.text} AS {name}")
    branches = [_folded(branch) for branch in x.cases]
    return "\n".join(["CASE", *(indent(branch, " " * 8) for branch in branches), f"    END AS {name}"])


def _folded(text: str) -> str:
    """SQL in lines of at most ROOM characters."""
    start = 119 - ROOM
    return folded(text, start).replace("\n" + " " * start, "\n")


def subquery(select: str) -> str:
    return f"(\n{indent(select, '    ')}\n)"


def table_macro(title: str, signature: str, ctes: Mapping[str, str], chosen: str = "method") -> str:
    """A table macro that reads the CTE of one estimator; a body that stands there already is read from its CTE."""
    first: dict[str, str] = {}
    listed = (f'"{name}" AS ' + _same(first.setdefault(body, name), name, body) for name, body in ctes.items())
    with_all = ",\n".join(listed).replace("\n", "\n    ")
    head = f"{comment(title)}\nCREATE OR REPLACE MACRO {signature} AS TABLE"
    return f"{head}\n    WITH {with_all}\n    FROM query_table({chosen});\n"


def _same(first: str, name: str, body: str) -> str:
    return body if first == name else f'(FROM "{first}")'
