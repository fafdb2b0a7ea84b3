"""Partially pooled regressions, one row per group and term."""

from __future__ import annotations

from .. import arguments
from ..arguments import IntoColumn, Keys
from ..formulas.names import GivenTau2, Likelihood, NaN
from . import stages
from .collecting import Frame


def regress(
    frame: Frame,
    value: IntoColumn,
    x: Keys,
    by: Keys,
    *,
    vary: str | list[str] | tuple[str, ...] = "intercept",
    correlated: bool = True,
    intercept: bool = True,
    over: Keys | None = None,
    weights: IntoColumn | None = None,
    method: Likelihood = "reml",
    nan: NaN = "error",
    level: float = 0.95,
    uncertainty: GivenTau2 = "mu",
) -> Frame:
    """Partially pooled regression of every group: its intercept, and its slopes, shrunk toward the population's.

    The model is `value = x · mu + z · b + e` with the varying terms z out of x, their deviations b normal about 0 with
    a covariance of their own for all groups, and errors of variance sigma2: lme4's `value ~ x + (z | by)`.

    Parameters
    ----------
    frame
        Rows, a DataFrame or LazyFrame; a LazyFrame stays lazy, and one group-by is all that meets the rows.
    value
        Column or expression of numbers or Booleans. Expressions, here and below, are computed row by row: an aggregate
        or a window is an error.
    x
        Covariates, columns or expressions of numbers or Booleans; `[]` for the intercept alone. One that is constant
        within groups, a property of the group, is a covariate like any other.
    by
        One or several columns or expressions: the groups. Null is a key like any other.
    vary
        The terms that vary by group: `"intercept"` (default), covariates by name, or a list of both.
    correlated
        Whether varying terms may be correlated (default); False for independent ones, lme4's `||`.
    intercept
        Whether there is one (default).
    over
        Keys of independent models.
    weights
        Precision weights, Var(row) = sigma2 / weight: finite, 0 or more. A row of weight 0 does not count.
    method
        `"reml"` (default) or `"ml"`.
    nan
        `"error"` (default) refuses NaN and infinite values when the query runs, `"null"` counts them as missing. A row
        that lacks the value or a covariate does not count (`regress_components` says how many, in `dropped`).
    level
        Probability of the interval, between 0 and 1.
    uncertainty
        What `se` holds: the error of the population's coefficients too, `"mu"` (default), or only that of the group's
        deviation given them, `"conditional"` (lme4's condVar).

    Returns
    -------
    One row a group and term: the `over` and `by` keys, `term` (String: "intercept" or a covariate), `n` (Int64, rows of
    the group), `mean` (the group's own least-squares coefficient, beside the population's of terms that do not vary;
    null for these, and where a group tells too little for it), `weight` (what its own coefficient keeps; null where the
    terms of a group bear on each other), `effect` (deviation from the population's coefficient), `estimate` with its
    standard error `se` and the interval `lower` to `upper`. A term that does not vary is pooled completely. All in
    units of the value by unit of the term. A DataFrame comes sorted by its keys, terms in their order.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; bad values, and without `over` a covariate that others span, when the query runs. A
        query some models of which have no estimate, or fewer than 8 digits because a covariate nearly depends on
        others, warns once of each.

    Source
    ------
    Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, chapters 12 and 13; Bates,
    Maechler, Bolker & Walker (2015), "Fitting linear mixed-effects models using lme4", J. Stat. Softw. 67; standard
    errors by Henderson (1975), "Best linear unbiased estimation and prediction under a selection model", Biometrics 31.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> growth = pl.DataFrame({"plant": [*"aaabbbccc"], "week": [0, 1, 2] * 3,
    ...     "height": [1.0, 2.1, 2.9, 2.0, 3.2, 3.9, 1.4, 2.0, 3.2]})
    >>> lines = pool.regress(growth, "height", x=["week"], by="plant")
    >>> lines.filter(term="intercept").select("plant", "n", pl.col("mean", "weight", "estimate").round(4)).rows()
    [('a', 3, 1.0667, 0.9734, 1.0776), ('b', 3, 2.1, 0.9734, 2.0834), ('c', 3, 1.2667, 0.9734, 1.2723)]
    """
    return stages.estimates(frame, arguments.call(regress, locals()))
