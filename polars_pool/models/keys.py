"""Names of the columns inside a plan: all begin with a private prefix, so that the keys can have any name."""

from __future__ import annotations

import polars as pl

PRIVATE = "_pool_"  # the prefix of all columns inside a plan,
KEY = PRIVATE + "key_"  # and of the keys


def public(*names: str) -> list[pl.Expr]:
    """Keys under their own names again."""
    return [pl.col(KEY + name).alias(name) for name in names]
