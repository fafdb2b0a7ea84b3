"""From a task to answers: the parts of its source, the engine, the verbs, in a folder that is gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ..store.sources import Part, parts, stdin
from ..store.store import MomentStore, Refreshed
from . import by_duckdb, by_polars, keyfile, screen, whole
from .errors import DataError, UsageError
from .task import Input, Task

Questions = dict[str, dict[str, Any]]  # verb -> its options


@contextmanager
def answers(task: Task, found: Sequence[Part], engine: str, questions: Questions) -> Iterator[list[pl.LazyFrame]]:
    """What the verbs make of a task, an answer each; files that they read from live as long as the context."""
    if engine == "duckdb" and task.source and task.store is not None:
        raise UsageError("a store is filled by Polars: refresh it first, then leave SOURCE out with --engine duckdb")
    if task.by_group and task.nan is not None:
        questions = {verb: {**options, "nan": task.nan} for verb, options in questions.items()}
    for name in key_files(questions):
        keyfile.read(name, {})  # that it can be read, before the rows are
    with tempfile.TemporaryDirectory(prefix="polars-pool-") as folder:
        scratch = Path(folder)
        if engine == "duckdb":
            with by_duckdb.connection(scratch) as con:
                yield _by_duckdb(con, task, found, questions, scratch)
        else:
            yield _by_polars(task, found, questions, scratch)


def listed(task: Task) -> list[Part]:
    """The parts of a task's source, at least one if there is a source."""
    sources = [source for source in task.source if source != stdin.NAME]
    if len(sources) < len(task.source) and task.store is not None:
        raise UsageError("'-', the standard input, does not go with --store, which keeps the moments of files")
    found = parts(sources[0] if len(sources) == 1 else sources) if sources else []
    found += [stdin.part()] if len(sources) < len(task.source) else []
    if task.source and not found:
        raise DataError(f"{', '.join(task.source)}: there is no data file in it")
    return found


def key_files(questions: Questions) -> list[str]:
    """The file of keys of groups that may have no rows, if there is one."""
    return [options["groups"] for verb, options in questions.items() if verb == "shrink" and "groups" in options]


def store(task: Task, found: Sequence[Part]) -> tuple[MomentStore, Refreshed | None]:
    """The store of a task, refreshed if there is a source; with a value the task defines it, else it exists."""
    assert task.store is not None
    if task.value is None or not found:
        kept = MomentStore(task.store)
    else:
        kept = MomentStore(task.store, **by_polars.definition(task, found[0].scan()))
    return kept, refreshed(kept, task) if task.source else None


def refreshed(kept: MomentStore, task: Task) -> Refreshed:
    """The store with the moments of all that is new in the source."""
    with screen.bar("reading") as report:
        return kept.refresh(task.source[0] if len(task.source) == 1 else list(task.source), progress=report)


def _of_store(kept: MomentStore, task: Task, questions: Questions) -> Input:
    if "compare" in questions and kept.definition.weights is not None:
        raise DataError(f"the store {str(task.store)!r} holds moments with weights, which compare does not take")
    return by_polars.of_store(kept, task)


def _by_polars(task: Task, found: Sequence[Part], questions: Questions, scratch: Path) -> list[pl.LazyFrame]:
    if task.by_group:
        data = by_polars.of_groups(task, found)
    elif task.store is not None:
        kept, news = store(task, found)
        if news is not None:
            screen.note(str(news))
        data = _of_store(kept, task, questions)
    else:
        with screen.bar("reading") as report:
            data = by_polars.of_rows(task, found, scratch / "moments", report)
    return [by_polars.answer(verb, data, options) for verb, options in questions.items()]


def _by_duckdb(
    con: duckdb.DuckDBPyConnection, task: Task, found: Sequence[Part], questions: Questions, scratch: Path
) -> list[pl.LazyFrame]:
    if task.by_group:
        data = by_duckdb.of_frame(con, task, whole.scan(found, task))
    elif task.store is not None:
        data = by_duckdb.of_states(con, _of_store(MomentStore(task.store), task, questions))
    else:
        with screen.bar("reading") as report:
            data = by_duckdb.of_rows(con, task, found, report)
    asked = enumerate(questions.items())
    return [by_duckdb.answer(con, verb, data, options, scratch / f"{i}.parquet") for i, (verb, options) in asked]
