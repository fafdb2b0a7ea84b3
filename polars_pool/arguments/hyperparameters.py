"""sigma2, tau2 and mu: each a known number, the name of an estimator, or a prior."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ..formulas.estimators import TAU2
from ..formulas.priors import OF_MU, OF_SIGMA, OF_TAU, Flat, Prior
from ..formulas.registry import MU, SIGMA2, Method
from ..models.hyperparameters import Hyperparameters
from .call import Call
from .options import one_of
from .priors import is_prior, prior_of_text
from .sentences import is_number, listed, shown

ROLES: dict[str, tuple[dict[str, Method], dict[str, Any], float]] = {
    "sigma2": (SIGMA2, OF_SIGMA, 0.0),
    "tau2": (TAU2, OF_TAU, 0.0),
    "mu": (MU, OF_MU, -math.inf),
}
"""The estimators, the priors and the least value of each hyperparameter."""


def hyperparameters(call: Call) -> Hyperparameters:
    """The hyperparameters of a call; those that the verb does not have stay at their defaults."""
    return _consistent(Hyperparameters(**{role: _one(call[role], role) for role in ROLES if role in call}))


def _one(argument: Any, role: str) -> Any:
    """One hyperparameter: a float, the name of an estimator, or a prior."""
    methods, priors, least = ROLES[role]
    numbers = f"a number of {least:g} or more" if least == 0 else "a number"
    if isinstance(argument, str):
        return prior_of_text(argument, role, priors) or one_of(argument, methods, role, numbers)
    if is_prior(argument, role, priors):
        return argument
    if not is_number(argument):
        raise TypeError(f"{role}={shown(argument)}; give {numbers}, or one of {listed(methods)}")
    number = float(argument)
    if not (math.isfinite(number) and number >= least):
        raise ValueError(f"{role}={argument!r}; give {numbers}, or one of {listed(methods)}")
    return number


def _consistent(h: Hyperparameters) -> Hyperparameters:
    """Hyperparameters that go together; with a prior, mu is integrated out where it is not known."""
    if isinstance(h.mu, Flat) and not isinstance(h.tau2, Prior):
        h = replace(h, mu="gls")
    if not h.priors:
        return h
    for role in ("sigma2", "mu"):
        if isinstance(h.tau2, str) and role in h.priors:
            raise ValueError(
                f"{role}='{h.priors[role]}' does not go with tau2={h.tau2!r}, an estimate: give tau2 as a number or a "
                "prior such as 'half_cauchy(5)'"
            )
    if not isinstance(h.mu, str):
        return h
    if h.mu != "gls":
        raise ValueError(
            f"mu={h.mu!r} does not go with a prior of tau2, where mu is integrated out: give 'gls', a number, or a "
            "prior such as 'normal(0, 5)'"
        )
    return replace(h, mu=Flat())


def refuse_priors(h: Hyperparameters, verb: str) -> None:
    """Refuse priors for a verb that needs estimates."""
    for role, prior in h.priors.items():
        raise ValueError(f"{role}='{prior}' does not go with {verb}: give a number or the name of an estimator")


def require_prior(h: Hyperparameters, tau2: Any) -> None:
    """Refuse draws without a prior: there is no posterior."""
    if not h.priors:
        raise ValueError(
            f"tau2={tau2!r} has no posterior to draw from: give a prior such as 'half_cauchy(5)', or a number beside a "
            "prior of mu or sigma2"
        )


def prior_of_profile(tau2: Any) -> Prior | None:
    """The prior whose posterior density a profile includes; None for none."""
    if tau2 is None or is_prior(tau2, "tau2", OF_TAU):
        return tau2  # type: ignore[no-any-return]
    prior: Prior | None = prior_of_text(tau2, "tau2", OF_TAU) if isinstance(tau2, str) else None
    if prior is None:
        raise ValueError(
            f"tau2={shown(tau2)} does not fit a profile: give a prior such as 'half_cauchy(5)', or nothing"
        )
    return prior


def refuse_mean_of_profile(mu: Any) -> None:
    """Refuse estimators of mu along a profile other than the most likely mu."""
    if isinstance(mu, str) and mu != "gls":
        raise ValueError(f"mu={mu!r} does not fit a profile, where mu is the most likely: give 'gls' or a number")
