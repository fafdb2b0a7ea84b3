"""Ranges of a key, from the statistics of Parquet files: the pieces in which states are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

# Key types whose minimum in Parquet statistics is reliable; the statistics of floats exclude NaN.
RANGED = (pl.String, pl.Date, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)


def ranged(keys: Any) -> list[str]:
    """The keys that can be split into ranges; Polars would read a name such as ^…$ as a pattern."""
    return [key for key, dtype in keys.items() if dtype in RANGED and not key.startswith("^")]


def ranges(paths: Iterable[Path], keys: Mapping[str, pl.DataType], pieces: int) -> list[pl.Expr]:
    """Conditions on the key that splits the files best, in ascending order; every row meets exactly one."""
    names = ranged(keys) if pieces > 1 else []
    splits = {key: _splits(rows, pieces) for key, rows in _first_keys(paths, names).items()}
    if not any(splits.values()):
        return [pl.lit(True)]
    key = max(splits, key=lambda key: len(splits[key]))
    above = [pl.col(key) >= pl.lit(split, keys[key]) for split in splits[key]]
    middle = [low & ~high for low, high in pairwise(above)]
    return [~above[0], *middle, above[-1] | pl.col(key).is_null()]


def order(paths: Iterable[Path], keys: Mapping[str, pl.DataType]) -> list[str]:
    """The keys that can be split, those first by which the files are sorted first: they differ between row groups."""
    firsts = _first_keys(paths, ranged(keys))
    return sorted(firsts, key=lambda key: -len({value for value, _ in firsts[key]}))


def _first_keys(paths: Iterable[Path], names: Sequence[str]) -> dict[str, list[tuple[Any, int]]]:
    """The smallest value of each key in each row group of the files, with the number of its rows."""
    import pyarrow.parquet as pq

    firsts: dict[str, list[tuple[Any, int]]] = {name: [] for name in names}
    for footer in (pq.read_metadata(path) for path in paths) if names else ():
        columns = [footer.schema.column(i).path for i in range(footer.num_columns)]
        for group in map(footer.row_group, range(footer.num_row_groups)):
            for name in names:
                statistics = group.column(columns.index(name)).statistics
                if statistics is not None and statistics.has_min_max:
                    firsts[name].append((statistics.min, group.num_rows))
    return firsts


def _splits(firsts: list[tuple[Any, int]], pieces: int) -> list[Any]:
    """Values that split the row groups with the first keys `firsts` into pieces of about equal size."""
    splits: list[Any] = []
    total, seen = sum(rows for _, rows in firsts), 0
    for value, rows in sorted(firsts):
        if seen >= (len(splits) + 1) * total / pieces and value not in splits[-1:]:
            splits.append(value)
        seen += rows
    return splits
