"""The statistic of its group beside every row, as an expression: what `pl.col(...).pool` is made of."""

from __future__ import annotations

from typing import Any

import polars as pl

from . import check, rates
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
    given = carried(by, over, {"weights": weights})

    def of_rows(rows: pl.Series) -> pl.Series:
        table, named = unpacked(rows, given)
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

    return pl.struct(value, *columns(given)).map_batches(of_rows, return_dtype=pl.Float64)


def of_rates(
    value: pl.Expr,
    result: str,
    *,
    by: Keys,
    over: Keys | None,
    trials: IntoColumn | None,
    exposure: IntoColumn | None,
    nan: str,
    **counted: Any,
) -> pl.Expr:
    """The same of the posterior of the rate of its group."""
    given = carried(by, over, {"trials": trials, "exposure": exposure})

    def of_rows(rows: pl.Series) -> pl.Series:
        table, named = unpacked(rows, given)
        sizes = {role: next(iter(named[role]), None) for role in ("trials", "exposure")}
        keys = [*named["over"], *named["by"]]
        estimates = rates.shrink(
            table.lazy(),
            table.columns[0],
            named["by"],
            named["over"] or None,
            level=0.95,
            threshold=None,
            groups=None,
            posterior=False,
            uncertainty="conditional",
            nan=nan,
            **sizes,
            **counted,
        )
        joined = table.lazy().join(
            estimates.select(*keys, result), on=keys, how="left", nulls_equal=True, maintain_order="left"
        )
        return joined.select(result).collect(engine="in-memory").to_series()

    return pl.struct(value, *columns(given)).map_batches(of_rows, return_dtype=pl.Float64)


def carried(by: Keys, over: Keys | None, more: dict[str, IntoColumn | None]) -> dict[str, list[IntoColumn]]:
    """The columns that a struct carries beside the value, by their roles."""
    given = {"by": check.key_columns(by, "by")}
    for role, columns in {"over": over, **more}.items():
        given[role] = [] if columns is None else check.key_columns(columns, role)
    return given


def columns(given: dict[str, list[IntoColumn]]) -> list[pl.Expr]:
    """These columns under names that tell their roles."""
    return [
        (pl.col(column) if isinstance(column, str) else column).name.prefix(f"_pool_{role}_")
        for role, listed in given.items()
        for column in listed
    ]


def unpacked(rows: pl.Series, given: dict[str, list[IntoColumn]]) -> tuple[pl.DataFrame, dict[str, list[str]]]:
    """The struct as a table, whose first column is the value, and the names of the others by their roles."""
    table = rows.struct.unnest()
    return table, {role: [c for c in table.columns[1:] if c.startswith(f"_pool_{role}_")] for role in given}
