"""The request for a regression: the value, its covariates, the terms that vary by group, and options."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from .. import request
from ..contrasts import Design

INTERCEPT = "intercept"
PREDICTIONS = ("fitted", "population")
LIMITS = ("lower", "upper")  # of a prediction, with an interval


@dataclass(frozen=True)
class Options(request.Options):
    """What results include: the intervals, the errors in `se`, the tests of coefficients or their covariances."""

    uncertainty: str = "mu"
    test: str = "z"
    covariance: bool = False
    interval: str | None = None  # of predictions


@dataclass(frozen=True, kw_only=True)
class Regression(request.Request):
    """A request for a regression: which terms vary by group, and how their covariance is estimated."""

    value: pl.Expr
    design: Design
    intercept: bool
    vary: tuple[str, ...]  # in the order of the terms
    correlated: bool
    weights: pl.Expr | None = None
    restricted: bool = True  # by the restricted likelihood
    options: Options = Options()

    @property
    def covariates(self) -> tuple[pl.Expr, ...]:
        return self.design.columns

    @property
    def covariate_names(self) -> tuple[str, ...]:
        return self.design.names

    @property
    def terms(self) -> tuple[str, ...]:
        return (INTERCEPT,) * self.intercept + self.covariate_names

    @property
    def varying(self) -> tuple[int, ...]:
        """The positions of the varying terms among all."""
        return tuple(self.terms.index(name) for name in self.vary)
