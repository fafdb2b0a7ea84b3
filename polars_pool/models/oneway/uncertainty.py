"""The error of tau2 as it bears on estimates: its variance and minus its bias, for every model at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...formulas import between, uncertainty
from ...formulas.errors import ERRORS, joint_information
from ...numerics.arrays import Array
from ..many import Groups
from .fit import Components, Hyperparameter, is_joint

NEGLIGIBLE = 1e-12  # of the least other v: stands for v = 0, where 1 / v is infinite


def error_of_tau2(
    g: Groups, found: Components, published: bool, sigma2: Hyperparameter, tau2: Hyperparameter
) -> tuple[Array, Array]:
    """Variance and minus bias of tau2, one a model: 0 where it is known or all means are exact, NaN where it is not.

    The groups are those whose v follows from what was found.
    """
    none = np.zeros(g.models)
    if not isinstance(tau2, str):
        return none, none
    with np.errstate(all="ignore"):
        unit = g.unit
        g, found = g.scaled(1 / unit), found.scaled(1 / unit)
        exact = g.largest(g.v) == 0
        g = replace(g, v=_positive(g))
        error, correction = ERRORS[tau2](g, found.tau2), _correction(g, found.tau2, tau2)
        joint = g.identifies_variances if is_joint(published, sigma2, tau2) else none > 0
        information = joint_information(g, found.sigma2, found.tau2, restricted=tau2 == "reml")
        error = np.where(joint, uncertainty.error_of_ratio(*information, found.tau2 / found.sigma2), error)
        error, correction = error * unit**4, correction * unit**2
    return np.where(exact, 0.0, error), np.where(exact, 0.0, correction)


def _positive(g: Groups) -> Array:
    """v with something negligible in place of 0."""
    least = g.smallest(np.where(g.v == 0, np.inf, g.v))
    return np.where(g.v == 0, g.each(NEGLIGIBLE * least), g.v)


def _correction(g: Groups, tau2: Array, name: str) -> Array:
    """Minus the bias of tau2; moments and reml have none to this order, nor has ml about a known mu."""
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
