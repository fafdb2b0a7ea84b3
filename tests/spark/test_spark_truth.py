"""Spark against numbers from outside and by dense matrices: the tests of the other engines, run by Spark."""

from itertools import cycle

import pytest
import test_compare as comparison
import test_group_level as groups
import test_profile as profile
import test_truth_meta as meta
import test_truth_oneway as oneway
import test_truth_posterior as posterior
import test_truth_rates as rates
import test_truth_sql as sql
import ways
from grid import META_CELLS, ROW_CELLS
from sparks import interpreting, path
from sqlpaths import SQL_PATHS

pytestmark = pytest.mark.share(5)  # each case takes seconds of planning on Spark


@pytest.fixture
def engine(classic, monkeypatch):
    """Spark among the engines that compute many data sets in one query."""
    for paths in (SQL_PATHS, comparison.PATHS, posterior.PATHS, profile.PATHS, rates.PATHS):
        monkeypatch.setitem(paths, "spark", path(classic))
    with interpreting(classic):
        yield "spark"


@pytest.mark.parametrize("cell", ROW_CELLS, ids=str)
def test_rows(engine, cell):
    oneway.test_components(cell, engine)
    oneway.test_shrink(cell, engine)


STUDIES = [cell for cell in META_CELLS if ways.full or cell.name in ("REML", "PMM")]


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


# ---- rows held out, and the likelihood along tau ---------------------------------------------------------------------


@pytest.mark.parametrize(("within", "mu"), [("pooled", "gls"), ("separate", "shrunk"), ("known", "known")])
def test_rows_held_out(engine, within, mu):
    comparison.test_every_row_held_out_explicitly(comparison.SHORT[0], within, mu, engine)


def test_profile(engine):
    profile.test_rows_against_dense_matrices(engine, "w", "gls")
    profile.test_effect_of_tau_equals_shrink(engine, "separate")
    posterior.test_the_density_of_tau(engine)


# ---- rates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["betabinomial_cbpp_by_herd", "gammapoisson_insurance_district_group"])
def test_rates(engine, name):
    """Rows that share their key, out of trials and in an exposure."""
    for check in rates.QUANTITIES.values():
        check(engine, name)


# ---- posteriors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", posterior.REFERENCES if ways.full else list(posterior.REFERENCES)[1:3])
def test_posteriors(engine, name):
    posterior.test_models_of_the_references(engine, name, 0.95)
    posterior.test_groups_of_the_references(engine, name, 0.5)


def test_posteriors_by_dense_matrices(engine):
    posterior.test_groups_by_dense_matrices(engine, "normal")
    posterior.test_the_shortest_interval_is_dense_at_both_ends_alike(engine)
    posterior.test_rows_with_the_pooled_sigma2(engine)


# ---- groups without rows ---------------------------------------------------------------------------------------------


def test_groups_without_rows(engine, classic):
    run = path(classic)
    groups.test_a_group_that_has_no_rows_yet(run, lazily=False)
    groups.test_new_groups_with_stored_moments_and_published_estimates(run)
    groups.test_a_row_of_a_new_group(run)
    groups.test_keys_that_are_missing_values_are_keys(run)
    groups.test_new_groups_of_no_data(run)


def test_groups_without_rows_in_many_models(engine, classic):
    run = path(classic)
    groups.test_a_key_without_its_model_is_new_in_every_model_that_lacks_it(run)
    groups.test_a_key_with_its_model_is_new_there_alone(run)
