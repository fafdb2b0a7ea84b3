"""Files in folders, behind patterns and at URLs: which there are, each once, and what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import hive, parquet, text
from .listing import File, files
from .part import Part


def parts(sources: Sequence[str]) -> list[Part]:
    """The files of paths, patterns, folders and URLs as parts, sorted by name, none twice."""
    listed = _once([file for source in sources for file in _files(source)])
    types = hive.of([file.name for file in listed])
    texts = [file for file in listed if text.ending(file.name)]
    tables = [file for file in listed if not text.ending(file.name)]
    return sorted([*parquet.parts(tables, types), *text.parts(texts, types)], key=lambda part: part.name)


def _files(source: str) -> list[File]:
    """The files of one source; of a folder the Parquet files, or if it has none, the text files of one kind."""
    found = files(source, ".parquet") or files(source, text.ENDINGS)
    kinds = sorted({text.ending(file.name) or ".parquet" for file in found})
    if len(kinds) > 1 and Path(source).is_dir():
        raise ValueError(
            f"the folder {source!r} has files of several kinds, {', '.join(kinds)}; give a pattern, such as "
            f"{source.rstrip('/')}/**/*{kinds[0]}"
        )
    return found


def _once(listed: Sequence[File]) -> list[File]:
    """Each file under one name, whatever links lead to it: a name that is no link, else the first."""
    found: dict[object, File] = {}
    for file in sorted(listed, key=lambda file: file.name):
        other = found.setdefault(file.identity, file)
        if hive.values(other.name) != hive.values(file.name):
            raise ValueError(
                f"{other.name!r} and {file.name!r} are one file, which cannot count for both; remove the link, or copy "
                "the file"
            )
        if _through_link(other.name) and not _through_link(file.name):
            found[file.identity] = file
    return sorted(found.values(), key=lambda file: file.name)


def _through_link(name: str) -> bool:
    return Path(name).resolve() != Path(name)
