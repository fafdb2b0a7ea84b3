"""Covariates as a user gives them to a design: columns of numbers, factors by treatment contrasts, and interactions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import polars as pl

from ..formulas import messages
from ..models.contrasts import Design, Source, Term
from .columns import column_of, numeric, one_column, schema_of
from .contrasts import Factor, Interaction
from .sentences import listed, nearest, series_hint, shown

MOST = 100  # levels of a factor
TEXT = (pl.String, pl.Categorical, pl.Enum)
Values = tuple[Any, ...]
LevelsAt = Callable[[Sequence[int]], Sequence[Sequence[str]]]  # the distinct values of some sources as text


@dataclass(frozen=True)
class _Part:
    """A covariate or a part of an interaction: its column, and the options of its factor, if it is one."""

    name: str
    column: pl.Expr
    dtype: pl.DataType
    factor: Factor | None

    @property
    def known(self) -> Values | None:
        """The levels that need no query: those of the user, of an Enum and of Booleans."""
        if self.factor is None:
            return ()
        if self.factor.levels is not None:
            return tuple(self.factor.levels)
        if isinstance(self.dtype, pl.Enum):
            return tuple(self.dtype.categories)
        return (False, True) if self.dtype == pl.Boolean else None


def expanded(
    frame: pl.LazyFrame, schema: pl.Schema, argument: Any, role: str, levels_at: LevelsAt | None = None
) -> Design:
    """The design of the covariates that a user gives: one column, factor or interaction, or a list of them.

    `design.names` and `design.columns` are the names of the terms and their expressions of numbers, null in a row
    without a level. `design.unseen` holds, for each factor, a column of the values that are none of its levels: the
    query must raise an error about them (`refuse.no_level`). `role` names the argument in messages. The levels of
    a factor that are not known come from one query of the distinct values of these columns; for a frame of another
    engine from `levels_at`, by the places of these columns among the sources.
    """
    if isinstance(argument, Design):
        return argument
    entries = entries_of(argument, role)
    parts = [[_part(frame, schema, part, role) for part in parts_of(entry)] for entry in entries]
    flat = [part for of_entry in parts for part in of_entry]
    sources = tuple(
        Source(part.name, part.column, _levels(part, values, role), part.dtype == pl.Boolean)
        for part, values in zip(flat, _values(frame, flat, levels_at), strict=True)
    )
    _refuse_two_codings(sources, role)
    terms: list[Term] = []
    start = 0
    for of_entry in parts:
        places = range(start, start := start + len(of_entry))
        terms += _terms(sources, places, role)
    return Design(sources, tuple(terms))


def entries_of(argument: Any, role: str) -> list[Any]:
    """The covariates as a list."""
    if isinstance(argument, str | pl.Expr | Factor | Interaction):
        return [argument]
    if isinstance(argument, list | tuple):
        return list(argument)
    raise TypeError(
        f"{role}={shown(argument)}; give a column name, an expression, or a list of them, [] for none"
        f"{series_hint(argument)}"
    )


def parts_of(entry: Any) -> tuple[Any, ...]:
    """The parts of an interaction; another covariate is its only part."""
    return entry.parts if isinstance(entry, Interaction) else (entry,)


def _part(frame: pl.LazyFrame, schema: pl.Schema, part: Any, role: str) -> _Part:
    """The column of a part, a factor if its type or the user says so."""
    factor = part if isinstance(part, Factor) else None
    column: Any = part if factor is None else factor.column
    types = schema_of(frame, schema, [column], role)
    one_column(list(types), role)
    [(name, dtype)] = types.items()
    if factor is None and (dtype in TEXT or dtype == pl.Boolean):
        factor = Factor(column)
    if factor is not None and not isinstance(factor.levels, list | tuple | None):
        raise TypeError(f"levels={shown(factor.levels)} of {name!r}; give a list of all levels")
    if factor is not None and not (dtype in TEXT or dtype == pl.Boolean or dtype.is_integer()):
        raise TypeError(
            f"pool.factor({name!r}) is {dtype}; give a column of text, Categorical, Enum, Booleans or integers, such "
            "as an expression with .cast(pl.String)"
        )
    if factor is None and not (dtype.is_numeric() or dtype == pl.Null):
        raise TypeError(messages.NO_NUMBERS.format(role=role, name=repr(name), type=dtype))
    return _Part(name, column_of(schema, column, role), dtype, factor)


def refuse_types(frame: pl.LazyFrame, schema: pl.Schema, design: Design, role: str) -> None:
    """Refuse another frame whose columns are no numbers, or no levels, where the design has them."""
    for source in design.sources:
        if not source.levels:
            numeric(frame, schema, source.column, role)
            continue
        types = schema_of(frame, schema, [source.column], role)
        for dtype in types.values():
            text = not source.boolean and (dtype in TEXT or dtype.is_integer())
            if not (text or dtype == pl.Null or dtype == pl.Boolean):
                like = "Booleans" if source.boolean else "text"
                raise TypeError(f"{role}: the factor {source.name!r} is {dtype}; give a column of {like}")


def _values(frame: pl.LazyFrame, parts: Sequence[_Part], levels_at: LevelsAt | None) -> list[Values]:
    """The levels of each part in their order; those that are not known by one query."""
    unknown = [i for i, part in enumerate(parts) if part.known is None]
    if not unknown:
        return [part.known or () for part in parts]
    distinct = _distinct(frame, [parts[i] for i in unknown]) if levels_at is None else levels_at(unknown)
    levels = {i: tuple(_sorted(parts[i], values)) for i, values in zip(unknown, distinct, strict=True)}
    return [levels.get(i, part.known or ()) for i, part in enumerate(parts)]


def _distinct(frame: pl.LazyFrame, parts: Sequence[_Part]) -> list[Sequence[str]]:
    """The distinct values of columns as text."""
    texts = (part.column.drop_nulls().unique().cast(pl.String) for part in parts)
    table = frame.select(text.implode().alias(str(i)) for i, text in enumerate(texts)).collect(engine="streaming")
    return [column[0] for column in table]


def _sorted(part: _Part, values: Iterable[str]) -> list[str]:
    """The levels in their order; no more than show that a factor has too many."""
    order = int if part.dtype.is_integer() else None
    return sorted(values, key=order)[: MOST + 1]


def _levels(part: _Part, values: Values, role: str) -> tuple[str, ...]:
    """The levels of a factor as text, the reference first; none for numbers."""
    if part.factor is None:
        return ()
    levels = [_label(value, part.name) for value in values]
    for i, level in enumerate(levels):
        if level in levels[:i]:
            raise ValueError(f"levels= of {part.name!r} names {level!r} twice; give every level once")
    _refuse_number_of_levels(part.name, levels, role)
    if part.dtype == pl.Boolean and set(levels) != {"false", "true"}:
        raise ValueError(
            f"levels={shown(list(values))} of {part.name!r}, which is Boolean; give [False, True], or none"
        )
    if part.factor.reference is None:
        return tuple(levels)
    reference = _label(part.factor.reference, part.name)
    if reference not in levels:
        raise ValueError(
            f"reference={part.factor.reference!r} is no level of {part.name!r}; it has {listed(levels)}"
            f"{nearest(reference, levels)}"
        )
    return (reference, *(level for level in levels if level != reference))


def _label(value: Any, name: str) -> str:
    """A level as text, as Polars and Spark cast it."""
    if not isinstance(value, str | int):
        raise TypeError(f"{shown(value)} is no level of {name!r}; give a text, an integer or a Boolean")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refuse_number_of_levels(name: str, levels: Sequence[str], role: str) -> None:
    """Refuse a factor without two levels, or with too many."""
    if not levels:
        raise ValueError(
            f"{role}={name!r} has no values, so its levels are not known; give them with pool.factor({name!r}, "
            "levels=[...])"
        )
    if len(levels) == 1:
        raise ValueError(
            f"{role}={name!r} has one level, {levels[0]!r}, so it cannot be distinguished from the intercept: leave it "
            "out"
        )
    if len(levels) > MOST:
        raise ValueError(
            f"{role}={name!r} has more than {MOST} levels, and each is a term: give the column as by={name!r}, whose "
            "groups shrink toward the population"
        )


def _refuse_two_codings(sources: Iterable[Source], role: str) -> None:
    """Refuse a factor with one reference or order of levels here, and another there."""
    first: dict[str, tuple[str, ...]] = {}
    for source in sources:
        if source.levels and first.setdefault(source.name, source.levels) != source.levels:
            raise ValueError(
                f"{role} codes {source.name!r} with the levels {listed(first[source.name])} and with "
                f"{listed(source.levels)}; give the same pool.factor({source.name!r}, ...) each time"
            )


def _terms(sources: Sequence[Source], places: Iterable[int], role: str) -> list[Term]:
    """The terms of a covariate; those of an interaction with the levels of its first factor in turn first."""
    places = list(places)
    names = [sources[place].name for place in places]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(f"{role} has an interaction with {name!r} twice; give a power as an expression")
    levels = [range(1, len(sources[place].levels)) or (0,) for place in reversed(places)]
    every = [tuple(reversed(some)) for some in product(*levels)]
    return [
        Term(
            ":".join(_name(sources[place], level) for place, level in zip(places, some, strict=True)),
            ":".join(names),
            tuple(zip(places, some, strict=True)),
        )
        for some in every
    ]


def _name(source: Source, level: int) -> str:
    return f"{source.name}[{source.levels[level]}]" if source.levels else source.name
