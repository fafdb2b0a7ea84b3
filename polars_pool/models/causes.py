"""The models that give cause for a warning: those without an estimate, or whose estimate did not settle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..engines.numpy import Array
from .hyperparameters import Hyperparameters
from .warning import IMPROPER, OUT_OF_RANGE, TOO_FEW, UNIDENTIFIED, UNSETTLED


@dataclass(frozen=True)
class Missing:
    """The models without an estimate that settled, among those with groups; NaN is a missing number."""

    published: bool
    groups: Array
    n: Array  # NaN for published estimates
    sigma2: Array
    tau2: Array  # or a statistic of the posterior of tau
    converged: Array

    @property
    def failed(self) -> Array:
        return np.asarray(~self.converged & (self.groups > 0))

    @property
    def unidentified(self) -> Array:
        """Models of single rows; squares that overflow leave no sigma2 either."""
        single = np.asarray(self.n == self.groups)
        return np.asarray(self.failed & np.isnan(self.sigma2) & single & (not self.published))

    @property
    def without_tau2(self) -> Array:
        return np.asarray(self.failed & ~self.unidentified & np.isnan(self.tau2))


def causes(missing: Missing, hyperparameters: Hyperparameters) -> dict[str, Array]:
    """The models that give cause for each message, where no hyperparameter has a prior."""
    failed, unidentified = missing.failed, missing.unidentified
    if (method := hyperparameters.method) is not None:
        fitted = 1 if hyperparameters.known_mu is None else 0
        few = missing.without_tau2 & ~((missing.groups >= method.groups) & (missing.groups - fitted >= method.df))
        out_of_range = missing.without_tau2 & ~few
    else:
        few, out_of_range = np.zeros_like(failed), failed & ~unidentified
    unsettled = failed & ~unidentified & ~few & ~out_of_range
    return {UNIDENTIFIED: unidentified, TOO_FEW: few, OUT_OF_RANGE: out_of_range, UNSETTLED: unsettled}


def causes_of_posterior(missing: Missing) -> dict[str, Array]:
    """The models that give cause for each message, for priors: tau2 is a statistic of the posterior of tau."""
    improper = missing.without_tau2
    unsettled = missing.failed & ~missing.unidentified & ~improper
    return {UNIDENTIFIED: missing.unidentified, IMPROPER: improper, UNSETTLED: unsettled}
