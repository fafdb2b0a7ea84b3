"""The variance of tau2, and minus its bias, by the record of each estimator; on rows by the information of the rows.

Source: Viechtbauer (2005) and metafor; generalised moments by DerSimonian & Kacker (2007).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...engines.numpy import Array
from ...formulas import between, inference
from ...formulas.methods import Method, applied
from ..many import Groups
from .estimators import OF_MODELS, OF_WEIGHTS, Statistics, Table, about_known_mu

OF_ERRORS: Table = {
    **{name: OF_MODELS[name] for name in ("groups", "fitted", "df", "plain_d2", "plain_squares", "crude")},
    "precision": lambda s: between.precision(s.g.v, s.g.each(s["tau2"])),
    "s1": lambda s: s.g.sum(s["precision"]),
    "s2": lambda s: s.g.sum(s["precision"] * s["precision"]),
    "a": lambda s: s.g.sum(s["weight"]),
    "squares_variance": lambda s: _squares(s.g, s["weight"], s["spread"]),
    "known_variance": lambda s: _squares_about_known(s.g, s["weight"], s["spread"]),
    "trace": lambda s: s["a"] if s.g.mu is not None else inference.trace(s.g.pairs(s["weight"]), s["a"]),
}
OF_ERROR_WEIGHTS: Table = {**OF_WEIGHTS, "precision": OF_ERRORS["precision"]}


def _squares(g: Groups, a: Array, s: Array) -> Array:
    """Variance of sum(a (mean - centre)^2), s being the variance of a mean."""
    if g.mu is not None:
        return _squares_about_known(g, a, s)
    diagonal, rest = a * s * g.others(a), a * a * s
    return np.asarray(inference.variance_of_squares(g.sum(diagonal * diagonal), g.sum(rest * g.others(rest)), g.sum(a)))


def _squares_about_known(g: Groups, a: Array, s: Array) -> Array:
    return 2 * g.sum(a * a * s * s)


def variance(method: Method, g: Groups, tau2: Array) -> Array:
    """Variance of tau2 where v is known; NaN where the estimator has none that is known."""
    error = about_known_mu(method, g).error
    if error is None:
        return np.full(g.models, np.nan)
    s = Statistics(g, OF_ERRORS, tau2=tau2)
    if error.weight is not None:
        weight = applied(error.weight, Statistics(g, OF_ERROR_WEIGHTS, tau2=tau2))
        s["weight"] = np.broadcast_to(weight, g.y.shape)
        s["spread"] = g.ones if error.standardised else g.v + g.each(tau2)
    return np.asarray(applied(error.variance, s))


def correction(method: Method, g: Groups, tau2: Array) -> Array:
    """Minus the bias of tau2; 0 to this order for moments and restricted likelihoods."""
    error = about_known_mu(method, g).error
    if error is None or error.correction is None:
        return np.zeros(g.models)
    return np.asarray(applied(error.correction, Statistics(g, OF_ERRORS, tau2=tau2)))


def joint_information(g: Groups, sigma2: Array, tau2: Array, restricted: bool) -> tuple[Array, Array, Array, Array]:
    """Information about (tau2, sigma2) between groups, tt, ts, ss, and about sigma2 within them; g.v = sigma2 / n."""
    w = between.precision(g.v, g.each(tau2))
    information: Callable[[Array, Array], Array]
    if restricted and g.mu is None:
        total = g.sum(w)
        own, squares = w * g.others(w), w * w

        def information(p: Array, q: Array) -> Array:
            return np.asarray((g.sum(own * own * p * q) + g.sum(squares * p * g.others(squares * q))) / (total * total))
    else:

        def information(p: Array, q: Array) -> Array:
            return g.sum(w * w * p * q)

    one, n = g.ones, g.w
    within = (g.rows - g.groups) / (sigma2 * sigma2)
    return information(one, one), information(one, 1 / n), information(1 / n, 1 / n), within


def joint_variance(g: Groups, sigma2: Array, tau2: Array, restricted: bool) -> Array:
    """Variance of tau2 estimated together with sigma2 on rows, from the (restricted) information."""
    return np.asarray(inference.variance_by_information(*joint_information(g, sigma2, tau2, restricted)))
