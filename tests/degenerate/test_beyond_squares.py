"""Values whose squares are outside the range of Float64: equal results in every engine, never silently wrong ones."""

import math

import polars as pl
import pytest
from commands import piped
from frames import FRAME_PATHS, assert_near, by_key, methods
from sqlpaths import SQL_PATHS

import polars_pool as pool
from polars_pool.models import warning

PATHS = {"DataFrame": FRAME_PATHS["DataFrame"], **SQL_PATHS}
DIMENSION = dict.fromkeys(("mu", "se_mu", "mu_lower", "mu_upper", "new_lower", "new_upper"), 1)
DIMENSION |= dict.fromkeys(("sigma2", "tau2", "se_tau2", "tau2_lower", "tau2_upper", "sigma2_prior"), 2)
paths = pytest.mark.parametrize("run", PATHS.values(), ids=PATHS)

ROWS = pl.DataFrame({"g": [0, 0, 0, 1, 1, 2, 2, 2], "y": [1.0, 2.5, 3.0, 7.0, 6.0, 4.0, 4.5, 3.5], "w": [1.0, 2.0] * 4})
STUDIES = pl.DataFrame({"g": [0, 1, 2, 3], "y": [1.0, 5.0, 2.0, 9.0], "se": [1.0, 0.5, 2.0, 1.0]})
BEYOND = (-320, -200, -160)
TOO_SMALL_ERRORS = (-150, -100, -80)  # standard errors of published estimates whose inverse squares are out of range
OVERFLOWING = (155, 300)  # an error of the variance in DuckDB 1
WITHIN = (-70, 70, 100, 140, 150)
WITHIN_ROWS = (-150, -140, -100, -80, *WITHIN)


def scaled(frame: pl.DataFrame, powers) -> pl.DataFrame:
    """The same data in several units, one model each."""
    units = [c for c in ("y", "se") if c in frame.columns]
    parts = [frame.with_columns(pl.col(units) * 10.0**power, m=pl.lit(power)) for power in powers]
    return pl.concat(parts)


CASES = {f"rows {tau2}": (ROWS, {"tau2": tau2}) for tau2 in methods("rows")}
CASES |= {f"studies {tau2}": (STUDIES, {"tau2": tau2, "se": "se"}) for tau2 in methods("published")}
CASES |= {"weights": (ROWS, {"weights": "w"}), "separate": (ROWS, {"sigma2": "separate"})}


@pytest.mark.share_of_duckdb(6)
@paths
@pytest.mark.parametrize("case", CASES)
def test_beyond_the_range_no_model_converges(run, case):
    frame, options = CASES[case]
    powers = BEYOND + (TOO_SMALL_ERRORS if "se" in options else ())
    powers += OVERFLOWING if run is FRAME_PATHS["DataFrame"] else ()
    for row in run(pool.components, scaled(frame, powers), "y", "g", over="m", **options).to_dicts():
        assert row["converged"] is False, row["m"]
        assert row["tau2"] is None, row["m"]


@pytest.mark.share_of_duckdb(6)
@paths
@pytest.mark.parametrize("case", CASES)
def test_within_the_range_units_do_not_matter(run, case):
    frame, options = CASES[case]
    [want] = run(pool.components, frame, "y", "g", **options).to_dicts()
    powers = WITHIN if "se" in options else WITHIN_ROWS
    for row in run(pool.components, scaled(frame, powers), "y", "g", over="m", **options).to_dicts():
        assert row["converged"]
        unit = 10.0 ** row["m"]
        for name, expected in want.items():
            if expected is None or name in ("log_likelihood", "aic"):
                continue
            result = row[name]
            for _ in range(DIMENSION.get(name, 0)):
                result /= unit
            assert_near(result, expected, 1e-9 + 1e-12 / max(abs(expected), 1e-3))
        if want["log_likelihood"] is not None:
            numbers = want["n"] if "se" not in options and options.get("sigma2") != "separate" else want["groups"]
            numbers -= options["tau2"] == "reml" if "tau2" in options else 1
            assert_near(row["log_likelihood"] + numbers * math.log(unit), want["log_likelihood"], 1e-7)


@pytest.mark.share_of_duckdb(2)
@paths
@pytest.mark.parametrize(
    "known", [{"tau2": 3.0}, {"sigma2": 0.5}, {"mu": 4.0}, {"mu": 4.0, "tau2": 2.0, "sigma2": 1.0}]
)
def test_known_numbers_scale_with_the_unit(run, known):
    """The same model at 1e120 and at 1, with all known numbers in the same unit."""
    unit = 1e120
    options = {name: number * unit ** DIMENSION[name] for name, number in known.items()}
    [want] = run(pool.components, ROWS, "y", "g", **known).to_dicts()
    [result] = run(pool.components, ROWS.with_columns(pl.col("y") * unit), "y", "g", **options).to_dicts()
    assert result["converged"]
    for name in ("sigma2", "tau2", "mu", "se_mu", "q", "icc", "mu_lower", "new_upper"):
        assert_near(result[name] / unit ** DIMENSION.get(name, 0), want[name], 1e-9)


@pytest.mark.share_of_duckdb(2)
@paths
@pytest.mark.parametrize("power", [-120, 120])
def test_estimates_in_other_units(run, power):
    unit = 10.0**power
    data = ROWS.with_columns(pl.col("y") * unit)
    for options in ({}, {"weights": "w"}, {"tau2": "dl"}, {"sigma2": "squeezed"}):
        want, result = (by_key(run(pool.shrink, part, "y", "g", **options)) for part in (ROWS, data))
        for g, row in want.items():
            assert_near(result[g]["weight"], row["weight"], 1e-9)
            for name in ("estimate", "se", "lower", "upper"):
                assert_near(result[g][name] / unit, row[name], 1e-9)


VERBS = (pool.components, pool.shrink, pool.compare, pool.encode)


@pytest.mark.parametrize("power", [-160, 160, 300])
@pytest.mark.parametrize("options", [{}, {"tau2": "dl"}, {"tau2": 1.0}, {"sigma2": "squeezed"}, {"mu": 0.0}], ids=str)
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_a_separate_warning_names_the_remedy(verb, options, power):
    with pytest.warns(pool.ConvergenceWarning) as record:
        verb(scaled(ROWS, [power]), "y", "g", **options)
    assert [str(said.message) for said in record] == [warning.OUT_OF_RANGE]
    assert "take another unit" in warning.OUT_OF_RANGE


@pytest.mark.parametrize("power", [-160, -100, 153])
def test_published_estimates_have_the_same_warning(power):
    with pytest.warns(pool.ConvergenceWarning) as record:
        pool.components(scaled(STUDIES, [power]), "y", "g", se="se", tau2="dl")
    assert [str(said.message) for said in record] == [warning.OUT_OF_RANGE]


def test_too_few_groups_do_not_warn_of_units():
    with pytest.warns(pool.ConvergenceWarning) as record:
        pool.components(ROWS.filter(pl.col("g") < 2), "y", "g", tau2="morris")
    assert [str(said.message) for said in record] == [warning.TOO_FEW]


def test_the_command_line_names_the_remedy(tmp_path):
    ROWS.with_columns(pl.col("y") * 1e-160).write_parquet(tmp_path / "rows.parquet")
    done = piped("components", "rows.parquet", "--value", "y", "--by", "g", cwd=tmp_path)
    assert "take another unit" in done.err
    assert "too few" not in done.err


@pytest.mark.parametrize(("y", "w"), [(1e160, 1.0), (1.0, 1e300)])
def test_groups_of_several_rows_do_not_warn_of_single_rows(y, w):
    frame = ROWS.with_columns(pl.col("y") * y, pl.col("w") * w)
    with pytest.warns(pool.ConvergenceWarning, match="are beyond Float64"):
        pool.components(frame, "y", "g", weights="w")


@paths
def test_a_study_without_precision_does_not_change_others(run):
    """A standard error of 1e80 acts as an infinite one."""
    many = pl.concat([STUDIES, pl.DataFrame({"g": [9], "y": [7.0], "se": [1e80]})])
    [row] = run(pool.components, many, "y", "g", se="se", tau2="pm").to_dicts()
    assert row["converged"]
    assert row["tau2"] > 0
