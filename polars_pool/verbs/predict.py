"""The expected value of every row by a regression."""

from __future__ import annotations

import polars as pl

from .. import arguments
from ..arguments import Call, Covariates, IntoColumn, Keys
from ..formulas.names import Likelihood, NaN, OfPrediction
from .collecting import Frame, SparkFrame
from .engines import Query, by_engine


def predict(
    frame: Frame,
    value: IntoColumn,
    x: Covariates,
    by: Keys,
    *,
    rows: pl.DataFrame | pl.LazyFrame | SparkFrame | None = None,
    vary: str | list[str] | tuple[str, ...] = "intercept",
    correlated: bool = True,
    intercept: bool = True,
    over: Keys | None = None,
    weights: IntoColumn | None = None,
    method: Likelihood = "reml",
    nan: NaN = "error",
    interval: OfPrediction | None = None,
    level: float = 0.95,
    persist: bool | None = None,
) -> Frame:
    """The expected value of every row by a regression, for its group and for the population.

    Parameters
    ----------
    frame, value, x, by, vary, correlated, intercept, over, weights, method, nan
        As in `regress`: the regression that is fitted.
    rows
        Rows to predict, a DataFrame or LazyFrame (for a Spark frame a Spark DataFrame) with the columns that `x`, `by`
        and `over` name; by default the rows of the frame. A group that the frame does not have gets the prediction of
        the population.
    interval
        None (default) for no interval, `"mean"` for the expected value of a row, or `"row"` for the value of a new row
        of weight 1, whose error has the variance sigma2.
    level
        Probability of the interval, between 0 and 1.
    persist
        As in `shrink`.

    Returns
    -------
    All rows and columns in their order (on Spark in any order), and two more columns, Float64 in units of the value:
    `fitted` with the varying terms of the row's group, `population` without them. Both are null where a covariate is
    null (with `nan="null"` also where it is NaN or infinite, which is otherwise an error), or a model has no estimates.
    With `interval`, `lower` and `upper` are limits about `fitted`, by the normal distribution. They include the errors
    of the group's terms and of the population's coefficients, and the covariance of both; for a new group the variance
    of the terms between groups. They treat the variances as known, and are null where the rows do not determine these.
    The result is a frame of the same kind as `frame`.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        As in `regress`; and where `rows` lacks a column, or has a column with the name of a new one.

    Source
    ------
    Bates et al. (2015), J. Stat. Softw. 67; errors of predictions by Henderson (1975), Biometrics 31.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> growth = pl.DataFrame({"plant": [*"aaabbbccc"], "week": [0, 1, 2] * 3,
    ...     "height": [1.0, 2.1, 2.9, 2.0, 3.2, 3.9, 1.4, 2.0, 3.2]})
    >>> later = pl.DataFrame({"plant": ["a", "new"], "week": [3, 3]})
    >>> expected = pool.predict(growth, "height", x=["week"], by="plant", rows=later)
    >>> expected.select("plant", pl.col("fitted", "population").round(4)).rows()
    [('a', 3.8776, 4.2778), ('new', 4.2778, 4.2778)]
    >>> expected = pool.predict(growth, "height", x=["week"], by="plant", rows=later, interval="mean")
    >>> expected.select("plant", pl.col("lower", "fitted", "upper").round(2)).rows()
    [('a', 3.57, 3.88, 4.18), ('new', 3.03, 4.28, 5.53)]
    """
    return by_engine(frame, arguments.call(predict, locals()), "predict", _by_polars)


def _by_polars(call: Call) -> Query:
    from ..models.regression import prediction

    request = arguments.prediction(call)
    return prediction.predicted(call.frame, arguments.rows_to_predict(call, request), request), 0
