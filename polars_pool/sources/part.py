"""One part of a source: what can be read, compared and forgotten by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Part:
    """A file of rows, its identity and its version."""

    name: str  # unique in the source and stable: absolute path or URL of the file
    version: str  # changes whenever the content does
    scan: Callable[[], pl.LazyFrame]  # its rows, in the source's schema
    current: Callable[[], str | None]  # the version as it is now; None: gone
