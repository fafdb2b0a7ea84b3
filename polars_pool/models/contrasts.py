"""Treatment contrasts: the columns of a design, those of factors as indicators of levels, and their products.

Each level of a factor but the first, the reference, has a column: 1 in the rows of this level, 0 in the others, as R's
`contr.treatment` (Chambers & Hastie, 1992, "Statistical Models in S", section 2.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import mul

import polars as pl

from .keys import PRIVATE

ROWS = "_rows"  # suffix of the number of rows with an unseen level
UNSEEN = PRIVATE + "unseen"  # prefix of the columns of unseen levels


@dataclass(frozen=True, eq=False)  # expressions have no truth value
class Source:
    """A column that a design reads: numbers, or a factor with its levels as text, the reference first."""

    name: str
    column: pl.Expr
    levels: tuple[str, ...] = ()
    boolean: bool = False

    @property
    def text(self) -> pl.Expr:
        """The level of each row."""
        return self.column.cast(pl.String)

    @property
    def code(self) -> pl.Expr:
        """The position of the level of each row; null where a row has none of the levels."""
        return self.text.cast(pl.Enum(self.levels), strict=False).to_physical()

    def number(self, level: int) -> pl.Expr:
        """The column as numbers; for a factor, whether a row has a level."""
        if not self.levels:
            return self.column.cast(pl.Float64)
        if self.boolean:
            return (self.column if self.levels[level] == "true" else self.column.not_()).cast(pl.Float64)
        return (self.code == level).cast(pl.Float64)


@dataclass(frozen=True)
class Term:
    """A column of a design: one source, at one level if it is a factor, or the product of several."""

    name: str
    entry: str  # the name of the column, factor or interaction that it belongs to
    parts: tuple[tuple[int, int], ...]  # places of sources, and of their level


@dataclass(frozen=True)
class Design:
    """The terms of covariates as columns of numbers."""

    sources: tuple[Source, ...] = ()
    terms: tuple[Term, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the terms."""
        return tuple(term.name for term in self.terms)

    @cached_property
    def columns(self) -> tuple[pl.Expr, ...]:
        """The terms as numbers: a column of numbers in its own type, all others as Float64."""
        return tuple(self._column(term) for term in self.terms)

    def _column(self, term: Term) -> pl.Expr:
        numbers = [self.sources[source].number(level) for source, level in term.parts]
        [(first, _), *others] = term.parts
        if not others and not self.sources[first].levels:
            return self.sources[first].column
        return reduce(mul, numbers).alias(term.name)

    @cached_property
    def entries(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the terms of each column, factor and interaction."""
        names = dict.fromkeys(term.entry for term in self.terms)
        return {name: tuple(term.name for term in self.terms if term.entry == name) for name in names}

    @cached_property
    def factors(self) -> Mapping[str, Source]:
        """The factors that can have values other than their levels, by the name of the column of these values."""
        factors = {(s.name, str(s.column)): s for s in self.sources if s.levels and not s.boolean}
        return {f"{UNSEEN}{i}": source for i, source in enumerate(factors.values())}

    @property
    def unseen(self) -> tuple[pl.Expr, ...]:
        """One column of text for each of these factors: a value that is no level, else null."""
        return tuple(
            pl.when(factor.code.is_null()).then(factor.text).alias(name) for name, factor in self.factors.items()
        )


def unseen_levels(names: Iterable[str]) -> list[pl.Expr]:
    """Aggregates of the columns `unseen`: the number of rows with such a value, and the first of the values."""
    return [e for name in names for e in (pl.col(name).count().name.suffix(ROWS), pl.col(name).min())]
