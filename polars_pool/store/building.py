"""The merges that a store keeps: after a refresh, readers read at most twice as many rows as there are groups."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import polars as pl

from ..version import __version__
from . import files, merges
from .keytypes import Table
from .merges import Merge
from .merging import as_state, rows_per_group
from .states import State
from .tree import Node

LEAST = 250_000  # rows that are read in the time of a few files
MOST = 2  # rows for each group


def build(folder: Path, listed: Sequence[State], weighted: bool) -> None:
    """Write the merges that are missing; the caller must hold the lock.

    A merge is written where files hold more than twice as many rows as groups. Readers then read at most twice the
    groups. All merges together have fewer rows than the states, as each level has less than half of the one below.
    """
    for root in merges.trees(listed):
        _built(folder, root, weighted)


def _built(folder: Path, node: Node, weighted: bool) -> Sequence[Table]:
    """The files that hold the states of a node, after missing merges are written."""
    merge = merges.read(folder, node)
    if merge is not None:
        return [merge]
    if not _overlap(node.states, weighted):
        return node.states
    below = [table for child in node.children for table in _built(folder, child, weighted)]
    unmerged = len(below) == len(node.states)
    return [_write(folder, node, below, weighted)] if unmerged or _overlap(below, weighted) else below


def _overlap(listed: Sequence[Table], weighted: bool) -> bool:
    """Whether files hold more than twice as many rows as groups, and enough rows for a merge."""
    rows = [table.groups for table in listed]
    if sum(rows) < LEAST or sum(rows) <= MOST * max(rows):
        return False
    return rows_per_group(listed, weighted) > MOST


def _write(folder: Path, node: Node, below: Sequence[Table], weighted: bool) -> Merge:
    rows = as_state(below, weighted)
    schema = rows.collect_schema()
    means = [mean for table in below for mean in table.means or ()]
    fields = {
        "library": __version__,
        "name": node.name,
        "keys": {key: str(schema[key]) for key in below[0].keys},
        "means": [min(means), max(means)] if means else None,
    }
    files.publish(folder, {merges.path_of(folder, node): partial(_sink, rows, files.metadata(fields))})
    merge = merges.read(folder, node)
    assert merge is not None
    return merge


def _sink(rows: pl.LazyFrame, metadata: dict[str, str], path: Path) -> None:
    rows.sink_parquet(path, metadata=metadata, row_group_size=files.ROWS_TOGETHER)
