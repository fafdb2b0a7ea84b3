"""Means beside predictors of their groups against dense matrices: what neither metafor nor lme4 reports."""

from functools import cache
from itertools import product

import metareg
import numpy as np
import polars as pl
import pytest

import polars_pool as pool

METHODS = ("reml", "ml", "dl", "he", "hs", "sj", "pm", "eb")
TOLERANCE = 1e-8


def near(got, want, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(np.array(got, float), np.array(want, float), rtol=tolerance, atol=1e-12)


@cache
def rows(seed: int = 3, tau: float = 0.8) -> pl.DataFrame:
    """Groups of 1 to 7 rows with two predictors, far from their centre, and weights."""
    random = np.random.default_rng(seed)
    size = np.array([1, 1, 2, 3, 3, 4, 5, 7, 2, 3, 6, 1])
    x, z = 1990 + random.integers(0, 30, 12), random.normal(0, 1, 12)
    mean = 5 + 0.05 * (x - 2000) + 0.6 * z + random.normal(0, tau, 12)
    g = np.repeat(np.arange(12), size)
    y = mean[g] + random.normal(0, 1, len(g))
    return pl.DataFrame({"g": g, "x": x[g], "z": z[g], "y": y, "w": random.uniform(0.5, 3, len(g)).round(2)})


TOWARD = ["x", "z"]


def design(frame: pl.DataFrame) -> np.ndarray:
    return np.column_stack([np.ones(frame.height), frame["x"] - 2000, frame["z"]])


def of_groups(frame: pl.DataFrame, sigma2: str | float, weights: bool = False) -> tuple[pl.DataFrame, np.ndarray]:
    """The groups with their weighted means, in order, and their sampling variances."""
    w = pl.col("w") if weights else pl.col("w") / pl.col("w")
    squares = (w * (pl.col("y") - pl.col("mean")) ** 2).sum()
    mean = ((w * pl.col("y")).sum() / w.sum()).over("g")
    n = pl.len().alias("n")
    total = (w.sum() if weights else pl.len().cast(pl.Float64)).alias("total")
    groups = (
        frame.with_columns(mean=mean).group_by("g").agg(n, total, pl.first("mean", "x", "z"), squares.alias("squares"))
    )
    groups = groups.sort("g")
    pooled = groups["squares"].sum() / (groups["n"].sum() - groups.height)
    within = np.full(groups.height, sigma2 if isinstance(sigma2, float) else pooled)
    if sigma2 == "separate":
        own = groups["squares"] / (groups["n"] - 1)
        within = np.where(groups["n"] > 1, own, pooled)
    return groups, within / groups["total"].to_numpy()


def known(sigma2: str | float, weights: bool, seed: int = 3) -> metareg.Known:
    groups, v = of_groups(rows(seed), sigma2, weights)
    return metareg.Known(groups["mean"], v, design(groups))


def options(sigma2, weights) -> dict:
    return {"by": "g", "toward": TOWARD, "sigma2": sigma2} | ({"weights": "w"} if weights else {})


# ---- v known, or by mean squares ------------------------------------------------------------------------------------

CASES = [
    (sigma2, weights, method)
    for sigma2, weights, method in product((1.3, "separate", "pooled"), (False, True), METHODS)
    if sigma2 != "pooled" or method not in ("reml", "ml")
]


@pytest.mark.parametrize(("sigma2", "weights", "method"), CASES)
@pytest.mark.share(2)
def test_groups_of_known_variance(sigma2, weights, method):
    want = known(sigma2, weights)
    tau2 = want.tau2(method)
    got = pool.components(rows(), "y", tau2=method, **options(sigma2, weights)).row(0, named=True)
    near(got["tau2"], tau2)
    near(got["se_tau2"], np.sqrt(want.variance_of_tau2(method, tau2)))
    near(got["q"], want.q(0))
    df_within = rows().height - 12
    limits = want.q_limits_of_rows(0.95, df_within) if sigma2 == "pooled" else want.q_limits(0.95)
    near([got["tau2_lower"], got["tau2_upper"]], limits)

    groups = pool.shrink(rows(), "y", tau2=method, **options(sigma2, weights))
    for name, numbers in want.shrunk(tau2).items():
        near(groups[name], numbers)
    groups = pool.shrink(rows(), "y", tau2=method, uncertainty="tau2", **options(sigma2, weights))
    error, correction = want.variance_of_tau2(method, tau2), want.minus_bias(method, tau2)
    near(groups["se"], want.shrunk(tau2, error, correction)["se"])


@pytest.mark.parametrize("method", ["reml", "ml", "dl"])
def test_squeezed_variances_are_those_without_predictors(method):
    v = pool.shrink(rows(), "y", by="g", sigma2="squeezed", tau2=method)["v"]
    groups, _ = of_groups(rows(), 1.0)
    want = metareg.Known(groups["mean"], v, design(groups))
    got = pool.shrink(rows(), "y", tau2=method, **options("squeezed", False))
    near(got["v"], v, 1e-12)
    for name, numbers in want.shrunk(want.tau2(method)).items():
        near(got[name], numbers)


# ---- rows: sigma2 and tau2 by one likelihood ------------------------------------------------------------------------


SEEDS = [(3, 0.8), (6, 0.0)]


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize(("seed", "tau"), SEEDS)
def test_one_likelihood_of_rows(method, weights, seed, tau):
    """Inside, and at the boundary tau2 = 0."""
    frame = rows(seed, tau)
    model = metareg.Rows(frame["y"], frame["g"], design(frame), frame["w"] if weights else None)
    sigma2, tau2 = model.fit(method)
    arguments = options("pooled", weights) | {"tau2": method}
    got = pool.components(frame, "y", **arguments).row(0, named=True)
    near([got["sigma2"], got["tau2"]], [sigma2, tau2])
    information = np.linalg.inv(model.information(method, sigma2, tau2))
    near(got["se_tau2"], np.sqrt(information[0, 0]))
    near([got["tau2_lower"], got["tau2_upper"]], model.profile_limits(method, 0.95), 1e-6)
    at_zero = model.deviance(method, model.y @ model.P(1, 0)[2] @ model.y / (model.N - model.p * (method == "reml")), 0)
    near(got["lrt"], at_zero - model.deviance(method, sigma2, tau2), 1e-7)

    groups, _ = of_groups(frame, sigma2, weights)
    want = metareg.Known(groups["mean"], sigma2 / groups["total"].to_numpy(), design(groups))
    shrunk = pool.shrink(frame, "y", **arguments)
    for name, numbers in want.shrunk(tau2).items():
        near(shrunk[name], numbers)
    ratio = np.array([1, -tau2 / sigma2])
    correction = want.minus_bias("ml", tau2) if method == "ml" else 0.0
    with_error = pool.shrink(frame, "y", uncertainty="tau2", **arguments)
    near(with_error["se"], want.shrunk(tau2, ratio @ information @ ratio, correction)["se"])


def test_one_of_the_cases_is_at_the_boundary():
    """So that the test above has both."""
    assert [
        pool.components(rows(seed, tau), "y", **options("pooled", False))["tau2"][0] > 0 for seed, tau in SEEDS
    ] == [True, False]
