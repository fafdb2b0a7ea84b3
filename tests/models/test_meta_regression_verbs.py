"""`compare` and `profile` beside predictors of groups: every row left out in turn, and dense likelihoods."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import polars_pool as pool

GROUPS, TERMS = 12, ["x", "z"]


@pytest.fixture(scope="module")
def rows():
    """Rows of twelve groups of one to six rows, with two predictors."""
    rng = np.random.default_rng(20261128)
    n = rng.integers(1, 7, GROUPS)
    x, z = rng.normal(size=GROUPS), rng.normal(size=GROUPS)
    g = np.repeat(np.arange(GROUPS), n)
    y = (1 + 0.8 * x + rng.normal(scale=0.6, size=GROUPS))[g] + rng.normal(size=n.sum())
    return pl.DataFrame({"g": g, "x": x[g], "z": z[g], "y": y})


def predicted(others, group, sigma2, tau2):
    """The pooled mean of a group, and what its predictors alone say, by the rows of others."""
    table = others.group_by("g").agg(pl.first(*TERMS), n=pl.len(), mean=pl.mean("y")).sort("g")
    terms = np.column_stack([np.ones(table.height), table.select(TERMS).to_numpy()])
    place, mean = table["g"].to_list().index(group), table["mean"].to_numpy()
    v = sigma2 / table["n"].to_numpy()

    def fit(weight):
        return terms[place] @ np.linalg.solve((terms.T * weight) @ terms, (terms.T * weight) @ mean)

    keep = tau2 / (tau2 + v[place])
    return keep * mean[place] + (1 - keep) * fit(1 / (v + tau2)), fit(1 / v)


def test_compare_leaves_every_row_out(rows):
    model = pool.components(rows, "y", by="g", toward=TERMS)
    sigma2, tau2 = model["sigma2"][0], model["tau2"][0]
    assert tau2 > 0
    rows = rows.with_row_index("row")
    several = rows.filter(pl.len().over("g") > 1)
    misses = []
    for row, group, value in several.select("row", "g", "y").iter_rows():
        others = rows.filter(pl.col("row") != row)
        own = others.filter(g=group)["y"].mean()
        misses.append(value - np.array([own, *predicted(others, group, sigma2, tau2)]))
    none, partial, complete = np.mean(np.square(misses), axis=0)
    [compared] = pool.compare(rows, "y", by="g", toward=TERMS).to_dicts()
    assert compared["n"] == several.height
    expected = {"none": none, "complete": complete, "partial": partial}
    assert {name: compared[name] for name in expected} == pytest.approx(expected, rel=1e-10)
    assert compared["gain_on_none"] == pytest.approx(100 * (1 - partial / none), rel=1e-10)


def test_compare_of_many_models_is_that_of_each(rows):
    both = pl.concat([rows.with_columns(m=0), rows.with_columns(pl.col("y") * 2, m=1)])
    compared = pool.compare(both, "y", by="g", over="m", toward="x")
    for model in (0, 1):
        alone = pool.compare(both.filter(m=model), "y", by="g", toward="x")
        assert_frame_equal(compared.filter(m=model).drop("m"), alone, rel_tol=1e-9)


@pytest.mark.parametrize("tau", [0.0, 0.3, 1.5])
def test_profile_has_the_likelihood_of_dense_matrices(rows, tau):
    [point] = pool.profile(rows, "y", by="g", toward=TERMS, sigma2=0.9, tau=[tau]).to_dicts()
    table = rows.group_by("g").agg(pl.first(*TERMS), n=pl.len(), mean=pl.mean("y"))
    terms = np.column_stack([np.ones(GROUPS), table.select(TERMS).to_numpy()])
    variance, mean = np.diag(0.9 / table["n"].to_numpy() + tau**2), table["mean"].to_numpy()
    weight = np.linalg.inv(variance)
    beta = np.linalg.solve(terms.T @ weight @ terms, terms.T @ weight @ mean)
    residual = mean - terms @ beta
    full = -(GROUPS * np.log(2 * np.pi) + np.linalg.slogdet(variance)[1] + residual @ weight @ residual) / 2
    information = np.linalg.slogdet(terms.T @ weight @ terms)[1] - np.linalg.slogdet(terms.T @ terms)[1]
    restricted = full + len(beta) * np.log(2 * np.pi) / 2 - information / 2
    assert point["q"] == pytest.approx(residual @ weight @ residual, rel=1e-10)
    assert point["log_likelihood"] == pytest.approx(full, rel=1e-10)
    assert point["restricted_log_likelihood"] == pytest.approx(restricted, rel=1e-10)


@pytest.mark.parametrize("sigma2", ["pooled", "separate", 0.9])
def test_profile_meets_the_estimates_at_the_estimated_tau(rows, sigma2):
    options = {"by": "g", "toward": TERMS, "sigma2": sigma2}
    [model] = pool.components(rows, "y", **options).to_dicts()
    tau = model["tau2"] ** 0.5
    [point] = pool.profile(rows, "y", **options, tau=[tau]).to_dicts()
    assert point["restricted_log_likelihood"] == pytest.approx(model["log_likelihood"], rel=1e-9)
    assert point["sigma2"] == pytest.approx(model["sigma2"], rel=1e-7)
    groups = pool.profile(rows, "y", **options, tau=[tau], groups=True)
    pooled = pool.shrink(rows, "y", **options)
    assert_frame_equal(groups.select("g", "estimate", "se"), pooled.select("g", "estimate", "se"), rel_tol=1e-7)


def test_the_default_grid_ends_at_the_limit_of_the_profile(rows):
    curve = pool.profile(rows, "y", by="g", toward="x")
    assert curve.height == 61
    assert curve["tau"][0] == 0
    likely = curve["restricted_log_likelihood"]
    assert likely.max() - likely[-1] == pytest.approx(6.6348966 / 2, rel=0.02)  # half the 99 % point of chi-square


@pytest.mark.parametrize("least", [0.2, 1e-3, 1e-5])
def test_the_test_of_all_predictors_beside_a_group_of_another_precision(least):
    """The terms that very precise groups span are not those of the data: the test must not depend on them."""
    y, se = np.array([0.1, 0.3, 0.2, 1.6, 0.5, 0.9, 0.4]), np.array([0.2, 0.21, 0.22, least, 0.2, 0.25, 0.3])
    x, z = np.array([0.0, 1, 2, 3, 4, 6, 7]), np.array([1.0, 0, 0, 1, 1, 0, 1])
    frame = pl.DataFrame({"g": range(7), "y": y, "se": se, "x": x, "z": z})
    terms, weight = np.column_stack([np.ones(7), x, z]), np.diag(1 / (se**2 + 0.3))
    covariance = np.linalg.inv(terms.T @ weight @ terms)
    slopes = (covariance @ terms.T @ weight @ y)[1:]
    [model] = pool.components(frame, "y", se="se", by="g", toward=TERMS, tau2=0.3).to_dicts()
    assert model["qm"] == pytest.approx(slopes @ np.linalg.solve(covariance[1:, 1:], slopes), rel=1e-10)
