"""The verbs on Spark frames: the arguments are checked as those of Polars frames, by the schema and without a job."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame

from .. import arguments
from ..arguments import Call
from ..models.oneway.spec import Means
from . import oneway
from .inputs import translated


def estimates(call: Call) -> DataFrame:
    """One row per group, by the family that the arguments describe."""
    inputs, call = translated(call)
    request = arguments.estimates(call)
    if not isinstance(request, Means):
        raise _not_yet(request)
    return oneway.estimates(inputs, request, persist=True)


def components(call: Call) -> DataFrame:
    """One row per model, by the family that the arguments describe."""
    inputs, call = translated(call)
    request = arguments.components(call)
    if not isinstance(request, Means):
        raise _not_yet(request)
    return oneway.components(inputs, request)


def states(call: Call) -> DataFrame:
    """One row per group: its moments."""
    inputs, call = translated(call)
    return oneway.states(inputs, arguments.states(call))


def _not_yet(request: Any) -> NotImplementedError:
    return NotImplementedError(f"{type(request).__name__} on Spark")
