"""Files of other formats than Parquet as parts: CSV, JSON and Arrow. Types of text are inferred from all its rows."""

from __future__ import annotations

import glob
import gzip
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import polars as pl

from . import hive
from .hive import Hive
from .listing import URL, File
from .part import NAME, Part

TEXT = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz", ".json", ".json.gz")
ENDINGS = (*TEXT, ".arrow", ".feather", ".ipc")


def ending(name: str) -> str | None:
    """The ending of a file in one of these formats, without `.gz`; None for other files."""
    path = re.sub(r"[?#].*", "", name) if name.startswith("http") else name
    matches = [known for known in ENDINGS if path.lower().endswith(known)]
    return matches[0].removesuffix(".gz") if matches else None


def parts(files: Sequence[File], types: Hive) -> list[Part]:
    """One part for each file."""
    together = partial(_scan_together, types=types)
    return [
        Part(file.name, file.version, partial(_scan, file.name, types), file.current, file.size, together)
        for file in files
    ]


def _scan_together(names: Sequence[str], types: Hive) -> pl.LazyFrame:
    """The rows of files with equal types; a file with other types raises an error."""
    return pl.concat([_scan(name, types).with_columns(pl.lit(name).alias(NAME)) for name in names])


def _scan(name: str, types: Hive) -> pl.LazyFrame:
    """The rows of a file, with its hive columns."""
    try:
        rows = _READERS[ending(name) or ".csv"](name)
        inside = rows.collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise type(error)(f"the source {name!r} cannot be read as {(ending(name) or '')[1:]}: {error}") from None
    constants = hive.values(name)
    return rows.with_columns(
        pl.lit(constants[key]).cast(inside.get(key, dtype)).alias(key) for key, dtype in types().items()
    )


def _csv(name: str, separator: str = ",") -> pl.LazyFrame:
    """A CSV file. Without rows, its columns get the type Null, which fits other files; Polars would infer text."""
    rows = pl.scan_csv(name, glob=False, separator=separator, infer_schema_length=None)
    schema = rows.collect_schema()
    if separator == "," != separator_of(schema.names()):
        return _csv(name, ";")
    if set(schema.dtypes()) == {pl.String()} and rows.head(1).collect().is_empty():
        return pl.LazyFrame(schema=dict.fromkeys(schema, pl.Null()))
    return rows


def separator_of(header: Sequence[str]) -> str:
    """The separator of a CSV file whose header, split at commas, is this: a single name with semicolons has others."""
    return ";" if len(header) == 1 and ";" in header[0] else ","


def _lines(name: str) -> pl.LazyFrame:
    """Lines of JSON. Polars would read a name with `*?[` as a pattern, so such a file is read into memory."""
    literal = URL.match(name) or not glob.has_magic(name)
    return pl.scan_ndjson(name if literal else Path(name).read_bytes(), infer_schema_length=None)


def _array(name: str) -> pl.LazyFrame:
    """A JSON array, which can be read only as a whole."""
    if URL.match(name):
        raise pl.exceptions.ComputeError("a .json file is read from local folders only; give lines, as .ndjson")
    content = Path(name).read_bytes()
    return array(gzip.decompress(content) if name.lower().endswith(".gz") else content)


def array(content: bytes) -> pl.LazyFrame:
    """A JSON array of objects. Polars would accept a single object as a row and report lines of JSON as invalid."""
    if not content.lstrip().startswith(b"["):
        raise pl.exceptions.ComputeError("it contains no array of objects; lines of JSON need the ending .ndjson")
    return pl.read_json(content, infer_schema_length=None).lazy()


_READERS: dict[str, Callable[[str], pl.LazyFrame]] = {
    ".csv": _csv,
    ".tsv": partial(_csv, separator="\t"),
    ".ndjson": _lines,
    ".jsonl": _lines,
    ".json": _array,
    **dict.fromkeys((".arrow", ".feather", ".ipc"), partial(pl.scan_ipc, glob=False, hive_partitioning=False)),
}
