"""sql/formulas.sql: each formula as a scalar macro of DuckDB, its docstring as the comment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from inspect import getmembers, isfunction
from types import ModuleType
from typing import Any

from ..engines.sql import comment, macro
from ..formulas import (
    between,
    centre,
    comparison,
    compression,
    crossvalidation,
    densities,
    inference,
    line,
    moments,
    nested,
    nodes,
    oneway,
    overdispersion,
    posterior,
    rates,
    regression,
    robust,
    shrink,
    uncertainty,
    within,
)

MODULES = (
    moments,
    within,
    between,
    oneway,
    crossvalidation,
    centre,
    shrink,
    inference,
    uncertainty,
    robust,
    comparison,
    densities,
    posterior,
    regression,
    rates,
)

# Modules whose names others have too; their macros bear the name of the module.
PREFIXES = {
    regression: "regression_",
    nested: "nested_",
    rates: "rate_",
    overdispersion: "rate_",
    line: "line_",
    compression: "bin_",
    nodes: "node_",
}

# Modules whose macros are private, as they belong to one algorithm.
PRIVATE = (overdispersion, line, nested, nodes, compression)

HEADER = """\
-- The formulas of partial pooling as scalar macros of DuckDB, one macro per formula, each with its source.
-- Rendered from polars_pool/formulas by `python -m polars_pool.rendering`: edit there. They call parts/distributions.
"""


def formulas(modules: Iterable[ModuleType] = MODULES) -> Iterator[tuple[ModuleType, str, Callable[..., Any]]]:
    """Every formula with its module and name, in the order in which they are written."""
    for module in modules:
        own = [(name, f) for name, f in getmembers(module, isfunction) if f.__module__ == module.__name__]
        public = (item for item in own if not item[0].startswith("_"))
        for name, formula in sorted(public, key=lambda item: item[1].__code__.co_firstlineno):
            yield module, PREFIXES.get(module, "") + name, formula


def text() -> str:
    """The macros of all public formulas, with one heading per module."""
    return "\n".join([HEADER, *_macros(MODULES, "pool_")])


def private_text() -> str:
    """The macros of all private formulas."""
    return "\n".join(_macros(PRIVATE, "_pool_")).strip()


def _macros(modules: Iterable[ModuleType], start: str) -> list[str]:
    parts = []
    last = None
    for module, name, formula in formulas(modules):
        if module is not last:
            parts.append(f"\n-- {'-' * 117}\n{comment(module.__doc__)}\n-- {'-' * 117}\n")
            last = module
        parts.append(macro(start + name, formula))
    return parts
