"""The partially pooled mean of its group for every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import polars as pl

from .. import arguments
from ..arguments import Call, IntoColumn, Keys
from ..formulas.names import (
    NaN,
)
from ..models.encoding import of_other_rows
from ..models.families import family_of
from .collecting import Frame
from .engines import Query, by_engine
from .types import Mu, Sigma2, Tau2, Tau2OfLevels


def encode(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    weights: IntoColumn | None = None,
    sigma2: Sigma2 = "pooled",
    tau2: Tau2 | Tau2OfLevels = "reml",
    mu: Mu = "gls",
    family: Literal["normal", "binomial"] | None = None,
    nan: NaN = "error",
    name: str = "estimate",
    columns: str | Sequence[str] | None = None,
    folds: int | IntoColumn | None = None,
    seed: int | None = None,
    order_by: IntoColumn | None = None,
    rows: pl.DataFrame | pl.LazyFrame | None = None,
    nested: bool = False,
    at: str | Sequence[str] | None = None,
    persist: bool | None = None,
) -> Frame:
    """The partially pooled mean of its group as a new column of every row.

    Parameters
    ----------
    frame, value, by, over, weights, sigma2, tau2, mu, nan
        As in `shrink`; the frame holds rows.
    family
        `"normal"` pools a Boolean value as the numbers 0 and 1 without a warning. For rates of every row use the
        expression `pl.col(value).pool.shrink(by=..., family="binomial")`.
    name
        Name of the new column.
    nested, at
        As in `shrink`.
    persist
        As in `shrink`.

    Returns
    -------
    All rows and columns of the frame in their order, and the new column (Float64, in units of the value). Rows whose
    value is null have the estimate of their group. Each row's own value is part of its estimate. If a model is then
    trained on the same rows with this feature, encode out of fold.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once; bad values raise when the query runs.

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
    return by_engine(frame, arguments.call(encode, locals()), "encode", _by_polars)


def _by_polars(call: Call) -> Query:
    request, encoding, rows = arguments.encoding(call)
    family = family_of(request)
    if rows is not None:
        return of_other_rows(call.frame, request, encoding, rows, family.estimates), 0
    assert family.encoded is not None
    return family.encoded(call.frame, request, encoding), 0
