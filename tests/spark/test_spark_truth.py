"""Spark against numbers from outside and by dense matrices: the tests of the other engines, run by Spark."""

from itertools import product

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
from grid import CELLS, META_CELLS, ROW_CELLS, fitted, in_one_query, pooled
from sparks import SESSIONS, in_turn, path
from sqlpaths import SQL_PATHS

import polars_pool as pool
from polars_pool.formulas.estimators import TAU2
from polars_pool.formulas.registry import SIGMA2


@pytest.fixture
def engines(sessions, monkeypatch):
    """The sessions of Spark among the engines that compute many data sets in one query."""
    for paths in (SQL_PATHS, comparison.PATHS, posterior.PATHS, profile.PATHS, rates.PATHS):
        for name, session in sessions.items():
            monkeypatch.setitem(paths, name, path(session))
    return sessions


@pytest.fixture
def engine(engines, request):
    """The name of one of them."""
    return request.param


def in_either_session(names, cases):
    """Each case runs in the sessions by turns; in both with `--full`."""
    return pytest.mark.parametrize(f"engine, {names}", in_turn(cases), indirect=["engine"])


# ---- the grid: every estimator with every input, on both sessions ---------------------------------------------------


def orders(cell):
    """Both sessions: the first one that computes the components of the cell, and the other; with `--full`, each."""
    calls = list(dict.fromkeys(map(_call, CELLS)))
    first = SESSIONS if calls.index(_call(cell)) % 2 else SESSIONS[::-1]
    return [first, first[::-1]] if ways.full else [first]


def _call(cell):
    return str((cell.options, cell.columns))


@pytest.mark.parametrize("cell", ROW_CELLS, ids=str)
def test_rows(engines, cell):
    """And their stored moments."""
    for one, other in orders(cell):
        oneway.assert_components(cell, fitted(one, cell))
        oneway.assert_components(cell, in_one_query(other, pool.components, cell, moments=True))
        oneway.assert_estimates(cell, pooled(other, cell), pooled(one, cell, uncertainty="conditional"))


@pytest.mark.parametrize("cell", META_CELLS, ids=str)
def test_published_estimates(engines, cell):
    for one, other in orders(cell):
        meta.assert_components(cell, fitted(one, cell))
        meta.assert_estimates(cell, pooled(other, cell), pooled(one, cell, uncertainty="conditional"))


WITHIN = ("pooled", "separate", "squeezed", sql.SIGMA2)
INPUTS = list(product(WITHIN, sql.METHODS))


@in_either_session("within, method", INPUTS)
def test_variances(engine, within, method):
    """By the independent computations, with weights too."""
    sql.test_components(engine, within, method)


def test_the_size_of_the_grid():
    """Every vector, and every estimator with every variance within groups."""
    assert [*ROW_CELLS, *META_CELLS] == CELLS
    assert {name for cell in CELLS for pair in orders(cell) for name in pair} == {*SESSIONS}
    assert set(INPUTS) == {*product((*SIGMA2, sql.SIGMA2), sql.METHODS)}
    assert set(sql.METHODS) | {"cv", "js"} == set(TAU2)
    for some in (*WITHIN, *sql.METHODS):
        assert {session for session, *case in in_turn(INPUTS) if some in case} == {*SESSIONS}


@in_either_session("within, method", [("pooled", "reml"), ("separate", "pm")])
def test_stored_moments(engine, within, method):
    sql.test_components_from_stored_moments(engine, within, method)


@in_either_session("method, mu, uncertainty", [("reml", "gls", "mu"), ("dl", "shrunk", "conditional")])
def test_every_column(engine, method, mu, uncertainty):
    sql.test_every_column_of_shrink(engine, method, mu, uncertainty)


@in_either_session("known", [(False,), (True,)])
def test_cross_validation(engine, known):
    sql.test_cross_validation_is_really_refitting(engine, known)


# ---- rows held out, and the likelihood along tau ---------------------------------------------------------------------


@in_either_session("within, mu", [("pooled", "gls"), ("separate", "shrunk"), ("known", "known")])
def test_rows_held_out(engine, within, mu):
    comparison.test_every_row_held_out_explicitly(comparison.SHORT[0], within, mu, engine)


PROFILES = [
    (profile.test_rows_against_dense_matrices, "w", "gls"),
    (profile.test_effect_of_tau_equals_shrink, "separate"),
    (posterior.test_the_density_of_tau,),
]


@in_either_session("check", [(check,) for check in PROFILES])
def test_profile(engine, check):
    test, *arguments = check
    test(engine, *arguments)


# ---- rates -----------------------------------------------------------------------------------------------------------


@in_either_session("name", [("betabinomial_cbpp_by_herd",), ("gammapoisson_insurance_district_group",)])
def test_rates(engine, name):
    """Rows that share their key, out of trials and in an exposure."""
    for check in rates.QUANTITIES.values():
        check(engine, name)


# ---- posteriors ------------------------------------------------------------------------------------------------------


@in_either_session("name", ways.share([(name,) for name in posterior.REFERENCES], of=4, start=1))
def test_posteriors(engine, name):
    posterior.test_models_of_the_references(engine, name, 0.95)
    posterior.test_groups_of_the_references(engine, name, 0.5)


@in_either_session(
    "check",
    [
        (lambda engine: posterior.test_groups_by_dense_matrices(engine, "normal"),),
        (posterior.test_the_shortest_interval_is_dense_at_both_ends_alike,),
        (posterior.test_rows_with_the_pooled_sigma2,),
    ],
)
def test_posteriors_by_dense_matrices(engine, check):
    check(engine)


# ---- groups without rows ---------------------------------------------------------------------------------------------

ONE_MODEL = [
    lambda run: groups.test_a_group_that_has_no_rows_yet(run, lazily=False),
    groups.test_new_groups_with_stored_moments_and_published_estimates,
    groups.test_a_row_of_a_new_group,
    groups.test_keys_that_are_missing_values_are_keys,
    groups.test_new_groups_of_no_data,
]
MANY_MODELS = [
    groups.test_a_key_without_its_model_is_new_in_every_model_that_lacks_it,
    groups.test_a_key_with_its_model_is_new_there_alone,
]


@in_either_session("check", [(check,) for check in (*ONE_MODEL, *MANY_MODELS)])
def test_groups_without_rows(engine, engines, check):
    check(path(engines[engine]))
