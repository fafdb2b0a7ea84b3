"""The names that arguments take, as types, so that a type checker flags a misspelt one; `get_args` lists them."""

from __future__ import annotations

from typing import Literal

Tau2Name = Literal[
    "reml", "ml", "anova", "dl", "he", "hs", "hsk", "sj", "pm", "eb", "pmm", "chung", "sure", "morris", "js", "plugin",
    "cv",
]  # fmt: skip
Sigma2Name = Literal["pooled", "separate", "squeezed"]
MuName = Literal["gls", "rows", "groups", "shrunk"]
Likelihood = Literal["reml", "ml"]  # of regressions
OfRates = Literal["ml", "moments"]  # how the prior of rates is estimated

Family = Literal["normal", "binomial", "poisson"]
NaN = Literal["error", "null"]
GivenTau2 = Literal["mu", "conditional"]  # which errors a standard error includes where the variances are known,
Uncertainty = Literal[GivenTau2, "tau2"]  # or estimated
Predict = Literal["mean", "row", "replicate"]
Test = Literal["z", "t", "knha", "adhoc"]
TestOfTerm = Literal["z", "t"]
OfPrediction = Literal["mean", "row"]  # intervals of predictions
Limits = Literal["profile", "q"]

OfEstimates = Literal["normal", "robust"]  # intervals,
OfPosterior = Literal["central", "shortest"]  # and those of a posterior
Interval = Literal[OfEstimates, OfPosterior]
