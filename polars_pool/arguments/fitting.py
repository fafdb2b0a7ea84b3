"""Which columns go together, and which estimators fit them."""

from __future__ import annotations

from collections.abc import Collection

from ..formulas import messages
from ..formulas.estimators import TAU2
from ..formulas.registry import MU, Method
from ..models.hyperparameters import Hyperparameters
from .sentences import listed


def fitting(roles: Collection[str], h: Hyperparameters) -> None:
    """Refuse columns, by their roles, that do not go together, and estimators that do not fit them."""
    if "se" in roles:
        _fitting_published(roles, h)
    elif ("n" in roles) != ("var" in roles):
        one, missing = ("n", "var") if "n" in roles else ("var", "n")
        raise ValueError(messages.HALF_OF_MOMENTS.format(role=one, missing=missing))
    if h.method is not None:
        _fitting_estimator(roles, h, h.method)


def _fitting_published(roles: Collection[str], h: Hyperparameters) -> None:
    for role in ("var", "weights"):
        if role in roles:
            raise ValueError(messages.WITH_PUBLISHED.format(role=role))
    if h.sigma2 != "pooled":
        sigma2 = f"'{h.sigma2}'" if "sigma2" in h.priors else repr(h.sigma2)
        raise ValueError(messages.VARIANCE_OF_PUBLISHED.format(argument=sigma2))
    if isinstance(h.mu, str) and MU[h.mu].needs_n and "n" not in roles:
        raise ValueError(messages.WITHOUT_COUNTS.format(role="mu", argument=repr(h.mu), names=_fits(MU)))


def _fitting_estimator(roles: Collection[str], h: Hyperparameters, method: Method) -> None:
    if "se" in roles and method.needs_n and "n" not in roles:
        raise ValueError(messages.WITHOUT_COUNTS.format(role="tau2", argument=repr(method.name), names=_fits(TAU2)))
    known_v = {"se=": "se" in roles, f"sigma2={h.sigma2!r}": h.sigma2 != "pooled"}
    for source, present in known_v.items():
        if present and method.known_v is None:
            fit = listed(name for name, other in TAU2.items() if other.known_v is not None)
            raise ValueError(messages.UNFIT.format(role="tau2", argument=repr(method.name), source=source, names=fit))
    if "weights" in roles and not method.weighted:
        fit = listed(name for name, other in TAU2.items() if other.weighted)
        raise ValueError(messages.UNFIT.format(role="tau2", argument=repr(method.name), source="weights=", names=fit))


def _fits(methods: dict[str, Method]) -> str:
    return listed(name for name, method in methods.items() if not method.needs_n and method.weighted)
