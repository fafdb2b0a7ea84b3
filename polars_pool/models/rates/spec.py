"""What is counted out of what, by which groups: the checked arguments of a verb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from ...formulas.priors import Beta, Gamma
from ..keys import Keyed
from ..warning import Caller, caller

Family = Literal["binomial", "poisson"]
GROUPS = ("n", "mean", "weight", "estimate", "se", "lower", "upper")
AGAINST = ("p_above", "pep", "q_value")
PARAMETERS: dict[Family, tuple[str, str]] = {"binomial": ("alpha", "beta"), "poisson": ("shape", "rate")}


@dataclass(frozen=True)
class Rates(Keyed):
    """Columns as expressions; `size` holds trials or exposure, None where every row is a trial."""

    value: pl.Expr
    size: pl.Expr | None
    family: Family
    prior: str | Beta | Gamma
    by_names: tuple[str, ...]
    over_names: tuple[str, ...]
    key_columns: tuple[pl.Expr, ...]  # what the names in over and by stand for, in that order
    nan: str = "error"
    names: Mapping[str, str] = field(default_factory=dict)  # of the columns given, for messages
    caller: Caller = field(default_factory=caller, compare=False)  # the line that warnings point at

    @property
    def parameters(self) -> tuple[str, str]:
        return PARAMETERS[self.family]

    @property
    def role(self) -> str:
        """What the denominator is called."""
        return "trials" if self.family == "binomial" else "exposure"
