"""Draws from the posterior."""

from __future__ import annotations

import polars as pl

from .. import arguments
from ..arguments import Call, IntoColumn, Keys
from ..formulas.names import (
    NaN,
)
from ..formulas.priors import Prior
from .collecting import Frame
from .engines import Query, by_engine
from .types import Mu, Sigma2


def posterior_draws(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    tau2: float | Prior,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    se: IntoColumn | None = None,
    weights: IntoColumn | None = None,
    sigma2: Sigma2 = "pooled",
    mu: Mu = "gls",
    nan: NaN = "error",
    draws: int = 1000,
    seed: int | None = None,
    groups: pl.DataFrame | pl.LazyFrame | None = None,
) -> Frame:
    """Independent draws from the posterior of tau, mu and every group's true mean, for further computation.

    Parameters
    ----------
    frame, value, by, over, n, var, se, weights, sigma2, mu, nan, groups
        As in `shrink`.
    tau2
        A prior of tau, or with a prior of mu or sigma2 also a known number.
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

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once; bad values, or an improper posterior, raise when the query runs.

    Source
    ------
    Gelman et al. (2013), Bayesian Data Analysis, section 5.4: tau by inversion, the rest conditional on tau.

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
    """
    return by_engine(frame, arguments.call(posterior_draws, locals()), "posterior_draws", _by_polars)


def _by_polars(call: Call) -> Query:
    from ..models.posterior import draws as _draws

    request = arguments.posterior_means(call)
    arguments.distinct_keys(request.over_names, request.by_names, _draws.STATISTICS)
    number, seed = arguments.draws(call["draws"]), arguments.seed(call["seed"])
    return _draws.draws(call.frame, request, number, seed, arguments.unseen(call, request)), 0
