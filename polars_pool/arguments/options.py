"""Options one by one: names out of a list, levels, thresholds, counts, flags."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..formulas import messages
from .sentences import is_number, listed, nearest, shown


def one_of(argument: Any, allowed: Iterable[str], role: str, also: str = "") -> str:
    """A name out of a list."""
    allowed = list(allowed)
    if isinstance(argument, str) and argument in allowed:
        return argument
    error = ValueError if isinstance(argument, str) else TypeError
    words = {"role": role, "argument": shown(argument), "names": listed(allowed), "nearest": nearest(argument, allowed)}
    if also:
        raise error(messages.NUMBER_OR_ONE_OF.format(number=also, **words))
    raise error(messages.ONE_OF.format(**words))


def level(argument: Any) -> float:
    """The probability of an interval."""
    if not is_number(argument):
        raise TypeError(messages.LEVEL.format(argument=shown(argument), nearest=""))
    if not 0 < float(argument) < 1:
        hint = f"; did you mean {float(argument) / 100:g}?" if 1 < float(argument) < 100 else ""
        raise ValueError(messages.LEVEL.format(argument=repr(argument), nearest=hint))
    return float(argument)


def threshold(argument: Any) -> float | None:
    """The value that a probability of more is computed for, in units of the value; None for none."""
    if argument is None:
        return None
    if not is_number(argument):
        raise TypeError(messages.THRESHOLD.format(argument=shown(argument), number="a number"))
    if not math.isfinite(float(argument)):
        raise ValueError(messages.THRESHOLD.format(argument=repr(argument), number="a finite number"))
    return float(argument)


def draws(argument: Any) -> int:
    """The number of draws."""
    return _whole(argument, "draws", least=1)


def seed(argument: Any) -> int | None:
    """The seed of the draws; None for other draws each time."""
    return None if argument is None else _whole(argument, "seed", least=0)


def _whole(argument: Any, role: str, least: int) -> int:
    what = f"a whole number of {least} or more"
    if not is_number(argument) or not hasattr(argument, "__index__"):
        raise TypeError(f"{role}={shown(argument)}; give {what}")
    if int(argument) < least:
        raise ValueError(f"{role}={argument!r}; give {what}")
    return int(argument)


def taus(argument: Any) -> tuple[float, ...]:
    """A grid of tau."""
    if isinstance(argument, str) or not isinstance(argument, Iterable):
        raise TypeError(messages.TAUS.format(tau=f"tau={shown(argument)}"))
    grid = list(argument)
    no_numbers = [x for x in grid if not is_number(x)]
    if no_numbers:
        raise TypeError(messages.TAUS.format(tau=f"tau holds {shown(no_numbers[0])}"))
    if not grid:
        raise ValueError(messages.TAUS.format(tau=f"tau={shown(argument)} is empty"))
    outside = [x for x in grid if not 0 <= float(x) < math.inf]
    if outside:
        raise ValueError(messages.TAUS.format(tau=f"tau holds {outside[0]!r}"))
    return tuple(float(x) for x in grid)


def flag(argument: Any, role: str) -> bool:
    """True or False, and nothing that merely counts as one of them."""
    if not isinstance(argument, bool):
        raise TypeError(f"{role}={shown(argument)}; give True or False")
    return argument
