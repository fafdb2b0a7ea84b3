"""Parquet files as parts: the columns of the first file in the types of each file, and the common hive columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import polars as pl

from .hive import Hive
from .listing import File
from .part import NAME, Part

Schema = dict[str, pl.DataType]


def parts(files: Sequence[File], hive: Hive) -> list[Part]:
    """One part for each file."""
    columns = cache(lambda: _schema(files[0].name))
    together = partial(_scan, columns=columns, hive=hive, name_column=NAME)
    return [
        Part(file.name, file.version, partial(_scan, [file.name], columns, hive), file.current, file.size, together)
        for file in files
    ]


def _scan(
    names: Sequence[str], columns: Callable[[], Schema], hive: Hive, name_column: str | None = None
) -> pl.LazyFrame:
    """The rows of files in the types of the first: further columns are ignored, missing ones raise an error if used."""
    own = _schema(names[0])
    inside = {name: own.get(name, dtype) for name, dtype in columns().items()}
    typed = {name: inside.get(name, dtype) for name, dtype in hive().items()}
    return pl.scan_parquet(
        list(names),
        glob=False,
        schema=inside,
        hive_schema=typed or None,
        hive_partitioning=bool(typed),
        extra_columns="ignore",
        include_file_paths=name_column,
    )


def _schema(name: str) -> Schema:
    try:
        return dict(pl.scan_parquet(name, glob=False, hive_partitioning=False).collect_schema())
    except (OSError, pl.exceptions.PolarsError) as error:
        known = (
            ""
            if name.endswith(".parquet")
            else "; the ending of another file must be .csv, .tsv, .ndjson, .jsonl, .json, .arrow or .feather"
        )
        raise type(error)(f"the source {name!r} cannot be read as Parquet{known}: {error}") from None
