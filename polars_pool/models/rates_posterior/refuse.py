"""Errors that only the data can raise: rows that hold no counts, and an improper posterior of the only model."""

from __future__ import annotations

from ...engines.numpy import Array
from ..rates.refuse import bad_rows
from .spec import RatesPosterior

__all__ = ["bad_rows", "improper"]

NO_EVENTS = (
    "the posterior is improper, as no group has an event: give a prior of the mean, such as "
    "prior=Hyper(mean=Gamma(1, 10))"
)
ALL_OR_NONE = (
    "prior=UniformSpread() leaves the posterior improper, as each group has only events or none: give "
    "prior=UniformShrinkage()"
)


def improper(request: RatesPosterior, is_proper: Array) -> None:
    """Raise if the posterior of the only model has no finite total."""
    if not is_proper.all():
        raise ValueError(NO_EVENTS if request.family == "poisson" else ALL_OR_NONE)
