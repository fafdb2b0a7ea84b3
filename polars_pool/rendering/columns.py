"""parts/rendered/columns.sql: names and types of the result columns, as the verbs of Python give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from .. import verbs
from ..engines.sql import folded
from ..formulas.priors import HalfCauchy

COMMENT = """\
-- The columns of results after the keys: their names in order, and for results with one row per model, or of nested
-- levels, an empty relation of their names and types.
"""
ROWS = pl.LazyFrame(
    schema={
        "key": pl.String(),
        "value": pl.Float64(),
        "x": pl.Float64(),
        "trials": pl.Int64(),
        "exposure": pl.Float64(),
    }
)
Call = tuple[Callable[..., pl.LazyFrame], dict[str, Any]]  # a verb and its arguments after value and by
NESTED = {"nested": True}
TOWARD = {"toward": "x"}
PRIOR = {"tau2": HalfCauchy(1)}
OF_RATES = {"threshold": 0.0, "posterior": True}
OF_GROUPS: dict[str, Call] = {
    "moments": (verbs.moments, {}),
    "weighted_moments": (verbs.moments, {"weights": "x"}),
    "shrink": (verbs.shrink, {}),
    "shrink_robust": (verbs.shrink, {"interval": "robust"}),
    "shrink_threshold": (verbs.shrink, {"threshold": 0.0}),
    "shrink_robust_threshold": (verbs.shrink, {"interval": "robust", "threshold": 0.0}),
    "shrink_toward": (verbs.shrink, TOWARD | {"threshold": 0.0}),
    "profile_of_groups": (verbs.profile, {"groups": True}),
    "shrink_rates": (verbs.shrink, {"trials": "trials", **OF_RATES}),
    "shrink_counts": (verbs.shrink, {"exposure": "exposure", **OF_RATES}),
    "regress": (verbs.regress, {"x": "x"}),
}
OF_MODELS: dict[str, Call] = {
    "components": (verbs.components, {}),
    "posterior_components": (verbs.components, PRIOR),
    "profile": (verbs.profile, {}),
    "posterior_profile": (verbs.profile, PRIOR),
    "compare": (verbs.compare, {}),
    "components_nested": (verbs.components, NESTED),
    "shrink_nested": (verbs.shrink, NESTED | {"threshold": 0.0}),
    "components_toward": (verbs.components, TOWARD),
    "coefficients": (verbs.coefficients, TOWARD),
    "components_rates": (verbs.components, {"trials": "trials"}),
    "components_counts": (verbs.components, {"exposure": "exposure"}),
    "regress_components": (verbs.regress_components, {"x": "x"}),
    "regress_coefficients": (verbs.regress_coefficients, {"x": "x"}),
}
LEFT_OUT = {"key", "correlation"}  # a regression in SQL has one varying term
TYPES = {pl.Int64: "BIGINT", pl.Float64: "DOUBLE", pl.Boolean: "BOOLEAN", pl.String: "VARCHAR"}
KEYWORDS = {"new", "none"}


def text() -> str:
    """One list of names per result, and one empty relation per result of models."""
    lists = "\n".join(_list(name, columns(call)) for name, call in (OF_GROUPS | OF_MODELS).items())
    return "\n\n".join([COMMENT + lists, *(_empty(name, columns(call)) for name, call in OF_MODELS.items())])


def columns(call: Call) -> dict[str, str]:
    """The names of the columns of a result after its keys, with their types in SQL."""
    verb, arguments = call
    schema = verb(ROWS, value="value", by="key", **arguments).collect_schema()
    return {name: _type(dtype) for name, dtype in schema.items() if name not in LEFT_OUT}


def _type(dtype: Any) -> str:
    """The type in SQL, where a struct with one field per term is a map."""
    if isinstance(dtype, pl.Struct):
        return f"MAP(VARCHAR, {_type(dtype.fields[0].dtype)})"
    return TYPES[dtype.base_type()]


def _list(name: str, columns: dict[str, str]) -> str:
    head = f"CREATE OR REPLACE MACRO _pool_columns_of_{name}() AS"
    line = f"{head} {list(columns)};"
    return line if len(line) <= 120 else f"{head}\n    {folded(str(list(columns)), 4)};"


def _empty(name: str, columns: dict[str, str]) -> str:
    nulls = ", ".join(f"NULL::{kind} AS {_quoted(column)}" for column, kind in columns.items())
    select = folded(f"SELECT {nulls}", 4)
    return f"CREATE OR REPLACE MACRO _pool_empty_{name}() AS TABLE\n    {select}\n    WHERE false;"


def _quoted(name: str) -> str:
    return f'"{name}"' if name in KEYWORDS else name
