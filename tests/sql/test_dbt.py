"""The dbt package in sql/dbt: dbt installs it from git, loads the macros once, and builds the example project."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool.rendering import dbt, files

SQL = Path(__file__).parents[2] / "sql"
PROJECT = SQL / "dbt" / "integration_tests"
SCORES = pl.read_csv(PROJECT / "seeds" / "scores.csv")
BATTING = pl.read_csv(PROJECT / "seeds" / "batting.csv")
README = (SQL / "dbt" / "README.md").read_text(encoding="utf-8")
PACKAGES = """
packages:
  - git: "{repository}"
    subdirectory: sql/dbt
    revision: main
"""


def test_the_rendered_macro_is_fresh():
    """After a change of sql/pool.sql: python -m polars_pool.rendering, and commit."""
    assert (SQL / dbt.PATH).read_text(encoding="utf-8") == dbt.text(files.together())


def test_the_package_has_a_macro_for_every_table_macro():
    tables = re.findall(r"^COMMENT ON MACRO TABLE pool_(\w+)", (SQL / "pool.sql").read_text(encoding="utf-8"), re.M)
    assert {path.stem for path in (SQL / "dbt" / "macros" / "verbs").iterdir()} == set(tables) - {"methods"}


# ---- the example project, built twice --------------------------------------------------------------------------------


@dataclass
class Built:
    """The folder of the project after two builds, what each of them printed, and a wrong call after them."""

    folder: Path
    first: str
    second: str
    wrong: tuple[bool, str]

    @property
    def database(self) -> Path:
        return self.folder / "integration_tests.duckdb"

    def compiled(self, test: str) -> str:
        """The query of a schema test, by a pattern of its name; it returns the rows that fail."""
        [path] = (self.folder / "target" / "compiled").rglob(f"polars_pool_{test}.sql")
        return path.read_text(encoding="utf-8")


PROGRAM = """
import sys
from dbt.cli.main import dbtRunner
for command in sys.argv[2:]:
    print(sys.argv[1], dbtRunner().invoke(["--no-use-colors", *command.split("|")]).success, sys.argv[1], flush=True)
"""
MARK = "---- succeeded ----"


def python() -> str:
    """The Python that has dbt: this one, or that beside the program on the search path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if (program := shutil.which("dbt", path=path)) is None:
        raise FileNotFoundError("dbt is missing: pip install 'polars-pool[dbt]'")
    beside = Path(program).resolve().with_name("python")
    return str(beside) if beside.exists() else sys.executable


def run(folder: Path, *commands: str) -> list[tuple[bool, str]]:
    """Whether each command succeeded, and what it printed. One process runs all, because dbt starts in two seconds."""
    done = subprocess.run(
        [python(), "-c", PROGRAM, MARK, *commands],
        cwd=folder,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *parts, rest = done.stdout.split(MARK)
    assert rest.strip() == ""
    return [(success.strip() == "True", text) for text, success in zip(parts[::2], parts[1::2], strict=True)]


def assert_runs(folder: Path, *commands: str) -> list[str]:
    """What commands that succeed print."""
    results = run(folder, *commands)
    for success, text in results:
        assert success, text
    return [text for _, text in results]


def repository(folder: Path) -> Path:
    """A git repository with the package in the folder sql/dbt, as in the repository of this project."""
    shutil.copytree(
        SQL / "dbt", folder / "sql" / "dbt", ignore=shutil.ignore_patterns("target", "dbt_packages", "logs")
    )
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for arguments in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "."],
        ["commit", "--quiet", "-m", "Package"],
    ):
        subprocess.run([*git, *arguments], cwd=folder, check=True, capture_output=True)
    return folder


def add_models_of_the_readme(project: Path) -> None:
    """The models in README.md become models of the project, unless it has a model of that name."""
    blocks = re.findall(r"```jinja\n(-- models/(\w+)\.sql\n.*?)```", README, re.DOTALL)
    assert len(blocks) == README.count("```jinja") == 6
    names = {path.stem for path in (project / "models").glob("*.sql")}
    for text, name in blocks:
        if name not in names:
            (project / "models" / "other_verbs" / f"{name}.sql").write_text(text, encoding="utf-8")


WRONG = "compile|--inline|{{ polars_pool.shrink(ref('scores'), 'score', 'month, school') }}"


def build_twice(folder: Path) -> Built:
    """The project after a build of the moments of two months, and another build of everything with three months."""
    checkout = repository(folder / "checkout")
    project = folder / "project"
    shutil.copytree(checkout / "sql" / "dbt" / "integration_tests", project)
    (project / "packages.yml").write_text(PACKAGES.format(repository=checkout.as_uri()), encoding="utf-8")
    add_models_of_the_readme(project)
    SCORES.filter(pl.col("month") <= 2).write_csv(project / "seeds" / "scores.csv")
    _, first = assert_runs(project, "deps", "build|--select|scores|moments")
    SCORES.write_csv(project / "seeds" / "scores.csv")
    (success, second), wrong = run(project, "build", WRONG)
    assert success, second
    return Built(project, first, second, wrong)


def assert_equal(result: pl.DataFrame, expected: pl.DataFrame) -> None:
    expected = expected.drop("mean_low", strict=False)
    result = result.select(expected.columns).cast(expected.schema)
    assert_frame_equal(result, expected, check_row_order=False, rel_tol=1e-9, abs_tol=1e-9)


def expected_tables() -> dict[str, pl.DataFrame]:
    """What Polars computes from the rows of all three months, by schema and name of the model."""
    by_month = pool.shrink(SCORES, "score", by="school", over="month")
    groups = pl.DataFrame({"school": ["Oak", "Fir"]})
    late = SCORES.filter(pl.col("month") > 1)
    return {
        "analytics.estimates": pool.shrink(SCORES, "score", by="school", tau2="dl", level=0.9, groups=groups),
        "analytics_marts.estimates_by_month": by_month,
        "analytics.estimates_of_estimates": pool.shrink(
            by_month.filter(pl.col("se") > 0), "estimate", by="school", se="se"
        ),
        "analytics.components": pool.components(SCORES, "score", by="school", over="month"),
        "analytics.encoded": pool.encode(late, "score", by=["month", "school"], tau2=9.0),
        "analytics.moments": pool.moments(SCORES, "score", by=["month", "school"]),
        "analytics.merged_moments": pool.moments(SCORES, "score", by="school"),
        "analytics.estimates_of_moments": pool.shrink(SCORES, "score", by="school"),
        "analytics.batting_rates": pool.shrink(BATTING, "hits", by="player", trials="at_bats", threshold=0.3),
    }


def expected_of_other_verbs() -> dict[str, pl.DataFrame]:
    """What Polars computes for the models in the folder other_verbs and in README.md."""
    lines = {"value": "score", "x": "month", "by": "school"}
    levels = {"by": ["month", "school"], "nested": True}
    late = SCORES.filter(pl.col("month") > 1)
    by_month = pool.shrink(SCORES, "score", by="school", over="month")
    above = pool.shrink(SCORES, "score", by="school", over="month", tau2="dl", threshold=60)
    posterior = pool.shrink(late, pl.col("score").log(), by="school", tau2=pool.HalfCauchy(1), threshold=4.1)
    counts = {"value": "hits", "by": "player", "exposure": "at_bats"}
    return {
        "comparison": pool.compare(SCORES, "score", by="school", over="month"),
        "profile": pool.profile(SCORES, "score", by="school", tau=[0, 2.5, 5], groups=True),
        "weighted_moments": pool.moments(SCORES, "score", by=["month", "school"], weights="month"),
        "merged_weighted_moments": pool.moments(SCORES, "score", by="school", weights="month"),
        "lines": pool.regress(SCORES, **lines, method="ml"),
        "coefficients_of_lines": pool.regress_coefficients(SCORES, **lines),
        "estimates_of_levels": pool.shrink(SCORES, "score", **levels, at="month", tau2=["reml", 9.0]),
        "components_of_levels": pool.components(SCORES, "score", **levels),
        "estimates_beside_a_predictor": pool.shrink(SCORES, "score", by=["month", "school"], toward="month"),
        "components_of_rates": pool.components(BATTING, "hits", by="player", trials="at_bats"),
        "counts": pool.shrink(BATTING, **counts, prior=pool.Gamma(3, 10)).drop("lower", "upper"),
        "components_of_counts": pool.components(BATTING, **counts, prior="moments"),
        "posterior_of_good_schools": posterior.filter(pl.col("p_above") > 0.5),
        "estimates_of_a_file": pool.shrink(SCORES.filter(pl.col("month") < 3), "score", by="school"),
        "school_estimates": pool.shrink(SCORES, "score", by="school"),
        "good_schools": above.filter(pl.col("p_above") > 0.9),
        "plain_macro": pool.shrink(SCORES, "score", by="school", tau2="dl"),
        "estimates_of_a_view": pool.shrink(by_month.drop_nulls("se"), "estimate", by="school", se="se"),
    }


# Changes that a schema test must report, and the number of rows that it returns, by a pattern of the test's name.
DAMAGE = {
    "valid_moments_*": ("UPDATE analytics.moments SET var = -1 WHERE school = 'Ash'", 3),
    "complete_moments_*": ("DELETE FROM analytics.moments WHERE month = 2", 5),
    "valid_estimates_estimates_": ("UPDATE analytics.estimates SET estimate = lower - 1 WHERE school = 'Elm'", 1),
    "converged_*": ("UPDATE analytics.components SET converged = false WHERE month = 3", 1),
}


def test_the_version_is_that_of_the_python_package():
    assert f"\nversion: {pool.__version__}\n" in (SQL / "dbt" / "dbt_project.yml").read_text(encoding="utf-8")


def test_the_readme_shows_tests_of_the_project():
    [block] = re.findall(r"```yaml\nmodels:\n(.*?)```", README, re.DOTALL)
    schema = (PROJECT / "models" / "schema.yml").read_text(encoding="utf-8")
    assert set(block.splitlines()) <= set(schema.splitlines())


def test_the_example_project(tmp_path):
    """One test, because dbt needs half a minute, and each process of pytest would build the project for itself."""
    built = build_twice(tmp_path)
    message = "polars_pool: loaded the DuckDB macros"
    assert message in built.first
    assert message not in built.second

    success, message = built.wrong
    assert not success
    assert "'month, school' is one text with several columns" in message
    assert "['month', 'school']" in message

    installed = built.folder / "dbt_packages" / "polars_pool"
    assert (installed / "macros").is_dir()
    assert not (installed / "sql").exists()

    with duckdb.connect(str(built.database)) as connection:
        for name, expected in expected_tables().items():
            assert_equal(connection.sql(f"FROM {name}").pl(), expected)
        connection.execute(f"SET file_search_path = '{built.folder}'")
        for name, expected in expected_of_other_verbs().items():
            assert_equal(connection.sql(f"FROM analytics.{name}").pl(), expected)
        for test, (statement, failures) in DAMAGE.items():
            query = built.compiled(test)
            assert connection.execute(query).fetchall() == [], test
            connection.execute(statement)
            assert len(connection.execute(query).fetchall()) == failures, test
