"""The prediction error for rows that are held out, with and without pooling."""

from __future__ import annotations

from .. import arguments
from ..arguments import Call, Covariates, IntoColumn, Keys
from ..formulas.names import Family, NaN
from ..models.meta_regression.spec import MetaRegression
from ..models.rates.spec import Rates
from .collecting import Frame
from .engines import Query, by_engine
from .types import Mu, PriorOfRates, Sigma2, Tau2


def compare(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    trials: IntoColumn | None = None,
    exposure: IntoColumn | None = None,
    family: Family | None = None,
    prior: PriorOfRates = "ml",
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

    With rates, every single trial is held out in turn and predicted from all others: by the rate of its group, by the
    rate of all trials or the mean of a known prior, and by the partially pooled rate. The size of the prior is
    estimated once, from all trials; an estimated mean moves as the weighted mean of the raw rates does. Rows of several
    trials need not be split.

    Parameters
    ----------
    frame, value, by, over, n, var, sigma2, tau2, mu, nan
        As in `shrink`, for rows or stored moments, without weights.
    trials, family, prior
        As in `shrink`: the value counts events out of trials, or is 0 or 1 with `family="binomial"`. A Boolean value
        without `family` is 0 and 1, without a warning.
    exposure
        Is refused: events in an exposure are no trials that could be held out.
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
      level. Not with `toward` or rates.

    For rates `n` counts the trials that are compared, those of groups with two trials or more; `none`, `complete` and
    `partial` are Brier scores, the mean squared differences between the outcome, 0 or 1, and its predicted probability;
    and three columns follow:

    - `log_none`, `log_complete`, `log_partial`: log scores, the mean logarithms of the predicted probability of what
      happened; higher is better. `-inf` where an outcome had the predicted probability 0: without pooling, wherever a
      group of two trials or more has one event, or one trial without.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once; bad values raise when the query runs.

    Source
    ------
    Stone (1974), "Cross-validatory choice and assessment of statistical predictions", J. R. Stat. Soc. B 36; scores of
    probabilities by Brier (1950), Mon. Weather Rev. 78, and Good (1952), J. R. Stat. Soc. B 14; pooling factors by
    Gelman & Pardoe (2006), Technometrics 48, at the estimated sigma2 and tau2.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"school": ["a", "a", "b", "b", "c", "c"], "score": [1.0, 3.0, 2.0, 6.0, 4.0, 5.0]})
    >>> compared = pool.compare(scores, "score", by="school", sigma2=4.0, tau2=2.0)
    >>> compared.select("n", "none", "complete", "partial").rows()
    [(6, 7.0, 4.2, 4.59375)]

    Single units, with or without a fault: pooled rates predict them better than a common rate.

    >>> tests = pl.DataFrame({"site": ["a", "b", "c"], "faults": [1, 9, 3], "units": [20, 20, 20]})
    >>> scores = pool.compare(tests, "faults", by="site", trials="units")
    >>> scores.select(pl.col("complete", "partial", "log_complete", "log_partial").round(3)).rows()
    [(0.176, 0.155, -0.54, -0.484)]
    """
    return by_engine(frame, arguments.call(compare, locals()), "compare", _by_polars)


def _by_polars(call: Call) -> Query:
    request = arguments.comparison(call)
    if isinstance(request, MetaRegression):
        from ..models.meta_regression.comparison import comparisons as beside_predictors

        return beside_predictors(call.frame, request), len(request.over_names)
    if isinstance(request, Rates):
        from ..models.rates.comparison import comparisons as of_rates

        return of_rates(call.frame, request), len(request.over_names)
    from ..models.oneway.comparison import comparisons

    return comparisons(call.frame, request), len(request.over_names)
