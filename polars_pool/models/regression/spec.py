"""What is to be regressed on what, by which groups: the checked arguments of a verb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from ..keys import Keyed
from ..warning import Caller, caller

INTERCEPT = "intercept"
COEFFICIENTS = ("term", "n", "mean", "weight", "effect", "estimate", "se", "lower", "upper")
COMPONENTS = (
    *(
        "groups",
        "n",
        "dropped",
        "sigma2",
        "tau2",
        "correlation",
        "mu",
        "se_mu",
        "mu_lower",
        "mu_upper",
        "mu_p",
        "cov_mu",
    ),
    *("icc", "r2_marginal", "r2_conditional", "log_likelihood", "aic", "singular", "converged"),
)
PREDICTIONS = ("fitted", "population")


@dataclass(frozen=True)
class Regression(Keyed):
    """Columns as expressions with their names; which terms vary by group, and how their covariance is estimated."""

    value: pl.Expr
    covariates: tuple[pl.Expr, ...]
    covariate_names: tuple[str, ...]
    intercept: bool
    vary: tuple[str, ...]  # in the order of the terms
    correlated: bool
    by_names: tuple[str, ...]
    over_names: tuple[str, ...]
    key_columns: tuple[pl.Expr, ...]  # what the names in over and by stand for, in that order
    weights: pl.Expr | None = None
    restricted: bool = True
    nan: str = "error"
    names: Mapping[str, str] = field(default_factory=dict)  # of value and weights, for messages
    caller: Caller = field(default_factory=caller, compare=False)  # the line that warnings point at

    @property
    def terms(self) -> tuple[str, ...]:
        return (INTERCEPT,) * self.intercept + self.covariate_names

    @property
    def varying(self) -> tuple[int, ...]:
        """The places of the varying terms among all."""
        return tuple(self.terms.index(name) for name in self.vary)
