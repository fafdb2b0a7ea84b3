"""sigma2, tau2 and mu: each a known number, the name of an estimator, or a prior."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ..formulas import messages
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
    if isinstance(argument, str) and argument in methods:
        return argument
    numbers = f"a number of {least:g} or more" if least == 0 else "a number"
    if isinstance(argument, str):
        return prior_of_text(argument, role, priors) or one_of(argument, methods, role, numbers)
    if is_prior(argument, role, priors):
        return argument
    words = {"role": role, "number": numbers, "names": listed(methods), "nearest": ""}
    if not is_number(argument):
        raise TypeError(messages.NUMBER_OR_ONE_OF.format(argument=shown(argument), **words))
    number = float(argument)
    if not (math.isfinite(number) and number >= least):
        raise ValueError(messages.NUMBER_OR_ONE_OF.format(argument=repr(argument), **words))
    return number


def _consistent(h: Hyperparameters) -> Hyperparameters:
    """Hyperparameters that go together; with a prior, mu is integrated out where it is not known."""
    if isinstance(h.mu, Flat) and not isinstance(h.tau2, Prior):
        h = replace(h, mu="gls")
    if not h.priors:
        return h
    for role in ("sigma2", "mu"):
        if isinstance(h.tau2, str) and role in h.priors:
            words = {"role": role, "argument": f"'{h.priors[role]}'", "tau2": repr(h.tau2)}
            raise ValueError(messages.PRIOR_BESIDE_ESTIMATE.format(**words))
    if not isinstance(h.mu, str):
        return h
    if h.mu != "gls":
        raise ValueError(messages.MU_BESIDE_PRIOR.format(argument=repr(h.mu)))
    return replace(h, mu=Flat())


def refuse_priors(h: Hyperparameters, verb: str) -> None:
    """Refuse priors for a verb that needs estimates."""
    for role, prior in h.priors.items():
        raise ValueError(messages.PRIOR_REFUSED.format(role=role, argument=f"'{prior}'", verb=verb))


def require_prior(h: Hyperparameters, tau2: Any) -> None:
    """Refuse draws without a prior: there is no posterior."""
    if not h.priors:
        raise ValueError(
            f"tau2={tau2!r} has no posterior to draw from: give a prior such as 'half_cauchy(5)', or a number with a "
            "prior of mu or sigma2"
        )


def prior_of_profile(tau2: Any) -> Prior | None:
    """The prior whose posterior density a profile includes; None for none."""
    if tau2 is None or is_prior(tau2, "tau2", OF_TAU):
        return tau2  # type: ignore[no-any-return]
    prior: Prior | None = prior_of_text(tau2, "tau2", OF_TAU) if isinstance(tau2, str) else None
    if prior is None:
        raise ValueError(messages.PROFILE_TAU2.format(argument=shown(tau2)))
    return prior


def refuse_mean_of_profile(mu: Any) -> None:
    """Refuse estimators of mu along a profile other than the most likely mu."""
    if isinstance(mu, str) and mu != "gls":
        raise ValueError(messages.PROFILE_MU.format(argument=repr(mu)))
