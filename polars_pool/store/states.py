"""A state: the moments of one part in a Parquet file, with its definition in the metadata, written atomically."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ..version import FORMAT, __version__
from . import files, utf8
from .checksum import MismatchError
from .definition import Definition, from_json, to_json

CHECKED = 2  # the first format whose files have a checksum


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
    seal: str | None  # the checksums: equal for equal content; the first format has none


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
        content = files.opened(path)
        _check_format(path, content)
        state = _state(path, content)
    except MismatchError as error:
        raise files.damaged(path, error) from None
    except (KeyError, TypeError):
        raise files.damaged(path, "its metadata cannot be read") from None
    if path.name != path_of(path.parent, state.source).name:
        raise files.damaged(path, f"it is a copy, under another name, of the state of {state.source!r}")
    return state


def _check_format(path: Path, content: files.Content) -> None:
    fields = content.fields
    if fields["format"] > FORMAT:
        raise ValueError(
            f"the state {str(path)!r} has format {fields['format']}, written by polars-pool {fields['library']}; this "
            f"is polars-pool {__version__}, which reads format {FORMAT}: upgrade it"
        )
    if fields["format"] >= CHECKED and content.seal is None:
        raise MismatchError("its checksum is missing")


def _state(path: Path, content: files.Content) -> State:
    fields = content.fields
    return State(
        path,
        fields["source"],
        fields["version"],
        fields["rows"],
        content.rows,
        from_json(fields["definition"], fields["library"], fields["format"]),
        fields["keys"],
        tuple(fields["means"]) if fields["means"] else None,
        content.seal,
    )


class Moments(NamedTuple):
    """The moments of one version of a part, and the number of its rows."""

    source: str
    version: str
    rows: int
    table: pl.DataFrame


def write(folder: Path, moments: Sequence[Moments], definition: Definition, keys: list[str]) -> list[State]:
    """Write states, and return their metadata."""
    paths = [path_of(folder, one.source) for one in moments]
    writers = {path: partial(_write, one, definition, keys) for path, one in zip(paths, moments, strict=True)}
    return [
        State(
            path,
            one.source,
            one.version,
            one.rows,
            one.table.height,
            definition,
            _types(one.table, keys),
            _means(one.table),
            seal,
        )
        for path, one, seal in zip(paths, moments, files.publish(folder, writers), strict=True)
    ]


def _write(moments: Moments, definition: Definition, keys: list[str], path: Path) -> None:
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
    moments.table.write_parquet(path, metadata=files.metadata(fields), row_group_size=files.ROWS_TOGETHER)


def _types(table: pl.DataFrame, keys: list[str]) -> dict[str, str]:
    return {name: str(table.schema[name]) for name in keys}


def _means(table: pl.DataFrame) -> tuple[float, float] | None:
    least, greatest = table["mean"].min(), table["mean"].max()
    return (least, greatest) if isinstance(least, float) and isinstance(greatest, float) else None


def drop(state: State) -> None:
    """Delete the state of a part that no longer exists."""
    state.path.unlink(missing_ok=True)
    files.to_disk(state.path.parent)
