"""From the call of a verb to its result: check the arguments, compute by the functions of the family, collect."""

from __future__ import annotations

from .. import arguments
from ..arguments import Call
from ..models.families import family_of
from .collecting import Frame, same_kind


def estimates(frame: Frame, call: Call) -> Frame:
    """One row per group, by the family that the arguments describe."""
    request = arguments.estimates(call)
    family, unseen = family_of(request), arguments.unseen(call, request)
    result = family.estimates(call.frame, request) if unseen is None else family.estimates(call.frame, request, unseen)
    return same_kind(frame, result, len(request.key_names))


def components(frame: Frame, call: Call) -> Frame:
    """One row per model, by the family that the arguments describe."""
    request = arguments.components(call)
    result = family_of(request).components(call.frame, request)
    return same_kind(frame, result, len(request.over_names))
