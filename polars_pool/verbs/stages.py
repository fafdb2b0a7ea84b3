"""From the call of a verb to its result: check the arguments, compute by the functions of the family, collect."""

from __future__ import annotations

from .. import arguments
from ..arguments import Call
from ..models.families import family_of
from .collecting import Frame
from .engines import Query, by_engine


def estimates(frame: Frame, call: Call) -> Frame:
    """One row per group, by the family that the arguments describe."""
    return by_engine(frame, call, "estimates", _estimates)


def components(frame: Frame, call: Call) -> Frame:
    """One row per model, by the family that the arguments describe."""
    return by_engine(frame, call, "components", _components)


def _estimates(call: Call) -> Query:
    request = arguments.estimates(call)
    family, unseen = family_of(request), arguments.unseen(call, request)
    result = family.estimates(call.frame, request) if unseen is None else family.estimates(call.frame, request, unseen)
    return result, len(request.over_names) + len(request.group_names)


def _components(call: Call) -> Query:
    request = arguments.components(call)
    return family_of(request).components(call.frame, request), len(request.over_names)
