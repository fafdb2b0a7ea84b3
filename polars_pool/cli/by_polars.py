"""Results by Polars: rows through states of moments, part by part; stored moments and published estimates directly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from .. import arguments, verbs
from ..store import states
from ..store.definition import define
from ..store.merging import merged
from ..store.reading import readings
from ..store.sources import Part
from ..store.store import MomentStore
from . import expressions, keyfile
from .errors import DataError
from .task import Input, Report, Task, key_names
from .whole import scan

ROUNDING = 1e-9  # of the mean of values 0 and 1
WITH_GROUPS = ("shrink", "posterior_draws")  # whose --groups is a file


def definition(task: Task, frame: pl.LazyFrame) -> dict[str, Any]:
    """The arguments of a store with the moments of a task, for frames with these columns."""
    names = frame.collect_schema().names()
    weights = task.columns.get("weights")
    return {
        "value": expressions.column(task.value or "", names, "value"),
        "by": [*expressions.columns(task.over, names, "over"), *expressions.columns(task.by, names, "by")],
        "weights": None if weights is None else expressions.column(weights, names, "weights"),
        "where": None if task.where is None else expressions.condition(task.where, frame),
        "nan": "null" if task.nan == "null" else "error",
    }


def of_rows(task: Task, parts: Sequence[Part], folder: Path, report: Report) -> Input:
    """The moments of rows, computed part by part and kept as states in a folder."""
    first = parts[0].scan()
    columns = definition(task, first)
    defined = define(**columns)
    folder.mkdir()
    written = [
        state
        for reading in readings(parts, defined, report, joined=True)
        for state in states.write(folder, reading.moments, defined, reading.keys)
    ]
    data = of_states(merged(written, weighted=defined.weights is not None), task)
    return data._replace(boolean=_boolean(first, columns["value"]))


def of_store(store: MomentStore, task: Task) -> Input:
    """Stored moments by the keys of the task, or by all keys."""
    frame = store.scan()
    if task.value is None and task.where is not None:  # with a value, `where` selected the rows of the store
        frame = frame.filter(expressions.condition(task.where, frame))
    return of_states(frame, task)


def of_states(frame: pl.LazyFrame, task: Task) -> Input:
    """Moments, in the columns of a store."""
    names = frame.collect_schema().names()
    stored, statistics = names[: names.index("n")], names[names.index("n") :]
    over = keys(task.over, stored, "over")
    predictors = {role: expressions.columns(texts, stored, role) for role, texts in task.predictors.items()}
    named = [*over, *(name for names in predictors.values() for name in names if isinstance(name, str))]
    by = keys(task.by, stored, "by") or [key for key in stored if key not in named]
    columns: dict[str, Any] = {"value": "mean", "n": "n", "var": "var", "by": by, "over": over, **predictors}
    return Input(frame, columns | ({"weights": "w"} if "w" in statistics else {}))


def keys(texts: Sequence[str], stored: Sequence[str], role: str) -> list[str]:
    """The names of stored keys that a task selects, by name or by the expression that defined the key."""
    return key_names(expressions.columns(texts, stored, role), role)


def of_zeros_and_ones(data: Input, store: object) -> Input:
    """Moments of values 0 and 1 as events out of trials: their sum, which replaces the mean, and their count."""
    if "weights" in data.columns:
        raise DataError(f"the store {str(store)!r} holds moments with weights, which rates do not accept")
    n, mean, var = pl.col("n"), pl.col("mean"), pl.col("var").fill_null(0)
    table = data.frame.collect()
    # The sum of squares is the sum of the values. Among whole numbers this holds for 0 and 1 alone.
    excess = ((n - 1) * var + n * mean * (mean - 1)).abs()
    if not table.filter(excess > ROUNDING * n).is_empty():
        raise DataError(
            f"the store {str(store)!r} holds moments of other values than 0 and 1, so they are no rates; omit --family"
        )
    events = table.with_columns(mean=(n * mean).round()).lazy()
    columns = {role: column for role, column in data.columns.items() if role not in ("n", "var")}
    return data._replace(frame=events, columns=columns | {"trials": "n"})


def of_frame(task: Task, parts: Sequence[Part], every: bool = False) -> Input:
    """The rows of a source, stored moments or published estimates, with the columns that the task needs, or all."""
    frame = scan(parts, None if every else task)
    names = frame.collect_schema().names()
    if task.where is not None:
        frame = frame.filter(expressions.condition(task.where, frame))
    texts = {"value": task.value or "", **task.columns}
    columns: dict[str, Any] = {role: expressions.column(text, names, role) for role, text in texts.items()}
    columns["by"] = expressions.columns(task.by, names, "by")
    columns["over"] = expressions.columns(task.over, names, "over")
    columns |= {role: expressions.columns(texts, names, role) for role, texts in task.predictors.items()}
    return Input(frame, columns, boolean=_boolean(frame, columns["value"]))


def _boolean(frame: pl.LazyFrame, value: str | pl.Expr) -> bool:
    """Whether the value is Boolean."""
    return arguments.schema_of(frame, frame.collect_schema(), [value], "value").dtypes() == [pl.Boolean]


def result(verb: str, data: Input, options: dict[str, Any]) -> pl.LazyFrame:
    """The lazy result of a verb."""
    columns = {role: column for role, column in data.columns.items() if not (role == "over" and column == [])}
    if "groups" in options and verb in WITH_GROUPS:
        options = {**options, "groups": keyfile.checked(options["groups"], data.frame, columns)}
    if "rows" in options:
        options = {**options, "rows": keyfile.rows_to_predict(options["rows"], data.frame, columns)}
    lazy: pl.LazyFrame = getattr(verbs, verb)(data.frame, **columns, **options)
    return lazy
