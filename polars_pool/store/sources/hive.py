"""The columns of `key=value` folders: all paths of a source have the same ones, with types from all their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import PurePosixPath
from urllib.parse import unquote

import polars as pl

Hive = Callable[[], dict[str, pl.DataType]]  # the columns, inferred when the first part is read
NULL = "__HIVE_DEFAULT_PARTITION__"


def of(names: Sequence[str]) -> Hive:
    """The hive columns of files; all files must have the same ones."""
    for name in names[1:]:
        if set(keys(name)) != set(keys(names[0])):
            raise ValueError(
                f"the files of a source must have the same hive keys, but {names[0]!r} has "
                f"{keys(names[0])} and {name!r} {keys(name)}"
            )
    return cache(partial(_types, names))


def keys(name: str) -> list[str]:
    """The keys of the `key=value` folders of a path or URL."""
    return [folder.split("=")[0] for folder in _folders(name)]


def values(name: str) -> dict[str, str | None]:
    """The values of the `key=value` folders, as text."""
    pairs = (folder.split("=") for folder in _folders(name))
    return {key: None if value == NULL else unquote(value) for key, value in pairs}


def _folders(name: str) -> list[str]:
    folders = PurePosixPath(re.sub(r"[?#].*", "", name) if name.startswith("http") else name).parts[:-1]
    return [folder for folder in folders if folder.count("=") == 1]


def _types(names: Sequence[str]) -> dict[str, pl.DataType]:
    """The types that Polars infers from the values of all paths; no file is opened."""
    if not names or not keys(names[0]):
        return {}
    paths = pl.scan_parquet(list(names), glob=False, hive_partitioning=True, schema={}, extra_columns="ignore")
    return dict(paths.collect_schema())
