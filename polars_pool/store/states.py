"""A state: the moments of one part in a Parquet file, with its definition in the metadata, written atomically."""

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
from . import checksum, utf8
from .definition import Definition, from_json, to_json

ENTRY = "polars-pool"  # in the metadata of the Parquet file
ROWS_TOGETHER = 65_536  # rows per row group: the least that a filter by keys reads
CHECKED = 2  # the first format whose files have a checksum
SYNCS = 8  # files synced at a time: the disk needs hardly more time for them than for one


@dataclass(frozen=True)
class State:
    """The metadata of a state."""

    path: Path
    source: str  # the name of the part
    version: str  # of the part, when it was read
    rows: int  # of the part
    groups: int  # rows of the state
    definition: Definition
    keys: dict[str, str]  # name -> data type
    means: tuple[float, float] | None  # the smallest and the largest


def path_of(folder: Path, source: str) -> Path:
    """The file of the state of a part."""
    return folder / (hashlib.sha256(source.encode()).hexdigest()[:24] + ".parquet")


def check_utf8(folder: Path) -> None:
    """Refuse a path that is not UTF-8."""
    if not utf8.valid(str(folder)):
        raise ValueError(f"the store {utf8.printable(str(folder))} has a name that is not UTF-8; rename it")


def listed(folder: Path) -> list[State]:
    """All states of a folder, in the order of their parts."""
    listed = []
    for path in folder.glob("*.parquet"):
        if not path.name.startswith("."):
            with suppress(FileNotFoundError):  # a refresh dropped it meanwhile
                listed.append(read(path))
    return sorted(listed, key=lambda state: state.source)


def read(path: Path) -> State:
    """The metadata of a state. The checksum of the footer is verified here, that of the data when they are read."""
    try:
        sealed = checksum.footer(path)
        footer = pq.read_metadata(path)
    except (FileNotFoundError, PermissionError):
        raise
    except checksum.MismatchError as error:
        raise _not_a_state(path, str(error)) from None
    except (pa.ArrowException, OSError):
        raise _not_a_state(path, "it is truncated or not a Parquet file") from None
    entry = (footer.metadata or {}).get(ENTRY.encode())
    if entry is None:
        raise _not_a_state(path, "its metadata has no entry of polars-pool")
    try:
        fields = json.loads(entry)
        _check_format(path, fields, sealed is not None)
        state = _state(path, fields, footer.num_rows)
    except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError):
        raise _not_a_state(path, "its metadata cannot be read") from None
    if path.name != path_of(path.parent, state.source).name:
        raise _not_a_state(path, f"it is a copy, under another name, of the state of {state.source!r}")
    return state


def _check_format(path: Path, fields: dict[str, Any], sealed: bool) -> None:
    if fields["format"] > FORMAT:
        raise ValueError(
            f"the state {str(path)!r} has format {fields['format']}, written by polars-pool {fields['library']}; this "
            f"is polars-pool {__version__}, which reads format {FORMAT}: upgrade it"
        )
    if fields["format"] >= CHECKED and not sealed:
        raise _not_a_state(path, "its checksum is missing")


def _state(path: Path, fields: dict[str, Any], groups: int) -> State:
    return State(
        path,
        fields["source"],
        fields["version"],
        fields["rows"],
        groups,
        from_json(fields["definition"], fields["library"], fields["format"]),
        fields["keys"],
        tuple(fields["means"]) if fields["means"] else None,
    )


class Moments(NamedTuple):
    """The moments of one version of a part, and the number of its rows."""

    source: str
    version: str
    rows: int
    table: pl.DataFrame


def write(folder: Path, moments: Sequence[Moments], definition: Definition, keys: list[str]) -> list[State]:
    """Write states under temporary names, then rename them, so that readers see complete states only."""
    temporary: list[Path] = []
    try:
        for one in moments:
            path = path_of(folder, one.source)
            temporary.append(folder / f".{path.name}.{secrets.token_hex(8)}.tmp")
            _write_file(temporary[-1], one, definition, keys)
        with ThreadPoolExecutor(min(SYNCS, len(temporary))) as threads:
            list(threads.map(_to_disk, temporary))
        for one, new in zip(moments, temporary, strict=True):
            os.replace(new, path_of(folder, one.source))
    except BaseException:
        for path in temporary:
            path.unlink(missing_ok=True)
        raise
    _to_disk(folder)
    return [
        State(
            path_of(folder, one.source),
            one.source,
            one.version,
            one.rows,
            one.table.height,
            definition,
            _types(one.table, keys),
            _means(one.table),
        )
        for one in moments
    ]


def _write_file(path: Path, moments: Moments, definition: Definition, keys: list[str]) -> None:
    fields: dict[str, Any] = {
        "format": FORMAT,
        "library": __version__,
        "source": moments.source,
        "version": moments.version,
        "rows": moments.rows,
        "definition": to_json(definition),
        "keys": _types(moments.table, keys),
        "means": _means(moments.table),
    }
    metadata = {ENTRY: json.dumps(fields), checksum.ENTRY: checksum.UNSEALED}
    moments.table.write_parquet(path, metadata=metadata, row_group_size=ROWS_TOGETHER)
    checksum.seal(path)


def _types(table: pl.DataFrame, keys: list[str]) -> dict[str, str]:
    return {name: str(table.schema[name]) for name in keys}


def _means(table: pl.DataFrame) -> tuple[float, float] | None:
    least, greatest = table["mean"].min(), table["mean"].max()
    return (least, greatest) if isinstance(least, float) and isinstance(greatest, float) else None


def verify(path: Path) -> None:
    """Raise an error if any byte of a state has changed; states of older formats have no checksum."""
    try:
        checksum.verify(path)
    except checksum.MismatchError as error:
        raise _not_a_state(path, str(error)) from None


def drop(state: State) -> None:
    """Delete the state of a part that no longer exists."""
    state.path.unlink(missing_ok=True)
    _to_disk(state.path.parent)


def tidy(folder: Path) -> None:
    """Delete temporary files of interrupted runs; the caller must hold the lock."""
    for path in folder.glob(".*.parquet.*.tmp"):
        path.unlink(missing_ok=True)


def first_keys(states: list[State], key: str) -> list[tuple[Any, int]]:
    """The smallest value of a key in each row group of the states, with the number of its rows."""
    firsts = []
    for state in states:
        footer = pq.read_metadata(state.path)
        column = [footer.schema.column(i).path for i in range(footer.num_columns)].index(key)
        for group in map(footer.row_group, range(footer.num_row_groups)):
            statistics = group.column(column).statistics
            if statistics is not None and statistics.has_min_max:
                firsts.append((statistics.min, group.num_rows))
    return firsts


def _to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    with suppress(PermissionError):  # a system that cannot open or sync folders
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _not_a_state(path: Path, reason: str) -> ValueError:
    return ValueError(f"{str(path)!r} is not a state of a store: {reason}; delete it and refresh")
