"""The request for nested levels: the keys of each level, the tau2 of each level, and the level of the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import polars as pl

from ..formulas import messages
from ..formulas.names import Likelihood, NaN, Predict, Uncertainty
from ..models.encoding import ARGUMENTS
from ..models.hyperparameters import Hyperparameters
from ..models.nested.spec import ACCEPTED, Nested, Options
from ..models.oneway.spec import COLUMNS
from ..models.warning import warn_of_boolean
from .call import Call
from .columns import column_of, key_columns, keys, numeric, some_column
from .families import instead_of_booleans
from .fitting import fitting
from .hyperparameters import hyperparameters
from .options import flag, level, one_of, threshold
from .sentences import is_number, listed, nearest, shown

KNOWN = "a number of 0 or more"
ELSEWHERE = ARGUMENTS | {"persist"}  # arguments of encodings; frames of Polars refuse persist


def is_nested(call: Call) -> bool:
    """Whether the keys are levels, each within the one before it."""
    if flag(call.get("nested", False), "nested"):
        return True
    if call.get("at") is not None:
        raise ValueError(f"at={shown(call['at'])} is for nested levels: give nested=True too, with the keys in order")
    return False


def levels_of(by: Any) -> list[list[Any]]:
    """The keys of each level, outer to inner; a level of several keys is a list."""
    levels = by if isinstance(by, list | tuple) else [by]
    if not levels:
        key_columns(levels, "by")
    return [key_columns(one, "by") for one in levels]


def nested(call: Call) -> Nested:
    """The request for nested levels."""
    _refuse(call)
    frame, schema, of_levels = call.frame, call.schema, levels_of(call["by"])
    every = [key for one in of_levels for key in one]
    by_names, over_names, columns_of_keys = keys(frame, schema, every, call.get("over"))
    levels = _names(call, of_levels)
    arguments = {role: call[role] for role in COLUMNS if role == "value" or call.get(role) is not None}
    numbers = {role: numeric(frame, schema, column, role) for role, column in arguments.items()}
    columns: dict[str, Any] = {role: column_of(schema, column, role) for role, column in arguments.items()}
    some_column((*columns.values(), *columns_of_keys))
    tau2, restricted = _tau2(call["tau2"], len(levels))
    h = _hyperparameters(call)
    fitting(columns, h)
    instead = instead_of_booleans(call)
    if instead is not None and numbers["value"][1] == pl.Boolean:
        warn_of_boolean(numbers["value"][0], f"{instead} without nested=True")
    return Nested(
        **columns,
        by_names=by_names,
        over_names=over_names,
        key_columns=columns_of_keys,
        hyperparameters=h,
        nan=one_of(call.get("nan", "error"), get_args(NaN), "nan"),
        names={role: name for role, (name, _) in numbers.items()},
        levels=levels,
        tau2=tau2,
        restricted=restricted,
        at=_depth(call.get("at"), levels),
        options=_options(call, "se" in columns),
    )


def check_nested_without_columns(call: Call) -> None:
    """Refuse what is wrong whatever the columns hold."""
    _refuse(call)
    _tau2(call["tau2"], len(levels_of(call["by"])))
    for one in call["by"] if isinstance(call["by"], list | tuple) else [call["by"]]:
        if isinstance(one, pl.Expr) and one.meta.has_multiple_outputs():
            raise ValueError(
                f"by={shown(one)} stands for several columns: name the levels one by one, the outer one first, or the "
                "keys of one level in a list of their own"
            )
    fitting([role for role in COLUMNS if call.get(role) is not None], _hyperparameters(call))
    one_of(call["nan"], get_args(NaN), "nan")


def _refuse(call: Call) -> None:
    """Refuse arguments that do not apply to nested levels."""
    for name in call.changed():
        if name not in ACCEPTED | ELSEWHERE or (name == "family" and call[name] != "normal"):
            fit = listed(sorted(ACCEPTED & set(call.defaults)))
            raise ValueError(f"{name}={shown(call[name])} does not go with nested=True; give only {fit}")


def _names(call: Call, of_levels: list[list[Any]]) -> tuple[tuple[str, ...], ...]:
    """The names of the keys of each level; one expression of several columns could mean one level or several."""
    levels = tuple(keys(call.frame, call.schema, one, None)[0] for one in of_levels)
    by = call["by"] if isinstance(call["by"], list | tuple) else [call["by"]]
    for one, names in zip(by, levels, strict=True):
        if len(names) > 1 and not isinstance(one, list | tuple):
            raise ValueError(
                f"by={shown(one)} stands for {len(names)} columns: name the levels one by one, the outer one first, "
                f"[{listed(names)}], or the keys of one level in a list of their own, [[{listed(names)}]]"
            )
    return levels


def _hyperparameters(call: Call) -> Hyperparameters:
    """sigma2, one for all leaves or known; tau2 of the levels is kept beside."""
    sigma2 = call["sigma2"]
    known = is_number(sigma2) and 0 <= float(sigma2) < float("inf")
    if not (known or (isinstance(sigma2, str) and sigma2 == "pooled")):
        raise ValueError(f"sigma2={shown(sigma2)} does not go with nested=True; give 'pooled', or {KNOWN}")
    return hyperparameters(call.replaced(tau2="reml", mu="gls"))


def _tau2(argument: Any, levels: int) -> tuple[tuple[float | None, ...], bool]:
    """The known tau2 of each level, None where it is estimated, and whether by the restricted likelihood."""
    several = argument if isinstance(argument, list | tuple) else [argument] * levels
    if len(several) != levels:
        raise ValueError(
            f"tau2={shown(argument)} has {len(several)} values for {levels} levels; give one for all, or one for each"
        )
    names = [x for x in several if isinstance(x, str)]
    for x in several:
        _one_tau2(x)
    if len(set(names)) > 1:
        raise ValueError(f"tau2={shown(argument)}: one likelihood estimates all levels; give 'reml' or 'ml' for all")
    return tuple(None if isinstance(x, str) else float(x) for x in several), "reml" in names


def _one_tau2(x: Any) -> None:
    """Refuse what is neither a number nor the name of a likelihood."""
    likelihoods = get_args(Likelihood)
    if is_number(x):
        if not 0 <= float(x) < float("inf"):
            words = {"role": "tau2", "argument": shown(x), "number": KNOWN, "nearest": ""}
            raise ValueError(messages.NUMBER_OR_ONE_OF.format(names=listed(likelihoods), **words))
    else:
        one_of(x, likelihoods, "tau2", KNOWN)


def _depth(at: Any, levels: Sequence[tuple[str, ...]]) -> int:
    """The depth of the level that is named by one of its keys, or by all; by default the innermost."""
    if at is None:
        return len(levels)
    names = (at,) if isinstance(at, str) else tuple(at) if isinstance(at, list | tuple) else ()
    for depth, level_names in enumerate(levels, start=1):
        if names and (names == level_names or (len(names) == 1 and names[0] in level_names)):
            return depth
    every = [name for one in levels for name in one]
    error = ValueError if names else TypeError
    raise error(f"at={shown(at)} is no key of a level; give one of {listed(every)}{nearest(at, every)}")


def _options(call: Call, published: bool) -> Options:
    options: dict[str, Any] = {}
    if "level" in call:
        options["level"] = level(call["level"])
    if "predict" in call:
        predict = one_of(call["predict"], get_args(Predict), "predict")
        if predict == "row" and published:
            raise ValueError(messages.ROW_OF_PUBLISHED)
        options |= {"predict": predict, "threshold": threshold(call["threshold"]), "uncertainty": _uncertainty(call)}
    return Options(**options)


def _uncertainty(call: Call) -> str:
    """Which errors the standard error of an estimate includes."""
    if one_of(call["uncertainty"], get_args(Uncertainty), "uncertainty") == "tau2":
        raise ValueError("uncertainty='tau2' does not go with nested=True; give 'mu' or 'conditional'")
    return str(call["uncertainty"])
