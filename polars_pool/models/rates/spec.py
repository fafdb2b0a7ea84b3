"""The request for rates: events out of trials or in an exposure, the prior of the rates, and options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from ...formulas.priors import Beta, Gamma
from .. import request

Family = Literal["binomial", "poisson"]
GROUPS = ("n", "mean", "weight", "estimate", "se", "lower", "upper")
AGAINST = ("p_above", "pep", "q_value")
PARAMETERS: dict[Family, tuple[str, str]] = {"binomial": ("alpha", "beta"), "poisson": ("shape", "rate")}
ACCEPTED_BY_COMPONENTS = frozenset({"over", "trials", "exposure", "family", "prior", "nan"})
"""Arguments of `components` and `compare` that apply to the prior of rates,"""
ACCEPTED = ACCEPTED_BY_COMPONENTS | {"level", "uncertainty", "threshold", "groups", "posterior"}
"""and those of `shrink` that apply to rates,"""
ACCEPTED_BY_DRAWS = ACCEPTED_BY_COMPONENTS | {"uncertainty", "groups", "draws", "seed"}
"""of `posterior_draws`,"""
ACCEPTED_BY_PROFILE = ACCEPTED_BY_COMPONENTS - {"prior"} | {"rho", "groups"}
"""and of `profile`."""


@dataclass(frozen=True)
class Options(request.Options):
    """What results include: the error of the prior's mean in `se`, a threshold, the parameters of each posterior."""

    uncertainty: str = "mu"
    threshold: float | None = None
    posterior: bool = False


@dataclass(frozen=True, kw_only=True)
class Counts(request.Request):
    """The columns of a request for rates; `size` holds trials or exposure, None where every row is a trial."""

    value: pl.Expr
    size: pl.Expr | None
    family: Family

    @property
    def parameters(self) -> tuple[str, str]:
        """The names of the prior's parameters."""
        return PARAMETERS[self.family]

    @property
    def role(self) -> str:
        """The argument that gives the denominator."""
        return "trials" if self.family == "binomial" else "exposure"


@dataclass(frozen=True, kw_only=True)
class Rates(Counts):
    """A request for rates whose prior is estimated or known."""

    prior: str | Beta | Gamma
    options: Options = Options()
