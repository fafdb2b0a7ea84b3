"""The degenerate table on Spark: the tests of the macros of SQL, with the numbers computed by hand, run by Spark."""

import inspect
from itertools import chain, product
from types import SimpleNamespace

import polars as pl
import pytest
import test_degenerate_duckdb as table
import ways
from pyspark.errors import PySparkException
from sparks import in_turn, path
from sqlpaths import MODULE

ERRORS = (ValueError, pl.exceptions.ComputeError, PySparkException)
ESTIMATORS = ("reml", "dl") if ways.full else ("reml",)
"""Estimators are computed on the driver, by the code of Polars."""
OF_SQL = {
    "test_not_finite_raises_even_if_only_keys_are_selected",  # these are queries in SQL
    "test_values_that_are_not_numbers",
    "test_bad_stored_moments",  # moments of SQL take stored ones, as merge does in test_spark_verbs.py
    "test_nulls_among_rows_and_in_moments",  # the order of rows
    "test_seventy_thousand_groups_and_one_of_many_rows",  # slow; counts on Spark have 64 bits
}


def cases(test):
    """The combinations of the parameters of a test, but its engine; of its estimators, those of `ESTIMATORS` or one."""
    marks = [mark.args[:2] for mark in test.pytestmark if mark.name == "parametrize" and mark.args[0] != "engine"]
    names = [(names,) if isinstance(names, str) else names for names, _ in marks]
    rows = [[(row,) if isinstance(of, str) else row for row in values] for of, values in marks]
    every = [
        dict(chain.from_iterable(zip(of, values, strict=True) for of, values in zip(names, row, strict=True)))
        for row in product(*rows)
    ]
    some = [case for case in every if ways.full or case.get("tau2", "reml") in ESTIMATORS]
    return some or every[:1]


LINES = {
    name: test
    for name, test in inspect.getmembers(table, inspect.isfunction)
    if name.startswith("test_") and name not in OF_SQL
}


@pytest.fixture
def engine(request, sessions, monkeypatch):
    """A session of Spark among the engines of the table, and its errors in place of those of DuckDB."""
    monkeypatch.setitem(MODULE, request.param, path(sessions[request.param]))
    monkeypatch.setattr(table, "duckdb", SimpleNamespace(Error=ERRORS))
    return request.param


@pytest.mark.share(2)
@pytest.mark.parametrize(("engine", "line"), in_turn((line,) for line in LINES), indirect=["engine"])
@pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")
def test_line(engine, line):
    for case in cases(LINES[line]):
        LINES[line](engine, **case)
