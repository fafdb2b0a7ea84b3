"""The request for the whole posterior of rates: the parameters of their prior have a prior themselves."""

from __future__ import annotations

from dataclasses import dataclass

from ...formulas.priors import Hyper, UniformShrinkage, UniformSpread
from .. import request
from ..rates import spec as rates

ACCEPTED_BY_COMPONENTS = rates.ACCEPTED_BY_COMPONENTS | {"level"}
"""Arguments of `components` that apply to the posterior of rates,"""
ACCEPTED = rates.ACCEPTED - {"posterior", "uncertainty"}
"""and those of `shrink`."""


@dataclass(frozen=True)
class Options(request.Options):
    """What results include: a threshold."""

    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class RatesPosterior(rates.Counts):
    """A request for the posterior of rates whose prior is integrated."""

    prior: UniformShrinkage | UniformSpread | Hyper
    options: Options = Options()
