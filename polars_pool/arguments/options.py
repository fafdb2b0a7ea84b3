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


def top(argument: Any) -> int | float | None:
    """How many groups are the first ones: a number, or a share of the groups of a model; None for none."""
    if argument is None:
        return None
    what = "a whole number of 1 or more, or a share between 0 and 1"
    if not is_number(argument):
        raise TypeError(f"top={shown(argument)}; give {what}")
    if hasattr(argument, "__index__") and int(argument) >= 1:
        return int(argument)
    if not 0 < float(argument) < 1:
        raise ValueError(f"top={argument!r}; give {what}")
    return float(argument)


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
    return _grid(argument, "tau", math.inf, messages.TAUS)


def rhos(argument: Any, below: float) -> tuple[float, ...]:
    """A grid of rho, of rates with trials below 1."""
    end = "" if below == math.inf else f" and less than {below:g}"
    return _grid(argument, "rho", below, f"{{rho}}; give a list of numbers, each 0 or more{end}, such as [0, 0.1, 0.2]")


def _grid(argument: Any, role: str, below: float, sentence: str) -> tuple[float, ...]:
    """A list of numbers, each 0 or more."""
    if isinstance(argument, str) or not isinstance(argument, Iterable):
        raise TypeError(sentence.format(**{role: f"{role}={shown(argument)}"}))
    grid = list(argument)
    no_numbers = [x for x in grid if not is_number(x)]
    if no_numbers:
        raise TypeError(sentence.format(**{role: f"{role} holds {shown(no_numbers[0])}"}))
    if not grid:
        raise ValueError(sentence.format(**{role: f"{role}={shown(argument)} is empty"}))
    outside = [x for x in grid if not 0 <= float(x) < below]
    if outside:
        raise ValueError(sentence.format(**{role: f"{role} holds {outside[0]!r}"}))
    return tuple(float(x) for x in grid)


def flag(argument: Any, role: str) -> bool:
    """True or False, and nothing that merely counts as one of them."""
    if not isinstance(argument, bool):
        raise TypeError(f"{role}={shown(argument)}; give True or False")
    return argument
