"""The examples run as a reader would run them; the flights agree with a plain group-by of another engine."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest
import shells
from polars.testing import assert_frame_equal

import polars_pool as pool

ROOT = Path(__file__).parents[2]


def run(script: str, *arguments: str, cwd: Path) -> str:
    command = [sys.executable, "-W", "error", str(ROOT / script), *arguments]
    done = subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def flights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flights")
    return folder / "flights-warehouse", run("examples/flights.py", cwd=folder)


def test_flights_warehouse_is_partitioned_by_month_and_keeps_its_nulls(flights):
    folder, _ = flights
    assert {p.parent.name for p in folder.glob("flights/*/*.parquet")} == {f"month={m}" for m in range(1, 13)}
    rows = pl.scan_parquet(folder / "flights/**/*.parquet", hive_partitioning=True)
    # The counts of R's nycflights13: 336,776 flights, 2,512 without a tail number, 9,430 without an arrival delay.
    counts = rows.select(pl.len(), pl.col("tailnum", "arr_delay").null_count()).collect()
    assert counts.row(0) == (336_776, 2_512, 9_430)


def test_flights_moments_equal_duckdb(flights):
    folder, _ = flights
    query = f"""
        SELECT tailnum, count(arr_delay) AS n, avg(arr_delay) AS mean
        FROM read_parquet('{folder / "flights"}/**/*.parquet', hive_partitioning = true) GROUP BY tailnum
    """
    expected = pl.from_arrow(duckdb.sql(query).to_arrow_table())
    aircraft = pl.read_parquet(folder / "aircraft.parquet")
    assert aircraft.height == 4_044
    assert_frame_equal(
        aircraft.select("tailnum", "n", "mean"), expected, check_row_order=False, abs_tol=0, rel_tol=1e-12
    )


def test_flights_shows_the_raw_extremes_with_their_estimates(flights):
    _, printed = flights
    # The lowest and the highest raw mean of the year have one flight each.
    for tailnum, mean in (("N560AS", "-53.00"), ("N844MH", "320.00")):
        line = next(line for line in printed.splitlines() if tailnum in line)
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        assert cells[:3] == [tailnum, "1", mean]
        assert abs(float(cells[4])) < 20  # the estimate stays near the population mean of 6 minutes


@pytest.fixture(scope="module")
def flights_in_sql(flights):
    """The output of the shell as {title: rows}, in the folder that the Python example wrote."""
    folder = flights[0].parent
    shutil.copytree(ROOT / "sql", folder / "sql")
    script = (ROOT / "examples" / "flights.sql").read_text(encoding="utf-8")
    written = shells.shell_writes(["-no-init", "-json"], script, cwd=folder)
    parts = re.split(r"^([A-Z].*)$", written, flags=re.MULTILINE)
    assert not parts[0].strip(), parts[0]
    return {title: json.loads(text) for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_flights_in_sql_equal_polars(flights, flights_in_sql):
    """Compare every number of every aircraft in the file that the shell wrote."""
    folder, _ = flights
    expected, result = (pl.read_parquet(folder / name) for name in ("aircraft.parquet", "aircraft-sql.parquet"))
    assert result.schema == expected.schema
    assert result.height == 4_044
    scale = 6.4 + 6.4  # |mu| + the standard deviation between aircraft, in minutes
    assert_frame_equal(result, expected, check_row_order=False, abs_tol=1e-9 * scale, rel_tol=1e-12)


def test_flights_in_sql_print_the_numbers_of_polars(flights, flights_in_sql):
    folder, _ = flights
    rows = pl.scan_parquet(folder / "flights/**/*.parquet", hive_partitioning=True)
    aircraft = pl.read_parquet(folder / "aircraft.parquet")
    shown = aircraft.select("tailnum", "n", "mean", "weight", "estimate", "lower", "upper")
    ranked = shown.drop_nulls("mean").sort("mean", "tailnum")
    model = pool.components(rows, "arr_delay", by="tailnum").collect()
    months = pool.components(rows, "arr_delay", by="tailnum", over="month").sort("month").collect()
    expected = {
        "Arrival delay in minutes: variance within and between aircraft, and their mean": model.select(
            "groups", "n", "sigma2", "tau2", "tau2_lower", "tau2_upper", "mu", "se_mu", "icc", "converged"
        ),
        "The ten best raw means, with their estimates": ranked.head(10),
        "The ten worst raw means, with their estimates": ranked.tail(10).reverse(),
        "No tail number, and aircraft without an arrival: their estimate is the population mean": shown.filter(
            pl.col("tailnum").is_null()
        ),
        "The aircraft with the highest estimates": shown.sort("estimate", descending=True).head(3),
        "The same model from stored moments": model.select("tau2", "mu"),
        "One model per month": months.select("month", "groups", "tau2", "mu"),
    }
    assert list(flights_in_sql) == list(expected)
    for title, frame in expected.items():
        printed = pl.DataFrame(flights_in_sql[title], schema=frame.schema)
        assert_frame_equal(printed, frame, abs_tol=0.00501, rel_tol=0)  # two digits are printed


@pytest.mark.one_way
@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_flights_from_the_command_line(flights, engine):
    """The command in the README gives the estimates of the example."""
    folder, _ = flights
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [typed] = re.findall(
        r"^polars-pool (shrink flights-warehouse/.* -o estimates\.parquet)$", readme, flags=re.MULTILINE
    )
    command = [sys.executable, "-W", "error", "-m", "polars_pool", *shlex.split(typed), "--engine", engine]
    done = subprocess.run(command, check=False, cwd=folder.parent, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    result, aircraft = (
        pl.read_parquet(path) for path in (folder.parent / "estimates.parquet", folder / "aircraft.parquet")
    )
    assert result.columns == aircraft.columns
    scale = 6.4 + 6.4  # |mu| + the standard deviation between aircraft, in minutes
    assert_frame_equal(result, aircraft, check_row_order=False, abs_tol=1e-9 * scale, rel_tol=1e-10)


def test_flights_takes_a_folder(tmp_path):
    run("examples/flights.py", "elsewhere", cwd=tmp_path)
    assert (tmp_path / "elsewhere" / "aircraft.parquet").is_file()


def test_the_picture_of_the_front_page_is_up_to_date(tmp_path):
    """After a change of the estimates or of the script: run `python examples/picture.py` and commit."""
    run("examples/picture.py", "flights.svg", cwd=tmp_path)
    committed = ROOT / "examples" / "guides" / "images" / "flights.svg"
    assert (tmp_path / "flights.svg").read_text(encoding="utf-8") == committed.read_text(encoding="utf-8")


def test_flights_by_month(tmp_path):
    """Each refresh reads only its month; the example itself asserts that the result equals one pass."""
    for _ in range(2):  # and again over existing files
        printed = run("examples/flights_by_month.py", cwd=tmp_path)
        lines = [line for line in printed.splitlines() if line.startswith("month ")]
        assert len(lines) == 12
        for number, line in enumerate(lines, 1):
            assert re.match(
                rf"month +{number}: 1 part read \([\d,]+ rows\), {number - 1} unchanged, 0 dropped; N\w+", line
            )
        assert "equal one pass to 1e-12" in printed
    states = list((tmp_path / "flights-by-month" / "moments").glob("*.parquet"))
    assert len(states) == 12


def test_classics(tmp_path):
    printed = run("examples/classics.py", cwd=tmp_path)
    for title in ("Win Vector", "Eight schools", "Gelman & Hill"):
        assert title in printed


def test_eight_schools(tmp_path):
    """The example asserts its own numbers; its output contains the exact mean of log tau."""
    printed = run("examples/eight_schools.py", cwd=tmp_path)
    for title in ("tau and mu flat", "tau half-Cauchy(5), mu normal(0, 5)", "Fifty simulated schools"):
        assert title in printed
    assert "E(log tau) = 0.8021392108" in printed


def test_regressions(tmp_path):
    """The example asserts every number that lme4 reports."""
    printed = run("examples/regressions.py", cwd=tmp_path)
    for title in ("Reaction ~ Days + (Days | Subject)", "log_radon ~ floor + log_uranium + (1 | county)"):
        assert title in printed


def test_rates(tmp_path):
    printed = run("examples/rates.py", cwd=tmp_path)
    for title in ("Batting averages", "Tumours in rats", "Claims per policy"):
        assert title in printed


def test_data_of_the_examples_are_those_of_the_vectors():
    for shipped in (ROOT / "examples" / "data").iterdir():
        assert shipped.read_bytes() == (ROOT / "tests" / "vectors" / "data" / shipped.name).read_bytes()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The table of the speed scripts, with a few rows."""
    folder = tmp_path_factory.mktemp("benchmarks") / "table"
    run("tests/benchmarks/speed.py", "--make", str(folder), "4000", "100", "8", "0", cwd=folder.parent)
    return folder


# A script measures each job in a process of its own; here one process measures all jobs.
EVERY_JOB = """
import importlib, json, sys
from pathlib import Path

_, script, table, part = sys.argv
sys.argv[0] = script
sys.path.insert(0, str(Path(script).parent))
module = importlib.import_module(Path(script).stem)
print(json.dumps({job: module.measure(job, Path(table)) for job in module.JOBS if part in job}))
"""


def measured(script: str, table: Path, part: str = "") -> set[str]:
    """Measure all jobs of a script; return their names."""
    warnings = ("-W", "error", "-W", "ignore:the data of")  # small models may show no difference between their groups
    command = [sys.executable, *warnings, "-c", EVERY_JOB, str(ROOT / "tests" / "benchmarks" / script)]
    done = subprocess.run(
        [*command, str(table), part], check=False, cwd=table.parent, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert all(run["wall"] > 0 and run["cpu"] > 0 and run["peak"] > 0 for run in result.values())
    return set(result)


@pytest.mark.only_full
def test_speed_script_prints_its_jobs(tmp_path):
    few = ("--scale", "0.001", "--rounds", "1", "--only", "expression, in memory")
    printed = run("tests/benchmarks/speed.py", str(tmp_path), *few, cwd=tmp_path)
    for job in ("mean().over(g), in memory", "expression, in memory"):
        assert f"| {job} |" in printed


@pytest.mark.only_full
def test_speed_script_measures_every_job(table):
    jobs = measured("speed.py", table)
    assert {"shrink, reml", "encode", "expression", "components, rates of 0 and 1"} < jobs


@pytest.mark.only_full
def test_sql_speed_script_measures_a_job(table):
    assert measured("sql_speed.py", table, "pool_shrink, re") == {"pool_shrink, reml"}


@pytest.mark.only_full
def test_store_speed_script_measures_every_job(table):
    jobs = ("refresh", "refresh with one more partition, and merge", "shrink from the store")
    assert measured("store_speed.py", table, ", 100,000") > {f"{job}, 100,000 groups" for job in jobs}


@pytest.mark.only_full
def test_store_scale_script_prints_every_step(tmp_path):
    sizes = ("--partitions", "2", "--rows", "5000", "--groups", "100")
    printed = run("tests/benchmarks/store_scale.py", str(tmp_path), *sizes, cwd=tmp_path)
    for step in ("refresh of 1 partitions", "refresh, one more partition", "shrink from the store"):
        assert f"| {step} |" in printed


@pytest.mark.only_full
def test_calibration_script_finds_ranks_uniform(tmp_path):
    printed = run("tests/benchmarks/calibration.py", "--models", "500", "--only", "se, half_cauchy(5)", cwd=tmp_path)
    for line in ("se, half_cauchy(5)", "se, half_cauchy(5), draws", "se, half_cauchy(5), flat mu"):
        assert printed.count(f"| {line} | 500 |") == 3  # a line of every table
    [least] = re.findall(r"The least of the 14 probabilities of lines without a star is (\S+)\.", printed)
    assert float(least) > 1e-4


@pytest.mark.only_full
def test_posterior_speed_script_measures_digits(tmp_path):
    """One job of the script, in a process of its own; PyMC does not run here."""
    result = json.loads(run("tests/benchmarks/posterior_speed.py", "--measure", "components + shrink", cwd=tmp_path))
    assert min(result[name] for name in ("tau", "mu", "theta")) > 10
    assert result["wall"] > 0
