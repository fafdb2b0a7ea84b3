"""The tau profile against dense matrices, and against metafor, components and shrink at the same tau."""

import math

import duckdb
import grid
import numpy as np
import polars as pl
import pytest
import truth
from frames import FRAME_PATHS, MOMENTS, assert_near, stored
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from sqlpaths import MODULE
from test_truth_inference import UNEVEN

import polars_pool as pool

PATHS = FRAME_PATHS | MODULE
paths = pytest.mark.parametrize("path", PATHS)
LIKELIHOODS = ("log_likelihood", "restricted_log_likelihood")


@paths
@pytest.mark.parametrize("name", grid.META)
def test_at_the_estimates_the_curve_equals_metafor(name, path):
    """mu, its error and both log likelihoods at the tau of every method."""
    frame, by = grid.studies(f"meta_{name}")
    results = [result for key, result in grid.vector(f"meta_{name}")["results"].items() if key != "GENQ_w_n"]
    taus = [math.sqrt(result["tau2"]) for result in results]
    actual = PATHS[path](pool.profile, frame, "y", by, se="se", tau=taus).sort("tau")
    wanted = sorted(results, key=lambda result: result["tau2"])
    scale = frame["y"].abs().max()
    for row, result in zip(actual.iter_rows(named=True), wanted, strict=True):
        assert_near(row["mu"], result["beta"][0], 1e-11, scale)
        assert_near(row["se_mu"], result["se"][0], 1e-11)
        assert_near(row["log_likelihood"], result["logLik_ml"], 1e-11, 1.0)
        assert_near(row["restricted_log_likelihood"], result["logLik_reml"], 1e-11, 1.0)
        assert row["sigma2"] is None


@paths
@pytest.mark.parametrize("mu", ["gls", 3.0])
@pytest.mark.parametrize("weights", [None, "w"])
def test_rows_against_dense_matrices(path, weights, mu):
    taus = [0.0, 0.3, 1.0, 2.5, 10.0]
    options = {} if weights is None else {"weights": weights}
    result = PATHS[path](pool.profile, UNEVEN, "y", "g", mu=mu, tau=taus, **options).sort("tau")
    groups = truth.Groups(UNEVEN["g"].to_list(), UNEVEN["y"].to_list(), weights and UNEVEN["w"].to_list())
    known = None if mu == "gls" else mu
    for row, tau in zip(result.iter_rows(named=True), taus, strict=True):
        for name, restricted in zip(LIKELIHOODS, (False, True), strict=True):
            best = truth.profiled_rows(groups, tau**2, restricted, known)
            assert_near(row[name], -best / 2, 1e-9)
        at_sigma2 = truth.deviance_rows(groups, row["sigma2"], tau**2, restricted=True, mu=known)
        assert_near(row["restricted_log_likelihood"], -at_sigma2 / 2, 1e-12)
        v = row["sigma2"] / truth.floats(groups.w)
        w, mean = 1 / (v + tau**2), truth.floats(groups.mean)
        assert_near(row["mu"], w @ mean / sum(w) if mu == "gls" else mu, 1e-11)
        assert_near(row["se_mu"], sum(w) ** -0.5 if mu == "gls" else 0.0, 1e-11)
        assert_near(row["q"], w @ (mean - row["mu"]) ** 2, 1e-10)


@paths
@pytest.mark.parametrize("sigma2", ["pooled", "separate", 2.0])
def test_effect_of_tau_equals_shrink(path, sigma2):
    """At each tau and its sigma2, every estimate equals that of shrink with both known."""
    taus = [0.0, 0.7, 4.0]
    result = PATHS[path](pool.profile, UNEVEN, "y", "g", sigma2=sigma2, tau=taus, groups=True).sort("tau", "g")
    curve = pool.profile(UNEVEN, "y", "g", sigma2=sigma2, tau=taus)
    assert result.columns == ["g", "tau", "estimate", "se"]
    for tau, at in zip(taus, curve["sigma2"], strict=True):
        within = at if sigma2 == "pooled" else sigma2
        want = pool.shrink(UNEVEN, "y", "g", sigma2=within, tau2=tau**2)
        assert_frame_equal(
            result.filter(pl.col("tau") == tau).select("g", "estimate", "se"), want["g", "estimate", "se"]
        )


def test_eight_schools_effect_of_tau():
    """Gelman et al. (2013), figure 5.6: all estimates are 7.7 at tau = 0, and the own means at a large tau."""
    frame, by = grid.studies("meta_eight_schools")
    result = pool.profile(frame, "y", by, se="se", tau=[0, 1e9], groups=True)
    assert_near(result.filter(pl.col("tau") == 0)["estimate"], [7.685616724956036] * 8, 1e-12)
    assert_near(result.filter(pl.col("tau") > 0).sort(by)["estimate"], frame.sort(by)["y"], 1e-12)


@pytest.mark.share(2)
@paths
@pytest.mark.parametrize("options", [{}, {"sigma2": "separate"}, {"weights": "w"}, {"mu": 2.0}])
def test_the_default_grid_reaches_the_limit_of_the_99_percent_interval(path, options):
    result = PATHS[path](pool.profile, UNEVEN, "y", "g", **options).sort("tau")
    model = pool.components(UNEVEN, "y", "g", level=0.99, limits="profile", **options).row(0, named=True)
    assert result.height == 61
    assert_near(result["tau"], np.linspace(0, math.sqrt(model["tau2_upper"]), 61), 1e-12)
    last = result["restricted_log_likelihood"][-1]
    assert_near(model["log_likelihood"] - last, 6.634896601021213 / 2, 1e-8)
    assert result["restricted_log_likelihood"].max() <= model["log_likelihood"] + 1e-12


@paths
def test_many_models_and_stored_moments(path):
    """Each model equals the same model alone; stored moments equal rows."""
    models = [UNEVEN, UNEVEN.with_columns(pl.col("y") * 100 + 1e6), UNEVEN.filter(pl.col("g") == 0)]
    stacked = pl.concat([frame.with_columns(model=pl.lit(i)) for i, frame in enumerate(models)])
    result = PATHS[path](pool.profile, stacked, "y", "g", over="model").sort("model", "tau")
    of_moments = PATHS[path](pool.profile, stored(UNEVEN), "mean", "g", **MOMENTS).sort("tau")
    alone = [pool.profile(frame, "y", "g") for frame in models]
    assert_frame_equal(of_moments, alone[0], rel_tol=1e-11)
    for i, want in enumerate(alone):
        assert_frame_equal(result.filter(pl.col("model") == i).drop("model"), want, rel_tol=1e-6)
    assert alone[2]["tau"].to_list() == [0.0]


@pytest.mark.parametrize("groups", [False, True])
def test_lazy_input_gives_lazy_output_also_in_namespaces(groups):
    query = pool.profile(UNEVEN.lazy(), "y", "g", tau=[1.0], groups=groups)
    assert isinstance(query, pl.LazyFrame)
    assert query.collect_schema() == query.collect().schema
    want = pool.profile(UNEVEN, "y", "g", tau=[1.0], groups=groups)
    assert_frame_equal(UNEVEN.pool.profile("y", "g", tau=[1.0], groups=groups), want)
    assert_frame_equal(
        UNEVEN.lazy().pool.profile("y", "g", tau=[1.0], groups=groups).collect(), want, check_row_order=False
    )


@pytest.mark.share(2)
@paths
@pytest.mark.parametrize("frame", [UNEVEN.clear(), UNEVEN.with_columns(y=pl.lit(None, pl.Float64))])
@pytest.mark.parametrize("options", [{}, {"over": "w"}, {"groups": True}, {"tau": [0.0, 1.0]}])
def test_nothing_to_profile(path, frame, options):
    result, want = PATHS[path](pool.profile, frame, "y", "g", **options), pool.profile(frame, "y", "g", **options)
    assert result.height == 0
    assert result.schema == want.schema


def each(path, frames, *columns, keys, **options):
    """Pairs (result, expected) for every frame; SQL is slow to plan, so all frames are models of one query."""
    wanted = [FRAME_PATHS["DataFrame"](pool.profile, frame, *columns, **options).sort(keys) for frame in frames]
    if path in MODULE:
        models = pl.concat([frame.with_columns(model=pl.lit(i)) for i, frame in enumerate(frames)])
        result = PATHS[path](pool.profile, models, *columns, over="model", **options)
        yield from ((result.filter(model=i).drop("model").sort(keys), want) for i, want in enumerate(wanted))
    if path not in MODULE or (options.get("tau") is None and options.keys() <= {"tau", "se"}):
        for frame, want in zip(frames, wanted, strict=True):
            yield PATHS[path](pool.profile, frame, *columns, **options).sort(keys), want


POOR = [[(0, 1.0)], [(0, 1.0), (1, 2.0)], [(0, 2.0), (0, 2.0), (1, 2.0), (1, 2.0)], [(0, 1.0), (0, 1.0), (1, 2.0)]]


@pytest.mark.share(2)
@paths
@pytest.mark.parametrize("tau", [None, [0.0, 1.0]])
@pytest.mark.parametrize("options", [{}, {"groups": True}, {"mu": 1.0}, {"sigma2": "separate"}, {"sigma2": "squeezed"}])
def test_degenerate_rows_give_numbers_or_nulls(path, tau, options):
    frames = [pl.DataFrame(rows, schema=["g", "y"], orient="row") for rows in POOR]
    keys = ["g", "tau"] if "groups" in options else ["tau"]
    for result, want in each(path, frames, "y", "g", keys=keys, tau=tau, **options):
        assert all(x is None or math.isfinite(x) for row in result.rows() for x in row)
        assert_frame_equal(result, want, rel_tol=1e-8, abs_tol=1e-12)


@pytest.mark.share(2)
@paths
@pytest.mark.parametrize("tau", [None, [0.0, 1.0, 100.0]])
@pytest.mark.parametrize("options", [{}, {"mu": 2.0}, {"groups": True}])
def test_published_estimates_with_exact_groups(path, tau, options):
    errors = [[0.0, 1.0, 2.0, 1.0], [0.0, 0.0, 1.0, 1.0], [0.0] * 4, [1e-9, 1.0, 1.0, 1e9]]
    frames = [pl.DataFrame({"g": range(4), "y": [1.0, 2.0, 4.0, 8.0], "se": se}) for se in errors]
    keys = ["g", "tau"] if "groups" in options else ["tau"]
    for result, want in each(path, frames, "y", "g", keys=keys, se="se", tau=tau, **options):
        assert_frame_equal(result, want, rel_tol=1e-8, abs_tol=1e-12)


@paths
def test_squeezed_groups_at_a_tau(path):
    """Each group uses its squeezed variance, as in shrink at the same tau2."""
    result = PATHS[path](pool.profile, UNEVEN, "y", "g", sigma2="squeezed", tau=[0.0, 0.7], groups=True).sort(
        "tau", "g"
    )
    want = [pool.shrink(UNEVEN, "y", "g", sigma2="squeezed", tau2=tau**2).sort("g") for tau in (0.0, 0.7)]
    assert_frame_equal(result.select("g", "estimate", "se"), pl.concat(want).select("g", "estimate", "se"))


@given(st.lists(st.lists(st.integers(-40, 40), min_size=1, max_size=5), min_size=2, max_size=6), st.floats(0.01, 20))
def test_sigma2_at_each_tau_is_the_most_likely(groups, tau):
    """No sigma2 of a grid over eight decades is more likely: the curve follows the global maximum."""
    groups[0] = [*groups[0], groups[0][0] + 1]
    rows = pl.DataFrame(
        {"g": [j for j, ys in enumerate(groups) for _ in ys], "y": [y / 4 for ys in groups for y in ys]}
    )
    got = pool.profile(rows, "y", "g", tau=[tau]).row(0, named=True)
    dense = truth.Groups(rows["g"].to_list(), rows["y"].to_list())
    for sigma2 in np.geomspace(1e-4, 1e4, 41) * float(dense.SSW):
        for name, restricted in zip(LIKELIHOODS, (False, True), strict=True):
            at = -truth.deviance_rows(dense, sigma2, tau**2, restricted) / 2
            assert got[name] >= at - 1e-7 * abs(at)


MESSAGES = [
    ({"tau": 1.0}, TypeError, "tau=1.0; give a list of numbers, each 0 or more, such as [0, 1, 2]"),
    ({"tau": [-1]}, ValueError, "tau holds -1; give a list of numbers, each 0 or more, such as [0, 1, 2]"),
    ({"tau": ["a"]}, TypeError, "tau holds 'a'; give a list of numbers, each 0 or more, such as [0, 1, 2]"),
    ({"tau": [math.nan]}, ValueError, "tau holds nan; give a list of numbers, each 0 or more, such as [0, 1, 2]"),
    ({"tau": []}, ValueError, "tau=[] is empty; give a list of numbers, each 0 or more, such as [0, 1, 2]"),
    (
        {"mu": "rows"},
        ValueError,
        "mu='rows' does not fit a profile, where mu is the most likely: give 'gls' or a number",
    ),
]


@pytest.mark.parametrize(("options", "error", "message"), MESSAGES)
def test_messages(options, error, message):
    with pytest.raises(error) as raised:
        pool.profile(UNEVEN.lazy(), "y", "g", **options)
    assert str(raised.value) == message


@pytest.mark.parametrize("engine", MODULE)
@pytest.mark.parametrize(("options", "error", "message"), MESSAGES)
def test_messages_of_sql(engine, options, error, message):
    options = {role: [*map(float, value)] if value == [-1] else value for role, value in options.items()}
    with pytest.raises(duckdb.Error) as raised:
        MODULE[engine](pool.profile, UNEVEN, "y", "g", **options)
    assert message.replace("holds -1;", "holds -1.0;") in str(raised.value)


def test_the_curve_in_another_unit_in_duckdb():
    """The unit of the values changes no digit, even where their squares are beyond DOUBLE in the fourth power."""
    with duckdb.connect() as connection:
        pool.install_macros(connection, temporary=True)
        connection.execute("CREATE TABLE near AS SELECT i % 7 AS g, i % 7 / 2 + i % 11 / 4 AS y FROM range(40) t(i)")
        connection.execute("CREATE TABLE far AS SELECT g, y * 2.0 ** 400 AS y FROM near")
        near = connection.sql("FROM pool_profile(near, y, g, tau := [0.5])").pl().row(0, named=True)
        far = connection.sql("FROM pool_profile(far, y, g, tau := [0.5 * 2.0 ** 400])").pl().row(0, named=True)
    assert_near(far["q"], near["q"], 1e-14)
    for name, power in {"mu": 1, "se_mu": 1, "sigma2": 2}.items():
        assert_near(far[name], near[name] * 2.0 ** (400 * power), 1e-14)
    for name, numbers in zip(LIKELIHOODS, (40, 39), strict=True):
        assert_near(far[name], near[name] - numbers * 400 * math.log(2), 1e-14)
