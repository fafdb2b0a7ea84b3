"""The standard input as a part: Parquet, CSV or JSON, recognised by its first bytes."""

from __future__ import annotations

import gzip
import io
import sys

import polars as pl

from . import text
from .part import Part

NAME = "-"


def part() -> Part:
    """The whole standard input, kept in memory because it can be read only once."""
    if sys.stdin is None:
        raise OSError("the source '-' is the standard input, which is closed")
    frame = _frame(sys.stdin.buffer.read())
    return Part(NAME, "read", frame.lazy, lambda: "read")


def _frame(content: bytes) -> pl.DataFrame:
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    first = content.lstrip()[:1]
    try:
        if content.startswith(b"PAR1"):
            return pl.read_parquet(io.BytesIO(content))
        if first == b"[":
            return text.array(content).collect()
        if first == b"{":
            return pl.read_ndjson(content, infer_schema_length=None)
        separator = "\t" if b"\t" in content.partition(b"\n")[0] else ","
        frame = pl.read_csv(content, separator=separator, infer_schema_length=None)
        if separator == "," != (other := text.separator_of(frame.columns)):
            return pl.read_csv(content, separator=other, infer_schema_length=None)
        return frame
    except pl.exceptions.PolarsError as error:
        raise type(error)(f"the source '-' cannot be read as Parquet, CSV or JSON: {error}") from None
