"""The request for means: columns of rows, stored moments or published estimates, hyperparameters and options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from .. import request
from ..contrasts import Design
from ..hyperparameters import Hyperparameters

NONE = Design()
Input = Literal["rows", "moments", "published"]
COLUMNS = ("value", "n", "var", "se", "weights")
ACCEPTED = frozenset(
    {"over", "n", "var", "se", "weights", "family", "sigma2", "tau2", "mu", "nan"}
    | {"level", "test", "limits", "uncertainty", "interval", "predict", "threshold", "groups"}
)
"""Arguments of `shrink` and `components` that apply to means; each is an error with another family, and vice versa."""


@dataclass(frozen=True)
class Options(request.Options):
    """What results include: the intervals, the test of mu, the errors in `se`, and the quantity they are about."""

    test: str = "z"
    limits: str | None = None
    interval: str = "normal"
    uncertainty: str = "mu"
    predict: str = "mean"
    threshold: float | None = None


@dataclass(frozen=True)
class Ranking:
    """Which ranks are computed: among how many first groups, a number or a share, and whether the largest is first."""

    top: int | float | None = None
    descending: bool = True


@dataclass(frozen=True, kw_only=True)
class OneWay(request.Request):
    """A request on the one-way model: its columns as expressions, and its hyperparameters."""

    value: pl.Expr
    n: pl.Expr | None = None
    var: pl.Expr | None = None
    se: pl.Expr | None = None
    weights: pl.Expr | None = None
    design: Design = NONE  # of the predictors of groups
    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    lazy: bool = False  # whether the result is a plan, which a remote engine may run

    @property
    def predictors(self) -> tuple[pl.Expr, ...]:
        return self.design.columns

    @property
    def input(self) -> Input:
        if self.se is not None:
            return "published"
        return "rows" if self.var is None else "moments"

    @property
    def published(self) -> bool:
        """Whether the rows are published estimates with standard errors."""
        return self.input == "published"

    @property
    def variance_depends_on_n(self) -> bool:
        """Whether the sampling variance of a group depends on its n alone."""
        return not self.published and self.weights is None and not self.hyperparameters.has_group_variances

    @property
    def compressed_by_plan(self) -> bool:
        """Whether the plan compresses groups by their sampling variance; in memory, arrays do this in less time.

        The prior of squeezed variances needs the variance of each group, and some estimators need its n beside v.
        """
        h = self.hyperparameters
        needs_n = h.needs_n and (self.published or h.has_group_variances)
        return self.lazy and not self.variance_depends_on_n and h.sigma2 != "squeezed" and not needs_n


@dataclass(frozen=True, kw_only=True)
class Means(OneWay):
    """A request for partially pooled means: each hyperparameter is known or estimated."""

    options: Options = Options()

    @property
    def error_of_tau2(self) -> bool:
        """Whether `se` includes the error of tau2."""
        return self.options.uncertainty == "tau2"
