"""The target as columns of numbers: itself, the indicator of each class, or each of several outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_array, column_or_1d

from ..arguments.options import one_of

Classes = Literal["binary", "multiclass"]
TargetType = Literal["auto", "continuous", "binary", "multiclass"]


@dataclass(frozen=True)
class Target:
    """The numbers of each row, one column for each class or output; a name is None where there is only one.

    Of classes also these, and the position in them of each row.
    """

    kind: str
    values: np.ndarray[Any, Any]
    names: tuple[str | None, ...]
    classes: np.ndarray[Any, Any] | None = None
    codes: np.ndarray[Any, Any] | None = None


def target(y: Any, target_type: TargetType) -> Target:
    """The target in the form that models need."""
    one_of(target_type, get_args(TargetType), "target_type")
    names = tuple(map(str, y.columns)) if hasattr(y, "columns") else None
    if isinstance(y, pl.Series | pl.DataFrame):
        y = y.to_numpy()
    shape = np.asarray(y).shape
    if len(shape) == 2 and shape[1] > 1:
        return _outputs(y, names, target_type)
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y")
    if y.dtype == object and any(value is None for value in y):
        raise ValueError("y is None in some rows; leave these rows out")
    kind = _kind(y) if target_type == "auto" else target_type
    if kind == "continuous":
        values = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        return Target(kind, values[:, None], (None,))
    return _of_classes(y, kind)


def _kind(y: np.ndarray[Any, Any]) -> str:
    """The type of the target by the rules of scikit-learn."""
    kind: str = type_of_target(y, input_name="y")
    if kind not in ("continuous", *get_args(Classes)):
        raise ValueError(f"Unknown label type: y is {kind!r}; give numbers, or one class for each row")
    return kind


def _of_classes(y: np.ndarray[Any, Any], kind: str) -> Target:
    """The indicator of the second class, or of each class."""
    classes, codes = np.unique(y, return_inverse=True)
    if kind == "multiclass":
        values = codes[:, None] == np.arange(len(classes))
        return Target(kind, values.astype(np.float64), tuple(map(str, classes)), classes, codes)
    if len(classes) > 2:
        raise ValueError(f"target_type='binary', and y has {len(classes)} classes; give target_type='multiclass'")
    return Target(kind, (codes == 1).astype(np.float64)[:, None], (None,), classes, codes)


def _outputs(y: Any, names: tuple[str, ...] | None, target_type: TargetType) -> Target:
    """Several outputs of numbers."""
    if target_type in get_args(Classes):
        raise ValueError(f"target_type={target_type!r}, and y has several columns; give one column of classes")
    values = check_array(y, dtype=np.float64, input_name="y")
    return Target("continuous", values, names or tuple(map(str, range(values.shape[1]))))
