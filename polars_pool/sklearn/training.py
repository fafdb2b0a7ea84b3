"""The rows that an encoder is fitted to: features, target, folds, and how often each row is repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.utils.validation import check_array

from ..arguments.sentences import is_number
from ..models.refuse import number_of_rows
from .targets import Target

REPETITIONS = (
    "sample_weight is negative or fractional in {rows}: it counts how often a row is repeated, in whole numbers; "
    "for precision weights take polars_pool.encode(weights=)"
)


@dataclass(frozen=True)
class Training:
    """Checked rows; `fold` is the number of the fold of each, all 0 where there are no folds."""

    features: list[pl.Series]
    target: Target
    fold: np.ndarray[Any, Any]
    folds: int
    repetitions: np.ndarray[Any, Any] | None

    def rows(self, feature: pl.Series, is_missing_mu: bool) -> pl.DataFrame:
        """The columns key, fold, y0, y1, ... (the targets), and w where rows are repeated w times, 1 or more.

        Rows without a key are left out where they have mu.
        """
        values = {f"y{t}": self.target.values[:, t] for t in range(len(self.target.names))}
        repeated = {} if self.repetitions is None else {"w": self.repetitions}
        rows = pl.DataFrame({"key": feature, "fold": self.fold, **values, **repeated})
        if repeated:
            rows = rows.filter(pl.col("w") > 0)
        if is_missing_mu:
            rows = rows.filter(pl.col("key").is_not_null())
            if rows.is_empty():
                raise ValueError(f"missing='mu', and all categories of {feature.name!r} are missing, so there is no mu")
        return rows


def repetitions(sample_weight: Any, rows: int) -> np.ndarray[Any, Any] | None:
    """How often each row is repeated; None where each is there once."""
    if sample_weight is None:
        return None
    if is_number(sample_weight):
        sample_weight = np.full(rows, float(sample_weight))
    weights: np.ndarray[Any, Any] = check_array(
        sample_weight, dtype=np.float64, ensure_2d=False, input_name="sample_weight"
    )
    if weights.shape != (rows,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected ({rows},): one number for each row")
    if bad := int(((weights < 0) | (weights != np.floor(weights))).sum()):
        raise ValueError(REPETITIONS.format(rows=number_of_rows(bad)))
    if not weights.any():
        raise ValueError("sample_weight is zero in all rows, so none is left")
    return weights
