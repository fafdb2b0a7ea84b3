"""Rows to moments: count, mean and variance of every group."""

from __future__ import annotations

from .. import arguments
from ..arguments import Call, IntoColumn, Keys
from ..formulas.names import (
    NaN,
)
from .collecting import Frame
from .engines import Query, by_engine


def moments(
    frame: Frame, value: IntoColumn, by: Keys, *, weights: IntoColumn | None = None, nan: NaN = "error"
) -> Frame:
    """Count, mean and sample variance of every group: all statistics of the rows that partial pooling needs.

    Parameters
    ----------
    frame
        Rows, a DataFrame or LazyFrame of Polars, or a Spark DataFrame; the result of the latter two is lazy.
    value
        Column or expression of numbers or Booleans, computed row by row; a null does not count.
    by
        One or several columns or expressions that define the groups. Null is a key like any other.
    weights
        Precision weights, Var(row) = sigma2 / weight: finite, 0 or more. A row of weight 0 does not count.
    nan
        `"error"` (default) raises an error for NaN and infinite values when the query runs; `"null"` treats them as
        missing.

    Returns
    -------
    The keys, `n` (Int64), `mean`, `var` (ddof 1, null at n = 1; in squared units of the value), and with weights `w`,
    their sum. A DataFrame is sorted by its keys.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once; NaN or infinite values and bad weights raise when the query runs.

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
    return by_engine(frame, arguments.call(moments, locals()), "states", _by_polars)


def _by_polars(call: Call) -> Query:
    from ..models.oneway import groups

    request = arguments.states(call)
    return groups.states(call.frame, request), len(request.key_names)
