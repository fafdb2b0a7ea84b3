"""Degenerate data have defined results: every line of the table, by every path, against numbers computed by hand."""

import math
import warnings
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

import polars as pl
import pytest
from frames import (
    FRAME_PATHS,
    MOMENTS,
    PATHS,
    ROW_PATHS,
    TAU2,
    assert_near,
    by_key,
    estimates,
    methods,
    near,
    published,
    rows,
    stored,
)

import polars_pool as pool

frame_paths = pytest.mark.parametrize("run", FRAME_PATHS.values(), ids=FRAME_PATHS)
row_paths = pytest.mark.parametrize("column", ROW_PATHS.values(), ids=ROW_PATHS)
all_paths = pytest.mark.parametrize("path", PATHS)
every_method = pytest.mark.parametrize("tau2", TAU2)
on_rows_and_moments = pytest.mark.parametrize("source", ["rows", "moments"])
on_studies = pytest.mark.parametrize("tau2", methods("published"))
that_can_be_0 = pytest.mark.parametrize("tau2", [name for name in TAU2 if name != "chung"])

MEDIAN_CHI2_2 = 2 * math.log(2)  # chi-square with 2 degrees of freedom is exponential with mean 2
MEDIAN_CHI2_1 = NormalDist().inv_cdf(0.75) ** 2
Z95 = NormalDist().inv_cdf(0.975)

DATA_ERRORS = (pl.exceptions.ComputeError, ValueError)


def as_input(frame: pl.DataFrame, source: str) -> tuple:
    """(frame, value, options) for rows, or for the stored moments of these rows."""
    return (frame, "y", {}) if source == "rows" else (stored(frame), "mean", MOMENTS)


def fit(run, frame, value, **options) -> tuple[dict, dict]:
    """The row of the model and the rows of the groups."""
    model = run(pool.components, frame, value, "g", **options)
    assert model.height == 1
    return model.row(0, named=True), by_key(run(pool.shrink, frame, value, "g", **options))


# ---- value null --------------------------------------------------------------------------------------------
# Groups of 2, 3 and 2 rows with means 2, 7, 12; with sigma2 = 4, tau2 = 4: v = 2, 4/3, 2; weight 2/3, 3/4, 2/3;
# sum of 1 / (v + tau2) = 1/6 + 3/16 + 1/6 = 25/48; mu = (2/6 + 21/16 + 12/6) / (25/48) = 7; se_mu² = 48/25.

WITH_NULLS = rows({1: [1, 3], 2: [5, None, 7, 9], 3: [10, 14], 4: [None, None]})
KNOWN = {"sigma2": 4, "tau2": 4}
KNOWN_ESTIMATES = {1: 11 / 3, 2: 7.0, 3: 31 / 3, 4: 7.0}


@all_paths
def test_null_rows_are_ignored_and_a_group_of_nulls_gets_mu(path):
    assert_near(estimates(path, WITH_NULLS, **KNOWN), KNOWN_ESTIMATES, 1e-14)


@frame_paths
@on_rows_and_moments
def test_statistics_of_a_group_of_nulls(run, source):
    frame, value, options = as_input(WITH_NULLS, source)
    model, groups = fit(run, frame, value, **options, **KNOWN)
    assert model["groups"] == 3
    assert model["n"] == 7
    assert_near(model["mu"], 7.0, 1e-14)
    assert_near(model["se_mu"], math.sqrt(48 / 25), 1e-14)
    assert_near(groups[4]["se"], math.sqrt(4 + 48 / 25), 1e-14)
    assert groups[4]["n"] == 0
    assert groups[4]["mean"] is None
    assert groups[4]["weight"] == 0
    assert groups[2]["n"] == 3
    assert_near(groups[1]["weight"], 2 / 3, 1e-14)
    assert_near(groups[1]["se"], math.sqrt(4 / 3 + (48 / 25) / 9), 1e-14)
    assert_near(groups[1]["lower"], 11 / 3 - Z95 * math.sqrt(4 / 3 + (48 / 25) / 9), 1e-13)
    assert_near(groups[1]["upper"], 11 / 3 + Z95 * math.sqrt(4 / 3 + (48 / 25) / 9), 1e-13)


@frame_paths
def test_conditional_error_of_a_group_of_nulls(run):
    groups = by_key(run(pool.shrink, WITH_NULLS, "y", "g", **KNOWN, uncertainty="conditional"))
    assert_near(groups[4]["se"], 2.0, 1e-14)  # sqrt(tau2)
    assert_near(groups[1]["se"], math.sqrt(4 / 3), 1e-14)  # sqrt(weight v)


@frame_paths
def test_a_study_without_an_estimate_gets_mu(run):
    frame = published({1: (2, math.sqrt(2)), 2: (7, math.sqrt(4 / 3)), 3: (12, math.sqrt(2)), 4: (None, None)})
    model, groups = fit(run, frame, "y", se="se", tau2=4)
    assert model["groups"] == 3
    assert_near({key: row["estimate"] for key, row in groups.items()}, KNOWN_ESTIMATES, 1e-14)
    assert groups[4]["weight"] == 0
    assert_near(groups[4]["se"], math.sqrt(4 + 48 / 25), 1e-14)


@all_paths
@every_method
def test_a_group_of_nulls_gets_the_estimated_mu(path, tau2):
    frame = rows({1: [1, 3], 2: [5, 7, 9], 3: [10, 14, 12, 12], 4: [None]})
    mu = pool.components(frame, "y", "g", tau2=tau2)["mu"].item()
    assert_near(estimates(path, frame, tau2=tau2)[4], mu, 1e-12)


@frame_paths
def test_only_nulls(run):
    frame = rows({1: [None, None], 2: [None]})
    model, groups = fit(run, frame, "y")
    assert model["groups"] == 0
    assert model["n"] == 0
    assert model["mu"] is None
    assert model["tau2"] is None
    assert [groups[key]["estimate"] for key in (1, 2)] == [None, None]


@row_paths
def test_only_nulls_in_expressions(column):
    assert column(rows({1: [None, None], 2: [None]}), "y", "g").to_list() == [None] * 3


@row_paths
def test_a_model_of_only_nulls_keeps_its_rows(column):
    """Its estimates are null; the other model is unaffected."""
    nulls = WITH_NULLS.with_columns(y=pl.lit(None, pl.Float64), year=1)
    result = column(pl.concat([nulls, WITH_NULLS.with_columns(year=2)]), "y", "g", over="year", **KNOWN)
    assert result.head(10).to_list() == [None] * 10
    assert_near(result.tail(10), [KNOWN_ESTIMATES[key] for key in WITH_NULLS["g"]], 1e-14)


@frame_paths
def test_moments_of_a_group_of_nulls(run):
    moments = by_key(run(pool.moments, WITH_NULLS, "y", "g"))
    assert moments[4] == {"g": 4, "n": 0, "mean": None, "var": None}
    assert moments[1]["n"] == 2
    assert_near(moments[1]["var"], 2.0, 1e-15)
    merged = run(pool.merge, pl.concat([pool.moments(WITH_NULLS, "y", "g")] * 2), "g")
    assert by_key(merged)[4] == {"g": 4, "n": 0, "mean": None, "var": None}


# ---- value NaN or infinite ---------------------------------------------------------------------------------

NOT_FINITE = [math.nan, math.inf, -math.inf]


@all_paths
@pytest.mark.parametrize("bad", NOT_FINITE)
@pytest.mark.parametrize("tau2", ["reml", "dl", 1.0])
def test_not_finite_is_an_error_that_names_the_column(path, bad, tau2):
    frame = rows({1: [1, 3], 2: [5, bad], 3: [4, 4.5]}, value="reading")
    with pytest.raises(DATA_ERRORS, match="reading"):
        estimates(path, frame, "reading", tau2=tau2)


@all_paths
@pytest.mark.parametrize("bad", NOT_FINITE)
def test_not_finite_may_be_treated_as_null(path, bad):
    frame = rows({1: [1, 3], 2: [5, bad, 7, 9], 3: [10, 14, bad], 4: [bad, bad]})
    assert_near(estimates(path, frame, **KNOWN, nan="null"), KNOWN_ESTIMATES, 1e-14)


@frame_paths
@pytest.mark.parametrize("bad", NOT_FINITE)
def test_not_finite_in_every_verb(run, bad):
    frame = rows({1: [1, 3], 2: [5, bad], 3: [4, 4.5]}, value="reading")
    for verb in (pool.components, pool.moments):
        with pytest.raises(DATA_ERRORS, match="reading"):
            run(verb, frame, "reading", "g")
        assert run(verb, frame, "reading", "g", nan="null")["n"].sum() == 5


@frame_paths
@pytest.mark.parametrize("bad", NOT_FINITE)
def test_not_finite_moments_and_studies(run, bad):
    states = pl.DataFrame({"g": [1, 2, 3], "centre": [1.0, bad, 4.0], "n": [3, 4, 5], "var": [1.0, 2.0, 1.5]})
    with pytest.raises(DATA_ERRORS, match="centre"):
        run(pool.shrink, states, "centre", "g", **MOMENTS)
    assert by_key(run(pool.shrink, states, "centre", "g", **MOMENTS, nan="null"))[2]["weight"] == 0
    studies = pl.DataFrame({"g": [1, 2, 3], "effect": [1.0, bad, 4.0], "se": [1.0, 1.0, 0.5]})
    with pytest.raises(DATA_ERRORS, match="effect"):
        run(pool.shrink, studies, "effect", "g", se="se")
    assert by_key(run(pool.shrink, studies, "effect", "g", se="se", nan="null"))[2]["weight"] == 0


@frame_paths
def test_not_finite_raises_even_if_only_keys_are_selected(run):
    """The error does not depend on the result columns that the query selects."""
    frame = rows({1: [1, 3], 2: [5, math.nan], 3: [4, 4.5]}, value="reading")

    def only_the_estimate(frame, value, by):
        return pool.shrink(frame, value, by).select("g", "estimate")

    with pytest.raises(DATA_ERRORS, match="reading"):
        run(only_the_estimate, frame, "reading", "g")


@frame_paths
def test_one_model_with_a_nan_is_an_error_for_all(run):
    frame = rows({1: [1, 3], 2: [5, math.nan], 3: [4, 4.5], 4: [1, 2]}).with_columns(year=pl.col("g") % 2)
    with pytest.raises(DATA_ERRORS, match="y"):
        run(pool.shrink, frame, "y", "g", over="year")


def test_not_finite_of_an_expression_names_the_expression():
    with pytest.raises(DATA_ERRORS, match="reading"):
        pool.shrink(rows({1: [1, 0], 2: [5, 7]}, value="reading"), pl.col("reading").log(), "g")


# ---- n unknown ---------------------------------------------------------------------------------------------


@frame_paths
def test_n_of_published_estimates_is_null_unless_set(run):
    frame = published({1: (2, 1), 2: (7, 2), 3: (12, 1)}).with_columns(size=pl.Series([10, 20, 30]))
    model, groups = fit(run, frame, "y", se="se", tau2="dl")
    assert [row["n"] for row in groups.values()] == [None] * 3
    assert model["n"] is None
    assert model["groups"] == 3
    model, groups = fit(run, frame, "y", se="se", n="size", tau2="dl")
    assert [groups[key]["n"] for key in (1, 2, 3)] == [10, 20, 30]
    assert model["n"] == 60


# ---- keys: null, NaN ---------------------------------------------------------------------------------------


@all_paths
@pytest.mark.parametrize("key", [pl.Int64, pl.String, pl.Float64])
def test_a_null_key_is_a_group_like_any_other(path, key):
    frame = WITH_NULLS.with_columns(pl.when(pl.col("g") != 2).then(pl.col("g").cast(key)))
    names = {k: str(k) if key == pl.String else k for k in (1, 3, 4)}
    want = {None if k == 2 else names[k]: estimate for k, estimate in KNOWN_ESTIMATES.items()}
    assert_near(estimates(path, frame, **KNOWN), want, 1e-14)


@all_paths
def test_a_nan_key_is_a_group_like_any_other(path):
    nan_for_2, null_for_3 = pl.col("g") == 2, pl.col("g") == 3
    key = pl.when(nan_for_2).then(math.nan).when(null_for_3).then(None).otherwise(pl.col("g").cast(pl.Float64))
    want = {{2: "NaN", 3: None}.get(k, k): estimate for k, estimate in KNOWN_ESTIMATES.items()}
    assert_near(estimates(path, WITH_NULLS.with_columns(g=key), **KNOWN), want, 1e-14)


@frame_paths
def test_null_and_nan_keys_stay_in_the_result(run):
    frame = pl.DataFrame({"g": [None, None, math.nan, math.nan, 1.0, 1.0], "y": [1.0, 2, 3, 5, 6, 8]})
    result = run(pool.shrink, frame, "y", "g").sort("g", nulls_last=False)
    assert result["g"][0] is None
    assert result["g"].is_nan().sum() == 1
    assert result["estimate"].null_count() == 0


@all_paths
def test_a_model_of_null(path):
    """A null in `over` is a model like any other."""
    frame = pl.concat(
        [WITH_NULLS.with_columns(year=pl.lit(None, pl.Int64)), WITH_NULLS.with_columns(year=pl.lit(1, pl.Int64))]
    )
    frame = frame.with_columns(pl.col("y") + pl.when(pl.col("year") == 1).then(100).otherwise(0))
    moved = {key: estimate + 100 for key, estimate in KNOWN_ESTIMATES.items()}
    if path in FRAME_PATHS:
        result = by_key(FRAME_PATHS[path](pool.shrink, frame, "y", "g", over="year", **KNOWN), "year", "g")
        got = {key: row["estimate"] for key, row in result.items()}
    else:
        column = ROW_PATHS[path](frame, "y", "g", over="year", **KNOWN)
        got = dict(zip(zip(frame["year"], frame["g"], strict=True), column, strict=True))
    want = {(None, key): estimate for key, estimate in KNOWN_ESTIMATES.items()}
    assert_near(got, want | {(1, key): estimate for key, estimate in moved.items()}, 1e-14)


# ---- empty input -------------------------------------------------------------------------------------------

STATISTICS = {
    "n": pl.Int64,
    **dict.fromkeys(("mean", "v", "weight", "estimate", "se", "lower", "upper"), pl.Float64),
}
MODEL = {
    "groups": pl.Int64,
    "n": pl.Int64,
    **dict.fromkeys(("sigma2", "tau2", "mu", "se_mu", "icc", "df_prior", "sigma2_prior"), pl.Float64),
    **dict.fromkeys(("q", "q_p", "i2", "h2", "se_tau2", "tau2_lower", "tau2_upper"), pl.Float64),
    **dict.fromkeys(("log_likelihood", "aic", "lrt", "lrt_p"), pl.Float64),
    **dict.fromkeys(("mu_lower", "mu_upper", "mu_p", "new_lower", "new_upper"), pl.Float64),
    "converged": pl.Boolean,
}
STATE = {"n": pl.Int64, "mean": pl.Float64, "var": pl.Float64}
both_keys = pytest.mark.parametrize("key", [pl.Int32, pl.String])


@frame_paths
@both_keys
@pytest.mark.parametrize("tau2", [*TAU2, 1.0])
def test_empty_rows(run, key, tau2):
    frame = pl.DataFrame(schema={"g": key, "year": key, "y": pl.Float64})
    assert run(pool.shrink, frame, "y", "g", tau2=tau2).schema == {"g": key, **STATISTICS}
    assert run(pool.shrink, frame, "y", "g", over="year", tau2=tau2).schema == {"year": key, "g": key, **STATISTICS}
    assert run(pool.components, frame, "y", "g", tau2=tau2).schema == MODEL
    over = run(pool.components, frame, "y", "g", over="year", tau2=tau2)
    assert over.schema == {"year": key, **MODEL}
    assert over.height == 0
    encoded = run(pool.encode, frame, "y", "g", tau2=tau2)
    assert encoded.schema == {**frame.schema, "estimate": pl.Float64}
    assert encoded.height == 0


@frame_paths
@both_keys
def test_empty_input_gives_an_empty_result(run, key):
    frame = pl.DataFrame(schema={"g": key, "y": pl.Float64, "w": pl.Float64})
    assert run(pool.shrink, frame, "y", "g").height == 0
    assert run(pool.components, frame, "y", "g").height == 0
    moments = run(pool.moments, frame, "y", "g")
    assert moments.schema == {"g": key, **STATE}
    assert moments.height == 0
    moments = run(pool.moments, frame, "y", "g", weights="w")
    assert moments.schema == {"g": key, **STATE, "w": pl.Float64}
    merged = run(pool.merge, moments, "g", weights="w")
    assert merged.schema == {"g": key, **STATE, "w": pl.Float64}
    assert merged.height == 0
    assert run(pool.shrink, frame, "y", "g", weights="w").schema == {"g": key, **STATISTICS}


@frame_paths
@both_keys
def test_empty_moments_and_studies(run, key):
    states = pl.DataFrame(schema={"g": key, "mean": pl.Float64, "n": pl.Int64, "var": pl.Float64})
    assert run(pool.shrink, states, "mean", "g", **MOMENTS).schema == {"g": key, **STATISTICS}
    assert run(pool.components, states, "mean", "g", **MOMENTS).schema == MODEL
    assert run(pool.merge, states, "g").schema == {"g": key, **STATE}
    studies = pl.DataFrame(schema={"g": key, "y": pl.Float64, "se": pl.Float64})
    shrunk = run(pool.shrink, studies, "y", "g", se="se")
    assert shrunk.schema == {"g": key, **STATISTICS}
    assert shrunk.height == 0
    assert run(pool.components, studies, "y", "g", se="se").schema == MODEL


@row_paths
@both_keys
def test_empty_input_of_expressions(column, key):
    result = column(pl.DataFrame(schema={"g": key, "y": pl.Float64}), "y", "g")
    assert result.dtype == pl.Float64
    assert len(result) == 0


@pytest.mark.parametrize("verb", [pool.shrink, pool.components, pool.encode, pool.moments])
@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32, pl.Int8, pl.Boolean])
def test_the_schema_is_known_before_the_query_runs(verb, dtype):
    frame = rows({"a": [1, 0], "b": [1, 1], "c": [0, 0, 1]}).with_columns(pl.col("y").cast(dtype))
    query = verb(frame.lazy(), "y", "g", **({} if verb is pool.moments else {"family": "normal"}))
    assert query.collect_schema() == query.collect().schema


# ---- one group ---------------------------------------------------------------------------------------------
# Rows 1, 2, 6: mean 3, variance 7, v = 7/3.

ONE_GROUP = rows({1: [1, 2, 6]})


@frame_paths
@every_method
@on_rows_and_moments
def test_one_group(run, tau2, source):
    frame, value, options = as_input(ONE_GROUP, source)
    model, groups = fit(run, frame, value, **options, tau2=tau2)
    assert model["tau2"] is None
    assert model["se_mu"] is None
    assert (model["groups"], model["n"]) == (1, 3)
    assert_near(model["mu"], 3.0, 1e-15)
    assert_near(model["sigma2"], 7.0, 1e-15)
    assert groups[1]["weight"] == 1
    assert_near(groups[1]["estimate"], 3.0, 1e-15)
    assert_near(groups[1]["v"], 7 / 3, 1e-15)
    assert_near(groups[1]["se"], math.sqrt(7 / 3), 1e-15)
    assert_near(groups[1]["lower"], 3 - Z95 * math.sqrt(7 / 3), 1e-13)


@all_paths
@every_method
def test_estimate_of_one_group(path, tau2):
    assert_near(estimates(path, ONE_GROUP, tau2=tau2), {1: 3.0}, 1e-15)


@frame_paths
@on_studies
def test_one_study(run, tau2):
    frame = published({1: (3, 2)}).with_columns(n=pl.lit(9))
    model, groups = fit(run, frame, "y", se="se", tau2=tau2)
    assert (model["tau2"], model["se_mu"], model["mu"]) == (None, None, 3.0)
    assert (groups[1]["weight"], groups[1]["estimate"], groups[1]["se"], groups[1]["v"]) == (1, 3, 2, 4)


@frame_paths
@on_rows_and_moments
def test_one_group_with_a_known_tau2(run, source):
    """weight = 4 / (4 + 7/3) = 12/19; mu is the mean, so se² = weight v + (1 - weight)² (v + tau2) = v."""
    frame, value, options = as_input(ONE_GROUP, source)
    model, groups = fit(run, frame, value, **options, tau2=4)
    assert_near([model["mu"], model["tau2"], model["se_mu"]], [3, 4, math.sqrt(4 + 7 / 3)], 1e-14)
    assert_near([groups[1][name] for name in ("weight", "estimate", "se")], [12 / 19, 3, math.sqrt(7 / 3)], 1e-14)


@all_paths
def test_estimate_of_one_group_with_known_tau2_and_mu(path):
    assert_near(estimates(path, ONE_GROUP, tau2=4, mu=0), {1: 36 / 19}, 1e-14)


@frame_paths
def test_one_group_with_known_tau2_and_mu(run):
    model, groups = fit(run, ONE_GROUP, "y", tau2=4, mu=0)
    assert (model["mu"], model["se_mu"]) == (0, 0)
    assert_near(groups[1]["se"], math.sqrt(28 / 19), 1e-14)


@frame_paths
@pytest.mark.parametrize("tau2", ["reml", "ml", "anova", "dl", "he", "hs", "hsk", "pm", "eb"])
@on_rows_and_moments
def test_one_group_about_a_known_mu(run, tau2, source):
    """(mean - 0)² = 9 is tau2 + v, so tau2 = 9 - 7/3 by every moment or likelihood method."""
    frame, value, options = as_input(ONE_GROUP, source)
    model, groups = fit(run, frame, value, **options, tau2=tau2, mu=0)
    assert_near(model["tau2"], 20 / 3, 1e-9)
    assert_near(groups[1]["weight"], 20 / 27, 1e-9)
    assert_near(groups[1]["estimate"], 20 / 9, 1e-9)


@frame_paths
def test_one_group_about_a_known_mu_other_methods(run):
    """sj: tau0² = 9, then 9 · 9 / (9 + 7/3); pmm: 9 / (v + tau2) is the median of chi-square with 1."""
    for tau2, want in {"sj": 81 / (9 + 7 / 3), "pmm": 9 / MEDIAN_CHI2_1 - 7 / 3, "plugin": 9.0}.items():
        model, _ = fit(run, ONE_GROUP, "y", tau2=tau2, mu=0)
        assert_near(model["tau2"], want, 1e-9, what=tau2)


@frame_paths
@every_method
def test_a_single_row(run, tau2):
    _, groups = fit(run, rows({1: [5]}), "y", tau2=tau2)
    assert groups[1]["estimate"] == 5
    assert groups[1]["n"] == 1
    assert [groups[1][name] for name in ("v", "se", "weight")] == [None, None, None]


@row_paths
@every_method
def test_a_single_row_in_an_expression(column, tau2):
    assert column(rows({1: [5]}), "y", "g", tau2=tau2).to_list() == [5.0]


@frame_paths
def test_a_single_row_with_known_sigma2(run):
    """v = 9; without tau2 the weight is 1."""
    model, groups = fit(run, rows({1: [5]}), "y", sigma2=9)
    assert (model["mu"], model["tau2"]) == (5, None)
    assert [groups[1][name] for name in ("weight", "estimate", "v", "se")] == [1, 5, 9, 3]


@frame_paths
def test_one_group_and_a_group_of_nulls(run):
    """The empty group is not part of the model: mu is the mean of the other group, and tau2 is unknown."""
    model, groups = fit(run, rows({1: [1, 2, 6], 2: [None]}), "y")
    assert model["groups"] == 1
    assert groups[1]["weight"] == 1
    assert_near([groups[1]["estimate"], groups[2]["estimate"]], [3, 3], 1e-15)
    assert groups[2]["weight"] == 0


# ---- every group has one row -------------------------------------------------------------------------------

SINGLES = rows({1: [1], 2: [2], 3: [6]})


def single_moments() -> tuple:
    return stored(SINGLES), "mean", MOMENTS


@frame_paths
@every_method
@on_rows_and_moments
@pytest.mark.parametrize("sigma2", ["pooled", "separate"])
def test_every_group_has_one_row(run, tau2, source, sigma2):
    if tau2 == "cv" and sigma2 == "separate":
        sigma2 = "pooled"  # cv accepts only the pooled sigma2
    frame, value, options = as_input(SINGLES, source)
    model, groups = fit(run, frame, value, **options, tau2=tau2, sigma2=sigma2)
    assert (model["sigma2"], model["tau2"], model["converged"]) == (None, None, False)
    assert (model["groups"], model["n"]) == (3, 3)
    assert_near(model["mu"], 3.0, 1e-15)
    for row in groups.values():
        assert [row[name] for name in ("weight", "estimate", "se", "lower", "upper", "v")] == [None] * 6
    assert {key: row["mean"] for key, row in groups.items()} == {1: 1, 2: 2, 3: 6}


@row_paths
@every_method
def test_every_group_has_one_row_in_expressions(column, tau2):
    assert column(SINGLES, "y", "g", tau2=tau2).to_list() == [None] * 3


@frame_paths
@every_method
def test_other_models_are_unaffected(run, tau2):
    good = rows({1: [1, 3], 2: [5, 7, 9], 3: [10, 14]})
    both = pl.concat([SINGLES.with_columns(year=1), good.with_columns(year=2)])
    alone = run(pool.shrink, good, "y", "g", tau2=tau2).sort("g")
    groups = run(pool.shrink, both, "y", "g", over="year", tau2=tau2).sort("year", "g")
    assert groups.filter(year=1)["estimate"].to_list() == [None] * 3
    assert_near(groups.filter(year=2)["estimate"], alone["estimate"], 1e-12)
    assert_near(groups.filter(year=2)["se"], alone["se"], 1e-9)
    models = run(pool.components, both, "y", "g", over="year", tau2=tau2).sort("year")
    assert models["converged"].to_list() == [False, True]
    assert models["tau2"][0] is None
    assert models["tau2"][1] is not None


@row_paths
def test_other_models_are_unaffected_in_expressions(column):
    good = rows({1: [1, 3], 2: [5, 7, 9], 3: [10, 14]})
    both = pl.concat([SINGLES.with_columns(year=1), good.with_columns(year=2)])
    result = column(both, "y", "g", over="year")
    assert result.head(3).to_list() == [None] * 3
    assert_near(result.tail(7), column(good, "y", "g"), 1e-12)


@pytest.mark.parametrize("verb", [pool.shrink, pool.components, pool.encode])
@on_rows_and_moments
def test_eager_calls_warn_once_and_name_the_remedies(verb, source):
    if verb is pool.encode and source == "moments":
        frame, value, options = SINGLES, "y", {"sigma2": "separate"}
    else:
        frame, value, options = as_input(SINGLES, source)
    with pytest.warns(pool.ConvergenceWarning) as record:
        verb(frame, value, "g", **options)
    assert len(record) == 1
    assert "sigma2=" in str(record[0].message)
    assert "se=" in str(record[0].message)
    with pytest.warns(pool.ConvergenceWarning) as record:
        getattr(frame.pool, verb.__name__)(value, "g", **options)
    assert len(record) == 1


def test_eager_calls_warn_once_for_many_models():
    frame = pl.concat([SINGLES.with_columns(year=year) for year in range(5)])
    with pytest.warns(pool.ConvergenceWarning) as record:
        pool.shrink(frame, "y", "g", over="year")
    assert len(record) == 1


def test_the_warning_points_at_the_caller():
    with pytest.warns(pool.ConvergenceWarning) as record:
        pool.shrink(SINGLES, "y", "g")
    assert record[0].filename == __file__
    with pytest.warns(pool.ConvergenceWarning) as record:
        SINGLES.pool.shrink("y", "g")
    assert record[0].filename == __file__


def test_the_warning_is_a_user_warning():
    assert issubclass(pool.ConvergenceWarning, UserWarning)


@pytest.mark.parametrize("verb", [pool.shrink, pool.components, pool.encode])
def test_lazy_calls_warn_when_the_query_runs(verb):
    with pytest.warns(pool.ConvergenceWarning) as expected:
        verb(SINGLES, "y", "g")
    query = verb(SINGLES.lazy(), "y", "g")
    with pytest.warns(pool.ConvergenceWarning) as record:
        query.collect()
    assert [str(w.message) for w in record] == [str(w.message) for w in expected]


@frame_paths
def test_a_known_sigma2_is_a_remedy(run):
    """sigma2 = 1, so v = 1: he gives var(1, 2, 6) - 1 = 6, weight 6/7, mu 3."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model, groups = fit(run, SINGLES, "y", sigma2=1, tau2="he")
    assert_near([model["sigma2"], model["tau2"], model["mu"]], [1, 6, 3], 1e-14)
    assert_near([groups[key]["estimate"] for key in (1, 2, 3)], [9 / 7, 15 / 7, 39 / 7], 1e-14)
    assert model["converged"]


@frame_paths
def test_a_group_of_one_row_and_a_group_of_nulls(run):
    model, groups = fit(run, rows({1: [1], 2: [2], 3: [None, None]}), "y")
    assert (model["groups"], model["n"], model["converged"], model["sigma2"]) == (2, 2, False, None)
    assert groups[1]["estimate"] is None


# ---- some groups have one row ------------------------------------------------------------------------------
# SSW = 2 + 8 over 5 - 2 degrees of freedom: pooled variance 10/3.

SOME_SINGLES = rows({1: [1, 3], 2: [5, 7, 9], 3: [20]})


@frame_paths
@on_rows_and_moments
def test_some_groups_have_one_row(run, source):
    frame, value, options = as_input(SOME_SINGLES, source)
    model, groups = fit(run, frame, value, **options, tau2=2)
    assert_near(model["sigma2"], 10 / 3, 1e-14)
    assert_near([groups[key]["v"] for key in (1, 2, 3)], [10 / 6, 10 / 9, 10 / 3], 1e-14)
    assert_near([groups[key]["weight"] for key in (1, 2, 3)], [12 / 22, 18 / 28, 3 / 8], 1e-14)
    _, groups = fit(run, frame, value, **options, tau2=2, sigma2="separate")
    assert_near([groups[key]["v"] for key in (1, 2, 3)], [1, 4 / 3, 10 / 3], 1e-14)
    assert_near([groups[key]["weight"] for key in (1, 2, 3)], [2 / 3, 3 / 5, 3 / 8], 1e-14)


@all_paths
def test_estimates_where_some_groups_have_one_row(path):
    want = {1: 2 * 2 / 3, 2: 7 * 3 / 5, 3: 20 * 3 / 8}
    assert_near(estimates(path, SOME_SINGLES, tau2=2, mu=0, sigma2="separate"), want, 1e-14)
    want = {1: 2 * 12 / 22, 2: 7 * 18 / 28, 3: 20 * 3 / 8}
    assert_near(estimates(path, SOME_SINGLES, tau2=2, mu=0), want, 1e-14)


# ---- no variance within ------------------------------------------------------------------------------------

ALL_EQUAL = rows({1: [5, 5], 2: [5, 5, 5], 3: [5]})


@frame_paths
@every_method
@on_rows_and_moments
def test_all_rows_equal(run, tau2, source):
    frame, value, options = as_input(ALL_EQUAL, source)
    model, groups = fit(run, frame, value, **options, tau2=tau2)
    assert (model["sigma2"], model["tau2"], model["mu"], model["se_mu"]) == (0, 0, 5, 0)
    assert model["converged"]
    for row in groups.values():
        assert [row[name] for name in ("weight", "estimate", "se", "lower", "upper", "v")] == [1, 5, 0, 5, 5, 0]


@all_paths
@every_method
def test_estimates_where_all_rows_are_equal(path, tau2):
    assert estimates(path, ALL_EQUAL, tau2=tau2) == {1: 5, 2: 5, 3: 5}


@all_paths
@pytest.mark.parametrize("value", [0.1, 1e9 + 0.3, -1e-300, 1 / 3])
def test_all_rows_equal_for_any_value(path, value):
    """Equal rows have variance 0, not a rounding error."""
    frame = rows({key: [value] * (key + 2) for key in range(7)})
    # Polars' own mean of equal rows may differ in the last place.
    assert list(estimates(path, frame).values()) == pytest.approx([value] * 7, rel=4e-16, abs=0)
    model = pool.components(frame, "y", "g").row(0, named=True)
    assert (model["sigma2"], model["tau2"]) == (0, 0)


# Means 1, 2, 6 of 3, 2 and 4 equal rows. About the plain mean 3 the squares sum to 14. By rows: grand mean 31/9,
# MSB = (3·1 + 2·4 + 4·36 - 961/9) / 2 = 217/9, n0 = (9 - 29/9) / 2 = 26/9.
MEANS_DIFFER = rows({1: [1, 1, 1], 2: [2, 2], 3: [6, 6, 6, 6]})
EXACT_TAU2 = {
    **dict.fromkeys(["reml", "dl", "pm", "eb", "he", "sj", "hsk", "plugin", "cv", "chung"], 14 / 2),
    **dict.fromkeys(["ml", "hs", "sure"], 14 / 3),
    "anova": 217 / 26,
    "pmm": 14 / MEDIAN_CHI2_2,
}


def test_every_method_is_defined_for_exact_means():
    assert set(EXACT_TAU2) == set(TAU2)


@frame_paths
@pytest.mark.parametrize("tau2", EXACT_TAU2)
@on_rows_and_moments
def test_no_variance_within_and_means_that_differ(run, tau2, source):
    frame, value, options = as_input(MEANS_DIFFER, source)
    model, groups = fit(run, frame, value, **options, tau2=tau2)
    assert model["sigma2"] == 0
    assert_near(model["tau2"], EXACT_TAU2[tau2], 1e-9)
    assert_near(model["mu"], 3.0, 1e-12)
    assert_near(model["se_mu"], math.sqrt(EXACT_TAU2[tau2] / 3), 1e-9)
    assert model["converged"]
    assert {key: row["estimate"] for key, row in groups.items()} == {1: 1, 2: 2, 3: 6}
    assert [(row["weight"], row["se"]) for row in groups.values()] == [(1, 0)] * 3


@all_paths
@every_method
def test_estimates_without_variance_within(path, tau2):
    assert estimates(path, MEANS_DIFFER, tau2=tau2) == {1: 1, 2: 2, 3: 6}


@frame_paths
@pytest.mark.parametrize("tau2", [name for name in EXACT_TAU2 if name != "cv"])
@pytest.mark.parametrize("sigma2", ["separate", 0])
def test_no_variance_within_separate_or_known(run, tau2, sigma2):
    model, groups = fit(run, MEANS_DIFFER, "y", tau2=tau2, sigma2=sigma2)
    assert_near(model["tau2"], EXACT_TAU2[tau2], 1e-9)
    assert_near(model["mu"], 3.0, 1e-12)
    assert [(row["weight"], row["se"]) for row in groups.values()] == [(1, 0)] * 3


@frame_paths
@pytest.mark.parametrize("tau2", [name for name in EXACT_TAU2 if name not in ("cv", "anova")])
def test_exact_studies_that_differ(run, tau2):
    model, groups = fit(run, published({1: (1, 0), 2: (2, 0), 3: (6, 0)}), "y", se="se", tau2=tau2)
    assert_near(model["tau2"], EXACT_TAU2[tau2], 1e-9)
    assert_near(model["mu"], 3.0, 1e-12)
    assert_near(model["se_mu"], math.sqrt(EXACT_TAU2[tau2] / 3), 1e-9)
    assert [(row["weight"], row["se"]) for row in groups.values()] == [(1, 0)] * 3


@all_paths
def test_precedence_of_no_rows_exact_means_and_no_variance_between(path):
    """n = 0 gives weight 0, then v = 0 weight 1, then tau2 = 0 weight 0."""
    frame = rows({1: [1, 1], 2: [3, 3], 3: [None]})
    assert estimates(path, frame, sigma2=0, tau2=0, mu=10) == {1: 1, 2: 3, 3: 10}
    assert estimates(path, frame, sigma2=1, tau2=0, mu=10) == {1: 10, 2: 10, 3: 10}


@frame_paths
def test_precedence_of_weights(run):
    frame = rows({1: [1, 1], 2: [3, 3], 3: [None]})
    _, groups = fit(run, frame, "y", sigma2=0, tau2=0, mu=10)
    assert [groups[key]["weight"] for key in (1, 2, 3)] == [1, 1, 0]
    assert [groups[key]["se"] for key in (1, 2, 3)] == [0, 0, 0]
    _, groups = fit(run, frame, "y", sigma2=1, tau2=0, mu=10)
    assert [groups[key]["weight"] for key in (1, 2, 3)] == [0, 0, 0]


# ---- no variance between -----------------------------------------------------------------------------------


@frame_paths
@pytest.mark.parametrize("tau2", [name for name in methods("published") if name != "chung"])
def test_published_estimates_all_equal(run, tau2):
    """mu by precision 1, 1/4, 4: se_mu² = 1 / 5.25."""
    model, groups = fit(run, published({1: (5, 1), 2: (5, 2), 3: (5, 0.5)}), "y", se="se", tau2=tau2)
    assert (model["tau2"], model["converged"]) == (0, True)
    assert_near([model["mu"], model["se_mu"]], [5, 1 / math.sqrt(5.25)], 1e-15)
    for row in groups.values():
        assert row["weight"] == 0
        assert_near([row["estimate"], row["se"]], [5, 1 / math.sqrt(5.25)], 1e-15)


# Means 5, 5, 5 with SSW = 50 + 32 + 18 = 100 over 7 - 3 degrees of freedom. The joint estimates assign all variance to
# sigma2: 100/6 (reml), 100/7 (ml). se_mu² = sigma2 / 7.
EQUAL_MEANS = rows({1: [0, 10], 2: [1, 9, 5], 3: [2, 8]})


@frame_paths
@that_can_be_0
@on_rows_and_moments
def test_boundary(run, tau2, source):
    frame, value, options = as_input(EQUAL_MEANS, source)
    model, groups = fit(run, frame, value, **options, tau2=tau2)
    sigma2 = {"reml": 100 / 6, "ml": 100 / 7}.get(tau2, 25.0)
    assert (model["tau2"], model["icc"], model["converged"]) == (0, 0, True)
    assert_near([model["sigma2"], model["mu"], model["se_mu"]], [sigma2, 5, math.sqrt(sigma2 / 7)], 1e-12)
    for row in groups.values():
        assert row["weight"] == 0
        assert_near([row["estimate"], row["se"]], [5, math.sqrt(sigma2 / 7)], 1e-12)


TRUNCATED = [name for name in TAU2 if name not in ("plugin", "sj", "cv", "chung")]


@all_paths
@pytest.mark.parametrize("tau2", TRUNCATED)
def test_estimates_at_the_boundary(path, tau2):
    """Means 5, 5.5, 4 differ by less than their errors: all are pooled to the mean of the seven rows."""
    frame = rows({1: [0, 10], 2: [1.5, 9.5, 5.5], 3: [1, 7]})
    assert_near(estimates(path, frame, tau2=tau2), dict.fromkeys((1, 2, 3), 34.5 / 7), 1e-12)


@frame_paths
@pytest.mark.parametrize("tau2", TRUNCATED)
def test_the_boundary_is_visible_in_components(run, tau2):
    model, groups = fit(run, rows({1: [0, 10], 2: [1.5, 9.5, 5.5], 3: [1, 7]}), "y", tau2=tau2)
    assert (model["tau2"], model["converged"]) == (0, True)
    for row in groups.values():
        assert row["weight"] == 0
        assert_near(row["se"], model["se_mu"], 1e-14)


@frame_paths
def test_the_boundary_is_continuous(run):
    at_zero = by_key(run(pool.shrink, EQUAL_MEANS, "y", "g", tau2=0))
    near_zero = by_key(run(pool.shrink, EQUAL_MEANS, "y", "g", tau2=1e-14))
    for key in at_zero:
        for name in ("weight", "estimate", "se"):
            assert_near(near_zero[key][name], at_zero[key][name], 1e-12, 5.0, name)


# ---- standard errors of zero -------------------------------------------------------------------------------

ONE_EXACT = published({1: (1, 0), 2: (4, 1), 3: (9, 2)})
ONE_EXACT_BOUNDARY = published({1: (1, 0), 2: (1.5, 1), 3: (0.5, 2)})


def generalised_q(tau2: float, power: int = 1) -> float:
    """Σ w^power (y - mu)² of ONE_EXACT at w = 1 / (v + tau2), mu its weighted mean."""
    y, v = [1, 4, 9], [0, 1, 4]
    w = [1 / (x + tau2) for x in v]
    mu = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
    return sum(a**power * (b - mu) ** 2 for a, b in zip(w, y, strict=True))


@frame_paths
@on_studies
def test_an_exact_study_keeps_its_estimate(run, tau2):
    for frame, estimate in ((ONE_EXACT, 1), (published({1: (1, 0), 2: (4, 1), 3: (3, 0), 4: (9, 2)}), 1)):
        _, groups = fit(run, frame, "y", se="se", tau2=tau2)
        assert [groups[1][name] for name in ("weight", "estimate", "se", "v")] == [1, estimate, 0, 0]
        assert all(row["estimate"] is not None and math.isfinite(row["estimate"]) for row in groups.values())


@frame_paths
def test_dl_with_one_exact_study(run):
    """Q = 9/1 + 64/4 = 25 about the exact study, Σ1/v = 1.25 over the others: tau2 = (25 - 3 + 1) / 2.5 = 9.2."""
    model, groups = fit(run, ONE_EXACT, "y", se="se", tau2="dl")
    assert_near(model["tau2"], 9.2, 1e-14)
    assert_near([groups[key]["weight"] for key in (1, 2, 3)], [1, 9.2 / 10.2, 9.2 / 13.2], 1e-14)
    mu = (1 / 9.2 + 4 / 10.2 + 9 / 13.2) / (1 / 9.2 + 1 / 10.2 + 1 / 13.2)
    assert_near(model["mu"], mu, 1e-14)


@frame_paths
def test_dl_with_one_exact_study_is_the_limit(run):
    """The formula at se = 1e-5 differs from its limit by 1e-10, and rounding adds nothing."""
    small = ONE_EXACT.with_columns(se=pl.when(pl.col("se") == 0).then(1e-5).otherwise(pl.col("se")))
    model, _ = fit(run, small, "y", se="se", tau2="dl")
    assert_near(model["tau2"], 9.2, 1e-8)


@frame_paths
@pytest.mark.parametrize("tau2", ["dl", "reml", "pm", "eb"])
def test_an_exact_study_at_the_boundary(run, tau2):
    """Q = 0.25/1 + 0.25/4 < 2: mu is the exact study, and all others are pooled to it."""
    model, groups = fit(run, ONE_EXACT_BOUNDARY, "y", se="se", tau2=tau2)
    assert (model["tau2"], model["mu"], model["se_mu"], model["converged"]) == (0, 1, 0, True)
    assert [groups[key]["weight"] for key in (1, 2, 3)] == [1, 0, 0]
    assert [(row["estimate"], row["se"]) for row in groups.values()] == [(1, 0)] * 3


@frame_paths
def test_dl_with_several_exact_studies(run):
    """tau2 is their sample variance: var(1, 3) = 2, var(1, 3, 8) = 13."""
    model, _ = fit(run, published({1: (1, 0), 2: (4, 1), 3: (3, 0), 4: (9, 2)}), "y", se="se", tau2="dl")
    assert_near(model["tau2"], 2.0, 1e-14)
    model, _ = fit(run, published({1: (1, 0), 2: (4, 1), 3: (3, 0), 4: (8, 0)}), "y", se="se", tau2="dl")
    assert_near(model["tau2"], 13.0, 1e-14)


@frame_paths
def test_he_with_an_exact_study(run):
    """tau2 is var(1, 4, 9) = 49/3 minus the mean v, 5/3."""
    model, _ = fit(run, ONE_EXACT, "y", se="se", tau2="he")
    assert_near(model["tau2"], 44 / 3, 1e-14)


@frame_paths
def test_sj_with_an_exact_study(run):
    """tau0² = (294/9) / 3 = 98/9, then tau0² Σ w (y - mu)² / 2 with w = 1 / (v + tau0²)."""
    model, _ = fit(run, ONE_EXACT, "y", se="se", tau2="sj")
    assert_near(model["tau2"], 98 / 9 * generalised_q(98 / 9) / 2, 1e-13)


@frame_paths
@pytest.mark.parametrize(("tau2", "expected"), [("pm", 2), ("eb", 2), ("pmm", MEDIAN_CHI2_2)])
def test_roots_with_an_exact_study(run, tau2, expected):
    model, _ = fit(run, ONE_EXACT, "y", se="se", tau2=tau2)
    assert model["converged"]
    assert_near(generalised_q(model["tau2"]), expected, 1e-9)


@frame_paths
def test_reml_with_an_exact_study(run):
    """The restricted likelihood is finite at 0 and has its maximum where the score is 0."""
    model, _ = fit(run, ONE_EXACT, "y", se="se", tau2="reml")
    w = [1 / (v + model["tau2"]) for v in (0, 1, 4)]
    assert model["converged"]
    assert_near(generalised_q(model["tau2"], 2), sum(w) - sum(x * x for x in w) / sum(w), 1e-8)


@frame_paths
def test_ml_with_an_exact_study_takes_the_interior_maximum(run):
    """The likelihood is infinite at 0, which is not an estimate."""
    model, _ = fit(run, ONE_EXACT, "y", se="se", tau2="ml")
    assert model["converged"]
    assert model["tau2"] > 1
    assert_near(generalised_q(model["tau2"], 2), sum(1 / (v + model["tau2"]) for v in (0, 1, 4)), 1e-8)


@frame_paths
def test_ml_with_an_exact_study_and_no_interior_maximum(run):
    model, _ = fit(run, ONE_EXACT_BOUNDARY, "y", se="se", tau2="ml")
    assert model["converged"] is False


@frame_paths
@on_rows_and_moments
def test_separate_variance_of_zero(run, source):
    """Variances 0, 8, 4 over 2, 2, 3 rows: v = 0, 4, 4/3, so tau2 = 4 keeps 1, 1/2, 3/4."""
    frame, value, options = as_input(rows({1: [3, 3], 2: [1, 5], 3: [8, 12, 10]}), source)
    _, groups = fit(run, frame, value, **options, sigma2="separate", tau2=4)
    assert_near([groups[key]["weight"] for key in (1, 2, 3)], [1, 1 / 2, 3 / 4], 1e-15)
    assert [groups[1][name] for name in ("estimate", "se", "v")] == [3, 0, 0]


@all_paths
def test_estimates_with_a_separate_variance_of_zero(path):
    frame = rows({1: [3, 3], 2: [1, 5], 3: [8, 12, 10]})
    want = {1: 3, 2: 1.5, 3: 7.5}
    assert_near(estimates(path, frame, sigma2="separate", tau2=4, mu=0), want, 1e-15)


@frame_paths
def test_dl_with_a_separate_variance_of_zero(run):
    """About the exact group: Q = 9/4 + 36/(4/3) = 29.25, Σ1/v = 1: tau2 = (29.25 - 2) / 2; means 3, 0, 9."""
    model, groups = fit(run, rows({1: [3, 3], 2: [-2, 2], 3: [7, 11, 9]}), "y", sigma2="separate", tau2="dl")
    assert_near(model["tau2"], 27.25 / 2, 1e-14)
    assert (groups[1]["weight"], groups[1]["estimate"], groups[1]["se"]) == (1, 3, 0)


# ---- wrong standard errors, weights, moments ---------------------------------------------------------------


@frame_paths
@pytest.mark.parametrize("bad", [-0.5, None, math.nan])
@pytest.mark.parametrize("tau2", ["reml", "dl", "sj", 1.0])
def test_bad_standard_errors_are_named_and_counted(run, bad, tau2):
    frame = pl.DataFrame({"g": [1, 2, 3, 4, 5], "y": [1.0, 2, 3, 4, 5], "stderr": [1, bad, 1, bad, 2]}, strict=False)
    with pytest.raises(DATA_ERRORS, match=r"stderr") as error:
        run(pool.shrink, frame, "y", "g", se="stderr", tau2=tau2)
    assert "2" in str(error.value).replace("se2", "").replace("sigma2", "").replace("tau2", "")
    with pytest.raises(DATA_ERRORS, match="stderr"):
        run(pool.components, frame, "y", "g", se="stderr", tau2=tau2)


@frame_paths
@pytest.mark.parametrize("bad", [-0.5, None, math.nan])
def test_a_standard_error_of_a_null_is_ignored(run, bad):
    frame = pl.DataFrame({"g": [1, 2, 3], "y": [1.0, None, 3], "se": [1, bad, 1]}, strict=False)
    assert by_key(run(pool.shrink, frame, "y", "g", se="se", tau2=1))[2]["weight"] == 0


@all_paths
@pytest.mark.parametrize("bad", [-0.5, None, math.nan])
@pytest.mark.parametrize("tau2", ["reml", "dl", 1.0])
def test_bad_weights_are_named_and_counted(path, bad, tau2):
    frame = rows({1: [1, 3], 2: [5, 7, 9], 3: [10, 14]})
    frame = frame.with_columns(load=pl.Series([1, bad, 1, bad, 2, bad, 1], dtype=pl.Float64, strict=False))
    with pytest.raises(DATA_ERRORS, match=r"load") as error:
        estimates(path, frame, weights="load", tau2=tau2)
    assert "3" in str(error.value)


@frame_paths
@pytest.mark.parametrize("bad", [-0.5, None, math.nan])
def test_bad_weights_in_moments(run, bad):
    frame = rows({1: [1, 3], 2: [5, 7]})
    frame = frame.with_columns(load=pl.Series([1, bad, 1, bad], dtype=pl.Float64, strict=False))
    with pytest.raises(DATA_ERRORS, match=r"load") as error:
        run(pool.moments, frame, "y", "g", weights="load")
    assert "2" in str(error.value)


@all_paths
@pytest.mark.parametrize("bad", [-0.5, None, math.nan])
def test_a_weight_of_a_null_is_ignored(path, bad):
    load = [1, 1, 1, bad, 1, 1, 1, 1, bad, bad]
    frame = WITH_NULLS.with_columns(load=pl.Series(load, dtype=pl.Float64, strict=False))
    assert_near(estimates(path, frame, weights="load", **KNOWN), KNOWN_ESTIMATES, 1e-14)


@all_paths
def test_rows_of_weight_zero_are_ignored(path):
    frame = rows({1: [1, 3, 50], 2: [5, -7, 7, 9], 3: [10, 14], 4: [3, 4]})
    frame = frame.with_columns(w=pl.Series([1.0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0]))
    assert_near(estimates(path, frame, weights="w", **KNOWN), KNOWN_ESTIMATES, 1e-14)


@frame_paths
def test_statistics_with_rows_of_weight_zero(run):
    frame = rows({1: [1, 3, 50], 2: [5, -7, 7, 9], 3: [10, 14], 4: [3, 4]})
    frame = frame.with_columns(w=pl.Series([1.0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0]))
    model, groups = fit(run, frame, "y", weights="w", **KNOWN)
    assert [groups[key]["n"] for key in (1, 2, 3, 4)] == [2, 3, 2, 0]
    assert (model["groups"], model["n"]) == (3, 7)
    assert groups[4]["weight"] == 0
    moments = by_key(run(pool.moments, frame, "y", "g", weights="w"))
    assert moments[4]["n"] == 0
    assert_near([moments[1]["mean"], moments[1]["var"], moments[1]["w"]], [2, 2, 2], 1e-15)


@frame_paths
def test_weights_by_hand(run):
    """Rows 1, 4 of weights 2, 1: mean 2, Σw(y - mean)² = 6, var 6, Σw = 3, v = sigma2 / 3."""
    frame = rows({1: [1, 4], 2: [3, 5]}).with_columns(w=pl.Series([2.0, 1, 4, 4]))
    moments = by_key(run(pool.moments, frame, "y", "g", weights="w"))
    assert_near([moments[1]["mean"], moments[1]["var"], moments[1]["w"]], [2, 6, 3], 1e-15)
    assert_near([moments[2]["mean"], moments[2]["var"], moments[2]["w"]], [4, 8, 8], 1e-15)
    model, groups = fit(run, frame, "y", weights="w", tau2=1)
    assert_near(model["sigma2"], 7.0, 1e-15)  # (6 + 8) / (4 - 2): degrees of freedom count rows, not weights
    assert_near([groups[1]["v"], groups[2]["v"]], [7 / 3, 7 / 8], 1e-15)


GOOD_STATES = {"g": [1, 2, 3, 4], "mean": [1.0, 2.0, 5.0, 4.0], "size": [3.0, 4.0, 5.0, 6.0], "square": [1.0, 2, 3, 4]}


@frame_paths
@pytest.mark.parametrize(
    ("column", "bad"),
    [("size", -1.0), ("size", 2.5), ("square", -0.25)],
    ids=["negative n", "fraction n", "negative var"],
)
@pytest.mark.parametrize("tau2", ["reml", "dl", 1.0])
def test_bad_stored_moments(run, column, bad, tau2):
    frame = pl.DataFrame(GOOD_STATES | {column: [bad, *GOOD_STATES[column][1:]]})
    for verb in (pool.shrink, pool.components):
        with pytest.raises(DATA_ERRORS, match=column):
            run(verb, frame, "mean", "g", n="size", var="square", tau2=tau2)
    with pytest.raises(DATA_ERRORS, match=column):
        run(pool.merge, frame, "g", n="size", var="square")


@frame_paths
@pytest.mark.parametrize("tau2", ["reml", "dl", 1.0])
@pytest.mark.parametrize("ignored", [None, -5.0, math.nan, 1e9])
def test_var_is_ignored_for_fewer_than_two_rows(run, tau2, ignored):
    """A single row and a group without rows have no variance; the stored number is ignored."""
    states = {"g": [1, 2, 3, 4], "mean": [1.0, 2.0, 5.0, None], "n": [3, 4, 1, 0]}
    want, got = (
        run(
            pool.shrink,
            pl.DataFrame(states | {"var": [1.0, 2.0, var, var]}, strict=False),
            "mean",
            "g",
            **MOMENTS,
            tau2=tau2,
        )
        for var in (None, ignored)
    )
    assert_near(by_key(got), by_key(want), 1e-12)
    assert by_key(want)[3]["n"] == 1
    assert by_key(want)[4]["weight"] == 0
    merged = run(pool.merge, pl.DataFrame(states | {"var": [1.0, 2.0, ignored, ignored]}, strict=False), "g")
    assert by_key(merged)[3] == {"g": 3, "n": 1, "mean": 5.0, "var": None}


# ---- an iteration that does not converge -------------------------------------------------------------------

# The leave-one-out error decreases up to no pooling: at every finite tau2 it is above its limit.
NO_FINITE_CV = rows({0: [-0.125], 1: [0.0, 0.0], 3: [0.25, 0.25, 0.375]})


def leave_one_out_error(k: float) -> float:
    """Mean squared error of every row of NO_FINITE_CV, predicted at k = sigma2 / tau2 by a refit without it."""
    data = [(0, -0.125), (1, 0.0), (1, 0.0), (3, 0.25), (3, 0.25), (3, 0.375)]
    total = 0.0
    for held, (group, value) in enumerate(data):
        kept = [row for i, row in enumerate(data) if i != held]
        size = {key: sum(g == key for g, _ in kept) for key, _ in kept}
        mean = {key: sum(y for g, y in kept if g == key) / size[key] for key in size}
        h = {key: size[key] / (size[key] + k) for key in size}
        mu = sum(h[key] * mean[key] for key in h) / sum(h.values())
        weight = h.get(group, 0.0)
        total += (value - weight * mean.get(group, 0.0) - (1 - weight) * mu) ** 2
    return total / len(data)


def test_the_error_of_this_frame_has_no_minimum():
    errors = [leave_one_out_error(10.0**-power) for power in range(-4, 10)]
    assert errors == sorted(errors, reverse=True)


@frame_paths
def test_cross_validation_without_a_minimum_is_not_converged(run):
    model, groups = fit(run, NO_FINITE_CV, "y", tau2="cv")
    assert model["converged"] is False
    assert_near([groups[key]["estimate"] for key in (0, 1, 3)], [-0.125, 0.0, 0.875 / 3], 1e-9, 1.0)


def test_eager_calls_warn_of_models_that_did_not_converge():
    for verb in (pool.shrink, pool.components):
        with pytest.warns(pool.ConvergenceWarning) as record:
            verb(ONE_EXACT_BOUNDARY, "y", "g", se="se", tau2="ml")
        assert len(record) == 1


# ---- huge offsets ------------------------------------------------------------------------------------------


def exact_anova(frame: pl.DataFrame) -> dict[str, Fraction]:
    """The analysis of variance of the stored doubles, in exact arithmetic; equal values of a group are counted."""
    groups = {}
    for (key, value), times in Counter(frame.iter_rows()).items():
        groups.setdefault(key, {})[Fraction(value)] = times
    sizes = {key: sum(values.values()) for key, values in groups.items()}
    sums = {key: sum(times * x for x, times in values.items()) for key, values in groups.items()}
    count, means = sum(sizes.values()), {key: sums[key] / sizes[key] for key in groups}
    grand = sum(sums.values()) / count
    squares = sum(times * (x - means[key]) ** 2 for key, values in groups.items() for x, times in values.items())
    within = squares / (count - len(groups))
    between = sum(sizes[key] * (means[key] - grand) ** 2 for key in groups) / (len(groups) - 1)
    n0 = (count - Fraction(sum(size**2 for size in sizes.values()), count)) / (len(groups) - 1)
    plain = sum(means.values()) / len(means)
    plugin = sum((mean - plain) ** 2 for mean in means.values()) / (len(means) - 1)
    harmonic = sum(Fraction(1, size) for size in sizes.values()) / len(groups)
    return {
        "sigma2": within,
        "anova": (between - within) / n0,
        "plugin": plugin,
        "he": plugin - within * harmonic,
        "grand": grand,
    }


def offset_rows(offset: float) -> pl.DataFrame:
    """Noise of about 1 on a huge offset; the reference uses the doubles after rounding."""
    noise = {key: [((key * 7 + i * i * 13) % 31) / 10 + key % 5 for i in range(2 + key % 4)] for key in range(12)}
    return rows({key: [offset + x for x in values] for key, values in noise.items()})


@frame_paths
@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9, -1e9, 1e12])
def test_huge_offsets_keep_the_digits_of_rows(run, offset):
    frame = offset_rows(offset)
    want = exact_anova(frame)
    for tau2 in ("anova", "plugin", "he"):
        model, groups = fit(run, frame, "y", tau2=tau2)
        assert_near(model["sigma2"], float(want["sigma2"]), 1e-11, what="sigma2")
        assert_near(model["tau2"], float(want[tau2]), 1e-11, what=tau2)
        for key, row in groups.items():
            v = float(want["sigma2"]) / (2 + key % 4)
            assert_near(row["weight"], float(want[tau2]) / (float(want[tau2]) + v), 1e-11, what="weight")


@frame_paths
@pytest.mark.parametrize("offset", [1e6, 1e9, -1e9])
def test_huge_offsets_from_stored_moments(run, offset):
    """A Float64 mean at 1e9 holds the deviations to about 1e-7; tau2 has the same accuracy."""
    frame = offset_rows(offset)
    want = exact_anova(frame)
    states = pl.concat([pool.moments(part, "y", "g") for part in (frame.gather_every(2), frame.gather_every(2, 1))])
    for tau2 in ("anova", "plugin", "he"):
        model, _ = fit(run, states, "mean", **MOMENTS, tau2=tau2)
        tolerance = 50 * abs(offset) * 2**-53
        assert_near(model["sigma2"], float(want["sigma2"]), tolerance, what="sigma2")
        assert_near(model["tau2"], float(want[tau2]), tolerance, what=tau2)


def far_first_value(offset: float) -> pl.DataFrame:
    """One model about 0 and one about the offset: no common pivot is near both."""
    small = offset_rows(0.0).with_columns(year=pl.lit(1, pl.Int64))
    return pl.concat([small, offset_rows(offset).with_columns(year=pl.lit(2, pl.Int64))]).with_columns(w=1.0)


@frame_paths
@pytest.mark.parametrize("offset", [1e6, 1e9])
@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"sigma2": "separate"}], ids=str)
def test_models_of_very_different_size(run, offset, options):
    """Each model keeps the digits that Float64 has at its size: no variance is a difference of squares."""
    frame = far_first_value(offset)
    models = run(pool.components, frame, "y", "g", over="year", tau2="plugin", **options).sort("year")
    for model, size in zip(models.iter_rows(named=True), (0.0, offset), strict=True):
        want = exact_anova(offset_rows(size))
        tolerance = max(1e-11, 50 * size * 2**-53)
        assert_near(model["sigma2"], float(want["sigma2"]), tolerance, what="sigma2")
        assert_near(model["tau2"], float(want["plugin"]), tolerance, what="tau2")


@frame_paths
@pytest.mark.parametrize("first", [0.0, -1e9])
@pytest.mark.parametrize("options", [{}, {"weights": "w"}], ids=str)
def test_a_first_value_far_from_all_others(run, first, options):
    """The first row lies 1e9 away from all others; the variances within the other groups keep their digits."""
    frame = pl.concat([rows({-1: [first, first + 1]}), offset_rows(1e9 + first)]).with_columns(w=1.0)
    moments = by_key(run(pool.moments, frame, "y", "g", **options))
    for key, part in offset_rows(1e9 + first).partition_by("g", as_dict=True).items():
        values = [Fraction(value) for value in part["y"]]
        mean = sum(values) / len(values)
        var = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
        assert_near(moments[key[0]]["var"], float(var), 50e9 * 2**-53, what=key)


@all_paths
def test_estimates_of_huge_offsets(path):
    frame = offset_rows(1e9)
    small = frame.with_columns(pl.col("y") - 1e9)  # exact, as a difference of close doubles
    want = {key: estimate + 1e9 for key, estimate in estimates("DataFrame", small).items()}
    assert_near(estimates(path, frame), want, 1e-15)


# ---- many groups -------------------------------------------------------------------------------------------


def test_seventy_thousand_groups():
    """70,000² overflows 32 bits. Two rows c ± 1 per group, c = 0, 3, 6 in turn: all sums are exact integers."""
    groups = 70_000
    centres = [3 * (key % 3) for key in range(groups)]
    frame = pl.DataFrame({"g": range(groups), "c": centres}, schema={"g": pl.UInt32, "c": pl.Float64})
    frame = pl.concat([frame.select("g", y=pl.col("c") - 1), frame.select("g", y=pl.col("c") + 1)])
    grand = Fraction(sum(centres), groups)
    plugin = sum(times * (c - grand) ** 2 for c, times in Counter(centres).items()) / (groups - 1)
    tau2 = float(plugin - 1)  # SSW = 2 per group, so MSW = 2 and v = 1; balanced, so these methods agree
    for name in ("anova", "dl", "he", "pm", "reml", "hsk"):
        model = pool.components(frame, "y", "g", tau2=name).row(0, named=True)
        assert (model["groups"], model["n"]) == (groups, 2 * groups)
        assert_near([model["sigma2"], model["tau2"]], [2, tau2], 1e-9, what=name)
        assert_near([model["mu"], model["se_mu"]], [float(grand), math.sqrt((tau2 + 1) / groups)], 1e-9, what=name)
    for path in ("DataFrame", "streaming", "encode DataFrame", "expression"):
        estimate = estimates(path, frame, tau2="dl")
        assert len(estimate) == groups
        weight = tau2 / (tau2 + 1)
        assert_near(estimate[2], 6 * weight + float(grand) * (1 - weight), 1e-12)
        assert_near(estimate[69_999], centres[-1] * weight + float(grand) * (1 - weight), 1e-12)


def test_one_group_of_many_rows():
    """The square of a count above 65,535 overflows 32 bits, too."""
    frame = rows({1: [0.0, 2.0] * 50_000, 2: [3.0, 5.0], 3: [6.0, 8.0]})
    model = pool.components(frame, "y", "g", tau2="anova").row(0, named=True)
    want = exact_anova(frame)
    assert_near([model["sigma2"], model["tau2"]], [float(want["sigma2"]), float(want["anova"])], 1e-12)


# ---- value types -------------------------------------------------------------------------------------------


def typed_values() -> dict[str, pl.Series]:
    bits = [1, 0, 1, 1, 1, 0, 0, 0, 1]
    numbers = [1, 3, 5, 7, 9, 10, 14, 11, 90]
    return {
        "Boolean": pl.Series([bool(bit) for bit in bits]),
        "Decimal": pl.Series([Decimal(number) / 4 for number in numbers], dtype=pl.Decimal(12, 4)),
        "UInt8": pl.Series(numbers, dtype=pl.UInt8),
        "Int8": pl.Series([-number for number in numbers], dtype=pl.Int8),
        "Int64": pl.Series([number + 2**40 for number in numbers], dtype=pl.Int64),
        "Float32": pl.Series([number + 0.5 for number in numbers], dtype=pl.Float32),
    }


@all_paths
@pytest.mark.parametrize("name", ["Boolean", "Decimal", "UInt8", "Int8", "Int64", "Float32"])
@pytest.mark.parametrize("tau2", ["reml", "dl"])
def test_every_numeric_type_counts_as_float64(path, name, tau2):
    values = typed_values()[name]
    frame = pl.DataFrame({"g": [1, 1, 2, 2, 2, 3, 3, 4, 4], "y": values})
    want = estimates(path, frame.with_columns(pl.col("y").cast(pl.Float64)), tau2=tau2)
    assert_near(estimates(path, frame, tau2=tau2, family="normal"), want, 1e-12, 1.0)


@frame_paths
@pytest.mark.parametrize("name", ["Boolean", "Decimal", "UInt8", "Int8", "Int64", "Float32"])
def test_every_result_is_float64(run, name):
    frame = pl.DataFrame({"g": [1, 1, 2, 2, 2, 3, 3, 4, 4], "y": typed_values()[name]})
    assert run(pool.shrink, frame, "y", "g", family="normal").schema == {"g": pl.Int64, **STATISTICS}
    assert run(pool.components, frame, "y", "g", family="normal").schema == MODEL
    assert run(pool.moments, frame, "y", "g").schema == {"g": pl.Int64, **STATE}
    assert run(pool.encode, frame, "y", "g", family="normal").schema == {**frame.schema, "estimate": pl.Float64}


@frame_paths
def test_small_integers_do_not_overflow(run):
    """The sum of five 200s overflows UInt8, their squares overflow Int16."""
    frame = pl.DataFrame({"g": [1, 1, 1, 2, 2], "y": [200, 210, 220, 100, 102]}, schema_overrides={"y": pl.UInt8})
    moments = by_key(run(pool.moments, frame, "y", "g"))
    assert_near(
        [moments[1]["mean"], moments[1]["var"], moments[2]["mean"], moments[2]["var"]], [210, 100, 101, 2], 1e-15
    )


NOT_NUMERIC = {
    "String": pl.Series(["1.5", "2.5", "3.5"]),
    "Date": pl.Series([date(2020, 1, day) for day in (1, 2, 3)]),
    "Duration": pl.Series([timedelta(hours=hour) for hour in (1, 2, 3)]),
}


@pytest.mark.parametrize("name", NOT_NUMERIC)
@pytest.mark.parametrize("verb", [pool.shrink, pool.components, pool.encode, pool.moments])
def test_values_that_are_not_numbers(verb, name):
    frame = pl.DataFrame({"g": [1, 1, 2], "reading": NOT_NUMERIC[name]})
    for data in (frame, frame.lazy()):
        with pytest.raises(TypeError, match="reading") as error:
            verb(data, "reading", "g")
        assert name in str(error.value)


@pytest.mark.parametrize("name", NOT_NUMERIC)
def test_values_that_are_not_numbers_in_an_expression(name):
    frame = pl.DataFrame({"g": [1, 1, 2], "reading": NOT_NUMERIC[name]})
    with pytest.raises((TypeError, pl.exceptions.PolarsError), match="reading") as error:
        frame.select(pl.col("reading").pool.shrink(by="g"))
    assert name in str(error.value)


def test_near_distinguishes_null_nan_and_numbers():
    """A test of the comparison that these tests use."""
    assert near(None, None, 0)
    assert not near(None, 0.0, 1)
    assert not near(0.0, None, 1)
    assert not near(math.nan, 1.0, 1)
    assert not near(math.nan, math.nan, 1)
    assert near(1.0, 1 + 1e-13, 1e-12)
    assert not near(1.0, 1 + 1e-11, 1e-12)
