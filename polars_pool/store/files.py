"""Parquet files of a store: complete or absent, with checksums, and with an entry of this package in their metadata."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from . import checksum
from .checksum import MismatchError

ENTRY = "polars-pool"  # in the metadata of the Parquet file
ROWS_TOGETHER = 65_536  # rows per row group: the least that a filter by keys reads
SYNCS = 8  # files synced at a time: the disk needs hardly more time for them than for one

Write = Callable[[Path], None]


class Content(NamedTuple):
    """What the footer of a file states: the entry of this package, the checksums, and the number of rows."""

    fields: dict[str, Any]
    seal: str | None
    rows: int


def opened(path: Path) -> Content:
    """The content of a footer. The checksum of the footer is verified here, that of the data when they are read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        seal = checksum.footer(path)
        footer = pq.read_metadata(path)
    except (FileNotFoundError, PermissionError, MismatchError):
        raise
    except (pa.ArrowException, OSError):
        raise MismatchError("it is truncated or not a Parquet file") from None
    entry = (footer.metadata or {}).get(ENTRY.encode())
    if entry is None:
        raise MismatchError("its metadata has no entry of polars-pool")
    try:
        fields = dict(json.loads(entry))
    except (TypeError, ValueError):
        raise MismatchError("its metadata cannot be read") from None
    return Content(fields, None if seal is None else seal.text, footer.num_rows)


def verify(path: Path) -> None:
    """Raise an error if any byte of a file has changed; states of the first format have no checksum."""
    try:
        checksum.verify(path)
    except MismatchError as error:
        raise damaged(path, error) from None


def damaged(path: Path, reason: object) -> ValueError:
    """The error for a file that is not what this package wrote."""
    kind = "state" if path.suffix == ".parquet" else "merge"
    return ValueError(f"{str(path)!r} is not a {kind} of a store: {reason}; delete it and refresh")


def metadata(fields: dict[str, Any]) -> dict[str, str]:
    """The metadata of a new file: the entry of this package, and the place of the checksums."""
    return {ENTRY: json.dumps(fields), checksum.ENTRY: checksum.UNSEALED}


def publish(folder: Path, writers: Mapping[Path, Write]) -> list[str]:
    """Write files under temporary names, then rename them, so that readers see complete files only; their checksums."""
    temporary: list[Path] = []
    seals = []
    try:
        for path, write in writers.items():
            temporary.append(folder / f".{path.name.lstrip('.')}.{secrets.token_hex(8)}.tmp")
            write(temporary[-1])
            seals.append(checksum.seal(temporary[-1]))
        with ThreadPoolExecutor(min(SYNCS, len(temporary))) as threads:
            list(threads.map(to_disk, temporary))
        for path, new in zip(writers, temporary, strict=True):
            os.replace(new, path)
    except BaseException:
        for new in temporary:
            new.unlink(missing_ok=True)
        raise
    to_disk(folder)
    return seals


def tidy(folder: Path) -> None:
    """Delete temporary files of interrupted runs; the caller must hold the lock."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    with suppress(PermissionError):  # a system that cannot open or sync folders
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
