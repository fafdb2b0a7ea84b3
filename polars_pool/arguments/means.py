"""The request for means or their posterior: columns, hyperparameters, and the options that fit both."""

from __future__ import annotations

from typing import Any, get_args

import polars as pl

from ..formulas import messages
from ..formulas.estimators import TAU2
from ..formulas.names import Interval, Likelihood, Limits, NaN, OfEstimates, OfPosterior, Predict, Test, Uncertainty
from ..models.hyperparameters import Hyperparameters
from ..models.oneway import spec as oneway
from ..models.oneway.spec import COLUMNS, Means
from ..models.posterior import spec as posterior
from ..models.posterior.spec import PosteriorMeans
from ..models.warning import warn_of_boolean
from .call import Call
from .columns import column_of, keys, numeric, some_column
from .families import instead_of_booleans, refuse_for_means, refuse_for_posterior
from .fitting import fitting
from .hyperparameters import hyperparameters, refuse_priors, require_prior
from .options import level, one_of, threshold
from .sentences import listed


def means(call: Call) -> Means | PosteriorMeans:
    """The request for means, or for their posterior where a hyperparameter has a prior.

    A Boolean value is pooled as 0 and 1, with a warning that names a way to pool it as rates.
    """
    refuse_for_means(call, oneway.ACCEPTED)
    frame, schema = call.frame, call.schema
    by_names, over_names, key_columns = keys(frame, schema, call["by"], call.get("over"))
    arguments = {role: call[role] for role in COLUMNS if role == "value" or call.get(role) is not None}
    numbers = {role: numeric(frame, schema, column, role) for role, column in arguments.items()}
    columns: dict[str, Any] = {role: column_of(schema, column, role) for role, column in arguments.items()}
    some_column((*columns.values(), *key_columns))
    h = hyperparameters(call)
    nan = one_of(call.get("nan", "error"), get_args(NaN), "nan")
    fitting(columns, h)
    instead = instead_of_booleans(call)
    if instead is not None and numbers["value"][1] == pl.Boolean:
        warn_of_boolean(numbers["value"][0], instead)
    columns |= {"by_names": by_names, "over_names": over_names, "key_columns": key_columns, "hyperparameters": h}
    columns |= {"nan": nan, "names": {role: name for role, (name, _) in numbers.items()}}
    columns["lazy"] = isinstance(call["frame"], pl.LazyFrame)
    if not h.priors:
        return Means(**columns, options=_options(call, h, "se" in columns))
    refuse_for_posterior(call, posterior.ACCEPTED)
    return PosteriorMeans(**columns, options=_options_of_posterior(call, h, "se" in columns))


def means_without_priors(call: Call, verb: str) -> Means:
    """The request for means of a verb that needs estimates of the hyperparameters."""
    request = means(call)
    refuse_priors(request.hyperparameters, verb)
    assert isinstance(request, Means)
    return request


def posterior_means(call: Call) -> PosteriorMeans:
    """The request for the posterior of means of a verb that has none without a prior."""
    if call["tau2"] is None:
        raise ValueError(
            "posterior_draws needs a prior: give tau2= for means, such as tau2='half_cauchy(5)', or trials=, exposure= "
            "or family='binomial' for rates"
        )
    request = means(call.replaced(family="normal"))  # draws of Booleans as numbers do not warn
    require_prior(request.hyperparameters, call["tau2"])
    assert isinstance(request, PosteriorMeans)
    return request


def check_without_columns(call: Call) -> None:
    """Refuse what is wrong whatever the columns hold: an expression has no columns until its query runs."""
    refuse_for_means(call, oneway.ACCEPTED)
    one_of(call["nan"], get_args(NaN), "nan")
    fitting([role for role in COLUMNS if call.get(role) is not None], hyperparameters(call))


# ---- options --------------------------------------------------------------------------------------------------------


def _options(call: Call, h: Hyperparameters, published: bool) -> oneway.Options:
    options: dict[str, Any] = {"interval": _interval(call, h) or "normal"}
    if "level" in call:
        options["level"] = level(call["level"])
    if "test" in call:
        options |= {"test": one_of(call["test"], get_args(Test), "test"), "limits": _limits(call.get("limits"), h)}
    if "predict" in call:
        options["uncertainty"] = _uncertainty(call["uncertainty"], h)
        options |= {"predict": _predict(call["predict"], published), "threshold": threshold(call["threshold"])}
    return oneway.Options(**options)


def _options_of_posterior(call: Call, h: Hyperparameters, published: bool) -> posterior.Options:
    options: dict[str, Any] = {"interval": _interval(call, h)}
    if "level" in call:
        options["level"] = level(call["level"])
    if "predict" in call:
        options |= {"predict": _predict(call["predict"], published), "threshold": threshold(call["threshold"])}
    return posterior.Options(**options)


def _limits(argument: Any, h: Hyperparameters) -> str | None:
    """How the interval of tau2 is computed; the profile likelihood is that of reml and ml alone."""
    if argument is None:
        return None
    method = h.method
    if one_of(argument, get_args(Limits), "limits") == "profile" and method is not None and method.likelihood is None:
        fit = listed(get_args(Likelihood))
        raise ValueError(messages.PROFILE_LIMITS.format(argument=repr(h.tau2), names=fit))
    return str(argument)


def _uncertainty(argument: Any, h: Hyperparameters) -> str:
    """Which errors the standard error of an estimate includes."""
    if one_of(argument, get_args(Uncertainty), "uncertainty") == "tau2" and h.method and h.method.error is None:
        fit = listed(name for name, method in TAU2.items() if method.error is not None)
        raise ValueError(messages.ERROR_UNKNOWN.format(argument=repr(h.tau2), names=fit))
    return str(argument)


def _predict(argument: Any, published: bool) -> str:
    """Which quantity the interval describes."""
    if one_of(argument, get_args(Predict), "predict") == "row" and published:
        raise ValueError(messages.ROW_OF_PUBLISHED)
    return str(argument)


def _interval(call: Call, h: Hyperparameters) -> str | None:
    """Which interval, by default normal for estimates and central for a posterior; None for a verb without any."""
    if "interval" not in call:
        return None
    argument, of_components = call["interval"], "test" in call
    if argument is None:
        return "central" if h.priors else "normal"
    one_of(argument, get_args(OfPosterior if of_components else Interval), "interval")
    if h.priors and argument in get_args(OfEstimates):
        raise ValueError(messages.NOT_OF_POSTERIOR.format(argument=repr(argument)))
    if not h.priors and argument in get_args(OfPosterior):
        instead = "'test' and 'limits'" if of_components else "'normal' or 'robust'"
        raise ValueError(messages.OF_POSTERIOR.format(argument=repr(argument), others=instead))
    if argument == "robust" and call["predict"] != "mean":
        raise ValueError(messages.ROBUST_PREDICTION.format(argument=repr(call["predict"])))
    return str(argument)
