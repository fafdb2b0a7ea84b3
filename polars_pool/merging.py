"""All states of a store merged, in the memory of a range of keys and not of all states."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import polars as pl

from . import check, states
from .engines import groups
from .engines.model import public
from .states import State

GROUPS_TOGETHER = 2_000_000  # rows of states that are merged at a time
MOST_RANGES = 64  # of keys, one after the other
MOST_SCANS = 1_000  # in one plan
# Keys whose order the statistics of Parquet files tell without fail; those of floats leave NaN out.
RANGED = (pl.String, pl.Date, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)


def merged(found: list[State], weighted: bool) -> pl.LazyFrame:
    """The states merged, by ranges of one key: the memory of a range at a time, not of all states."""
    for state in found[1:]:
        _same_keys(found[0], state)
    keys = list(found[0].keys)
    centre = _centre([mean for state in found for mean in state.means or ()])
    schema = pl.scan_parquet(found[0].path, glob=False).collect_schema()
    ranges = _ranges(found, schema)
    together = -(-len(found) * len(ranges) // MOST_SCANS)  # files a scan: one each reads least ahead
    paths = [state.path for state in found]
    scans = [pl.scan_parquet(paths[i : i + together], glob=False) for i in range(0, len(paths), together)]
    pieces = [_merged(pl.concat([scan.filter(within) for scan in scans]), keys, centre, weighted) for within in ranges]
    return pl.concat(pieces)


def _merged(lf: pl.LazyFrame, keys: list[str], centre: float, weighted: bool) -> pl.LazyFrame:
    # Less the centre all digits of a mean and its rest fit into one number.
    lf = lf.with_columns(mean=(pl.col("mean") - centre) + pl.col("mean_low"))
    model = check.model(lf, "mean", keys, n="n", var="var", weights="w" if weighted else None)
    columns = [groups.N.cast(pl.Int64).alias("n"), (groups.Y + centre).alias("mean"), groups.VAR.alias("var")]
    if weighted:
        columns.append(groups.W.alias("w"))
    return groups.merged(lf, model).select(*public(*keys), *columns)


def _centre(means: list[float]) -> float:
    """What all means have in common, 0 for nothing: less it, none of them loses a digit (Sterbenz 1974)."""
    centre = (min(means) / 2 + max(means) / 2) if means else 0.0
    return centre if means and max(means) - min(means) <= abs(centre) / 4 else 0.0


def _ranges(found: list[State], schema: pl.Schema) -> list[pl.Expr]:
    """Conditions of which every row of the states meets exactly one."""
    everything = [pl.lit(True)]
    pieces = min(MOST_RANGES, -(-sum(state.groups for state in found) // GROUPS_TOGETHER))
    if pieces < 2:
        return everything
    splits = {
        key: _splits(states.first_keys(found, key), pieces)
        for key in ranged({key: schema[key] for key in found[0].keys})
    }
    if not any(splits.values()):
        return everything
    key = max(splits, key=lambda key: len(splits[key]))
    above = [pl.col(key) >= pl.lit(split, schema[key]) for split in splits[key]]
    middle = [low & ~high for low, high in pairwise(above)]
    return [~above[0], *middle, above[-1] | pl.col(key).is_null()]


def _splits(firsts: list[tuple[Any, int]], pieces: int) -> list[Any]:
    """Values that split the rows that begin with `firsts` into pieces of about one size."""
    splits: list[Any] = []
    total, seen = sum(rows for _, rows in firsts), 0
    for value, rows in sorted(firsts):
        if seen >= (len(splits) + 1) * total / pieces and value not in splits[-1:]:
            splits.append(value)
        seen += rows
    return splits


def ranged(keys: Any) -> list[str]:
    """The keys that ranges can be made of; ^…$ would be a pattern."""
    return [key for key, dtype in keys.items() if dtype in RANGED and not key.startswith("^")]


def _same_keys(one: State, other: State) -> None:
    if one.keys != other.keys:
        raise TypeError(
            f"the keys of {one.source!r} are {one.keys}, those of {other.source!r} are {other.keys}: states "
            f"{str(one.path)!r} and {str(other.path)!r} cannot be merged; refresh with a source whose keys agree"
        )
