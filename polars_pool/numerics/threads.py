"""Functions of blocks of rows on several threads: NumPy and SciPy release the interpreter while they compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Block = TypeVar("Block")
Result = TypeVar("Result")

# As many threads as Polars has, but no more than the interpreter keeps busy: it runs in one thread at a time.
THREADS = min(int(os.environ.get("POLARS_MAX_THREADS") or os.cpu_count() or 1), 8)


def of_blocks(function: Callable[[Block], Result], blocks: Iterable[Block]) -> list[Result]:
    """The result of each block, in the order of the blocks."""
    blocks = list(blocks)
    threads = min(THREADS, len(blocks))
    if threads < 2:
        return [function(block) for block in blocks]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, blocks))


def slices(rows: int, size: int) -> list[slice]:
    """Blocks of at most `size` consecutive rows."""
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
