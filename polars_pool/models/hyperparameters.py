"""The hyperparameters of the one-way model: sigma2, tau2 and mu, each known, estimated or integrated out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from ..formulas.estimators import TAU2
from ..formulas.priors import Flat, Normal, Prior
from ..formulas.registry import MU, Method

Variance = float | str | Prior
Mean = float | str | Normal | Flat


@dataclass(frozen=True)
class Hyperparameters:
    """sigma2, tau2 and mu: each a known number, the name of its estimator, or a prior that integrates it out."""

    sigma2: Variance = "pooled"
    tau2: Variance = "reml"
    mu: Mean = "gls"

    @cached_property
    def priors(self) -> dict[str, Prior | Normal]:
        """The informative priors by the name of their hyperparameter; with one, results are of a posterior."""
        values = {"sigma2": self.sigma2, "tau2": self.tau2, "mu": self.mu}
        return {name: value for name, value in values.items() if isinstance(value, Prior | Normal)}

    @property
    def method(self) -> Method | None:
        """The estimator of tau2; None for a known tau2 or a prior."""
        return TAU2[self.tau2] if isinstance(self.tau2, str) else None

    @property
    def known_sigma2(self) -> float | None:
        return self.sigma2 if isinstance(self.sigma2, float) else None

    @property
    def known_tau2(self) -> float | None:
        return self.tau2 if isinstance(self.tau2, float) else None

    @property
    def known_mu(self) -> float | None:
        return self.mu if isinstance(self.mu, float) else None

    @property
    def has_group_variances(self) -> bool:
        """Whether each group has a variance of its own within."""
        return self.sigma2 in ("separate", "squeezed")

    @property
    def needs_n(self) -> bool:
        """Whether an estimator needs the n of published estimates."""
        return any(method.needs_n for method in self._methods)

    @property
    def _methods(self) -> Iterator[Method]:
        if self.method is not None:
            yield self.method
        if isinstance(self.mu, str):
            yield MU[self.mu]

    @property
    def by_likelihood(self) -> Hyperparameters:
        """The hyperparameters of the likelihood alone: each prior gives way to the restricted likelihood's estimate."""
        return replace(
            self,
            sigma2="pooled" if isinstance(self.sigma2, Prior) else self.sigma2,
            tau2="reml" if isinstance(self.tau2, Prior) else self.tau2,
            mu="gls" if isinstance(self.mu, Normal | Flat) else self.mu,
        )
