"""From the arguments of a verb to its checked request, whatever the family."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import replace

from ..models.encoding import ARGUMENTS, Encoding
from ..models.families import family_of
from ..models.meta_regression.spec import MetaRegression
from ..models.nested.spec import Nested
from ..models.oneway.spec import Means, Ranking
from ..models.posterior.spec import PosteriorMeans
from ..models.rates.spec import ACCEPTED, ACCEPTED_BY_COMPONENTS, ACCEPTED_BY_DRAWS, ACCEPTED_BY_PROFILE, Rates
from ..models.rates_posterior.spec import RatesPosterior
from ..models.regression.spec import Regression
from .call import Call
from .columns import distinct_keys
from .encoding import of_rows
from .families import has_rates, refuse_for_rates
from .hyperparameters import prior_of_profile, refuse_mean_of_profile
from .means import check_without_columns, means, means_without_priors, posterior_means
from .meta_regression import check_predictors_without_columns, has_predictors, meta_regression
from .nested import check_nested_without_columns, is_nested, nested
from .options import flag, rhos, taus, top
from .rates import rates
from .regression import regression
from .sentences import shown

ONE_PRIOR = (
    "prior={argument} does not go with {verb}: give 'ml', 'moments' or a known prior, or take the posterior from "
    "shrink and components"
)
OfProfile = Means | PosteriorMeans | MetaRegression | Rates
AnyRequest = Means | MetaRegression | PosteriorMeans | Rates | RatesPosterior | Regression | Nested


def estimates(call: Call) -> AnyRequest:
    """The request of a verb that returns one row per group."""
    request = _request(call, of_components=False)
    distinct_keys(request.over_names, request.group_names, family_of(request).estimates_schema(request))
    return request


def components(call: Call) -> AnyRequest:
    """The request of a verb that returns one row per model."""
    request = _request(call, of_components=True)
    distinct_keys(request.over_names, (), family_of(request).components_schema(request))
    return request


def coefficients(call: Call) -> tuple[MetaRegression, bool]:
    """The request of `coefficients`, and whether its result is their covariance."""
    from ..models.coefficients import PAIRS, STATISTICS

    request = meta_regression(call)
    covariance = flag(call["covariance"], "covariance")
    distinct_keys(request.over_names, (), PAIRS if covariance else STATISTICS)
    return request, covariance


def states(call: Call) -> Means:
    """The request of a verb that returns the moments of groups."""
    from ..models.oneway.groups import states_columns

    request = means_without_priors(call, "moments")
    distinct_keys((), request.by_names, states_columns(request))
    return request


def comparison(call: Call) -> Means | Rates:
    """The request of `compare`; a Boolean value is 0 and 1, or with `family="binomial"` a rate."""
    if has_rates(call) and not has_predictors(call):
        return _comparison_of_rates(call)
    from ..models.oneway.comparison import STATISTICS

    by_predictors = has_predictors(call)
    request = meta_regression(call) if by_predictors else means_without_priors(_without_warning(call), "compare")
    distinct_keys(request.over_names, (), STATISTICS)
    return request


def _comparison_of_rates(call: Call) -> Rates:
    from ..models.rates.comparison import STATISTICS

    request = _with_one_prior(call, ACCEPTED_BY_COMPONENTS, "compare")
    if request.family == "poisson":
        raise ValueError(
            f"exposure={shown(call['exposure'])} does not go with compare, which holds out single trials: give trials= "
            "or family='binomial'"
        )
    distinct_keys(request.over_names, (), STATISTICS)
    return request


def _without_warning(call: Call) -> Call:
    """The call of a verb that takes a Boolean value as the numbers 0 and 1 without a warning."""
    return call.replaced(family="normal")


def ranking(call: Call) -> tuple[Means, Ranking]:
    """The request of `rank`, and which ranks it computes."""
    from ..models.oneway.ranks import columns

    request = means_without_priors(call, "rank")
    request = replace(request, options=replace(request.options, uncertainty="conditional"))
    of_ranks = Ranking(top(call["top"]), flag(call["descending"], "descending"))
    distinct_keys(request.over_names, request.by_names, columns(of_ranks))
    return request, of_ranks


def profile(call: Call) -> tuple[OfProfile, tuple[float, ...] | None, bool]:
    """The request of `profile`, its grid of tau or of rho, and whether its rows are groups."""
    groups = flag(call["groups"], "groups")
    request, grid = _rates_along_rho(call) if has_rates(call) else _means_along_tau(call)
    distinct_keys(request.over_names, request.by_names if groups else (), _columns_of_profile(request, groups))
    return request, grid, groups


def _means_along_tau(call: Call) -> tuple[Means | PosteriorMeans | MetaRegression, tuple[float, ...] | None]:
    if call["rho"] is not None:
        raise ValueError(f"rho={shown(call['rho'])} is for rates, with trials=, exposure= or family=; means have tau=")
    call = call.replaced(tau2=prior_of_profile(call["tau2"]) or "reml")
    request = meta_regression(call) if has_predictors(call) else means(_without_warning(call))
    refuse_mean_of_profile(request.hyperparameters.mu)
    return request, None if call["tau"] is None else taus(call["tau"])


def _rates_along_rho(call: Call) -> tuple[Rates, tuple[float, ...] | None]:
    for name in call.changed("tau", "tau2"):
        raise ValueError(f"{name}={shown(call[name])} is for means; rates have rho=")
    request = _with_one_prior(call.replaced(prior="ml"), ACCEPTED_BY_PROFILE, "profile")
    below = 1.0 if request.family == "binomial" else math.inf
    return request, None if call["rho"] is None else rhos(call["rho"], below)


def _columns_of_profile(request: OfProfile, groups: bool) -> tuple[str, ...]:
    if isinstance(request, Rates):
        from ..models.rates.profile import columns as of_rates

        return of_rates(groups)
    if isinstance(request, MetaRegression):
        from ..models.meta_regression.profile import columns as of_predictors

        return of_predictors(groups)
    from ..models.posterior.profile import columns

    return columns(request, groups)


def posterior(call: Call) -> PosteriorMeans | Rates:
    """The request of a verb that needs a posterior: rates have one, means with a prior."""
    if not has_rates(call):
        return posterior_means(call)
    return _with_one_prior(call, ACCEPTED_BY_DRAWS, "posterior_draws")


def _with_one_prior(call: Call, accepted: Set[str], verb: str) -> Rates:
    """The request for rates of a verb that needs an estimated or a known prior."""
    request = rates(call, accepted)
    if isinstance(request, RatesPosterior):
        raise ValueError(ONE_PRIOR.format(argument=shown(call["prior"]), verb=verb))
    return request


def statistic(call: Call) -> tuple[AnyRequest, Encoding]:
    """The request of an expression, whose result has no keys, and the rows that encode each row."""
    request = _request(call, of_components=False)
    assert not isinstance(request, Regression)
    return request, of_rows(call, request)


def _request(call: Call, of_components: bool) -> AnyRequest:
    if "x" in call:
        return regression(call)
    if is_nested(call):
        return nested(call)
    if has_predictors(call):
        return meta_regression(call)
    if has_rates(call):
        return rates(call, ACCEPTED_BY_COMPONENTS if of_components else ACCEPTED | ARGUMENTS)
    return means(call)


def check_expression(call: Call) -> None:
    """Refuse arguments of an expression that are wrong whatever its columns hold: these are unknown until it runs."""
    if is_nested(call):
        check_nested_without_columns(call)
    elif has_predictors(call):
        check_predictors_without_columns(call)
    elif has_rates(call):
        refuse_for_rates(call, ACCEPTED | ARGUMENTS)
    else:
        check_without_columns(call)
