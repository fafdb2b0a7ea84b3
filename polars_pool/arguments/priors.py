"""Priors as arguments: objects of a class of priors, or texts such as "half_cauchy(5)"."""

from __future__ import annotations

from typing import Any, get_args

from ..formulas import messages
from ..formulas.names import OfRates
from ..formulas.priors import (
    EXAMPLES,
    OF_PRIOR_OF_RATES,
    Beta,
    Flat,
    Gamma,
    Hyper,
    Normal,
    Prior,
    UniformShrinkage,
    UniformSpread,
    called,
    parsed,
    signature,
)
from .options import one_of
from .sentences import listed, nearest, shown


def is_prior(argument: Any, role: str, allowed: dict[str, Any]) -> bool:
    """Whether an argument is a prior; one of another kind than those allowed, or a class, is an error."""
    kind = argument if isinstance(argument, type) else type(argument)
    if not issubclass(kind, Prior | Normal | Flat | Beta | Gamma):
        return False
    forms = ", ".join(signature(prior) for prior in allowed.values())
    if kind not in allowed.values():
        of = "these rates" if role == "prior" else role
        raise TypeError(f"{role}={shown(argument)} is no prior of {of}; give one of {forms}")
    if kind is argument:
        example = next(EXAMPLES[prior] for prior in allowed.values() if prior in EXAMPLES)
        raise TypeError(
            f"{role}={shown(argument)} is a class of priors; call it with numbers, such as {role}={example}; give one "
            f"of {forms}"
        )
    return True


def prior_of_text(text: str, role: str, priors: dict[str, Any]) -> Any:
    """The prior that a text stands for; None for the name of an estimator, or a misspelt one."""
    try:
        prior = parsed(text, priors)
    except ValueError as wrong:
        rule = str(wrong).partition(": give ")[2]
        raise ValueError(messages.WRONG_PRIOR.format(role=role, argument=repr(text), rule=rule)) from None
    if prior is None and "(" in text:
        hint = nearest(text.partition("(")[0].strip(), priors)
        forms = ", ".join(called(form) for form in priors.values())
        raise ValueError(messages.NO_PRIOR.format(role=role, argument=repr(text), forms=forms, nearest=hint))
    return prior


SPREAD_OF_COUNTS = "prior={argument} is for trials=: give UniformShrinkage() or Hyper(mean=Gamma(shape, rate))"
Integrated = UniformShrinkage | UniformSpread | Hyper


def integrated_prior_of_rates(argument: Any, known: type[Beta | Gamma]) -> Integrated | None:
    """The prior of the parameters of the prior of rates; None for other arguments."""
    if isinstance(argument, str):
        argument = parsed(argument, OF_PRIOR_OF_RATES) if "(" not in argument or argument.strip()[-1:] == ")" else None
    if not isinstance(argument, Integrated):
        return None
    if isinstance(argument, UniformSpread) and known is Gamma:
        raise ValueError(SPREAD_OF_COUNTS.format(argument=shown(argument)))
    if isinstance(argument, Hyper) and argument.mean is not None and not isinstance(argument.mean, known):
        raise TypeError(f"prior={argument!r}: give the mean as {signature(known)}")
    integrated: Integrated = argument
    return integrated


def prior_of_rates(argument: Any, known: type[Beta | Gamma]) -> str | Beta | Gamma:
    """The name of an estimator of the prior of rates, or a known prior of the family."""
    if isinstance(argument, str):
        prior: Beta | Gamma | None = prior_of_text(argument, "prior", {known.name: known})
        if prior is not None:
            return prior
        return one_of(argument, get_args(OfRates), "prior", f"a known prior, {called(known)}")
    if isinstance(argument, known):
        known_prior: Beta | Gamma = argument
        return known_prior
    if isinstance(argument, type):
        is_prior(argument, "prior", {known.name: known})
    methods = listed(get_args(OfRates))
    raise TypeError(
        messages.NUMBER_OR_ONE_OF.format(
            role="prior",
            argument=shown(argument),
            number=f"a known prior, {called(known)}",
            names=methods,
            nearest="",
        )
    )
