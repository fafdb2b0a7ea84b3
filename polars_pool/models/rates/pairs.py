"""Groups of rates as distinct pairs of events and trials, or exposure, each with its number of groups."""

from __future__ import annotations

from dataclasses import dataclass

from ...engines.numpy import Array
from ...numerics.segments import Segments
from . import likelihood


@dataclass(frozen=True)
class Pairs(Segments):
    """Distinct events and trials, or exposure, sorted by model."""

    x: Array
    n: Array
    k: Array  # number of groups with this pair

    def sum(self, x: Array) -> Array:
        """Sum over the groups of each model."""
        return super().sum(self.k * x)

    def excess(self, mean: Array) -> Array:
        """Events beyond their expected number at the mean of each model."""
        return likelihood.excess(self.x, self.n, self.each(mean))
