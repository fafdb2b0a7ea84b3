"""Errors about rows that nested levels cannot use, and the models that give cause for a warning."""

from __future__ import annotations

from ...engines.numpy import Array
from .. import warning
from ..oneway.refuse import bad_rows as bad_rows
from .fit import Fitted
from .spec import Nested


def causes(f: Fitted, request: Nested) -> dict[str, Array]:
    """The models that give cause for each warning; a model of one leaf gives none."""
    several = f.tree.leaves > 1
    undetermined = {
        warning.only_child(", ".join(request.levels[request.depth - index])): ~f.determined[index]
        & f.identified
        & several
        for index in range(1, request.depth)
        if request.tau2[request.depth - index] is None
    }
    unsettled = ~f.converged & f.identified & f.determined.all(axis=0)
    return {warning.UNIDENTIFIED: ~f.identified & several, warning.UNSETTLED: unsettled, **undetermined}
