"""One state: the moments of one part in a Parquet file that tells what they are, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ..version import FORMAT, __version__
from . import checksum
from .definition import Definition, from_json, to_json

ENTRY = "polars-pool"  # in the metadata of the Parquet file
ROWS_TOGETHER = 65_536  # rows of a row group: what a filter by keys reads at least
CHECKED = 2  # the first format whose files have a checksum
SYNCS = 8  # files that are awaited on disk at a time: the disk takes hardly longer for them than for one


@dataclass(frozen=True)
class State:
    """What the file of a state tells of itself."""

    path: Path
    source: str  # the name of the part
    version: str  # of the part, when it was read
    rows: int  # of the part
    groups: int  # rows of the state
    definition: Definition
    keys: dict[str, str]  # name -> data type
    means: tuple[float, float] | None  # the least and the greatest


def path_of(folder: Path, source: str) -> Path:
    """The file of the state of a part."""
    return folder / (hashlib.sha256(source.encode()).hexdigest()[:24] + ".parquet")


def named_in_text(folder: Path) -> None:
    """Refuse a path whose bytes are not UTF-8, which Polars cannot open."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(folder).decode("utf-8", "backslashreplace")
        raise ValueError(f"the store '{shown}' has a name that is not UTF-8; rename it") from None


def listed(folder: Path) -> list[State]:
    """All states of a folder, in the order of their parts."""
    found = []
    for path in folder.glob("*.parquet"):
        if not path.name.startswith("."):
            with suppress(FileNotFoundError):  # dropped by a refresh since
                found.append(read(path))
    return sorted(found, key=lambda state: state.source)


def read(path: Path) -> State:
    """What a state tells of itself, from the end of its file, which is checked; the data are where they are read."""
    try:
        sealed = checksum.footer(path)
        footer = pq.read_metadata(path)
    except (FileNotFoundError, PermissionError):
        raise
    except checksum.MismatchError as error:
        raise _no_state(path, str(error)) from None
    except (pa.ArrowException, OSError):
        raise _no_state(path, "it is truncated or no Parquet file") from None
    entry = (footer.metadata or {}).get(ENTRY.encode())
    if entry is None:
        raise _no_state(path, "it says nothing of polars-pool in its metadata")
    try:
        told = json.loads(entry)
        if told["format"] > FORMAT:
            raise ValueError(
                f"the state {str(path)!r} has format {told['format']}, written by polars-pool {told['library']}; this "
                f"is polars-pool {__version__}, which reads format {FORMAT}: upgrade it"
            )
        if told["format"] >= CHECKED and sealed is None:
            raise _no_state(path, "its checksum is missing")
        state = State(
            path,
            told["source"],
            told["version"],
            told["rows"],
            footer.num_rows,
            from_json(told["definition"], told["library"], told["format"]),
            told["keys"],
            tuple(told["means"]) if told["means"] else None,
        )
    except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError):
        raise _no_state(path, "its metadata cannot be read") from None
    if path.name != path_of(path.parent, state.source).name:
        raise _no_state(path, f"it is a copy under another name of the state of {state.source!r}")
    return state


class Moments(NamedTuple):
    """The moments of one version of a part, and the number of its rows."""

    source: str
    version: str
    rows: int
    table: pl.DataFrame


def write(folder: Path, found: Sequence[Moments], definition: Definition, keys: list[str]) -> list[State]:
    """States beside their places, then moved there: whoever looks sees the one before or this one, whole."""
    beside: list[Path] = []
    try:
        for moments in found:
            path = path_of(folder, moments.source)
            beside.append(folder / f".{path.name}.{secrets.token_hex(8)}.tmp")
            _written(beside[-1], moments, definition, keys)
        with ThreadPoolExecutor(min(SYNCS, len(beside))) as threads:
            list(threads.map(_to_disk, beside))
        for moments, new in zip(found, beside, strict=True):
            os.replace(new, path_of(folder, moments.source))
    except BaseException:
        for path in beside:
            path.unlink(missing_ok=True)
        raise
    _to_disk(folder)
    return [
        State(
            path_of(folder, moments.source),
            moments.source,
            moments.version,
            moments.rows,
            moments.table.height,
            definition,
            _types(moments.table, keys),
            _means(moments.table),
        )
        for moments in found
    ]


def _written(path: Path, moments: Moments, definition: Definition, keys: list[str]) -> None:
    told: dict[str, Any] = {
        "format": FORMAT,
        "library": __version__,
        "source": moments.source,
        "version": moments.version,
        "rows": moments.rows,
        "definition": to_json(definition),
        "keys": _types(moments.table, keys),
        "means": _means(moments.table),
    }
    metadata = {ENTRY: json.dumps(told), checksum.ENTRY: checksum.UNSEALED}
    moments.table.write_parquet(path, metadata=metadata, row_group_size=ROWS_TOGETHER)
    checksum.seal(path)


def _types(table: pl.DataFrame, keys: list[str]) -> dict[str, str]:
    return {name: str(table.schema[name]) for name in keys}


def _means(table: pl.DataFrame) -> tuple[float, float] | None:
    least, greatest = table["mean"].min(), table["mean"].max()
    return (least, greatest) if isinstance(least, float) and isinstance(greatest, float) else None


def verify(path: Path) -> None:
    """Raise if any byte of a state is not as it was written; states of older formats have nothing to tell it by."""
    try:
        checksum.verify(path)
    except checksum.MismatchError as error:
        raise _no_state(path, str(error)) from None


def drop(state: State) -> None:
    """Forget the state of a part that is gone."""
    state.path.unlink(missing_ok=True)
    _to_disk(state.path.parent)


def tidy(folder: Path) -> None:
    """Remove what killed runs left; only for who holds the lock."""
    for path in folder.glob(".*.parquet.*.tmp"):
        path.unlink(missing_ok=True)


def first_keys(states: list[State], key: str) -> list[tuple[Any, int]]:
    """The least value of a key in every row group of the states, and the rows there: where the keys lie."""
    found = []
    for state in states:
        footer = pq.read_metadata(state.path)
        column = [footer.schema.column(i).path for i in range(footer.num_columns)].index(key)
        for group in map(footer.row_group, range(footer.num_row_groups)):
            statistics = group.column(column).statistics
            if statistics is not None and statistics.has_min_max:
                found.append((statistics.min, group.num_rows))
    return found


def _to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    with suppress(PermissionError):  # a system that cannot open or sync folders
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _no_state(path: Path, reason: str) -> ValueError:
    return ValueError(f"{str(path)!r} is no state of a store: {reason}; delete it and refresh")
