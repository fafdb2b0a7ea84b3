"""The checked request of the verbs of regressions."""

from __future__ import annotations

from typing import Any

import polars as pl

from .. import arguments
from ..models.regression.spec import Regression
from .collecting import Frame


def request(
    frame: Frame,
    value: Any,
    x: Any,
    by: Any,
    over: Any,
    vary: Any,
    intercept: Any,
    correlated: Any,
    method: Any,
    weights: Any,
    nan: Any,
    result: tuple[str, ...] = (),
) -> tuple[pl.LazyFrame, Regression]:
    lf = arguments.lazy(frame)
    terms = {"vary": vary, "intercept": intercept, "correlated": correlated}
    return lf, arguments.regression(
        lf, value, x, by, over, **terms, method=method, weights=weights, nan=nan, result=result
    )
