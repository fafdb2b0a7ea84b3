"""What an encoding adds to rows, and estimates out of fold for every family: from copies of the rows of other folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import polars as pl

from .joins import beside_models
from .keys import KEY, PRIVATE
from .refuse import BAD_ROWS, number_of_rows
from .request import Request

NAME = "_pool_fold"  # of the key that numbers the folds, the last one of those of models
FOLD = KEY + NAME
STATISTICS = ("estimate", "se", "n", "mean", "weight")
ARGUMENTS = frozenset({"folds", "seed", "order_by", "rows", "columns", "name"})
"""Arguments of `encode` and of expressions that every family takes."""


@dataclass(frozen=True)
class Encoding:
    """The statistics to add to each row, and the rows that they are computed from: by default all rows of the group.

    `folds` is a number of folds, an expression of the fold of each row, or one of two words: each row without itself,
    or rows before it in the order of `order_by`.
    """

    name: str = "estimate"
    statistics: tuple[str, ...] = ("estimate",)
    folds: int | pl.Expr | Literal["loo", "before"] | None = None
    seed: int | None = None
    order_by: pl.Expr | None = None

    @property
    def columns(self) -> dict[str, str]:
        """The names of the new columns by statistic."""
        others = "" if self.name == "estimate" else f"{self.name}_"
        return {one: self.name if one == "estimate" else f"{others}{one}" for one in self.statistics}

    @property
    def private(self) -> list[str]:
        """The names of the statistics inside a plan."""
        return [PRIVATE + one for one in self.statistics]

    @property
    def label(self) -> pl.Expr:
        """The fold of each row; random folds differ in size by one at most.

        A function of a column, as the streaming engine needs twice the time for the same as expressions.
        """
        if isinstance(self.folds, int):
            random = partial(_random, folds=self.folds, seed=self.seed)
            return pl.map_batches([pl.nth(0)], random, return_dtype=pl.UInt32).alias(FOLD)
        assert isinstance(self.folds, pl.Expr)
        return self.folds.alias(FOLD)

    @property
    def has_folds(self) -> bool:
        """Whether each row is encoded from the rows of all other folds."""
        return isinstance(self.folds, int | pl.Expr)


WHOLE = Encoding()
"""The estimate from all rows of the group."""


def _random(columns: Sequence[pl.Series], folds: int, seed: int | None) -> pl.Series:
    """Folds in random order of the rows of a column."""
    return (pl.int_range(len(columns[0]), dtype=pl.UInt32, eager=True) % folds).shuffle(seed)


def by_fold(request: Any) -> Any:
    """The request whose models are those without each fold.

    Rows alone in their groups determine no variance: a feature must not be empty, so that it is their mean.
    """
    return replace(request, over_names=(*request.over_names, NAME), filled=True)


def out_of_fold(
    frame: pl.LazyFrame,
    request: Request,
    encoding: Encoding,
    estimates: Callable[..., pl.LazyFrame],
    without_folds: Callable[..., tuple[pl.LazyFrame, Any]] | None = None,
) -> pl.LazyFrame:
    """All columns of the frame, and statistics of the group of each row, from the rows of all other folds.

    Each fold is a model of its own, of copies of the rows of the other folds: time grows with the number of folds.
    `without_folds` gives one row per fold and group in place of the copies, and the request that reads these rows.
    """
    columns = pl.nth(range(len(frame.collect_schema())))
    over, keys = request.over_names, [*request.over_names, NAME, *request.group_names]
    names = [*over, NAME, *request.by_names]
    fold = pl.map_batches([encoding.label], _checked)
    rows = frame.with_columns(*(e.name.prefix(KEY) for e in request.key_columns), fold).cache()
    of_fold = replace(by_fold(request), key_columns=tuple(map(public_key, names)))
    others, of_fold = (without_folds or _copies)(rows, of_fold)
    of_groups = estimates(others, of_fold, _groups_of(rows, request, keys))
    return _beside_public(rows, of_groups, keys, encoding).select(columns, *_as_estimates(encoding))


def _groups_of(rows: pl.LazyFrame, request: Request, keys: list[str]) -> pl.LazyFrame:
    """The keys of the groups of rows, with their predictors."""
    predictors = (e.cast(pl.Float64).alias(f"{PRIVATE}x{i}") for i, e in enumerate(request.predictors))
    return rows.select(*map(public_key, keys), *predictors).unique()


def _copies(rows: pl.LazyFrame, request: Any) -> tuple[pl.LazyFrame, Any]:
    """The rows once for each fold of their model but their own, and the request that reads them."""
    copies = beside_folds(rows.rename({FOLD: NAME}), rows, request)
    return copies.filter(pl.col(FOLD).ne_missing(pl.col(NAME))), request


def beside_folds(states: pl.LazyFrame, rows: pl.LazyFrame, request: Any) -> pl.LazyFrame:
    """The states once for each fold of the rows of their model."""
    over = [key for key in request.over if key != FOLD]
    folds = rows.select(*over, FOLD).unique()
    return beside_models(states, folds, over, "inner")


def _checked(columns: Sequence[pl.Series]) -> pl.Series:
    """The folds; raises if some are null."""
    folds = columns[0]
    if count := folds.null_count():
        raise ValueError(BAD_ROWS["folds"].format(rows=number_of_rows(count)))
    return folds


def public_key(key: str) -> pl.Expr:
    """A key of the rows under its own name."""
    return pl.col(KEY + key).alias(key)


def of_other_rows(
    frame: pl.LazyFrame,
    request: Request,
    encoding: Encoding,
    rows: pl.LazyFrame,
    estimates: Callable[..., pl.LazyFrame],
) -> pl.LazyFrame:
    """All columns of other rows, and statistics of their group by the rows of the frame; a new group has mu."""
    columns = pl.nth(range(len(rows.collect_schema())))
    keys = [*request.over_names, *request.group_names]
    rows = rows.with_columns(e.name.prefix(KEY) for e in request.key_columns).cache()
    of_groups = estimates(frame, request, _groups_of(rows, request, keys))
    return _beside_public(rows, of_groups, keys, encoding).select(columns, *_as_estimates(encoding))


def _beside_public(rows: pl.LazyFrame, of_groups: pl.LazyFrame, keys: list[str], encoding: Encoding) -> pl.LazyFrame:
    """The rows, each with the private statistics of its group, from groups whose columns have public names."""
    of_groups = of_groups.select(
        *(pl.col(key).alias(KEY + key) for key in keys),
        *(pl.col(one).alias(PRIVATE + one) for one in encoding.statistics),
    )
    return beside(rows, of_groups, [KEY + key for key in keys], encoding.private)


def beside(rows: pl.LazyFrame, of_groups: pl.LazyFrame, keys: Sequence[str], statistics: Sequence[str]) -> pl.LazyFrame:
    """The rows in their order, each with these columns of its group."""
    of_groups = of_groups.select(*keys, *statistics)
    return rows.join(of_groups, on=list(keys), how="left", nulls_equal=True, maintain_order="left")


def column_beside(rows: pl.LazyFrame, of_groups: pl.LazyFrame, keys: Sequence[str], name: str) -> pl.Series:
    """A column of its group for every row, from rows in memory."""
    return beside(rows, of_groups, keys, [name]).select(name).collect(engine="in-memory").to_series()


def column_out_of_fold(
    encoded: Callable[..., pl.LazyFrame], table: pl.DataFrame, request: Any, name: str, encoding: Encoding
) -> pl.Series:
    """A statistic of its group for every row of a table in memory, as `encoded` of a family computes it."""
    rows = encoded(table.lazy(), request, replace(encoding, statistics=(name,), name="_pool_encoded"))
    return rows.select(pl.last()).collect(engine="in-memory").to_series()


def _as_estimates(encoding: Encoding) -> list[pl.Expr]:
    """The statistics of estimates under the names of the new columns; exposure as `n` stays a fraction."""
    return [pl.col(PRIVATE + one).alias(name) for one, name in encoding.columns.items()]


def renamed(encoding: Encoding) -> list[pl.Expr]:
    """The statistics under the names of the new columns."""
    columns = {one: pl.col(PRIVATE + one) for one in encoding.statistics}
    columns |= {"n": pl.col(PRIVATE + "n").cast(pl.Int64)} if "n" in columns else {}
    return [columns[one].alias(name) for one, name in encoding.columns.items()]
