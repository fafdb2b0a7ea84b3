"""The features of X as Polars columns, whatever library holds them, and as keys of the type that was fitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from sklearn.utils.validation import check_array, validate_data

from ..arguments.sentences import listed, shown
from ..models.refuse import number_of_rows

MIXED = "argument must be uniformly strings or numbers in each column"  # the words of scikit-learn


def checked(encoder: Any, X: Any, *, reset: bool) -> list[pl.Series]:
    """The features of X, after scikit-learn has checked their names and number; `reset` stores these."""
    if isinstance(X, pl.LazyFrame):
        raise TypeError("X is a LazyFrame; scikit-learn needs its rows: collect() it")
    if not is_frame(X):
        X = _array(X)
    validate_data(encoder, X, reset=reset, skip_check_array=True)
    if not X.shape[0]:
        raise ValueError(f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required.")
    names = getattr(encoder, "feature_names_in_", [f"x{i}" for i in range(X.shape[1])])
    return [_column(X, i, str(name)) for i, name in enumerate(names)]


def is_frame(X: Any) -> bool:
    """Whether X is a DataFrame of Polars or pandas."""
    return isinstance(X, pl.DataFrame) or hasattr(X, "iloc")


def _array(X: Any) -> Any:
    """An array of two dimensions; lists of texts and numbers keep their types."""
    array = check_array(X, dtype=None, ensure_all_finite=False)
    if not hasattr(X, "dtype") and array.dtype.kind == "U":
        return check_array(X, dtype=object, ensure_all_finite=False)
    return array


def _column(X: Any, i: int, name: str) -> pl.Series:
    """One feature; None, NaN and pandas.NA are null, and a Categorical or Enum is its text."""
    try:
        column = _series(X, i).alias(name)
    except (TypeError, ValueError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise TypeError(f"{MIXED}: {name!r}: {error}") from error
    if column.dtype == pl.Object or column.dtype.is_nested():
        raise TypeError(f"{MIXED}: {name!r} is {column.dtype}")
    if column.dtype in (pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    return column.fill_nan(None) if column.dtype.is_float() else column


def _series(X: Any, i: int) -> pl.Series:
    """One column as it is."""
    if isinstance(X, pl.DataFrame):
        return X.to_series(i)
    if hasattr(X, "iloc"):
        return pl.Series(pl.from_pandas(X.iloc[:, i]))
    values = X[:, i]
    return pl.Series(pa.array(values, from_pandas=True) if values.dtype == object else values)


def positions(columns: Any, features: Sequence[pl.Series], from_frame: bool) -> list[int]:
    """The positions of the features to encode: by name, or those of a frame that are not numbers, or else all."""
    if isinstance(columns, str) and columns == "auto":
        every = range(len(features))
        return [i for i in every if from_frame and not features[i].dtype.is_numeric()] or list(every)
    names = [feature.name for feature in features]
    if not isinstance(columns, Iterable | int | np.integer):
        raise TypeError(f"columns={shown(columns)}; give 'auto', or the names or positions of the columns to encode")
    selected: list[Any] = list(columns) if isinstance(columns, Iterable) and not isinstance(columns, str) else [columns]
    if not selected:
        raise ValueError("columns=[]; give 'auto', or the names or positions of the columns to encode")
    for column in selected:
        if column not in names and not (isinstance(column, int | np.integer) and 0 <= column < len(names)):
            raise ValueError(f"columns={shown(columns)}: {column!r} is no column of X; it has {listed(names)}")
    return sorted({names.index(column) if column in names else int(column) for column in selected})


def numbers(feature: pl.Series) -> np.ndarray[Any, Any]:
    """A feature that is not encoded, as numbers."""
    if not (feature.dtype.is_numeric() or feature.dtype in (pl.Boolean, pl.Null)):
        raise TypeError(
            f"the column {feature.name!r} ({feature.dtype}) is not in columns=, so it stays as it is, and it holds no "
            "numbers: encode it, or leave it out by a ColumnTransformer"
        )
    return feature.cast(pl.Float64).to_numpy()


def as_fitted(feature: pl.Series, dtype: pl.DataType) -> pl.DataFrame:
    """The keys of a feature in the type that was fitted, and whether each is a value of this type or null."""
    if feature.dtype not in (dtype, pl.Null) and dtype != pl.Null and _kind(feature.dtype) != _kind(dtype):
        raise TypeError(
            f"the column {feature.name!r} is {feature.dtype}, and its categories in fit are {dtype}: cast it to {dtype}"
        )
    if dtype == pl.Null:
        return pl.DataFrame({"key": pl.repeat(None, len(feature), dtype=dtype, eager=True), "fits": feature.is_null()})
    key = feature.cast(dtype, strict=False)
    fits = feature.is_null() | (key.cast(feature.dtype, strict=False) == feature).fill_null(False)
    return pl.DataFrame({"key": key, "fits": fits})


def refuse_unknown(feature: pl.Series, is_unknown: pl.Series) -> None:
    """Raise if some categories have no rows in fit."""
    if count := int(is_unknown.sum()):
        categories = feature.filter(is_unknown).unique(maintain_order=True).to_list()
        raise ValueError(
            f"the column {feature.name!r} has categories without rows in fit, in {number_of_rows(count)}: "
            f"{listed(categories, 5)}; unknown='mu' encodes them by the population mean"
        )


def _kind(dtype: pl.DataType) -> str:
    """Types between which equal values are one category."""
    return "number" if dtype.is_numeric() or dtype == pl.Boolean else str(dtype.base_type())
