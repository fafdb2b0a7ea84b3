"""What an eager call says of estimates that the data do not determine."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import polars as pl

UNIDENTIFIED = (
    "no group has two rows, so the variance within groups cannot be told from the one between: give a known sigma2=, "
    "or standard errors with se="
)
UNSETTLED = "tau2 did not settle, and the best value found is used: components() shows of which model, in converged"


class ConvergenceWarning(UserWarning):
    """Some models have no estimate, or one that did not settle: `components` shows which, in `converged`."""


def alarm(published: bool, groups: pl.Expr, sigma2: pl.Expr, converged: pl.Expr) -> pl.Expr:
    """The message a model gives cause for, null for most."""
    failed = ~converged & (groups > 0)
    unidentified = failed & sigma2.is_null() & (not published)
    messages = pl.Enum([UNIDENTIFIED, UNSETTLED])
    return pl.when(unidentified).then(pl.lit(UNIDENTIFIED, messages)).when(failed).then(pl.lit(UNSETTLED, messages))


def warn(alarms: pl.Series) -> None:
    """Warn once of each message, at the line that called this package."""
    for message in alarms.drop_nulls().unique().sort():
        warnings.warn(message, ConvergenceWarning, stacklevel=_depth_of_caller())


def _depth_of_caller() -> int:
    package = str(Path(__file__).parent)
    depth = 1
    while sys._getframe(depth).f_code.co_filename.startswith(package):
        depth += 1
    return depth
