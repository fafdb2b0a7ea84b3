"""The prediction error for rows that are held out, with and without pooling."""

from __future__ import annotations

from .. import arguments
from ..arguments import Call, Covariates, IntoColumn, Keys
from ..formulas.names import (
    NaN,
)
from ..models.meta_regression.spec import MetaRegression
from .collecting import Frame
from .engines import Query, by_engine
from .types import Mu, Sigma2, Tau2


def compare(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    sigma2: Sigma2 = "pooled",
    tau2: Tau2 = "reml",
    mu: Mu = "gls",
    nan: NaN = "error",
    toward: Covariates | None = None,
    persist: bool | None = None,
) -> Frame:
    """Prediction errors without, with complete and with partial pooling, for rows that are held out.

    Every row is held out in turn and predicted from all others: by the mean of its group (`none`), by the grand mean
    of all rows or the known mu (`complete`), and by the partially pooled mean with mu estimated again (`partial`).
    The errors need the moments alone and are exact, as if each row were left out; sigma2 and tau2 are estimated once,
    from all rows. All three errors describe the same rows, those of groups with two rows or more: without its only row
    a group has no mean.

    Parameters
    ----------
    frame, value, by, over, n, var, sigma2, tau2, mu, nan
        As in `shrink`, for rows or stored moments, without weights.
    toward
        As in `shrink`: `partial` pulls a group toward what its predictors say, and `complete` predicts each row by
        these alone, both with the coefficients estimated again. The error without `toward` shows what they gain.
    persist
        As in `shrink`.

    Returns
    -------
    One row per model: the keys of `over`, then these columns.

    - `groups`, `n`: number of groups, and of rows that are compared, both Int64.
    - `none`, `complete`, `partial`: mean squared errors of the predictions, in squared units of the value. They include
      the variance of a single row, and are null where no group has two rows.
    - `gain_on_none`, `gain_on_complete`: percentage by which the error of partial pooling is smaller; negative where it
      is larger.
    - `pooling_rows`, `pooling_groups`: pooling factors, between 0 and 1, of rows about their group and of groups about
      mu. Near 1 the data contain little information about the single deviations. Null where there are none at this
      level. Not with `toward`.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once; bad values raise when the query runs.

    Source
    ------
    Stone (1974), "Cross-validatory choice and assessment of statistical predictions", J. R. Stat. Soc. B 36; pooling
    factors by Gelman & Pardoe (2006), Technometrics 48, at the estimated sigma2 and tau2.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"school": ["a", "a", "b", "b", "c", "c"], "score": [1.0, 3.0, 2.0, 6.0, 4.0, 5.0]})
    >>> compared = pool.compare(scores, "score", by="school", sigma2=4.0, tau2=2.0)
    >>> compared.select("n", "none", "complete", "partial").rows()
    [(6, 7.0, 4.2, 4.59375)]
    """
    return by_engine(frame, arguments.call(compare, locals()), "compare", _by_polars)


def _by_polars(call: Call) -> Query:
    request = arguments.comparison(call)
    if isinstance(request, MetaRegression):
        from ..models.meta_regression.comparison import comparisons as beside_predictors

        return beside_predictors(call.frame, request), len(request.over_names)
    from ..models.oneway.comparison import comparisons

    return comparisons(call.frame, request), len(request.over_names)
