"""The estimate of its group for every row, by windows over the rows: a join back would scan the frame twice."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from ...formulas import folds as formulas
from ...formulas.elementary import exists, where
from ..columns import POLARS, Columns, Step, with_steps
from ..encoding import FOLD, Encoding, renamed
from . import folds, groups
from .components import classes, classes_of_rows, fitted_models
from .groups import VALUE, N
from .pooling import errors, joined, pooled
from .spec import Means

MANY = 100_000  # rows of a table: windows in the streaming engine cost less than a join back, but more to begin
ORDER = "_pool_order"
UNORDERED = "_pool_bad_order_by"  # number of rows without a place in the order


def encoded(frame: pl.LazyFrame, request: Means, encoding: Encoding) -> pl.LazyFrame:
    """All columns of the frame, and statistics of the group of each row under the names of the encoding."""
    columns = pl.nth(range(len(frame.collect_schema())))
    return _means(frame, request, encoding, columns).select(columns, *renamed(encoding))


def _means(frame: pl.LazyFrame, request: Means, encoding: Encoding, *keep: pl.Expr) -> pl.LazyFrame:
    """The rows in their order with the pooled means of their groups, from the rows that the encoding uses."""
    if encoding.has_folds:
        rows, pivot = groups.in_order(frame, request, *keep, encoding.label.alias(FOLD))
        means = folds.means(rows.cache(), pivot, request)
    elif encoding.folds == "before":
        assert encoding.order_by is not None
        rows, pivot = groups.in_order(frame, request, *keep, encoding.order_by.alias(ORDER))
        means = _before(_with_moments(rows, request).cache(), pivot, request)
    else:
        rows, pivot = groups.in_order(frame, request, *keep)
        without = _without_itself if encoding.folds == "loo" else None
        means = _pooled(_with_moments(rows, request).cache(), pivot, request, without)
    return with_steps(means, errors(request, request.options)) if "se" in encoding.statistics else means
