"""The request for the posterior of means: some hyperparameter has a prior."""

from __future__ import annotations

from dataclasses import dataclass

from .. import request
from ..oneway import spec as oneway

ACCEPTED = oneway.ACCEPTED - {"test", "limits", "uncertainty"}
"""Arguments of `shrink` and `components` that apply to a posterior."""


@dataclass(frozen=True)
class Options(request.Options):
    """What results include: the interval (None for none), the quantity it is about, and a threshold."""

    interval: str | None = None
    predict: str = "mean"
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class PosteriorMeans(oneway.OneWay):
    """A request for the exact posterior of means: a hyperparameter has a prior, and tau2 and mu are not estimated."""

    options: Options = Options()
