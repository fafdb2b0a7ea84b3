"""SQL symbols: formulas build the text of an expression by arithmetic, and each prints as a scalar macro of DuckDB."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc, signature
from textwrap import fill, indent
from typing import Any

from ..formulas.elementary import (
    chi_square_median,
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
from .registering import register

COMPARISON, SUM, PRODUCT, SIGN, ATOM = range(5)


@dataclass(frozen=True, eq=False)
class Symbol:
    """A piece of SQL that answers to arithmetic by growing."""

    text: str
    binds: int = ATOM
    cases: tuple[str, ...] = ()  # the branches of a CASE, so that one in the ELSE of another reads as one
    uncast: str = ""  # a parameter without its cast to DOUBLE

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
    # DuckDB binds every cast, and a parameter beside a DOUBLE needs none; beside a number it does, as 0.5 is a decimal.
    if _is_parameter(right) and _is_double(left):
        right = Symbol(right.uncast)
    elif _is_parameter(left) and _is_double(right):
        left = Symbol(left.uncast)
    left, right = symbol(left), symbol(right)
    # What stands right of - or / must bind tighter: a - (b - c).
    return Symbol(f"{left.within(binds)} {operator} {right.within(binds + 1)}", binds)


def _is_parameter(value: Any) -> bool:
    return isinstance(value, Symbol) and value.uncast != ""


def _is_double(value: Any) -> bool:
    return isinstance(value, Symbol) or math.isinf(value)


def _where(condition: Symbol, then: Any, otherwise: Any) -> Symbol:
    if isinstance(then, float) and math.isfinite(then) and not isinstance(otherwise, Symbol):
        then = Symbol(f"{then!r}::DOUBLE")  # two literals would be a decimal
    then, otherwise = symbol(then), symbol(otherwise)
    branches = otherwise.cases or (() if otherwise.text == "NULL" else (f"ELSE {otherwise.text}",))
    branches = (f"WHEN {condition.text} THEN {then.text}", *branches)
    return Symbol(f"CASE {' '.join(branches)} END", ATOM, branches)


FORMS: dict[Any, Callable[..., Symbol]] = {
    where: _where,
    exp: lambda x: Symbol(f"exp({x.text})"),
    log: lambda x: Symbol(f"ln({x.text})"),
    sqrt: lambda x: Symbol(f"sqrt({x.text})"),
    # The check for NaN, at every mention of x, would be most of the text.
    normal_cdf: lambda x: Symbol(f"_pool_normal_cdf_double({x.text})"),
    normal_density: lambda x: Symbol(f"pool_normal_density({x.text})"),
    log_gamma: lambda x: Symbol(f"lgamma({x.text})"),
    digamma: lambda x: Symbol(f"pool_digamma({x.text})"),
    trigamma: lambda x: Symbol(f"pool_trigamma({x.text})"),
    trigamma_inverse: lambda x: Symbol(f"pool_trigamma_inverse({x.text})"),
    chi_square_median: lambda df: Symbol(f"pool_chi_square_median({df.text})"),
}
register(FORMS, Symbol)
DISTRIBUTION = re.compile(r"_?pool_(normal|chi_square|digamma|trigamma)")  # bodies that cost much to bind


def macro(name: str, formula: Callable[..., Any]) -> str:
    """One formula as a macro."""
    parameters = list(signature(formula).parameters)
    # Cast, or literals such as 0.5 would be decimals. Typed parameters are refused in the files of older versions.
    result = symbol(formula(*(Symbol(f"{name}::DOUBLE", uncast=name) for name in parameters)))
    if DISTRIBUTION.search(result.text):
        result = _where(Symbol(f"_pool_unbound({parameters[0]})"), None, result)
    body = result.text
    if len(body) > 90 and result.cases:
        body = "\n        ".join(["CASE", *(folded(branch, 8) for branch in result.cases)]) + "\n    END"
    else:
        body = folded(body, 4)
    return f"{comment(getdoc(formula))}\nCREATE OR REPLACE MACRO {name}({', '.join(parameters)}) AS\n    {body};\n"


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


def comment(text: str | None) -> str:
    """A text as lines of comment, of at most 120 characters: paragraphs that are wider are filled anew."""
    paragraphs = (text or "").strip().split("\n\n")
    filled = (fill(p, 117, break_on_hyphens=False) if max(map(len, p.splitlines())) > 117 else p for p in paragraphs)
    return indent("\n\n".join(filled), "-- ", lambda line: True).replace("-- \n", "--\n")
