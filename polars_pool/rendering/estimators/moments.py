"""Estimators in closed form: moments with fixed weights."""

from __future__ import annotations

from ...engines.sql import Symbol
from ...formulas.elementary import where
from ...formulas.estimators import TAU2
from ...formulas.methods import Moments
from .pieces import by_name, one_of_names, scalar, select, subquery, table_macro, value
from .tables import OF_MOMENTS, OF_WEIGHTS


def _of_moments() -> dict[str, Moments]:
    """The estimators with weights of their own."""
    known_v = {name: m.known_v for name, m in TAU2.items()}
    return {name: m for name, m in known_v.items() if isinstance(m, Moments) and m.weight is not None}


def weights() -> str:
    weights = {name: value(m.weight, OF_WEIGHTS).text for name, m in _of_moments().items() if m.weight is not None}
    outweighed = [name for name, m in _of_moments().items() if m.exact_outweigh]
    return "\n".join(
        [
            scalar(
                "What a group counts in the squares of an estimator: by its size, alike, or by its precision.",
                "_pool_fixed_weight(method, w, v, crude)",
                by_name(weights, "1.0"),
            ),
            scalar(
                "Whether groups with v = 0 outweigh all others.",
                "_pool_exact_outweigh(method)",
                one_of_names(outweighed, "method"),
            ),
        ]
    )


def _estimate(m: Moments) -> Symbol:
    """The closed form with its limits."""
    estimate = value(m.estimate, OF_MOMENTS)
    if m.known_mu is not None:
        estimate = where(Symbol("known IS NOT NULL"), value(m.known_mu, OF_MOMENTS), estimate)
    if m.one_exact is not None:
        estimate = where(Symbol("exact > 0"), value(m.one_exact, OF_MOMENTS), estimate)
    if m.several_exact is not None:
        estimate = where(Symbol("exact > fitted"), value(m.several_exact, OF_MOMENTS), estimate)
    return estimate


def estimates() -> str:
    bodies = {
        name: subquery(select({"x": _estimate(m)}, "query_table(sums)", "model")) for name, m in _of_moments().items()
    }
    return table_macro(
        "tau2 of every model from its sums of moments, before it is truncated at 0.",
        "_pool_moment_estimates(sums, method)",
        bodies,
    )
