"""The posterior of the rate of its group for every row, joined to the rows."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from .estimates import estimates
from .spec import Rates


def statistic(table: pl.DataFrame, request: Rates, name: str) -> pl.Series:
    """A statistic of its group for every row of a table in memory, whose keys are its columns."""
    # No interval is needed, so the error of the prior's mean is not computed.
    request = replace(request, options=replace(request.options, uncertainty="conditional"))
    keys = list(request.key_names)
    rates = estimates(table.lazy(), request, only=name)
    joined = table.lazy().select(keys).join(rates, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return joined.select(name).collect(engine="in-memory").to_series()
