"""Keys of groups and models: their names, and what they are called inside a plan."""

from __future__ import annotations

import polars as pl

PRIVATE = "_pool_"  # what the names of all columns inside a plan begin with
KEY = PRIVATE + "key_"  # those of keys too, so that their own can be anything


class Keyed:
    """The names of keys, and what they are called inside a plan."""

    by_names: tuple[str, ...]
    over_names: tuple[str, ...]

    @property
    def over(self) -> tuple[str, ...]:
        return tuple(KEY + name for name in self.over_names)

    @property
    def keys(self) -> tuple[str, ...]:
        return self.over + tuple(KEY + name for name in self.by_names)

    @property
    def key_names(self) -> tuple[str, ...]:
        return self.over_names + self.by_names


def public(*names: str) -> list[pl.Expr]:
    """Keys under their own names again."""
    return [pl.col(KEY + name).alias(name) for name in names]
