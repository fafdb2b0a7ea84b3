"""NIST StRD one-way analysis of variance: the digits of the mean squares that `components` implies.

Certified values hold for the decimal data; a Float64 column holds rounded numbers, with up to 13 constant leading
digits. The reference is therefore exact rational arithmetic on the stored doubles: results must be within half a digit
of its accuracy, and agree with nearly all of its digits. SmLs07 keeps 4 certified digits in any arithmetic.
"""

import math
import re
from fractions import Fraction
from functools import cache

import grid
import numpy as np
import polars as pl
import pytest
import truth
from frames import FRAME_PATHS
from sqlpaths import MODULE

import polars_pool as pool

FLOAT64 = 14.0  # the most digits required of a sum in Float64, which holds 15.95
FULL = 13.0  # digits that must agree with the exact result
STORED = {  # certified digits between groups that exact arithmetic gets from means rounded to Float64
    "AtmWtAg": 10.2,
    "SiRstv": 13.4,
    "SmLs01": 14.0,
    "SmLs02": 14.0,
    "SmLs04": 9.3,
    "SmLs05": 9.3,
    "SmLs07": 3.3,
}

files = pytest.mark.parametrize("name", grid.NIST)


@cache
def read(name):
    """Certified mean squares (between, within) as printed, and the data in Float64."""
    text = (grid.VECTORS / "nist" / f"{name}.dat").read_text()
    between = re.search(r"^Between .*?(\S+) +\S+ *$", text, re.MULTILINE).group(1)
    within = re.search(r"^Within .*?(\S+) *$", text, re.MULTILINE).group(1)
    lines = text[text.rindex("\nData:") :].splitlines()[2:]
    rows = [line.split() for line in lines if line.strip()]
    table = pl.DataFrame({"g": [row[0] for row in rows], "y": [float(row[1]) for row in rows]})
    return Fraction(between), Fraction(within), table


@cache
def exact(name):
    *_, table = read(name)
    return truth.Groups(table["g"].to_list(), table["y"].to_list())


def digits(x, reference):
    """Log relative error: the number of correct digits."""
    error = abs(Fraction(x) - reference) / abs(reference)
    return FLOAT64 if error == 0 else min(FLOAT64, -math.log10(error))


def mean_squares(result, n0):
    """(between, within) from the components: MSB = sigma2 + n0 tau2 if tau2 > 0."""
    sigma2, tau2 = (Fraction(result[column].item()) for column in ("sigma2", "tau2"))
    assert tau2 > 0
    return sigma2 + n0 * tau2, sigma2


@files
def test_the_data_are_read_as_certified(name):
    between, within, _ = read(name)
    g = exact(name)
    assert g.MSB > g.MSW
    constant = {"AtmWtAg": 7, "SmLs04": 7, "SmLs05": 7, "SmLs07": 13}.get(name, 3)
    assert digits(g.MSB, between) > 16 - constant
    assert digits(g.MSW, within) > 16 - constant


PATHS = FRAME_PATHS | MODULE
sql = pytest.mark.parametrize("engine", MODULE)
pytestmark = pytest.mark.every_way


@pytest.mark.share_of_duckdb(2)
@pytest.mark.parametrize("path", PATHS)
@files
def test_mean_squares_from_rows(name, path):
    between, within, table = read(name)
    g = exact(name)
    got = mean_squares(PATHS[path](pool.components, table, "y", "g", tau2="anova"), g.n0)
    for result, certified, best in zip(got, (between, within), (g.MSB, g.MSW), strict=True):
        assert digits(result, certified) >= digits(best, certified) - 0.5
        assert digits(result, best) >= FULL


def test_mean_squares_from_rows_in_any_order():
    for name in ("AtmWtAg", "SmLs07"):
        *_, table = read(name)
        g = exact(name)
        for seed in range(5):
            shuffled = table.sample(fraction=1.0, shuffle=True, seed=seed)
            result = mean_squares(pool.components(shuffled, "y", "g", tau2="anova"), g.n0)
            assert min(digits(result[0], g.MSB), digits(result[1], g.MSW)) >= FULL


@sql
@pytest.mark.parametrize("name", ["AtmWtAg", "SmLs07"])
def test_mean_squares_from_rows_in_any_order_in_sql(name, engine):
    *_, table = read(name)
    g = exact(name)
    for seed in range(2):
        shuffled = table.sample(fraction=1.0, shuffle=True, seed=seed)
        result = mean_squares(MODULE[engine](pool.components, shuffled, "y", "g", tau2="anova"), g.n0)
        assert min(digits(result[0], g.MSB), digits(result[1], g.MSW)) >= FULL


def from_moments(stored):
    """(between, within) and n0 in exact arithmetic, from the stored count, mean and variance of every group."""
    n, mean, var = (truth.exact(stored[column]) for column in ("n", "mean", "var"))
    rows, groups = sum(n), len(n)
    between = sum(n * (mean - sum(n * mean) / rows) ** 2) / (groups - 1)
    within = sum((n - 1) * var) / (rows - groups)
    return (between, within), (rows - sum(n * n) / rows) / (groups - 1)


def kept_by_means(stored):
    """Digits of the between mean square that Float64 means keep: pairwise summation of n numbers has an error of at
    most log2(n) units roundoff (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 4.2)."""
    n, mean = (truth.exact(stored[column]) for column in ("n", "mean"))
    deviation = mean - sum(n * mean) / sum(n)
    error = np.array([Fraction(math.ceil(math.log2(k))) * Fraction(2) ** -53 for k in n]) * abs(mean)
    return -math.log10(2 * sum(n * abs(deviation) * error) / sum(n * deviation**2))


@pytest.mark.parametrize("path", ["DataFrame", *MODULE])
@pytest.mark.parametrize("order", [1, -1], ids=["easy first", "hard first"])
def test_mean_squares_of_all_files_in_one_query(order, path):
    """Seven models of one query, at 0.01 to 1e12, do not reduce each other's digits.

    Models of an `over` have no common pivot: each keeps the digits of Float64 means and of Polars' own variances at its
    offset.
    """
    tables = [read(name)[2].with_columns(file=pl.lit(name)) for name in grid.NIST[::order]]
    result = PATHS[path](pool.components, pl.concat(tables), "y", "g", over="file", tau2="anova")
    for name in grid.NIST:
        g, y = exact(name), pl.col("y")
        plain = read(name)[2].group_by("g").agg(n=y.count(), mean=y.mean(), var=y.var())
        (_, within), _ = from_moments(plain)
        got = mean_squares(result.filter(pl.col("file") == name), g.n0)
        assert digits(got[0], g.MSB) >= kept_by_means(plain), name
        assert digits(got[1], g.MSW) >= min(digits(within, g.MSW), FULL) - 0.5, name


@pytest.mark.parametrize("path", ["DataFrame", *MODULE])
@pytest.mark.parametrize("first", [1e9, 1e16, -1e300])
def test_a_first_row_far_from_all_others(first, path):
    """An outlier among the values that determine the pivot does not change the moments of the other groups."""
    *_, table = read("SiRstv")
    g = exact("SiRstv")
    stray = pl.DataFrame({"g": ["stray"], "y": [first]})
    table = pl.concat([stray, table])
    stored = PATHS[path](pool.moments, table, "y", "g").filter(pl.col("g") != "stray").sort("g")
    for mean, var, best_mean, best_var in zip(stored["mean"], stored["var"], g.mean, g.var, strict=True):
        assert digits(mean, best_mean) >= FULL
        assert digits(var, best_var) >= 10.0  # the digits of Polars' own var at 196 with a spread of 0.1


@pytest.mark.share_of_duckdb(2)
@pytest.mark.parametrize("path", ["DataFrame", *MODULE])
@files
def test_mean_squares_from_stored_moments(name, path):
    """A stored Float64 mean limits the digits: half a digit from exact arithmetic on the stored numbers."""
    between, within, table = read(name)
    run = PATHS[path]
    stored = run(pool.moments, table, "y", "g")
    (msb, msw), n0 = from_moments(stored)
    got = mean_squares(run(pool.components, stored, "mean", "g", n="n", var="var", tau2="anova"), n0)
    for result, certified, best in zip(got, (between, within), (msb, msw), strict=True):
        assert digits(result, certified) >= digits(best, certified) - 0.5
        assert digits(result, best) >= FULL
    assert digits(got[0], between) >= STORED[name] - 0.5


@pytest.mark.parametrize("path", ["DataFrame", *MODULE])
@files
def test_stored_moments_are_the_nearest_doubles(name, path):
    """Means within one unit in the last place of the exact ones, variances to nearly all digits."""
    *_, table = read(name)
    g = exact(name)
    stored = PATHS[path](pool.moments, table, "y", "g").sort("g")
    assert stored["g"].to_list() == g.keys
    for result, best in zip(stored["mean"], g.mean, strict=True):
        assert abs(Fraction(result) - best) <= Fraction(np.spacing(result))
    for result, best in zip(stored["var"], g.var, strict=True):
        assert digits(result, best) >= FULL
