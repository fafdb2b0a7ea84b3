"""The estimates of every key of a feature, from all rows and without each fold, for every column of the target.

Weights count repetitions of rows, unlike the precision weights of the verbs. The moments of a key then have n = sum(w),
and the squares sum(w (y - mean)^2), which are those of the repeated rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..verbs import components, merge, moments, shrink
from .training import Training

ALL = -1  # of `without`: no fold is left out
MODEL = ["target", "without"]


def fitted(
    training: Training, feature: pl.Series, is_missing_mu: bool, hyperparameters: Mapping[str, Any]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per key and model, and one row per model, for each target: from all rows, and without each fold."""
    rows = training.rows(feature, is_missing_mu).lazy()
    states = pl.concat([_states(rows, target) for target in range(len(training.target.names))])
    without = pl.LazyFrame({"without": range(ALL, training.folds)}, schema={"without": pl.Int64})
    others = states.join(without, how="cross").filter(pl.col("fold") != pl.col("without"))
    merged = merge(others, ["key", *MODEL]).collect().lazy()
    call: dict[str, Any] = {"by": "key", "over": MODEL, "n": "n", "var": "var", **hyperparameters}
    models = components(merged, "mean", **call).sort(MODEL).collect()
    keys = shrink(merged, "mean", **call).join(models.lazy().select(*MODEL, "mu"), on=MODEL, how="left")
    # Rows that determine no variance have no estimate, and a feature must not be empty.
    return keys.with_columns(pl.coalesce("estimate", "mu")).collect(), models


def _states(rows: pl.LazyFrame, target: int) -> pl.LazyFrame:
    """The moments of each key in each fold, with repeated rows."""
    name, of = f"y{target}", pl.lit(target, dtype=pl.Int64).alias("target")
    if "w" not in rows.collect_schema():
        return moments(rows, name, by=["key", "fold"]).with_columns(of)
    states = moments(rows, name, by=["key", "fold"], weights="w")
    squares = pl.when(pl.col("n") > 1).then(pl.col("var") * (pl.col("n") - 1)).otherwise(0.0)
    var = pl.when(pl.col("w") > 1).then(squares / (pl.col("w") - 1))
    return states.select("key", "fold", n=pl.col("w").cast(pl.Int64), mean="mean", var=var).with_columns(of)


def codes(rows: pl.DataFrame, keys: pl.DataFrame, models: pl.DataFrame, is_missing_mu: bool) -> pl.DataFrame:
    """The estimate of the key of each row, and the mu of its model; the estimate is null for a key without rows.

    The rows have the columns key, without (the fold that is left out) and fits (whether the key has the fitted type).
    """
    on = ["key", "without"]
    found = rows.join(keys.select(*on, "estimate"), on=on, how="left", nulls_equal=True, maintain_order="left")
    found = found.join(models.select("without", "mu"), on="without", how="left", maintain_order="left")
    # A fold may hold all rows that are not missing.
    found = found.with_columns(pl.col("mu").fill_null(models.filter(pl.col("without") == ALL)["mu"].item()))
    has_mu = pl.col("key").is_null() & pl.lit(is_missing_mu)
    return found.select("mu", estimate=pl.when("fits").then(pl.when(has_mu).then("mu").otherwise("estimate")))
