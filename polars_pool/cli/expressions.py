"""Text of the command line to Polars expressions: a column's name, otherwise one expression of Polars SQL."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import polars as pl

from .. import arguments
from ..arguments.rowwise import is_rowwise
from .errors import DataError, UsageError, sentence
from .task import split

KEY_ROLES = ("by", "over")
MOST_OPERATIONS = 1_000  # in one expression: operations may be nested, and Polars' stack holds a few thousand levels
OPERATION = re.compile(r"[-+*/%|&<>=!^~:]+|[(\[]|\b(?:and|or|not|when|is|like|between|in)\b", re.IGNORECASE)

DATE = "write it as in DATE '2024-12-31'"
CAST_TO_DATE = re.compile(r'"([^"]*)"\.cast\(Date\)')  # how Polars 1 reads a DATE literal, as null if it is none


def check_size(text: str, role: str) -> None:
    """Refuse an expression so large that it would crash the process: Polars and DuckDB process it recursively."""
    if sum(1 for _ in OPERATION.finditer(text)) > MOST_OPERATIONS:
        raise too_large(text, role)


def too_large(text: str, role: str) -> UsageError:
    """The error for an expression with too many operations, or with too many nested operations."""
    return UsageError(
        f"--{role} {text[:40]!r}… has too many operations, or too many nested ones, to be computed; write it to a "
        "column of the data first"
    )


def constant_key(text: str, role: str) -> UsageError:
    """The error for a key that reads no column. In SQL, single quotes mean text; names take double quotes or none."""
    quoted = re.fullmatch(r"'([^']+)'", text.strip())
    remedy = f"did you mean {quoted[1]}?" if quoted else "give a column or an expression of columns"
    return UsageError(f"--{role} {text!r} reads no column, so it is the same in every row; {remedy}")


def column(text: str, names: Collection[str], role: str) -> str | pl.Expr:
    """One column: its name, or an expression of Polars SQL."""
    if text in names:
        return text
    check_size(text, role)
    try:
        expression = pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        remedy = f"; {DATE}" if "DATE literal" in str(error) else ""
        raise UsageError(f"--{role} {text!r} is not a Polars SQL expression: {error}{remedy}") from None
    if expression.meta.has_multiple_outputs():
        raise UsageError(f"--{role} {text!r} stands for several columns; name each")
    try:
        rowwise = is_rowwise(expression)
    except RecursionError:
        raise too_large(text, role) from None
    if not rowwise:
        raise UsageError(f"--{role} {text!r} must be computed row by row: no aggregate, window, subquery or unnest")
    unnamed = expression.meta.eq(expression.meta.undo_aliases())
    if role in KEY_ROLES and unnamed and not expression.meta.root_names():
        raise constant_key(text, role)
    return expression


def columns(texts: Iterable[str], names: Collection[str], role: str) -> list[str | pl.Expr]:
    """Several columns; each text is a name or a list of expressions."""
    pieces = [piece for text in texts for piece in ([text] if text in names else split([text]))]
    return [column(piece, names, role) for piece in pieces]


def condition(text: str, frame: pl.LazyFrame) -> pl.Expr:
    """A condition on the rows of a frame."""
    schema = frame.collect_schema()
    try:
        checked = arguments.boolean(frame, schema, column(text, schema.names(), "where"), "where")
        pl.Series(CAST_TO_DATE.findall(str(checked)), dtype=pl.String).str.to_date("%Y-%m-%d")
        pl.LazyFrame(schema=schema).filter(checked).collect()  # Polars compares some types only when the query runs
    except pl.exceptions.ColumnNotFoundError:
        raise
    except pl.exceptions.PolarsError as error:
        raise wrong_condition(text, error) from None
    return checked


def wrong_condition(text: str, error: BaseException) -> DataError:
    """The error for a condition that compares a column with a literal of another type."""
    if re.search(r"\bdate(/datetime|\b(?!time))| Date values", str(error)):
        return DataError(f"--where {text!r} needs a date; {DATE}")
    return DataError(f"--where {text!r} does not fit the types of the columns: {sentence(error)}")
