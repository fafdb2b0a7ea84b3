"""The request for a regression: covariates, and the terms that vary by group."""

from __future__ import annotations

from typing import Any, get_args

import polars as pl

from ..formulas.names import GivenTau2, Likelihood, NaN
from ..models.regression.spec import INTERCEPT, Options, Regression
from .call import Call
from .columns import column_of, keys, numeric, some_column
from .options import flag, level, one_of
from .sentences import listed, nearest, series_hint, shown


def regression(call: Call) -> Regression:
    """The request for a regression."""
    frame, schema = call.frame, call.schema
    by_names, over_names, key_columns = keys(frame, schema, call["by"], call["over"])
    roles = ("value",) if call["weights"] is None else ("value", "weights")
    names = {role: numeric(frame, schema, call[role], role)[0] for role in roles}
    covariates = _covariates(call["x"])
    covariate_names = tuple(numeric(frame, schema, covariate, "x")[0] for covariate in covariates)
    intercept = flag(call["intercept"], "intercept")
    _refuse_names(covariate_names, names["value"], intercept)
    columns = {role: column_of(schema, call[role], role) for role in roles}
    covariate_columns = tuple(column_of(schema, covariate, "x") for covariate in covariates)
    some_column((columns["value"], *key_columns, *covariate_columns))
    terms = (INTERCEPT,) * intercept + covariate_names
    if not terms:
        raise ValueError("intercept=False and x=[] leave no term; give a covariate, or keep the intercept")
    return Regression(
        value=columns["value"],
        covariates=covariate_columns,
        covariate_names=covariate_names,
        intercept=intercept,
        vary=_varying(call["vary"], terms),
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


def _covariates(argument: Any) -> list[Any]:
    """The covariates as a list."""
    covariates = _as_list(argument)
    if covariates is None:
        raise TypeError(
            f"x={shown(argument)}; give a column name, an expression, or a list of them, [] for none"
            f"{series_hint(argument)}"
        )
    return covariates


def _as_list(argument: Any) -> list[Any] | None:
    """One column or several as a list; None for anything else."""
    if isinstance(argument, str | pl.Expr):
        return [argument]
    return list(argument) if isinstance(argument, list | tuple) else None


def _refuse_names(covariates: tuple[str, ...], value: str, intercept: bool) -> None:
    """Refuse covariates with equal names, or with the name of the value or of the intercept."""
    for i, name in enumerate(covariates):
        if name in covariates[:i]:
            raise ValueError(f"x names {name!r} twice; give every covariate once, an expression with .alias(...)")
        if name == value:
            raise ValueError(f"x={name!r} is the value itself; give other covariates, an expression with .alias(...)")
        if name == INTERCEPT and intercept:
            raise ValueError(f"x={name!r} bears the name of the intercept: rename it, or give intercept=False")


def _varying(argument: Any, terms: tuple[str, ...]) -> tuple[str, ...]:
    """The terms that vary by group, in the order of the terms."""
    names = None if isinstance(argument, pl.Expr) else _as_list(argument)
    if names is None or not all(isinstance(name, str) for name in names):
        raise TypeError(f"vary={shown(argument)}; give a list of terms out of {listed(terms)}")
    for i, name in enumerate(names):
        if name not in terms:
            raise ValueError(
                f"vary names {name!r}, which is no term; give some of {listed(terms)}{nearest(name, terms)}"
            )
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
