"""The standard error of tau2 and its bias."""

from __future__ import annotations

from collections.abc import Iterable

from ...formulas.estimators import TAU2
from ...formulas.methods import parameters
from .pieces import by_name, one_of_names, scalar, value
from .tables import OF_ERROR_WEIGHTS, OF_ERRORS


def of_errors() -> Iterable[str]:
    errors = {name: m.error for name, m in TAU2.items() if m.error is not None}
    weights = {name: error.weight for name, error in errors.items() if error.weight is not None}
    yield scalar(
        "Whether the variance of tau2 comes from that of squares with weights.",
        "_pool_error_has_weights(method)",
        one_of_names(weights, "method"),
    )
    yield scalar(
        "The weight of a group in these squares; h is 1 / (v + tau2).",
        "_pool_error_weight(method, w, v, crude, h)",
        by_name({name: value(weight, OF_ERROR_WEIGHTS).text for name, weight in weights.items()}, "h"),
    )
    by_w = [name for name, weight in weights.items() if "w" in parameters(weight)]
    yield scalar(
        "Whether it grows with w; else it grows with the precision.",
        "_pool_error_weighs_w(method)",
        one_of_names(by_w, "method"),
    )
    standardised = [name for name, error in errors.items() if error.standardised]
    yield scalar(
        "Whether the variance of squares is that of means of variance 1.",
        "_pool_error_is_standardised(method)",
        one_of_names(standardised, "method"),
    )
    variances = {name: value(error.variance, OF_ERRORS).text for name, error in errors.items()}
    yield scalar(
        "The variance of tau2 where v is known.",
        "_pool_error_variance(method, squares_variance, known_variance, a, trace, plain_squares, j, df, s1)",
        by_name(variances, "NULL"),
    )
    corrections = {n: value(e.correction, OF_ERRORS).text for n, e in errors.items() if e.correction is not None}
    yield scalar(
        "Minus its bias, to first order.",
        "_pool_error_correction(method, fitted, j, df, s1, s2)",
        by_name(corrections, "0.0"),
    )
