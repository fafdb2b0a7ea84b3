"""Log gamma and its derivatives on NumPy arrays and, by way of them, on Polars expressions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import gammaln, polygamma, psi

from ..formulas.elementary import digamma, log_gamma, trigamma, trigamma_inverse

Array = NDArray[Any]


def _trigamma(x: Array) -> Array:
    return np.asarray(polygamma(1, x))


def _trigamma_inverse(x: Array) -> Array:
    """Newton's method for 1 / trigamma, which is convex (Smyth 2004, appendix): from above it goes down to the root."""
    infinite = x == np.inf
    x = np.where(infinite, 1.0, x)
    y = 0.5 + 1 / x  # above the root, as trigamma(y) < 1 / (y - 1/2) for all y > 1/2
    while True:
        value = _trigamma(y)
        step = value * (1 - value / x) / polygamma(2, y)
        moved = step < -1e-15 * y  # upward is rounding
        y = np.where(moved, y + step, y)
        if not moved.any():
            return np.where(infinite, 0.0, y)


log_gamma.register(np.ndarray, gammaln)
digamma.register(np.ndarray, psi)
trigamma.register(np.ndarray, _trigamma)
trigamma_inverse.register(np.ndarray, _trigamma_inverse)


def _by_numpy(function: Any, x: pl.Expr) -> pl.Expr:
    return pl.map_batches([x], partial(_of_column, function=function), return_dtype=pl.Float64)


def _of_column(columns: Sequence[pl.Series], function: Any) -> pl.Series:
    return pl.Series(function(columns[0].to_numpy()))


log_gamma.register(pl.Expr, lambda x: _by_numpy(gammaln, x))
digamma.register(pl.Expr, lambda x: _by_numpy(psi, x))
trigamma.register(pl.Expr, lambda x: _by_numpy(_trigamma, x))
trigamma_inverse.register(pl.Expr, lambda x: _by_numpy(_trigamma_inverse, x))
