"""Errors about rows and predictors that a model cannot use, and the models that give cause for a warning."""

from __future__ import annotations

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...formulas import messages
from .. import refuse, warning
from ..many import MEASURABLE
from ..oneway import refuse as of_means
from ..oneway.groups import predictors
from .design import Design
from .fit import Fitted
from .groups import MISSING, VARYING
from .spec import MetaRegression

BEYOND = (
    "toward={name!r} has values that differ by less than 1e-150 or more than 1e150, whose squares are beyond Float64: "
    "take another unit"
)


def bad_rows(table: pl.DataFrame, request: MetaRegression) -> None:
    """Raise if a value, a weight or an error is bad, or a predictor is missing or varies within a group."""
    of_means.bad_rows(table, request)
    refuse.no_level(table, request.design.factors)
    for column, name in zip(predictors(request), request.design.names, strict=True):
        for prefix, sentence in ((MISSING, messages.PREDICTOR_MISSING), (VARYING, messages.PREDICTOR_VARIES)):
            if count := int(table[prefix + column.removeprefix("_pool_")].sum() or 0):
                groups = "1 group" if count == 1 else f"{count:,} groups"
                raise ValueError(sentence.format(name=name, groups=groups))


def dependent(f: Fitted, request: MetaRegression) -> None:
    """Raise if a predictor of the only model is a combination of the terms before it, in groups enough to see it."""
    if request.over or f.g.df[0] < 0 or f.standard.dependent[0] < 0:
        return
    for width, name in zip(_ranges(f.source), request.terms[1:], strict=True):
        if width > 0 and not 1 / MEASURABLE < width < MEASURABLE:
            raise ValueError(BEYOND.format(name=name))
    place = int(f.standard.dependent[0])
    name, before = request.terms[place], request.terms[1:place]
    if not before:
        raise ValueError(messages.PREDICTOR_CONSTANT.format(name=name))
    others = ", ".join(map(repr, before))
    raise ValueError(
        f"toward={name!r} is a linear combination of {others} in every group, or so nearly that few digits would be "
        "left: leave it or one of these out"
    )


def _ranges(g: Design) -> Array:
    """How far the values of each predictor of the only model lie apart."""
    spread = 0.0 if g.spread is None else np.sqrt(np.einsum("iir->ir", g.spread)[1:-1].max(axis=1))
    return np.asarray(np.ptp(g.x[1:], axis=1) + spread)


def causes(f: Fitted, request: MetaRegression) -> dict[str, Array]:
    """The models that give cause for each warning."""
    failed = ~(f.converged & f.known & f.regular)
    single = ~f.published & np.isnan(f.sigma2) & (f.g.rows == f.g.groups)
    fewer = failed & ~single & (f.g.df < 0)
    few = failed & ~single & (f.g.df == 0) & np.isnan(f.tau2)
    combined = failed & ~single & ~fewer & ~few & (f.standard.dependent >= 0)
    others = failed & ~single & ~fewer & ~few & ~combined
    return {
        warning.SINGLE_ROWS: single,
        warning.FEW_GROUPS: few,
        warning.FEWER_GROUPS: fewer,
        warning.COLLINEAR: combined,
        warning.OUT_OF_RANGE: others & ~f.known,
        warning.UNSETTLED: others & f.known,
    }
