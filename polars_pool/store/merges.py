"""Merges: files with the merged moments of several states, which spare readers the states themselves.

A merge is named by the names and checksums of its states, so it is either right or unused: it is read only while the
store holds exactly these states. Merges may be deleted at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from ..version import __version__
from . import files
from .checksum import MismatchError
from .states import State

ENDING = ".merge"  # not .parquet, and hidden: patterns of other programs match the states alone
VERSION = "1"  # of the files; those of another version are not read


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


def path_of(folder: Path, states: Iterable[State]) -> Path:
    """The file of the merge of some states."""
    return _path(folder, map(_identity, states))


def _path(folder: Path, identities: Iterable[str]) -> Path:
    name = hashlib.sha256("\n".join([VERSION, *identities]).encode()).hexdigest()[:24]
    return folder / f".{name}{ENDING}"


def _identity(state: State) -> str:
    return f"{state.path.name} {state.seal}"


def cover(folder: Path, listed: Sequence[State]) -> list[State | Merge]:
    """The files that hold all states: the merges of the most states, and the states that remain."""
    remaining = {_identity(state): state for state in listed if state.seal is not None}
    merges = [merge for path in _files(folder) if (merge := _read(path, remaining)) is not None]
    chosen: list[State | Merge] = []
    for merge in sorted(merges, key=lambda merge: (-len(merge.states), merge.path.name)):
        if remaining.keys() >= (identities := set(map(_identity, merge.states))):
            chosen.append(merge)
            remaining = {identity: state for identity, state in remaining.items() if identity not in identities}
    return [*chosen, *remaining.values(), *(state for state in listed if state.seal is None)]


def write(path: Path, states: Sequence[State], rows: pl.LazyFrame, keys: Iterable[str], means: list[float]) -> Merge:
    """Write the merge of states."""
    schema = rows.collect_schema()
    types = {key: str(schema[key]) for key in keys}
    fields = {
        "library": __version__,
        "states": [*map(_identity, states)],
        "keys": types,
        "means": [min(means), max(means)] if means else None,
    }
    files.publish(path.parent, {path: partial(_sink, rows, files.metadata(fields))})
    return _merge(path, files.opened(path), states)


def _sink(rows: pl.LazyFrame, metadata: dict[str, str], path: Path) -> None:
    rows.sink_parquet(path, metadata=metadata, row_group_size=files.ROWS_TOGETHER)


def read(folder: Path, states: Sequence[State]) -> Merge | None:
    """The merge of some states; None if there is none."""
    return _read(path_of(folder, states), {_identity(state): state for state in states})


def _read(path: Path, states: dict[str, State]) -> Merge | None:
    """The merge in a file; None if it is a merge of other states."""
    try:
        content = files.opened(path)
        if content.seal is None:
            raise MismatchError("its checksum is missing")
        identities = content.fields["states"]
        if path != _path(path.parent, identities):
            raise MismatchError("it is a copy, under another name, of another merge")
    except FileNotFoundError:  # or a refresh deleted it meanwhile
        return None
    except (MismatchError, KeyError, TypeError) as error:
        raise files.damaged(path, error) from None
    return _merge(path, content, [states[one] for one in identities]) if states.keys() >= set(identities) else None


def _merge(path: Path, content: files.Content, states: Sequence[State]) -> Merge:
    means = content.fields["means"]
    return Merge(path, tuple(states), content.rows, content.fields["keys"], tuple(means) if means else None)


def tidy(folder: Path, kept: Iterable[Path]) -> None:
    """Delete all merges but some; the caller must hold the lock."""
    for path in set(_files(folder)).difference(kept):
        with suppress(FileNotFoundError, PermissionError):  # a system that cannot delete files while they are read
            path.unlink()


def _files(folder: Path) -> list[Path]:
    return list(folder.glob(f".*{ENDING}"))
