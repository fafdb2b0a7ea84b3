"""Values whose squares leave the range of Float64: one answer in every engine, and never a wrong one without a word."""

import polars as pl
import pytest
from frames import FRAME_PATHS, assert_near, methods
from sqlpaths import SQL_PATHS

import polars_pool as pool

PATHS = {"DataFrame": FRAME_PATHS["DataFrame"], **SQL_PATHS}
paths = pytest.mark.parametrize("run", PATHS.values(), ids=PATHS)

ROWS = pl.DataFrame({"g": [0, 0, 0, 1, 1, 2, 2, 2], "y": [1.0, 2.5, 3.0, 7.0, 6.0, 4.0, 4.5, 3.5], "w": [1.0, 2.0] * 4})
STUDIES = pl.DataFrame({"g": [0, 1, 2, 3], "y": [1.0, 5.0, 2.0, 9.0], "se": [1.0, 0.5, 2.0, 1.0]})
BEYOND = (-320, -200, -160, -150, 100)
OVERFLOWING = (155, 300)  # an error of the variance in DuckDB 1
WITHIN = (-70, 70)


def scaled(frame: pl.DataFrame, powers) -> pl.DataFrame:
    """The same data in other units, a model each."""
    units = [c for c in ("y", "se") if c in frame.columns]
    parts = [frame.with_columns(pl.col(units) * 10.0**power, m=pl.lit(power)) for power in powers]
    return pl.concat(parts)


CASES = {f"rows {tau2}": (ROWS, {"tau2": tau2}) for tau2 in methods("rows")}
CASES |= {f"studies {tau2}": (STUDIES, {"tau2": tau2, "se": "se"}) for tau2 in methods("published")}
CASES |= {"weights": (ROWS, {"weights": "w"}), "separate": (ROWS, {"sigma2": "separate"})}


@paths
@pytest.mark.parametrize("case", CASES)
def test_beyond_the_range_nothing_is_said_to_settle(run, case):
    frame, options = CASES[case]
    powers = BEYOND + OVERFLOWING if run is FRAME_PATHS["DataFrame"] else BEYOND
    for row in run(pool.components, scaled(frame, powers), "y", "g", over="m", **options).to_dicts():
        assert row["converged"] is False, row["m"]
        assert row["tau2"] is None, row["m"]


@paths
@pytest.mark.parametrize("case", CASES)
def test_within_it_units_do_not_matter(run, case):
    frame, options = CASES[case]
    [want] = run(pool.components, frame, "y", "g", **options).to_dicts()
    for row in run(pool.components, scaled(frame, WITHIN), "y", "g", over="m", **options).to_dicts():
        assert row["converged"]
        assert_near(row["tau2"] / 10.0 ** (2 * row["m"]), want["tau2"], 1e-7)
        assert_near(row["mu"] / 10.0 ** row["m"], want["mu"], 1e-7)


def test_a_warning_names_the_remedy():
    with pytest.warns(pool.ConvergenceWarning, match="take another unit"):
        pool.components(scaled(ROWS, [-160]), "y", "g")


@pytest.mark.parametrize(("y", "w"), [(1e160, 1.0), (1.0, 1e300)])
def test_groups_of_several_rows_are_not_said_to_have_one(y, w):
    frame = ROWS.with_columns(pl.col("y") * y, pl.col("w") * w)
    with pytest.warns(pool.ConvergenceWarning, match="are so large or so small that Float64 does not hold"):
        pool.components(frame, "y", "g", weights="w")


@paths
def test_one_study_of_no_precision_harms_none(run):
    """An error of 1e80 is as good as infinite."""
    many = pl.concat([STUDIES, pl.DataFrame({"g": [9], "y": [7.0], "se": [1e80]})])
    [row] = run(pool.components, many, "y", "g", se="se", tau2="pm").to_dicts()
    assert row["converged"]
    assert row["tau2"] > 0
