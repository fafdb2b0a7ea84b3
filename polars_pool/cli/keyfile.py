"""The files of --groups, keys of groups that may have no rows, and of --rows, rows to predict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from .. import verbs
from ..store.sources import formats, parts
from .errors import DataError, sentence


def read(option: str, name: str, types: Mapping[str, pl.DataType], inferred: bool = False) -> pl.LazyFrame:
    """The rows of a file: CSV, whose keys are converted to their types, or any other source.

    Other columns of CSV remain text, unless their types are inferred.
    """
    try:
        if Path(name).suffix.lower() == ".csv":
            if not Path(name).exists():
                raise FileNotFoundError("does not exist")
            separator = formats.separator_of(pl.read_csv(name, n_rows=0, infer_schema=False, glob=False).columns)
            return pl.read_csv(
                name,
                schema_overrides=types,
                infer_schema=inferred,
                infer_schema_length=None,
                glob=False,
                separator=separator,
            ).lazy()
        return pl.concat([part.scan() for part in parts(name)])
    except (ValueError, OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"--{option} {name}: {sentence(error)}") from error


def checked(name: str, frame: pl.LazyFrame, columns: Mapping[str, Any]) -> pl.LazyFrame:
    """The keys in a file, after a check that their names and types are those in the estimates of a frame."""
    schema = verbs.shrink(frame, **columns).collect_schema()
    types = {key: schema[key] for key in schema.names()[: schema.names().index("n")]}
    predictors = "toward" in columns
    keys = read("groups", name, types, inferred=predictors)
    verbs.shrink(frame, **columns, groups=keys)
    return keys if predictors else keys.select(key for key in types if key in keys.collect_schema())


def rows_to_predict(name: str, frame: pl.LazyFrame, columns: Mapping[str, Any]) -> pl.LazyFrame:
    """The rows in a file, with its keys in the types that they have in a frame."""
    keys = [*columns["by"], *columns.get("over", [])]
    return read("rows", name, frame.select(keys).collect_schema(), inferred=True)
