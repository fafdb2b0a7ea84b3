"""The error of predicting rows that are held out, with and without pooling."""

from __future__ import annotations

from .. import arguments
from ..arguments import IntoColumn, Keys
from ..formulas.names import (
    NaN,
)
from ..models.oneway import comparison
from .collecting import Frame, same_kind
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
) -> Frame:
    """What pooling gains on your data: the error of predicting rows that are held out, from moments alone.

    Every row is held out in turn and predicted from all others: by the mean of its group (`none`), by the grand mean
    of all rows or the known mu (`complete`), by the partially pooled mean with mu refitted (`partial`). The error is
    exact, as if each row were really left out; sigma2 and tau2 stay those of all rows. All three are compared on the
    same rows, those of groups with two or more: without its only row a group has no mean.

    Parameters
    ----------
    frame, value, by, over, n, var, sigma2, tau2, mu, nan
        As in `shrink`, for rows or stored moments, without weights.

    Returns
    -------
    One row a model: the `over` keys, `groups` and `n`, the rows compared, both Int64; the mean squared errors `none`,
    `complete` and `partial` in squared units of the value, which hold the variance of a single row, for no prediction
    can know it; `gain_on_none` and `gain_on_complete`, by how many per cent partial pooling errs less (negative: more);
    and the pooling factors `pooling_rows` (rows about their group) and `pooling_groups` (groups about mu), 0 to 1: near
    1 the data say little of the single deviations. Errors are null where no group has two rows, pooling factors where
    nothing deviates on a level.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; bad values when the query runs.

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
    call = arguments.call(compare, locals())
    request = arguments.means_without_priors(call, "compare")
    arguments.distinct_keys(request.over_names, (), comparison.STATISTICS)
    return same_kind(frame, comparison.comparisons(call.frame, request), len(request.over_names))
