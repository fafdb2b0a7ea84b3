"""The coefficients of the predictors in their own units, with their covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from .fit import Fitted


@dataclass(frozen=True)
class Terms:
    """Coefficients of (1, x - origin - centre) in units of the data, one row per model; NaN where they are unknown."""

    origin: Array  # (models, terms), 0 for the intercept; it is subtracted first, as the centre has more digits
    centre: Array
    beta: Array  # (models, terms)
    covariance: Array  # (models, terms, terms)
    exact: Array  # (models,): whether the coefficients only interpolate, so that each group keeps its own mean

    def about_zero(self) -> Terms:
        """The coefficients of (1, x)."""
        shift = np.broadcast_to(np.eye(self.beta.shape[1]), self.covariance.shape).copy()
        shift[:, 0] -= self.origin + self.centre
        beta = np.einsum("mij,mj->mi", shift, self.beta)
        zero = 0 * self.centre
        return Terms(zero, zero, beta, shift @ self.covariance @ np.swapaxes(shift, 1, 2), self.exact)


def terms(f: Fitted, pivot: Array) -> Terms:
    """The coefficients of every model; values are deviations from the pivot."""
    back, unit = f.standard.transform, f.unit[:, None]
    beta = np.einsum("mij,mi->mj", back, f.beta * unit + f.standard.beta)
    beta[:, 0] += pivot
    covariance = np.einsum("mik,mij,mjl->mkl", back, f.covariance, back) * (unit * unit)[:, :, None]
    regular = f.regular[:, None]
    origin = f.source.origin
    return Terms(
        np.zeros_like(beta) if origin is None else origin.T,
        f.standard.centre,
        np.where(regular, beta, np.nan),
        np.where(regular[:, :, None], covariance, np.nan),
        f.exact,
    )
