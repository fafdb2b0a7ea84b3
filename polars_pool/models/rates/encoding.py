"""The posterior of the rate of its group for every row, joined to the rows."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from ..encoding import WHOLE, Encoding, of_other_rows, out_of_fold
from .estimates import estimates
from .spec import Rates


def encoded(frame: pl.LazyFrame, request: Rates, encoding: Encoding) -> pl.LazyFrame:
    """All columns of the frame, and statistics of the posterior of the rate of the group of each row."""
    if encoding.folds is not None:
        return out_of_fold(frame, request, encoding, estimates)
    return of_other_rows(frame, request, encoding, frame, estimates)


def statistic(table: pl.DataFrame, request: Rates, name: str, encoding: Encoding = WHOLE) -> pl.Series:
    """A statistic of its group for every row of a table in memory, whose keys are its columns."""
    if encoding.folds is not None:
        encoded_rows = encoded(table.lazy(), request, replace(encoding, statistics=(name,), name="_pool_encoded"))
        return encoded_rows.select(pl.last()).collect(engine="in-memory").to_series()
    # No interval is needed, so the error of the prior's mean is not computed.
    request = replace(request, options=replace(request.options, uncertainty="conditional"))
    keys = list(request.key_names)
    rates = estimates(table.lazy(), request, only=name)
    joined = table.lazy().select(keys).join(rates, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return joined.select(name).collect(engine="in-memory").to_series()
