"""Minima of the functions of many models, and the deepest of several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import trust_region
from .arrays import Array


@dataclass(frozen=True)
class Minima:
    """A minimum of the deviance of each model, or several of them in a further first axis."""

    x: Array  # (models, arguments)
    value: Array
    converged: Array

    def put(self, models: Array, others: Minima) -> None:
        """Replace the minima of some models."""
        self.x[models], self.value[models], self.converged[models] = others.x, others.value, others.converged

    def of(self, models: Array) -> Minima:
        """The minima of some models."""
        return Minima(self.x[models], self.value[models], self.converged[models])


def near(function: trust_region.Function, start: Array) -> Minima:
    """The minimum of each model near its start."""
    x, value, _, converged = trust_region.minimum(function, start)
    return Minima(x, value, converged)


def deepest(minima: list[Minima]) -> Minima:
    """The lowest of several minima of each model; the first of those that are equal except for rounding."""
    x, value, converged = (np.array([getattr(one, name) for one in minima]) for name in ("x", "value", "converged"))
    depth = np.where(np.isfinite(value), value, np.inf)
    lowest = depth.min(axis=0)
    best = (depth <= lowest + trust_region.NOISE * (1 + np.abs(lowest))).argmax(axis=0)
    every = np.arange(len(best))
    return Minima(x[best, every], value[best, every], converged[best, every])
