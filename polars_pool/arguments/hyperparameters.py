"""sigma2, tau2 and mu: a known number, the name of an estimator, or a prior."""

from __future__ import annotations

import math
from typing import Any

from ..formulas.estimators import TAU2
from ..formulas.priors import (
    EXAMPLES,
    OF_MU,
    OF_SIGMA,
    OF_TAU,
    Beta,
    Flat,
    Gamma,
    Normal,
    Prior,
    called,
    parsed,
    signature,
)
from ..formulas.registry import MU, SIGMA2, Method
from ..models.oneway.spec import Model, Priors
from .options import one_of
from .sentences import is_number, listed, nearest, shown


def hyperparameters(sigma2: Any, tau2: Any, mu: Any) -> dict[str, Any]:
    """The three hyperparameters, each a known number, the name of its estimator, or a prior."""
    return {
        "sigma2": hyperparameter(sigma2, SIGMA2, "sigma2", OF_SIGMA, least=0.0),
        "tau2": hyperparameter(tau2, TAU2, "tau2", OF_TAU, least=0.0),
        "mu": hyperparameter(mu, MU, "mu", OF_MU, least=-math.inf),
    }


def hyperparameter(
    given: Any, methods: dict[str, Method], role: str, priors: dict[str, Any], least: float
) -> str | float | Prior | Normal | Flat:
    what = f"a number of {least:g} or more" if least == 0 else "a number"
    if isinstance(given, str):
        return prior_of_text(given, role, priors) or one_of(given, methods, role, what)
    if is_prior(given, role, priors):
        return given  # type: ignore[no-any-return]
    if not is_number(given):
        raise TypeError(f"{role}={shown(given)}; give {what}, or one of {listed(methods)}")
    number = float(given)
    if not (math.isfinite(number) and number >= least):
        raise ValueError(f"{role}={given!r}; give {what}, or one of {listed(methods)}")
    return number


def is_prior(given: Any, role: str, allowed: dict[str, Any]) -> bool:
    """Whether a prior is given, which must be one of those allowed, and no class of them."""
    kind = given if isinstance(given, type) else type(given)
    if not issubclass(kind, Prior | Normal | Flat | Beta | Gamma):
        return False
    forms = ", ".join(signature(prior) for prior in allowed.values())
    if kind not in allowed.values():
        of = "these rates" if role == "prior" else role
        raise TypeError(f"{role}={shown(given)} is no prior of {of}; give one of {forms}")
    if kind is given:
        example = next(EXAMPLES[prior] for prior in allowed.values() if prior in EXAMPLES)
        raise TypeError(
            f"{role}={shown(given)} is a class of priors; call it with numbers, such as {role}={example}; give one of "
            f"{forms}"
        )
    return True


def prior_of_text(given: str, role: str, priors: dict[str, Any]) -> Any:
    """The prior that a text stands for; None for the name of an estimator, or one that is misspelt."""
    try:
        prior = parsed(given, priors)
    except ValueError as wrong:
        raise ValueError(f"{role}={given!r}: {str(wrong).partition(': ')[2]}") from None
    if prior is None and "(" in given:
        name = given.partition("(")[0].strip()
        forms = ", ".join(called(form) for form in priors.values())
        raise ValueError(f"{role}={given!r} is no prior; give one of {forms}{nearest(name, priors)}")
    return prior


def integrated(sigma2: Any, tau2: Any, mu: Any) -> dict[str, Any]:
    """The hyperparameters of a model: what is estimated, and apart from it what is integrated out."""
    if isinstance(mu, Flat) and not isinstance(tau2, Prior):
        mu = "gls"
    if not any(isinstance(given, Prior | Normal) for given in (sigma2, tau2, mu)):
        return {"sigma2": sigma2, "tau2": tau2, "mu": mu}
    for role, given in (("sigma2", sigma2), ("mu", mu)):
        if isinstance(tau2, str) and isinstance(given, Prior | Normal):
            raise ValueError(
                f"{role}='{given}' does not go with tau2={tau2!r}, an estimate: give tau2 as a number or a prior such "
                "as 'half_cauchy(5)'"
            )
    if isinstance(mu, str) and mu != "gls":
        raise ValueError(
            f"mu={mu!r} does not go with a prior of tau2, where mu is integrated out: give 'gls', a number, or a prior "
            "such as 'normal(0, 5)'"
        )
    return {
        "sigma2": "pooled" if isinstance(sigma2, Prior) else sigma2,
        "tau2": tau2 if isinstance(tau2, float) else "reml",
        "mu": mu if isinstance(mu, float) else "gls",
        "priors": Priors(sigma2, tau2, mu),
    }


def no_prior(m: Model, verb: str) -> None:
    """Refuse priors for a verb that needs estimates."""
    if m.priors:
        given = {"sigma2": m.priors.sigma2, "tau2": m.priors.tau2, "mu": m.priors.mu}
        role, prior = next((role, x) for role, x in given.items() if isinstance(x, Prior | Normal))
        raise ValueError(f"{role}='{prior}' does not go with {verb}: give a number or the name of an estimator")


def some_prior(m: Model, tau2: Any) -> None:
    """Refuse draws without a prior: there is no posterior."""
    if not m.priors:
        raise ValueError(
            f"tau2={tau2!r} has no posterior to draw from: give a prior such as 'half_cauchy(5)', or a number beside a "
            "prior of mu or sigma2"
        )


def prior_of_profile(tau2: Any) -> Prior | None:
    """The prior whose posterior density is to stand beside the profile."""
    if tau2 is None or is_prior(tau2, "tau2", OF_TAU):
        return tau2  # type: ignore[no-any-return]
    prior: Prior | None = prior_of_text(tau2, "tau2", OF_TAU) if isinstance(tau2, str) else None
    if prior is None:
        raise ValueError(
            f"tau2={shown(tau2)} does not fit a profile: give a prior such as 'half_cauchy(5)', or nothing"
        )
    return prior


def gls_or_known(mu: Any) -> None:
    """mu along a profile: at its best, or known."""
    if isinstance(mu, str) and mu != "gls":
        raise ValueError(f"mu={mu!r} does not fit a profile, where mu is the most likely: give 'gls' or a number")
