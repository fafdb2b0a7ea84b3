"""Tables of coefficients, one row per model and term: statistic, interval and test of each coefficient."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..engines.numpy import Array
from ..formulas import inference, shrink
from ..numerics import special

STATISTICS = ("term", "estimate", "se", "statistic", "df", "lower", "upper", "p")
PAIRS = ("term", "other_term", "covariance")


def coefficients_schema() -> dict[str, pl.DataType]:
    """The columns of a table of coefficients after the keys of the models."""
    return {name: pl.String() if name == "term" else pl.Float64() for name in STATISTICS}


def covariances_schema() -> dict[str, pl.DataType]:
    """The columns of a table of covariances, one row per pair of terms, after the keys of the models."""
    return {name: pl.Float64() if name == "covariance" else pl.String() for name in PAIRS}


def inferred(estimate: Array, se: Array, df: Array | None, level: float) -> dict[str, Array]:
    """The statistics of coefficients, NaN where they are unknown; `df` is None for the normal distribution.

    A coefficient without error has an interval of one point, and differs from 0 with certainty or not at all.
    """
    with np.errstate(all="ignore"):
        statistic = np.asarray(inference.statistic(estimate, se))
        half = (1 + level) / 2
        quantile = special.ndtri(half) if df is None else special.stdtrit(df, half)
        tail = special.ndtr(-np.abs(statistic)) if df is None else special.stdtr(df, -np.abs(statistic))
        reach = np.where(se == 0, 0.0, quantile)
        return {
            "estimate": estimate,
            "se": se,
            "statistic": statistic,
            "df": np.full_like(se, np.nan) if df is None else df,
            "lower": shrink.lower(estimate, se, reach),
            "upper": shrink.upper(estimate, se, reach),
            "p": np.where(np.isinf(statistic), 0.0, 2 * tail),
        }
