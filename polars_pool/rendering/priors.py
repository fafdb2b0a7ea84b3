"""parts/rendered/priors.sql: names, numbers, limits and densities of the priors that are written as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from typing import Any

from ..engines.sql import Symbol, folded, symbol
from ..formulas import densities
from ..formulas.priors import OF_MU, OF_RATES, OF_TAU, Bounds, Numbers, Prior

COMMENT = """\
-- Facts about priors by name: of tau2 and mu, their arguments and the defaults of these, the rule that one of the
-- numbers breaks. `a` and `b` are the two numbers of a prior of tau; without a prior, tail and limits are those of any
-- tau. `needs_errors`: the density depends on the harmonic mean of the sampling variances. DuckDB binds the density of
-- the prior in the argument alone.
"""
EVERY: tuple[type[Numbers], ...] = (*OF_TAU.values(), *OF_MU.values(), *OF_RATES.values())
FACTS: dict[str, Callable[[Prior], Any]] = {
    "tail": lambda prior: prior.tail,
    "rise": lambda prior: prior.rise,
    "rise_if_exact": lambda prior: prior.rise_if_exact,
    "size": lambda prior: prior.size,
    "lower": lambda prior: prior.support[0],
    "upper": lambda prior: prior.support[1],
}
NO_NAMES, NO_NUMBERS = "[]::VARCHAR[]", "[]::DOUBLE[]"


def text() -> str:
    """The macros of all facts about priors."""
    proper = {prior.name: _literal(_with_symbols(prior).proper) for prior in OF_TAU.values()}
    by_errors = {prior.name: _literal(_with_symbols(prior).statistic == "harmonic_mean") for prior in OF_TAU.values()}
    macros = [
        _macro("priors_of(role)", _cases("role", {"tau2": str(list(OF_TAU)), "mu": str(list(OF_MU))}, NO_NAMES)),
        _macro("prior_arguments(name)", _cases("name", {prior.name: _arguments(prior) for prior in EVERY}, NO_NAMES)),
        _macro("prior_defaults(name)", _cases("name", {prior.name: _defaults(prior) for prior in EVERY}, NO_NUMBERS)),
        _macro("wrong_number(name, numbers)", _wrong_number()),
        *(_macro(f"prior_{name}(name, a, b)", _fact(value)) for name, value in FACTS.items()),
        _macro("prior_is_proper(name, a, b)", _cases("name", proper, "false")),
        _macro("prior_needs_errors(name)", _cases("name", by_errors, "false")),
        _table_of_density({prior.name: _log_density(prior) for prior in OF_TAU.values()} | {"no_prior": "0.0"}),
    ]
    return COMMENT + "\n\n".join(macros)


def _macro(head: str, body: str) -> str:
    return f"CREATE OR REPLACE MACRO _pool_{head} AS\n    {body};"


def _table_of_density(density: dict[str, str]) -> str:
    """The macro that adds the log density of one prior to points."""
    steps = (
        f"{name} AS (\n{' ' * 8}SELECT *, {text} AS log_density\n{' ' * 8}FROM query_table(points)\n    )"
        for name, text in density.items()
    )
    return (
        "CREATE OR REPLACE MACRO _pool_with_prior_density(points, name) AS TABLE\n    WITH "
        + ",\n    ".join(steps)
        + "\n    FROM query_table(name);"
    )


def _cases(by: str, results: dict[str, str], otherwise: str) -> str:
    """A CASE by names; names of one result share a branch."""
    names_of: dict[str, list[str]] = {}
    for name, result in results.items():
        names_of.setdefault(result, []).append(name)
    names_of.pop(otherwise, None)
    whens = [folded(f"WHEN {_is(by, names)} THEN {result}", 8) for result, names in names_of.items()]
    return "\n        ".join(["CASE", *whens, f"ELSE {otherwise}"]) + "\n    END"


def _is(by: str, names: list[str]) -> str:
    return f"{by} = '{names[0]}'" if len(names) == 1 else f"{by} IN ({', '.join(map(repr, names))})"


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else symbol(value).text


def _arguments(prior: type[Numbers]) -> str:
    return str([field.name for field in fields(prior)]) if fields(prior) else NO_NAMES


def _defaults(prior: type[Numbers]) -> str:
    """One per number, NULL where it has none."""
    if all(field.default is MISSING for field in fields(prior)):
        return NO_NUMBERS
    defaults = (symbol(None if field.default is MISSING else field.default).text for field in fields(prior))
    return f"[{', '.join(defaults)}]"


def _wrong_number() -> str:
    """The rule that a number breaks, the first number before the second; NULL where none does."""
    names_of: dict[tuple[str, str], list[str]] = {}
    for i in range(2):
        for prior in EVERY:
            names = [field.name for field in fields(prior)]
            if i < len(names):
                condition = _within(prior.bounds_of(names[i]), names[i], names)
                names_of.setdefault((condition, prior.rule_of(names[i])), []).append(prior.name)
    whens = (f"WHEN {_is('name', names)} AND NOT ({fits}) THEN '{rule}'" for (fits, rule), names in names_of.items())
    return "\n        ".join(["CASE", *(folded(when, 8) for when in whens)]) + "\n    END"


def _within(bounds: Bounds, name: str, names: Iterable[str]) -> str:
    """Whether a number fulfils its bounds; SQL sorts NaN above all numbers."""
    number_of = {name: f"numbers[{i}]" for i, name in enumerate(names, 1)}
    number = number_of[name]
    finite = any(bound == float("inf") for _, bound in bounds)
    limits = [
        f"{number} {sign} {number_of[bound] if isinstance(bound, str) else symbol(bound).text}"
        for sign, bound in bounds
        if isinstance(bound, str) or abs(bound) < float("inf")
    ]
    return " AND ".join([f"isfinite({number})" if finite else f"NOT isnan({number})", *limits])


def _with_symbols(prior: type[Prior]) -> Prior:
    """A prior whose numbers are SQL: its facts are then SQL too."""
    stand_in = object.__new__(prior)
    for field, number in zip(fields(prior), ("a", "b"), strict=False):
        object.__setattr__(stand_in, field.name, Symbol(number))
    return stand_in


def _fact(fact: Callable[[Prior], Any]) -> str:
    values = {prior.name: _literal(fact(_with_symbols(prior))) for prior in OF_TAU.values()}
    return _cases("name", values, _literal(fact(Prior())))


def _log_density(prior: type[Prior]) -> str:
    """The density of a prior: the macro of its formula, or the formula itself where it has none."""
    stand_in = _with_symbols(prior)
    formula, numbers = stand_in.density(Symbol(stand_in.statistic))
    if formula.__module__ == densities.__name__:
        return f"pool_{formula.__name__}(tau, {', '.join(symbol(number).text for number in numbers)})"
    return symbol(formula(Symbol("tau"), *numbers)).text
