"""From a task to results: the parts of its source, the engine and the verbs, in a temporary folder."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ..models import warning
from ..store.sources import Part, parts, stdin
from ..store.store import MomentStore, Refreshed
from . import by_duckdb, by_polars, database, errors, keyfile, screen, whole
from .errors import DataError, UsageError
from .task import Input, Task

RATES = "give --family binomial for rates, or --family normal to pool it as numbers without this warning"
Requests = dict[str, dict[str, Any]]  # verb -> its options


@contextmanager
def results(task: Task, listed: Sequence[Part], engine: str, requests: Requests) -> Iterator[list[pl.LazyFrame]]:
    """The result of each requested verb. The files that the results read exist as long as the context."""
    if engine == "duckdb" and task.source and task.store is not None:
        raise UsageError("only Polars refreshes a store; refresh it first, then omit SOURCE with --engine duckdb")
    if task.whole and task.nan is not None and task.store is None:
        requests = {verb: {**options, "nan": task.nan} for verb, options in requests.items()}
    for option, name in files(requests):
        keyfile.read(option, name, {})  # an error in this file appears before the rows are read
    with tempfile.TemporaryDirectory(prefix="polars-pool-") as folder:
        scratch = Path(folder)
        if engine == "duckdb":
            with database.connection(scratch) as con:
                yield _by_duckdb(con, task, listed, requests, scratch)
        else:
            yield _by_polars(task, listed, requests, scratch)


def parts_of(task: Task) -> list[Part]:
    """The parts of a task's source, at least one if there is a source."""
    sources = [source for source in task.source if source != stdin.NAME]
    if len(sources) < len(task.source) and task.store is not None:
        raise UsageError("'-', the standard input, cannot be used with --store, which keeps the moments of files")
    listed = parts(sources[0] if len(sources) == 1 else sources) if sources else []
    listed += [stdin.part()] if len(sources) < len(task.source) else []
    if task.source and not listed:
        raise DataError(f"{', '.join(task.source)}: there is no data file in it")
    return listed


def files(requests: Requests) -> list[tuple[str, str]]:
    """The options --groups and --rows that are set, each with its file."""
    verb, options = next(iter(requests.items()))
    named = [*(["groups"] if verb in by_polars.WITH_GROUPS else []), "rows"]
    return [(option, options[option]) for option in named if option in options]


def store(task: Task, listed: Sequence[Part]) -> tuple[MomentStore, Refreshed | None]:
    """The store of a task, refreshed if there is a source. With a value the task defines it, else it must exist."""
    assert task.store is not None
    if task.value is None or not listed:
        kept = MomentStore(task.store)
    else:
        kept = MomentStore(task.store, **by_polars.definition(task, listed[0].scan()))
    return kept, refreshed(kept, task) if task.source else None


def refreshed(kept: MomentStore, task: Task) -> Refreshed:
    """Refresh a store from the source of a task."""
    source = task.source[0] if len(task.source) == 1 else list(task.source)
    with warnings.catch_warnings(record=True) as caught, screen.bar("reading") as report:
        warnings.simplefilter("always")
        done = kept.refresh(source, progress=report)
    for one in caught:
        errors.show(f"warning: {one.message}")
    return done


def _of_store(kept: MomentStore, task: Task, requests: Requests) -> Input:
    if "compare" in requests and kept.definition.weights is not None:
        raise DataError(f"the store {str(task.store)!r} holds moments with weights, which compare does not accept")
    data = by_polars.of_store(kept, task)
    return by_polars.of_zeros_and_ones(data, task.store) if task.rates else data


def _warn_of_boolean(task: Task, data: Input, requests: Requests) -> None:
    """Warn, as the library does, of a Boolean value that a normal model pools."""
    normal = task.family is None and not task.rates and not task.predictors
    if data.boolean and normal and not {"shrink", "components"}.isdisjoint(requests):
        message = warning.BOOLEAN.format(name=task.value, remedy=RATES)
        errors.show(f"warning: {errors.as_options(message)}")


def _by_polars(task: Task, listed: Sequence[Part], requests: Requests, scratch: Path) -> list[pl.LazyFrame]:
    if task.whole and task.store is None:
        data = by_polars.of_frame(task, listed, every="predict" in requests)
    elif task.store is not None:
        kept, refresh = store(task, listed)
        if refresh is not None:
            screen.note(str(refresh))
        data = _of_store(kept, task, requests)
    else:
        with screen.bar("reading") as report:
            data = by_polars.of_rows(task, listed, scratch / "moments", report)
    _warn_of_boolean(task, data, requests)
    return [by_polars.result(verb, data, options) for verb, options in requests.items()]


def _by_duckdb(
    con: duckdb.DuckDBPyConnection, task: Task, listed: Sequence[Part], requests: Requests, scratch: Path
) -> list[pl.LazyFrame]:
    if task.whole and task.store is None:
        data = by_duckdb.of_frame(con, task, whole.scan(listed, task))
    elif task.store is not None:
        data = by_duckdb.of_states(con, _of_store(MomentStore(task.store), task, requests))
    else:
        with screen.bar("reading") as report:
            data = by_duckdb.of_rows(con, task, listed, report)
    _warn_of_boolean(task, data, requests)
    numbered = enumerate(requests.items())
    return [by_duckdb.result(con, verb, data, options, scratch / f"{i}.parquet") for i, (verb, options) in numbered]
