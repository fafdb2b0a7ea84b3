"""The file of the option --groups: keys of groups that may have no rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from .. import verbs
from ..store.sources import parts, text
from .errors import DataError, sentence


def read(name: str, types: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """The rows of the file: CSV, whose text is converted to the types of the keys, or any other source."""
    try:
        if Path(name).suffix.lower() == ".csv":
            if not Path(name).exists():
                raise FileNotFoundError("does not exist")
            separator = text.separator_of(pl.read_csv(name, n_rows=0, infer_schema=False, glob=False).columns)
            return pl.read_csv(name, schema_overrides=types, infer_schema=False, glob=False, separator=separator).lazy()
        return pl.concat([part.scan() for part in parts(name)])
    except (ValueError, OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"--groups {name}: {sentence(error)}") from error


def checked(name: str, frame: pl.LazyFrame, columns: Mapping[str, Any]) -> pl.LazyFrame:
    """The keys in a file, after a check that their names and types are those in the estimates of a frame."""
    schema = verbs.shrink(frame, **columns).collect_schema()
    types = {key: schema[key] for key in schema.names()[: schema.names().index("n")]}
    keys = read(name, types)
    verbs.shrink(frame, **columns, groups=keys)
    return keys.select(key for key in types if key in keys.collect_schema())
