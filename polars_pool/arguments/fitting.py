"""Which method fits which columns."""

from __future__ import annotations

from ..formulas.estimators import TAU2
from ..formulas.registry import MU, Method
from ..models.oneway.spec import Model
from .sentences import listed


def fitting(m: Model) -> None:
    """Columns that go together, and methods that fit them."""
    if m.se is not None:
        for role, column in (("var", m.var), ("weights", m.weights)):
            if column is not None:
                raise ValueError(f"{role}= does not go with se=: published estimates carry their error in se alone")
        if m.sigma2 != "pooled":
            raise ValueError(f"sigma2={m.sigma2!r} does not go with se=: the sampling variance is known, se squared")
    elif (m.n is None) != (m.var is None):
        given, missing = ("n", "var") if m.var is None else ("var", "n")
        raise ValueError(f"{given}= without {missing}=; stored moments need both, published estimates need se=")
    if isinstance(m.mu, str) and m.se is not None and MU[m.mu].needs_n and m.n is None:
        raise ValueError(f"mu={m.mu!r} weighs by rows, and se= alone does not tell them: give n=, or {_fits(MU)}")
    if isinstance(m.tau2, str):
        _fitting_estimator(m, TAU2[m.tau2])


def _fitting_estimator(m: Model, method: Method) -> None:
    if m.se is not None and method.needs_n and m.n is None:
        raise ValueError(
            f"tau2={method.name!r} weighs by rows, and se= alone does not tell them: give n=, or {_fits(TAU2)}"
        )
    known_v = {"se=": m.se is not None, f"sigma2={m.sigma2!r}": m.sigma2 != "pooled"}
    for given, present in known_v.items():
        if present and method.given is None:
            fit = listed(name for name, other in TAU2.items() if other.given is not None)
            raise ValueError(f"tau2={method.name!r} does not fit {given}: give a number, or one of {fit}")
    if m.weights is not None and not method.weighted:
        fit = listed(name for name, other in TAU2.items() if other.weighted)
        raise ValueError(f"tau2={method.name!r} does not fit weights=: give a number, or one of {fit}")


def _fits(methods: dict[str, Method]) -> str:
    return f"one of {listed(name for name, method in methods.items() if not method.needs_n and method.weighted)}"
