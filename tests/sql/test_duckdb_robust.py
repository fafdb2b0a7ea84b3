"""Robust intervals in both DuckDBs: published critical values, linear programs, and the numbers of Polars."""

import math

import grid
import numpy as np
import polars as pl
import pytest
import truth
import ways
from frames import rows as groups
from polars.testing import assert_frame_equal
from scipy.stats import norm
from sqlpaths import MODULE, database
from test_robust import CASES, PUBLISHED, rows

import polars_pool as pool
from polars_pool.models.oneway import critical

INF = math.inf
engines = pytest.mark.parametrize("engine", MODULE)


def answered(engine, m, kappa, alpha, chi=None):
    """chi at which rho is alpha; with chi, the value of rho at chi."""
    m, kappa, alpha, low = (np.broadcast_to(x, len(m)) for x in (m, kappa, alpha, norm.isf(np.asarray(alpha) / 2)))
    asked = {"id": range(len(m)), "m": m, "kappa": kappa, "alpha": alpha if chi is None else [None] * len(m)}
    asked |= {"chi": low if chi is None else chi, "low": low, "high": 1.001 * np.sqrt((1 + m) / alpha)}
    database(engine).hold(pl.DataFrame(asked, schema_overrides={"alpha": pl.Float64}))
    result = database(engine).ask("SELECT id, chi, rho FROM _pool_critical_values('data') ORDER BY id")
    assert result["id"].to_list() == list(range(len(m)))
    return result["chi" if chi is None else "rho"].to_numpy()


@engines
def test_published_critical_values(engine):
    m, kappa, alpha, want = map(np.array, zip(*PUBLISHED, strict=True))
    inside = m > 0  # m = 0 is excluded
    result = answered(engine, m[inside].astype(float), kappa[inside].astype(float), alpha[inside])
    assert result == pytest.approx(want[inside], abs=6e-11)


@engines
def test_the_worst_distribution_by_linear_programming(engine):
    m, kappa, chi = map(np.array, zip(*CASES, strict=True))
    result = answered(engine, m, kappa, 0.05, chi)
    assert result == pytest.approx([truth.worst_noncoverage(*case) for case in CASES], abs=2e-9)


@pytest.mark.parametrize(
    ("engine", "points", "alphas"),
    [("duckdb", 60, [0.999, 0.32, 0.05, 0.001, 1e-6]), ("shell", 12, [0.05])],
)
def test_critical_values_equal_python(engine, points, alphas):
    kappas = [1.0, 1.00001, 1.001, 1.5, 3.0, 9.0, 40.0, 1e4, INF]
    m, kappa, alpha = (
        x.ravel() for x in np.meshgrid(ways.share(10 ** np.linspace(-9, 19.9, points), of=3), kappas, alphas)
    )
    ordinary = norm.isf(alpha / 2) * np.sqrt(1 + m)
    result, missed = answered(engine, m, kappa, alpha), answered(engine, m, kappa, alpha, ordinary)
    for level in alphas:
        at = alpha == level
        assert result[at] == pytest.approx(critical.critical(m[at], kappa[at], level), rel=1e-10)
    assert missed == pytest.approx(critical.noncoverage(m, kappa, ordinary), rel=1e-9, abs=1e-300)


# ---- the verb --------------------------------------------------------------------------------------------------------


@pytest.mark.share(2)
@engines
@pytest.mark.parametrize("tau2", ["reml", "he", 0.3])
@pytest.mark.parametrize("name", ["bcg", "raudenbush1985"])
def test_intervals_miss_as_often_as_allowed_at_worst(engine, name, tau2):
    table, by = grid.studies(f"meta_{name}")
    result = MODULE[engine](pool.shrink, table, "y", by, se="se", tau2=tau2, mu=0.1, level=0.8, interval="robust")
    mu2, kappa = truth.effect_moments(result["mean"], result["v"], 0.1)
    for row in result.sort("v")[::9].rows(named=True):
        w, v = row["weight"], row["v"]
        m, unit = (1 / w - 1) ** 2 * mu2 / v, w * math.sqrt(v)
        assert row["upper"] - row["estimate"] == pytest.approx(row["estimate"] - row["lower"], rel=1e-9)
        chi = (row["upper"] - row["lower"]) / 2 / unit
        assert truth.worst_noncoverage(m, kappa, chi) == pytest.approx(0.2, abs=2e-9)
        ordinary = norm.isf(0.1) / math.sqrt(w)
        assert row["noncoverage"] == pytest.approx(truth.worst_noncoverage(m, kappa, ordinary), abs=2e-9)


def many_models():
    """Models of all kinds: ordinary, with outliers, without variance between groups, with a null key."""
    tables = [rows(12, seed) for seed in range(4)]
    tables += [tables[0].with_columns(pl.col("y") * 1e-3 + 7), tables[1].with_columns(y=pl.lit(1.0))]
    tables += [tables[2].with_columns(y=pl.int_range(pl.len()) % 2 * 1.0), groups({1: [2, 2], 2: [2, 2]})]
    tables += [groups({1: [1, 1], 2: [4, 4]}), groups({1: [1, 3, 5]}), groups({1: [5]}), groups({1: [1], 2: [2]})]
    tables += [groups({1: [1, 3, 6], 2: [2, 9, 9], 3: [-7, -4, -5], 4: [None]}), groups({1: [None, None]})]
    tables += [groups({1: [1, 3, 5], 2: [None]}), groups({1: [4, 4], 2: [4, 4], 3: [None]})]
    named = [t.rename(dict(zip(t.columns[:2], "gy", strict=True))).with_columns(pl.col("g").cast(int)) for t in tables]
    return pl.concat(t.select("g", "y", m=pl.lit(i or None, pl.Int64)) for i, t in enumerate(named))


OPTIONS = [
    {},
    {"tau2": "dl", "sigma2": "separate"},
    {"tau2": "pm", "sigma2": "squeezed"},
    {"tau2": "morris", "sigma2": "separate"},
    {"tau2": 0.0, "sigma2": 4.0},
    {"tau2": 2.5, "mu": 0.5, "level": 0.8},
    {"tau2": 1e-3, "mu": "groups", "level": 0.999},
    {"tau2": "chung", "mu": "rows", "uncertainty": "conditional", "level": 0.1},
]


@pytest.mark.share(2)
@engines
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")
def test_results_equal_python(engine, options):
    options |= {"over": "m", "interval": "robust"}
    want = pool.shrink(many_models(), "y", "g", **options)
    got = MODULE[engine](pool.shrink, many_models(), "y", "g", **options)
    settled = want["lower"].is_not_null()
    assert settled.sum() > 50
    assert not any(got[name].is_nan().any() for name in got.columns[3:])
    # The moments depend on the components, whose search ends at a tolerance.
    assert_frame_equal(got.sort("m", "g"), want, rel_tol=1e-9, abs_tol=1e-9)


@engines
@pytest.mark.parametrize("options", [{"tau2": 4.0}, {"tau2": 0}, {"tau2": 1.0, "mu": 0.0}], ids=str)
def test_a_single_model_equals_python(engine, options):
    for table in (many_models().filter(m=12), many_models().filter(m=13), many_models().clear()):
        options |= {"sigma2": 1.0, "interval": "robust"}
        want = pool.shrink(table, "y", "g", **options)
        got = MODULE[engine](pool.shrink, table, "y", "g", **options)
        assert_frame_equal(got.sort("g"), want, rel_tol=1e-9)


@engines
@pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")
def test_stored_moments_and_weights_equal_python(engine):
    run, table = MODULE[engine], rows().with_columns(w=1.0 + pl.col("g") % 3)
    stored = pool.moments(table, "y", "g", weights="w")
    for frame, value, columns in ((table, "y", {"weights": "w"}), (stored, "mean", {"n": "n", "var": "var"})):
        want = pool.shrink(frame, value, "g", interval="robust", tau2="he", **columns)
        got = run(pool.shrink, frame, value, "g", interval="robust", tau2="he", **columns)
        assert_frame_equal(got.sort("g"), want, rel_tol=1e-9)


@engines
def test_columns_with_the_names_of_relations_and_columns_of_the_macros(engine):
    table = rows().rename({"g": "robust", "y": "alpha"}).with_columns(m=pl.lit(1), chi=pl.lit(2))
    result = MODULE[engine](pool.shrink, table, "alpha", ["robust", "m", "chi"], interval="robust", tau2="dl")
    want = pool.shrink(table, "alpha", ["robust", "m", "chi"], interval="robust", tau2="dl")
    assert result.columns[3:] == want.columns[3:]
    assert_frame_equal(result.select(want.columns).sort("robust"), want, rel_tol=1e-9)
