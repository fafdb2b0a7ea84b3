"""The types of keys in the files of a store: files by their types, and the types that hold the keys of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import polars as pl

from .merges import Merge
from .states import State
from .widening import common

Table: TypeAlias = State | Merge


class Kind(NamedTuple):
    """Files whose keys have the same types, and the schema of these files."""

    tables: list[Table]
    schema: pl.Schema

    @property
    def typed(self) -> tuple[str, dict[str, pl.DataType]]:
        """The name of a file in quotes, and the types of its keys."""
        first = self.tables[0]
        return f"{first.source!r} (state {str(first.path)!r})", {key: self.schema[key] for key in first.keys}


def kinds(listed: Iterable[Table]) -> list[Kind]:
    """The files of each combination of key types."""
    tables: dict[str, list[Table]] = {}
    for table in listed:
        tables.setdefault(repr(table.keys), []).append(table)
    return [Kind(some, pl.scan_parquet(some[0].path, glob=False).collect_schema()) for some in tables.values()]


class KeyTypes:
    """The types of the keys in states, each combination with a source that has it."""

    def __init__(self, listed: Iterable[State]) -> None:
        self._typed = [kind.typed for kind in kinds(listed)]

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
