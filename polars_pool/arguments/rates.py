"""The request for rates: events out of trials or in an exposure."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Literal, get_args

from ..formulas import messages
from ..formulas.names import Family, NaN, Uncertainty
from ..formulas.priors import OF_RATES
from ..models.rates.spec import Options, Rates
from .call import Call
from .columns import column_of, keys, numeric, some_column
from .families import refuse_for_rates
from .options import flag, level, one_of, threshold
from .priors import prior_of_rates

NEEDS = {"poisson": "exposure=", "binomial": "trials=, or no exposure=", "normal": "no trials= and no exposure="}
"""The arguments that each family needs."""


def rates(call: Call, accepted: Set[str]) -> Rates:
    """The request for rates of a verb that accepts some arguments."""
    refuse_for_rates(call, accepted)
    frame, schema = call.frame, call.schema
    by_names, over_names, key_columns = keys(frame, schema, call["by"], call.get("over"))
    family = _family(call)
    role = "trials" if family == "binomial" else "exposure"
    arguments = {"value": call["value"]} | ({} if call[role] is None else {role: call[role]})
    columns = {role: column_of(schema, column, role) for role, column in arguments.items()}
    some_column((*columns.values(), *key_columns))
    return Rates(
        value=columns["value"],
        size=columns.get(role),
        family=family,
        prior=prior_of_rates(call["prior"], OF_RATES[family]),
        by_names=by_names,
        over_names=over_names,
        key_columns=key_columns,
        nan=one_of(call["nan"], get_args(NaN), "nan"),
        names={role: numeric(frame, schema, column, role)[0] for role, column in arguments.items()},
        options=_options(call, role),
    )


def _family(call: Call) -> Literal["binomial", "poisson"]:
    """The family that the denominator implies, which family= must not contradict."""
    if call["trials"] is not None and call["exposure"] is not None:
        raise ValueError("trials= does not go with exposure=: events are counted out of trials, or in an exposure")
    implied: Literal["binomial", "poisson"] = "binomial" if call["exposure"] is None else "poisson"
    family = call["family"]
    if family is not None and one_of(family, get_args(Family), "family") != implied:
        raise ValueError(f"family={family!r} needs {NEEDS[family]}")
    return implied


def _options(call: Call, role: str) -> Options:
    """The options of the verb; the prior of rates has none, nor has an expression."""
    options: dict[str, Any] = {}
    if "uncertainty" in call:
        options["uncertainty"] = _uncertainty(call["uncertainty"], role)
    if "posterior" in call:
        options |= {"level": level(call["level"]), "threshold": threshold(call["threshold"])}
        options["posterior"] = flag(call["posterior"], "posterior")
    return Options(**options)


def _uncertainty(argument: Any, role: str) -> str:
    """Which errors the standard error of a rate includes."""
    if one_of(argument, get_args(Uncertainty), "uncertainty") == "tau2":
        raise ValueError(messages.ERROR_OF_RATES.format(role=role))
    return str(argument)
