"""The partially pooled mean of its group for every row, from all rows of the group or out of fold."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from .. import arguments
from ..arguments import Call, Covariates, IntoColumn, Keys
from ..formulas.names import Family, NaN
from ..models.encoding import of_other_rows
from ..models.families import family_of
from .collecting import Frame, SparkFrame
from .engines import Query, by_engine
from .types import Mu, PriorOfRates, Sigma2, Tau2, Tau2OfLevels


def encode(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    weights: IntoColumn | None = None,
    trials: IntoColumn | None = None,
    exposure: IntoColumn | None = None,
    family: Family | None = None,
    prior: PriorOfRates = "ml",
    sigma2: Sigma2 = "pooled",
    tau2: Tau2 | Tau2OfLevels = "reml",
    mu: Mu = "gls",
    nan: NaN = "error",
    name: str = "estimate",
    columns: str | Sequence[str] | None = None,
    folds: int | IntoColumn | None = None,
    seed: int | None = None,
    order_by: IntoColumn | None = None,
    rows: pl.DataFrame | pl.LazyFrame | SparkFrame | None = None,
    toward: Covariates | None = None,
    nested: bool = False,
    at: str | Sequence[str] | None = None,
    persist: bool | None = None,
) -> Frame:
    """The partially pooled mean of its group as a new column of every row.

    Parameters
    ----------
    frame, value, by, over, weights, sigma2, tau2, mu, nan, toward
        As in `shrink`; the frame holds rows.
    trials, exposure, family, prior
        As in `shrink`: the value counts events, and the estimate is the posterior mean of the rate of the group, in
        events per trial or per unit of exposure. Rows without events or trials have it, too.
    name
        Name of the new column.
    columns
        One or several of `"estimate"` (default), `"se"`, `"n"`, `"mean"` and `"weight"`: one new column for each, with
        this name. If `name="code"`, the columns are `code`, `code_se`, `code_n` and so on.
    folds
        The rows from which each row is encoded. By default all rows of its group, its own included; a model that is
        trained on these codes sees a part of its target. A number K: K random folds whose sizes differ by at most one;
        each row is encoded from the rows of the other folds. A column or expression: its values are the folds, such as
        customers or months. In both cases sigma2, tau2 and mu, or the prior of rates, are estimated again without each
        fold. `"loo"`: each row is encoded from all other rows, with sigma2, tau2 and mu of all rows. In a large group,
        the code is then lower if the row's own value is higher, so the query warns if the median group has more than 20
        rows. `"before"`: each row is encoded from the rows of its group that are earlier in `order_by`, with sigma2,
        tau2 and mu of all rows; rows with equal `order_by` do not encode each other. Neither is for rates. A group
        without other rows gets mu, or the mean of the prior. On Spark only a column or an expression.
    seed
        Seed of random folds; without one, each run draws others. The folds depend on the order of the rows.
    order_by
        Column or expression of the order for `folds="before"`.
    rows
        Other rows to encode from the rows of the frame, in a frame of the same library with the columns that `by` and
        `over` name. A group that the frame does not have gets mu.
    nested, at
        As in `shrink`.
    persist
        As in `shrink`.

    Returns
    -------
    All rows and columns of the frame, or of `rows`, in their order (on Spark in any order), and the new columns
    (Float64 in units of the value; `n` Int64, for an exposure Float64). Rows whose value is null have the estimate of
    their group. Where the rows of the other folds determine no variance, the estimate is their mean.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once; bad values raise when the query runs.

    Source
    ------
    Gelman & Hill (2007), formula 12.1; Micci-Barreca (2001), "A preprocessing scheme for high-cardinality categorical
    attributes", SIGKDD Explorations 3; `"before"` is the ordered target statistic of Prokhorenkova et al. (2018),
    "CatBoost: unbiased boosting with categorical features", NeurIPS 31.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"school": ["b", "a", "a"], "score": [5.0, 1.0, 3.0]})
    >>> pool.encode(scores, "score", by="school", sigma2=1.0, tau2=1.0, mu=2.0).rows()
    [('b', 5.0, 3.5), ('a', 1.0, 2.0), ('a', 3.0, 2.0)]

    Each row without itself: the only row of school b has mu.

    >>> pool.encode(scores, "score", by="school", sigma2=1.0, tau2=1.0, mu=2.0, folds="loo").rows()
    [('b', 5.0, 2.0), ('a', 1.0, 2.5), ('a', 3.0, 1.5)]

    Events out of trials: 5 faults in 10 units of site a, with a prior that is worth 2 in 4.

    >>> tests = pl.DataFrame({"site": ["a", "a", "b"], "faults": [1, 4, 0], "units": [4, 6, 2]})
    >>> pool.encode(tests, "faults", by="site", trials="units", prior=pool.Beta(2, 2)).rows()
    [('a', 1, 4, 0.5), ('a', 4, 6, 0.5), ('b', 0, 2, 0.3333333333333333)]
    """
    return by_engine(frame, arguments.call(encode, locals()), "encode", _by_polars)


def _by_polars(call: Call) -> Query:
    request, encoding, rows = arguments.encoding(call)
    family = family_of(request)
    if rows is not None:
        return of_other_rows(call.frame, request, encoding, rows, family.estimates), 0
    assert family.encoded is not None
    return family.encoded(call.frame, request, encoding), 0
