"""The merges that a store keeps: after a refresh, readers read at most twice as many rows as there are groups."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import merges
from .keytypes import Table
from .merges import Merge
from .merging import as_state, rows_per_group
from .states import State
from .tree import Node, tree

LEAST = 250_000  # rows that are read in the time of a few files
MOST = 2  # rows for each group


def build(folder: Path, unchanged: Sequence[State], written: Sequence[State], weighted: bool) -> None:
    """Write merges if readers would read more than twice as many rows as there are groups.

    A single state that was just written stays beside the merge of all others: it is likely to change again, and then
    nothing is merged. The caller must hold the lock.
    """
    listed = [*unchanged, *written]
    if not _overlap(merges.cover(folder, listed), weighted):
        return
    root = _tree(unchanged if unchanged and len(written) == 1 else listed)
    if root is not None:
        below = _built(folder, root, weighted)
        if len(below) > 1:
            _write(folder, root, below, weighted)


def tidy(folder: Path, listed: Sequence[State]) -> None:
    """Delete the merges that neither readers nor the next merges need. The caller must hold the lock."""
    root = _tree(listed)
    nodes = [] if root is None else [merges.path_of(folder, node.states) for node in root.nodes()]
    merges.tidy(folder, [*nodes, *(table.path for table in merges.cover(folder, listed))])


def _tree(listed: Sequence[State]) -> Node | None:
    """The tree of the states with checksums; states of the first format, which have none, are not merged."""
    sealed = [state for state in listed if state.seal is not None]
    return tree(sealed) if sealed else None


def _built(folder: Path, node: Node, weighted: bool) -> Sequence[Table]:
    """The files that hold the states of a node, after missing merges are written.

    A merge is written where the files below hold more than twice as many rows as groups. Each level then has less than
    half of the rows of the level below, so all merges together have fewer rows than the states.
    """
    merge = merges.read(folder, node.states)
    if merge is not None:
        return [merge]
    if not _overlap(node.states, weighted):
        return node.states
    below = [table for child in node.children for table in _built(folder, child, weighted)]
    unmerged = len(below) == len(node.states)
    return [_write(folder, node, below, weighted)] if unmerged or _overlap(below, weighted) else below


def _write(folder: Path, node: Node, below: Sequence[Table], weighted: bool) -> Merge:
    means = [mean for table in below for mean in table.means or ()]
    path = merges.path_of(folder, node.states)
    return merges.write(path, node.states, as_state(below, weighted), below[0].keys, means)


def _overlap(listed: Sequence[Table], weighted: bool) -> bool:
    """Whether files hold more than twice as many rows as groups, and enough rows for a merge."""
    rows = [table.groups for table in listed]
    if sum(rows) < LEAST or sum(rows) <= MOST * max(rows):
        return False
    return rows_per_group(listed, weighted) > MOST
