"""Formulas on NumPy arrays, for every module that imports `Array` from here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..formulas import elementary
from ..numerics import gamma, special
from ..numerics.arrays import Array as Array
from .registering import register


def _where(condition: Array, then: Any, otherwise: Any) -> Array:
    return np.where(condition, np.nan if then is None else then, np.nan if otherwise is None else otherwise)


def _normal_density(x: Array) -> Array:
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi))


def _chi_square_median(df: Array) -> Array:
    return np.asarray(special.chdtri(df, 0.5))


FORMS: dict[Any, Callable[..., Any]] = {
    elementary.exp: np.exp,
    elementary.log: np.log,
    elementary.sqrt: np.sqrt,
    elementary.where: _where,
    elementary.normal_cdf: lambda x: special.ndtr(x),
    elementary.normal_density: _normal_density,
    elementary.log_gamma: lambda x: special.gammaln(x),
    elementary.digamma: lambda x: special.digamma(x),
    elementary.trigamma: gamma.trigamma,
    elementary.trigamma_inverse: gamma.trigamma_inverse,
    elementary.chi_square_median: _chi_square_median,
}
register(FORMS, np.ndarray, np.bool_)
