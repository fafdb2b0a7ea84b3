"""From requests to output: results are computed and written or shown; models without a solution are reported."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import polars as pl

from ..store.sources import Part
from . import errors, jobs, output, screen
from .order import UNSORTED, Order, ordered
from .task import Task

# The column that follows the keys in the result of a verb. The rows of a prediction are those of its source.
FIRST = {
    "shrink": "n",
    "components": "groups",
    "profile": "tau",
    "compare": "groups",
    "merge": "n",
    "regress": "term",
    "coefficients": "term",
    "regress_coefficients": "term",
    "predict": "fitted",
    "posterior_draws": "chain",
}
ORDER = {
    "profile": ("tau", "rho"),
    "components": ("depth",),
    "posterior_draws": ("draw",),
}  # what orders rows of equal keys
COMPONENTS = ("components", "regress_components")
TERMS = pl.col("term") != "intercept"  # the others are in their order


def deliver(
    task: Task,
    engine: str,
    requests: jobs.Requests,
    out: str | None,
    listed: Sequence[Part] | None = None,
    order: Order = UNSORTED,
) -> None:
    """Output the result of the first request; the second request, if any, is the components shown with it."""
    listed = jobs.parts_of(task) if listed is None else listed
    output.checked(out, [*(part.name for part in listed), *(name for _, name in jobs.files(requests))])
    verb = next(iter(requests))
    modelled = next((requests[name] for name in COMPONENTS if name in requests), None)
    by_components = modelled is not None and not (task.predictors and engine == "polars")
    with _warnings(reported=not by_components), jobs.results(task, listed, engine, requests) as (first, *others):
        keys = _keys(first.collect_schema().names(), verb, task.rates)
        result = ordered(first, order, _usual(first, verb, keys))
        if out is None and output.is_terminal():
            shown, *components = pl.collect_all([result, *others])
            screen.table(shown, keys, *map(screen.components, components))
            components = components or [shown]
        else:
            others = others or ([first] if by_components else [])
            components = output.write(result, out or output.STDOUT, *others)
            if out not in (None, output.STDOUT):
                screen.note("  ".join([f"{out} written", *map(screen.components, components)]))
    if by_components and modelled is not None:
        from . import determined  # NumPy takes time to import

        determined.report(components[0], "se" in task.columns, modelled)


def _keys(names: Sequence[str], verb: str, rates: bool) -> Sequence[str]:
    """The columns of a result before the first statistic."""
    first = "level" if verb == "components" and "depth" in names else FIRST[verb]
    first = "rho" if verb == "profile" and rates else first
    return names[: names.index(first)]


def _usual(result: pl.LazyFrame, verb: str, keys: Sequence[str]) -> list[str | pl.Expr]:
    """What orders the rows of a result unless the user sorts it; nothing for a prediction, which keeps its rows."""
    if verb == "predict":
        return []
    names = result.collect_schema().names()
    return [*keys, *(name for name in ORDER.get(verb, ()) if name in names), *([TERMS] if "term" in names else [])]


@contextmanager
def _warnings(reported: bool) -> Iterator[None]:
    """Catch the warnings of the library, and report each once, unless the components will show what they say."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for message in (
        dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, UserWarning)) if reported else ()
    ):
        errors.show(f"warning: {errors.as_options(message)}")
