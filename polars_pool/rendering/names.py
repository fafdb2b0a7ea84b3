"""parts/rendered/names.sql: the names that options take."""

from __future__ import annotations

from typing import get_args

from ..formulas import names

COMMENT = """\
-- The names that options take.
"""
OPTIONS = {
    "nan": names.NaN,
    "uncertainty": names.Uncertainty,
    "interval": names.Interval,
    "interval_of_estimates": names.OfEstimates,
    "interval_of_posterior": names.OfPosterior,
    "predict": names.Predict,
    "test": names.Test,
    "limits": names.Limits,
    "method": names.Likelihood,
    "prior": names.OfRates,
}


def text() -> str:
    """One macro per option: a list of its names."""
    lists = ((option, list(get_args(allowed))) for option, allowed in OPTIONS.items())
    return COMMENT + "\n".join(
        f"CREATE OR REPLACE MACRO _pool_names_of_{option}() AS {names};" for option, names in lists
    )
