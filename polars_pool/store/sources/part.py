"""A part of a source: the unit that is read, compared and dropped; and batches of small parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import polars as pl

NAME = "_pool_part"  # column with the name of the part, if several parts are read together
SMALL = 1 << 20  # bytes; smaller parts are read together
TOGETHER = 500  # parts at most in one query
FEW = 16  # up to this number, parts are read one by one, even if they are small

ScanTogether = Callable[[Sequence[str]], pl.LazyFrame]


@dataclass(frozen=True)
class Part:
    """A file of rows, its identity and its version."""

    name: str  # unique in the source and stable: absolute path or URL of the file
    version: str  # changes whenever the content does
    scan: Callable[[], pl.LazyFrame]  # its rows, in the source's schema
    current: Callable[[], str | None]  # the version now; None if the part no longer exists
    size: int | None = None  # bytes
    together: ScanTogether | None = None  # the rows of several parts by their names, with the column NAME


def batches(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """The parts in their order: many small parts of one kind as one batch, every other part alone."""
    for together, several in groupby(parts, lambda part: part.together if (part.size or SMALL) < SMALL else None):
        listed = list(several)
        most = TOGETHER if together is not None and len(listed) > FEW else 1
        yield from (listed[i : i + most] for i in range(0, len(listed), most))


def rows_of(batch: Sequence[Part]) -> pl.LazyFrame:
    """The rows of a batch, with the column NAME if it has several parts."""
    first = batch[0]
    return first.scan() if len(batch) == 1 or first.together is None else first.together([part.name for part in batch])
