"""The standard input as a part: Parquet, Arrow, CSV or JSON, recognised by its first bytes."""

from __future__ import annotations

import gzip
import io
import sys

import polars as pl

from . import formats
from .part import Part

NAME = "-"
ARROW_FILE, ARROW_STREAM = b"ARROW1", b"\xff\xff\xff\xff"


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
        if content.startswith(ARROW_FILE):
            return pl.read_ipc(io.BytesIO(content))
        if content.startswith(ARROW_STREAM):
            return pl.read_ipc_stream(io.BytesIO(content))
        if first == b"[":
            return formats.array(content).collect()
        if first == b"{":
            return pl.read_ndjson(content, infer_schema_length=None)
        separator = "\t" if b"\t" in content.partition(b"\n")[0] else ","
        frame = pl.read_csv(content, separator=separator, infer_schema_length=None)
        if separator == "," != (other := formats.separator_of(frame.columns)):
            return pl.read_csv(content, separator=other, infer_schema_length=None)
        return frame
    except pl.exceptions.PolarsError as error:
        raise type(error)(f"the source '-' cannot be read as Parquet, Arrow, CSV or JSON: {error}") from None
