"""The registries of estimators as macros of DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..engines.sql import folded
from ..formulas.estimators import TAU2
from ..formulas.registry import MU, SIGMA2, Method

METHODS = """
-- The names of the estimators of a hyperparameter.
CREATE OR REPLACE MACRO pool_method_names(hyperparameter) AS
    {names};
-- Estimators that weigh by rows, so that published estimates need n.
CREATE OR REPLACE MACRO pool_methods_by_rows(hyperparameter) AS
    {by_rows};
-- Estimators that need the rows' own variance.
CREATE OR REPLACE MACRO pool_methods_of_rows_alone(hyperparameter) AS
    {of_rows_alone};
-- Estimators that do not fit weights.
CREATE OR REPLACE MACRO pool_methods_unweighted(hyperparameter) AS
    {unweighted};
-- Estimators whose standard error is not known.
CREATE OR REPLACE MACRO pool_methods_without_error(hyperparameter) AS
    {without_error};
-- The names of the estimators of a hyperparameter that are not in a list.
CREATE OR REPLACE MACRO pool_methods_without(hyperparameter, names) AS
    list_filter(pool_method_names(hyperparameter), lambda name: NOT list_contains(names, name));
-- The estimators by name, and the input they fit: groups whose sampling variance is known (published estimates need n=
-- where needs_n), rows with precision weights.
CREATE OR REPLACE MACRO pool_methods() AS TABLE
    SELECT * FROM (VALUES
        {rows}
    ) AS methods(hyperparameter, name, title, source, given_v, needs_n, weighted);
"""

REGISTRIES = {"sigma2": SIGMA2, "tau2": TAU2, "mu": MU}


def text() -> str:
    """The macros that list the estimators of each hyperparameter."""
    lists = {
        "names": names(lambda method: True),
        "by_rows": names(lambda method: method.needs_n),
        "of_rows_alone": names(lambda method: method.known_v is None and method.joint is not None),
        "unweighted": names(lambda method: not method.weighted),
        "without_error": names(lambda method: method in TAU2.values() and method.error is None),
    }
    return METHODS.format(rows=",\n        ".join(methods()), **lists)


def names(condition: Callable[[Method], bool]) -> str:
    """The names of some estimators, a list for each hyperparameter."""
    lists = {role: [m.name for m in registry.values() if condition(m)] for role, registry in REGISTRIES.items()}
    whens = [folded(f"WHEN '{role}' THEN {listed}::VARCHAR[]", 8) for role, listed in lists.items()]
    return "\n        ".join(["CASE hyperparameter", *whens]) + "\n    END"


def methods() -> Iterator[str]:
    """The registry of estimators as rows of SQL."""
    for role, registry in REGISTRIES.items():
        for method in registry.values():
            published = (role == "mu" or method.known_v is not None) and role != "sigma2"
            fits = (published, method.needs_n, method.weighted)
            texts = (role, method.name, method.title, method.source)
            quoted = ["'" + text.replace("'", "''") + "'" for text in texts]
            yield folded(f"({', '.join([*quoted, *(str(fit).lower() for fit in fits)])})", 8)
