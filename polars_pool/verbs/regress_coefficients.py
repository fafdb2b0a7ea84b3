"""Tables of the coefficients of regressions, one row per model and term."""

from __future__ import annotations

from .. import arguments
from ..arguments import Call, Covariates, IntoColumn, Keys
from ..formulas.names import Likelihood, NaN, TestOfTerm
from .collecting import Frame
from .engines import Query, by_engine


def regress_coefficients(
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
    test: TestOfTerm = "z",
    covariance: bool = False,
) -> Frame:
    """Coefficients of the population that the groups of a regression are shrunk toward, with their tests, as a table.

    Parameters
    ----------
    frame, value, x, by, vary, correlated, intercept, over, weights, method, nan
        As in `regress`.
    level
        Probability of the intervals, between 0 and 1.
    test
        Tests and intervals: `"z"` by the normal distribution (default), or `"t"` by Student's distribution with
        Satterthwaite's degrees of freedom, as R's lmerTest. With few groups the intervals of `"z"` are too short.
    covariance
        False (default) for one row per term; True for the covariances of the coefficients, one row per ordered pair of
        terms.

    Returns
    -------
    One row per model and term: the keys of `over`, then these columns. A DataFrame is sorted by its keys, with the
    terms in their order.

    - `term`: "intercept" or a covariate; String.
    - `estimate`, `se`: coefficient of the population and its standard error, in units of the value per unit of the
      term.
    - `statistic`: estimate / se.
    - `df`: degrees of freedom of `test="t"`; null for `"z"`.
    - `lower`, `upper`: limits of the interval.
    - `p`: two-sided probability of the test of 0.

    With `covariance=True`, one row per model and ordered pair of terms: the keys of `over`, `term`, `other_term` and
    `covariance`.

    A number is null where the rows do not determine it.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        As in `regress`.

    Source
    ------
    Bates et al. (2015), J. Stat. Softw. 67; degrees of freedom by Kuznetsova, Brockhoff & Christensen (2017),
    "lmerTest: tests in linear mixed effects models", J. Stat. Softw. 82.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> growth = pl.DataFrame({"plant": [*"aaabbbccc"], "week": [0, 1, 2] * 3,
    ...     "height": [1.0, 2.1, 2.9, 2.0, 3.2, 3.9, 1.4, 2.0, 3.2]})
    >>> table = pool.regress_coefficients(growth, "height", x=["week"], by="plant", test="t")
    >>> table.select("term", pl.col("estimate", "se", "statistic", "df").round(3)).rows()
    [('intercept', 1.478, 0.323, 4.58, 2.162), ('week', 0.933, 0.063, 14.757, 5.0)]
    """
    return by_engine(frame, arguments.call(regress_coefficients, locals()), "regress_coefficients", _by_polars)


def _by_polars(call: Call) -> Query:
    from ..models.regression import inference

    request = arguments.coefficients_of_regression(call)
    return inference.table(call.frame, request), len(request.over_names)
