"""The error of tau2 that enters the standard errors of estimates: its variance and minus its bias, by model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...formulas import between, uncertainty
from ...formulas.errors import ERRORS, joint_information
from ...numerics.arrays import Array
from ..many import Groups
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
        error, correction = ERRORS[method.name](g, tau2), _correction(g, tau2, method.name)
        joint = g.identifies_variances if fitted.is_joint else none > 0
        information = joint_information(g, sigma2, tau2, restricted=fitted.restricted)
        error = np.where(joint, uncertainty.error_of_ratio(*information, tau2 / sigma2), error)
        error, correction = error * unit**4, correction * unit**2
    return np.where(exact, 0.0, error), np.where(exact, 0.0, correction)


def _positive(g: Groups) -> Array:
    """v with a negligible number in place of 0."""
    least = g.smallest(np.where(g.v == 0, np.inf, g.v))
    return np.where(g.v == 0, g.each(NEGLIGIBLE * least), g.v)


def _correction(g: Groups, tau2: Array, name: str) -> Array:
    """Minus the bias of tau2; 0 to this order for moments and reml, and for ml about a known mu."""
    w = between.precision(g.v, g.each(tau2))
    s1, s2 = g.sum(w), g.sum(w * w)
    if name == "ml" and g.mu is None:
        return np.asarray(uncertainty.ml_correction(s1))
    root = np.asarray(uncertainty.root_correction(g.groups, s1, s2))
    if name in ("pm", "eb"):
        return root
    if name == "pmm":
        df = g.groups - g.fitted
        return np.asarray(uncertainty.median_correction(root, df, g.chi2_median(df), s1))
    return np.zeros(g.models)
