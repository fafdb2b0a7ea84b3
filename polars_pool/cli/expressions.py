"""Text of the command line to Polars expressions: a column's name as it stands, otherwise one expression of SQL."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Iterable
from typing import Any

import polars as pl

from .. import check
from .errors import UsageError
from .task import split

# What needs more rows than one. Moments are taken part by part, and a part's mean is not that of all rows.
OF_MANY_ROWS = {
    "Agg", "Correlation", "Explode", "Filter", "Gather", "Len", "NullCount", "Over", "Quantile", "Rank", "Range",
    "Shift", "Slice", "Sort", "SortBy", "SubPlan", "Unique", "Window",
}  # fmt: skip


def column(text: str, names: Collection[str], role: str) -> str | pl.Expr:
    """One column: its name, or an expression of Polars SQL."""
    if text in names:
        return text
    try:
        expression = pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"--{role} {text!r} is no expression of Polars SQL: {error}") from None
    if expression.meta.has_multiple_outputs():
        raise UsageError(f"--{role} {text!r} stands for several columns; name each")
    if not _by_row(expression):
        raise UsageError(f"--{role} {text!r} must be computed row by row: no aggregate, window, subquery or unnest")
    return expression


def columns(texts: Iterable[str], names: Collection[str], role: str) -> list[str | pl.Expr]:
    """Several columns, each text a name or a list of expressions."""
    pieces = [piece for text in texts for piece in ([text] if text in names else split([text]))]
    return [column(piece, names, role) for piece in pieces]


def condition(text: str, frame: pl.LazyFrame) -> pl.Expr:
    """A condition on the rows of a frame."""
    schema = frame.collect_schema()
    return check.boolean(frame, schema, column(text, schema.names(), "where"), "where")


def _by_row(expression: pl.Expr) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the format may change: a test tells
        return not _words(json.loads(expression.meta.serialize(format="json"))) & OF_MANY_ROWS


def _words(tree: Any) -> set[str]:
    """The operations in a serialised expression: no names of columns, no values, nothing done within a list."""
    if isinstance(tree, str):
        return {tree}
    if isinstance(tree, list):
        return set().union(*map(_words, tree))
    if isinstance(tree, dict):
        return set().union(*(_below(key, inner) for key, inner in tree.items()))
    return set()


def _below(key: str, inner: Any) -> set[str]:
    if key in ("Column", "Literal"):
        return set()
    if key == "Alias":
        return _words(inner[0])
    if key == "Eval":
        return _words(inner["expr"])
    return {key} | _words(inner)
