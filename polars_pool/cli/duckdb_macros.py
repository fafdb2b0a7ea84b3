"""The macros of DuckDB that compute a verb with its options; what they do not have is refused before rows are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..formulas.priors import OF_PRIOR_OF_RATES
from .errors import UsageError
from .task import Task, split

SECOND = ("trials", "exposure", "x")  # columns that stand after the value in a macro
THIRD = ("toward",)  # after the keys
MEANS = ("mu", "interval")  # options that the macros beside predictors do not have, which the verbs refuse there
REGRESSION = {"vary": "intercept", "correlated": True, "intercept": True, "uncertainty": "mu", "test": "z"}
OPTIONS = {"correlated": "--uncorrelated", "intercept": "--no-intercept"}
COMMANDS = {"posterior_draws": "draws"}
OF_RATES = {
    "shrink": ("prior", "level", "uncertainty", "threshold", "groups", "nan"),
    "components": ("prior", "nan"),
}
BESIDE_PREDICTORS = ("shrink", "components", "coefficients")  # verbs with macros for --toward


def check(task: Task, verb: str, options: Mapping[str, Any]) -> None:
    """Refuse what DuckDB's macros cannot compute and Polars can."""
    if verb in ("predict", "posterior_draws") or (task.rates and verb not in OF_RATES):
        rates = " of rates" if task.rates else ""
        raise UsageError(f"DuckDB has no macro for {COMMANDS.get(verb, verb)}{rates}; omit --engine duckdb")
    if str(options.get("prior")).partition("(")[0].strip() in OF_PRIOR_OF_RATES:
        raise UsageError(f"--prior={options['prior']!r} needs --engine polars")
    if "toward" in task.predictors:
        _check_toward(verb, options)
    for role, texts in task.predictors.items():
        if (number := len(split(texts))) != 1:
            raise UsageError(
                f"--engine duckdb takes one column in --{role}, not {number}; --engine polars takes several"
            )
    for name, default in REGRESSION.items():
        if "x" in task.predictors and options.get(name, default) != default:
            raise UsageError(f"{OPTIONS.get(name, f'--{name}')} of a regression needs --engine polars")


def _check_toward(verb: str, options: Mapping[str, Any]) -> None:
    if verb not in BESIDE_PREDICTORS:
        raise UsageError(f"--toward of {verb} needs --engine polars")
    if "groups" in options:
        raise UsageError("--groups with --toward needs --engine polars")


def macro(verb: str, columns: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The macro that computes a verb, and those of the options that it has; the others have their defaults."""
    name, lacking = f"pool_{verb}", {"family"}
    if "prior" in options:
        name += "_counts" if "exposure" in columns else "_rates"
        lacking = set(options).difference(OF_RATES[verb])
    elif "x" in columns:
        lacking = set(REGRESSION)
    elif "toward" in columns:
        name += "" if verb == "coefficients" else "_toward"
        lacking |= set(MEANS)
    return name, {option: value for option, value in options.items() if option not in lacking}


def companion(task: Task, requests: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The components of a model beside predictors, which show what its other results do not: whether it has any."""
    [(verb, options), *others] = requests.items()
    if others or not task.predictors or verb == "components":
        return {}
    return {"regress_components" if "x" in task.predictors else "components": options}
