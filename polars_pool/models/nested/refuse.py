"""Errors about rows that nested levels cannot use, and the models that give cause for a warning."""

from __future__ import annotations

import numpy as np
import polars as pl

from ...engines.numpy import Array
from .. import warning
from ..oneway.refuse import bad_rows as bad_rows
from .fit import Fitted
from .spec import Nested


def causes_of_table(components: pl.DataFrame, published: bool) -> dict[str, int]:
    """The number of models that give cause for each warning, from their components, one row per model and level."""
    failed = ~pl.col("converged") & (pl.col("groups") > 0)
    unidentified = failed & pl.col("sigma2").is_null() & (not published)
    only = failed & ~unidentified & pl.col("tau2").is_null() & (pl.col("depth") > 1) & (pl.col("groups") > 1)
    by_level = components.filter(only).group_by("level", maintain_order=True).len()
    of_levels = {warning.only_child(level): count for level, count in by_level.iter_rows()}
    outer = components.filter(pl.col("depth") == 1)
    unsettled = failed & ~unidentified & pl.col("tau2").is_not_null()
    count = outer.select(unidentified=unidentified.sum(), unsettled=unsettled.sum())
    return dict(zip((warning.UNIDENTIFIED, warning.UNSETTLED), count.row(0), strict=True)) | of_levels


def causes(f: Fitted, request: Nested) -> dict[str, Array]:
    """The models that give cause for each warning."""
    several, nodes = f.tree.nodes > 1, f.tree.nodes
    undetermined = {
        warning.only_child(", ".join(request.levels[depth - 1])): several[depth]
        & (nodes[depth] == nodes[depth - 1])
        & ~f.determined[request.depth - depth + 1]
        & f.identified
        for depth in range(2, request.depth + 1)
    }
    confounded = np.any(list(undetermined.values()), axis=0) if undetermined else np.zeros(f.tree.models, dtype=bool)
    unsettled = ~f.converged & f.identified & ~confounded
    unidentified = {warning.UNIDENTIFIED: ~f.identified & f.in_range, warning.OUT_OF_RANGE: ~f.in_range}
    return unidentified | {warning.UNSETTLED: unsettled, **undetermined}
