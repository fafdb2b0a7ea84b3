"""The order of the rows of a result, and how many of them to return: --sort and --top."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import polars as pl

from ..arguments.sentences import listed, nearest
from .errors import UsageError
from .task import split

DIRECTIONS = {" asc": False, " desc": True}


class Order(NamedTuple):
    """Columns, each with whether its largest value comes first, and the number of rows to return."""

    by: tuple[tuple[str, bool], ...] = ()
    top: int | None = None


UNSORTED = Order()


def parsed(sort: Sequence[str] | None, top: int | None) -> Order:
    """The order that the options describe."""
    by = tuple(map(_column, split(sort or ())))
    if top is not None and top < 1:
        raise UsageError(f"--top={top}; give a number of rows, 1 or more")
    if top is not None and not by:
        raise UsageError(f"--top={top} needs --sort, the column to rank the rows by, such as --sort estimate")
    return Order(by, top)


def _column(text: str) -> tuple[str, bool]:
    """A column, the largest value first unless `asc` follows the name."""
    for direction, largest_first in DIRECTIONS.items():
        if text.lower().endswith(direction):
            return text[: -len(direction)].strip(), largest_first
    return text, True


def check(order: Order, names: Collection[str], keys: Collection[str] = ()) -> None:
    """Refuse a column that is none of the result: neither a statistic nor named by the text of a key."""
    for name, _ in order.by:
        if name not in names and not any(name in key for key in keys):
            raise UsageError(
                f"--sort={name!r} is no column of the result, which has {listed([*keys, *names])}"
                f"{nearest(name, [*keys, *names])}"
            )


def ordered(result: pl.LazyFrame, order: Order, usual: Sequence[str | pl.Expr]) -> pl.LazyFrame:
    """The result in the usual order, or in another one: null comes last, and ties keep the usual order."""
    if usual:
        result = result.sort(usual, maintain_order=True)
    if order.by:
        check(order, result.collect_schema().names())
        names, largest_first = zip(*order.by, strict=True)
        result = result.sort(names, descending=list(largest_first), nulls_last=True, maintain_order=True)
    return result if order.top is None else result.head(order.top)
