"""Errors about rows that hold no counts, or no exposure."""

from __future__ import annotations

import polars as pl

from .. import refuse
from .spec import Counts


def bad_rows(table: pl.DataFrame, request: Counts) -> None:
    """Raise if the query counted rows that hold no counts."""
    refuse.bad_rows(table, request.names)
