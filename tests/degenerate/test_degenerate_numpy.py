"""The degenerate table in NumPy alone: from groups as arrays to components, without a frame."""

import math

import numpy as np
import pytest
from frames import TAU2

from polars_pool.models.hyperparameters import Hyperparameters
from polars_pool.models.many import Groups
from polars_pool.models.oneway.fit import fit


def groups(n, mean, squares=None, v=None) -> Groups:
    n, mean = np.asarray(n, dtype=float), np.asarray(mean, dtype=float)
    squares = np.zeros_like(mean) if squares is None else np.asarray(squares, dtype=float)
    v = np.full_like(mean, math.nan) if v is None else np.asarray(v, dtype=float)
    return Groups(np.zeros(1, dtype=np.int64), n=n, w=n, y=mean, squares=squares, v=v)


def model(g: Groups, tau2="reml", published=False, sigma2="pooled", mu="gls") -> dict:
    components = fit(g, published, Hyperparameters(sigma2, tau2, mu)).components
    return {name: value.item() for name, value in vars(components).items()}


every_method = pytest.mark.parametrize("tau2", TAU2)


@every_method
def test_one_group(tau2):
    result = model(groups([4], [7.0], [6.0]), tau2)
    assert (result["sigma2"], result["mu"]) == (2.0, 7.0)  # MSW, for ml too
    assert math.isnan(result["tau2"])
    assert math.isnan(result["se_mu"])


@every_method
def test_every_group_has_one_row(tau2):
    result = model(groups([1, 1, 1], [1.0, 2.0, 6.0]), tau2)
    assert result["mu"] == 3.0
    assert not result["converged"]
    assert math.isnan(result["sigma2"])
    assert math.isnan(result["tau2"])


def test_a_single_row():
    result = model(groups([1], [5.0]))
    assert result["mu"] == 5.0
    assert math.isnan(result["sigma2"])


@every_method
def test_all_rows_equal(tau2):
    result = model(groups([2, 3], [5.0, 5.0]), tau2)
    assert (result["sigma2"], result["tau2"], result["mu"], result["converged"]) == (0.0, 0.0, 5.0, True)


# About the plain mean 3 of 1, 2, 6 the squares sum to 14; anova: MSB = 217/9, n0 = 26/9.
@pytest.mark.parametrize(("tau2", "expected"), [("reml", 7.0), ("ml", 14 / 3), ("dl", 7.0), ("anova", 217 / 26)])
def test_no_variance_within_and_means_that_differ(tau2, expected):
    result = model(groups([3, 2, 4], [1.0, 2.0, 6.0]), tau2)
    assert result["sigma2"] == 0.0
    assert result["tau2"] == pytest.approx(expected, rel=1e-12)
    assert result["mu"] == pytest.approx(3.0, rel=1e-12)
    assert result["se_mu"] == pytest.approx(math.sqrt(expected / 3), rel=1e-12)


@pytest.mark.parametrize("tau2", ["reml", "ml", "dl", "he", "hs", "hsk", "sj", "pm", "pmm", "eb"])
def test_published_estimates_all_equal(tau2):
    result = model(groups([1, 1], [2.0, 2.0], v=[1.0, 4.0]), tau2, published=True)
    assert result["tau2"] == 0.0
    assert result["se_mu"] == pytest.approx(math.sqrt(1 / 1.25), rel=1e-12)


def test_dl_with_one_exact_study_and_with_several():
    # One at 0: Q = 9/1 + 16/4 = 13 over the others, (13 - 2) / (2 (1 + 1/4)). Two, 0 and 2: their sample variance.
    one = model(groups([1] * 3, [0.0, 3.0, 4.0], v=[0.0, 1.0, 4.0]), "dl", published=True)
    several = model(groups([1] * 3, [0.0, 2.0, 9.0], v=[0.0, 0.0, 4.0]), "dl", published=True)
    assert one["tau2"] == pytest.approx(11 / 2.5, rel=1e-12)
    assert several["tau2"] == pytest.approx(2.0, rel=1e-12)


def test_sizes_beyond_integers():
    result = model(groups([1e5] * 70_000, np.tile([1.0, 3.0], 35_000), [1e5 - 1] * 70_000), "anova")
    between = 70_000 / 69_999  # the variance of the means
    assert result["n"] == 7e9
    assert result["tau2"] == pytest.approx(between - 1e-5, rel=1e-9)
