"""Types of the arguments that are a number, a name or a prior."""

from __future__ import annotations

from collections.abc import Sequence

from ..formulas.names import (
    Likelihood,
    MuName,
    OfRates,
    Sigma2Name,
    Tau2Name,
)
from ..formulas.priors import Beta, Flat, Gamma, Hyper, Normal, Prior, UniformShrinkage, UniformSpread

# A known number, the name of an estimator, or a prior. Type checkers flag a prior as a text, "half_cauchy(5)".
Sigma2 = float | Sigma2Name | Prior
Tau2 = float | Tau2Name | Prior
Tau2OfLevels = Sequence[float | Likelihood]  # of nested levels
Mu = float | MuName | Normal | Flat
PriorOfRates = OfRates | Beta | Gamma | UniformShrinkage | UniformSpread | Hyper
