"""Where rows come from, part by part: whatever a source is, a list of parts."""

from __future__ import annotations

import os
from typing import Any

from . import delta, iceberg, parquet
from .part import Part

__all__ = ["Part", "parts"]


def parts(source: Any) -> list[Part]:
    """The parts of a source, sorted by name: a Parquet path, pattern, folder or URL, or a list of them; or a table."""
    if delta.is_table(source):
        return delta.parts(source)
    if iceberg.is_table(source):
        return iceberg.parts(source)
    if isinstance(source, str | os.PathLike):
        return parquet.parts([os.fspath(source)])
    if isinstance(source, list | tuple) and all(isinstance(one, str | os.PathLike) for one in source):
        return parquet.parts([os.fspath(one) for one in source])
    raise TypeError(f"source={source!r}; give a path, a glob pattern, a folder, a URL, or a list of them")
