"""Which expressions are computed row by row: only those can be taken part by part."""

from __future__ import annotations

import json
import warnings
from typing import Any

import polars as pl

# Operations that need more rows than one: a part's mean is not that of all rows, nor the last row of a part the one
# before the first of the next. Words of the serialised form, which Polars does not promise to keep: a test tells.
OF_MANY_ROWS = {
    "Agg", "All", "Any", "Append", "ApproxNUnique", "ArgMax", "ArgMin", "ArgSort", "ArgUnique", "ArgWhere", "Bitwise",
    "ConcatVertical", "Correlation", "Count", "CumCount", "CumMax", "CumMin", "CumProd", "CumSum", "Diff", "DropNans",
    "DropNulls", "Entropy", "EwmMean", "EwmMeanBy", "EwmStd", "EwmVar", "Explode", "ExtendConstant",
    "FillNullWithStrategy", "Filter", "Gather", "GatherEvery", "Hist", "IndexOf", "Interpolate", "InterpolateBy",
    "IsDuplicated", "IsFirstDistinct", "IsLastDistinct", "IsUnique", "Kurtosis", "Len", "LowerBound", "MaxBy", "MinBy",
    "Mode", "NullCount", "Over", "PctChange", "PeakMax", "PeakMin", "Product", "QCut", "Quantile", "Quantiles", "RLE",
    "RLEID", "Random", "Range", "Rank", "Ranks", "Repeat", "Reshape", "Reverse", "RollingExpr", "RollingExprBy",
    "SearchSorted", "Shift", "Skew", "Slice", "Sort", "SortBy", "SubPlan", "TopK", "TopKBy", "Unique", "UniqueCounts",
    "UpperBound", "ValueCounts", "Window",
}  # fmt: skip


def is_rowwise(expression: pl.Expr) -> bool:
    """Whether each row's value comes from that row alone; Polars' own `is_row_separable` passes `a - mean(a)`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the form may change
        return not _words(json.loads(expression.meta.serialize(format="json"))) & OF_MANY_ROWS


def _words(tree: Any) -> set[str]:
    """The operations in a serialised expression: no names of columns, no values, nothing done within a list."""
    if isinstance(tree, str):
        return {tree}
    if isinstance(tree, list):
        return set().union(*map(_words, tree))
    if isinstance(tree, dict):
        return set().union(*(_below(key, inner) for key, inner in tree.items()))
    return set()


def _below(key: str, inner: Any) -> set[str]:
    if key in ("Column", "Literal", "ListExpr", "ArrayExpr"):
        return set()
    if key == "Agg" and not any(word in json.dumps(inner) for word in ('"Column"', '"Len"')):
        return set()  # of a constant
    if key == "Alias":
        return _words(inner[0])
    if key == "Eval":
        return _words(inner["expr"])
    return {key} | _words(inner)
