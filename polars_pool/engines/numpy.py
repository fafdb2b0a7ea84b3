"""Formulas on NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..formulas import elementary
from ..numerics import gamma
from ..numerics.arrays import Array
from ..numerics.special import chdtri, digamma, gammaln, ndtr


def _where(condition: Array, then: Any, otherwise: Any) -> Array:
    return np.where(condition, np.nan if then is None else then, np.nan if otherwise is None else otherwise)


def _normal_density(x: Array) -> Array:
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi))


def _chi_square_median(df: Array) -> Array:
    return np.asarray(chdtri(df, 0.5))


KINDS = (np.ndarray, np.bool_)
FORMS = {
    elementary.exp: np.exp,
    elementary.log: np.log,
    elementary.sqrt: np.sqrt,
    elementary.where: _where,
    elementary.normal_cdf: ndtr,
    elementary.normal_density: _normal_density,
    elementary.log_gamma: gammaln,
    elementary.digamma: digamma,
    elementary.trigamma: gamma.trigamma,
    elementary.trigamma_inverse: gamma.trigamma_inverse,
    elementary.chi_square_median: _chi_square_median,
}
