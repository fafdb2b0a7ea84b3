"""Which expressions are computed row by row: the value of each row comes from that row alone.

Polars' own `is_row_separable` passes `a - mean(a)`. The operations are read from the serialised form of an expression
or, where that form costs too much or does not exist, from its text. Polars promises to keep neither: a test holds both.
"""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import polars as pl

# Operations that need more rows than one, by their names in the serialised form.
OF_MANY_ROWS = {
    "Agg", "All", "Any", "Append", "ApproxNUnique", "ApproxQuantile", "ArgMax", "ArgMin", "ArgSort", "ArgUnique",
    "ArgWhere", "Bitwise", "ConcatVertical", "Correlation", "Count", "CumCount", "CumMax", "CumMin", "CumProd",
    "CumSum", "Cumulative", "Diff", "DropNans", "DropNulls", "Entropy", "EwmMean", "EwmMeanBy", "EwmStd", "EwmSum",
    "EwmSumBy", "EwmVar", "Explode", "ExtendConstant", "FillNullWithStrategy", "Filter", "Gather", "GatherEvery",
    "HasNulls", "Hist", "IndexOf", "Interpolate", "InterpolateBy", "IsDuplicated", "IsEmpty", "IsFirstDistinct",
    "IsLastDistinct", "IsSorted", "IsUnique", "Kurtosis", "Len", "LowerBound", "MaxBy", "MinBy", "Mode", "NullCount",
    "Over", "PctChange", "PeakMax", "PeakMin", "Product", "QCut", "Quantile", "Quantiles", "RLE", "RLEID", "Random",
    "Range", "Rank", "Ranks", "Repeat", "Reshape", "Reverse", "Rolling", "RollingExpr", "RollingExprBy",
    "SearchSorted", "Shift", "Skew", "Slice", "Sort", "SortBy", "SubPlan", "TopK", "TopKBy", "Unique", "UniqueCounts",
    "UpperBound", "ValueCounts", "Window",
}  # fmt: skip
# Inputs that are no constants; parts that hold names or constants; functions of the value of one row.
READ = ("Column", "Element", "Field", "Len", "Selector", "SubPlan")
NAMES = ("Column", "Literal", "Selector", "Field", "dtype")
WITHIN = ("ArrayExpr", "BinaryExpr", "Categorical", "ListExpr", "StringExpr", "StructExpr", "TemporalExpr")

# The same operations as OF_MANY_ROWS by their names in the text of an expression, less "_".
IN_TEXT = {word.lower() for word in OF_MANY_ROWS} | {
    "allignorenulls", "anyignorenulls", "binquantiles", "binranks", "bitwiseand", "bitwiseor", "bitwisexor", "count",
    "cov", "covariance", "cumulativeeval", "first", "get", "implode", "intrange", "item", "last", "max", "mean",
    "median", "min", "nanmax", "nanmin", "nunique", "pearsoncorrelation", "sample", "shuffle",
    "spearmanrankcorrelation", "std", "sum", "var",
}  # fmt: skip
ROW_SPACES = ("list", "arr", "str", "dt", "bin", "cat", "struct", "Series")  # namespaces of elementwise functions
# Marks of Python functions, which only cloudpickle serialises, and of long constants, whose form costs their length.
TEXT_ALONE = ("python_udf(", "Series", "…")


def is_rowwise(expression: pl.Expr) -> bool:
    """Whether each row's value comes from that row alone; a Python function is assumed to be so."""
    if expression.meta.is_column():
        return True
    text = str(expression)
    tree = None if any(mark in text for mark in TEXT_ALONE) else _serialised(expression)
    if tree is None:
        return not any(word in IN_TEXT or word.startswith("rolling") for word in _words_of_text(text))
    return not _words(tree) & OF_MANY_ROWS


def _serialised(expression: pl.Expr) -> Any:
    """The serialised form; None for an expression that holds a Python function where cloudpickle is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the form may change
            return json.loads(expression.meta.serialize(format="json"))
    except pl.exceptions.PolarsError:
        return None


def _words(tree: Any) -> set[str]:
    """The operations in a serialised expression, without names, constants and operations within a list or a text."""
    if isinstance(tree, str):
        return {tree}
    if isinstance(tree, list):
        return set().union(*map(_words, tree))
    if isinstance(tree, dict):
        return set().union(*(_below(key, inner) for key, inner in tree.items()))
    return set()


def _below(key: str, inner: Any) -> set[str]:
    if key in NAMES:
        return set()
    if key in WITHIN and not (isinstance(inner, dict) and "left" in inner):  # of arithmetic, which is a BinaryExpr too
        return _words(inner) & {"ConcatVertical"}
    if key == "Agg" and not any(f'"{word}"' in json.dumps(inner) for word in READ):
        return set()  # of a constant
    if key == "Bitwise" and inner not in ("And", "Or", "Xor"):
        return set()  # counts bits; these three are aggregates
    if key == "Range" and isinstance(inner, dict) and next(iter(inner)).endswith("s"):
        return set()  # a list in each row: int_ranges
    if key == "Alias":
        return _words(inner[0])
    if key == "Eval":  # within the lists of each row, or within all rows so far
        return _words(inner["expr"]) | _words([*inner["variant"]] if isinstance(inner["variant"], dict) else [])
    if key == "RenameAlias":
        return _words(inner["expr"])
    return {key} | _words(inner)


def _words_of_text(text: str) -> set[str]:
    """The operations in the text of an expression, in small letters without "_"."""
    text = _without_evaluations(re.sub(r'"[^"]*"', '""', text))
    called = re.findall(r"(?:(\w+)\.)?(\w+)\(", text)
    words = {word for space, word in called if space not in ROW_SPACES or word == "concat_vertical"}
    return {word.replace("_", "").lower() for word in words}


def _without_evaluations(text: str) -> str:
    """The text without operations within the list of a row, `.list.eval(…)`."""
    while evaluation := re.search(r"\.(?:list|arr)\.(?:eval|agg)\(", text):
        end, depth = evaluation.end(), 1
        while depth and end < len(text):  # a name of a field stands without quotes
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        text = text[: evaluation.start()] + text[end:]
    return text
