"""The request for rates: events out of trials or in an exposure."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Literal, get_args

from ..formulas import messages
from ..formulas.names import Family, NaN, Uncertainty
from ..formulas.priors import OF_RATES
from ..models.rates.spec import Options, Rates
from ..models.rates_posterior import spec as posterior
from ..models.rates_posterior.spec import RatesPosterior
from .call import Call
from .columns import column_of, keys, numeric, some_column
from .families import refuse_for_rates
from .options import flag, level, one_of, threshold
from .priors import integrated_prior_of_rates, prior_of_rates
from .sentences import shown

NEEDS = {"poisson": "exposure=", "binomial": "trials=, or no exposure=", "normal": "no trials= and no exposure="}
"""The arguments that each family needs."""


WITHOUT_POSTERIOR = {
    "posterior": "the posterior of a rate is a mixture of distributions and has no parameters",
    "uncertainty": "the posterior holds the errors of the mean and the overdispersion",
}
"""Why arguments do not apply where the prior of rates is integrated."""


def rates(call: Call, accepted: Set[str]) -> Rates | RatesPosterior:
    """The request for rates of a verb that accepts some arguments."""
    is_integrated = (
        bool(call.changed("prior")) and integrated_prior_of_rates(call["prior"], OF_RATES[_family(call)]) is not None
    )
    refuse_for_rates(call, accepted | posterior.ACCEPTED_BY_COMPONENTS if is_integrated else accepted)
    columns = _columns(call)
    if is_integrated:
        return _posterior(call, columns)
    return Rates(**columns, prior=prior_of_rates(call["prior"], OF_RATES[columns["family"]]), options=_options(call))


def _posterior(call: Call, columns: dict[str, Any]) -> RatesPosterior:
    """The request for rates whose prior is integrated."""
    for name in call.changed(*WITHOUT_POSTERIOR):
        words = {"role": name, "argument": shown(call[name]), "reason": WITHOUT_POSTERIOR[name]}
        raise ValueError(messages.BESIDE_PRIOR.format(**words))
    options = posterior.Options(
        level=level(call.get("level", 0.95)),
        threshold=threshold(call["threshold"]) if "threshold" in call else None,
    )
    prior = integrated_prior_of_rates(call["prior"], OF_RATES[columns["family"]])
    assert prior is not None
    return RatesPosterior(**columns, prior=prior, options=options)


def _columns(call: Call) -> dict[str, Any]:
    """The columns and keys of a request for rates."""
    frame, schema = call.frame, call.schema
    by_names, over_names, key_columns = keys(frame, schema, call["by"], call.get("over"))
    family = _family(call)
    role = "trials" if family == "binomial" else "exposure"
    arguments = {"value": call["value"]} | ({} if call[role] is None else {role: call[role]})
    columns = {role: column_of(schema, column, role) for role, column in arguments.items()}
    some_column((*columns.values(), *key_columns))
    return {
        "value": columns["value"],
        "size": columns.get(role),
        "family": family,
        "by_names": by_names,
        "over_names": over_names,
        "key_columns": key_columns,
        "nan": one_of(call["nan"], get_args(NaN), "nan"),
        "names": {role: numeric(frame, schema, column, role)[0] for role, column in arguments.items()},
    }


def _family(call: Call) -> Literal["binomial", "poisson"]:
    """The family that the denominator implies, which family= must not contradict."""
    if call["trials"] is not None and call["exposure"] is not None:
        raise ValueError("trials= does not go with exposure=: events are counted out of trials, or in an exposure")
    implied: Literal["binomial", "poisson"] = "binomial" if call["exposure"] is None else "poisson"
    family = call["family"]
    if family is not None and one_of(family, get_args(Family), "family") != implied:
        raise ValueError(f"family={family!r} needs {NEEDS[family]}")
    return implied


def _options(call: Call) -> Options:
    """The options of the verb; the prior of rates has none, nor has an expression."""
    options: dict[str, Any] = {}
    if "uncertainty" in call:
        options["uncertainty"] = _uncertainty(call["uncertainty"], "trials" if call["exposure"] is None else "exposure")
    if "posterior" in call:
        options |= {"level": level(call["level"]), "threshold": threshold(call["threshold"])}
        options["posterior"] = flag(call["posterior"], "posterior")
    return Options(**options)


def _uncertainty(argument: Any, role: str) -> str:
    """Which errors the standard error of a rate includes."""
    if one_of(argument, get_args(Uncertainty), "uncertainty") == "tau2":
        raise ValueError(messages.ERROR_OF_RATES.format(role=role))
    return str(argument)
