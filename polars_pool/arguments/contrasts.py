"""Factors and interactions: what a user gives as covariates beside columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .columns import IntoColumn
from .sentences import shown

Level = str | bool | int


@dataclass(frozen=True)
class Factor:
    """A column whose values are levels; see `factor`."""

    column: IntoColumn
    reference: Level | None = None
    levels: Sequence[Level] | None = None


@dataclass(frozen=True)
class Interaction:
    """The products of the columns of several parts; see `interaction`."""

    parts: tuple[IntoColumn | Factor, ...]


Covariate = IntoColumn | Factor | Interaction
Covariates = Covariate | Sequence[Covariate]


def factor(column: IntoColumn, *, reference: Level | None = None, levels: Sequence[Level] | None = None) -> Factor:
    """A factor among the covariates `x`, with another reference than the first level, or with its levels.

    A column of text, Categorical, Enum or Boolean is a factor without it. A factor has one term for each level but the
    reference, named `tier[B]`: the difference of this level from the reference (treatment contrasts).

    Parameters
    ----------
    column
        Column or expression of text, Categorical, Enum, Booleans or integers.
    reference
        The level that the others are compared with; by default the first.
    levels
        All levels in their order. By default an Enum has its categories, a Boolean False and True; for other types a
        small query reads the distinct values when the verb is called, and sorts them. With `levels` a LazyFrame is not
        read before its result is collected. A value that is no level raises an error when the query runs.

    Returns
    -------
    A value for `x`, and for `interaction`.

    Raises
    ------
    TypeError, ValueError
        The verb raises where the column has another type, or fewer than 2 or more than 100 levels; where `levels` names
        a level twice, or `reference` is no level.

    Source
    ------
    Chambers & Hastie (1992), Statistical Models in S, section 2.3.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> sales = pl.DataFrame({"store": [*"aaabbbccc"], "tier": [*"ABC"] * 3,
    ...     "sales": [1.0, 2.1, 2.9, 2.0, 3.2, 3.9, 1.4, 2.0, 3.2]})
    >>> model = pool.regress_components(sales, "sales", x=pool.factor("tier", reference="C"), by="store")
    >>> model.select(pl.col("mu").struct.unnest().round(4)).to_dicts()
    [{'intercept': 3.3333, 'tier[A]': -1.8667, 'tier[B]': -0.9}]
    """
    return Factor(column, reference, levels)


def interaction(*parts: IntoColumn | Factor) -> Interaction:
    """An interaction among the covariates `x`: the products of the columns of its parts.

    The terms have names such as `days:tier[B]`, or `tier[B]:region[North]` with the levels of the first factor in turn
    first, as in R. An interaction does not add its parts: give these as covariates too.

    Parameters
    ----------
    parts
        Two or more columns or expressions of numbers, Booleans, text, Categorical or Enum, or values of `factor`.

    Returns
    -------
    A value for `x`.

    Raises
    ------
    TypeError, ValueError
        A part is an interaction, or there is one part.

    Source
    ------
    Chambers & Hastie (1992), Statistical Models in S, section 2.3.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> growth = pl.DataFrame({"plant": [*"aaabbbcccddd"], "week": [0, 1, 2] * 4, "light": [*"LLLLLLHHHHHH"],
    ...     "height": [1.0, 2.1, 2.9, 2.0, 3.2, 3.9, 1.4, 2.0, 3.2, 2.2, 3.4, 4.1]})
    >>> x = ["week", "light", pool.interaction("week", "light")]
    >>> model = pool.regress_components(growth, "height", x=x, by="plant")
    >>> model.select(pl.col("mu").struct.unnest().round(4)).to_dicts()
    [{'intercept': 1.7917, 'week': 0.925, 'light[L]': -0.225, 'week:light[L]': 0.025}]
    """
    if len(parts) < 2:
        shown_parts = ", ".join(map(shown, parts))
        raise ValueError(f"pool.interaction({shown_parts}) has fewer than two parts; give two or more")
    for part in parts:
        _refuse_inner(part)
    return Interaction(parts)


def _refuse_inner(part: Any) -> None:
    """Refuse an interaction within another."""
    if isinstance(part, Interaction):
        raise TypeError("a part of pool.interaction() is an interaction; give the parts of both in one")
