"""Tables of coefficients: their columns against SciPy's distributions, terms, covariances and tests."""

import numpy as np
import pytest
from scipy import stats

from polars_pool.models.coefficients import STATISTICS, inferred

NUMBERS = np.array([[1.5, -2.0, 0.0], [1e-3, 40.0, -7.0]])
ERRORS = np.array([[0.5, 2.5, 1.0], [2.0, 3.0, 0.7]])
DF = np.array([[17.0, 2.3, 1e4], [0.7, 5.0, 161.2]])


@pytest.mark.parametrize("level", [0.5, 0.95])
@pytest.mark.parametrize("df", [None, DF], ids=["z", "t"])
def test_the_distributions(df, level):
    """Interval and test as SciPy's distributions give them."""
    table = inferred(NUMBERS, ERRORS, df, level)
    assert ("term", *table) == STATISTICS
    distribution = stats.norm if df is None else stats.t(df)
    for end, limit in zip(("lower", "upper"), ((1 - level) / 2, (1 + level) / 2), strict=True):
        np.testing.assert_allclose(table[end], NUMBERS + ERRORS * distribution.ppf(limit), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(table["p"], 2 * distribution.sf(np.abs(NUMBERS / ERRORS)), rtol=1e-11)
    np.testing.assert_allclose(table["statistic"] * ERRORS, NUMBERS, rtol=1e-15)
    assert np.isnan(table["df"]).all() if df is None else (table["df"] == df).all()


@pytest.mark.parametrize("df", [None, np.array([3.0, 3.0]), np.full(2, np.nan)], ids=["z", "t", "no df"])
def test_coefficients_without_error(df):
    table = inferred(np.array([2.0, 0.0]), np.zeros(2), df, 0.95)
    assert (table["lower"] == [2.0, 0.0]).all()
    assert (table["upper"] == [2.0, 0.0]).all()
    assert table["statistic"][0] == np.inf
    assert table["p"][0] == 0.0
    assert np.isnan(table["statistic"][1])
    assert np.isnan(table["p"][1])
