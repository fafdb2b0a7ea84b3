"""Text of the command line to Polars expressions: a column's name as it stands, otherwise one expression of SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import polars as pl

from .. import check
from ..rowwise import is_rowwise
from .errors import UsageError
from .task import split


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
    if not is_rowwise(expression):
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
