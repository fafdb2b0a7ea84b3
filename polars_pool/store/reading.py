"""From parts to their moments: large parts one by one, many small parts in one query, each part at one version."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

import polars as pl

from .. import arguments
from ..models.oneway import groups
from .definition import Definition, expression
from .ranges import ranged
from .sources import NAME, Part, batches, rows_of
from .states import Moments

TRIES = 3  # readings of a part that changes while it is read


class Progress(NamedTuple):
    """The progress of a refresh: parts and rows read so far and in total (`of_rows` is None if unknown)."""

    parts: int
    of_parts: int
    rows: int
    of_rows: int | None


Report = Callable[[Progress], None]


class Reading(NamedTuple):
    """The moments of some parts, and the names of their keys."""

    moments: list[Moments]
    keys: list[str]
    parts: int  # number of parts that were read


def readings(
    parts: Sequence[Part], definition: Definition, report: Report | None, joined: bool = False
) -> Iterator[Reading]:
    """The moments of parts, in their order. With `joined`, small parts that are read together give one state."""
    of_rows = _count(parts) if report else None
    done = rows = 0
    if report:
        report(Progress(0, len(parts), 0, of_rows))
    for reading in _readings(parts, definition, joined):
        yield reading
        for i, moments in enumerate(reading.moments):
            rows += moments.rows
            done += reading.parts if joined else 1
            if report and (i + 1 == len(reading.moments) or not joined):
                report(Progress(done, len(parts), rows, of_rows))


def _readings(parts: Sequence[Part], definition: Definition, joined: bool) -> Iterator[Reading]:
    for batch in batches(parts):
        together = _of_batch(batch, definition, joined) if len(batch) > 1 else None
        if together is not None:
            yield together
            continue
        for part in batch:
            with naming(part):
                reading = _of_part(part, definition)
            yield reading


def _of_batch(batch: Sequence[Part], definition: Definition, joined: bool) -> Reading | None:
    """The moments of small parts from one query; None if they must be read one by one.

    They must be if a part is invalid, so that the error names the part; if their types differ; or if a part changed.
    """
    with suppress(Exception):
        lf = rows_of(batch)
        if joined:
            rows = int(lf.select(pl.len()).collect().item())
            table, keys = _table(lf.drop(NAME), definition)
            moments = [Moments(f"{batch[0].name} and {len(batch) - 1} more", "together", rows, table)]
        else:
            counts = dict(lf.group_by(NAME).len().collect().rows())
            table, [_, *keys] = _table(lf, definition, NAME)
            tables = {name: rows for (name,), rows in table.partition_by(NAME, as_dict=True, include_key=False).items()}
            if not counts.keys() | tables.keys() <= {part.name for part in batch}:
                return None
            empty = table.drop(NAME).clear()
            moments = [
                Moments(part.name, part.version, counts.get(part.name, 0), tables.get(part.name, empty))
                for part in batch
            ]
        if all(part.current() == part.version for part in batch):
            return Reading(moments, keys, len(batch))
    return None


def _of_part(part: Part, definition: Definition) -> Reading:
    """The moments of one version of a part."""
    version: str | None = part.version
    for _ in range(TRIES):
        if version is None:
            raise FileNotFoundError("it was deleted after the source was listed; refresh again")
        before = version
        failure = None
        try:
            rows = _height(part)
            table, keys = _table(part.scan(), definition)
        except Exception as error:  # perhaps because the file was being written
            failure = error
        version = part.current()
        if version == before:
            if failure is not None:
                raise failure
            return Reading([Moments(part.name, before, rows, table)], keys, 1)
    raise RuntimeError(f"it changed each time it was read, {TRIES} times; refresh again when it is complete")


def _table(lf: pl.LazyFrame, d: Definition, *first: str) -> tuple[pl.DataFrame, list[str]]:
    """The moments of rows, sorted by keys, those with the most values first; `first` are further keys."""
    schema = lf.collect_schema()
    if d.where is not None:
        lf = lf.filter(arguments.boolean(lf, schema, expression(d.where), "where"))
    weights = None if d.weights is None else expression(d.weights)
    by = [*first, *(expression(key) for key in d.by)]
    columns = {"value": expression(d.value), "by": by, "weights": weights}
    request = arguments.means(arguments.Call({"frame": lf, "nan": d.nan, **columns}))
    arguments.distinct_keys((), request.by_names, (*groups.states_columns(request), "mean_low"))
    table = groups.states(lf, request, rest=True).collect(engine="streaming")  # in memory it takes twice the time
    keys = list(request.key_names)
    order = ranged(table.select(keys[len(first) :]).schema)
    if len(order) > 1:
        order.sort(key=lambda key: -table[key].n_unique())
    return (table.sort(order) if order else table), keys


def _count(parts: Sequence[Part]) -> int | None:
    """The number of rows in all parts; None if they cannot be counted."""
    with suppress(Exception):  # a part with an error raises it when its moments are read
        return sum(int(rows_of(batch).select(pl.len()).collect().item()) for batch in batches(parts))
    return None


def _height(part: Part) -> int:
    return int(part.scan().select(pl.len()).collect().item())


@contextmanager
def naming(part: Part) -> Iterator[None]:
    """Add the name of the part to errors."""
    try:
        yield
    except (ValueError, TypeError, OSError, RuntimeError, pl.exceptions.PolarsError) as error:
        kind = (
            ValueError if isinstance(error, UnicodeError) else type(error)
        )  # a UnicodeError cannot be built from a message
        raise kind(f"{part.name!r} cannot be pooled: {str(error).partition(chr(10))[0]}") from error
