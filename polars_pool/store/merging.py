"""The states of a store merged; memory holds one range of keys at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from .. import arguments
from ..models.keys import public
from ..models.oneway import groups
from . import states
from .states import State
from .widening import common

GROUPS_TOGETHER = 2_000_000  # rows of states that are merged at a time
MOST_RANGES = 64  # ranges of keys, read one after the other
MOST_SCANS = 1_000  # scans in one plan
SMALL = 100_000  # states with fewer rows share a scan
# Key types whose minimum in Parquet statistics is reliable; the statistics of floats exclude NaN.
RANGED = (pl.String, pl.Date, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)


def merged(listed: list[State], weighted: bool) -> pl.LazyFrame:
    """The merged moments of states, computed range by range of one key, so that memory holds one range at a time."""
    kinds = _by_key_types(listed)
    schemas = [_schema(kind[0]) for kind in kinds]
    keys = common_keys([_typed(kind[0], schema) for kind, schema in zip(kinds, schemas, strict=True)])
    centre = _centre([mean for state in listed for mean in state.means or ()])
    ranges = _ranges(listed, keys if len(kinds) == 1 else {})
    most = -(-len(listed) * len(ranges) // MOST_SCANS)  # files per scan, so that the plan has few enough scans
    verify = Verification()
    scans = [
        _cast(_scan([state.path for state in together], schema, verify), schema, keys)
        for kind, schema in zip(kinds, schemas, strict=True)
        for together in _together(kind, most)
    ]
    pieces = [_merged(pl.concat([s.filter(within) for s in scans]), list(keys), centre, weighted) for within in ranges]
    return pl.concat(pieces)


# ---- keys of several types ----------------------------------------------------------------------------------------


class KeyTypes:
    """The types of the keys in states, each combination with a source that has it."""

    def __init__(self, listed: Iterable[State]) -> None:
        self._typed = [_typed(kind[0], _schema(kind[0])) for kind in _by_key_types(listed)]

    def add(self, source: str, types: Mapping[str, pl.DataType]) -> None:
        """Add a source; raise an error if no types hold its keys and those of the sources before it."""
        if all(types != others for _, others in self._typed):
            common_keys([(repr(source), types), *self._typed])
            self._typed.append((repr(source), dict(types)))


def common_keys(sources: Sequence[tuple[str, Mapping[str, pl.DataType]]]) -> dict[str, pl.DataType]:
    """Types that hold the keys of all sources without loss; each source comes with its name in quotes."""
    keys = dict(sources[0][1])
    for name, types in sources[1:]:
        if list(types) != list(keys):
            raise TypeError(f"the keys of {sources[0][0]} are {list(keys)}, the keys of {name} are {list(types)}")
        for key, dtype in types.items():
            shared = common(keys[key], dtype)
            if shared is None:
                apart = (one for one in sources if common(one[1][key], dtype) is None)
                one, first = next(apart, sources[0])
                raise TypeError(
                    f"the key {key!r} has two types: in {one} it is {first[key]}, in {name} {dtype}, and no type holds "
                    "the values of both without loss; cast the key to one type"
                )
            keys[key] = shared
    return keys


def _by_key_types(listed: Iterable[State]) -> list[list[State]]:
    """The states, one list for each combination of key types."""
    kinds: dict[str, list[State]] = {}
    for state in listed:
        kinds.setdefault(repr(state.keys), []).append(state)
    return list(kinds.values())


def _typed(state: State, schema: pl.Schema) -> tuple[str, dict[str, pl.DataType]]:
    return f"{state.source!r} (state {str(state.path)!r})", {key: schema[key] for key in state.keys}


def _cast(lf: pl.LazyFrame, schema: pl.Schema, keys: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    wider = {key: dtype for key, dtype in keys.items() if schema[key] != dtype}
    return lf.cast(wider) if wider else lf  # type: ignore[arg-type]


# ---- files --------------------------------------------------------------------------------------------------------


def _together(listed: list[State], most: int) -> Iterator[list[State]]:
    """The states of each scan: a large state alone, so that little is read ahead; small states share a scan."""
    together: list[State] = []
    rows = 0
    for state in listed:
        if len(together) >= most and rows + state.groups > SMALL:
            yield together
            together, rows = [], 0
        together.append(state)
        rows += state.groups
    if together:
        yield together


class Verification:
    """Checks each file once per query, even if several ranges are read from it."""

    def __init__(self) -> None:
        self._verified: dict[Path, tuple[int, int, int]] = {}

    def __call__(self, path: Path) -> None:
        status = path.stat()
        version = (status.st_ino, status.st_size, status.st_mtime_ns)
        if self._verified.get(path) != version:
            states.verify(path)
            self._verified[path] = version


def _scan(paths: list[Path], schema: pl.Schema, verify: Verification) -> pl.LazyFrame:
    """The rows of states. When the query runs, each file is verified before Polars opens it."""

    def frames(
        columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        for path in paths:
            verify(path)
        rows = pl.scan_parquet(paths, glob=False, schema=schema)
        rows = rows if predicate is None else rows.filter(predicate)
        rows = rows if columns is None else rows.select(columns)
        yield (rows if n_rows is None else rows.head(n_rows)).collect()

    return register_io_source(frames, schema=schema, is_pure=True)


def _schema(state: State) -> pl.Schema:
    return pl.scan_parquet(state.path, glob=False).collect_schema()


def _merged(lf: pl.LazyFrame, keys: list[str], centre: float, weighted: bool) -> pl.LazyFrame:
    # After subtraction of the centre, one number holds all digits of `mean + mean_low`.
    lf = lf.with_columns(mean=(pl.col("mean") - centre) + pl.col("mean_low"))
    columns_of_states = {"value": "mean", "n": "n", "var": "var", "weights": "w" if weighted else None}
    request = arguments.means(arguments.Call({"frame": lf, "by": keys, **columns_of_states}))
    columns = [groups.N.cast(pl.Int64).alias("n"), (groups.Y + centre).alias("mean"), groups.VAR.alias("var")]
    if weighted:
        columns.append(groups.W.alias("w"))
    return groups.merged(lf, request).select(*public(*keys), *columns)


def _centre(means: list[float]) -> float:
    """A common offset of all means, or 0; subtracting it from a mean is exact (Sterbenz 1974)."""
    centre = (min(means) / 2 + max(means) / 2) if means else 0.0
    return centre if means and max(means) - min(means) <= abs(centre) / 4 else 0.0


def _ranges(listed: list[State], keys: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """Conditions on a key; every row of the states meets exactly one."""
    everything = [pl.lit(True)]
    pieces = min(MOST_RANGES, -(-sum(state.groups for state in listed) // GROUPS_TOGETHER))
    if pieces < 2:
        return everything
    splits = {key: _splits(states.first_keys(listed, key), pieces) for key in ranged(keys)}
    if not any(splits.values()):
        return everything
    key = max(splits, key=lambda key: len(splits[key]))
    above = [pl.col(key) >= pl.lit(split, keys[key]) for split in splits[key]]
    middle = [low & ~high for low, high in pairwise(above)]
    return [~above[0], *middle, above[-1] | pl.col(key).is_null()]


def _splits(firsts: list[tuple[Any, int]], pieces: int) -> list[Any]:
    """Values that split the row groups with the first keys `firsts` into pieces of about equal size."""
    splits: list[Any] = []
    total, seen = sum(rows for _, rows in firsts), 0
    for value, rows in sorted(firsts):
        if seen >= (len(splits) + 1) * total / pieces and value not in splits[-1:]:
            splits.append(value)
        seen += rows
    return splits


def ranged(keys: Any) -> list[str]:
    """The keys that can be split into ranges; Polars would read a name such as ^…$ as a pattern."""
    return [key for key, dtype in keys.items() if dtype in RANGED and not key.startswith("^")]
