"""Files of folders, patterns and URLs as parts, each file once, with the reader of its format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import formats, hive, parquet
from .listing import File, files
from .part import Part


def parts(sources: Sequence[str]) -> list[Part]:
    """The files of paths, patterns, folders and URLs as parts, sorted by name, without duplicates."""
    listed = _once([file for source in sources for file in _files(source)])
    types = hive.of([file.name for file in listed])
    others = [file for file in listed if formats.ending(file.name)]
    tables = [file for file in listed if not formats.ending(file.name)]
    return sorted([*parquet.parts(tables, types), *formats.parts(others, types)], key=lambda part: part.name)


def _files(source: str) -> list[File]:
    """The files of one source; for a folder its Parquet files, or if it has none, its files of one other kind."""
    listed = files(source, ".parquet") or files(source, formats.ENDINGS)
    kinds = sorted({formats.ending(file.name) or ".parquet" for file in listed})
    if len(kinds) > 1 and Path(source).is_dir():
        raise ValueError(
            f"the folder {source!r} has files of several kinds, {', '.join(kinds)}; give a pattern, such as "
            f"{source.rstrip('/')}/**/*{kinds[0]}"
        )
    return listed


def _once(listed: Sequence[File]) -> list[File]:
    """Each file once, even if several links lead to it: under a name that is not a link, else the first name."""
    files_by_identity: dict[object, File] = {}
    for file in sorted(listed, key=lambda file: file.name):
        other = files_by_identity.setdefault(file.identity, file)
        if hive.values(other.name) != hive.values(file.name):
            raise ValueError(
                f"{other.name!r} and {file.name!r} are one file with different hive values; remove the link, or copy "
                "the file"
            )
        if _through_link(other.name) and not _through_link(file.name):
            files_by_identity[file.identity] = file
    return sorted(files_by_identity.values(), key=lambda file: file.name)


def _through_link(name: str) -> bool:
    return Path(name).resolve() != Path(name)
