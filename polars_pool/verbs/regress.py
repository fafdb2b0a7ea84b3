"""Partially pooled regressions, one row per group and term."""

from __future__ import annotations

from .. import arguments
from ..arguments import Covariates, IntoColumn, Keys
from ..formulas.names import GivenTau2, Likelihood, NaN
from . import stages
from .collecting import Frame


def regress(
    frame: Frame,
    value: IntoColumn,
    x: Covariates,
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
    persist: bool | None = None,
) -> Frame:
    """Partially pooled regression of every group: its intercept and slopes, shrunk toward those of the population.

    The model is `value = x · mu + z · b + e`: the varying terms z are some of x, their deviations b are normal about 0
    with one covariance for all groups, and the errors e have variance sigma2: lme4's `value ~ x + (z | by)`.

    Parameters
    ----------
    frame
        Rows, a DataFrame or LazyFrame of Polars, or a Spark DataFrame if the intercept alone varies. A LazyFrame stays
        lazy; its rows pass through one group-by, and a small query reads the levels of factors before, if they are not
        known. A Spark DataFrame runs small jobs at once, and its result is lazy.
    value
        Column or expression of numbers or Booleans. All expressions are computed row by row: an aggregate or a window
        is an error.
    x
        Covariates: columns or expressions of numbers, Booleans, text, Categorical or Enum; `[]` for the intercept
        alone. A column without numbers is a factor: it has a term for each level but the first, `tier[B]` or
        `flag[true]`, the difference from the first level (treatment contrasts). `pool.factor` chooses another
        reference, `pool.interaction` multiplies covariates. A covariate may be constant within groups.
    by
        One or several columns or expressions that define the groups. Null is a key like any other.
    vary
        The terms that vary by group: `"intercept"` (default), terms by name, a factor or an interaction by name for all
        its terms, or a list of these. On Spark the intercept alone.
    correlated
        Whether varying terms may be correlated (default); False for independent terms, lme4's `||`.
    intercept
        Whether the model has an intercept (default). Without it the reference of a factor has the value 0.
    over
        Keys of independent models.
    weights
        Precision weights, Var(row) = sigma2 / weight: finite, 0 or more. A row of weight 0 does not count. On Spark the
        sums of the weights of the groups have at most 100,000 different values.
    method
        `"reml"` (default) or `"ml"`.
    nan
        `"error"` (default) raises an error for NaN and infinite values when the query runs; `"null"` treats them as
        missing. A row without the value or a covariate does not count (`dropped` in `regress_components` is their
        number).
    level
        Probability of the interval, between 0 and 1.
    uncertainty
        Which errors `se` includes: the errors of the group's deviation and of the population's coefficients, `"mu"`
        (default), or the error of the deviation alone, `"conditional"` (lme4's condVar).
    persist
        As in `shrink`.

    Returns
    -------
    One row per group and term: the keys of `over` and of `by`, then these columns, in units of the value per unit of
    the term. A DataFrame is sorted by its keys, with the terms in their order.

    - `term`: "intercept", a covariate, a level of a factor such as "tier[B]", or a product such as "days:tier[B]";
      String.
    - `n`: number of rows of the group, Int64.
    - `mean`: the group's own least-squares coefficient, conditional on the population's coefficients of the terms that
      do not vary; null for these terms, and where the rows of a group do not determine it.
    - `weight`: weight of the group's own coefficient in the estimate, 0 for a term that does not vary; null where the
      terms of a group depend on each other.
    - `effect`: deviation from the population's coefficient.
    - `estimate`, `se`: the partially pooled coefficient and its standard error.
    - `lower`, `upper`: limits of the interval.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once. Bad values raise when the query runs (on Spark at once), as does a covariate
        that is a combination of others if there is no `over`. A query warns once if some models have no estimates, and
        once if estimates have fewer than 8 digits because a covariate nearly depends on others.

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
