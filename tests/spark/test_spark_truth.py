"""Spark against lme4, actuar, metafor and exact fractions: the tests of the other engines, run by Spark."""

from itertools import cycle

import pytest
import test_truth_meta as meta
import test_truth_oneway as oneway
import test_truth_sql as sql
import ways
from grid import META_CELLS, ROW_CELLS
from sparks import interpreting, path
from sqlpaths import SQL_PATHS


@pytest.fixture
def engine(classic, monkeypatch):
    """Spark among the engines that compute many data sets in one query."""
    monkeypatch.setitem(SQL_PATHS, "spark", path(classic))
    with interpreting(classic):
        yield "spark"


@pytest.mark.parametrize("cell", ROW_CELLS, ids=str)
def test_rows(engine, cell):
    oneway.test_components(cell, engine)
    oneway.test_shrink(cell, engine)


STUDIES = [cell for cell in META_CELLS if ways.full or cell.name in ("REML", "DL", "PMM", "GENQ_w_n")]


@pytest.mark.parametrize("cell", STUDIES, ids=str)
def test_published_estimates(engine, cell):
    meta.test_components(cell, engine)
    meta.test_shrink(cell, engine)


@pytest.mark.parametrize("method", sql.METHODS)
def test_pooled_variance(engine, method):
    sql.test_components(engine, "pooled", method)


@pytest.mark.parametrize(("method", "within"), list(zip(sql.METHODS, cycle(["separate", "squeezed", sql.SIGMA2]))))
def test_other_variances(engine, method, within):
    sql.test_components(engine, within, method)


@pytest.mark.parametrize(("within", "method"), [("pooled", "reml"), ("separate", "pm")])
def test_stored_moments(engine, within, method):
    sql.test_components_from_stored_moments(engine, within, method)


@pytest.mark.parametrize(("method", "mu", "uncertainty"), [("reml", "gls", "mu"), ("dl", "shrunk", "conditional")])
def test_every_column(engine, method, mu, uncertainty):
    sql.test_every_column_of_shrink(engine, method, mu, uncertainty)
