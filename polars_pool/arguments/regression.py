"""The request for a regression: covariates, and the terms that vary by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from ..formulas.names import GivenTau2, Likelihood, NaN
from ..models.contrasts import Design
from ..models.regression.spec import INTERCEPT, Options, Regression
from .call import Call
from .columns import column_of, keys, numeric, some_column
from .expansion import expanded
from .options import flag, level, one_of
from .sentences import listed, nearest, shown


def regression(call: Call) -> Regression:
    """The request for a regression."""
    frame, schema = call.frame, call.schema
    by_names, over_names, key_columns = keys(frame, schema, call["by"], call["over"])
    roles = ("value",) if call["weights"] is None else ("value", "weights")
    names = {role: numeric(frame, schema, call[role], role)[0] for role in roles}
    design = expanded(frame, schema, call["x"], "x")
    intercept = flag(call["intercept"], "intercept")
    _refuse_names(design, names["value"], intercept)
    columns = {role: column_of(schema, call[role], role) for role in roles}
    some_column((columns["value"], *key_columns, *design.columns))
    terms = (INTERCEPT,) * intercept + design.names
    if not terms:
        raise ValueError("intercept=False and x=[] leave no term; give a covariate, or keep the intercept")
    return Regression(
        value=columns["value"],
        design=design,
        intercept=intercept,
        vary=_varying(call["vary"], terms, design.entries),
        correlated=flag(call["correlated"], "correlated"),
        by_names=by_names,
        over_names=over_names,
        key_columns=key_columns,
        weights=columns.get("weights"),
        restricted=one_of(call["method"], get_args(Likelihood), "method") == "reml",
        nan=one_of(call["nan"], get_args(NaN), "nan"),
        names=names,
        options=_options(call),
    )


def _refuse_names(design: Design, value: str, intercept: bool) -> None:
    """Refuse covariates with equal names, or with the name of the value or of the intercept."""
    for i, name in enumerate(design.names):
        if name in design.names[:i]:
            raise ValueError(f"x names {name!r} twice; give every covariate once, an expression with .alias(...)")
    for name in design.entries:
        if name == value:
            raise ValueError(f"x={name!r} is the value itself; give other covariates, an expression with .alias(...)")
        if name == INTERCEPT and intercept:
            raise ValueError(f"x={name!r} bears the name of the intercept: rename it, or give intercept=False")


def _varying(argument: Any, terms: tuple[str, ...], entries: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The terms that vary by group, in the order of the terms; a factor or an interaction stands for all its terms."""
    vary = [argument] if isinstance(argument, str) else argument
    if not isinstance(vary, list | tuple) or not all(isinstance(name, str) for name in vary):
        raise TypeError(f"vary={shown(argument)}; give a list of terms out of {listed(terms)}")
    names: list[str] = []
    for name in vary:
        if name not in terms and name not in entries:
            raise ValueError(
                f"vary names {name!r}, which is no term; give some of {listed(terms)}{nearest(name, terms)}"
            )
        names += (name,) if name in terms else entries[name]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(f"vary names {name!r} twice; give every term once")
    if not names:
        raise ValueError(f"vary={argument!r} lets no term vary by group; give some of {listed(terms)}")
    return tuple(name for name in terms if name in names)


def _options(call: Call) -> Options:
    options: dict[str, Any] = {}
    if "level" in call:
        options["level"] = level(call["level"])
    if "uncertainty" in call:
        options["uncertainty"] = one_of(call["uncertainty"], get_args(GivenTau2), "uncertainty")
    return Options(**options)
