"""Draws from the posterior."""

from __future__ import annotations

import polars as pl

from .. import arguments
from ..arguments import Call, IntoColumn, Keys
from ..formulas.names import Family, GivenTau2, NaN
from ..formulas.priors import Prior
from ..models.rates.spec import Rates
from .collecting import Frame
from .engines import Query, by_engine
from .types import Mu, PriorOfRates, Sigma2


def posterior_draws(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    tau2: float | Prior | None = None,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    se: IntoColumn | None = None,
    weights: IntoColumn | None = None,
    trials: IntoColumn | None = None,
    exposure: IntoColumn | None = None,
    family: Family | None = None,
    prior: PriorOfRates = "ml",
    sigma2: Sigma2 = "pooled",
    mu: Mu = "gls",
    nan: NaN = "error",
    uncertainty: GivenTau2 = "mu",
    draws: int = 1000,
    seed: int | None = None,
    groups: pl.DataFrame | pl.LazyFrame | None = None,
) -> Frame:
    """Independent draws from the posterior of every group's true mean or rate, for further computation.

    Parameters
    ----------
    frame, value, by, over, n, var, se, weights, trials, exposure, family, prior, sigma2, mu, nan, groups
        As in `shrink`.
    tau2
        A prior of tau, or with a prior of mu or sigma2 also a known number; needed for means.
    uncertainty
        For rates with an estimated prior. `"mu"` (default): the prior's mean is drawn too, as it is uncertain; the
        rates then have the mean and the variance of the intervals of `shrink`. `"conditional"`: the estimated prior
        counts as known, so the draws of few groups differ too little. Neither includes the error of the overdispersion.
    draws
        The number of draws of each model.
    seed
        A whole number of 0 or more gives the same draws each time; None (default) gives other draws each time.

    Returns
    -------
    One row per group and draw, sorted by the keys and the draw: the keys of `over` and of `by`, then these columns,
    null where a model has no posterior.

    - `chain`: always 0, as the draws are independent; Int64.
    - `draw`: number of the draw, Int64.
    - `sigma2`: variance within groups, in squared units; null for published estimates.
    - `tau`, `mu`: standard deviation between groups and population mean, equal for all groups of a model in a draw.
    - `theta`: the group's true mean.

    For rates `mean`, `rho` and `theta` follow `draw`.

    - `mean`, `rho`: mean and overdispersion of the prior, equal for all groups of a model in a draw: alpha + beta is 1
      / rho - 1, the shape of an exposure 1 / rho; 0 where all groups have one rate.
    - `theta`: the group's rate.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once; bad values, or an improper posterior, raise when the query runs.

    Source
    ------
    Gelman et al. (2013), Bayesian Data Analysis, section 5.4: tau by inversion, the rest conditional on tau.
    For rates the prior's mean has the posterior of a common rate with Jeffreys' prior, and the rates that of
    beta-binomial or gamma-Poisson groups.

    Examples
    --------
    The probability that school A is the best of the eight:

    >>> import polars as pl, polars_pool as pool
    >>> schools = pl.DataFrame({"school": list("ABCDEFGH"),
    ...     "effect": [28, 8, -3, 7, -1, 1, 18, 12], "se": [15, 10, 16, 11, 9, 11, 10, 18]})
    >>> drawn = pool.posterior_draws(schools, "effect", se="se", by="school", tau2=pool.Uniform(), draws=4000, seed=1)
    >>> best = drawn.sort("theta").group_by("draw").last()
    >>> 0.2 < (best["school"] == "A").mean() < 0.3
    True

    The probability that version b converts better than version a:

    >>> visits = pl.DataFrame({"version": ["a", "b"], "sales": [18, 30], "visits": [200, 210]})
    >>> drawn = pool.posterior_draws(visits, "sales", trials="visits", by="version", prior=pool.Beta(1, 9), seed=1)
    >>> a, b = (drawn.filter(version=version)["theta"] for version in ("a", "b"))
    >>> 0.9 < (b > a).mean() < 1
    True
    """
    return by_engine(frame, arguments.call(posterior_draws, locals()), "posterior_draws", _by_polars)


def _by_polars(call: Call) -> Query:
    request = arguments.posterior(call)
    number, seed = arguments.draws(call["draws"]), arguments.seed(call["seed"])
    if isinstance(request, Rates):
        from ..models.rates import draws as of_rates

        arguments.distinct_keys(request.over_names, request.by_names, of_rates.STATISTICS)
        return of_rates.draws(call.frame, request, number, seed, arguments.unseen(call, request)), 0
    from ..models.posterior import draws as _draws

    arguments.distinct_keys(request.over_names, request.by_names, _draws.STATISTICS)
    return _draws.draws(call.frame, request, number, seed, arguments.unseen(call, request)), 0
