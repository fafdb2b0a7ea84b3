"""The request for nested levels: groups within groups, each pulled toward the group that it lies in."""

from __future__ import annotations

from dataclasses import dataclass, field

from .. import request
from ..oneway.spec import OneWay

ACCEPTED = frozenset(
    {"over", "n", "var", "se", "weights", "sigma2", "tau2", "nan", "level", "uncertainty", "predict", "threshold"}
    | {"groups", "family", "nested", "at"}
)
"""Arguments that apply to nested levels; each other one is an error with them."""


@dataclass(frozen=True)
class Options(request.Options):
    """What results include: the errors in `se`, and the quantity that it describes."""

    uncertainty: str = "mu"
    predict: str = "mean"
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class Nested(OneWay):
    """A request for nested levels: the names of the keys of each level, outer to inner, and its tau2.

    `by_names` are the keys of all levels. Each tau2 is known, or estimated by one likelihood.
    """

    levels: tuple[tuple[str, ...], ...]
    tau2: tuple[float | None, ...]  # by level; None where it is estimated
    restricted: bool = True
    at: int = 0  # the depth of the level whose nodes are the result
    options: Options = field(default_factory=Options)

    @property
    def group_names(self) -> tuple[str, ...]:
        """The names of the keys of a node of the result."""
        return self.path(self.at)

    @property
    def conditional(self) -> bool:
        """Whether `se` excludes the error of mu."""
        return self.options.uncertainty == "conditional"

    @property
    def depth(self) -> int:
        """Number of levels."""
        return len(self.levels)

    @property
    def given(self) -> bool:
        """Whether the sampling variances are known exactly: published, or computed from a known sigma2."""
        return self.published or self.hyperparameters.known_sigma2 is not None

    def path(self, depth: int) -> tuple[str, ...]:
        """The names of the keys of a node at a depth."""
        return tuple(name for level in self.levels[:depth] for name in level)

    def node_keys(self, depth: int) -> tuple[str, ...]:
        """The private names of the keys of a node at a depth and of its model."""
        return self.keys[: len(self.over_names) + len(self.path(depth))]
