"""A published estimate with infinite standard error has no information: it acts as a null, with infinite v."""

import math

import polars as pl
import pytest
from frames import FRAME_PATHS, assert_near, by_key, methods
from polars.testing import assert_frame_equal
from sqlpaths import SQL_PATHS

import polars_pool as pool

PATHS = {**FRAME_PATHS, **SQL_PATHS}
paths = pytest.mark.parametrize("run", PATHS.values(), ids=PATHS)

KNOWN = pl.DataFrame(
    {
        "g": ["A", "B", "C", "D", "E"],
        "y": [28.0, 8.0, -3.0, 70.0, -1.0],
        "se": [15.0, 10.0, 16.0, 11.0, 9.0],
        "n": [5.0, 6.0, 7.0, 8.0, 9.0],
    }
)
NOTHING = pl.DataFrame({"g": ["X", "Y"], "y": [1e3, -4.0], "se": [math.inf, math.inf], "n": [4.0, 3.0]})
BOTH = pl.concat([NOTHING[:1], KNOWN, NOTHING[1:]])
ALSO_FINITE = pl.concat([KNOWN, NOTHING.with_columns(g=pl.lit("A"))])  # next to an estimate of the same group


@pytest.mark.share_of_duckdb(6)
@paths
@pytest.mark.parametrize("tau2", methods("published"))
def test_components_use_the_other_estimates(run, tau2):
    want = run(pool.components, KNOWN, "y", "g", se="se", tau2=tau2)
    for frame in (BOTH, ALSO_FINITE):
        assert_frame_equal(run(pool.components, frame, "y", "g", se="se", tau2=tau2), want, rel_tol=1e-12)


@pytest.mark.share_of_duckdb(2)
@paths
@pytest.mark.parametrize("options", [{}, {"interval": "robust"}, {"threshold": 3.0}, {"uncertainty": "tau2"}], ids=str)
def test_groups_without_information_get_the_population(run, options):
    [model] = run(pool.components, KNOWN, "y", "g", se="se").to_dicts()
    result = run(pool.shrink, BOTH, "y", "g", se="se", **options)
    want = run(pool.shrink, KNOWN, "y", "g", se="se", **options)
    assert_frame_equal(result.filter(~pl.col("g").is_in(["X", "Y"])).sort("g"), want.sort("g"), rel_tol=1e-12)
    for name in ("X", "Y"):
        row = by_key(result)[name]
        assert (row["weight"], row["v"], row["mean"], row["n"]) == (0, math.inf, None, None)
        assert_near(row["estimate"], model["mu"], 1e-12)
        if "uncertainty" not in options:
            assert_near(row["se"], math.sqrt(model["tau2"] + model["se_mu"] ** 2), 1e-12)
        assert math.isfinite(row["lower"])


@paths
def test_with_counts_of_rows(run):
    options = {"se": "se", "n": "n", "tau2": "anova"}
    want = run(pool.components, KNOWN, "y", "g", **options)
    assert_frame_equal(run(pool.components, BOTH, "y", "g", **options), want, rel_tol=1e-12)
    result = by_key(run(pool.shrink, BOTH, "y", "g", **options))
    assert [result[name]["n"] for name in "AX"] == [5, None]


@paths
def test_posteriors_and_profiles(run):
    prior = {"se": "se", "tau2": "half_cauchy(5)"}
    assert_frame_equal(
        run(pool.components, BOTH, "y", "g", **prior), run(pool.components, KNOWN, "y", "g", **prior), rel_tol=1e-9
    )
    row = by_key(run(pool.shrink, BOTH, "y", "g", **prior))["X"]
    [model] = run(pool.components, KNOWN, "y", "g", **prior).to_dicts()
    assert (row["weight"], row["v"]) == (0, math.inf)
    assert_near(row["estimate"], model["new"], 1e-9)
    assert_near(row["se"], model["se_new"], 1e-9)
    assert_frame_equal(
        run(pool.profile, BOTH, "y", "g", se="se", tau=[0.0, 3.0]).sort("tau"),
        run(pool.profile, KNOWN, "y", "g", se="se", tau=[0.0, 3.0]).sort("tau"),
        rel_tol=1e-12,
    )
    curves = by_key(run(pool.profile, BOTH, "y", "g", se="se", tau=[3.0], groups=True))
    assert math.isfinite(curves["X"]["estimate"])


@paths
def test_models_apart(run):
    frame = pl.concat([BOTH.with_columns(m=pl.lit(1)), NOTHING.with_columns(m=pl.lit(2))])
    rows = by_key(run(pool.components, frame, "y", "g", over="m", se="se"), "m")
    assert rows[1]["groups"] == 5
    assert (rows[2]["groups"], rows[2]["tau2"]) == (0, None)
    result = run(pool.shrink, frame, "y", "g", over="m", se="se")
    assert result.filter(m=2)["estimate"].to_list() == [None, None]


@paths
@pytest.mark.parametrize("se", [None, math.nan, -1.0, -math.inf], ids=str)
@pytest.mark.parametrize("nan", ["error", "null"])
def test_invalid_standard_errors_are_refused(run, se, nan):
    frame = pl.concat([KNOWN, NOTHING.with_columns(se=pl.lit(se, pl.Float64))])
    with pytest.raises(Exception, match="se='se' is null, NaN or negative in 2 rows: a standard error is 0 or more"):
        run(pool.shrink, frame, "y", "g", se="se", nan=nan)


def test_draws_of_groups_without_information_are_those_of_a_new_group():
    drawn = pool.posterior_draws(BOTH, "y", "g", se="se", tau2="half_cauchy(5)", draws=4000, seed=1)
    assert drawn["theta"].null_count() == 0
    [model] = pool.components(KNOWN, "y", "g", se="se", tau2="half_cauchy(5)").to_dicts()
    below = (drawn.filter(g="X")["theta"] < model["new_median"]).mean()
    assert abs(below - 0.5) < 4.5 * 0.5 / math.sqrt(4000)
