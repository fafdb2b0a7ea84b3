"""One part of a source: what can be read, compared and forgotten by itself; and small parts that are read together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import polars as pl

NAME = "_pool_part"  # the column that names the part of a row, where several are read together
SMALL = 1 << 20  # bytes of a part that is worth no query of its own
TOGETHER = 500  # parts at most
FEW = 16  # parts that are read one by one, whatever their size

ScanTogether = Callable[[Sequence[str]], pl.LazyFrame]


@dataclass(frozen=True)
class Part:
    """A file of rows, its identity and its version."""

    name: str  # unique in the source and stable: absolute path or URL of the file
    version: str  # changes whenever the content does
    scan: Callable[[], pl.LazyFrame]  # its rows, in the source's schema
    current: Callable[[], str | None]  # the version as it is now; None: gone
    size: int | None = None  # bytes
    together: ScanTogether | None = None  # the rows of several parts by their names, with the column NAME


def batches(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """The parts in their order: many small ones of one kind as a batch, every other by itself."""
    for together, several in groupby(parts, lambda part: part.together if (part.size or SMALL) < SMALL else None):
        listed = list(several)
        most = TOGETHER if together is not None and len(listed) > FEW else 1
        yield from (listed[i : i + most] for i in range(0, len(listed), most))


def rows_of(batch: Sequence[Part]) -> pl.LazyFrame:
    """The rows of a batch, with the column NAME where it has several parts."""
    first = batch[0]
    return first.scan() if len(batch) == 1 or first.together is None else first.together([part.name for part in batch])
