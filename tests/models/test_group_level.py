"""Options for groups: predictions, probabilities above a threshold, and groups without rows."""

import math
from statistics import NormalDist

import duckdb
import numpy as np
import polars as pl
import pytest
from frames import FRAME_PATHS, assert_near, by_key, published, rows, stored, stored_with_weights
from grid import studies
from scipy.integrate import quad
from scipy.stats import norm
from sqlpaths import MODULE

import polars_pool as pool

frame_paths = pytest.mark.parametrize("run", FRAME_PATHS.values(), ids=FRAME_PATHS)
ALL_PATHS = FRAME_PATHS | MODULE
all_paths = pytest.mark.parametrize("run", ALL_PATHS.values(), ids=ALL_PATHS)

# Groups of 2, 3 and 2 rows with means 2, 7, 12; with sigma2 = 4 and tau2 = 4: mu = 7, se_mu² = 48/25.
ROWS = rows({"a": [1, 3], "b": [5, 7, 9], "c": [10, 14]})
KNOWN = {"sigma2": 4, "tau2": 4}
SE2 = {"a": 4 / 3 + (48 / 25) / 9, "b": 1 + (48 / 25) / 16, "c": 4 / 3 + (48 / 25) / 9}
V = {"a": 2.0, "b": 4 / 3, "c": 2.0}


def se(table: pl.DataFrame) -> dict:
    return {key: row["se"] for key, row in by_key(table).items()}


# ---- predict -----------------------------------------------------------------------------------------------


@all_paths
def test_error_of_a_row_and_of_a_replicate(run):
    result = {predict: run(pool.shrink, ROWS, "y", "g", **KNOWN, predict=predict) for predict in ("row", "replicate")}
    assert_near(se(result["row"]), {key: math.sqrt(x + 4) for key, x in SE2.items()}, 1e-14)
    assert_near(se(result["replicate"]), {key: math.sqrt(x + V[key]) for key, x in SE2.items()}, 1e-14)
    for table in result.values():
        z = (table["upper"] - table["estimate"]) / table["se"]
        assert_near(z, [NormalDist().inv_cdf(0.975)] * 3, 1e-12)


@all_paths
def test_the_true_mean_is_predicted_by_default(run):
    result = run(pool.shrink, ROWS, "y", "g", **KNOWN, predict="mean")
    assert_near(se(result), {key: math.sqrt(x) for key, x in SE2.items()}, 1e-14)


@all_paths
def test_a_row_of_a_group_with_its_own_variance(run):
    """A single row gets the pooled variance: SSW / (N - J) = (2 + 8) / 2."""
    frame = rows({"a": [1, 3], "b": [5, 9], "c": [12], "d": [None, None]})
    options = {"sigma2": "separate", "tau2": 4}
    mean, row = (se(run(pool.shrink, frame, "y", "g", **options, predict=predict)) for predict in ("mean", "row"))
    own = {"a": 2.0, "b": 8.0, "c": 5.0, "d": 5.0}
    assert_near(row, {key: math.sqrt(mean[key] ** 2 + own[key]) for key in own}, 1e-13)


@all_paths
def test_a_row_of_weight_1(run):
    frame = ROWS.with_columns(w=pl.Series([1.0, 2, 1, 1, 2, 0.5, 0.5]))
    stock = stored_with_weights(frame, "g", "y", "w")
    for given in (
        run(pool.shrink, frame, "y", "g", weights="w", predict="row"),
        run(pool.shrink, stock, "mean", "g", n="n", var="var", weights="w", predict="row"),
    ):
        sigma2 = pool.components(frame, "y", "g", weights="w")["sigma2"].item()
        mean = se(pool.shrink(frame, "y", "g", weights="w"))
        assert_near(se(given), {key: math.sqrt(x * x + sigma2) for key, x in mean.items()}, 1e-12)


@all_paths
def test_nothing_is_replicated_without_rows(run):
    frame = rows({"a": [1, 3], "b": [5, 7, 9], "d": [None]})
    result = by_key(run(pool.shrink, frame, "y", "g", **KNOWN, predict="replicate", threshold=2))["d"]
    assert result["estimate"] is not None
    assert [result[name] for name in ("se", "lower", "upper", "p_above")] == [None] * 4


@all_paths
def test_the_only_group(run):
    """Its estimate is its mean for every tau2; the variance of a new row is v + sigma2, here 4/3 + 4."""
    result = run(pool.shrink, rows({"a": [5, 7, 9]}), "y", "g", predict="row", threshold=7).row(0, named=True)
    assert_near(result["se"], math.sqrt(4 / 3 + 4), 1e-14)
    assert_near(result["p_above"], 0.5, 1e-15)


@all_paths
@pytest.mark.parametrize("predict", ["mean", "row", "replicate"])
def test_a_single_row_has_no_error(run, predict):
    result = run(pool.shrink, rows({"a": [5]}), "y", "g", predict=predict, threshold=7).row(0, named=True)
    assert result["estimate"] == 5
    assert result["se"] is None
    assert result["p_above"] is None


# ---- threshold ---------------------------------------------------------------------------------------------


@all_paths
def test_eight_schools_pooled_completely(run):
    """BDA3, section 5.5, one true effect for all schools: P(y_1 >= 28) and P(y_3 <= -3) for new observations."""
    frame, by = studies("meta_eight_schools")
    options = {"se": "se", "tau2": 0, "predict": "replicate"}
    first, third = (run(pool.shrink, frame, "y", by, **options, threshold=c).sort(by) for c in (28, -3))
    # mu and its variance are sum(y / v) / sum(1 / v) and 1 / sum(1 / v)
    precision = (1 / frame["se"] ** 2).to_numpy()
    mu, variance = precision @ frame["y"].to_numpy() / precision.sum(), 1 / precision.sum()
    of_school = dict(zip(frame[by], frame["se"], strict=True))
    for table, c in ((first, 28), (third, -3)):
        want = [norm.sf((c - mu) / math.hypot(math.sqrt(variance), of_school[key])) for key in table[by]]
        assert_near(table["p_above"], want, 1e-12)
    schools = list(frame[by])
    above = by_key(first, by)[schools[0]]["p_above"], by_key(third, by)[schools[2]]["p_above"]
    assert round(above[0], 8) == 0.09560784
    assert round(1 - above[1], 7) == 0.2587447


@all_paths
@pytest.mark.parametrize("threshold", [-40, 2, 7.5, 12, 55])
def test_probability_is_the_area_of_the_density_beyond(run, threshold):
    table = run(pool.shrink, ROWS, "y", "g", **KNOWN, threshold=threshold)
    assert table.columns[-2:] == ["upper", "p_above"]
    for row in table.iter_rows(named=True):
        near_part = max(threshold, row["estimate"] - 40 * row["se"])
        area, _ = quad(
            norm(row["estimate"], row["se"]).pdf,
            near_part,
            row["estimate"] + 40 * row["se"],
            limit=500,
            points=[max(near_part, row["estimate"])],
        )
        assert row["p_above"] == pytest.approx(area, rel=1e-7, abs=1e-12)


@all_paths
def test_far_tails_keep_their_digits(run):
    table = run(pool.shrink, ROWS, "y", "g", **KNOWN, threshold=40)
    for row in table.iter_rows(named=True):
        want = math.erfc((40 - row["estimate"]) / row["se"] / math.sqrt(2)) / 2
        assert 0 < want < 1e-60
        assert_near(row["p_above"], want, 1e-11)


@all_paths
def test_exact_means_exceed_with_probability_0_or_1(run):
    """se = 0: the mean is known, so the probability is 0 or 1; a mean equal to the threshold does not exceed it."""
    frame = published({"a": (1, 0), "b": (3, 0), "c": (5, 0)})
    table = run(pool.shrink, frame, "y", "g", se="se", threshold=3)
    assert {key: row["p_above"] for key, row in by_key(table).items()} == {"a": 0.0, "b": 0.0, "c": 1.0}


# ---- groups without rows -----------------------------------------------------------------------------------


def new_group(result: dict) -> None:
    """The estimates of the model of ROWS for a group without rows."""
    assert (result["n"], result["mean"], result["weight"]) == (0, None, 0.0)
    assert_near(result["estimate"], 7.0, 1e-14)
    assert_near(result["se"], math.sqrt(4 + 48 / 25), 1e-14)


@all_paths
@pytest.mark.parametrize("lazily", [False, True])
def test_a_group_that_has_no_rows_yet(run, lazily):
    keys = pl.DataFrame({"size": [1, 2, 3, 4], "g": ["a", "new", "newer", "new"]})
    keys = keys.lazy() if lazily else keys
    table = run(pool.shrink, ROWS, "y", "g", **KNOWN, groups=keys)
    assert table.columns == pool.shrink(ROWS, "y", "g", **KNOWN).columns
    result = by_key(table)
    assert result.keys() == {"a", "b", "c", "new", "newer"}
    new_group(result["new"])
    new_group(result["newer"])
    want = by_key(run(pool.shrink, ROWS, "y", "g", **KNOWN))
    for key in "abc":
        assert_near(list(result[key].values())[1:], list(want[key].values())[1:], 1e-15)


@all_paths
def test_new_groups_with_stored_moments_and_published_estimates(run):
    keys = pl.DataFrame({"g": ["new", "b"]})
    new_group(by_key(run(pool.shrink, stored(ROWS), "mean", "g", n="n", var="var", **KNOWN, groups=keys))["new"])
    frame = published({"a": (2, math.sqrt(2)), "b": (7, math.sqrt(4 / 3)), "c": (12, math.sqrt(2))})
    for options in ({}, {"n": "n"}):
        result = by_key(
            run(pool.shrink, frame.with_columns(n=pl.lit(5)), "y", "g", se="se", tau2=4, groups=keys, **options)
        )
        assert result.keys() == {"a", "b", "c", "new"}
        new_group(result["new"])
        assert result["b"]["n"] == (5 if options else None)


@all_paths
def test_a_row_of_a_new_group(run):
    """The variance is tau2 + se_mu² + sigma2 = 4 + 48/25 + 4."""
    keys = pl.DataFrame({"g": ["new"]})
    result = by_key(run(pool.shrink, ROWS, "y", "g", **KNOWN, groups=keys, predict="row", threshold=9))["new"]
    assert_near(result["se"], math.sqrt(8 + 48 / 25), 1e-14)
    assert_near(result["p_above"], norm.sf(2 / math.sqrt(8 + 48 / 25)), 1e-13)


MODELS = pl.concat([ROWS.with_columns(year=pl.lit(2000)), ROWS.with_columns(pl.col("y") + 1, year=pl.lit(2001))])


@frame_paths
def test_a_key_without_its_model_is_new_in_every_model_that_lacks_it(run):
    frame = MODELS.filter((pl.col("g") != "c") | (pl.col("year") == 2000))
    table = run(pool.shrink, frame, "y", "g", over="year", **KNOWN, groups=pl.DataFrame({"g": ["c", "new"]}))
    result = by_key(table, "year", "g")
    assert result.keys() == {(year, g) for year in (2000, 2001) for g in ("a", "b", "c", "new")}
    new_group(result[2000, "new"])
    assert result[2000, "c"]["n"] == 2
    assert result[2001, "c"]["n"] == 0
    assert_near(result[2001, "c"]["estimate"], result[2001, "new"]["estimate"], 0.0)


@all_paths
def test_a_key_with_its_model_is_new_there_alone(run):
    keys = pl.DataFrame({"g": ["new", "a", "b"], "year": [2000, 2001, 2002]}, schema_overrides={"year": pl.Int32})
    table = run(pool.shrink, MODELS, "y", "g", over="year", **KNOWN, groups=keys)
    result = by_key(table, "year", "g")
    assert result.keys() == {*((year, g) for year in (2000, 2001) for g in "abc"), (2000, "new"), (2002, "b")}
    new_group(result[2000, "new"])
    assert result[2002, "b"]["estimate"] is None  # a model without rows has no estimates
    known = by_key(run(pool.shrink, MODELS, "y", "g", over="year", **KNOWN, mu=3, groups=keys), "year", "g")
    assert_near((known[2002, "b"]["estimate"], known[2002, "b"]["se"]), (3.0, 2.0), 1e-15)


@all_paths
def test_keys_that_are_missing_values_are_keys(run):
    frame = ROWS.with_columns(pl.col("g").replace("a", None))
    keys = pl.DataFrame({"g": [None, "new"]}, schema={"g": pl.String})
    assert by_key(run(pool.shrink, frame, "y", "g", **KNOWN, groups=keys)).keys() == {None, "b", "c", "new"}
    numbered = ROWS.with_columns(g=pl.Series([math.nan, math.nan, 1, 1, 1, 2, 2]))
    keys = pl.DataFrame({"g": [math.nan, 3.0]})
    assert by_key(run(pool.shrink, numbered, "y", "g", **KNOWN, groups=keys)).keys() == {"NaN", 1.0, 2.0, 3.0}


@frame_paths
def test_several_keys_and_expressions(run):
    state = pl.col("g").is_in(["a", "b"]).alias("north")
    keys = pl.DataFrame({"g": ["a", "new"], "north": [False, True]})
    table = run(pool.shrink, ROWS, "y", [state, "g"], **KNOWN, groups=keys)
    assert table.columns[:2] == ["north", "g"]
    assert set(table.select("north", "g").iter_rows()) == {
        (True, "a"),
        (True, "b"),
        (False, "c"),
        (False, "a"),
        (True, "new"),
    }


@all_paths
def test_new_groups_of_no_data(run):
    nothing, keys = ROWS.clear(), pl.DataFrame({"g": ["new"]})
    assert run(pool.shrink, nothing, "y", "g", groups=keys).select("n", "estimate", "se").row(0) == (0, None, None)
    result = run(pool.shrink, nothing, "y", "g", tau2=4, mu=3, groups=keys)
    assert result.select("n", "estimate", "se").row(0) == (0, 3.0, 2.0)


def test_no_keys_change_nothing():
    keys = pl.DataFrame(schema={"g": pl.String})
    got, want = (pool.shrink(ROWS, "y", "g", groups=groups) for groups in (keys, None))
    assert_near(np.array(got.drop("g")).ravel(), np.array(want.drop("g")).ravel(), 1e-14)
    assert got["g"].to_list() == want["g"].to_list()


@pytest.mark.parametrize("run", MODULE.values(), ids=MODULE)
def test_sql_refuses_keys_of_another_type(run):
    with pytest.raises(
        duckdb.Error, match=r"the keys are STRUCT\(g BIGINT\) in groups= and STRUCT\(g VARCHAR\) in the"
    ):
        run(pool.shrink, ROWS, "y", "g", groups=pl.DataFrame({"g": [1]}))
