"""The posterior of the rate of its group for every row, joined to the rows."""

from __future__ import annotations

import polars as pl

from ..encoding import WHOLE, Encoding, column_beside, column_out_of_fold, of_other_rows, out_of_fold
from ..rates.encoding import without_folds
from .estimates import estimates
from .spec import RatesPosterior


def encoded(frame: pl.LazyFrame, request: RatesPosterior, encoding: Encoding) -> pl.LazyFrame:
    """All columns of the frame, and statistics of the posterior of the rate of the group of each row."""
    if encoding.folds is not None:
        return out_of_fold(frame, request, encoding, estimates, without_folds)
    frame = frame.cache()  # for the rates and the rows that they are joined to
    return of_other_rows(frame, request, encoding, frame, estimates)


def statistic(table: pl.DataFrame, request: RatesPosterior, name: str, encoding: Encoding = WHOLE) -> pl.Series:
    """A statistic of its group for every row of a table in memory, whose keys are its columns."""
    if encoding.folds is not None:
        return column_out_of_fold(encoded, table, request, name, encoding)
    rates = estimates(table.lazy(), request, only=name)
    return column_beside(table.lazy().select(request.key_names), rates, request.key_names, name)
