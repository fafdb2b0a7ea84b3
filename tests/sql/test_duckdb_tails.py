"""Tails and quantiles of many beta and gamma distributions in one search, against SciPy."""

import duckdb
import numpy as np
import polars as pl
import pytest
from scipy import special

import polars_pool as pool

QUERY = """
    WITH requests AS (SELECT id, a, b, w, p, z FROM cases) SELECT id, result, below
    FROM _pool_tails_and_quantiles('requests') ORDER BY id
"""


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        pool.install_macros(connection, temporary=True)
        yield connection


def shapes():
    """Pairs of shapes from 0.3 to 10^5, below and above 32, where the rule of fewer nodes begins."""
    rng = np.random.default_rng(3)
    return np.exp(rng.uniform(np.log(0.3), np.log(1e5), (2, 300)))


def searched(connection, a, b, w, p, z):
    cases = pl.DataFrame({"id": range(len(a)), "a": a, "b": b, "w": w, "p": p, "z": z}, nan_to_null=True)
    connection.register("cases", cases.to_arrow())
    return connection.sql(QUERY).pl()


@pytest.mark.parametrize("kind", ["beta", "gamma"])
def test_quantiles(connection, kind):
    """With a known normal quantile the search begins near the quantile, without one at the split."""
    a, b = shapes()
    b = b if kind == "beta" else np.full_like(a, np.inf)
    p = np.resize([0.025, 0.975, 0.005, 0.2, 0.9999], len(a))
    z = np.where(np.arange(len(a)) % 2 == 0, special.ndtri(p), np.nan)
    odds = np.exp(searched(connection, a, b, np.full_like(a, np.nan), p, z)["result"].to_numpy())
    result = a / b * odds / (1 + a / b * odds) if kind == "beta" else a * odds
    expected = special.betaincinv(a, b, p) if kind == "beta" else special.gammaincinv(a, p)
    assert result == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize("kind", ["beta", "gamma"])
def test_both_tails(connection, kind):
    a, b = shapes()
    w = np.random.default_rng(4).normal(size=len(a)) * 2 / np.sqrt(a + 1)
    missing = np.full_like(a, np.nan)
    b = b if kind == "beta" else np.full_like(a, np.inf)
    result = searched(connection, a, b, w, missing, missing)
    if kind == "beta":
        x, y = a * np.exp(w) / (b + a * np.exp(w)), b / (b + a * np.exp(w))
        below, above = special.betainc(a, b, x), special.betainc(b, a, y)
    else:
        below, above = special.gammainc(a, a * np.exp(w)), special.gammaincc(a, a * np.exp(w))
    assert result["below"].to_numpy() == pytest.approx(below, rel=1e-9, abs=1e-12)
    assert result["result"].to_numpy() == pytest.approx(above, rel=1e-9, abs=1e-12)


def test_the_quantile_of_the_default_level(connection):
    """It is a number in the macro, and has the last digit of SciPy; those of other levels are computed."""
    levels = [0.95, 0.9, 0.9500001]
    query = " UNION ALL ".join(f"FROM _pool_quantile_of({level})" for level in levels)
    results = [quantile for (quantile,) in connection.execute(query).fetchall()]
    assert results == pytest.approx(special.ndtri([(1 + level) / 2 for level in levels]), rel=1e-14)
    assert results[0] == special.ndtri(0.975)
