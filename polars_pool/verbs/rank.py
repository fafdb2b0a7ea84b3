"""Which groups are best, and how sure that is."""

from __future__ import annotations

import polars as pl

from .. import arguments
from ..arguments import Call, IntoColumn, Keys
from ..formulas.names import (
    NaN,
)
from .collecting import Frame
from .engines import Query, by_engine
from .types import Mu, Sigma2, Tau2


def rank(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    se: IntoColumn | None = None,
    weights: IntoColumn | None = None,
    sigma2: Sigma2 = "pooled",
    tau2: Tau2 = "reml",
    mu: Mu = "gls",
    nan: NaN = "error",
    level: float = 0.95,
    descending: bool = True,
    top: float | None = None,
    groups: pl.DataFrame | pl.LazyFrame | None = None,
) -> Frame:
    """Rank of every group by its partially pooled mean, with the uncertainty of the rank.

    Never read `rank` without `rank_lower` and `rank_upper`: most ranks are uncertain, and two groups whose intervals
    overlap may well be in the other order. For a list of the best groups, `p_top` says which belong in it.

    Ranks describe the true means of the groups given the estimated sigma2, tau2 and mu, as if these were known. The
    true means are then independent and normal, with `estimate` as mean and `se` as standard deviation. With few groups,
    the errors of tau2 and mu make ranks less certain than these columns say.

    Parameters
    ----------
    frame, value, by, over, n, var, se, weights, sigma2, mu, nan
        As in `shrink`; groups are ranked within each model of `over`. Polars frames only.
    tau2
        Variance between groups: the name of an estimator (`"reml"` by default) or a known number; no prior.
    level
        Probability of the interval of ranks, between 0 and 1.
    descending
        True (default): rank 1 is the largest value. False: rank 1 is the smallest.
    top
        Adds `p_top`, the probability to be among the first groups: among this whole number of them, or among this share
        of the groups of a model, between 0 and 1, rounded to whole groups and at least one.
    groups
        As in `shrink`: keys that no row has become groups with the estimate mu, which take part in the ranking.

    Returns
    -------
    One row per group: the keys of `over` and of `by`, then these columns, Float64. The rows of a model are sorted by
    `expected_rank`. Ranks are null where the data determine no `estimate` or no `se`; such a group does not count.

    - `estimate`: the partially pooled mean, as in `shrink`.
    - `se`: its standard error given sigma2, tau2 and mu, as in `shrink` with `uncertainty="conditional"`.
    - `rank`: rank of the estimate, 1 for the best; equal estimates share their mean rank.
    - `expected_rank`: mean of the rank of the true mean, 1 plus the expected number of better groups. Ranks
      in this order have the least squared error.
    - `rank_lower`, `rank_upper`: quantiles of the rank of the true mean; the rank lies between them with probability
      `level` or more.
    - `p_best`: probability that the group's true mean is the best of all.
    - `p_top`, with `top`: probability that the true mean is among the first.

    Up to 500 groups the probabilities are exact to 1e-7. With more groups, `p_best` and `p_top` are exact to about
    0.005, for `top` of 2 to 20, or all groups but so many, to about 0.02, and the limits to two ranks or 1 %, where the
    values of `se` differ by less than a factor of 30; where they differ by a factor of thousands, `p_top` to 0.1 and
    the limits to 5 % of the number of groups. Expected ranks are exact up to 3,000 groups and for the 200 best, for the
    others to 1e-4 of their value. Known true means (`se` 0) that are equal are ordered at random.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once; bad values raise when the query runs.

    Source
    ------
    Laird & Louis (1989), "Empirical Bayes ranking methods", J. Educ. Stat. 14; Lin, Louis, Paddock & Ridgeway (2006),
    "Loss function based ranking in two-stage, hierarchical models", Bayesian Analysis 1.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> schools = pl.DataFrame({"school": list("ABCD"), "effect": [28, 8, 18, 12], "se": [15, 10, 8, 9]})
    >>> ranked = pool.rank(schools, "effect", se="se", by="school", tau2=25, top=2)
    >>> ranked.select("school", "rank", "rank_lower", "rank_upper").rows()
    [('A', 1.0, 1.0, 4.0), ('C', 2.0, 1.0, 4.0), ('D', 3.0, 1.0, 4.0), ('B', 4.0, 1.0, 4.0)]
    >>> ranked.select("school", pl.col("expected_rank", "p_best", "p_top").round(2)).row(0)
    ('A', 2.19, 0.36, 0.62)
    """
    return by_engine(frame, arguments.call(rank, locals()), "ranks", _by_polars)


def _by_polars(call: Call) -> Query:
    request, ranking = arguments.ranking(call)
    from ..models.oneway.ranks import ranks

    return ranks(call.frame, request, ranking, arguments.unseen(call, request)), 0
