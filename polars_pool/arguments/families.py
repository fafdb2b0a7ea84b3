"""Whether means or rates are pooled."""

from __future__ import annotations

from typing import Any, get_args

from ..formulas.names import (
    Family,
)
from .options import one_of
from .sentences import shown

BINOMIAL = "family='binomial'"


def asks_for_rates(trials: Any, exposure: Any, family: Any, prior: Any, others: dict[str, tuple[Any, Any]]) -> bool:
    """Whether events are counted out of something; what else is asked must then be left at its default."""
    given = {"trials": trials, "exposure": exposure, "family": family}
    chosen = [role for role, value in given.items() if value is not None]
    if chosen == ["family"] and one_of(family, get_args(Family), "family") == "normal":
        chosen = []
    if not chosen:
        if not is_default(prior, "ml"):
            raise ValueError(f"prior={shown(prior)} is of rates: give trials=, exposure= or family='binomial' too")
        return False
    for role, (value, default) in others.items():
        if not is_default(value, default):
            raise ValueError(
                f"{role}={shown(value)} does not go with {chosen[0]}=: a rate carries its variance in its counts"
            )
    return True


def is_default(given: Any, default: str | float | None) -> bool:
    """Whether an argument is left at its default; a column or an array is not, and has no single truth value."""
    return given is default or (isinstance(given, str | int | float) and given == default)


def no_rates(family: Any, verb: str) -> str | None:
    """What pools a Boolean value as rates where a verb does not; None where the family is normal."""
    instead = "the expression pl.col(...).pool.shrink(by=..., family='binomial')"
    if family is None:
        return instead
    if one_of(family, get_args(Family), "family") != "normal":
        raise ValueError(f"family={family!r} does not fit {verb}, which pools means: {instead} puts rates beside rows")
    return None
