"""Where rows come from, part by part: whatever a source is, a list of parts."""

from __future__ import annotations

import os
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from typing import Any

from . import delta, iceberg, plain
from .listing import readable
from .part import NAME, Part, batches, rows_of

__all__ = ["NAME", "Part", "batches", "parts", "rows_of"]


def parts(source: Any, columns: Collection[str] | None = None) -> list[Part]:
    """The parts of a source, sorted by name, none twice.

    A source is a path, pattern, folder or URL of Parquet, CSV or JSON, a Delta or Iceberg table, or a list of them.
    `columns` are the ones that will be read, if that is known: what a table changes about others is then no change of
    a part.
    """
    files: list[str] = []
    found: list[Part] = []
    for one in source if isinstance(source, list | tuple) else [source]:
        if isinstance(one, str | os.PathLike):
            readable(os.fspath(one))
        if delta.is_table(one):
            found += delta.parts(one)
        elif iceberg.is_table(one):
            found += iceberg.parts(one, columns)
        elif isinstance(one, str | os.PathLike):
            files.append(os.fspath(one))
        else:
            raise TypeError(
                f"source={source!r}; give a path, a glob pattern, a folder, a URL, or a list of them; "
                "or a table of deltalake or pyiceberg"
            )
    read = plain.parts(files)
    _refuse_files_of_tables([part.name for part in read], files)
    found += read
    found.sort(key=lambda part: part.name)
    for one, other in pairwise(found):
        if one.name == other.name:
            raise ValueError(f"the source has the data file {one.name!r} twice, which cannot be two parts")
    return found


def _refuse_files_of_tables(names: list[str], given: list[str]) -> None:
    """A pattern or folder must not find files of a table, which keeps those that it has deleted or replaced."""
    found = {Path(name) for name in names if "://" not in name} - {Path(one).absolute() for one in given}
    for folder in sorted({parent for path in found for parent in path.parents}):
        if delta.is_table(folder) or iceberg.is_table(folder):
            raise ValueError(
                f"the source finds files of the table {str(folder)!r}, some of which it may have deleted: "
                "give the folder of the table itself"
            )
