"""The sources of rows: files, folders, URLs and tables, each as a list of parts."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from . import delta, iceberg, plain
from .listing import check_utf8
from .part import NAME, Part, batches, rows_of

__all__ = ["NAME", "Part", "batches", "left_out", "parts", "rows_of"]


def parts(source: Any, columns: Collection[str] | None = None) -> list[Part]:
    """The parts of a source, sorted by name, without duplicates.

    A source is a path, pattern, folder or URL of Parquet, CSV, JSON or Arrow, a Delta or Iceberg table, or a
    list of them.
    `columns` are the columns that will be read, if they are known. Changes of a table to other columns then do not
    change the version of a part.
    """
    files: list[str] = []
    listed: list[Part] = []
    for one in source if isinstance(source, list | tuple) else [source]:
        if isinstance(one, str | os.PathLike):
            check_utf8(os.fspath(one))
        if delta.is_table(one):
            listed += delta.parts(one)
        elif iceberg.is_table(one):
            listed += iceberg.parts(one, columns)
        elif isinstance(one, str | os.PathLike):
            files.append(os.fspath(one))
        else:
            raise TypeError(
                f"source={source!r}; give a path, a glob pattern, a folder, a URL, or a list of them; "
                "or a table of deltalake or pyiceberg"
            )
    read = plain.parts(files)
    _refuse_files_of_tables([part.name for part in read], files)
    listed += read
    listed.sort(key=lambda part: part.name)
    for one, other in pairwise(listed):
        if one.name == other.name:
            raise ValueError(f"the source contains the data file {one.name!r} twice; a file can be only one part")
    return listed


def left_out(names: Iterable[str]) -> list[str]:
    """The local files that still exist, except files of a table: it keeps files that it has deleted or replaced."""
    files = [name for name in names if "://" not in name and os.path.isfile(name)]
    tables = set(_tables(map(Path, files)))
    return [name for name in files if tables.isdisjoint(Path(name).parents)]


def _refuse_files_of_tables(names: list[str], sources: list[str]) -> None:
    """Refuse patterns and folders that match files of a table: it keeps files that it has deleted or replaced."""
    matched = {Path(name) for name in names if "://" not in name} - {Path(one).absolute() for one in sources}
    for folder in _tables(matched):
        raise ValueError(
            f"the source matches files of the table {str(folder)!r}, and the table may have deleted some of them: "
            "give the folder of the table itself"
        )


def _tables(files: Iterable[Path]) -> Iterator[Path]:
    """The tables among the folders above some files."""
    folders = sorted({parent for file in files for parent in file.parents})
    return (folder for folder in folders if delta.is_table(folder) or iceberg.is_table(folder))
