"""All parts of a source as one frame, in types that hold the values of every part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import polars.selectors as cs

from ..store.sources import Part, rows_of
from ..store.widening import common
from .task import Task

Schema = Mapping[str, pl.DataType]


def scan(parts: Sequence[Part], task: Task | None = None) -> pl.LazyFrame:
    """The rows of all parts, with the columns that all parts share; with a task, only those that it may read."""
    kinds: dict[tuple[str, object], list[Part]] = {}
    schemas: dict[str, tuple[str, Schema]] = {}
    for part in parts:
        schema = part.scan().collect_schema()
        kinds.setdefault((repr(schema), part.together or part.name), []).append(part)
        schemas.setdefault(repr(schema), (part.name, schema))
    types = _types(list(schemas.values()), task)
    return pl.concat(
        [
            rows_of(kind).select(cs.by_name(*types)).cast(types)  # type: ignore[arg-type]
            for kind in kinds.values()
        ]
    )


def _types(schemas: Sequence[tuple[str, Schema]], task: Task | None) -> dict[str, pl.DataType]:
    """The common type of each column: without loss for keys, Float64 for other numbers, as in the models."""
    first, types = schemas[0][0], dict(schemas[0][1])
    for source, schema in schemas[1:]:
        for name, dtype in list(types.items()):
            if name not in schema or not (task is None or _named(name, task)):
                del types[name]
                continue
            shared = common(dtype, schema[name])
            if shared is None and dtype.is_numeric() and schema[name].is_numeric() and not _key(name, task):
                shared = pl.Float64()
            if shared is None:
                raise TypeError(
                    f"the column {name!r} has two types: in {first!r} it is {dtype}, in {source!r} {schema[name]}, and "
                    "no type holds the values of both without loss; cast the column to one type"
                )
            types[name] = shared
    return types


def _key(name: str, task: Task | None) -> bool:
    """Whether a key may read a column."""
    return task is None or any(name in text for text in task.keys)


def _named(name: str, task: Task) -> bool:
    """Whether a task may read a column."""
    texts = [task.value, task.where, *task.keys, *task.columns.values()]
    return any(name in text for text in texts if text is not None)
