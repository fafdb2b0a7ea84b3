"""What is to be estimated from which columns: the checked arguments of a verb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from ...formulas.estimators import TAU2
from ...formulas.priors import Flat, Normal, Prior
from ...formulas.registry import MU
from ..keys import Keyed
from ..warning import Caller, caller

Hyperparameter = str | float
Variance = str | float | Prior
Mean = str | float | Normal | Flat
Input = Literal["rows", "moments", "published"]


@dataclass(frozen=True)
class Priors:
    """What is integrated out, or known, where a posterior is asked for; mu by name is flat."""

    sigma2: Variance
    tau2: float | Prior
    mu: Mean


@dataclass(frozen=True)
class Model(Keyed):
    """Columns as expressions, keys with their names, hyperparameters as name or number, or by priors."""

    value: pl.Expr
    by_names: tuple[str, ...]
    over_names: tuple[str, ...] = ()
    key_columns: tuple[pl.Expr, ...] = ()  # what the names in over and by stand for, in that order
    n: pl.Expr | None = None
    var: pl.Expr | None = None
    se: pl.Expr | None = None
    weights: pl.Expr | None = None
    sigma2: Hyperparameter = "pooled"
    tau2: Hyperparameter = "reml"
    mu: Hyperparameter = "gls"
    priors: Priors | None = None
    nan: str = "error"
    tau2_error: bool = False  # whether the error of tau2 is asked for, too
    names: Mapping[str, str] = field(default_factory=dict)  # of the columns given, for messages
    caller: Caller = field(default_factory=caller, compare=False)  # the line that warnings point at

    @property
    def input(self) -> Input:
        if self.se is not None:
            return "published"
        return "rows" if self.var is None else "moments"

    @property
    def sized(self) -> bool:
        """Whether the sampling variance of a group depends on its n alone."""
        own = self.sigma2 in ("separate", "squeezed")
        return self.input != "published" and self.weights is None and not own

    @property
    def needs_n(self) -> bool:
        """Whether a method asks for the n of published estimates."""
        methods = (TAU2.get(str(self.tau2)), MU.get(str(self.mu)))
        return any(method is not None and method.needs_n for method in methods)
