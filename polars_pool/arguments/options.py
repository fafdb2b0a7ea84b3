"""Options: names out of a list, levels, thresholds, counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, get_args

from ..formulas.errors import ERRORS
from ..formulas.estimators import TAU2
from ..formulas.names import (
    Interval,
    Limits,
    OfEstimates,
    OfPosterior,
    Predict,
    Test,
    Uncertainty,
)
from ..models.oneway import inference
from ..models.oneway.spec import Model
from ..models.rates.spec import Rates
from .sentences import is_number, listed, nearest, shown


def one_of(given: Any, allowed: Iterable[str], role: str, also: str = "") -> str:
    """A name out of a list."""
    allowed = list(allowed)
    if isinstance(given, str) and given in allowed:
        return given
    choice = f"{also}, or one of {listed(allowed)}" if also else f"one of {listed(allowed)}"
    error = ValueError if isinstance(given, str) else TypeError
    raise error(f"{role}={shown(given)}; give {choice}{nearest(given, allowed)}")


def level(given: Any) -> float:
    """The probability of an interval."""
    if not is_number(given):
        raise TypeError(f"level={shown(given)}; give a number between 0 and 1, such as 0.95")
    if not 0 < float(given) < 1:
        hint = f"; did you mean {float(given) / 100:g}?" if 1 < float(given) < 100 else ""
        raise ValueError(f"level={given!r}; give a number between 0 and 1, such as 0.95{hint}")
    return float(given)


def question(m: Model, given: Any, test: Any, limits: Any) -> inference.Question:
    """The level, the test of mu, and the limits of tau2, which its estimator must have."""
    one_of(test, get_args(Test), "test")
    if limits is not None:
        one_of(limits, get_args(Limits), "limits")
    if m.priors and test != "z":
        raise ValueError(f"test={test!r} does not go with a prior: mu has a posterior")
    if m.priors and limits is not None:
        raise ValueError(f"limits={limits!r} does not go with a prior: tau2 has a posterior")
    if limits == "profile" and isinstance(m.tau2, str) and m.tau2 not in inference.LIKELIHOODS:
        fit = listed(inference.LIKELIHOODS)
        raise ValueError(f"limits='profile' does not fit tau2={m.tau2!r}: give limits='q', or tau2 as one of {fit}")
    return inference.Question(level(given), test, limits)


def draws(given: Any) -> int:
    """How many draws."""
    return _whole(given, "draws", least=1)


def seed(given: Any) -> int | None:
    """Where the draws start from."""
    return None if given is None else _whole(given, "seed", least=0)


def _whole(given: Any, role: str, least: int) -> int:
    what = f"a whole number of {least} or more"
    if not is_number(given) or not hasattr(given, "__index__"):
        raise TypeError(f"{role}={shown(given)}; give {what}")
    if int(given) < least:
        raise ValueError(f"{role}={given!r}; give {what}")
    return int(given)


def taus(given: Any) -> tuple[float, ...]:
    """A grid of tau."""
    what = "a list of numbers, each 0 or more, such as [0, 1, 2]"
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"tau={shown(given)}; give {what}")
    grid = list(given)
    wrong = [x for x in grid if not is_number(x)]
    if wrong:
        raise TypeError(f"tau holds {shown(wrong[0])}; give {what}")
    bad = [x for x in grid if not 0 <= float(x) < math.inf]
    if bad or not grid:
        raise ValueError(f"tau holds {bad[0]!r}; give {what}" if bad else f"tau={shown(given)} is empty; give {what}")
    return tuple(float(x) for x in grid)


def uncertainty(given: Any, m: Model) -> str:
    """Which errors the standard error of an estimate holds."""
    one_of(given, get_args(Uncertainty), "uncertainty")
    if m.priors and given != "mu":
        raise ValueError(
            f"uncertainty={given!r} does not go with a prior: the posterior holds the errors of mu and tau2"
        )
    if given == "tau2" and isinstance(m.tau2, str) and m.tau2 not in ERRORS:
        fit = listed(name for name in TAU2 if name in ERRORS)
        raise ValueError(
            f"uncertainty='tau2' does not fit tau2={m.tau2!r}, which has no standard error: give a number, or one of "
            f"{fit}"
        )
    return str(given)


def threshold(given: Any) -> float | None:
    """What the true mean is to exceed, in units of the value; None where nothing is asked."""
    if given is None:
        return None
    if not is_number(given):
        raise TypeError(f"threshold={shown(given)}; give a number, in units of the value")
    if not math.isfinite(float(given)):
        raise ValueError(f"threshold={given!r}; give a finite number, in units of the value")
    return float(given)


def predict(given: Any, m: Model) -> str:
    """Of what the error is."""
    one_of(given, get_args(Predict), "predict")
    if given == "row" and m.input == "published":
        raise ValueError(
            "predict='row' does not go with se=: published estimates do not tell the variance of a row; "
            "give 'mean' or 'replicate'"
        )
    return str(given)


def interval(given: Any, predicted: Any, m: Model) -> str:
    """Which interval: by default normal for estimates, central for a posterior; the robust one is of the true mean."""
    if given is None:
        return "central" if m.priors else "normal"
    one_of(given, get_args(Interval), "interval")
    if m.priors and given in get_args(OfEstimates):
        raise ValueError(f"interval={given!r} does not go with a prior: give 'central' or 'shortest'")
    if not m.priors and given in get_args(OfPosterior):
        raise ValueError(f"interval={given!r} is of a posterior: give a prior of tau2 or mu, or 'normal' or 'robust'")
    if given == "robust" and predicted != "mean":
        raise ValueError(
            f"interval='robust' does not go with predict={predicted!r}: it covers the true means; give predict='mean'"
        )
    return str(given)


def interval_of_components(given: Any, m: Model) -> str:
    """Which interval of a posterior; those of estimates follow from `test` and `limits`."""
    if given is None:
        return "central"
    one_of(given, get_args(OfPosterior), "interval")
    if not m.priors:
        raise ValueError(f"interval={given!r} is of a posterior: give a prior of tau2 or mu, or 'test' and 'limits'")
    return str(given)


def flag(given: Any, role: str) -> bool:
    if not isinstance(given, bool):
        raise TypeError(f"{role}={shown(given)}; give True or False")
    return given


def uncertainty_of_rates(given: Any, m: Rates) -> str:
    """Which errors the standard error of a rate includes."""
    if one_of(given, get_args(Uncertainty), "uncertainty") == "tau2":
        raise ValueError(
            f"uncertainty='tau2' does not go with {m.role}=: rates have an overdispersion and no tau2; give 'mu' or "
            "'conditional'"
        )
    return str(given)


def no_posterior(given: Any) -> None:
    """That the parameters of a posterior are asked of rates alone."""
    if flag(given, "posterior"):
        raise ValueError("posterior=True is of rates: give trials=, exposure= or family='binomial' too")
