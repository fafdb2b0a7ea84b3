"""The error of tau2 that enters the standard errors of estimates: its variance and minus its bias, by model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...engines.numpy import Array
from ...formulas import uncertainty
from ..many import Groups
from .errors import correction, joint_information, variance
from .fit import Fitted

NEGLIGIBLE = 1e-12  # of the least other v: stands for v = 0, where 1 / v is infinite


def error_of_tau2(fitted: Fitted) -> tuple[Array, Array]:
    """Variance and minus bias of tau2, one per model: 0 where it is known or all means are exact, NaN where unknown."""
    method, g = fitted.hyperparameters.method, fitted.g
    none = np.zeros(g.models)
    if method is None:
        return none, none
    with np.errstate(all="ignore"):
        unit = g.unit
        g, components = g.scaled(1 / unit), fitted.components.scaled(1 / unit)
        exact = g.largest(g.v) == 0
        g = replace(g, v=_positive(g))
        tau2, sigma2 = components.tau2, components.sigma2
        error, less_bias = variance(method, g, tau2), correction(method, g, tau2)
        joint = g.identifies_variances if fitted.is_joint else none > 0
        information = joint_information(g, sigma2, tau2, restricted=fitted.restricted)
        error = np.where(joint, uncertainty.error_of_ratio(*information, tau2 / sigma2), error)
        error, less_bias = error * unit**4, less_bias * unit**2
    return np.where(exact, 0.0, error), np.where(exact, 0.0, less_bias)


def _positive(g: Groups) -> Array:
    """v with a negligible number in place of 0."""
    least = g.smallest(np.where(g.v == 0, np.inf, g.v))
    return np.where(g.v == 0, g.each(NEGLIGIBLE * least), g.v)
