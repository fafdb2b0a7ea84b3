"""One weighted row per group: unequal weights separate sigma2 and tau2 in Var(y) = tau2 + sigma2 / w.

The reference is the maximum of the likelihood of dense matrices: a search by scipy from many starting points, then the
root of its two derivatives (Searle, Casella & McCulloch 1992, section 6.6); at a boundary one derivative is 0, and the
sign of the other confirms the boundary.
"""

import warnings
from functools import cache

import numpy as np
import polars as pl
import pytest
from frames import FRAME_PATHS, assert_near, by_key
from scipy.optimize import brentq, minimize, root
from sqlpaths import SQL_PATHS

import polars_pool as pool
from polars_pool.models.warning import UNIDENTIFIED

PATHS = {**FRAME_PATHS, **SQL_PATHS}
paths = pytest.mark.parametrize("run", PATHS.values(), ids=PATHS)
methods = pytest.mark.parametrize("method", ["reml", "ml"])
MODELS = {"inside": (40, 1, 0), "inside too": (50, 0, 3), "none between": (300, 2, 5), "none within": (40, 4, 1)}
OFFSET = {"inside": 0.0, "inside too": 1e6, "none between": -50.0, "none within": 3.0}
MOMENTS = {"n": "n", "var": "var"}


def model(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Values about 0 and weights of 50 groups."""
    sigma2, tau2, seed = MODELS[name]
    rng = np.random.default_rng(seed)
    w = rng.poisson(20, 50) + 1.0
    # multiples of 1 / 64, so that adding an offset is exact
    return np.round(64 * rng.normal(0, np.sqrt(tau2 + sigma2 / w))) / 64, w


def frame(*names: str) -> pl.DataFrame:
    parts = []
    for name in names:
        y, w = model(name)
        parts.append(pl.DataFrame({"m": name, "g": np.arange(50), "y": y + OFFSET[name], "w": w}))
    return pl.concat(parts)


def deviance(y, w, sigma2, tau2, method, mu=None):
    """-2 log likelihood, restricted or full, up to a constant."""
    v = [tau2 + sigma2 / x for x in w]
    precision = sum(1 / x for x in v)
    centre = sum(a / x for a, x in zip(y, v, strict=True)) / precision if mu is None else mu
    result = sum(np.log(x) + (a - centre) ** 2 / x for a, x in zip(y, v, strict=True))
    return result + np.log(precision) if method == "reml" and mu is None else result


def slopes(y, w, sigma2, tau2, method, mu=None) -> np.ndarray:
    """Derivatives of the deviance by sigma2 and tau2, by dense matrices."""
    inverse = np.linalg.inv(np.diag(tau2 + sigma2 / w))
    x = np.ones((len(y), 1))
    p = inverse - inverse @ x @ np.linalg.inv(x.T @ inverse @ x) @ x.T @ inverse
    r = p @ y if mu is None else inverse @ (y - mu)
    trace = p if method == "reml" and mu is None else inverse
    return np.array([np.trace(trace @ a) - r @ a @ r for a in (np.diag(1 / w), np.eye(len(y)))])


@cache
def truth(name: str, method: str, mu: float | None = None) -> tuple[float, float, float]:
    """sigma2, tau2 and -2 log likelihood at the maximum."""
    y, w = model(name)

    def by_logs(p):
        return deviance(y, w, np.exp(p[0]), np.exp(p[1]), method, mu)

    starts = [(a, b) for a in (-4, 1, 5) for b in (-6, 0, 2)]
    best = min(
        (minimize(by_logs, start, method="Nelder-Mead", options={"maxiter": 4000}) for start in starts), key=_height
    )
    sigma2, tau2 = np.exp(best.x)
    if sigma2 / 20 < 1e-4 * tau2:
        sigma2, tau2 = 0.0, brentq(lambda t: slopes(y, w, 0.0, t, method, mu)[1], tau2 / 2, 2 * tau2, xtol=1e-13)
        assert slopes(y, w, sigma2, tau2, method, mu)[0] > 0
    elif tau2 < 1e-4 * sigma2 / 20:
        sigma2, tau2 = brentq(lambda s: slopes(y, w, s, 0.0, method, mu)[0], sigma2 / 2, 2 * sigma2, xtol=1e-13), 0.0
        assert slopes(y, w, sigma2, tau2, method, mu)[1] > 0
    else:
        sigma2, tau2 = root(lambda p: slopes(y, w, *p, method, mu), (sigma2, tau2), tol=1e-14).x
    return sigma2, tau2, deviance(y, w, sigma2, tau2, method, mu)


def _height(result):
    return result.fun


@paths
@methods
def test_unequal_weights_tell_sigma2_from_tau2(run, method):
    result = run(pool.components, frame(*MODELS), "y", "g", over="m", weights="w", tau2=method)
    for name, row in by_key(result, "m").items():
        sigma2, tau2, lowest = truth(name, method)
        y, w = model(name)
        assert row["converged"]
        assert (row["groups"], row["n"]) == (50, 50)
        assert_near(row["sigma2"], sigma2, 1e-8)
        assert_near(row["tau2"], tau2, 1e-8)
        assert deviance(y, w, row["sigma2"], row["tau2"], method) <= lowest + 1e-9
        v = tau2 + sigma2 / w
        assert_near(row["mu"] - OFFSET[name], (y / v).sum() / (1 / v).sum(), 1e-7)
        assert_near(row["se_mu"], (1 / v).sum() ** -0.5, 1e-8)
        nothing = ("q", "q_p", "tau2_lower", "tau2_upper")  # no mean square within to compare with
        assert [row[statistic] for statistic in nothing] == [None] * 4
        if sigma2 > 0:
            numbers = 49 if method == "reml" else 50
            # the likelihood with weights omits its constant, sum(log w)
            assert_near(-2 * row["log_likelihood"], lowest + numbers * np.log(2 * np.pi) + np.log(w).sum(), 1e-9)
            at_zero = min(deviance(y, w, s, 0, method) for s in _sigma2_alone(y, w, method))
            assert row["lrt"] == pytest.approx(at_zero - lowest, abs=1e-9)


def _sigma2_alone(y, w, method):
    """The most likely sigma2 where tau2 is 0."""
    yield (w * (y - (w * y).sum() / w.sum()) ** 2).sum() / (len(y) - (method == "reml"))


@paths
def test_estimates_follow(run):
    result = run(pool.shrink, frame(*MODELS), "y", "g", over="m", weights="w")
    for name in MODELS:
        sigma2, tau2, _ = truth(name, "reml")
        y, w = model(name)
        v = sigma2 / w
        weight = np.ones(50) if sigma2 == 0 else tau2 / (tau2 + v)
        mu = (y / (tau2 + v)).sum() / (1 / (tau2 + v)).sum()
        rows = result.filter(m=name).sort("g")
        assert np.allclose(rows["v"], v, rtol=1e-8)
        assert np.allclose(rows["weight"], weight, rtol=1e-7)
        assert np.allclose(rows["estimate"] - OFFSET[name], weight * y + (1 - weight) * mu, rtol=1e-7, atol=1e-7)
        variance = tau2 * (1 - weight) + (1 - weight) ** 2 / (1 / (tau2 + v)).sum()
        assert np.allclose(rows["se"], np.sqrt(variance), rtol=1e-7)


@paths
@methods
def test_stored_moments_of_single_weighted_rows_are_those_rows(run, method):
    data = frame(*MODELS)
    of_rows = run(pool.components, data, "y", "g", over="m", weights="w", tau2=method)
    states = data.with_columns(n=pl.lit(1), var=pl.lit(None, pl.Float64))
    options = {"over": "m", "weights": "w", "tau2": method, **MOMENTS}
    stored = run(pool.components, states, "y", "g", **options)
    for name, row in by_key(stored, "m").items():
        expected = by_key(of_rows, "m")[name]
        numbers = [key for key in row if key != "m" and expected[key] is not None]
        assert [row[key] for key in numbers] == pytest.approx([expected[key] for key in numbers], rel=1e-8, abs=1e-9)
        assert [key for key in row if row[key] is None] == [key for key in row if expected[key] is None]


@paths
@methods
def test_about_a_known_mean(run, method):
    result = run(pool.components, frame("inside", "none within"), "y", "g", over="m", weights="w", tau2=method, mu=0.5)
    rows = by_key(result, "m")
    for name in ("inside", "none within"):
        sigma2, tau2, _ = truth(name, "ml", 0.5 - OFFSET[name])
        assert_near(rows[name]["sigma2"], sigma2, 1e-8)
        assert_near(rows[name]["tau2"], tau2, 1e-8)


@paths
def test_the_error_of_tau2_is_from_the_information(run):
    """Errors by the expected information of the restricted likelihood, in dense matrices (Searle et al. 1992, 6.6)."""
    [row] = run(pool.components, frame("inside"), "y", "g", weights="w").to_dicts()
    _, w = model("inside")
    v = row["tau2"] + row["sigma2"] / w
    p = np.diag(1 / v) - np.outer(1 / v, 1 / v) / (1 / v).sum()
    parts = (np.eye(50), np.diag(1 / w))
    information = np.array([[np.trace(p @ a @ p @ b) / 2 for a in parts] for b in parts])
    assert_near(row["se_tau2"], np.linalg.inv(information)[0, 0] ** 0.5, 1e-7)


NOT_TOLD = {
    "equal weights": ([1.0, 5.0, 2.0, 8.0], [3.0, 3.0, 3.0, 3.0], {}),
    "equal but for rounding": ([1.0, 5.0, 2.0, 8.0], [0.3, 0.1 + 0.2, 0.3, 0.3], {}),
    "two groups": ([1.0, 5.0], [1.0, 4.0], {}),
    "two groups by ml": ([1.0, 5.0], [1.0, 4.0], {"tau2": "ml"}),
    "a row of weight 0": ([1.0, 5.0, 9.0], [1.0, 4.0, 0.0], {}),
    "one group about a known mean": ([1.0], [4.0], {"mu": 0.0}),
    **{
        f"by {tau2}": ([1.0, 5.0, 2.0, 8.0], [1.0, 2.0, 3.0, 4.0], {"tau2": tau2})
        for tau2 in ("anova", "dl", "he", "sj", "pm", "chung", "sure")
    },
}


@pytest.mark.share_of_duckdb(3)
@paths
@pytest.mark.parametrize("case", NOT_TOLD)
def test_results_that_the_weights_do_not_determine(run, case):
    """Equal weights; a single deviation from mu for two variances; estimators that need squares within groups."""
    y, w, options = NOT_TOLD[case]
    data = pl.DataFrame({"g": range(len(y)), "y": y, "w": w})
    [row] = run(pool.components, data, "y", "g", weights="w", **options).to_dicts()
    assert row["sigma2"] is row["tau2"] is None
    assert not row["converged"]


@pytest.mark.parametrize("case", NOT_TOLD)
def test_that_is_said(case):
    y, w, options = NOT_TOLD[case]
    data = pl.DataFrame({"g": range(len(y)), "y": y, "w": w})
    with pytest.warns(pool.ConvergenceWarning) as said:
        pool.components(data, "y", "g", weights="w", **options)
    assert [str(one.message) for one in said] == [UNIDENTIFIED]
    assert "unequal weights= of three groups or more" in UNIDENTIFIED


def test_nothing_is_said_where_the_weights_tell():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pool.shrink(frame(*MODELS), "y", "g", over="m", weights="w")


@paths
@methods
def test_rows_that_all_agree(run, method):
    data = pl.DataFrame({"g": range(4), "y": [0.1] * 4, "w": [1.0, 2.0, 3.0, 7.0]})
    [row] = run(pool.components, data, "y", "g", weights="w", tau2=method).to_dicts()
    assert (row["sigma2"], row["tau2"], row["converged"]) == (0, 0, True)
    result = run(pool.shrink, data, "y", "g", weights="w", tau2=method)
    assert result["weight"].to_list() == [1.0] * 4
    assert result["se"].to_list() == [0.0] * 4
    assert np.allclose(result["estimate"], 0.1, rtol=1e-15)


@paths
def test_weights_far_apart(run):
    """Weights over nine orders of magnitude: no point of a fine grid of both variances is better."""
    rng = np.random.default_rng(8)
    w = 10.0 ** rng.uniform(-4, 5, 40)
    y = rng.normal(0, np.sqrt(2 + 3 / w))
    [row] = run(pool.components, pl.DataFrame({"g": range(40), "y": y, "w": w}), "y", "g", weights="w").to_dicts()
    sigma2, tau2 = np.meshgrid(np.geomspace(0.1, 100, 400), np.geomspace(0.05, 50, 400))
    assert deviance(y, w, row["sigma2"], row["tau2"], "reml") <= deviance(y, w, sigma2, tau2, "reml").min()
    assert row["sigma2"] > 0
    assert row["tau2"] > 0


@paths
def test_the_effect_of_tau_is_not_told(run):
    """Along tau, the most likely sigma2 may be 0: the profile of such models is null, as with equal weights."""
    result = run(pool.profile, frame("inside"), "y", "g", weights="w", tau=[0.0, 2.0])
    assert result["log_likelihood"].to_list() == [None, None]
    assert result["sigma2"].to_list() == [None, None]
