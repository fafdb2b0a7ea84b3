"""Every public table macro gives the columns that the same verb of Python gives: names, order and types."""

import re

import duckdb
import pytest
import shells

import polars_pool as pool
from polars_pool.rendering import columns

PRIOR = "tau2 := 'half_cauchy(1)'"
CALLS = {
    "moments": ["pool_moments(data, value, key)", "pool_merge(stored, key)"],
    "weighted_moments": ["pool_weighted_moments(data, value, key, x)", "pool_weighted_merge(stored, key)"],
    "shrink": ["pool_shrink(data, value, key)", f"pool_shrink(data, value, key, {PRIOR})"],
    "shrink_robust": ["pool_shrink(data, value, key, \"interval\" := 'robust')"],
    "shrink_threshold": [
        "pool_shrink(data, value, key, threshold := 0)",
        f"pool_shrink(data, value, key, threshold := 0, {PRIOR})",
    ],
    "shrink_robust_threshold": ["pool_shrink(data, value, key, \"interval\" := 'robust', threshold := 0)"],
    "profile_of_groups": ["pool_profile(data, value, key, groups := true)"],
    "shrink_rates": ["pool_shrink_rates(data, value, trials, key, threshold := 0, posterior := true)"],
    "shrink_counts": ["pool_shrink_counts(data, value, exposure, key, threshold := 0, posterior := true)"],
    "regress": ["pool_regress(data, value, x, key)"],
    "components": ["pool_components(data, value, key)"],
    "posterior_components": [f"pool_components(data, value, key, {PRIOR})"],
    "profile": ["pool_profile(data, value, key)"],
    "posterior_profile": [f"pool_profile(data, value, key, {PRIOR})"],
    "compare": ["pool_compare(data, value, key)"],
    "components_nested": ["pool_components_nested(data, value, key, leaf)"],
    "shrink_nested": ["pool_shrink_nested(data, value, key, leaf, threshold := 0)"],
    "components_toward": ["pool_components_toward(data, value, key, x)"],
    "shrink_toward": ["pool_shrink_toward(data, value, key, x, threshold := 0)"],
    "coefficients": ["pool_coefficients(data, value, key, x)"],
    "components_rates": ["pool_components_rates(data, value, trials, key)"],
    "components_counts": ["pool_components_counts(data, value, exposure, key)"],
    "regress_coefficients": ["pool_regress_coefficients(data, value, x, key)"],
    "regress_components": ["pool_regress_components(data, value, x, key)"],
}


@pytest.fixture(scope="module")
def connection():
    with shells.with_macros("module") as file, duckdb.connect(file) as opened:
        opened.execute(
            "CREATE TABLE data (key VARCHAR, leaf VARCHAR, value DOUBLE, x DOUBLE, trials BIGINT, exposure DOUBLE)"
        )
        opened.execute("CREATE TABLE stored (key VARCHAR, n BIGINT, mean DOUBLE, var DOUBLE, w DOUBLE)")
        yield opened


@pytest.mark.parametrize(("result", "call"), [(result, call) for result, calls in CALLS.items() for call in calls])
def test_columns_are_those_of_python(connection, result, call):
    described = connection.execute(f"DESCRIBE FROM {call}").fetchall()
    actual = {name: kind for name, kind, *_ in described if name not in ("key", "leaf")}
    assert list(actual.items()) == list(columns.columns((columns.OF_GROUPS | columns.OF_MODELS)[result]).items())


def test_every_table_macro_is_compared():
    """pool_encode gives the rows of its table and one column; pool_methods a list of names."""
    assert CALLS.keys() == (columns.OF_GROUPS | columns.OF_MODELS).keys()
    text = (pool.SQL / "pool.sql").read_text(encoding="utf-8")
    macros = set(re.findall(r"^CREATE OR REPLACE MACRO (pool_\w+)\([^;]*?\) AS TABLE$", text, flags=re.MULTILINE))
    compared = {call.split("(")[0] for calls in CALLS.values() for call in calls}
    assert macros - compared == {"pool_encode", "pool_methods"}
