"""Regressions with one weighted row per group: unequal weights separate sigma2 and tau2 in Var(y) = tau2 + sigma2 / w.

The reference is the maximum of the likelihood of dense matrices: a search by scipy from many starting points, then the
root of its derivatives (Searle, Casella & McCulloch 1992, section 6.6). Without covariates the results equal those of
`components`.
"""

import re
import warnings
from functools import cache

import numpy as np
import polars as pl
import pytest
from frames import assert_near, by_key
from scipy.optimize import brentq, minimize, root
from sqlpaths import SQL_PATHS, call, database
from test_duckdb_regression import rows
from test_single_weighted_rows import MODELS, OFFSET, frame

import polars_pool as pool
from polars_pool.models import warning

every_method = pytest.mark.parametrize("method", ["reml", "ml"])
engines = pytest.mark.parametrize("engine", ["polars", *SQL_PATHS])


def components(engine: str, data: pl.DataFrame, **options) -> dict[str, dict]:
    """One row per model, the statistics of terms as dictionaries."""
    if engine == "polars":
        return by_key(pool.regress_components(data, "y", ["x"], "g", over="m", **options), "m")
    result = rows(engine, call("pool_regress_components", "y", "x", "g", over="m", **options), data)
    return {row["m"]: row for row in result}


def with_covariate(*names: str) -> pl.DataFrame:
    """The models of single rows with a slope of 0.5 and a covariate that is correlated with the weights."""
    noise = np.random.default_rng(1).normal(size=50)
    parts = []
    for name in names:
        data = frame(name)
        x = pl.Series("x", np.round(64 * (noise + data["w"].to_numpy() / 10)) / 64)
        parts.append(data.with_columns(x, y=pl.col("y") + 0.5 * x))
    return pl.concat(parts)


class Dense:
    """-2 log likelihood of a model by matrices of all rows, as a function of sigma2 and tau2, and its minimum."""

    def __init__(self, name: str, method: str) -> None:
        data = with_covariate(name)
        self.y, self.w = data["y"].to_numpy() - OFFSET[name], data["w"].to_numpy()
        self.x, self.restricted = np.column_stack([np.ones(50), data["x"].to_numpy()]), method == "reml"
        self.sigma2, self.tau2 = self.lowest()
        inverse = np.diag(1 / self.v(self.sigma2, self.tau2))
        self.covariance = np.linalg.inv(self.x.T @ inverse @ self.x)
        self.mu = self.covariance @ self.x.T @ inverse @ self.y

    def v(self, sigma2: float, tau2: float) -> np.ndarray:
        return tau2 + sigma2 / self.w

    def projection(self, sigma2: float, tau2: float) -> np.ndarray:
        inverse = np.diag(1 / self.v(sigma2, tau2))
        return inverse - inverse @ self.x @ np.linalg.inv(self.x.T @ inverse @ self.x) @ self.x.T @ inverse

    def deviance(self, sigma2: float, tau2: float) -> float:
        result = np.log(self.v(sigma2, tau2)).sum() + self.y @ self.projection(sigma2, tau2) @ self.y
        if self.restricted:
            result += np.linalg.slogdet(self.x.T / self.v(sigma2, tau2) @ self.x)[1]
        return result

    def slopes(self, sigma2: float, tau2: float) -> np.ndarray:
        p = self.projection(sigma2, tau2)
        traced = p if self.restricted else np.diag(1 / self.v(sigma2, tau2))
        r = p @ self.y
        return np.array([(np.diag(traced) * a).sum() - (r * a * r).sum() for a in (1 / self.w, np.ones(50))])

    def lowest(self) -> tuple[float, float]:
        starts = [(a, b) for a in (-4, 1, 5) for b in (-6, 0, 2)]
        searches = [minimize(lambda p: self.deviance(*np.exp(p)), start, method="Nelder-Mead") for start in starts]
        sigma2, tau2 = np.exp(min(searches, key=lambda search: search.fun).x)
        if sigma2 / 20 < 1e-4 * tau2:
            tau2 = brentq(lambda t: self.slopes(0.0, t)[1], tau2 / 2, 2 * tau2, xtol=1e-13)
            assert self.slopes(0.0, tau2)[0] > 0
            return 0.0, tau2
        if tau2 < 1e-4 * sigma2 / 20:
            sigma2 = brentq(lambda s: self.slopes(s, 0.0)[0], sigma2 / 2, 2 * sigma2, xtol=1e-13)
            assert self.slopes(sigma2, 0.0)[1] > 0
            return sigma2, 0.0
        return tuple(root(lambda p: self.slopes(*p), (sigma2, tau2), tol=1e-14).x)


dense = cache(Dense)


@every_method
def test_without_covariates_the_results_equal_components(method):
    data = frame(*MODELS)
    of_means = by_key(pool.components(data, "y", "g", over="m", weights="w", tau2=method), "m")
    result = by_key(pool.regress_components(data, "y", [], "g", over="m", weights="w", method=method), "m")
    for name, row in result.items():
        expected = of_means[name]
        assert row["converged"]
        assert_near(row["sigma2"], expected["sigma2"], 1e-8)
        assert_near(row["tau2"]["intercept"], expected["tau2"], 1e-8)
        assert_near(row["mu"]["intercept"], expected["mu"], 1e-8)
        assert_near(row["se_mu"]["intercept"], expected["se_mu"], 1e-8)
        assert row["log_likelihood"] == (expected["log_likelihood"] and pytest.approx(expected["log_likelihood"]))
    estimates = pool.shrink(data, "y", "g", over="m", weights="w", tau2=method).sort("m", "g")
    groups = pool.regress(data, "y", [], "g", over="m", weights="w", method=method).sort("m", "g")
    for name in ("mean", "weight", "estimate", "se"):
        np.testing.assert_allclose(groups[name], estimates[name], rtol=1e-8, atol=1e-8)


@engines
@every_method
def test_with_a_covariate_by_dense_matrices(engine, method):
    data = with_covariate(*MODELS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = components(engine, data, weights="w", method=method)
    assert {name for name in MODELS if dense(name, method).sigma2 == 0} == {"none within"}
    for name, row in result.items():
        truth = dense(name, method)
        assert row["converged"]
        assert (row["groups"], row["n"]) == (50, 50)
        assert_near(row["sigma2"], truth.sigma2, 1e-8)
        assert_near(row["tau2"]["intercept"], truth.tau2, 1e-8)
        assert row["mu"]["x"] == pytest.approx(truth.mu[1], rel=1e-8)
        assert row["mu"]["intercept"] == pytest.approx(truth.mu[0] + OFFSET[name], rel=1e-8)
        assert [row["se_mu"][term] for term in ("intercept", "x")] == pytest.approx(
            np.sqrt(np.diag(truth.covariance)), rel=1e-8
        )
        if truth.sigma2 == 0:
            assert row["log_likelihood"] is None
        else:
            df = 48 if method == "reml" else 50
            expected = truth.deviance(truth.sigma2, truth.tau2) + df * np.log(2 * np.pi)
            # The log likelihood with weights omits the sum of their logarithms.
            assert -2 * row["log_likelihood"] == pytest.approx(expected + np.log(truth.w).sum(), rel=1e-9)


def coefficients(engine: str, data: pl.DataFrame) -> pl.DataFrame:
    if engine == "polars":
        result = pool.regress(data, "y", ["x"], "g", over="m", weights="w")
    else:
        database(engine).hold(data)
        result = database(engine).ask(call("pool_regress", "y", "x", "g", over="m", weights="w"))
    return result.sort("m", "g", "term")


@engines
def test_estimates_of_groups_follow(engine):
    result = coefficients(engine, with_covariate(*MODELS))
    for name in MODELS:
        truth = dense(name, "reml")
        v = truth.v(truth.sigma2, truth.tau2)
        weight = truth.tau2 / v
        left = truth.y - truth.x @ truth.mu
        intercepts = result.filter(m=name, term="intercept")
        np.testing.assert_allclose(intercepts["weight"], weight, rtol=1e-7)
        np.testing.assert_allclose(
            intercepts["estimate"] - OFFSET[name], truth.mu[0] + weight * left, rtol=1e-7, atol=1e-7
        )
        kept = np.array([1.0, 0.0]) - weight[:, None] * truth.x
        variance = truth.tau2 * (1 - weight) + np.einsum("gi,ij,gj->g", kept, truth.covariance, kept)
        np.testing.assert_allclose(intercepts["se"], np.sqrt(variance), rtol=1e-7)
        np.testing.assert_allclose(result.filter(m=name, term="x")["se"], np.sqrt(truth.covariance[1, 1]), rtol=1e-7)


X = [0.0, 3.0, 1.0, 5.0]
NOT_TOLD = {
    "equal weights": ([1.0, 5.0, 2.0, 8.0], X, [3.0, 3.0, 3.0, 3.0]),
    "equal but for rounding": ([1.0, 5.0, 2.0, 8.0], X, [0.3, 0.1 + 0.2, 0.3, 0.3]),
    "one row beyond the terms": ([1.0, 5.0, 2.0], X[:3], [1.0, 4.0, 2.0]),
    "a row of weight 0": ([1.0, 5.0, 9.0, 2.0], X, [1.0, 4.0, 0.0, 2.0]),
    "the only other weight is at the only other x": ([1.0, 5.0, 2.0, 8.0], [0.0, 0.0, 0.0, 1.0], [2.0, 2.0, 2.0, 5.0]),
}


@engines
@every_method
def test_results_that_the_weights_do_not_determine(engine, method):
    parts = [pl.DataFrame({"m": m, "g": range(len(y)), "y": y, "x": x, "w": w}) for m, (y, x, w) in NOT_TOLD.items()]
    if engine == "polars":
        with pytest.warns(pool.ConvergenceWarning, match=re.escape(warning.UNIDENTIFIED_VARIANCES)):
            result = components(engine, pl.concat(parts), weights="w", method=method)
    else:
        result = components(engine, pl.concat(parts), weights="w", method=method)
    assert result.keys() == NOT_TOLD.keys()
    for row in result.values():
        assert row["sigma2"] is row["tau2"]["intercept"] is None
        assert not row["converged"]
