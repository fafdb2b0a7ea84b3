"""The statistic of its group beside every row, as an expression: what `pl.col(...).pool` is made of."""

from __future__ import annotations

from typing import Any

import polars as pl

from . import check
from .check import IntoColumn, Keys
from .engines import encoding
from .engines.model import Model


def beside(
    value: pl.Expr,
    result: pl.Expr,
    *,
    by: Keys,
    over: Keys | None,
    weights: IntoColumn | None,
    nan: str,
    **hyperparameters: Any,
) -> pl.Expr:
    """An expression that carries its columns as a struct; the columns themselves are checked when the query runs."""
    check.one_of(nan, ("error", "null"), "nan")
    given_weights = None if weights is None else value
    check.fitting(Model(value, by_names=(), weights=given_weights, **check.integrated(**hyperparameters)))
    given = {"by": check.key_columns(by, "by")}
    given["over"] = [] if over is None else check.key_columns(over, "over")
    given["weights"] = [] if weights is None else check.key_columns(weights, "weights")
    columns = [
        (pl.col(column) if isinstance(column, str) else column).name.prefix(f"_pool_{role}_")
        for role, listed in given.items()
        for column in listed
    ]

    def of_rows(rows: pl.Series) -> pl.Series:
        table = rows.struct.unnest()
        named = {role: [c for c in table.columns[1:] if c.startswith(f"_pool_{role}_")] for role in given}
        model = check.model(
            table.lazy(),
            table.columns[0],
            named["by"],
            named["over"] or None,
            weights=next(iter(named["weights"]), None),
            nan=nan,
            **hyperparameters,
        )
        return encoding.beside(table, model, result)

    return pl.struct(value, *columns).map_batches(of_rows, return_dtype=pl.Float64)
