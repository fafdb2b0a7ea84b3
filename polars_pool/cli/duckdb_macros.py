"""The macros of DuckDB that compute a verb with its options; what they do not have is refused before rows are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import UsageError
from .task import Task, split

SECOND = ("trials", "exposure", "x")  # columns that stand after the value in a macro
REGRESSION = {"vary": "intercept", "correlated": True, "intercept": True, "uncertainty": "mu", "test": "z"}
OPTIONS = {"correlated": "--uncorrelated", "intercept": "--no-intercept"}
OF_RATES = {
    "shrink": ("prior", "level", "uncertainty", "threshold", "groups", "nan"),
    "components": ("prior", "nan"),
}
COMMANDS = {"predict": "predict", "posterior_draws": "draws"}


def check(task: Task, verb: str, options: Mapping[str, Any]) -> None:
    """Refuse what DuckDB's macros cannot compute and Polars can."""
    if verb in COMMANDS:
        raise UsageError(f"DuckDB has no macro for {COMMANDS[verb]}; omit --engine duckdb")
    if "toward" in task.predictors:
        raise UsageError("--toward needs --engine polars")
    covariates = split(task.predictors.get("x", ("x",)))
    if len(covariates) != 1:
        raise UsageError(
            f"the regression of DuckDB takes one covariate, and --x names {len(covariates)}; omit --engine"
        )
    for name, default in REGRESSION.items():
        if "x" in task.predictors and options.get(name, default) != default:
            raise UsageError(f"{OPTIONS.get(name, f'--{name}')} of a regression needs --engine polars")


def of_rates(verb: str, counts: bool, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The macro of rates that computes a verb, and those of the options that it has; the others are those of means."""
    macro = f"pool_{verb}_{'counts' if counts else 'rates'}"
    return macro, {name: option for name, option in options.items() if name in OF_RATES[verb]}


def of_regression(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the macros of regressions have."""
    return {name: option for name, option in options.items() if name not in REGRESSION}
