"""sql/parts/rendered/estimators.sql: the estimators of tau2, rendered from their records of formulas.

tables.py names the columns that hold the statistics. Joins and groupings are written by hand in fit.sql and search.sql,
which name no estimator.

A table macro has one CTE per estimator and reads the one that `method` names, when the query is planned: the others are
not bound. Estimators with the same formulas share one body.
"""

from __future__ import annotations

from . import choice, errors, facts, moments, search

HEADER = """\
-- The estimators of tau2: what each needs, and its formulas in terms of the columns of fit.sql and search.sql.
--
-- A table macro has one CTE per estimator and reads the one that `method` names when the query is planned: the others
-- are not bound.
"""


def text() -> str:
    """All macros of the file."""
    of_names = [*facts.facts(), *facts.kinds(), *errors.of_errors()]
    of_models = [moments.weights(), moments.estimates(), search.ranges(), search.slopes()]
    of_results = [choice.sigma2(), choice.limits(), choice.chosen(), choice.components()]
    return "\n".join([HEADER, *of_names, *of_models, *of_results]).rstrip()
