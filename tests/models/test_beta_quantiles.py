"""Quantiles of many beta distributions at once, against SciPy, which inverts the function of each."""

import numpy as np
import pytest
from scipy import special

from polars_pool.numerics import beta


@pytest.mark.parametrize("exponents", [(-0.5, 1.0), (-2.0, 4.0)])
def test_the_same_quantiles_as_scipy(exponents):
    """Among them are distributions without a quantile, and some for which no table is used."""
    random = np.random.default_rng(1)
    a, b = 10 ** random.uniform(*exponents, (2, beta.MANY + 1000))
    a[:4], b[:4] = [0.0, np.inf, np.nan, 1e-3], 2.0
    probabilities = 0.025, 0.975, 1e-6
    for p, quantile in zip(probabilities, beta.quantiles(a, b, *probabilities), strict=True):
        np.testing.assert_allclose(quantile, special.betaincinv(a, b, p), rtol=1e-12, atol=0)


def test_few_distributions_beside_extreme_ones():
    """Few distributions cost less without a table."""
    a = np.array([1e-3, 0.5, 3.0, 700.0])
    [quantile] = beta.quantiles(a, a[::-1], 0.025)
    np.testing.assert_array_equal(quantile, special.betaincinv(a, a[::-1], 0.025))
