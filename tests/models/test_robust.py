"""Robust intervals: the published critical values, and the worst distribution by linear programming."""

import math

import grid
import numpy as np
import polars as pl
import pytest
import truth
from polars.testing import assert_frame_equal
from scipy.stats import norm

import polars_pool as pool
from polars_pool.models.oneway import critical

INF = math.inf


def rho(m, kappa, chi):
    return critical.noncoverage(*(np.array([float(x)]) for x in (m, kappa, chi))).item()


def cva(m, kappa, alpha):
    return critical.critical(np.array([float(m)]), np.array([float(kappa)]), alpha).item()


PUBLISHED = [  # R package ebci, cva(m2, kappa, alpha)
    (0, INF, 0.05, 1.9599639845),
    (0.5, INF, 0.05, 2.5234609913),
    (1, INF, 0.05, 3.2591985203),
    (4, INF, 0.05, 7.2163510571),
    (1, 3, 0.05, 2.8117318294),
    (4, 3, 0.05, 4.6195127237),
    (1, INF, 0.1, 2.4033872822),
]


@pytest.mark.parametrize(("m", "kappa", "alpha", "want"), PUBLISHED)
def test_published_critical_values(m, kappa, alpha, want):
    assert cva(m, kappa, alpha) == pytest.approx(want, abs=6e-11)


RANDOM = np.random.default_rng(7)
CASES = [
    (10 ** RANDOM.uniform(-2, 2), 1 + 10 ** RANDOM.uniform(-1.5, 1.5), RANDOM.uniform(1.0, 6.0)) for _ in range(40)
]
CASES += [(1.0, INF, 2.0), (0.3, INF, 4.0), (5.0, INF, 1.5)]
# If the bias is large, rho rises from 0 to its maximum within a small part of the range of x2.
CASES += [(587368.5, 1.0195, 1779.8), (37311.7, 6.268, 1653.0), (838020.6, 1.7135, 4814.0), (300.0, 1.001, 19.0)]


@pytest.mark.share(2)
@pytest.mark.parametrize(("m", "kappa", "chi"), CASES)
def test_the_worst_distribution_by_linear_programming(m, kappa, chi):
    assert rho(m, kappa, chi) == pytest.approx(truth.worst_noncoverage(m, kappa, chi), abs=2e-9)


@pytest.mark.parametrize("alpha", [0.32, 0.1, 0.05, 0.001])
def test_critical_values_miss_as_often_as_allowed(alpha):
    m, kappa = (x.ravel() for x in np.meshgrid(10 ** np.linspace(-8, 4, 41), [1.0, 1.001, 1.5, 3, 9, 40, 1e4, INF]))
    chi = critical.critical(m, kappa, alpha)
    assert (chi >= norm.isf(alpha / 2)).all()
    assert critical.noncoverage(m, kappa, chi) == pytest.approx(alpha, rel=1e-9)


def test_critical_values_grow_with_the_moments():
    m, kappa = np.logspace(-6, 6, 200), np.array([1.0, 1.2, 2.0, 3.0, 10.0, 100.0, INF])
    chi = critical.critical(np.tile(m, 7), np.repeat(kappa, 200), 0.05).reshape(7, 200)
    assert (np.diff(chi, axis=1) > -1e-9).all()
    assert (np.diff(chi, axis=0) > -1e-9).all()


@pytest.mark.parametrize(("kappa", "want"), [(INF, 20.0), (25.0, 20.0), (3.0, 1 + math.sqrt(38)), (1.0, 1.0)])
def test_if_the_error_is_only_bias(kappa, want):
    """The estimate is mu, and the interval follows from Markov's or Cantelli's inequality."""
    reach, worst = critical.intervals(np.array([1e16, INF]), np.array([1.0, 0.0]), np.full(2, kappa), 0.05)
    assert reach == pytest.approx(math.sqrt(want), rel=1e-7)
    assert worst[1] == 1.0


@pytest.mark.parametrize("kappa", [1.0001, 1.5, 3.0, 100.0, INF])
def test_the_search_converges_if_the_error_is_nearly_only_bias(kappa):
    m = np.repeat(10.0 ** np.arange(9, 20), 7) * np.tile(np.linspace(1.0, 9.0, 7), 11)
    x = 1000.0 if kappa > 1000 else 1 + math.sqrt((kappa - 1) * 999)
    chi = critical.critical(m, np.full(len(m), kappa), 0.001)
    assert chi == pytest.approx(np.sqrt(x * m), rel=1e-3)
    assert critical.noncoverage(m, np.full(len(m), kappa), chi) == pytest.approx(0.001, rel=1e-4)


@pytest.mark.parametrize(("ratio", "kappa"), [(1.0, 3.0), (0.4, 1.3), (1.0, 40.0), (2.0, INF)])
def test_the_table_agrees_with_the_computation(ratio, kappa):
    m = 10 ** np.random.default_rng(3).uniform(-5, 5, critical.MANY + 1)
    m[:3] = 0.0, INF, math.nan
    some = np.r_[0:3, 3 : len(m) : 37]
    tabled = critical.intervals(m, np.full(len(m), ratio), np.full(len(m), kappa), 0.05)
    computed = critical.intervals(m[some], np.full(len(some), ratio), np.full(len(some), kappa), 0.05)
    for table, direct in zip(tabled, computed, strict=True):
        np.testing.assert_allclose(table[some], direct, rtol=1e-9)


# --- shrink ---


@pytest.mark.share(5)
@pytest.mark.parametrize("mu", ["gls", "groups", "known"])
@pytest.mark.parametrize("tau2", ["reml", "he", 0.3])
@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize("name", ["bcg", "raudenbush1985"])
def test_intervals_miss_as_often_as_allowed_at_worst(name, tau2, mu, level):
    """For right and wrong weights: the moments are those about mu."""
    table, by = grid.studies(f"meta_{name}")
    options = {"se": "se", "tau2": tau2, "mu": 0.1 if mu == "known" else mu, "level": level}
    model = pool.components(table, "y", by, **{k: x for k, x in options.items() if k != "level"}).row(0, named=True)
    result = pool.shrink(table, "y", by, interval="robust", **options)
    normal = pool.shrink(table, "y", by, **options)
    assert_frame_equal(result.drop("lower", "upper", "noncoverage"), normal.drop("lower", "upper"))
    mu2, kappa = truth.effect_moments(result["mean"], result["v"], model["mu"])
    for row in result.sort("v")[::9].rows(named=True):
        w, v = row["weight"], row["v"]
        m, unit = (1 / w - 1) ** 2 * mu2 / v, w * math.sqrt(v)
        assert row["upper"] - row["estimate"] == pytest.approx(row["estimate"] - row["lower"], rel=1e-9)
        chi = (row["upper"] - row["lower"]) / 2 / unit
        assert truth.worst_noncoverage(m, kappa, chi) == pytest.approx(1 - level, abs=2e-9)
        ordinary = norm.isf((1 - level) / 2) / math.sqrt(w)
        assert row["noncoverage"] == pytest.approx(truth.worst_noncoverage(m, kappa, ordinary), abs=2e-9)


def test_the_noncoverage_of_the_ordinary_interval_is_at_least_nominal():
    """If tau2 is mu2, the ordinary interval is exact for normal effects, so that the worst noncoverage is larger."""
    table, by = grid.studies("meta_konstantopoulos2011_flat")
    mean, v = table["y"].to_numpy(), table["se"].to_numpy() ** 2
    mu2, _ = truth.effect_moments(mean, v, mean.mean())
    result = pool.shrink(table, "y", by, se="se", tau2=mu2, mu="groups", interval="robust")
    assert (result["noncoverage"] > 0.05).all()
    assert (result["noncoverage"] < 0.2).all()


def rows(groups=40, seed=11):
    rng = np.random.default_rng(seed)
    effects = np.where(rng.random(groups) < 0.1, 6.0, 0.0)
    sizes = rng.integers(2, 9, groups)
    keys = np.repeat(np.arange(groups), sizes)
    return pl.DataFrame({"g": keys, "y": rng.normal(effects[keys], 2.0)})


def test_rows_with_a_pooled_variance():
    table = rows()
    result, model = pool.shrink(table, "y", "g", interval="robust"), pool.components(table, "y", "g")
    mu2, kappa = truth.effect_moments(result["mean"], result["v"], model["mu"].item())
    assert kappa > 4  # a few groups are outliers
    for row in result.unique("n").rows(named=True):
        w, v = row["weight"], row["v"]
        chi = (row["upper"] - row["lower"]) / 2 / (w * math.sqrt(v))
        assert truth.worst_noncoverage((1 / w - 1) ** 2 * mu2 / v, kappa, chi) == pytest.approx(0.05, abs=2e-9)


@pytest.mark.parametrize("sigma2", ["pooled", "separate", 4.0])
def test_many_models_equal_single_models(sigma2):
    table = pl.concat([rows(12, seed).with_columns(m=pl.lit(seed or None, pl.Int64)) for seed in range(5)])
    options = {"sigma2": sigma2, "tau2": "dl", "interval": "robust"}
    result = pool.shrink(table, "y", "g", over="m", **options)
    for (m,), part in table.group_by("m"):
        alone = pool.shrink(part, "y", "g", **options)
        same = pl.col("m").eq_missing(pl.lit(m, pl.Int64))
        assert_frame_equal(result.filter(same).drop("m"), alone, rel_tol=1e-9)
    lazily = table.lazy().pool.shrink("y", "g", over="m", **options)
    assert_frame_equal(lazily.collect(engine="streaming").sort("m", "g"), result, rel_tol=1e-9)


@pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")
def test_models_with_unknown_tau2_equal_single_models():
    """morris needs four groups with a fitted mu; groups without rows are still pooled to mu."""
    tables = {"a": ([1, 3], [2, 9], [7, 4], [None]), "b": ([1, 5], [30, 33], [2, 1], [None]), "c": ([4, 5, 6],)}
    listed = [(m, j, y) for m, table in tables.items() for j, ys in enumerate(table) for y in ys]
    frame = pl.DataFrame(listed, schema={"m": pl.String, "g": pl.Int64, "y": pl.Float64}, orient="row")
    options = {"sigma2": "separate", "tau2": "morris", "interval": "robust"}
    together = pool.shrink(frame, "y", "g", over="m", **options)
    for (m,), part in frame.group_by("m"):
        assert_frame_equal(together.filter(m=m).drop("m"), pool.shrink(part.drop("m"), "y", "g", **options))


def of(*table, **options):
    listed = [(j, y if y is None else float(y)) for j, ys in enumerate(table) for y in ys]
    frame = pl.DataFrame(listed, schema={"g": pl.Int64, "y": pl.Float64}, orient="row")
    result = pool.shrink(frame, "y", "g", interval="robust", **options)
    assert not any(result[name].is_nan().any() for name in result.columns[2:])
    return result.select("estimate", "lower", "upper", "noncoverage").rows()


def test_degenerate_data():
    z = norm.isf(0.025)
    half = z * math.sqrt(4 / 3)
    assert of([1, 3, 5]) == [pytest.approx((3, 3 - half, 3 + half, 0.05))]  # the only group keeps its mean
    with pytest.warns(pool.ConvergenceWarning):
        only_one, none_twice = of([5]), of([1], [2], [4])
    assert only_one == [(5.0, None, None, None)]
    assert none_twice == [(None, None, None, None)] * 3
    assert of([2, 2], [2, 2]) == [pytest.approx((2, 2, 2, 0.05))] * 2  # exact means
    assert of([1, 1], [4, 4]) == [pytest.approx((1, 1, 1, 0.05)), pytest.approx((4, 4, 4, 0.05))]
    # a group without rows has no other interval if tau2 is unknown
    *_, (estimate, lower, upper, worst) = of([1, 3, 5], [None])
    assert (estimate, worst) == (3, None)
    assert lower < 3 < upper
    assert of([None, None], sigma2=1.0, tau2=1.0, mu=0.0) == [(0.0, None, None, None)]  # no group gives moments
    assert pool.shrink(rows().clear(), "y", "g", interval="robust").height == 0


@pytest.mark.parametrize("tau2", [0, "reml"])
def test_complete_pooling_has_an_interval(tau2):
    """tau2 = 0: the estimate is mu; the interval shows how far groups may lie from mu in the worst case."""
    table = ([1, 3, 5], [2, 4, 6], [0, 4, 5], [3, 3, 4])
    result = of(*table, tau2=tau2)
    estimates = pool.shrink(pl.DataFrame({"g": [0, 1, 2, 3], "y": [3.0, 4, 3, 10 / 3], "se": 1.0}), "y", "g", se="se")
    v = np.full(
        4,
        pool.components(
            pl.DataFrame([(j, float(y)) for j, ys in enumerate(table) for y in ys], schema=["g", "y"], orient="row"),
            "y",
            "g",
            tau2=tau2,
        )["sigma2"].item()
        / 3,
    )
    mu = result[0][0]
    assert mu == pytest.approx(40 / 12)
    mu2, kappa = truth.effect_moments(estimates["mean"], v, mu)
    x = 20 if kappa > 20 else 1 + math.sqrt((kappa - 1) * 19)
    for _, lower, upper, worst in result:
        assert (upper - mu, mu - lower) == pytest.approx((math.sqrt(x * mu2),) * 2, rel=1e-9)
        assert worst == 1


def test_a_group_without_rows_is_pooled_completely():
    [*_, empty] = of([1, 3, 6], [2, 9, 9], [-7, -4, -5], [None], tau2=4.0)
    estimate, lower, upper, worst = empty
    assert lower < estimate < upper
    assert worst == pytest.approx(1.0)


def test_names_and_keys_are_checked():
    with pytest.raises(
        ValueError,
        match=r"interval='rbust'; give one of 'normal', 'robust', 'central', 'shortest'; did you mean 'robust'\?",
    ):
        pool.shrink(rows(), "y", "g", interval="rbust")
    with pytest.raises(ValueError, match="noncoverage"):
        pool.shrink(rows().rename({"g": "noncoverage"}), "y", "noncoverage", interval="robust")
