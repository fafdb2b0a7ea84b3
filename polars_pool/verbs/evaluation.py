"""One run of an expression, for which Polars calls its function once, or once for each group of `.over()` and `agg()`.

A call sees its own rows alone. The calls of one run share an input that Polars evaluates once for all of them, element
by element: the number of rows in each of the groups. The function of this input numbers the run.

A run is a query, for each of the columns that the expression stands for; where the keys of a `group_by` are known to be
sorted, the streaming engine evaluates it piece by piece, and each piece is a run.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import polars as pl

KEPT = 1_000  # runs: an older one has ended

_NUMBERS = count(1)
_LOCK = threading.Lock()


@dataclass
class Run:
    """The groups of `.over()` or `agg()`, the calls so far, those with a single key, and their warnings."""

    groups: int
    calls: int = 0
    single: int = 0
    messages: set[str] = field(default_factory=set)

    def evaluated(self, single: bool) -> bool:
        """Count a call; whether it is the last, and none had more than a single key."""
        with _LOCK:
            self.calls += 1
            self.single += single
            return self.calls == self.single == self.groups


_GROUPS: dict[int, int] = {}
_RUNS: dict[Hashable, Run] = {}


def number() -> pl.Expr:
    """The number of the run, the same in all of its calls."""
    return pl.map_batches([pl.len()], _numbered, return_dtype=pl.Int64, is_elementwise=True)


def _numbered(rows: Sequence[pl.Series]) -> pl.Series:
    run = next(_NUMBERS)
    with _LOCK:
        _GROUPS[run] = len(rows[0])
        _keep(_GROUPS)
    return pl.Series(rows[0].name, [run], pl.Int64).new_from_index(0, len(rows[0]))


def run(numbers: pl.Series, *expression: Hashable) -> Run:
    """The run of this number; several expressions may share a number, each with runs of its own."""
    key = (numbers[0], *expression)
    with _LOCK:
        current = _RUNS.setdefault(key, Run(_GROUPS.get(numbers[0], 1)))
        _keep(_RUNS)
    return current


def _keep(newest: dict[Any, Any]) -> None:
    while len(newest) > KEPT:
        del newest[next(iter(newest))]
