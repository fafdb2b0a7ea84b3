"""All estimators by name: one registry for checks, messages, engines, the table of the guides and the test grid."""

from __future__ import annotations

from .estimators import TAU2 as TAU2
from .methods import Method as Method

SIGMA2: dict[str, Method] = {
    m.name: m
    for m in (
        Method("pooled", "mean square within", "one variance for all groups, SSW / (N - J)"),
        Method("separate", "each group's own variance", "metafor's vi = s^2 / n; a single row takes the pooled one"),
        Method("squeezed", "each group's own variance, moderated", "Smyth (2004); squeezeVar of R's limma"),
    )
}

MU: dict[str, Method] = {
    m.name: m
    for m in (
        Method("gls", "generalised least squares", "weights 1 / (v + tau2); lme4, metafor"),
        Method("rows", "every row counts alike", "weights n", needs_n=True),
        Method("groups", "every group counts alike", "the mean of group means"),
        Method("shrunk", "rows weighted by their group's weight", "Mount (2023), Win Vector", needs_n=True),
    )
}
