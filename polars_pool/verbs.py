"""The four stages as functions: LazyFrame in, LazyFrame out; DataFrame in, DataFrame out."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeVar

import polars as pl
from scipy.special import ndtri

from . import check, warning
from .check import IntoColumn, Keys
from .engines import components as _components
from .engines import encoding, estimates
from .engines import groups as _groups
from .engines.model import Hyperparameter, Model
from .engines.unseen import with_unseen

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
NaN = Literal["error", "null"]

MOMENTS = ("n", "mean", "var")
ESTIMATES = ("n", "mean", "v", "weight", "estimate", "se", "lower", "upper")


def moments(
    frame: Frame, value: IntoColumn, by: Keys, *, weights: IntoColumn | None = None, nan: NaN = "error"
) -> Frame:
    """Count, mean and sample variance of every group: all that partial pooling needs of the rows.

    Parameters
    ----------
    frame
        Rows, a DataFrame or LazyFrame; a LazyFrame stays lazy.
    value
        Column or expression of numbers or Booleans; a null does not count.
    by
        One or several columns or expressions: the groups. Null is a key like any other.
    weights
        Precision weights, Var(row) = sigma2 / weight: finite, 0 or more. A row of weight 0 does not count.
    nan
        `"error"` (default) refuses NaN and infinite values when the query runs, `"null"` counts them as missing.

    Returns
    -------
    The keys, `n` (Int64), `mean`, `var` (ddof 1, null at n = 1; in squared units of the value), and with weights `w`,
    their sum. A DataFrame comes sorted by its keys.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; NaN or infinite values and bad weights when the query runs.

    Source
    ------
    Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance", The American Statistician 37.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"school": ["a", "a", "b"], "score": [1.0, 3.0, 5.0]})
    >>> pool.moments(scores, "score", by="school").rows()
    [('a', 2, 2.0, 2.0), ('b', 1, 5.0, None)]
    """
    lf = check.lazy(frame)
    result = (*MOMENTS, "w") if weights is not None else MOMENTS
    model = check.model(lf, value, by, weights=weights, nan=nan, result=result)
    return _as_given(frame, _groups.states(lf, model), model.key_names)


def merge(
    frame: Frame,
    by: Keys,
    *,
    value: IntoColumn = "mean",
    n: IntoColumn = "n",
    var: IntoColumn = "var",
    weights: IntoColumn | None = None,
) -> Frame:
    """Merge stored moments of disjoint rows: states with equal keys become the moments of their union, exactly.

    Parameters
    ----------
    frame
        States, one row each, as `moments` returns them; concatenate as many as there are.
    by
        The keys to merge by: those of the states, or fewer.
    value, n, var
        Columns or expressions of the states' mean, count and sample variance (ignored where n is 1 or less).
    weights
        The states' total precision weight `w`, if they were made with weights.

    Returns
    -------
    The keys, `n`, `mean`, `var`, and `w` with weights. A DataFrame comes sorted by its keys.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; a negative or fractional n, a negative var or weight when the query runs.

    Source
    ------
    Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance", The American Statistician 37.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> monday = pl.DataFrame({"school": ["a"], "n": [2], "mean": [2.0], "var": [2.0]})
    >>> tuesday = pl.DataFrame({"school": ["a"], "n": [1], "mean": [5.0], "var": [None]})
    >>> pool.merge(pl.concat([monday, tuesday], how="vertical_relaxed"), by="school").rows()
    [('a', 3, 3.0, 4.0)]
    """
    lf = check.lazy(frame)
    result = (*MOMENTS, "w") if weights is not None else MOMENTS
    model = check.model(lf, value, by, n=n, var=var, weights=weights, result=result)
    return _as_given(frame, _groups.states(lf, model), model.key_names)


def components(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    se: IntoColumn | None = None,
    weights: IntoColumn | None = None,
    sigma2: Hyperparameter = "pooled",
    tau2: Hyperparameter = "reml",
    mu: Hyperparameter = "gls",
    nan: NaN = "error",
) -> Frame:
    """Variance within groups, variance between them and the population mean of every model.

    Parameters
    ----------
    frame, value, by, over, n, var, se, weights, sigma2, tau2, mu, nan
        As in `shrink`.

    Returns
    -------
    One row a model: the `over` keys, `groups` (those with rows) and `n` (rows; null for published estimates without
    n=), both Int64, `sigma2` and `tau2` in squared units of the value, `mu` and its standard error `se_mu`, `icc` =
    tau2 / (tau2 + sigma2), and `converged`, false where an iteration did not settle or no group has two rows.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; bad values when the query runs. A DataFrame whose models did not converge warns once.

    Source
    ------
    Searle, Casella & McCulloch (1992), Variance Components; Viechtbauer (2005), J. Educ. Behav. Stat. 30.

    Examples
    --------
    Eight schools (Rubin 1981): the spread between the schools is no larger than their standard errors explain.

    >>> import polars as pl, polars_pool as pool
    >>> schools = pl.DataFrame({"school": list("ABCDEFGH"),
    ...     "effect": [28, 8, -3, 7, -1, 1, 18, 12], "se": [15, 10, 16, 11, 9, 11, 10, 18]})
    >>> found = pool.components(schools, "effect", se="se", by="school")
    >>> found["tau2"].item(), round(found["mu"].item(), 6)
    (0.0, 7.685617)
    """
    lf = check.lazy(frame)
    model = check.model(
        lf, value, by, over, n=n, var=var, se=se, weights=weights, sigma2=sigma2, tau2=tau2, mu=mu, nan=nan
    )
    check.distinct_keys(model.over_names, (), _components.STATISTICS)
    found = _components.result(_found(lf, model)[1], model)
    result = _as_given(frame, found, model.over_names)
    if isinstance(result, pl.DataFrame):
        columns = (pl.col(name) for name in ("groups", "sigma2", "converged"))
        warning.warn(result.select(warning.alarm(model.input == "published", *columns)).to_series())
    return result


def shrink(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    se: IntoColumn | None = None,
    weights: IntoColumn | None = None,
    sigma2: Hyperparameter = "pooled",
    tau2: Hyperparameter = "reml",
    mu: Hyperparameter = "gls",
    nan: NaN = "error",
    level: float = 0.95,
    uncertainty: Literal["mu", "conditional", "tau2"] = "mu",
    predict: Literal["mean", "row", "replicate"] = "mean",
    threshold: float | None = None,
    groups: pl.DataFrame | pl.LazyFrame | None = None,
) -> Frame:
    """Partially pooled mean of every group: `weight * mean + (1 - weight) * mu`, with its interval.

    Parameters
    ----------
    frame
        Rows, stored moments or published estimates: a DataFrame or LazyFrame. A LazyFrame stays lazy and is
        scanned once.
    value
        Column or expression of numbers or Booleans: the rows' value; with `n` and `var` the stored mean; with `se` the
        published estimate. A null does not count.
    by
        One or several columns or expressions: the groups that are pooled. Null is a key like any other.
    over
        Keys of independent models, each with its own sigma2, tau2 and mu; thousands are one query.
    n, var
        Stored count and sample variance of every group; rows with equal keys are merged exactly.
    se
        Standard error of a published estimate, in units of the value; repeated keys combine by inverse variance. `n=`
        beside it is optional and may be null.
    weights
        Precision weights of rows, Var(row) = sigma2 / weight, not repetitions; with stored moments their total `w`.
    sigma2
        Variance within groups: `"pooled"`, `"separate"` for each group its own, or a number that is known.
    tau2
        Variance between groups: the name of an estimator (`"reml"` by default; the README lists all) or a known number.
    mu
        Population mean: `"gls"`, `"rows"`, `"groups"`, `"shrunk"`, or a known number.
    nan
        `"error"` (default) refuses NaN and infinite values when the query runs, `"null"` counts them as missing.
    level
        Probability of the interval, between 0 and 1.
    uncertainty
        `"mu"` (default): `se` includes the error of mu (metafor's BLUP); `"conditional"`: given mu (lme4's condVar);
        `"tau2"`: with the error of tau2 too, up to v at most. That estimator must have a standard error: not `"cv"`,
        `"plugin"`. With a known tau2 it is `"mu"`. With few groups the first two are too short (README).
    predict
        What `se`, `lower`, `upper` and `p_above` are about: the group's true `"mean"` (default); a new `"row"` of the
        group, se squared + sigma2 (with weights, of a row of weight 1); or a `"replicate"` of its mean, observed anew
        with the same v, se squared + v.
    threshold
        A number in units of the value: adds `p_above`, the probability of what `predict` names to exceed it.
    groups
        A frame with the columns of `by`, and all or none of those of `over`: keys in it that no row has are groups
        with n = 0, weight 0, estimate mu and se sqrt(tau2 + se_mu squared).

    Returns
    -------
    One row a group: the `over` and `by` keys, `n` (Int64; null for published estimates without n=), `mean`, its
    sampling variance `v`, `weight`, `estimate`, `se`, `lower`, `upper`; with a threshold `p_above`. A DataFrame comes
    sorted by its keys.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; bad values when the query runs. A DataFrame whose models did not converge warns once.

    Source
    ------
    Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, formula 12.1; standard
    error by Raudenbush & Bryk (1985), "Empirical Bayes meta-analysis", J. Educ. Stat. 10; with the error of tau2 by
    Prasad & Rao (1990), JASA 85, and Datta, Rao & Smith (2005), Biometrika 92.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"school": ["a", "a", "a", "b"], "score": [1.0, 3.0, 2.0, 9.0]})
    >>> pooled = pool.shrink(scores, "score", by="school", sigma2=3.0, tau2=1.0, mu=6.0)
    >>> pooled.select("school", "n", "mean", "v", "weight", "estimate").rows()
    [('a', 3, 2.0, 1.0, 0.5, 4.0), ('b', 1, 9.0, 3.0, 0.25, 6.75)]

    Eight schools (Rubin 1981), pooled completely: were school A observed anew, would its effect be 28 again?

    >>> schools = pl.DataFrame({"school": list("ABCDEFGH"),
    ...     "effect": [28, 8, -3, 7, -1, 1, 18, 12], "se": [15, 10, 16, 11, 9, 11, 10, 18]})
    >>> again = pool.shrink(schools, "effect", se="se", by="school", tau2=0, predict="replicate", threshold=28)
    >>> round(again["p_above"][0], 8)
    0.09560784
    """
    lf = check.lazy(frame)
    model = check.model(
        lf, value, by, over, n=n, var=var, se=se, weights=weights, sigma2=sigma2, tau2=tau2, mu=mu, nan=nan
    )
    columns = ESTIMATES if threshold is None else (*ESTIMATES, "p_above")
    check.distinct_keys(model.over_names, model.by_names, columns)
    quantile = float(ndtri((1 + check.level(level)) / 2))
    model = replace(model, tau2_error=check.uncertainty(uncertainty, model) == "tau2")
    check.predict(predict, model)
    threshold = check.threshold(threshold)
    unseen = check.unseen(groups, lf, model)
    grouped, found = _found(lf, model, unseen)
    pooled = estimates.estimated(estimates.joined(grouped, found, model), model)
    pooled = estimates.with_errors(pooled, model, quantile, uncertainty, predict, threshold)
    if isinstance(frame, pl.LazyFrame):
        return estimates.result(pooled, model, columns)
    return _warned(_sorted(estimates.result(pooled, model, columns, _alarm(model)), model.key_names))


def encode(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    weights: IntoColumn | None = None,
    sigma2: Hyperparameter = "pooled",
    tau2: Hyperparameter = "reml",
    mu: Hyperparameter = "gls",
    nan: NaN = "error",
    name: str = "estimate",
) -> Frame:
    """The partially pooled mean of its group beside every row.

    Parameters
    ----------
    frame, value, by, over, weights, sigma2, tau2, mu, nan
        As in `shrink`; the frame holds rows.
    name
        Name of the new column.

    Returns
    -------
    All rows and columns of the frame in their order, and the new column (Float64, in units of the value). Rows whose
    value is null have the estimate of their group. Each row's own value is part of its estimate: for features of a
    model that is then trained on the same rows, encode out of fold.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; bad values when the query runs.

    Source
    ------
    Gelman & Hill (2007), formula 12.1.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"school": ["b", "a", "a"], "score": [5.0, 1.0, 3.0]})
    >>> pool.encode(scores, "score", by="school", sigma2=1.0, tau2=1.0, mu=2.0).rows()
    [('b', 5.0, 3.5), ('a', 1.0, 2.0), ('a', 3.0, 2.0)]
    """
    lf = check.lazy(frame)
    model = check.model(lf, value, by, over, weights=weights, sigma2=sigma2, tau2=tau2, mu=mu, nan=nan)
    estimate = estimates.ESTIMATE.alias(check.new_column(lf.collect_schema(), name))
    if isinstance(frame, pl.LazyFrame):
        return encoding.encoded(lf, model, estimate)
    return _warned(encoding.encoded(lf, model, estimate, _alarm(model)))


def _found(lf: pl.LazyFrame, model: Model, unseen: pl.LazyFrame | None = None) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The groups, and the components of their models."""
    grouped, constants = _groups.grouped(lf, model)
    if unseen is not None:
        grouped = with_unseen(grouped, unseen, model)
    return grouped, _components.components(_components.classes(grouped, model), constants, model)


def _alarm(model: Model) -> pl.Expr:
    columns = (estimates.GROUPS, estimates.SIGMA2, estimates.CONVERGED)
    return warning.alarm(model.input == "published", *columns).alias("_pool_alarm")


def _warned(result: pl.LazyFrame) -> pl.DataFrame:
    """The result collected, its last column spoken."""
    collected = result.collect()
    warning.warn(collected["_pool_alarm"])
    return collected.drop("_pool_alarm")


def _sorted(lf: pl.LazyFrame, keys: tuple[str, ...]) -> pl.LazyFrame:
    return lf.sort(pl.nth(range(len(keys)))) if keys else lf


def _as_given(frame: Frame, result: pl.LazyFrame, keys: tuple[str, ...]) -> Frame:
    """A LazyFrame as it is, a DataFrame collected and sorted by its keys."""
    return result if isinstance(frame, pl.LazyFrame) else _sorted(result, keys).collect()
