"""Errors that only the data can raise: the columns named, the rows counted."""

from __future__ import annotations

import polars as pl

from .spec import Rates


def bad_rows(table: pl.DataFrame, model: Rates) -> None:
    """Raise if rows hold no counts, in the order of the reasons."""
    value, size = (f"{role}={model.names.get(role)!r}" for role in ("value", model.role))
    null = "remove them, or count them as missing with nan='null'"
    sentences = {
        "value_nan": f"{value} is NaN or infinite in {{}}: {null}",
        "size_nan": f"{size} is NaN or infinite in {{}}: {null}",
        "value": f"{value} is negative or fractional in {{}}: a count is a whole number of 0 or more",
        "value_more": f"{value} is more than 1 in {{}}: without trials= every row is one trial, 0 or 1",
        "trials": f"{size} is negative or fractional in {{}}: trials are a whole number of 0 or more",
        "exposure": f"{size} is 0 or negative in {{}}: an exposure is a number above 0",
        "more": f"{value} exceeds {size} in {{}}: there are no more events than trials",
    }
    for reason, sentence in sentences.items():
        counted = table.get_column(f"_pool_bad_{reason}", default=None)
        if counted is not None and (count := counted.head(1).sum()):
            raise ValueError(sentence.format("1 row" if count == 1 else f"{count:,} rows"))
