"""Formulas as SQL: each prints as a scalar macro of DuckDB, its docstring as the comment.

`python -m polars_pool.engines` writes sql/formulas.sql, and sql/pool.sql, which holds all macros in one file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import getdoc, getmembers, isfunction, signature
from pathlib import Path
from textwrap import indent
from types import ModuleType
from typing import Any

from ..formulas import (
    between,
    centre,
    comparison,
    crossvalidation,
    inference,
    moments,
    oneway,
    posterior,
    rates,
    regression,
    robust,
    shrink,
    uncertainty,
    within,
)
from ..formulas import densities as priors
from ..formulas.elementary import (
    digamma,
    exp,
    log,
    log_gamma,
    normal_cdf,
    normal_density,
    sqrt,
    trigamma,
    trigamma_inverse,
    where,
)
from ..formulas.errors import ERRORS
from ..formulas.estimators import TAU2
from ..formulas.registry import MU, SIGMA2, Method

_package = Path(__file__).parents[1]
FOLDER = next(
    path for path in (_package / "sql", _package.parent / "sql") if path.is_dir()
)  # in a wheel, in a checkout

MODULES = (
    moments,
    within,
    between,
    oneway,
    crossvalidation,
    centre,
    shrink,
    inference,
    uncertainty,
    robust,
    comparison,
    priors,
    posterior,
    regression,
    rates,
)

# Modules whose names others have too; their macros bear the name of the module.
PREFIXES = {regression: "regression_", rates: "rate_"}

HEADER = """\
-- The formulas of partial pooling as scalar macros of DuckDB, one a formula, each with its source.
-- Rendered from polars_pool/formulas by `python -m polars_pool.engines`: edit there. They call distributions.sql.
"""

METHODS = """
-- The names of the estimators of a hyperparameter; those that weigh by rows, so that published estimates need n; those
-- that need the rows' own variance; those that do not fit weights; those whose error is not known; and the names that
-- are not in a list.
CREATE OR REPLACE MACRO pool_method_names(hyperparameter) AS
    {names};
CREATE OR REPLACE MACRO pool_methods_by_rows(hyperparameter) AS
    {by_rows};
CREATE OR REPLACE MACRO pool_methods_of_rows_alone(hyperparameter) AS
    {of_rows_alone};
CREATE OR REPLACE MACRO pool_methods_unweighted(hyperparameter) AS
    {unweighted};
CREATE OR REPLACE MACRO pool_methods_without_error(hyperparameter) AS
    {without_error};
CREATE OR REPLACE MACRO pool_methods_without(hyperparameter, names) AS
    list_filter(pool_method_names(hyperparameter), lambda name: NOT list_contains(names, name));
-- The estimators by name, and the input they fit: groups whose sampling variance is known (published estimates need n=
-- where needs_n), rows with precision weights.
CREATE OR REPLACE MACRO pool_methods() AS TABLE
    SELECT * FROM (VALUES
        {rows}
    ) AS methods(hyperparameter, name, title, source, given_v, needs_n, weighted);
"""

REGISTRIES = {"sigma2": SIGMA2, "tau2": TAU2, "mu": MU}

# The files of sql/ in the order in which their macros call each other; a nested .read would resolve against the working
# directory, so that all of them stand in one file too.
PARTS = (
    "distributions",
    "formulas",
    "check",
    "groups",
    "search",
    "components",
    "inference",
    "uncertainty",
    "profile",
    "comparison",
    "robust",
    "quadrature",
    "posterior",
    "verbs",
    "regression",
    "rates_groups",
    "rates_likelihood",
    "rates",
)

POOL = """\
-- polars-pool: partial pooling in plain DuckDB macros. In the shell: .read sql/pool.sql
--
--     FROM pool_shrink('warehouse/**/*.parquet', score, school);
--     FROM pool_shrink(scores, log(score), school, over := year, tau2 := 'dl', level := 0.9);
--     FROM pool_shrink(scores, score, COLUMNS(['state', 'school']));          -- several keys keep their names
--     FROM pool_shrink(scores, score, school, groups := 'new_schools');       -- and groups that have no rows yet
--     FROM pool_shrink(scores, score, school, "interval" := 'robust');        -- intervals that need no normal groups
--     FROM pool_components(scores, score, school);                            -- sigma2, tau2, mu: one row a model
--     FROM pool_profile(scores, score, school, tau := [0, 1, 2]);             -- what the data say at every tau
--     FROM pool_encode(scores, score, school);                                -- the estimate beside each row
--     FROM pool_compare(scores, score, school);                               -- what pooling gains, by rows held out
--     FROM pool_shrink(schools, effect, school, se := se);                    -- published estimates
--     FROM pool_shrink(schools, effect, school, se := se, tau2 := 'half_cauchy(5)', mu := 'normal(0, 5)'); -- posterior
--     FROM pool_regress(scores, score, hours, school);                        -- lines whose intercepts vary
--     FROM pool_regress_components(scores, score, hours, school);             -- its variances and coefficients
--     FROM pool_shrink_rates(batting, hits, at_bats, player);                 -- rates: so many of so many trials
--     FROM pool_components_rates(batting, hits, at_bats, player);             -- how rates vary: alpha, beta
--     FROM pool_shrink_counts(claims, claims, exposure, district);            -- counts of events in exposures
--     FROM pool_components_counts(claims, claims, exposure, district);        -- how these vary: shape, rate
--     CREATE TABLE states AS FROM pool_moments(scores, score, school);        -- stored moments,
--     FROM pool_merge(states, school);                                        -- which merge exactly,
--     FROM pool_shrink(states, mean, school, n := n, var := var);             -- and are an input too
--
-- The table is a name (of a table, a view or a CTE) or a Parquet glob, in quotes where the query reads that table
-- beside the macro; value and keys are columns or expressions, without quotes; several keys, in over := too, are
-- COLUMNS([...]) of their names; what follows the keys needs its name. A subquery, read_csv(...), an expression among
-- several keys and a view of the same macro are named in a CTE first:
-- WITH rows AS (FROM my_view) FROM pool_shrink(rows, ...). The three inputs differ by n :=, var := and se :=, as in
-- Python; pool_shrink has p_above with threshold := too.
-- DuckDB 1 takes the argument "interval" in quotes alone.
-- Moments with precision weights, which carry one column more, w, have macros of their own:
-- pool_weighted_moments(tbl, value, "by", weights), pool_weighted_merge(tbl, "by"). Names that begin with _pool_ are
-- private.
--
-- This file is put together by `python -m polars_pool.engines` from the files beside it: edit there.

"""

COMPARISON, SUM, PRODUCT, SIGN, ATOM = range(5)


@dataclass(frozen=True, eq=False)
class Symbol:
    """A piece of SQL that answers to arithmetic by growing."""

    text: str
    binds: int = ATOM
    cases: tuple[str, ...] = ()  # the branches of a CASE, so that one in the ELSE of another reads as one

    def within(self, least: int) -> str:
        return self.text if self.binds >= least else f"({self.text})"

    def __add__(self, other: Any) -> Symbol:
        return _binary(self, "+", other, SUM)

    def __radd__(self, other: Any) -> Symbol:
        return _binary(other, "+", self, SUM)

    def __sub__(self, other: Any) -> Symbol:
        return _binary(self, "-", other, SUM)

    def __rsub__(self, other: Any) -> Symbol:
        return _binary(other, "-", self, SUM)

    def __mul__(self, other: Any) -> Symbol:
        return _binary(self, "*", other, PRODUCT)

    def __rmul__(self, other: Any) -> Symbol:
        return _binary(other, "*", self, PRODUCT)

    def __truediv__(self, other: Any) -> Symbol:
        return _binary(self, "/", other, PRODUCT)

    def __rtruediv__(self, other: Any) -> Symbol:
        return _binary(other, "/", self, PRODUCT)

    def __neg__(self) -> Symbol:
        return Symbol(f"-{self.within(SIGN)}", SIGN)

    def __gt__(self, other: Any) -> Symbol:
        return _binary(self, ">", other, COMPARISON)

    def __lt__(self, other: Any) -> Symbol:
        return _binary(self, "<", other, COMPARISON)

    def __eq__(self, other: Any) -> Any:
        return _binary(self, "=", other, COMPARISON)

    def sum(self) -> Symbol:
        return Symbol(f"sum({self.text})")


def symbol(value: Any) -> Symbol:
    """A number, a missing value or a piece of SQL as a piece of SQL."""
    if isinstance(value, Symbol):
        return value
    if value is None:
        return Symbol("NULL")
    if math.isinf(value):
        return Symbol("'infinity'::DOUBLE" if value > 0 else "'-infinity'::DOUBLE")
    return Symbol(repr(value), ATOM if value >= 0 else SIGN)


def _binary(left: Any, operator: str, right: Any, binds: int) -> Symbol:
    left, right = symbol(left), symbol(right)
    # What stands right of - or / must bind tighter: a - (b - c).
    return Symbol(f"{left.within(binds)} {operator} {right.within(binds + 1)}", binds)


def _where(condition: Symbol, then: Any, otherwise: Any) -> Symbol:
    if isinstance(then, float) and math.isfinite(then) and not isinstance(otherwise, Symbol):
        then = Symbol(f"{then!r}::DOUBLE")  # two literals would be a decimal
    then, otherwise = symbol(then), symbol(otherwise)
    branches = otherwise.cases or (() if otherwise.text == "NULL" else (f"ELSE {otherwise.text}",))
    branches = (f"WHEN {condition.text} THEN {then.text}", *branches)
    return Symbol(f"CASE {' '.join(branches)} END", ATOM, branches)


KINDS = (Symbol,)
FORMS: dict[Any, Callable[..., Symbol]] = {
    where: _where,
    exp: lambda x: Symbol(f"exp({x.text})"),
    log: lambda x: Symbol(f"ln({x.text})"),
    sqrt: lambda x: Symbol(f"sqrt({x.text})"),
    # The check for NaN, at every mention of x, would be most of the text.
    normal_cdf: lambda x: Symbol(f"pool_normal_cdf_double({x.text})"),
    normal_density: lambda x: Symbol(f"pool_normal_density({x.text})"),
    log_gamma: lambda x: Symbol(f"lgamma({x.text})"),
    digamma: lambda x: Symbol(f"pool_digamma({x.text})"),
    trigamma: lambda x: Symbol(f"pool_trigamma({x.text})"),
    trigamma_inverse: lambda x: Symbol(f"pool_trigamma_inverse({x.text})"),
}


def formulas() -> Iterator[tuple[ModuleType, str, Callable[..., Any]]]:
    """Every formula with its module and name, in the order in which they are written."""
    for module in MODULES:
        own = [(name, f) for name, f in getmembers(module, isfunction) if f.__module__ == module.__name__]
        for name, formula in sorted(own, key=lambda item: item[1].__code__.co_firstlineno):
            yield module, PREFIXES.get(module, "") + name, formula


def macro(name: str, formula: Callable[..., Any]) -> str:
    """One formula as a macro."""
    parameters = list(signature(formula).parameters)
    # Cast, or literals such as 0.5 would be decimals. Typed parameters are refused in the files of older versions.
    result = symbol(formula(*(Symbol(f"{parameter}::DOUBLE") for parameter in parameters)))
    body = result.text
    if len(body) > 90 and result.cases:
        body = "\n        ".join(["CASE", *(folded(branch, 8) for branch in result.cases)]) + "\n    END"
    else:
        body = folded(body, 4)
    comment = indent(getdoc(formula) or "", "-- ", lambda line: True).replace("-- \n", "--\n")
    return f"{comment}\nCREATE OR REPLACE MACRO pool_{name}({', '.join(parameters)}) AS\n    {body};\n"


TOKEN = re.compile(r"'[^']*'|[(\[]|[)\]]|\bCASE\b|\bEND\b|, | (?:WHEN|THEN|ELSE|[-+*/<>=]) ")
PRECEDENCE = ((" WHEN ", " THEN ", " ELSE ", ", "), (" < ", " > ", " = "), (" + ", " - "), (" * ", " / "))


def folded(text: str, start: int) -> str:
    """SQL that begins in this column in lines of at most 120 characters, broken at the outermost operators."""
    lines, room = [], 119 - start  # one for what ends the statement
    while len(text) > room:
        before, text = _broken(text, room)
        lines.append(before)
        room = 115 - start
    return ("\n" + " " * (start + 4)).join([*lines, text])


def _broken(text: str, room: int) -> tuple[str, str]:
    """The text before and after its best place for a break: outside of most parentheses, then as far on as fits."""
    places, depth = [], 0
    for token in TOKEN.finditer(text):
        word = token[0]
        place = token.end() - 1 if word == ", " else token.start()
        if place > room:
            break
        depth += (word in "([" or word == "CASE") - (word in ")]" or word == "END")
        for rank, words in enumerate(PRECEDENCE):
            if word in words:
                places.append((-depth, -rank, place))
    _, _, place = max(places)
    return text[:place].rstrip(), text[place:].lstrip()


def render() -> str:
    """The text of sql/formulas.sql."""
    parts = [HEADER]
    last = None
    for module, name, formula in formulas():
        if module is not last:
            title = indent((module.__doc__ or "").strip(), "-- ", lambda line: True).replace("-- \n", "--\n")
            parts.append(f"\n-- {'-' * 117}\n{title}\n-- {'-' * 117}\n")
            last = module
        parts.append(macro(name, formula))
    lists = {
        "names": names(lambda method: True),
        "by_rows": names(lambda method: method.needs_n),
        "of_rows_alone": names(lambda method: method.given is None and method.joint is not None),
        "unweighted": names(lambda method: not method.weighted),
        "without_error": names(lambda method: method in TAU2.values() and method.name not in ERRORS),
    }
    return "\n".join([*parts, METHODS.format(rows=",\n        ".join(methods()), **lists)])


def together() -> str:
    """The text of sql/pool.sql."""
    return POOL + "\n\n".join((FOLDER / f"{part}.sql").read_text(encoding="utf-8") for part in PARTS)


def names(wanted: Callable[[Method], bool]) -> str:
    """The names of some estimators, a list for each hyperparameter."""
    lists = {role: [m.name for m in registry.values() if wanted(m)] for role, registry in REGISTRIES.items()}
    whens = [folded(f"WHEN '{role}' THEN {listed}::VARCHAR[]", 8) for role, listed in lists.items()]
    return "\n        ".join(["CASE hyperparameter", *whens]) + "\n    END"


def methods() -> Iterator[str]:
    """The registry of estimators as rows of SQL."""
    for role, registry in REGISTRIES.items():
        for method in registry.values():
            published = (role == "mu" or method.given is not None) and role != "sigma2"
            fits = (published, method.needs_n, method.weighted)
            texts = (role, method.name, method.title, method.source)
            quoted = ["'" + text.replace("'", "''") + "'" for text in texts]
            yield folded(f"({', '.join([*quoted, *(str(fit).lower() for fit in fits)])})", 8)


def write() -> None:
    """Write sql/formulas.sql, and sql/pool.sql from it and the files beside it."""
    (FOLDER / "formulas.sql").write_text(render(), encoding="utf-8")
    (FOLDER / "pool.sql").write_text(together(), encoding="utf-8")
