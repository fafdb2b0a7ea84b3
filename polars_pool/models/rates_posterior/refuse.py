"""Errors that only the data can raise: rows that hold no counts, and an improper posterior of the only model."""

from __future__ import annotations

from ...engines.numpy import Array
from ...formulas import messages
from ..rates.refuse import bad_rows
from .spec import RatesPosterior

__all__ = ["bad_rows", "improper"]


def improper(request: RatesPosterior, is_proper: Array) -> None:
    """Raise if the posterior of the only model has no finite total."""
    if not is_proper.all():
        raise ValueError(messages.NO_EVENTS if request.family == "poisson" else messages.ALL_OR_NONE)
