"""An estimator that is added to the registry works in Polars, NumPy and SQL and appears in every list: no more code."""

import math
import statistics

import duckdb
import numpy as np
import polars as pl
import pytest

import polars_pool as pool
from polars_pool.formulas import crossvalidation
from polars_pool.formulas.elementary import log, sqrt
from polars_pool.formulas.methods import Method, Minimum, Moments, Profile, Root, Sums, Terms, one
from polars_pool.formulas.registry import TAU2
from polars_pool.models.hyperparameters import Hyperparameters
from polars_pool.models.many import Groups
from polars_pool.models.oneway import estimators as arrays
from polars_pool.models.oneway.fit import fit
from polars_pool.rendering import estimators as sql
from polars_pool.rendering import files
from polars_pool.rendering.estimators import tables

EQUAL = {"a": [1.0, 3.0, 2.0], "b": [6.0, 4.0, 8.0], "c": [5.0, 9.0, 7.0], "d": [12.0, 15.0, 12.0]}
UNEQUAL = EQUAL | {"b": [6.0, 4.0], "d": [12.0, 15.0, 12.0, 14.0, 12.0]}


def within(data):
    """SSW."""
    return sum(statistics.variance(rows) * (len(rows) - 1) for rows in data.values())


def rows_of(data):
    """N."""
    return sum(map(len, data.values()))


def variances(data):
    """The sampling variance of every mean, by the mean square within."""
    mean_square = within(data) / (rows_of(data) - len(data))
    return [mean_square / len(rows) for rows in data.values()]


def squares(data):
    """Sum of squared deviations of the means from their mean."""
    means = [statistics.mean(rows) for rows in data.values()]
    return sum((mean - statistics.mean(means)) ** 2 for mean in means)


def by_moments(data):
    """The generalised method of moments with the square roots of n as weights."""
    a = [math.sqrt(len(rows)) for rows in data.values()]
    means, v, total = [statistics.mean(rows) for rows in data.values()], variances(data), sum(a)
    centre = sum(map(math.prod, zip(a, means, strict=True))) / total
    q = sum(x * (mean - centre) ** 2 for x, mean in zip(a, means, strict=True))
    expected = sum(x * (1 - x / total) * s for x, s in zip(a, v, strict=True))
    return (q - expected) / (total - sum(x * x for x in a) / total)


def deviance_of_term(v, tau2, d2):
    return log(v + tau2) + d2 / (v + tau2)


def slope_of_term(v, tau2, d2):
    return 1 / (v + tau2) - d2 / ((v + tau2) * (v + tau2))


def formula_of_moments(ad2, av, a2v, a, pairs):
    return (ad2 - (av - a2v / a)) * a / pairs


NEW = {
    "moments": (
        UNEQUAL,
        Method("by_roots", "roots of n", "this test", known_v=Moments(formula_of_moments, weight=lambda w: sqrt(w))),
        by_moments,
    ),
    "closed form": (
        UNEQUAL,
        Method(
            "half",
            "half the plain variance",
            "this test",
            known_v=Moments(lambda plain_squares, df: plain_squares / df / 2),
        ),
        lambda data: squares(data) / (len(data) - 1) / 2,
    ),
    "root": (
        EQUAL,
        Method("lower_q", "Q is df - 1/2", "this test", known_v=Root(lambda df: df - 0.5), df=2),
        lambda data: squares(data) / (len(data) - 1.5) - variances(data)[0],
    ),
    "minimum": (
        EQUAL,
        Method(
            "double",
            "squares count twice",
            "this test",
            known_v=Minimum(Sums(lambda logs, wd2: logs + 2 * wd2, lambda s1, w2d2: s1 - 2 * w2d2)),
        ),
        lambda data: 2 * squares(data) / len(data) - variances(data)[0],
    ),
    "minimum of terms": (
        EQUAL,
        Method(
            "terms",
            "the likelihood about the plain mean",
            "this test",
            known_v=Minimum(Terms(deviance_of_term, slope_of_term, count=one)),
        ),
        lambda data: squares(data) / len(data) - variances(data)[0],
    ),
}
"""Data, estimator and tau2 in closed form, one per kind."""


@pytest.fixture(params=NEW)
def new(request, monkeypatch):
    data, method, closed_form = NEW[request.param]
    monkeypatch.setitem(TAU2, method.name, method)
    return method.name, data, closed_form(data)


def frame(data):
    return pl.DataFrame({"g": list(data), "y": list(data.values())}).explode("y")


def weights(data, tau2):
    return [tau2 / (tau2 + v) for v in variances(data)]


def close(result, expected):
    assert result == pytest.approx(expected, rel=1e-11)


def test_it_is_computed_in_polars(new):
    name, data, tau2 = new
    close(pool.components(frame(data), "y", "g", tau2=name)["tau2"].item(), tau2)
    shrunk = pool.shrink(frame(data).lazy(), "y", "g", tau2=name).collect().sort("g")
    close(shrunk["weight"].to_list(), weights(data, tau2))


def test_it_is_computed_from_arrays(new):
    name, data, tau2 = new
    n = np.array([len(rows) * 1.0 for rows in data.values()])
    y = np.array([statistics.mean(rows) for rows in data.values()])
    squares = np.array([statistics.variance(rows) * (len(rows) - 1) for rows in data.values()])
    groups = Groups(np.zeros(1, dtype=np.int64), n=n, w=n, y=y, squares=squares, v=np.full(len(n), math.nan))
    close(fit(groups, False, Hyperparameters(tau2=name)).components.tau2.item(), tau2)


def test_all_are_computed_in_sql(monkeypatch):
    """In one test, because loading the macros takes longer than the queries."""
    for _, method, _ in NEW.values():
        monkeypatch.setitem(TAU2, method.name, method)
    with duckdb.connect() as connection:
        connection.execute(files.together())
        listed = connection.execute("SELECT name FROM pool_methods() WHERE hyperparameter = 'tau2'").fetchall()
        for data, method, closed_form in NEW.values():
            assert (method.name,) in listed
            assert_in_sql(connection, method.name, data, closed_form(data))


def assert_in_sql(connection, name, data, tau2):
    rows = ", ".join(f"('{key}', {y})" for key, values in data.items() for y in values)
    connection.execute(f"CREATE OR REPLACE TABLE data AS SELECT * FROM (VALUES {rows}) AS rows(g, y)")
    [(estimate, settled)] = connection.execute(
        f"SELECT tau2, converged FROM pool_components(data, y, g, tau2 := '{name}')"
    ).fetchall()
    close(estimate, tau2)
    assert settled
    shrunk = connection.execute(f"SELECT weight FROM pool_shrink(data, y, g, tau2 := '{name}') ORDER BY g")
    close([weight for (weight,) in shrunk.fetchall()], weights(data, tau2))


def test_messages_list_it(new):
    name, data, _ = new
    with pytest.raises(ValueError, match="give a number of 0 or more, or one of") as error:
        pool.components(frame(data), "y", "g", tau2="no such name")
    assert repr(name) in str(error.value)


def test_it_is_gone_after_the_tests():
    assert not {method.name for _, method, _ in NEW.values()} & set(TAU2)


# ---- both engines know the same statistics --------------------------------------------------------------------------

TABLES = ("OF_MODELS", "OF_WEIGHTS", "OF_MOMENTS", "AT_TAU2", "AT_RHO", "TERMS_AT_TAU2", "TERMS_AT_RHO")


@pytest.mark.parametrize("table", TABLES)
def test_both_engines_have_the_same_statistics(table):
    points = {"tau2", "rho", "expected"}  # arguments of the search
    between = {"weight", "mu", "count", "count2", "total", "weighted_d2", "plain_d2"}  # on the way to others
    between |= set() if table.startswith("TERMS") else {"d2"}
    assert set(getattr(arrays, table)) - between - points == set(getattr(tables, table)) - points


@pytest.mark.parametrize("name", TAU2)
def test_every_formula_names_statistics_that_exist(name):
    """A misspelt name fails here, not in the first query that needs it."""
    assert f'"{name}" AS' in sql.text()


def test_a_pair_that_sql_cannot_search_is_refused(monkeypatch):
    on_rows = Profile(
        Terms(crossvalidation.leave_one_out, crossvalidation.leave_one_out_slope),
        df=lambda rows: rows,
        sigma2=lambda squares, df: squares / df,
    )
    mixed = Method("mixed", "terms beside sums", "this test", known_v=Root(lambda df: df), joint=on_rows)
    monkeypatch.setitem(TAU2, "mixed", mixed)
    with pytest.raises(NotImplementedError, match="mixed: a sum of terms and another objective"):
        sql.text()
