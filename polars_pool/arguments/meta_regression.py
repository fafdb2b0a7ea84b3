"""The request for means that predictors of their groups explain in part: toward=."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from ..formulas import messages
from ..formulas.meta_regression import TAU2
from ..models.contrasts import Design
from ..models.encoding import ARGUMENTS
from ..models.meta_regression.spec import ACCEPTED, INTERCEPT, MetaRegression
from ..models.oneway.spec import Means
from .call import Call
from .columns import PolarsColumn, name_or_expression
from .contrasts import Factor, Interaction
from .expansion import entries_of, expanded, parts_of
from .families import has_rates
from .means import check_without_columns, means
from .sentences import is_number, listed, nearest, shown

ELSEWHERE = ARGUMENTS | {"persist"}
KNOWN = "a number of 0 or more"


def has_predictors(call: Call) -> bool:
    """Whether the call gives predictors of groups; an empty list is none, but for a verb about coefficients."""
    toward = call.get("toward")
    return toward is not None and not (isinstance(toward, list | tuple) and not toward)


def meta_regression(call: Call) -> MetaRegression:
    """The request for means beside predictors."""
    _refuse(call)
    request = means(call)
    assert isinstance(request, Means)
    design = expanded(call.frame, call.schema, call["toward"], "toward")
    _refuse_names(design, request.names["value"])
    of_means = {f.name: getattr(request, f.name) for f in fields(request)}
    return MetaRegression(**of_means | {"design": design})


def check_predictors_without_columns(call: Call) -> None:
    """Refuse what is wrong whatever the columns hold."""
    _refuse(call)
    check_without_columns(call)


def predictor_columns(argument: Any) -> list[PolarsColumn]:
    """The columns of all predictors, those of factors and interactions too."""
    parts = [part for entry in entries_of(argument, "toward") for part in parts_of(entry)]
    return [name_or_expression(part.column if isinstance(part, Factor) else part, "toward") for part in parts]


def of_columns(argument: Any, columns: Iterable[PolarsColumn]) -> list[Any]:
    """The same predictors of other columns, in the order of `predictor_columns`."""
    columns = iter(columns)

    def moved(part: Any) -> Any:
        return replace(part, column=next(columns)) if isinstance(part, Factor) else next(columns)

    return [
        Interaction(tuple(map(moved, entry.parts))) if isinstance(entry, Interaction) else moved(entry)
        for entry in entries_of(argument, "toward")
    ]


def _refuse(call: Call) -> None:
    """Refuse arguments that do not apply beside predictors."""
    if has_rates(call):
        raise ValueError("toward= is for means: rates have no predictors; leave it out, or pool logits with se=")
    for name in call.changed():
        if name not in ACCEPTED | ELSEWHERE:
            fit = listed(sorted((ACCEPTED - {"toward"}) & set(call.defaults)))
            raise ValueError(f"{name}={shown(call[name])} does not go with toward=; give only {fit}")
    sigma2, tau2 = call.get("sigma2", "pooled"), call.get("tau2", "reml")
    words = {"number": KNOWN, "nearest": ""}
    if not is_number(sigma2) and not isinstance(sigma2, str):
        names = listed(("pooled", "separate", "squeezed"))
        raise ValueError(messages.NUMBER_OR_ONE_OF.format(role="sigma2", argument=shown(sigma2), names=names, **words))
    if not is_number(tau2) and not (isinstance(tau2, str) and tau2 in TAU2):
        words["nearest"] = nearest(tau2, TAU2)
        reason = messages.NUMBER_OR_ONE_OF.format(role="tau2", argument=shown(tau2), names=listed(TAU2), **words)
        raise ValueError(f"{reason}; other estimators do not go with toward=")


def _refuse_names(design: Design, value: str) -> None:
    """Refuse predictors with equal names, or with the name of the value or of the intercept."""
    for i, name in enumerate(design.names):
        if name in design.names[:i]:
            raise ValueError(f"toward names {name!r} twice; give every predictor once, an expression with .alias(...)")
    for name in design.entries:
        if name == value:
            raise ValueError(f"toward={name!r} is the value itself; give other columns, an expression with .alias(...)")
        if name == INTERCEPT:
            raise ValueError(f"toward={name!r} bears the name of the {INTERCEPT}: rename it")
