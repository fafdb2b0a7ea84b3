"""The coefficients of predictors of groups, one row per model and term."""

from __future__ import annotations

from .. import arguments
from ..arguments import Call, Covariates, IntoColumn, Keys
from ..formulas.names import NaN, Test
from .collecting import Frame
from .engines import Query, by_engine
from .types import Sigma2, Tau2


def coefficients(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    toward: Covariates,
    *,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    se: IntoColumn | None = None,
    weights: IntoColumn | None = None,
    sigma2: Sigma2 = "pooled",
    tau2: Tau2 = "reml",
    nan: NaN = "error",
    level: float = 0.95,
    test: Test = "z",
    covariance: bool = False,
    persist: bool | None = None,
) -> Frame:
    """Coefficients of the predictors that the groups' means are pulled toward, with errors, intervals and tests.

    The model is `mean = x'b + group + error`: meta-regression (metafor's `mods`), or the model of Fay & Herriot.

    Parameters
    ----------
    frame, value, by, toward, over, n, var, se, weights, sigma2, tau2, nan
        As in `shrink`. `toward=[]` has the intercept alone.
    level
        Probability of the interval, between 0 and 1.
    test
        `"z"` by the normal distribution (default), `"t"` by Student's distribution with J - p degrees of freedom (J
        groups, p coefficients), `"knha"` by Student's distribution with errors by the observed spread (Knapp &
        Hartung), `"adhoc"` by the larger of these errors and the ordinary ones.
    covariance
        True returns the covariance of the coefficients instead, one row for each pair of terms.
    persist
        As in `shrink`.

    Returns
    -------
    One row per model and term: the keys of `over`, then these columns.

    - `term`: "intercept" or a predictor; String.
    - `estimate`, `se`: the coefficient, in units of the value per unit of the predictor, and its standard error.
    - `statistic`: estimate / se.
    - `df`: degrees of freedom of Student's distribution; null for the normal one.
    - `lower`, `upper`: limits of the interval.
    - `p`: probability of a statistic as far from 0 if the coefficient is 0.

    With `covariance=True`: `term`, `other_term`, `covariance`.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once. Bad values raise when the query runs, as does a predictor that varies within a
        group, or is a combination of others if there is no `over`.

    Source
    ------
    Raudenbush (2009), "Analyzing effect sizes: random-effects models"; Viechtbauer (2010), J. Stat. Softw. 36; Fay &
    Herriot (1979), JASA 74; Knapp & Hartung (2003), Stat. Med. 22.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> trials = pl.DataFrame({"trial": [*"abcdef"], "dose": [0, 1, 2, 3, 4, 5],
    ...     "effect": [0.1, 0.3, 0.2, 0.6, 0.5, 0.9], "se": [0.1, 0.2, 0.1, 0.2, 0.1, 0.2]})
    >>> terms = pool.coefficients(trials, "effect", se="se", by="trial", toward="dose")
    >>> terms.select("term", pl.col("estimate", "se", "p").round(4)).rows()
    [('intercept', 0.0636, 0.0883, 0.4711), ('dose', 0.1236, 0.0318, 0.0001)]
    """
    return by_engine(frame, arguments.call(coefficients, locals()), "coefficients", _by_polars)


def _by_polars(call: Call) -> Query:
    from ..models.meta_regression.coefficients import coefficients, covariances

    request, covariance = arguments.coefficients(call)
    return (covariances if covariance else coefficients)(call.frame, request), len(request.over_names)
