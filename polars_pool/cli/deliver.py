"""From requests to output: results are computed and written or shown; models without a solution are reported."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl

from ..models import causes
from ..models.hyperparameters import Hyperparameters
from ..models.nested.refuse import causes_of_table as nested_causes
from ..store.sources import Part
from . import errors, jobs, output, screen
from .task import Task

# The column that follows the keys in the result of a verb.
ORDER = {"profile": ("tau",), "components": ("depth",)}  # further columns that order the rows
FIRST = {"shrink": "n", "components": "groups", "profile": "tau", "compare": "groups", "merge": "n"}


def deliver(
    task: Task, engine: str, requests: jobs.Requests, out: str | None, listed: Sequence[Part] | None = None
) -> None:
    """Output the result of the first request; the second request, if any, is the components shown with it."""
    listed = jobs.parts_of(task) if listed is None else listed
    output.checked(out, [*(part.name for part in listed), *jobs.key_files(requests)])
    with _without_warnings(), jobs.results(task, listed, engine, requests) as (first, *others):
        names = first.collect_schema().names()
        verb = next(iter(requests))
        keys = names[: names.index("level" if (verb == "components" and "depth" in names) else FIRST[verb])]
        order = [*keys, *(name for name in ORDER.get(verb, ()) if name in names)]
        result = first.sort(order) if order else first
        if out is None and output.is_terminal():
            shown, *components = pl.collect_all([result, *others])
            screen.table(shown, keys, *map(screen.components, components))
            components = components or [shown]
        else:
            others = others or ([first] if "components" in requests else [])
            components = output.write(result, out or output.STDOUT, *others)
            if out not in (None, output.STDOUT):
                screen.note("  ".join([f"{out} written", *map(screen.components, components)]))
    if "components" in requests:
        _warn(components[0], "se" in task.columns, requests["components"])


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppress warnings of the library: the command reports for DuckDB as well, which cannot warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _warn(components: pl.DataFrame, published: bool, options: Mapping[str, Any]) -> None:
    """Report on stderr, in the words of the library, the models that the data do not determine."""
    if "depth" in components.columns:
        _report(nested_causes(components, published), components.filter(pl.col("depth") == 1).height)
        return
    posterior = "tau_median" in components.columns
    names = ("groups", "n", "sigma2", "tau_median" if posterior else "tau2", "converged")
    missing = causes.Missing(published, *(components[name].to_numpy() for name in names))
    if posterior:
        by_message = causes.causes_of_posterior(missing)
    else:
        estimators = {name: options[name] for name in ("tau2", "mu") if name in options}
        by_message = causes.causes(missing, Hyperparameters(**estimators))
    _report({message: int(models.sum()) for message, models in by_message.items()}, components.height)


def _report(by_message: Mapping[str, int], models: int) -> None:
    """Report each message with the number of models that give cause for it."""
    for message, count in by_message.items():
        if count:
            scope = "" if models == 1 else f"{count:,} of {models:,} models: "
            errors.show(f"warning: {scope}{errors.as_options(message)}")
