"""The task of a command, checked as far as possible before any data are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import polars as pl

from .. import arguments, verbs
from ..store.reading import Progress
from .errors import UsageError, usage

T = TypeVar("T")
Report = Callable[[Progress], None] | None
ENGINES = ("polars", "duckdb")
PUBLISHED = ("n", "var", "se")
OF_RATES = ("trials", "exposure")
LATER = ("groups", "rows", "vary", "at")  # options that need the columns of the data


@dataclass(frozen=True)
class Task:
    """The data of a command as written on the command line: expressions are still text."""

    source: tuple[str, ...] = ()
    store: Path | None = None
    value: str | None = None
    by: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)  # n, var, se, weights, trials, exposure: those that are set
    predictors: dict[str, tuple[str, ...]] = field(default_factory=dict)  # x or toward, if set
    family: str | None = None
    where: str | None = None
    nan: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.over, *self.by)

    @property
    def by_group(self) -> bool:
        """Whether the source holds one row per group: stored moments or published estimates."""
        return any(role in self.columns for role in PUBLISHED)

    @property
    def rates(self) -> bool:
        """Whether the value counts events."""
        return self.family == "binomial" or any(role in self.columns for role in OF_RATES)

    @property
    def whole(self) -> bool:
        """Whether a verb reads the source itself, and not the moments of its parts."""
        return self.by_group or self.rates or bool(self.predictors)


class Input(NamedTuple):
    """The input of a verb: its frame or table, and the columns by role.

    `types` are those of the keys in a table; `boolean` states whether the value is Boolean.
    """

    frame: Any
    columns: dict[str, Any]
    types: Mapping[str, pl.DataType] = MappingProxyType({})
    boolean: bool = False


def check(task: Task, engine: str, verb: str, options: dict[str, Any]) -> list[str]:
    """Refuse a command that is wrong for any data, before a warehouse is read; the columns of the result but keys."""
    _check_source(task)
    with usage():
        arguments.one_of(task.nan or "error", ("error", "null"), "nan")
        arguments.one_of(engine, ENGINES, "--engine")
        # The verb checks its options on a frame with these columns and without rows.
        columns: dict[str, Any] = {role: f"_{role}" for role in task.columns}
        lists = {role: [f"_{role}{i}" for i in range(len(split(texts)))] for role, texts in task.predictors.items()}
        by = _stand_ins(task, options)
        numbers = dict.fromkeys(["_value", *columns.values(), *(name for names in lists.values() for name in names)])
        frame = pl.LazyFrame(schema={**dict.fromkeys(by, pl.Int64), **dict.fromkeys(numbers, pl.Float64)})
        settings = {name: option for name, option in options.items() if name not in LATER}
        if "at" in options and "nested" not in options:
            settings["at"] = options["at"]
        result = getattr(verbs, verb)(frame, value="_value", by=by, **columns, **lists, **settings)
        return [name for name in result.collect_schema().names() if not name.startswith("_")]


def _check_source(task: Task) -> None:
    """Refuse options that do not go with the source, or with the store."""
    if not task.source and task.store is None:
        raise UsageError("there is nothing to read; give a SOURCE, or a --store that holds moments")
    if task.store is not None and task.by_group:
        raise UsageError("--store keeps the moments of rows; --n, --var and --se belong to a SOURCE without it")
    if task.store is not None and any(role in task.columns for role in OF_RATES):
        raise UsageError(
            "--store keeps the moments of rows; --trials and --exposure belong to a SOURCE without it, and --family "
            "binomial pools a store of values 0 and 1 as rates"
        )
    if task.source and task.store is None and (task.value is None or not task.by):
        missing = "--value" if task.value is None else "--by"
        raise UsageError(f"{missing} is missing; a SOURCE needs both --value and --by")
    if task.store is not None and task.value is None and ("weights" in task.columns or task.nan is not None):
        raise UsageError("--weights and --nan define a new store and need --value; an existing store has its own")
    if task.store is not None and task.value is not None and not (task.source and task.by):
        raise UsageError("--value defines a new store and needs a SOURCE and --by; an existing store has its own")


def _stand_ins(task: Task, options: Mapping[str, Any]) -> list[str]:
    """Names in place of the keys: as many as there are levels, where the keys are levels."""
    tau2 = options.get("tau2")
    keys = len(split(task.by)) or (len(tau2) if isinstance(tau2, list) else 1)
    return [f"_key{i}" for i in range(keys if options.get("nested") else 1)]


def taus(text: str | None) -> list[float] | None:
    """A grid of tau: numbers separated by commas."""
    try:
        return None if text is None else list(arguments.taus([float(piece) for piece in text.split(",")]))
    except ValueError:
        raise UsageError(f"--tau={text!r}; give numbers of 0 or more, separated by commas, such as 0,5,10") from None


def rhos(text: str | None) -> list[float] | None:
    """A grid of rho: numbers separated by commas, whose range the verb checks."""
    try:
        return None if text is None else [float(piece) for piece in text.split(",")]
    except ValueError:
        raise UsageError(f"--rho={text!r}; give numbers separated by commas, such as 0,0.01,0.1") from None


def number_or_name(text: str) -> float | str:
    """A hyperparameter: a number if the text is one, otherwise a name."""
    try:
        return float(text)
    except ValueError:
        return text


def tau2_of(text: str) -> float | str | list[float | str]:
    """tau2: a number, a name or a prior; or several, one for each of nested levels."""
    pieces = [number_or_name(piece) for piece in split([text])]
    return pieces[0] if len(pieces) == 1 else pieces


def split(texts: Iterable[str]) -> tuple[str, ...]:
    """The expressions of a list, which is split at commas outside of brackets and quotes."""
    return tuple(piece.strip() for text in texts for piece in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    depth, quote, start = 0, "", 0
    for i, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            yield text[start:i]
            start = i + 1
    yield text[start:]


def key_names(keys: Iterable[str | pl.Expr], role: str) -> list[str]:
    """The names that keys have in a result."""
    try:
        return [key if isinstance(key, str) else key.meta.output_name() for key in keys]
    except pl.exceptions.PolarsError:
        raise UsageError(f"--{role} stands for several columns; name each") from None
