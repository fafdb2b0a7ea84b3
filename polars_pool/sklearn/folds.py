"""The fold of each row, by the splitters of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, check_cv

from ..arguments.sentences import shown

PARTITION = (
    "folds={folds}: each row must be in one test set, with all other rows in its training set, as by KFold or "
    "GroupKFold; for rows in the order of time, polars_pool.encode(folds='before') encodes each by those before it"
)


def folds_of_rows(splitter: Any, X: Any, y: Any, groups: Any) -> np.ndarray[Any, Any]:
    """The number of the fold of each row."""
    folds = np.full(len(y), -1, dtype=np.int64)
    for number, (train, test) in enumerate(splitter.split(X, y, groups)):
        rest = np.ones(len(y), dtype=bool)
        rest[test] = False
        if (folds[test] >= 0).any() or not np.array_equal(np.sort(train), np.flatnonzero(rest)):
            raise ValueError(PARTITION.format(folds=splitter))
        folds[test] = number
    if (folds < 0).any():
        raise ValueError(PARTITION.format(folds=splitter))
    return folds


def splitter(folds: Any, has_classes: bool, has_groups: bool, shuffle: bool, random_state: Any) -> Any:
    """The splitter of a number of folds: by groups if there are any, or with even shares of classes."""
    if not hasattr(folds, "__index__") or isinstance(folds, bool):
        if isinstance(folds, str) or not (hasattr(folds, "split") or isinstance(folds, Iterable)):
            raise TypeError(f"folds={shown(folds)}; give a number of folds, or a splitter of scikit-learn")
        return check_cv(folds)
    kind = GroupKFold if has_groups else StratifiedKFold if has_classes else KFold
    return kind(int(folds), shuffle=bool(shuffle), random_state=random_state if shuffle else None)
