"""reference_columns.md: every column of every result, with its type and meaning, from the schemas of the verbs."""

from __future__ import annotations

from typing import Any

import polars as pl

from ... import verbs
from ...formulas.priors import UniformShrinkage
from ..columns import NESTED, OF_GROUPS, OF_MODELS, PRIOR, ROWS, Call
from . import markdown
from .meanings import MEANINGS, SPECIFIC

INTRODUCTION = """\
# Reference: columns

The columns of every result after its keys: first the keys of `over=`, then those of `by=`. Polars and DuckDB have the
same names; in DuckDB Int64 is BIGINT, Float64 is DOUBLE, and a struct with one field per term is a map. Variances are
in squared units of the value, means and standard errors in its units. A column with an argument in brackets exists with
this argument only.
"""
TOWARD = {"toward": "x", "threshold": 0.0}
REGRESSION = {"x": "x", "vary": ["intercept", "x"]}
WITH_WEIGHTS = "weighted_moments"
RESULTS: tuple[tuple[str, str, str, tuple[Call, ...]], ...] = (
    ("moments, merge", "One row per group. `w` exists with `weights=`.", "", (OF_GROUPS[WITH_WEIGHTS],)),
    ("components", "One row per model, without a prior of `tau2`.", "", (OF_MODELS["components"],)),
    (
        "components with a prior of tau2",
        "One row per model: the posterior.",
        "posterior",
        (OF_MODELS["posterior_components"],),
    ),
    (
        "components of rates",
        "One row per model: the distribution of the rates over the groups; `alpha` and `beta` with `trials=`, `shape` "
        "and `rate` with `exposure=`.",
        "prior of rates",
        (OF_MODELS["components_rates"], OF_MODELS["components_counts"]),
    ),
    (
        "components of rates with UniformShrinkage(), UniformSpread() or Hyper()",
        "One row per model: the posterior of the prior of rates.",
        "posterior of rates",
        tuple((verbs.components, {name: name, "prior": UniformShrinkage()}) for name in ("trials", "exposure")),
    ),
    (
        "shrink",
        'One row per group. `noncoverage` exists with `interval="robust"`, `p_above` with `threshold=`. `encode` and '
        "the expression give the `estimate` of each row's group.",
        "",
        (OF_GROUPS["shrink_robust_threshold"],),
    ),
    (
        "components with toward=",
        "One row per model: what the predictors of groups leave.",
        "predictors",
        ((verbs.components, {"toward": "x"}),),
    ),
    (
        "coefficients",
        "One row per model and term of `toward=`; with `covariance=True` one row per pair of terms.",
        "predictors",
        ((verbs.coefficients, {"toward": "x"}),),
    ),
    (
        "shrink with toward=",
        "One row per group. `p_above` exists with `threshold=`.",
        "toward",
        ((verbs.shrink, TOWARD),),
    ),
    (
        "components of nested levels",
        "One row per model and level, the outer level first.",
        "nested components",
        ((verbs.components, NESTED),),
    ),
    (
        "shrink of nested levels",
        "One row per group of the level `at=`. `p_above` exists with `threshold=`.",
        "nested",
        ((verbs.shrink, NESTED),),
    ),
    (
        "shrink of rates",
        "One row per group. `p_above` exists with `threshold=`.",
        "rates",
        (OF_GROUPS["shrink_rates"], OF_GROUPS["shrink_counts"]),
    ),
    (
        "profile",
        "One row per model and `tau`. `density` exists with a prior of `tau2`.",
        "profile",
        (OF_MODELS["posterior_profile"],),
    ),
    ("profile with groups=True", "One row per model, `tau` and group.", "", (OF_GROUPS["profile_of_groups"],)),
    (
        "profile of rates",
        "One row per model and `rho`, or with `groups=True` per model, `rho` and group.",
        "profile of rates",
        ((verbs.profile, {"trials": "trials"}), (verbs.profile, {"trials": "trials", "groups": True})),
    ),
    (
        "compare",
        "One row per model: squared errors of predictions for rows that are held out.",
        "",
        (OF_MODELS["compare"],),
    ),
    (
        "compare of rates",
        "One row per model: scores of predictions for single trials that are held out.",
        "compare rates",
        ((verbs.compare, {"trials": "trials"}),),
    ),
    ("rank", "One row per group. `p_top` exists with `top=`.", "rank", ((verbs.rank, {"top": 10}),)),
    ("posterior_draws", "One row per group and draw.", "draws", ((verbs.posterior_draws, PRIOR),)),
    (
        "posterior_draws of rates",
        "One row per group and draw.",
        "draws of rates",
        ((verbs.posterior_draws, {"trials": "trials"}),),
    ),
    ("regress", "One row per group and term.", "regression", (OF_GROUPS["regress"],)),
    ("regress_components", "One row per model.", "population", ((verbs.regress_components, REGRESSION),)),
    (
        "regress_coefficients",
        "One row per model and term.",
        "coefficients",
        ((verbs.regress_coefficients, REGRESSION),),
    ),
    (
        "regress_coefficients with covariance=True",
        "One row per model and ordered pair of terms.",
        "coefficients",
        ((verbs.regress_coefficients, REGRESSION | {"covariance": True}),),
    ),
    (
        "predict",
        "The rows with two more columns; `lower` and `upper` exist with `interval=`.",
        "prediction",
        ((verbs.predict, {"x": "x", "interval": "row"}),),
    ),
)


def text() -> str:
    """The page."""
    blocks = [INTRODUCTION]
    for title, words, kind, calls in RESULTS:
        rows = ([f"`{name}`", dtype, meaning(kind, name)] for name, dtype in _columns(calls).items())
        blocks += [f"## {title}", words, markdown.table(["column", "type", "meaning"], rows)]
    return "\n\n".join(block.rstrip() for block in blocks) + "\n"


def meaning(kind: str, name: str) -> str:
    """The meaning of a column in a result of this kind; a new column needs its line in meanings.py."""
    return SPECIFIC.get((kind, name)) or MEANINGS[name]


def _columns(calls: tuple[Call, ...]) -> dict[str, str]:
    """The columns of one or several calls with their types; a type that differs between calls is named twice."""
    types: dict[str, list[str]] = {}
    for verb, arguments in calls:
        schema = verb(ROWS, value="value", by="key", **arguments).collect_schema()
        for name, dtype in schema.items():
            if name not in ROWS.collect_schema():
                types.setdefault(name, []).append(_type(dtype))
    return {name: " or ".join(dict.fromkeys(listed)) for name, listed in types.items()}


def _type(dtype: Any) -> str:
    """The name of a type; a struct has one field per term."""
    if isinstance(dtype, pl.Struct):
        return f"struct of {_type(dtype.fields[0].dtype)}"
    return str(dtype)
