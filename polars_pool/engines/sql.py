"""Formulas as SQL: each prints as a scalar macro of DuckDB, its docstring as the comment.

`python -m polars_pool.engines.sql` writes sql/formulas.sql.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import getdoc, getmembers, isfunction, signature
from pathlib import Path
from textwrap import indent
from types import ModuleType
from typing import Any

from ..formulas import between, centre, crossvalidation, moments, oneway, shrink, within
from ..formulas import estimators as _estimators  # noqa: F401  fills the registry
from ..formulas.elementary import log, sqrt, where
from ..formulas.registry import MU, SIGMA2, TAU2

_package = Path(__file__).parents[1]
FOLDER = next(
    path for path in (_package / "sql", _package.parent / "sql") if path.is_dir()
)  # in a wheel, in a checkout

MODULES = (moments, within, between, oneway, crossvalidation, centre, shrink)

HEADER = """\
-- The formulas of partial pooling as scalar macros of DuckDB, one a formula, each with its source.
-- Rendered from polars_pool/formulas by `python -m polars_pool.engines.sql`: edit there.
"""

METHODS = """
-- The estimators by name, and the input they fit: groups whose sampling variance is known (published estimates need n=
-- where needs_n), rows with precision weights.
CREATE OR REPLACE MACRO pool_methods() AS TABLE
    SELECT * FROM (VALUES
        {rows}
    ) AS methods(hyperparameter, name, title, source, given_v, needs_n, weighted);
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
    return Symbol("'infinity'::DOUBLE") if value == math.inf else Symbol(repr(value), ATOM if value >= 0 else SIGN)


def _binary(left: Any, operator: str, right: Any, binds: int) -> Symbol:
    left, right = symbol(left), symbol(right)
    # What stands right of - or / must bind tighter: a - (b - c).
    return Symbol(f"{left.within(binds)} {operator} {right.within(binds + 1)}", binds)


log.register(Symbol, lambda x: Symbol(f"ln({x.text})"))
sqrt.register(Symbol, lambda x: Symbol(f"sqrt({x.text})"))


@where.register(Symbol)
def _(condition: Symbol, then: Any, otherwise: Any) -> Symbol:
    then, otherwise = symbol(then), symbol(otherwise)
    branches = otherwise.cases or (() if otherwise.text == "NULL" else (f"ELSE {otherwise.text}",))
    branches = (f"WHEN {condition.text} THEN {then.text}", *branches)
    return Symbol(f"CASE {' '.join(branches)} END", ATOM, branches)


def formulas() -> Iterator[tuple[ModuleType, str, Callable[..., Any]]]:
    """Every formula with its module and name, in the order in which they are written."""
    for module in MODULES:
        own = [(name, f) for name, f in getmembers(module, isfunction) if f.__module__ == module.__name__]
        for name, formula in sorted(own, key=lambda item: item[1].__code__.co_firstlineno):
            yield module, name, formula


def macro(name: str, formula: Callable[..., Any]) -> str:
    """One formula as a macro."""
    parameters = list(signature(formula).parameters)
    result = symbol(formula(*map(Symbol, parameters)))
    body = result.text
    if len(body) > 90 and result.cases:
        body = "\n        ".join(["CASE", *result.cases]) + "\n    END"
    comment = indent(getdoc(formula) or "", "-- ", lambda line: True).replace("-- \n", "--\n")
    return f"{comment}\nCREATE OR REPLACE MACRO pool_{name}({', '.join(parameters)}) AS\n    {body};\n"


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
    return "\n".join([*parts, METHODS.format(rows=",\n        ".join(methods()))])


def methods() -> Iterator[str]:
    """The registry of estimators as rows of SQL."""
    for role, registry in {"sigma2": SIGMA2, "tau2": TAU2, "mu": MU}.items():
        for method in registry.values():
            published = (role == "mu" or method.given is not None) and role != "sigma2"
            fits = (published, method.needs_n, method.weighted)
            texts = (role, method.name, method.title, method.source)
            quoted = ["'" + text.replace("'", "''") + "'" for text in texts]
            yield f"({', '.join([*quoted, *(str(fit).lower() for fit in fits)])})"


if __name__ == "__main__":
    (FOLDER / "formulas.sql").write_text(render(), encoding="utf-8")
