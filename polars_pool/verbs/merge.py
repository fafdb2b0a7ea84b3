"""Moments of disjoint rows to the moments of all."""

from __future__ import annotations

from .. import arguments
from ..arguments import Call, IntoColumn, Keys
from .collecting import Frame
from .engines import Query, by_engine


def merge(
    frame: Frame,
    by: Keys,
    *,
    value: IntoColumn = "mean",
    n: IntoColumn = "n",
    var: IntoColumn = "var",
    weights: IntoColumn | None = None,
) -> Frame:
    """Merged moments of disjoint rows: states with equal keys become the moments of their union, exactly.

    Parameters
    ----------
    frame
        States (stored moments), one per row, as `moments` returns them, in Polars or Spark; concatenate the frames of
        several states.
    by
        The keys to merge by: the keys of the states, or some of them.
    value, n, var
        Columns or expressions of the states' mean, count and sample variance (ignored where n is 1 or less).
    weights
        The states' total precision weight `w`, if `moments` had weights.

    Returns
    -------
    The keys, `n`, `mean`, `var`, and `w` with weights. A DataFrame is sorted by its keys.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once; a negative or fractional n, or a negative var or weight, raises when the query
        runs.

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
    return by_engine(frame, arguments.call(merge, locals()), "states", _by_polars)


def _by_polars(call: Call) -> Query:
    from ..models.oneway import groups

    request = arguments.states(call)
    return groups.states(call.frame, request), len(request.key_names)
