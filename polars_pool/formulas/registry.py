"""The estimators by name: one registry for checks, messages, the README table and the test grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

Fit = Callable[[Any], Any]
F = TypeVar("F", bound=Fit)


@dataclass(frozen=True)
class Method:
    """A way to estimate a hyperparameter, and the inputs it fits."""

    name: str
    title: str
    source: str
    given: Fit | None = None  # groups with sampling variances v -> tau2, converged
    joint: Fit | None = None  # groups of rows with a pooled sigma2 -> sigma2, tau2, converged
    needs_n: bool = False  # on published estimates
    weighted: bool = True  # rows may carry precision weights
    groups: int = 1  # least number of groups it is defined for,
    df: int = 1  # and least number of them less the mean that is fitted
    equal_v: bool = False  # all groups of a model have the same sampling variance
    positive: bool = False  # never 0 while v > 0, even where all means agree


TAU2: dict[str, Method] = {}

SIGMA2: dict[str, Method] = {
    m.name: m
    for m in [
        Method("pooled", "mean square within", "one variance for all groups, SSW / (N - J)"),
        Method("separate", "each group's own variance", "metafor's vi = s^2 / n; a single row takes the pooled one"),
        Method("squeezed", "each group's own variance, moderated", "Smyth (2004); squeezeVar of R's limma"),
    ]
}

MU: dict[str, Method] = {
    m.name: m
    for m in [
        Method("gls", "generalised least squares", "weights 1 / (v + tau2); lme4, metafor"),
        Method("rows", "every row counts alike", "weights n", needs_n=True),
        Method("groups", "every group counts alike", "the mean of group means"),
        Method("shrunk", "rows weighted by their group's weight", "Mount (2023), Win Vector", needs_n=True),
    ]
}


def given_v(name: str, title: str, source: str, **limits: Any) -> Callable[[F], F]:
    """Register an estimator of tau2 from groups whose sampling variances v are known; `limits` as in Method."""

    def register(fit: F) -> F:
        TAU2[name] = Method(name, title, source, given=fit, **limits)
        return fit

    return register


def on_rows(name: str, title: str, source: str, weighted: bool = True) -> Callable[[F], F]:
    """Register an estimator of sigma2 and tau2 together from the rows' moments; one given v may bear the same name."""

    def register(fit: F) -> F:
        same = TAU2.get(name, Method(name, title, source, weighted=weighted))
        TAU2[name] = replace(same, joint=fit)
        return fit

    return register
