"""Parquet files: one file a part, hive partitions included, every part in the schema of the whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import PurePosixPath

import polars as pl

from .listing import File, files
from .part import Part

Schemas = tuple[dict[str, pl.DataType], dict[str, pl.DataType]]  # of the columns in the files, and in the paths


def parts(sources: Sequence[str]) -> list[Part]:
    """The Parquet files of paths, patterns, folders and URLs as parts, sorted by name, none twice."""
    found = {file.name: file for source in sources for file in files(source, ".parquet")}
    listed = [found[name] for name in sorted(found)]
    _same_hive(listed)
    schemas = cache(partial(_schemas, [file.name for file in listed]))
    return [Part(file.name, file.version, partial(_scan, file.name, schemas), file.current) for file in listed]


def _scan(name: str, schemas: Callable[[], Schemas]) -> pl.LazyFrame:
    """One file as it would be read among all: typed alike, further columns left alone, missing ones refused if used."""
    inside, hive = schemas()
    return pl.scan_parquet(
        name, glob=False, schema=inside, hive_schema=hive or None, hive_partitioning=bool(hive), extra_columns="ignore"
    )


def _schemas(names: list[str]) -> Schemas:
    """As Polars types all the files together: columns by the first file, hive columns by the values of all paths."""
    try:
        inside = dict(pl.scan_parquet(names[0], glob=False, hive_partitioning=False).collect_schema())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise type(error)(f"the source {names[0]!r} is no Parquet file that can be read: {error}") from None
    paths = pl.scan_parquet(names, glob=False, hive_partitioning=True, schema={}, extra_columns="ignore")
    hive = paths.collect_schema() if hive_keys(names[0]) else {}
    return inside, {name: inside.get(name, dtype) for name, dtype in hive.items()}


def hive_keys(name: str) -> list[str]:
    """The keys of the `key=value` folders of a path or URL."""
    folders = PurePosixPath(re.sub(r"[?#].*", "", name) if name.startswith("http") else name).parts[:-1]
    return [folder.split("=")[0] for folder in folders if folder.count("=") == 1]


def _same_hive(listed: list[File]) -> None:
    for file in listed[1:]:
        if set(hive_keys(file.name)) != set(hive_keys(listed[0].name)):
            raise ValueError(
                f"the files of a source have the same hive keys, but {listed[0].name!r} has "
                f"{hive_keys(listed[0].name)} and {file.name!r} {hive_keys(file.name)}"
            )
