"""The likelihood along tau."""

from __future__ import annotations

from collections.abc import Sequence

from .. import arguments
from ..arguments import Call, Covariates, IntoColumn, Keys
from ..formulas.names import Family, NaN
from ..formulas.priors import Prior
from ..models.meta_regression.spec import MetaRegression
from ..models.rates.spec import Rates
from .collecting import Frame
from .engines import Query, by_engine
from .types import Mu, Sigma2


def profile(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    se: IntoColumn | None = None,
    weights: IntoColumn | None = None,
    trials: IntoColumn | None = None,
    exposure: IntoColumn | None = None,
    family: Family | None = None,
    sigma2: Sigma2 = "pooled",
    mu: Mu = "gls",
    nan: NaN = "error",
    tau: Sequence[float] | None = None,
    rho: Sequence[float] | None = None,
    tau2: Prior | None = None,
    toward: Covariates | None = None,
    groups: bool = False,
    persist: bool | None = None,
) -> Frame:
    """Likelihood, mu and Q at every tau: the curves behind intervals, tests and standard errors of tau2.

    For rates the likelihood at every overdispersion rho.

    Parameters
    ----------
    frame, value, by, over, n, var, se, weights, sigma2, nan
        As in `shrink`.
    trials, exposure, family
        As in `shrink`: the value counts events. A Boolean value without `family` is 0 and 1, without a warning.
    mu
        Population mean: `"gls"`, estimated at each tau, or a known number; with a prior of tau2 also a prior: `mu` and
        `se_mu` are then posterior mean and standard deviation at each tau.
    tau
        Standard deviations between groups, in units of the value: a list of numbers, each 0 or more. By default 61
        numbers, evenly from 0 to the upper end of the 99 % interval by the restricted profile likelihood of each model;
        0 alone where one group does not limit tau. With a prior, up to the quantile of 99.5 % of the posterior.
    rho
        For rates in place of `tau`: the overdispersion of the prior, a list of numbers of 0 or more, with trials less
        than 1. By default 61 numbers, evenly from 0 to the upper end of the 99 % interval by the profile likelihood of
        each model: to 60/61 where each group has all or none of its trials as events; 0 alone where the data do not
        limit rho, as those of single trials or without events.
    tau2
        A prior of tau, such as `HalfCauchy(5)`: adds `density`, the posterior density of tau.
    toward
        As in `shrink`, without a prior: the curves are those of the tau2 that the predictors leave. There are no `mu`
        and `se_mu`.
    groups
        True returns one row per group at each tau, with its estimate: the "effect of tau" curves.
    persist
        As in `shrink`.

    Returns
    -------
    One row per model and tau: the keys of `over`, then these columns. A DataFrame is sorted by keys and tau. Statistics
    are null where v = 0 at tau = 0 leaves no likelihood.

    - `tau`: standard deviation between groups.
    - `sigma2`: variance within groups, in squared units; where it is pooled, its most likely value at this tau by the
      restricted likelihood.
    - `mu`, `se_mu`: population mean at this tau, and its standard error.
    - `q`: Cochran's Q, generalised to this tau.
    - `log_likelihood`, `restricted_log_likelihood`: each at its most likely sigma2 and mu.
    - `density`, with a prior: posterior density of tau.

    With `groups`, one row per model, tau and group: the keys of `over` and `by`, `tau`, and the group's `estimate` at
    this tau with its standard error `se`.

    For rates one row per model and rho, or with `groups` one per model, rho and group; models without trials have none.

    - `rho`: overdispersion, 1 / (1 + alpha + beta), or with an exposure 1 / shape; 0 pools completely.
    - `mean`: most likely mean of the prior at this rho.
    - `log_likelihood`: at this mean.
    - `estimate`, `se`, with `groups`: the pooled rate at this rho, and its standard error as in `shrink`.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once; bad values raise when the query runs.

    Source
    ------
    Gelman et al. (2013), Bayesian Data Analysis, section 5.5; Hardy & Thompson (1996), Stat. Med. 15.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> schools = pl.DataFrame({"school": list("ABCDEFGH"),
    ...     "effect": [28, 8, -3, 7, -1, 1, 18, 12], "se": [15, 10, 16, 11, 9, 11, 10, 18]})
    >>> curve = pool.profile(schools, "effect", se="se", by="school", tau=[0, 10])
    >>> curve.select("tau", pl.col("mu", "q").round(4)).rows()
    [(0.0, 7.6856, 4.7071), (10.0, 8.1265, 2.7816)]

    >>> tests = pl.DataFrame({"site": ["a", "b", "c"], "faults": [1, 9, 3], "units": [20, 20, 20]})
    >>> curve = pool.profile(tests, "faults", trials="units", by="site", rho=[0, 0.1])
    >>> curve.select("rho", pl.col("mean", "log_likelihood").round(3)).rows()
    [(0.0, 0.217, -9.293), (0.1, 0.213, -7.431)]
    """
    return by_engine(frame, arguments.call(profile, locals()), "profiles", _by_polars)


def _by_polars(call: Call) -> Query:
    request, grid, groups = arguments.profile(call)
    keys = len(request.key_names if groups else request.over_names) + 1
    if isinstance(request, MetaRegression):
        from ..models.meta_regression.profile import profiles as beside_predictors

        return beside_predictors(call.frame, request, grid, groups), keys
    if isinstance(request, Rates):
        from ..models.rates.profile import profiles as of_rates

        return of_rates(call.frame, request, grid, groups), keys
    from ..models.posterior.profile import profiles

    return profiles(call.frame, request, grid, groups), keys
