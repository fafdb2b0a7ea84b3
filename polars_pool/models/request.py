"""The parts of a request that all model families share: the keys of groups and models, and the level of intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

import polars as pl

from .keys import KEY
from .warning import Caller, caller


@dataclass(frozen=True)
class Options:
    """What results include; each family adds its options."""

    level: float = 0.95

    @property
    def quantile(self) -> float:
        """The normal quantile of the interval at `level`."""
        return -NormalDist().inv_cdf((1 - self.level) / 2)


@dataclass(frozen=True, kw_only=True)
class Request:
    """The checked arguments of a verb; each family adds its columns, hyperparameters and options.

    A request holds no data: a plan keeps it, and may be pickled with it.
    """

    by_names: tuple[str, ...]
    over_names: tuple[str, ...] = ()
    key_columns: tuple[pl.Expr, ...] = ()  # expressions of the keys of over and by, in that order
    nan: str = "error"
    filled: bool = False  # whether estimates without a variance are mu: codes out of fold must not be empty
    names: Mapping[str, str] = field(default_factory=dict)  # names of the columns by role, for messages
    caller: Caller = field(default_factory=caller, compare=False)  # the line that warnings point at

    @property
    def predictors(self) -> tuple[pl.Expr, ...]:
        """Columns with one value for each group, which say what its mean is pulled toward; none by default."""
        return ()

    @property
    def over(self) -> tuple[str, ...]:
        """The keys of the models inside a plan."""
        return tuple(KEY + name for name in self.over_names)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the groups inside a plan, those of their models first."""
        return self.over + tuple(KEY + name for name in self.by_names)

    @property
    def group_names(self) -> tuple[str, ...]:
        """The names of the keys of a group of the result."""
        return self.by_names

    @property
    def key_names(self) -> tuple[str, ...]:
        return self.over_names + self.by_names
