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

UNSETTLED_PRIOR = (
    "the prior of a model of rates did not settle, and the best one found is used: components() shows of which model, "
    "in converged"
)

POOLED_RATES = (
    "the data of a model of rates do not show that its groups differ by more than chance, so they are pooled "
    "completely: estimate is the common rate of the model, and lower and upper are its interval, a single point with "
    "uncertainty='conditional'; they do not include differences too small to show"
)

TOO_FEW = (
    "a model has too few groups for this estimator of tau2 (js and morris need 4, 3 about a known mu; chung 2), and no "
    "estimates: take another, or a known tau2="
)

IMPROPER = (
    "a model has no posterior, as it would be improper: it has too few groups for a prior of tau2 without a finite "
    "total, or groups without sampling variance that agree; give a proper prior, or tau2 as a number"
)

COLLINEAR = (
    "a model has no estimates, as a covariate is the same in all of its rows or a combination of others: leave it out, "
    "or leave that model out"
)

UNTOLD = (
    "a model has no variances, as its rows do not tell them apart: its groups are fitted exactly, each by terms of its "
    "own, or the fixed terms take up all that differs between the groups; let fewer terms vary"
)


class ConvergenceWarning(UserWarning):
    """Some models have no estimate, or one that did not settle: `components` shows which, in `converged`."""


def alarm(published: bool, groups: pl.Expr, sigma2: pl.Expr, tau2: pl.Expr, converged: pl.Expr) -> pl.Expr:
    """The message a model gives cause for, null for most."""
    failed = ~converged & (groups > 0)
    unidentified = failed & sigma2.is_null() & (not published)
    messages = pl.Enum([UNIDENTIFIED, TOO_FEW, UNSETTLED])
    unsettled = pl.when(failed & tau2.is_null()).then(pl.lit(TOO_FEW, messages)).otherwise(pl.lit(UNSETTLED, messages))
    return pl.when(unidentified).then(pl.lit(UNIDENTIFIED, messages)).when(failed).then(unsettled)


def alarm_of_posterior(published: bool, groups: pl.Expr, sigma2: pl.Expr, tau: pl.Expr, converged: pl.Expr) -> pl.Expr:
    """The same of a model by priors; `tau` is its posterior median."""
    failed = ~converged & (groups > 0)
    messages = pl.Enum([IMPROPER, UNIDENTIFIED, UNSETTLED])
    none = (
        pl.when(failed & tau.is_null()).then(pl.lit(IMPROPER, messages)).when(failed).then(pl.lit(UNSETTLED, messages))
    )
    return pl.when(failed & sigma2.is_null() & (not published)).then(pl.lit(UNIDENTIFIED, messages)).otherwise(none)


def warn(alarms: pl.Series) -> None:
    """Warn once of each message, at the line that called this package."""
    if alarms.null_count() == alarms.len():
        return
    for message in alarms.drop_nulls().unique().sort():
        warnings.warn(message, ConvergenceWarning, stacklevel=_depth_of_caller())


def _depth_of_caller() -> int:
    package = str(Path(__file__).parent)
    depth = 1
    while sys._getframe(depth).f_code.co_filename.startswith(package):
        depth += 1
    return depth
