"""reference.md: every public function, class and prior of Python, from its docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ... import ConvergenceWarning, MomentStore, factor, interaction, verbs
from ...engines.duckdb import install_macros
from ...formulas.priors import OF_MU, OF_RATES, OF_TAU, Hyper, UniformSpread
from ...namespace import ExprPool, FramePool
from ..comments import sentence
from . import markdown, transformer

INTRODUCTION = """\
# Reference: Python

All verbs, methods, arguments and priors, from their docstrings. Their results are described
[column by column](reference_columns.md); the [macros of DuckDB](reference_sql.md) have the same names and arguments.
`help(pool.shrink)` prints the same text.
"""
VERBS = (
    *(verbs.moments, verbs.merge, verbs.components, verbs.profile, verbs.shrink, verbs.encode, verbs.compare),
    *(
        verbs.coefficients,
        verbs.rank,
        verbs.posterior_draws,
        verbs.regress,
        verbs.regress_components,
        verbs.regress_coefficients,
    ),
    verbs.predict,
)
CLASSES = (FramePool, ExprPool, MomentStore)


def text() -> str:
    """The page."""
    every = (*OF_TAU.values(), *OF_MU.values(), *OF_RATES.values(), UniformSpread, Hyper)
    priors = {prior.__name__: prior for prior in every}
    blocks = [
        INTRODUCTION,
        _list([(verb.__name__, verb) for verb in VERBS]),
        "## Verbs\n\nEach verb is a function and a method: `pool.shrink(frame, ...)` is `frame.pool.shrink(...)`.",
        *(_function(verb) for verb in VERBS),
        "## Covariates\n\nValues for `x` of `regress`, `regress_components` and `predict`.",
        _function(factor),
        _function(interaction),
        "## Namespaces and classes",
        *(block for owner in CLASSES for block in _class(owner)),
        "## Priors",
        *(f"### {_call(prior, name)}\n\n{_described(prior)}" for name, prior in priors.items()),
        "## The transformer of scikit-learn",
        *transformer.blocks(),
        "## Macros and warnings",
        _function(install_macros),
        f"### ConvergenceWarning\n\n{_described(ConvergenceWarning)}",
    ]
    return "\n\n".join(block.rstrip() for block in blocks) + "\n"


def _list(named: list[tuple[str, Any]]) -> str:
    rows = ([f"[`{name}`](#{name})", f"{sentence(inspect.getdoc(thing) or '')}."] for name, thing in named)
    return markdown.table(["verb", "result"], rows)


def _function(function: Callable[..., Any]) -> str:
    name = function.__name__
    return f"### {name}\n\n{_signature(f'pool.{name}', function)}\n\n{_described(function)}"


def _class(owner: type) -> list[str]:
    """The class, and each public method that has a docstring of its own."""
    blocks = [f"### {owner.__name__}\n\n{_described(owner)}"]
    for name, method in vars(owner).items():
        if inspect.isfunction(method) and not name.startswith("_") and not hasattr(method, "__wrapped__"):
            title = f"{owner.__name__}.{name}"
            blocks.append(f"#### {title}\n\n{_signature(f'.{name}', method)}\n\n{_described(method)}")
    return blocks


def _described(thing: Any) -> str:
    return markdown.of_docstring(inspect.getdoc(thing) or "")


def _signature(name: str, function: Callable[..., Any]) -> str:
    return f"```pyi\n{_call(function, name)}\n```"


def _call(function: Callable[..., Any], name: str) -> str:
    """The call with its defaults."""
    every = [p for p in inspect.signature(function).parameters.values() if p.name not in ("self", "frame")]
    words = [_argument(p) for p in every]
    first = next((i for i, p in enumerate(every) if p.kind is p.KEYWORD_ONLY), len(every))
    if first < len(every):
        words.insert(first, "*")
    return markdown.call(name, words)


def _argument(parameter: inspect.Parameter) -> str:
    """An argument with its default."""
    stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
    return f"{stars}{parameter.name}{default}"
