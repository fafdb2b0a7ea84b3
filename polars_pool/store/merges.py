"""Merges: files with the merged moments of several states, which spare readers the states themselves.

A merge is named by the content of its states, so it is either right or unused: when a state changes, no node of the
tree has the old name. Merges may be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from . import files
from .checksum import MismatchError
from .states import State
from .tree import Node, tree

ENDING = ".merge"  # not .parquet, and hidden: patterns and folder scans of other programs find the states alone


@dataclass(frozen=True)
class Merge:
    """The metadata of a merge."""

    path: Path
    states: tuple[State, ...]
    groups: int  # rows of the merge
    keys: dict[str, str]  # name -> data type
    means: tuple[float, float] | None  # limits of all means

    @property
    def source(self) -> str:
        """A part of the merge, to name it in messages."""
        return self.states[0].source


def path_of(folder: Path, node: Node) -> Path:
    """The file of the merge of a node."""
    return folder / f".{node.name}{ENDING}"


def trees(listed: Sequence[State]) -> list[Node]:
    """The tree of the states with checksums; states of the first format, which have none, stay alone."""
    sealed = [state for state in listed if state.seal is not None]
    return [*([tree(sealed)] if sealed else []), *(Node((state,)) for state in listed if state.seal is None)]


def cover(folder: Path, listed: Sequence[State]) -> list[State | Merge]:
    """The merges and states that hold all states, as few as there are."""
    if next(_files(folder), None) is None:
        return list(listed)
    return [table for node in trees(listed) for table in _covered(folder, node)]


def _covered(folder: Path, node: Node) -> Iterator[State | Merge]:
    merge = read(folder, node)
    if merge is not None:
        yield merge
    elif not node.children:
        yield from node.states
    else:
        for child in node.children:
            yield from _covered(folder, child)


def read(folder: Path, node: Node) -> Merge | None:
    """The merge of a node; None if there is none."""
    path = path_of(folder, node)
    if not (node.children and path.exists()):
        return None
    try:
        content = files.opened(path)
        if content.seal is None:
            raise MismatchError("its checksum is missing")
        if content.fields["name"] != node.name:
            raise MismatchError("it is a copy, under another name, of another merge")
    except FileNotFoundError:  # a refresh deleted it meanwhile
        return None
    except (MismatchError, KeyError) as error:
        raise files.damaged(path, error) from None
    means = content.fields["means"]
    return Merge(path, node.states, content.rows, content.fields["keys"], tuple(means) if means else None)


def tidy(folder: Path, listed: Sequence[State]) -> None:
    """Delete merges of other states than these; the caller must hold the lock."""
    names = {path_of(folder, node).name for root in trees(listed) for node in root.nodes()}
    for path in _files(folder):
        if path.name not in names:
            with suppress(FileNotFoundError):
                path.unlink()


def _files(folder: Path) -> Iterator[Path]:
    return folder.glob(f".*{ENDING}")
