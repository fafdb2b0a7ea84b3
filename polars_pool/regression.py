"""Regression with terms that vary by group, as functions: a frame of either kind in, one of the same kind out."""

from __future__ import annotations

from typing import Any, get_args

import polars as pl

from . import check
from .check import IntoColumn, Keys
from .collecting import Frame, as_given
from .engines.regression import crossproducts, prediction, results
from .engines.regression.model import COEFFICIENTS, COMPONENTS, Regression
from .formulas.names import GivenTau2, Likelihood, NaN


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
    asked = (vary, intercept, correlated, method, weights, nan)
    lf, model = _model(frame, value, x, by, over, *asked, result=COEFFICIENTS)
    conditional = check.one_of(uncertainty, get_args(GivenTau2), "uncertainty") == "conditional"
    found = results.of_groups(*crossproducts.grouped(lf, model), model, check.level(level), conditional)
    return as_given(frame, found, len(model.key_names))


def regress_components(
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
) -> Frame:
    """The population that groups of a regression are pulled toward: its coefficients, and the variances about them.

    Parameters
    ----------
    frame, value, x, by, vary, correlated, intercept, over, weights, method, nan
        As in `regress`.
    level
        Probability of the intervals of mu, between 0 and 1.

    Returns
    -------
    One row a model: the `over` keys, `groups` (those with rows), `n` (rows) and `dropped` (rows that lack the value or
    a covariate), all Int64, and `sigma2`, the variance within groups. With a field a varying term `tau2`, their
    variances, and `correlation`, a struct of structs; with a field a term `mu`, the population's coefficients, `se_mu`,
    `mu_lower`, `mu_upper`, `mu_p` (test of 0 by the normal) and `cov_mu`, their covariance, a struct of structs. Then
    `icc`, the share of the varying terms in the variance that the fixed ones leave, for a varying slope at the mean
    over the rows; `r2_marginal` and `r2_conditional`, the shares of the fixed, and of the fixed and varying terms;
    `log_likelihood` (restricted for reml; with weights less the constant sum(log weight) / 2) and `aic` of it;
    `singular`, a sentence where a term does not vary or varying terms have a correlation at its limit, else null; and
    `converged`, false where the rows do not identify the variances (the likelihood is flat along a line), or the search
    did not settle.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        As in `regress`.

    Source
    ------
    Bates et al. (2015), J. Stat. Softw. 67; R² by Nakagawa & Schielzeth (2013), Methods Ecol. Evol. 4, and Johnson
    (2014), Methods Ecol. Evol. 5.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> growth = pl.DataFrame({"plant": [*"aaabbbccc"], "week": [0, 1, 2] * 3,
    ...     "height": [1.0, 2.1, 2.9, 2.0, 3.2, 3.9, 1.4, 2.0, 3.2]})
    >>> found = pool.regress_components(growth, "height", x=["week"], by="plant")
    >>> found.select("groups", "n", pl.col("mu").struct["week"].round(4), pl.col("icc").round(4)).rows()
    [(3, 9, 0.9333, 0.9241)]
    """
    lf, model = _model(frame, value, x, by, over, vary, intercept, correlated, method, weights, nan)
    check.distinct_keys(model.over_names, (), COMPONENTS)
    found = results.of_models(*crossproducts.grouped(lf, model), model, check.level(level))
    return as_given(frame, found, len(model.over_names))


def predict(
    frame: Frame,
    value: IntoColumn,
    x: Keys,
    by: Keys,
    *,
    rows: pl.DataFrame | pl.LazyFrame | None = None,
    vary: str | list[str] | tuple[str, ...] = "intercept",
    correlated: bool = True,
    intercept: bool = True,
    over: Keys | None = None,
    weights: IntoColumn | None = None,
    method: Likelihood = "reml",
    nan: NaN = "error",
) -> Frame:
    """What a regression expects of every row, by its group and by the population alone.

    Parameters
    ----------
    frame, value, x, by, vary, correlated, intercept, over, weights, method, nan
        As in `regress`: what is fitted.
    rows
        Rows to predict, with the columns that `x`, `by` and `over` name, DataFrame or LazyFrame; by default those of
        the frame. A group that the frame does not have gets what the population says.

    Returns
    -------
    All rows and columns in their order, and two more, Float64 in units of the value: `fitted`, with the terms of the
    row's group, and `population`, without. Null where a covariate is null (with `nan="null"` also where it is NaN or
    infinite, which is otherwise an error), or a model has no estimates. Eager or lazy as the frame is.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        As in `regress`; and where `rows` lacks a column, or has one of the names of the new ones.

    Source
    ------
    Bates et al. (2015), J. Stat. Softw. 67.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> growth = pl.DataFrame({"plant": [*"aaabbbccc"], "week": [0, 1, 2] * 3,
    ...     "height": [1.0, 2.1, 2.9, 2.0, 3.2, 3.9, 1.4, 2.0, 3.2]})
    >>> later = pl.DataFrame({"plant": ["a", "new"], "week": [3, 3]})
    >>> expected = pool.predict(growth, "height", x=["week"], by="plant", rows=later)
    >>> expected.select("plant", pl.col("fitted", "population").round(4)).rows()
    [('a', 3.8776, 4.2778), ('new', 4.2778, 4.2778)]
    """
    lf, model = _model(frame, value, x, by, over, vary, intercept, correlated, method, weights, nan)
    found = prediction.predicted(lf, check.rows_to_predict(rows, lf, model), model)
    return as_given(frame, found, 0)


def _model(
    frame: Frame,
    value: Any,
    x: Any,
    by: Any,
    over: Any,
    vary: Any,
    intercept: Any,
    correlated: Any,
    method: Any,
    weights: Any,
    nan: Any,
    result: tuple[str, ...] = (),
) -> tuple[pl.LazyFrame, Regression]:
    lf = check.lazy(frame)
    terms = {"vary": vary, "intercept": intercept, "correlated": correlated}
    return lf, check.regression(lf, value, x, by, over, **terms, method=method, weights=weights, nan=nan, result=result)
