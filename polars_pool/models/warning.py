"""Warnings about estimates that the data do not determine, raised by the functions that fit models.

These functions run once per query, eager or lazy, in any thread of Polars. A request therefore stores the line of code
that called this package, and its warnings point to this line.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any

PACKAGE = __name__.partition(".")[0]

SINGLE_ROWS = (
    "no group has two rows, so the data do not separate the variance within groups from the variance between groups: "
    "give a known sigma2=, or standard errors with se="
)
UNIDENTIFIED = f"{SINGLE_ROWS}; with unequal weights= of three groups or more, tau2='reml' and 'ml' can separate them"
UNSETTLED = (
    "the search for tau2 did not settle, and its best value is used: components() shows which model it is, in converged"
)
UNSETTLED_PRIOR = (
    "the search for the prior of a model of rates did not settle, and its best value is used: components() shows which "
    "model it is, in converged"
)
POOLED_RATES = (
    "the data of a model of rates do not show that its groups differ by more than chance, so they are pooled "
    "completely: estimate is the common rate of the model, and lower and upper are its interval, a single point with "
    "uncertainty='conditional'; they do not include differences too small to show"
)
TOO_FEW = (
    "a model has too few groups for this estimator of tau2 (js and morris need 4, or 3 about a known mu; chung needs "
    "2), and has no estimates: give another estimator, or a known tau2="
)
OUT_OF_RANGE = (
    "a model has no estimates, as the squares of the differences of its values, or the inverse squares of its standard "
    "errors, are beyond Float64: its values differ by less than 1e-150 (with se=, 1e-72) or more than 1e150; take "
    "another unit"
)
IMPROPER = (
    "a model has no posterior, as it would be improper: it has too few groups for an improper prior of tau2, or groups "
    "without sampling variance whose means agree; give a proper prior, or tau2 as a number"
)
IMPROPER_RATES = (
    "a model of rates has no posterior, as it would be improper: with exposure= it has no events, or with "
    "prior=UniformSpread() each of its groups has only events or none; give a proper prior, Hyper(mean=...) or "
    "UniformShrinkage()"
)
COLLINEAR = (
    "a model has no estimates, as a covariate is the same in all of its rows or a combination of others, or so nearly "
    "that at most 3 digits would be left: leave out this covariate, or this model"
)
UNIDENTIFIED_VARIANCES = (
    "a model has no variances, as its rows do not identify them: its groups are fitted exactly, each by terms of its "
    "own, or the fixed terms explain all differences between the groups; let fewer terms vary"
)
FLAT = (
    "a model has no variances, as its likelihood is flat along a line: its rows do not separate the variances of "
    "{terms} from each other or from the fixed terms; let fewer terms vary, or add groups"
)
ONLY_CHILD = (
    "a model does not separate the variance of {level!r} from that of the level above it, as each outer group has only "
    "one group of this level: both variances are null, and the estimates are those of the model without this level"
)
FEW_GROUPS = (
    "a model has no more groups than coefficients, those of toward= and the intercept, so that its tau2 is unknown and "
    "each group keeps its own mean: give fewer predictors, or a known tau2="
)
FEWER_GROUPS = (
    "a model has fewer groups than coefficients, those of toward= and the intercept, so that these are unknown and "
    "each group keeps its own mean: give fewer predictors"
)
LOST = (
    "a model has a covariate, {covariate!r}, that those before it nearly determine: its estimates keep about {digits} "
    "digits; leave one of these out, or replace it with its difference from the others"
)
UNSEEN_LEVELS = (
    "fitted and population are null in {rows} to predict, which have a level that the regression does not have, "
    "such as {values}"
)
WITHOUT_ITSELF = (
    "folds='loo' encodes each row from the other rows of its group: in a large group, the code is lower if the row's "
    "own value is higher, and trees can learn this. The median group has more than 20 rows: give a number of folds, "
    "such as folds=5"
)
BOOLEAN = (
    "value={name!r} is Boolean, and pooled as the numbers 0 and 1 by a normal model, whose limits can lie below 0 and "
    "above 1: {remedy}"
)
ALONE = (
    "Polars calls the expression for each group of group_by().agg() or .over(), and each of these holds one group of "
    "by=, so nothing is pooled: use the expression without them, encode() of the frame, or over= for separate models"
)


class ConvergenceWarning(UserWarning):
    """Some models have no estimates, or their estimation did not converge: see `converged` of `components`."""


# ---- raising warnings -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caller:
    """The line of code that called this package; `messages` are the earlier warnings of one run of an expression."""

    filename: str
    line: int
    module: str
    messages: set[str] | None = None


_CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)
_LOCK = threading.Lock()


def caller() -> Caller:
    """The line that called this package, by itself or through Polars (`frame.pipe(shrink, ...)`)."""
    if (known := _CALLER.get()) is not None:
        return known
    frame = sys._getframe(1)
    while frame.f_back is not None and _module(frame).partition(".")[0] in (PACKAGE, "polars"):
        frame = frame.f_back
    return Caller(frame.f_code.co_filename, frame.f_lineno, _module(frame))


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


@contextmanager
def called_from(line: Caller) -> Iterator[None]:
    """Requests inside have this caller: an expression is built on one line, and runs elsewhere."""
    token = _CALLER.set(line)
    try:
        yield
    finally:
        _CALLER.reset(token)


def warn(messages: Iterable[str] | Mapping[str, Any], at: Caller, category: type[Warning] = ConvergenceWarning) -> None:
    """Warn once of each message, or of each message that some model gives cause for."""
    if isinstance(messages, Mapping):
        messages = [message for message, models in messages.items() if models.any()]
    # As with warnings.warn, the registry of the module lists its warnings: Python shows each once per line by default.
    registry = vars(sys.modules.get(at.module, sys.modules[__name__])).setdefault("__warningregistry__", {})
    for message in _first(messages, at):
        warnings.warn_explicit(message, category, at.filename, at.line, at.module, registry)


def _first(messages: Iterable[str], at: Caller) -> list[str]:
    """The messages that are new in this query."""
    if at.messages is None:
        return sorted(set(messages))
    with _LOCK:
        new = set(messages) - at.messages
        at.messages.update(new)
    return sorted(new)


def warn_of_boolean(name: str, rates: str) -> None:
    """Warn that a Boolean value is pooled as numbers; `rates` pools it as rates."""
    remedy = f"give {rates} for rates, or family='normal' to pool it as numbers without this warning"
    warn([BOOLEAN.format(name=name, remedy=remedy)], caller(), UserWarning)


def flat(terms: list[str]) -> str:
    """The message about varying terms whose variances and correlations a model does not identify."""
    return FLAT.format(terms=" and ".join(repr(term) for term in terms))


def only_child(level: str) -> str:
    """The message about a level that has only one group in each outer group."""
    return ONLY_CHILD.format(level=level)


def unseen_levels(rows: str, values: Mapping[str, str | None]) -> str:
    """The message about rows to predict whose factors have unseen levels; `values` holds one for each factor."""
    unseen = (f"{value!r} of {name!r}" for name, value in values.items() if value is not None)
    return UNSEEN_LEVELS.format(rows=rows, values=", ".join(unseen))


def lost(covariate: str, digits: int) -> str:
    """The message about a covariate that is nearly a combination of others."""
    return LOST.format(covariate=covariate, digits=digits)
