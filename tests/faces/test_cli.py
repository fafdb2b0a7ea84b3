"""The command line: the numbers of the library in every output, and one sentence for each error."""

import gzip
import io
import json
import math
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import shells
import typer
from commands import PROGRAM, on_terminal, piped
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool.__main__ import main
from polars_pool.cli import by_duckdb, database, errors, expressions, quoting, screen, task

ROOT = Path(__file__).parents[2]
ENGINES = ("polars", "duckdb")
every_engine = pytest.mark.parametrize("engine", ENGINES)
pytestmark = pytest.mark.one_way


def rows() -> pl.DataFrame:
    """3,000 rows in three years: null values and keys, weights, text keys, one group without any value."""
    random = np.random.default_rng(20261120)
    school = random.integers(0, 40, 3_000)
    frame = pl.DataFrame(
        {
            "year": 2021 + random.integers(0, 3, 3_000),
            "school": [f"s{i:02d}" for i in school],
            "state": random.choice(["ny", "nj", "ct"], 3_000),
            "score": 50 + 3 * np.sin(school) + random.normal(0, 5, 3_000),
            "load": random.integers(1, 5, 3_000),
        }
    )
    return frame.with_columns(
        score=pl.when(pl.col("school") != "s07", pl.int_range(pl.len()) % 50 != 0).then("score"),
        school=pl.when(pl.col("school") != "s11").then("school"),
    )


ROWS = rows()
SCHOOLS = pl.DataFrame(
    {
        "school": list("ABCDEFGH"),
        "effect": [28, 8, -3, 7, -1, 1, 18, 12],
        "se": [15, 10, 16, 11, 9, 11, 10, 18],
        "size": [20, 40, 15, 35, 50, 35, 40, 12],
    }
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    ROWS.write_parquet(folder / "warehouse", partition_by="year")
    SCHOOLS.write_parquet(folder / "schools.parquet")
    return folder


@pytest.fixture
def folder(written, tmp_path, monkeypatch):
    """A working folder with only a warehouse of three partitions and a table of published estimates."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def macros_at_hand(monkeypatch):
    """A database with the macros already installed: installing them takes seconds per command."""
    opened = database.connection

    def connection(scratch):
        shutil.copy(shells.macros_file("module"), scratch / "scratch.duckdb")
        return opened(scratch)

    monkeypatch.setattr(database, "connection", connection)
    monkeypatch.setattr(by_duckdb, "install_macros", lambda con, *, temporary: None)


parser = cache(typer.main.get_command)


@pytest.fixture
def run(folder, macros_at_hand, capfd, monkeypatch):
    """Runs a command in this process; returns its exit code, stdout and stderr. One parser serves all commands."""
    monkeypatch.setattr(typer.main, "get_command", parser)

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return command


@pytest.fixture
def answer(run):
    """Runs a command that succeeds without output; returns the frame that it writes."""

    def command(*arguments: str) -> pl.DataFrame:
        assert run(*arguments, "-o", "answer.parquet") == (0, "", "")
        return pl.read_parquet("answer.parquet")

    return command


def assert_same(result: pl.DataFrame, expected: pl.DataFrame, digits: float = 1e-12) -> None:
    """Assert equal rows in equal order, with a tolerance relative to the size of each column."""
    assert result.schema == expected.schema
    assert result.height == expected.height > 0
    for name in expected.columns:
        finite = (
            expected[name].filter(expected[name].is_finite()) if expected[name].dtype.is_float() else pl.Series([0])
        )
        size = finite.abs().max() or 1.0
        assert_frame_equal(result.select(name), expected.select(name), abs_tol=digits * size, rel_tol=digits)


DIGITS = {"polars": 1e-11, "duckdb": 1e-9}  # compared with one pass: iterations end within the rounding of their sums

# The arguments after SOURCE, and those of the library. The expressions are valid SQL in both engines.
SHRINK = {
    "plain": ("--value score --by school", "score", {"by": "school"}),
    "over": ("--value score --by school --over year", "score", {"by": "school", "over": "year"}),
    "several keys": ("--value score --by state,school", "score", {"by": ["state", "school"]}),
    "repeated keys": ("--value score --by state --by school", "score", {"by": ["state", "school"]}),
    "a key of the path": ("--value score --by year,school", "score", {"by": ["year", "school"]}),
    "several over": (
        "--value score --by school --over state,year",
        "score",
        {"by": "school", "over": ["state", "year"]},
    ),
    "an expression": ("--value 'ln(1 + score)' --by school", pl.col("score").log1p(), {"by": "school"}),
    "a key computed": (
        "--value score --by 'upper(state) AS state, school'",
        "score",
        {"by": [pl.col("state").str.to_uppercase(), "school"]},
    ),
    "commas inside": (
        "--value score --by \"coalesce(school, 'a,b') AS school\" --over year",
        "score",
        {"by": pl.col("school").fill_null("a,b"), "over": "year"},
    ),
    "weights": ("--value score --by school --weights load", "score", {"by": "school", "weights": "load"}),
    "weights computed": (
        "--value score --by school --weights '2 * load'",
        "score",
        {"by": "school", "weights": 2 * pl.col("load")},
    ),
    "a value that is a key": ("--value load --by load --over state", "load", {"by": "load", "over": "state"}),
    "known": (
        "--value score --by school --sigma2 20 --tau2 4.5 --mu -1e1",
        "score",
        {"by": "school", "sigma2": 20, "tau2": 4.5, "mu": -10},
    ),
    "named": (
        "--value score --by school --sigma2 separate --tau2 dl --mu rows",
        "score",
        {"by": "school", "sigma2": "separate", "tau2": "dl", "mu": "rows"},
    ),
    "interval": (
        "--value score --by school --level 0.5 --uncertainty conditional",
        "score",
        {"by": "school", "level": 0.5, "uncertainty": "conditional"},
    ),
    "error of tau2": (
        "--value score --by school --tau2 dl --uncertainty tau2",
        "score",
        {"by": "school", "tau2": "dl", "uncertainty": "tau2"},
    ),
    "robust": (
        "--value score --by school --over year --interval robust --level 0.9",
        "score",
        {"by": "school", "over": "year", "interval": "robust", "level": 0.9},
    ),
    "a new row": (
        "--value score --by school --predict row --threshold 5e1 --uncertainty tau2",
        "score",
        {"by": "school", "predict": "row", "threshold": 50, "uncertainty": "tau2"},
    ),
    "a replicate": (
        "--value 'score - 50' --by school --predict replicate --threshold -0.5",
        pl.col("score") - 50,
        {"by": "school", "predict": "replicate", "threshold": -0.5},
    ),
    "a posterior": (
        "--value score --by school --tau2 'half_cauchy(5)' --mu 'normal(60, 20)' --interval shortest --threshold 50",
        "score",
        {
            "by": "school",
            "tau2": pool.HalfCauchy(5),
            "mu": pool.Normal(60, 20),
            "interval": "shortest",
            "threshold": 50,
        },
    ),
}


BY_BOTH = (
    *("several over", "a key computed", "weights computed", "a value that is a key", "named", "a new row"),
    "robust",
)


@pytest.mark.share(3)
@pytest.mark.parametrize(
    ("engine", "case"), [("polars", case) for case in SHRINK] + [("duckdb", case) for case in BY_BOTH]
)
def test_shrink_equals_one_pass(answer, engine, case):
    typed, value, options = SHRINK[case]
    result = answer("shrink", "warehouse", *shlex.split(typed), "--engine", engine)
    assert_same(result, pool.shrink(ROWS, value, **options), DIGITS[engine])


@every_engine
def test_where(answer, engine):
    where = "year < 2023 AND (state = 'ny' OR score > 50)"
    result = answer("shrink", "warehouse", "--value=score", "--by=school", "--where", where, "--engine", engine)
    kept = ROWS.filter(pl.col("year") < 2023, (pl.col("state") == "ny") | (pl.col("score") > 50))
    assert_same(result, pool.shrink(kept, "score", by="school"), DIGITS[engine])


@every_engine
def test_nan_null_treats_nan_as_missing(answer, engine):
    typed = ["warehouse", "--value", "CASE WHEN state = 'ny' THEN score / 0.0 ELSE score END", "--by=school"]
    result = answer("shrink", *typed, "--nan=null", "--engine", engine)
    kept = pl.when(pl.col("state") != "ny").then("score")
    assert_same(result, pool.shrink(ROWS, kept, by="school"), DIGITS[engine])


@pytest.mark.parametrize(("engine", "over"), [("polars", None), ("polars", "year"), ("duckdb", "year")])
def test_components(answer, engine, over):
    typed = ["--value=score", "--by=school", *([f"--over={over}"] if over else [])]
    result = answer("components", "warehouse", *typed, "--engine", engine)
    assert_same(result, pool.components(ROWS, "score", by="school", over=over), DIGITS[engine])


@every_engine
def test_tests_and_intervals_of_components(answer, engine):
    typed = ["--value=score", "--by=school", "--level=0.9", "--test=knha", "--limits=q", "--engine", engine]
    result = answer("components", "warehouse", *typed)
    assert_same(result, pool.components(ROWS, "score", by="school", level=0.9, test="knha", limits="q"), DIGITS[engine])


@pytest.mark.parametrize(("engine", "over"), [("polars", None), ("polars", "year"), ("duckdb", "year")])
def test_compare(answer, engine, over):
    typed = ["--value=score", "--by=school", "--tau2=dl", *([f"--over={over}"] if over else [])]
    result = answer("compare", "warehouse", *typed, "--engine", engine)
    assert_same(result, pool.compare(ROWS, "score", by="school", over=over, tau2="dl"), 1e-9)


@every_engine
def test_components_of_a_posterior(answer, engine):
    typed = ["--value=score", "--by=school", "--over=year", "--tau2=half_normal(8)", "--level=0.8", "--engine", engine]
    result = answer("components", "warehouse", *typed)
    expected = pool.components(ROWS, "score", by="school", over="year", tau2="half_normal(8)", level=0.8)
    assert_same(result, expected, 1e-8)


def test_an_improper_posterior_among_others_is_reported(run):
    SCHOOLS.with_columns(half=pl.col("school") < "C").write_parquet("halves.parquet")
    typed = ["halves.parquet", "--value=effect", "--se=se", "--by=school", "--over=half", "--tau2=uniform"]
    code, _, told = run("shrink", *typed, "-o", "answer.parquet")
    assert code == 0
    assert told.startswith("polars-pool: warning: 1 of 2 models: a model has no posterior")
    assert pl.read_parquet("answer.parquet").filter("half")["estimate"].null_count() == 2


def test_compare_stored_moments(answer):
    states = pool.moments(ROWS, "score", by=["year", "school"])
    states.rename({"n": "count", "mean": "centre", "var": "spread"}).write_parquet("states.parquet")
    columns = ["--value=centre", "--n=count", "--var=spread", "--by=school"]
    assert_same(answer("compare", "states.parquet", *columns), pool.compare(ROWS, "score", by="school"), 1e-9)


PROFILE = {
    "": {},
    "--over year --tau 0,0.5,2": {"over": "year", "tau": [0, 0.5, 2]},
    "--over state,year --tau 3,0 --groups": {"over": ["state", "year"], "tau": [0, 3], "groups": True},
    "--weights load --mu 50 --sigma2 separate --tau 1e0": {
        "weights": "load",
        "mu": 50,
        "sigma2": "separate",
        "tau": [1],
    },
}


@pytest.mark.parametrize(
    ("engine", "typed"), [("polars", typed) for typed in PROFILE] + [("duckdb", "--over state,year --tau 3,0 --groups")]
)
def test_profile(answer, engine, typed):
    result = answer("profile", "warehouse", "--value=score", "--by=school", *shlex.split(typed), "--engine", engine)
    assert_same(result, pool.profile(ROWS, "score", by="school", **PROFILE[typed]), 1e-9)


@every_engine
def test_the_posterior_density_of_tau(answer, engine):
    typed = ["--value=effect", "--se=se", "--by=school", "--tau2=half_cauchy(5)", "--tau=0,5", "--engine", engine]
    expected = pool.profile(SCHOOLS, "effect", se="se", by="school", tau2=pool.HalfCauchy(5), tau=[0, 5])
    assert_same(answer("profile", "schools.parquet", *typed), expected, 1e-8)


def test_profile_of_published_estimates(answer):
    result = answer("profile", "schools.parquet", "--value=effect", "--se=se", "--by=school", "--groups")
    assert_same(result, pool.profile(SCHOOLS, "effect", se="se", by="school", groups=True), 1e-12)


@pytest.mark.parametrize(("engine", "name"), [("polars", "NEW.CSV"), ("polars", "new.parquet"), ("duckdb", "new.csv")])
def test_groups_without_rows(answer, engine, name):
    """The file may have other columns; text in CSV is converted to the types of the keys, empty text to null."""
    new = pl.DataFrame({"mean": ["x", "y", "z"], "year": [2021, 2024, None], "school": ["s01", "01", None]})
    new.write_parquet(name) if name.endswith("parquet") else new.write_csv(name)
    typed = ["warehouse", "--value=score", "--groups", name, "--engine", engine]
    result = answer("shrink", *typed, "--by=school,year")
    assert_same(result, pool.shrink(ROWS, "score", by=["school", "year"], groups=new), DIGITS[engine])
    assert result.height == ROWS.select("school", "year").n_unique() + 2
    result = answer("shrink", *typed, "--by=school", "--over=state")
    assert_same(result, pool.shrink(ROWS, "score", by="school", over="state", groups=new), DIGITS[engine])
    assert result["school"].eq("01").sum() == 3  # in every model


@every_engine
def test_new_groups_with_published_estimates(answer, engine):
    schools = SCHOOLS.with_columns(year=pl.col("size") % 2)
    schools.write_parquet("both.parquet")
    new = pl.DataFrame({"year": [0, 1], "school": ["A", "Z"]})
    new.write_parquet("new.parquet")
    typed = ["--value=effect", "--se=se", "--by=school", "--over=year", "--groups=new.parquet", "--engine", engine]
    result = answer("shrink", "both.parquet", *typed)
    assert_same(result, pool.shrink(schools, "effect", se="se", by="school", over="year", groups=new), DIGITS[engine])


def test_a_key_may_have_the_name_of_a_column_of_another_verb(answer):
    """The rows are sorted by this key, too."""
    result = answer("shrink", "warehouse", "--value=score", "--by=state AS groups,school AS tau")
    named = ROWS.rename({"state": "groups", "school": "tau"})
    assert_same(result, pool.shrink(named, "score", by=["groups", "tau"]), 1e-11)
    result = answer("profile", "warehouse", "--value=score", "--by=school", "--over=state AS groups", "--tau=2,1")
    named = ROWS.rename({"state": "groups"})
    assert_same(result, pool.profile(named, "score", by="school", over="groups", tau=[1, 2]), 1e-9)


with_and_without_weights = pytest.mark.parametrize(
    ("engine", "weights"), [("polars", None), ("polars", "load"), ("duckdb", "load")]
)


NESTED = {"by": ["state", "school"], "nested": True}


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ("", {}),
        ("--at state --level 0.9 --tau2 2.0,ml --over year", {"at": "state", "level": 0.9, "tau2": [2.0, "ml"]}),
    ],
)
@every_engine
def test_nested_levels(answer, engine, arguments, options):
    over = {"over": "year"} if "--over" in arguments else {}
    typed = ("warehouse", "--value=score", "--by=state,school", "--nested", f"--engine={engine}", *arguments.split())
    assert_same(answer("shrink", *typed), pool.shrink(ROWS, "score", **NESTED, **options, **over), 1e-8)


def test_nested_levels_of_a_store(run, answer):
    stored = ("warehouse", "--store=moments", "--value=score", "--by=state,school")
    assert run("refresh", *stored)[0] == 0
    result = answer("shrink", "--store=moments", "--by=state,school", "--nested", "--at=state")
    assert_same(result, pool.shrink(ROWS, "score", **NESTED, at="state"), 1e-9)
    scanned = pool.MomentStore("moments").scan()
    again = pool.shrink(scanned, "mean", n="n", var="var", **NESTED, at="state").collect().sort("state")
    assert_same(again, result, 1e-12)


@every_engine
def test_components_of_nested_levels(answer, engine):
    result = answer("components", "warehouse", "--value=score", "--by=state,school", "--nested", f"--engine={engine}")
    assert_same(result, pool.components(ROWS, "score", **NESTED), 1e-7)


def test_nested_levels_that_the_data_do_not_separate_are_reported(run, folder):
    frame = pl.DataFrame({"a": ["x", "x", "y", "y", "z", "z"], "b": [1] * 6, "y": [1.0, 2.0, 4.0, 6.0, 3.0, 9.0]})
    frame.write_parquet(folder / "single.parquet")
    code, _, said = run("shrink", "single.parquet", "--value=y", "--by=a,b", "--nested")
    assert code == 0
    assert "warning: a model does not separate the variance of 'b'" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            "--nested --at stat",
            "--at='stat' is no key of a level; give one of 'state', 'school'; did you mean 'state'?",
        ),
        ("--at state", "--at='state' is for nested levels: give --nested too"),
        ("--nested --tau2 dl", "--tau2='dl'; give a number of 0 or more, or one of 'reml', 'ml'"),
        ("--nested --mu 3", "--mu=3.0 does not go with --nested"),
        ("--nested --engine duckdb --at stat", "--at='stat' is no key of a level; give one of 'state', 'school'"),
        ("--nested --engine duckdb --by year", "--nested with --engine duckdb takes two keys, not 3"),
    ],
)
def test_wrong_nested_levels(run, arguments, words):
    code, _, said = run("shrink", "warehouse", "--value=score", "--by=state,school", *arguments.split())
    assert code > 0
    assert words in said


@with_and_without_weights
def test_moments(answer, engine, weights):
    typed = ["--value=score", "--by=state,school", *([f"--weights={weights}"] if weights else [])]
    result = answer("moments", "warehouse", *typed, "--engine", engine)
    assert_same(result, pool.moments(ROWS, "score", by=["state", "school"], weights=weights), DIGITS[engine])


@with_and_without_weights
def test_merge(answer, folder, engine, weights):
    for year in (2021, 2022, 2023):
        part = ROWS.filter(pl.col("year") == year)
        pool.moments(part, "score", by=["state", "school"], weights=weights).write_parquet(f"{year}.parquet")
    result = answer("merge", "2021.parquet", "202[23].parquet", "--by=school", "--engine", engine)
    assert_same(result, pool.moments(ROWS, "score", by="school", weights=weights), DIGITS[engine])


@pytest.mark.parametrize("command", ["shrink", "components"])
def test_published_estimates(answer, command):
    result = answer(command, "schools.parquet", "--value=effect", "--se=se", "--by=school")
    assert_same(result, getattr(pool, command)(SCHOOLS, "effect", se="se", by="school"), 1e-12)


@every_engine
@pytest.mark.parametrize("command", ["shrink", "components"])
def test_published_estimates_with_counts(answer, engine, command):
    typed = ["--se", "se / 2", "--n=size", "--tau2=anova", "--where", "size > 12", "--engine", engine]
    result = answer(command, "schools.parquet", "--value=effect", "--by=school", *typed)
    expected = getattr(pool, command)(
        SCHOOLS.filter(pl.col("size") > 12), "effect", se=pl.col("se") / 2, n="size", by="school", tau2="anova"
    )
    assert_same(result, expected, DIGITS[engine])


@every_engine
def test_stored_moments_in_any_columns(answer, engine):
    states = pool.moments(ROWS, "score", by=["year", "school"], weights="load")
    states.rename({"n": "count", "mean": "centre", "var": "spread", "w": "total"}).write_parquet("states.parquet")
    columns = ["--value=centre", "--n=count", "--var=spread", "--weights=total", "--by=school"]
    result = answer("shrink", "states.parquet", *columns, "--engine", engine)
    assert_same(result, pool.shrink(ROWS, "score", by="school", weights="load"), DIGITS[engine])


def test_duckdb_installs_its_macros_for_every_input(run, answer, monkeypatch):
    """For rows, for stored moments or published estimates, and for a store."""
    run("refresh", "warehouse", *DEFINED)
    installed = []
    monkeypatch.setattr(by_duckdb, "install_macros", lambda con, *, temporary: installed.append(temporary))
    answer("shrink", "warehouse", *ROWS_OF, "--engine=duckdb")
    answer("shrink", "schools.parquet", "--value=effect", "--se=se", "--by=school", "--engine=duckdb")
    answer("shrink", "--store=moments", "--engine=duckdb")
    assert installed == [True, True, True]


def test_duckdb_answers_with_the_macros_that_it_installs(folder):
    """Other tests find the macros in the database."""
    typed = ["schools.parquet", "--value=effect", "--se=se", "--by=school"]
    assert main(["shrink", *typed, "--engine=duckdb", "-o", "answer.parquet"]) == 0
    expected = pool.shrink(SCHOOLS, "effect", se="se", by="school")
    assert_same(pl.read_parquet("answer.parquet"), expected, DIGITS["duckdb"])


@every_engine
def test_a_delta_table(answer, engine):
    """The partition column is only in the log."""
    ROWS.write_delta("table", delta_write_options={"partition_by": ["year"]})
    result = answer("shrink", "table", "--value=score", "--by=school", "--over=year", "--engine", engine)
    assert_same(result, pool.shrink(ROWS, "score", by="school", over="year"), DIGITS[engine])


def test_names_of_columns_are_names_first(answer):
    """A text that is a column name is that column, even if it is also an SQL expression."""
    odd = {"school": "a, b", "score": "score - 1", "year": "year AS x"}
    ROWS.rename(odd).write_parquet("odd.parquet")
    for engine in ENGINES:
        typed = ["--value", "score - 1", "--by", "a, b", "--over", "year AS x", "--engine", engine]
        result = answer("shrink", "odd.parquet", *typed)
        assert_same(
            result,
            pool.shrink(ROWS, "score", by="school", over="year").rename({"school": "a, b", "year": "year AS x"}),
            1e-9,
        )


# ---- output -------------------------------------------------------------------------------------------------------

PLAIN = ("shrink", "warehouse", "--value=score", "--by=school")


def expected() -> pl.DataFrame:
    return pool.shrink(ROWS, "score", by="school")


@pytest.mark.parametrize("out", [(), ("-o", "-")], ids=["pipe", "-o -"])
def test_a_pipe_gets_csv(run, out):
    code, written, said = run(*PLAIN, *out)
    assert (code, said) == (0, "")
    assert_same(pl.read_csv(written.encode(), schema=expected().schema), expected(), 1e-11)


def test_csv(run):
    assert run(*PLAIN, "-o", "e.csv") == (0, "", "")
    assert_same(pl.read_csv("e.csv", schema=expected().schema), expected(), 1e-11)


@pytest.mark.parametrize("name", ["e.json", "e.ndjson", "E.JSON"])
def test_json(run, name):
    """JSON has no infinity: the sampling variance of a group without a row is null."""
    assert run(*PLAIN, "-o", name) == (0, "", "")
    text = Path(name).read_text(encoding="utf-8")
    result = json.loads(text) if name.lower() == "e.json" else [json.loads(line) for line in text.splitlines()]
    finite = expected().with_columns(v=pl.when(pl.col("v").is_finite()).then("v"))
    assert finite["v"].null_count() == 1
    assert_same(pl.DataFrame(result, schema=finite.schema), finite, 1e-11)


@pytest.mark.parametrize("name", ["none.json", "none.csv", "none.ndjson", "none.parquet"])
def test_no_rows(run, name):
    assert run(*PLAIN, "--where", "year > 3000", "-o", name) == (0, "", "")
    if name.endswith("parquet"):
        assert pl.read_parquet(name).schema == expected().schema
    else:
        text = Path(name).read_text(encoding="utf-8")
        assert (
            text == {"csv": ",".join(expected().columns) + "\n", "json": "[]\n", "ndjson": ""}[name.partition(".")[2]]
        )


def test_a_file_is_replaced_whole_or_not_at_all(run, folder):
    Path("e.csv").write_text("yesterday", encoding="utf-8")
    Path("e.csv").chmod(0o640)
    code, _, _ = run("shrink", "warehouse", "--value", "score / 0", "--by=school", "-o", "e.csv")
    assert code == 1
    assert Path("e.csv").read_text(encoding="utf-8") == "yesterday"
    assert run(*PLAIN, "-o", "e.csv") == (0, "", "")
    assert_same(pl.read_csv("e.csv", schema=expected().schema), expected(), 1e-11)
    assert stat.S_IMODE(Path("e.csv").stat().st_mode) == 0o640
    assert {path.name for path in folder.iterdir()} == {"warehouse", "schools.parquet", "e.csv"}


def test_a_new_file_has_the_usual_mode(run):
    run(*PLAIN, "-o", "e.csv")
    Path("other").touch()
    assert Path("e.csv").stat().st_mode == Path("other").stat().st_mode


def test_estimates_that_the_data_do_not_determine_are_reported(run):
    ROWS.unique(["school", "year"]).filter(pl.col("score").is_not_null()).write_parquet("single.parquet")
    typed = ["single.parquet", "--value=score", "--by=school,year"]
    for command in ("shrink", "components"):
        code, _, said = run(command, *typed)
        assert code == 0
        assert said.count("\n") == 1
        assert said.startswith("polars-pool: warning: no group has two rows")
        assert "--sigma2" in said
        assert "--se" in said
    _, _, said = run("shrink", *typed, "--over=state")
    assert said.startswith("polars-pool: warning: 3 of 3 models: no group has two rows")
    assert run("shrink", *typed, "--sigma2=25")[2] == ""


# ---- the store -----------------------------------------------------------------------------------------------------

DEFINED = ("--store=moments", "--value=score", "--by=year,school")


def test_refresh_reads_new_parts(run):
    assert run("refresh", "warehouse", *DEFINED) == (0, "3 parts read (3,000 rows), 0 unchanged, 0 dropped\n", "")
    assert run("refresh", "warehouse", *DEFINED) == (0, "0 parts read (0 rows), 3 unchanged, 0 dropped\n", "")
    more = ROWS.head(10).with_columns(year=2024)
    more.write_parquet("warehouse", partition_by="year")
    assert run("refresh", "warehouse", "--store=moments") == (
        0,
        "1 part read (10 rows), 3 unchanged, 0 dropped\n",
        "",
    )
    for path in Path("warehouse/year=2021").iterdir():
        path.unlink()
    assert run("refresh", "warehouse", "--store=moments")[1] == "0 parts read (0 rows), 3 unchanged, 1 dropped\n"


def test_a_source_that_leaves_parts_out_is_reported(run):
    run("refresh", "warehouse", *DEFINED)
    code, out, said = run("refresh", "warehouse/year=2022", "--store=moments")
    assert (code, out) == (0, "0 parts read (0 rows), 1 unchanged, 2 dropped\n")
    assert said.startswith("polars-pool: warning: the refresh dropped parts whose files still exist")
    assert said.count("\n") == 1
    assert said.count("year=") == 2


def test_a_missing_store_is_reported_with_the_options_that_make_one(run):
    for command in (["refresh", "warehouse"], ["shrink"]):
        code, out, said = run(*command, "--store=nowhere")
        assert (code, out) == (1, "")
        assert said == "polars-pool: the folder 'nowhere' holds no states; give --value and --by for a new store\n"


def test_a_filled_store_is_enough(run, answer):
    run("refresh", "warehouse", *DEFINED)
    result = answer("shrink", "--store=moments", "--by=school", "--over=year")
    assert_same(result, pool.shrink(ROWS, "score", by="school", over="year"), 1e-11)
    result = answer("shrink", "--store=moments", "--by=school")
    assert_same(result, pool.shrink(ROWS, "score", by="school"), 1e-11)
    result = answer("components", "--store=moments", "--over=year")  # by all other keys
    assert_same(result, pool.components(ROWS, "score", by="school", over="year"), 1e-11)
    result = answer("compare", "--store=moments", "--by=school", "--over=year")
    assert_same(result, pool.compare(ROWS, "score", by="school", over="year"), 1e-9)
    result = answer("profile", "--store=moments", "--by=school", "--tau=0,2", "--groups")
    assert_same(result, pool.profile(ROWS, "score", by="school", tau=[0, 2], groups=True), 1e-9)
    SCHOOLS.select("school").write_parquet("new.parquet")
    result = answer("shrink", "--store=moments", "--by=school", "--groups=new.parquet")
    assert_same(result, pool.shrink(ROWS, "score", by="school", groups=SCHOOLS), 1e-11)
    result = answer("moments", "--store=moments", "--where", "year <> 2022", "--by=school")
    assert_same(result, pool.moments(ROWS.filter(pl.col("year") != 2022), "score", by="school"), 1e-11)
    result = answer("moments", "--store=moments")
    assert_same(result, pool.moments(ROWS, "score", by=["year", "school"]), 1e-11)


def test_duckdb_pools_the_moments_of_a_store(run, answer):
    run("refresh", "warehouse", *DEFINED, "--weights=load")
    typed = ["--by=school", "--over=year", "--where", "year <> 2022", "--engine=duckdb"]
    kept = ROWS.filter(pl.col("year") != 2022)
    result = answer("shrink", "--store=moments", *typed)
    assert_same(result, pool.shrink(kept, "score", by="school", over="year", weights="load"), 1e-9)


@every_engine
def test_compare_takes_no_weights(run, engine):
    run("refresh", "warehouse", *DEFINED, "--weights=load")
    code, out, said = run("compare", "--store=moments", "--engine", engine)
    assert (code, out) == (1, "")
    assert said == "polars-pool: the store 'moments' holds moments with weights, which compare does not accept\n"


def test_shrink_refreshes_the_store_first(answer):
    typed = ["warehouse", "--store=moments", "--value", "2 * score", "--by=school", "--over=year", "--weights=load"]
    result = answer("shrink", *typed)
    doubled = pl.col("score") * 2
    assert_same(result, pool.shrink(ROWS, doubled, by="school", over="year", weights="load"), 1e-11)
    more = ROWS.with_columns(year=pl.lit(2024, pl.Int64), score=pl.col("score") + 1)
    more.write_parquet("warehouse", partition_by="year")
    result = answer("shrink", *typed)
    every = pl.concat([ROWS, more])
    assert_same(result, pool.shrink(every, doubled, by="school", over="year", weights="load"), 1e-11)
    result = answer("shrink", "warehouse", "--store=moments", "--by=school")  # fewer keys than in the store
    assert_same(result, pool.shrink(every, doubled, by="school", weights="load"), 1e-11)


def test_another_definition_is_refused(run):
    run("refresh", "warehouse", *DEFINED)
    code, out, said = run("refresh", "warehouse", "--store=moments", "--value=load", "--by=year,school")
    assert (code, out) == (1, "")
    assert said.count("\n") == 1
    assert "'score'" in said
    assert "'load'" in said


def test_a_store_that_is_being_refreshed_is_locked(run):
    from filelock import FileLock

    run("refresh", "warehouse", *DEFINED)
    with FileLock("moments/.lock"):
        code, out, said = run("refresh", "warehouse", *DEFINED)
    assert (code, out) == (1, "")
    assert said.count("\n") == 1
    assert "moments" in said
    assert "another process" in said


def test_a_store_that_is_damaged_is_named(run):
    run("refresh", "warehouse", *DEFINED)
    state = next(Path("moments").glob("*.parquet"))
    state.write_bytes(state.read_bytes()[:100])
    code, out, said = run("shrink", "--store=moments")
    assert (code, out) == (1, "")
    assert said.count("\n") == 1
    assert state.name in said


# ---- errors ------------------------------------------------------------------------------------------------------

ROWS_OF = ("--value=score", "--by=school")

USAGE = {  # command -> words in its message
    ("shrnk",): ["shrnk", "shrink"],
    ("shrink",): ["SOURCE", "--store"],
    ("shrink", "warehouse"): ["--value"],
    ("shrink", "warehouse", "--value=score"): ["--by"],
    ("shrink", "warehouse", "--by=school"): ["--value"],
    ("shrink", "warehouse", "--valu=score", "--by=school"): ["--valu", "--value"],
    ("shrink", "warehouse", "another", *ROWS_OF): ["another"],
    (*PLAIN, "--tau2=remll"): ["--tau2='remll'", "'reml'", "'dl'"],
    (*PLAIN, "--tau2=-1"): ["--tau2=-1", "0 or more"],
    (*PLAIN, "--sigma2=poled"): ["--sigma2='poled'", "did you mean 'pooled'"],
    (*PLAIN, "--mu=row"): ["--mu='row'", "did you mean 'rows'"],
    (*PLAIN, "--level=95"): ["--level=95", "0.95"],
    (*PLAIN, "--level=high"): ["--level"],
    (*PLAIN, "--uncertainty=none"): ["--uncertainty='none'", "'conditional'"],
    (*PLAIN, "--uncertainty=tau2", "--tau2=plugin"): ["'plugin'", "standard error", "'reml'"],
    (*PLAIN, "--interval=robus"): ["--interval='robus'", "did you mean 'robust'"],
    (*PLAIN, "--interval=robust", "--predict=row"): ["--interval='robust'", "--predict='row'", "--predict='mean'"],
    (*PLAIN, "--predict=rows"): ["--predict='rows'", "did you mean 'row'"],
    (*PLAIN, "--predict=row", "--se=load"): ["--predict='row'", "--se", "'replicate'"],
    (*PLAIN, "--threshold=nan"): ["--threshold=nan", "finite"],
    (*PLAIN, "--threshold=high"): ["--threshold"],
    (*PLAIN, "--groups=schools.parquet", "-o", "schools.parquet"): ["--output", "source"],
    ("components", *PLAIN[1:], "--test=x"): ["--test='x'", "'knha'"],
    ("components", *PLAIN[1:], "--limits=x"): ["--limits='x'", "'profile'"],
    ("components", *PLAIN[1:], "--limits=profile", "--tau2=dl"): ["--limits='profile'", "--tau2='dl'", "--limits='q'"],
    ("components", *PLAIN[1:], "--level=95"): ["--level=95", "0.95"],
    ("compare", *PLAIN[1:], "--se=load"): ["--se"],
    ("compare", *PLAIN[1:], "--tau2=remll"): ["--tau2='remll'", "'reml'"],
    ("profile", *PLAIN[1:], "--tau=0,x"): ["--tau='0,x'", "0,5,10"],
    ("profile", *PLAIN[1:], "--tau=0,-1"): ["--tau='0,-1'", "0 or more"],
    ("profile", *PLAIN[1:], "--trials=load", "--rho=x"): ["--rho='x'", "0.01"],
    ("profile", *PLAIN[1:], "--tau="): ["--tau=''", "0,5,10"],
    ("profile", *PLAIN[1:], "--mu=rows"): ["--mu='rows'", "'gls'"],
    ("profile", *PLAIN[1:], "--tau2=dl"): ["--tau2"],
    (*PLAIN, "--top=5"): ["--top=5", "--sort estimate"],
    (*PLAIN, "--sort=estimate", "--top=0"): ["--top=0", "1 or more"],
    (*PLAIN, "--sort=estimat asc"): ["--sort='estimat'", "did you mean 'estimate'"],
    (*PLAIN, "--sort=-estimate"): ["--sort='-estimate'", "did you mean 'estimate'"],
    (*PLAIN, "--trials=load", "--exposure=load"): ["--trials does not go with --exposure"],
    (*PLAIN, "--trials=load", "--family=normal"): ["--family='normal'", "no --trials"],
    (*PLAIN, "--trials=load", "--weights=load"): ["--weights"],
    (*PLAIN, "--trials=load", "--prior=beta(2, 5"): ["--prior='beta(2, 5'", "beta(alpha, beta)"],
    (*PLAIN, "--trials=load", "--tau2=dl"): ["--tau2='dl'"],
    (*PLAIN, "--trials=load", "--prior=uniform_shrinkage", "--engine=duckdb"): ["--prior='uniform", "--engine polars"],
    (*PLAIN, "--prior=moments"): ["--prior='moments'", "--trials"],
    (*PLAIN, "--family=binomal"): ["--family='binomal'", "did you mean 'binomial'"],
    (*PLAIN, "--store=moments", "--trials=load"): ["--store", "--trials", "--family binomial"],
    (*PLAIN, "--toward=load", "--mu=3"): ["--mu", "--toward"],
    ("compare", *PLAIN[1:], "--toward=load", "--engine=duckdb"): ["--toward of compare", "--engine polars"],
    (*PLAIN, "--toward=load,year", "--engine=duckdb"): ["one column in --toward, not 2"],
    (*PLAIN, "--toward=load", "--groups=new.csv", "--engine=duckdb"): ["--groups with --toward", "--engine polars"],
    ("regress", *PLAIN[1:], "--x=load", "--method=remll"): ["--method='remll'", "'reml'"],
    ("regress", *PLAIN[1:], "--x=load,year", "--engine=duckdb"): ["one column in --x, not 2"],
    ("regress", *PLAIN[1:], "--x=load", "--uncorrelated", "--engine=duckdb"): ["--uncorrelated", "--engine polars"],
    ("compare", *PLAIN[1:], "--trials=load", "--engine=duckdb"): ["compare of rates", "--engine duckdb"],
    ("predict", *PLAIN[1:], "--x=load", "--engine=duckdb"): ["predict", "--engine duckdb"],
    ("predict", *PLAIN[1:], "--x=load", "--interval=rows"): ["--interval='rows'", "did you mean 'row'"],
    ("draws", *PLAIN[1:], "--tau2=uniform", "--engine=duckdb"): ["draws", "--engine duckdb"],
    ("draws", *PLAIN[1:]): ["--tau2"],
    ("draws", *PLAIN[1:], "--tau2=uniform", "--draws=0"): ["--draws=0", "1"],
    ("draws", *PLAIN[1:], "--tau2=reml"): ["--tau2='reml'", "half_cauchy"],
    ("coefficients", *PLAIN[1:]): ["--x", "--toward"],
    ("coefficients", *PLAIN[1:], "--x=load", "--se=load"): ["--se does not go with --x"],
    ("coefficients", *PLAIN[1:], "--toward=load", "--method=ml"): ["--method does not go with --toward"],
    (*PLAIN, "--nan=nul"): ["--nan='nul'", "did you mean 'null'"],
    (*PLAIN, "--engine=duck"): ["--engine='duck'", "did you mean 'duckdb'"],
    (*PLAIN, "-o", "e.xlsx"): [".xlsx", ".parquet", ".csv", ".json", ".ndjson"],
    (*PLAIN, "-o", "e"): [".parquet", ".csv"],
    (*PLAIN, "-o", "warehouse/year=2021/00000000.parquet"): ["--output", "source"],
    (*PLAIN, "--n=load"): ["--n", "--var", "--se"],
    (*PLAIN, "--se=load", "--weights=load"): ["--weights", "--se"],
    (*PLAIN, "--se=load", "--tau2=cv"): ["--tau2='cv'", "--se"],
    (*PLAIN, "--se=load", "--sigma2=separate"): ["--sigma2='separate'", "--se"],
    (*PLAIN, "--weights=load", "--tau2=cv"): ["--tau2='cv'", "--weights"],
    (*PLAIN, "--store=moments", "--se=load"): ["--store", "--se"],
    (*PLAIN, "--store=moments", "--engine=duckdb"): ["Polars", "--engine duckdb"],
    ("shrink", "--store=moments", "--value=score"): ["--value", "SOURCE"],
    ("shrink", "--store=moments", "--nan=null"): ["--nan", "--value"],
    ("refresh", "warehouse", *ROWS_OF): ["--store"],
    ("refresh", "warehouse", "--store=moments", "--by=school"): ["--by", "--value"],
    ("merge", "schools.parquet"): ["--by"],
    ("merge",): ["STATES"],
    (*PLAIN, "--where", "year <"): ["--where 'year <'"],
}


@pytest.mark.parametrize("command", USAGE, ids=" ".join)
def test_a_wrong_command_is_one_sentence(run, folder, command):
    code, out, said = run(*command)
    assert (code, out) == (2, "")
    assert said.startswith("polars-pool: ")
    assert said.count("\n") == 1
    for word in USAGE[command]:
        assert word in said
    assert {path.name for path in folder.iterdir()} == {"warehouse", "schools.parquet"}


DATA = {
    ("shrink", "warehuse", *ROWS_OF): ["warehuse", "does not exist"],
    ("shrink", "warehouse/*/*.csv", *ROWS_OF): ["*.csv", "matches no file"],
    ("shrink", "empty", *ROWS_OF): ["empty", "no data file"],
    ("shrink", "text.parquet", *ROWS_OF): ["text.parquet", "cannot be read as Parquet"],
    ("shrink", "ftp://host/x.parquet", *ROWS_OF): ["'ftp'", "http"],
    ("shrink", "warehouse", "--value=scor", "--by=school"): ["--value", "'scor'", "did you mean 'score'"],
    ("shrink", "warehouse", "--value=score", "--by=schol"): ["--by", "'schol'", "did you mean 'school'"],
    ("shrink", "warehouse", *ROWS_OF, "--over=yeer"): ["'yeer'", "did you mean 'year'"],
    ("shrink", "warehouse", "--value", "ln(scor)", "--by=school"): ["--value", "'scor'", "did you mean 'score'"],
    ("shrink", "warehouse", *ROWS_OF, "--weights=loads"): ["--weights", "'loads'", "did you mean 'load'"],
    ("shrink", "warehouse", *ROWS_OF, "--where", "yeer = 2021"): ["--where", "'yeer'", "did you mean 'year'"],
    ("shrink", "warehouse", *ROWS_OF, "--where=year"): ["--where stands for 'year'", "Booleans"],
    ("shrink", "warehouse", "--value=state", "--by=school"): ["--value='state'", "numbers"],
    ("shrink", "warehouse", "--value", "score / 0.0", "--by=school"): ["NaN or infinite", "--nan='null'"],
    ("shrink", "warehouse", *ROWS_OF, "--weights", "load - 2"): ["weight", "negative"],
    ("shrink", "warehouse", "--value=score", "--by=school,school"): ["'school'", "twice", "--by", "once"],
    ("shrink", "warehouse", "--value=score", "--by", "school AS mean"): ["'mean'", "result column"],
    ("shrink", "schools.parquet", "--value=effect", "--by=school", "--se", "se - 10"): ["standard error", "negative"],
    (*PLAIN, "-o", "nowhere/e.csv"): ["nowhere/e.csv", "does not exist"],
    (*PLAIN, "-o", "empty/folder.csv"): ["empty/folder.csv", "folder"],
    (*PLAIN, "-o", "text.parquet/e.csv"): ["text.parquet/e.csv"],
    ("merge", "schools.parquet", "--by=school"): ["'mean'", "no column"],
    ("sql", "--install=text.parquet"): ["text.parquet"],
    ("sql", "--install=nowhere/x.duckdb"): ["nowhere/x.duckdb"],
    ("shrink", "--store=empty"): ["empty", "no states"],
    ("shrink", "--store=nowhere"): ["nowhere"],
}


@pytest.mark.share(2)
@every_engine
@pytest.mark.parametrize("command", DATA, ids=" ".join)
def test_wrong_data_are_one_sentence(run, folder, engine, command):
    Path("empty/folder.csv").mkdir(parents=True)
    Path("text.parquet").write_text("no table", encoding="utf-8")
    chosen = () if command[0] == "sql" else ("--engine", engine)
    code, out, said = run(*command, *chosen)
    assert (code, out) == (1, "")
    assert said.startswith("polars-pool: ")
    assert said.count("\n") == 1
    for word in DATA[command]:
        assert word in said
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {
        "00000000.parquet",
        "schools.parquet",
        "text.parquet",
    }


NO_KEYS = {
    "nowhere.csv": ["--groups nowhere.csv", "does not exist"],
    "nowhere.parquet": ["--groups nowhere.parquet", "does not exist"],
    "empty.csv": ["--groups empty.csv", "empty"],
    "text.csv": ["--groups text.csv", "'x'", "'year'"],
    "text.parquet": ["--groups text.parquet", "cannot be read as Parquet"],
    "schools.parquet": ["--groups has no column 'year'", "'effect'"],
    "typed.parquet": ["'year'", "String", "--groups", "cast"],
}


@every_engine
@pytest.mark.parametrize("name", NO_KEYS)
def test_a_file_without_the_keys_is_one_sentence(run, engine, name):
    Path("empty.csv").touch()
    Path("text.csv").write_text("year,other\n2021,1\nx,2\n", encoding="utf-8")
    Path("text.parquet").write_text("no table", encoding="utf-8")
    pl.DataFrame({"year": ["2021"]}).write_parquet("typed.parquet")
    code, out, said = run("shrink", "warehouse", "--value=score", "--by=year", f"--groups={name}", f"--engine={engine}")
    assert (code, out) == (1, "")
    assert said.startswith("polars-pool: ")
    assert said.count("\n") == 1
    for word in NO_KEYS[name]:
        assert word.replace("'x'", "`x`") in said or word in said


def test_literals_are_numbers_to_their_last_bit():
    values = [0.1, -1e300, 5e-324, True, False, "it's", [0.0, 1 / 3]]
    with duckdb.connect() as con:
        result = con.execute(f"SELECT {', '.join(map(quoting.literal, values))}").fetchone()
    assert list(result) == values


# ---- expressions are one expression, computed row by row -----------------------------------------------------------

NOT_ONE = {
    "": [],
    "score +": [],
    "score; SELECT 1": [],
    "score; DROP TABLE polars_pool_states": [],
    "score, load": [],
    "score FROM warehouse": [],
    "score WHERE load > 1": [],
    "score ORDER BY 1": [],
    "score LIMIT 1": [],
    "score UNION SELECT 1": [],
    "score /*": [],
    "score)": [],
    "1) FROM (SELECT 1": [],
    "score) FROM x; COPY (SELECT 1) TO 'pwned.csv'; --": [],
    "COPY (SELECT 1) TO 'pwned.csv'": [],
    "foo(score)": [],
    "*": [],
    "COLUMNS('score')": [],
    "$1": [],
}


@pytest.mark.share(3)
@every_engine
@pytest.mark.parametrize("text", NOT_ONE)
@pytest.mark.parametrize("option", ["value", "by", "where", "weights"])
def test_text_that_is_not_one_expression_is_refused(run, folder, engine, option, text):
    if option == "by" and text == "score, load":
        return  # --by accepts a list
    given = {"value": "score", "by": "school"} | {option: text}
    code, out, said = run("shrink", "warehouse", *(f"--{name}={given[name]}" for name in given), "--engine", engine)
    assert code in (1, 2)
    assert out == ""
    assert said.startswith("polars-pool: ")
    assert said.count("\n") == 1
    assert option in said
    assert not Path("pwned.csv").exists()


OF_MANY_ROWS = [
    "score - avg(score)",
    "sum(score)",
    "count(*)",
    "max(score)",
    "sum(score) OVER (PARTITION BY school)",
    "row_number() OVER (ORDER BY score)",
    "lag(score) OVER (ORDER BY score)",
    "rank() OVER (ORDER BY score)",
    "first_value(score) OVER (ORDER BY load)",
    "stddev(score)",
    "median(score)",
    "corr(score, load)",
    "quantile_cont(score, 0.5)",
    "(SELECT 1)",
]


@pytest.mark.share(2)
@every_engine
@pytest.mark.parametrize("text", OF_MANY_ROWS)
def test_expressions_that_need_other_rows_are_refused(run, engine, text):
    """Moments are computed part by part: an expression that needs other rows would see those of one part only."""
    for option in ("value", "by"):
        given = {"value": "score", "by": "school"} | {option: text}
        code, out, said = run("shrink", "warehouse", *(f"--{name}={given[name]}" for name in given), "--engine", engine)
        assert (code, out) == (2, "")
        assert "row by row" in said


@every_engine
@pytest.mark.parametrize(("key", "remedy"), [("'school'", "did you mean school?"), ("1 + 1", "give a column or an")])
def test_a_key_that_reads_no_column(run, engine, key, remedy):
    """In SQL, 'school' is a text: all rows would be one group. A constant with an alias is intended."""
    for option in ("by", "over"):
        given = {"value": "score", "by": "school"} | {option: key}
        code, out, said = run("shrink", "warehouse", *(f"--{name}={given[name]}" for name in given), "--engine", engine)
        assert (code, out) == (2, "")
        assert f"--{option} {key!r} reads no column, so it is the same in every row; {remedy}" in said
    code, out, _ = run("moments", "warehouse", "--value=score", f"--by={key} AS k", "--engine", engine)
    assert (code, out.count("\n")) == (0, 2)


ORDINARY = [
    "abs(score)",
    "score::DOUBLE",
    "CASE WHEN load > 1 THEN score END",
    "coalesce(score, 0)",
    "greatest(score, load)",
    "round(score, 1)",
    "nullif(load, 2)",
    "score /* a comment */ + 1",
    "length(school)",
    "length('Agg; Len')",
    "load IN (1, 2)",
    "load BETWEEN 2 AND 3",
    "school IS NULL",
]


@every_engine
def test_ordinary_expressions_pass(answer, engine):
    """Many expressions as keys of one command, compared with DuckDB's own values."""
    keys = [f"{text} AS e{i}" for i, text in enumerate(ORDINARY)]
    typed = [part for key in keys for part in ("--by", key)]
    result = answer("moments", "warehouse", "--value", "load -- a comment", *typed, "--engine", engine)
    with duckdb.connect() as con:
        query = (
            f"SELECT {', '.join(keys)}, count(load) AS n, avg(load) AS mean FROM 'warehouse/*/*.parquet' GROUP BY ALL"
        )
        expected = pl.from_arrow(con.sql(query).to_arrow_table())
    names = [f"e{i}" for i in range(len(ORDINARY))]
    assert result.height == expected.height > 1_000
    numbers = [frame.select(*names, "n", "mean").cast(pl.Float64).sort(names) for frame in (result, expected)]
    assert_frame_equal(*numbers, abs_tol=0, rel_tol=1e-12)


def test_words_in_names_and_texts_are_not_operations():
    """Polars prints operations such as `Len` and `Agg`; as names of columns they are not operations."""
    frame = pl.DataFrame({"Len": [1.0, 2.0], "Agg": ["Over", "SubPlan"]})
    for text in ("Len + 1 AS Over", "Agg || 'Len' AS Agg"):
        expression = expressions.column(text, frame.columns, "value")
        assert frame.select(expression).height == 2


# ---- names are data ------------------------------------------------------------------------------------------------

HOSTILE = [
    "x'); COPY (SELECT 1) TO 'pwned.csv'; --",
    "x\"; COPY (SELECT 1) TO 'pwned.csv'; --",
    "a;b",
    "it's",
    'a "quoted" name',
    "$1 ? {x} %s",
    "# two words",
    "Größe 値 🙂",
    "[a]*?",
]


@every_engine
def test_names_of_files_and_columns_are_data(run, folder, engine):
    """Each name is a key; in turn it is also the value, the weights, the file read and the file written."""
    keys = {name: pl.lit(name) for name in HOSTILE}
    for value, weights in (HOSTILE[:2], HOSTILE[-2:]):
        odd = [name for name in HOSTILE if name not in (value, weights)]
        frame = ROWS.rename({"score": value, "load": weights}).with_columns(**{name: keys[name] for name in odd})
        frame.write_parquet(f"{value}.parquet")
        typed = [f"{value}.parquet", "--value", value, "--weights", weights, "--engine", engine]
        typed += [f"--by={name}" for name in odd] + ["--by=school"]
        assert run("shrink", *typed, "-o", f"{weights}.parquet") == (0, "", "")
        expected = pool.shrink(frame, value, by=[*odd, "school"], weights=weights)
        assert_same(pl.read_parquet(folder / f"{weights}.parquet", glob=False), expected, DIGITS[engine])
    written = {f"{name}.parquet" for name in (*HOSTILE[:2], *HOSTILE[-2:])}
    assert {path.name for path in folder.iterdir()} == {"warehouse", "schools.parquet", *written}


@pytest.mark.share(4)
@pytest.mark.parametrize("name", ["dl'); COPY (SELECT 1) TO 'pwned.csv'; --", "pooled", "0.95"])
@pytest.mark.parametrize("option", ["tau2", "sigma2", "mu", "nan", "level", "uncertainty", "predict", "threshold"])
def test_values_of_options_are_data(run, folder, option, name):
    code, out, _ = run(*PLAIN, f"--{option}={name}", "--engine=duckdb", "-o=e.csv")
    right = {("sigma2", "pooled"), ("sigma2", "0.95"), ("tau2", "0.95"), ("mu", "0.95")}
    right |= {("level", "0.95"), ("threshold", "0.95")}
    assert (code, out) == (0 if (option, name) in right else 2, "")
    assert not Path("pwned.csv").exists()


# ---- sql -----------------------------------------------------------------------------------------------------------


def test_sql_prints_the_macros(run):
    assert run("sql") == (0, (pool.SQL / "pool.sql").read_text(encoding="utf-8"), "")


def test_sql_installs_the_macros_into_a_file(run):
    assert run("sql", "--install=it's.duckdb") == (0, "", "")
    with duckdb.connect("it's.duckdb") as con:
        query = "SELECT * FROM pool_shrink('warehouse/*/*.parquet', score, school) ORDER BY school NULLS FIRST"
        result = pl.from_arrow(con.sql(query).to_arrow_table())
    assert_same(result, expected(), 1e-9)


# ---- processes -----------------------------------------------------------------------------------------------------


def test_a_process_in_a_pipe(folder):
    done = piped(*PLAIN, cwd=folder)
    assert (done.code, done.err) == (0, "")
    assert_same(pl.read_csv(done.out.encode(), schema=expected().schema), expected(), 1e-11)


def test_the_program_is_installed(folder):
    program = Path(sys.executable).with_name("polars-pool")
    done = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == pool.__version__


def test_a_closed_pipe(folder):
    """As in `| head`: no message, and the exit code of a broken pipe."""
    typed = ["shrink", "warehouse", "--value=score", "--by", "school,state,year,score AS s,load"]
    reader, writer = os.pipe()
    with subprocess.Popen([*PROGRAM, *typed], cwd=folder, stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        os.close(reader)
        said = process.stderr.read()
    assert (process.returncode, said) == (errors.BROKEN_PIPE, b"")


def test_a_full_disk(folder):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *PLAIN], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (1, "polars-pool: no space left on device\n")


BUSY = {
    "polars": "many = pl.LazyFrame({'x': range(60_000)}); "
    "many.join(many, how='cross').select(pl.all().sum()).collect(engine='streaming')",
    "duckdb": "database.rows(duckdb.connect(), 'SELECT sum(i % 7) FROM range(1000000000000) r(i)')",
    "python": "time.sleep(60)",
}


@pytest.mark.parametrize("busy", BUSY)
def test_an_interrupt(folder, busy):
    """^C while an engine works: no traceback, no partial file, exit code 130."""
    script = f"""
import sys, time, duckdb, polars as pl
from polars_pool.__main__ import main
from polars_pool.cli import database, jobs
def busy(source):
    print("ready", flush=True)
    {BUSY[busy]}
jobs.parts = busy
sys.exit(main({[*PLAIN, "-o", "e.csv"]!r}))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)  # in the middle of the work
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, said.strip()) == (130, "")
    assert {path.name for path in folder.iterdir()} == {"warehouse", "schools.parquet"}


def test_without_the_extra(folder):
    for package in ("typer", "rich"):
        script = (
            f"import sys; sys.modules[{package!r}] = None; from polars_pool.__main__ import main; sys.exit(main([]))"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"polars-pool: {package} missing; pip install 'polars-pool[cli]'\n"


def test_the_package_needs_no_extra():
    script = "import polars_pool, sys; print({'typer', 'rich', 'polars_pool.cli'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n"


# ---- terminals -----------------------------------------------------------------------------------------------------


def test_a_terminal_shows_a_table(folder):
    done = on_terminal(*PLAIN, cwd=folder)
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(map(len, lines[-27:])) <= 80
    model = pool.components(ROWS, "score", by="school").row(0, named=True)
    head = next(i for i, line in enumerate(lines) if line.split()[:3] == ["school", "n", "mean"])
    above = " ".join(lines[:head])
    for name, shown in {"groups": f"{model['groups']}", "n": f"{model['n']:,}", "tau2": f"{model['tau2']:.4g}"}.items():
        assert re.search(rf"\b{name} {re.escape(shown)}\b", above)
    shown = [line.split() for line in lines[head + 2 : head + 23]]
    ranked = expected()
    estimate = lines[head].split().index("estimate")
    for cells, row in zip(
        shown[:10] + shown[11:], [*ranked[:10].rows(named=True), *ranked[-10:].rows(named=True)], strict=True
    ):
        assert cells[0] == (row["school"] or "null")
        assert int(cells[1].replace(",", "")) == row["n"]
        assert float(cells[estimate]) == pytest.approx(row["estimate"], abs=0.0501)
    assert set(shown[10]) == {"…"}
    assert lines[-1].startswith(f"{ranked.height} rows, 20 shown")


def test_a_narrow_terminal_omits_columns_and_names_them(folder):
    done = on_terminal(*PLAIN, "--over=year,state", cwd=folder, columns=60)
    lines = done.out.splitlines()
    [heading] = [line.split() for line in lines if line.split()[:3] == ["year", "state", "school"]]
    assert heading[-2:] == ["lower", "upper"]
    assert "v" not in heading
    assert re.search(r"without v\b", " ".join(lines[-2:]))
    assert any(line.startswith("9 models") for line in lines)


def test_a_terminal_shows_progress(folder):
    done = on_terminal(*PLAIN, cwd=folder)
    assert re.search(r"3/3 parts", done.out)
    assert re.search(r"[\d,]+ rows/s", done.out)
    assert "left" in done.out


@every_engine
def test_a_terminal_shows_the_name_of_a_written_file(folder, engine):
    done = on_terminal(*PLAIN, "-o", "e.csv", "--engine", engine, cwd=folder)
    assert done.code == 0
    assert re.search(r"e\.csv written\s+groups \d+", done.out)
    assert_same(pl.read_csv(folder / "e.csv", schema=expected().schema), expected(), 1e-9)


def test_a_terminal_shows_all_columns_of_few_rows(folder):
    """One column per line, if the columns do not fit side by side."""
    done = on_terminal("components", "schools.parquet", "--value=effect", "--se=se", "--by=school", cwd=folder)
    lines = [line.split() for line in done.out.splitlines()]
    expected = pool.components(SCHOOLS, "effect", se="se", by="school")
    assert lines[-1] == ["1", "row"]
    assert [line[0] for line in lines[:-1]] == expected.columns
    shown = dict(lines[:-1])
    # Rubin's eight schools: tau2 = 0, mu = 7.7 with a standard error of 4.1.
    assert (shown["groups"], shown["tau2"], shown["mu"], shown["se_mu"], shown["n"]) == ("8", "0", "7.7", "4.1", "null")
    for name, value in expected.row(0, named=True).items():
        if isinstance(value, float):
            assert float(shown[name]) == pytest.approx(value, rel=5e-4, abs=0.05)
        else:
            assert shown[name] == ("null" if value is None else str(value))


def test_a_terminal_shows_few_models_side_by_side(folder):
    done = on_terminal("compare", "warehouse", *ROWS_OF, "--over=year", cwd=folder)
    lines = [line.split() for line in done.out.splitlines()]
    expected = pool.compare(ROWS, "score", by="school", over="year")
    assert lines[-1] == ["3", "rows"]
    assert [line[0] for line in lines[-1 - expected.width : -1]] == expected.columns
    for name, *shown in lines[-1 - expected.width : -1]:
        numbers = [float(number.replace(",", "")) for number in shown]
        assert numbers == pytest.approx(expected[name].to_list(), rel=5e-4, abs=5e-4)


def test_columns_that_fit_in_neither_form_are_omitted(folder):
    """Three rows side by side need more than thirty characters."""
    done = on_terminal("components", "warehouse", *ROWS_OF, "--over=year", cwd=folder, columns=30)
    assert re.search(r"3 rows, without\s+sigma2_prior,\s+df_prior", done.out)
    assert max(map(len, done.out.splitlines()[-20:])) <= 30


def test_a_terminal_shows_a_profile(folder):
    """The unrestricted log likelihood is omitted; the other one has two decimals, because only differences matter."""
    done = on_terminal("profile", "schools.parquet", "--value=effect", "--se=se", "--by=school", cwd=folder)
    lines = done.out.splitlines()
    assert lines[0].split() == ["tau", "sigma2", "mu", "se_mu", "q", "restricted_log_likelihood"]
    first = pool.profile(SCHOOLS, "effect", se="se", by="school", tau=[0]).row(0, named=True)
    assert lines[2].split() == ["0", "null", "7.7", "4.1", "4.707", f"{first['restricted_log_likelihood']:.2f}"]
    assert lines[-1] == "61 rows, 20 shown, without log_likelihood; -o FILE writes everything"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (12.3456, "12.35"),
        (1234.56, "1,234.6"),
        (123456.7, "123,457"),
        (1e12, "1e+12"),
        (-4.5e-7, "-4.5e-07"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (1234567, "1,234,567"),
        (True, "True"),
        (None, "None"),
    ],
)
def test_sensible_digits(value, shown):
    assert screen.number(value) == shown


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a", ("a",)),
        ("a, b", ("a", "b")),
        ("coalesce(a, b) AS c, d", ("coalesce(a, b) AS c", "d")),
        ("a = ',' , \"b,c\"", ("a = ','", '"b,c"')),
        ("[a, b], 'it''s, so'", ("[a, b]", "'it''s, so'")),
    ],
)
def test_lists_are_split_outside_of_brackets_and_quotes(text, pieces):
    assert task.split([text]) == pieces


# ---- rates, regressions, predictors, draws -------------------------------------------------------------------------

HIGH = pl.col("score") > 50
PLAYERS = (
    ROWS.filter(pl.col("score").is_not_null())
    .group_by("school", "year", maintain_order=True)
    .agg(hits=HIGH.sum(), at_bats=pl.len(), hours=pl.col("load").sum() / 10)
)
INCOME = ROWS.filter(pl.col("school").is_not_null()).with_columns(
    income=pl.col("school").str.slice(1).cast(pl.Int64) % 7, town=pl.col("school") < "s20"
)

RATES = {
    "trials": ("--value hits --trials at_bats --by school --over year", "hits", {"trials": "at_bats", "over": "year"}),
    "exposure": (
        "--value hits --exposure hours --by school --prior 'gamma(3, 1)' --threshold 2.5 --level 0.5",
        "hits",
        {"exposure": "hours", "prior": pool.Gamma(3, 1), "threshold": 2.5, "level": 0.5},
    ),
    "each row": (
        "--value 'CASE WHEN year < 2023 THEN hits > 9 END' --family binomial --by school --uncertainty conditional",
        pl.when(pl.col("year") < 2023).then(pl.col("hits") > 9),
        {"family": "binomial", "uncertainty": "conditional"},
    ),
}


@pytest.mark.parametrize(("engine", "case"), [*(("polars", case) for case in RATES), ("duckdb", "each row")])
def test_rates(answer, engine, case):
    typed, value, options = RATES[case]
    PLAYERS.write_csv("players.csv")
    result = answer("shrink", "players.csv", *shlex.split(typed), "--engine", engine)
    assert_same(result, pool.shrink(PLAYERS, value, by="school", **options), DIGITS[engine])


@pytest.mark.parametrize(
    ("engine", "prior"), [("polars", "ml"), ("polars", "uniform_shrinkage"), ("duckdb", "moments")]
)
def test_components_of_rates(answer, engine, prior):
    PLAYERS.write_parquet("players.parquet")
    typed = ["--value=hits", "--trials=at_bats", "--by=school", f"--prior={prior}", "--engine", engine]
    expected = pool.components(PLAYERS, "hits", trials="at_bats", by="school", prior=prior)
    assert_same(answer("components", "players.parquet", *typed), expected, 1e-8)


def test_compare_rates_and_models_beside_predictors(answer):
    PLAYERS.write_parquet("players.parquet")
    expected = pool.compare(PLAYERS, "hits", trials="at_bats", by="school", prior="moments")
    typed = ["players.parquet", "--value=hits", "--trials=at_bats", "--by=school", "--prior=moments"]
    assert_same(answer("compare", *typed), expected, 1e-11)
    expected = pool.profile(PLAYERS, "hits", trials="at_bats", by="school", rho=[0, 0.1], groups=True)
    assert_same(answer("profile", *typed[:-1], "--rho=0,0.1", "--groups"), expected, 1e-11)
    INCOME.write_parquet("income.parquet")
    typed = ["income.parquet", "--value=score", "--by=school", "--toward=income"]
    options = {"by": "school", "toward": "income"}
    assert_same(answer("compare", *typed), pool.compare(INCOME, "score", **options), 1e-9)
    assert_same(answer("profile", *typed, "--tau=0,2"), pool.profile(INCOME, "score", **options, tau=[0, 2]), 1e-9)


def test_rates_that_do_not_differ_are_reported(run):
    pl.DataFrame({"g": ["a", "b"] * 2, "o": [1, 1, 2, 2], "x": [5, 5, 1, 9], "n": [10] * 4}).write_csv("equal.csv")
    typed = ["equal.csv", "--value=x", "--trials=n", "--by=g"]
    code, _, said = run("shrink", *typed, "--over=o", "-o", "e.csv")
    assert (code, said.count("\n")) == (0, 1)
    assert said.startswith("polars-pool: warning: 1 of 2 models: the data of a model of rates do not show")
    assert run("shrink", *typed, "--where=o = 1", "--prior=beta(2, 5)", "-o", "e.csv") == (0, "", "")


@every_engine
def test_a_store_of_zeros_and_ones_serves_rates(run, answer, engine):
    stored = ("warehouse", "--store=high", "--value=score > 50", "--by=year,school")
    expected = pool.shrink(ROWS, HIGH, by="school", over="year", family="binomial")
    assert run("refresh", *stored)[0] == 0
    typed = ["--family=binomial", "--by=school", "--over=year"]
    assert_same(answer("shrink", "--store=high", *typed, "--engine", engine), expected, DIGITS[engine])
    if engine == "polars":
        assert_same(answer("shrink", *stored[:3], *typed), expected, DIGITS[engine])  # refreshed first
        kept, events = pool.MomentStore("high").scan(), (pl.col("n") * pl.col("mean")).round()
        again = pool.shrink(kept, events, trials="n", by="school", over="year").collect()
        assert_same(again.sort("year", "school"), expected, DIGITS[engine])


@pytest.mark.parametrize(
    ("value", "words"),
    [("2 * (score > 50)", "of other values than 0 and 1"), ("load", "of other values"), ("score > 50", "with weights")],
)
def test_a_store_of_other_values_serves_no_rates(run, value, words):
    weights = ["--weights=load"] if words == "with weights" else []
    run(
        "refresh", "warehouse", "--store=m", f"--value={value.replace('(score > 50)', 'year')}", "--by=school", *weights
    )
    code, out, said = run("shrink", "--store=m", "--family=binomial")
    assert (code, out, said.count("\n")) == (1, "", 1)
    assert words in said


def test_family_normal_pools_a_boolean_value_without_a_warning(run):
    typed = ["--value=score > 50", "--family=normal", "--by=school", "-o", "e.parquet"]
    assert run("shrink", "warehouse", *typed) == (0, "", "")
    assert_same(pl.read_parquet("e.parquet"), pool.shrink(ROWS, HIGH, by="school", family="normal"), 1e-11)


@pytest.mark.parametrize(("engine", "command"), [("polars", "shrink"), ("polars", "regress"), ("duckdb", "moments")])
def test_sort_and_top_choose_rows_and_leave_their_numbers(answer, engine, command):
    typed = [command, "warehouse", "--value=score", "--by=state,school", "--engine", engine]
    typed += ["--x=load"] if command == "regress" else []
    result = answer(*typed)
    column = "mean" if command == "moments" else "estimate"
    best = result.sort(column, descending=True, nulls_last=True).head(5)
    assert_same(answer(*typed, f"--sort={column}", "--top=5"), best, DIGITS[engine])
    if engine == "polars":  # ties keep the order of the keys, and null comes last
        assert_same(
            answer(*typed, "--sort=state asc,school asc"),
            result.sort("state", "school", nulls_last=True, maintain_order=True),
            1e-11,
        )
        by_size = answer(*typed, "--sort", "n asc")
        assert_same(by_size, result.sort("n", maintain_order=True), 1e-11)


REGRESSIONS = {
    "polars": (
        "--x 'load, state' --vary intercept,load --uncorrelated --method ml --over year --level 0.8",
        {"x": ["load", "state"], "vary": ["intercept", "load"], "correlated": False, "method": "ml", "level": 0.8}
        | {"over": "year"},
    ),
    "duckdb": ("--x load --weights year --over state", {"x": "load", "weights": "year", "over": "state"}),
}


@every_engine
def test_regress(answer, engine):
    typed, options = REGRESSIONS[engine]
    result = answer("regress", "warehouse", "--value=score", "--by=school", *shlex.split(typed), "--engine", engine)
    assert_same(result, pool.regress(ROWS, "score", by="school", **options), 1e-8)


@pytest.mark.parametrize("name", ["new.csv", "new.arrow"])
def test_predict(answer, name):
    new = pl.DataFrame({"school": ["s03", "zz", None], "load": [2, 3, 4], "note": ["x", "y", "z"]})
    new.write_csv(name) if name.endswith("csv") else new.write_ipc(name)
    typed = ["warehouse", "--value=score", "--x=load", "--by=school", "--interval=row", "--level=0.8"]
    expected = partial(pool.predict, ROWS, "score", x="load", by="school", interval="row", level=0.8)
    assert_same(answer("predict", *typed, "--rows", name), expected(rows=new), 1e-11)
    if name == "new.csv":
        Path("rows").mkdir()
        ROWS.head(2_000).cast({"year": pl.Int16}).write_parquet("rows/1.parquet")  # all columns are returned
        ROWS.tail(1_000).write_parquet("rows/2.parquet")
        every = answer("predict", "rows", *typed[1:], "--sort=load", "--top=9")
        assert_same(every, expected().sort("load", descending=True, maintain_order=True).head(9), 1e-11)


def test_coefficients(answer):
    typed = ["warehouse", "--value=score", "--by=school"]
    expected = pool.regress_coefficients(ROWS, "score", x=["state", "load"], by="school", test="t")
    assert_same(answer("coefficients", *typed, "--x=state,load", "--test=t"), expected, 1e-11)
    expected = pool.regress_coefficients(ROWS, "score", x="load", by="school", over="state", level=0.5)
    result = answer("coefficients", *typed, "--x=load", "--over=state", "--level=0.5", "--engine=duckdb")
    assert_same(result, expected, 1e-8)
    expected = pool.coefficients(SCHOOLS, "effect", se="se", by="school", toward="size", test="knha")
    typed = ["schools.parquet", "--value=effect", "--se=se", "--by=school", "--toward=size", "--test=knha"]
    assert_same(answer("coefficients", *typed), expected, 1e-11)


def test_toward(run, answer):
    INCOME.write_parquet("income.parquet")
    new = pl.DataFrame({"school": ["s03", "zz"], "income": [3, 4], "town": [True, False]})
    new.write_csv("new.csv")
    typed = ["income.parquet", "--value=score", "--by=school", "--toward", "income, town"]
    options = {"by": "school", "toward": ["income", "town"]}
    expected = pool.shrink(INCOME, "score", **options, groups=new)
    assert_same(answer("shrink", *typed, "--groups=new.csv"), expected, 1e-11)
    expected = pool.components(INCOME, "score", **options, tau2="ml")
    assert_same(answer("components", *typed, "--tau2=ml"), expected, 1e-11)
    run("refresh", "income.parquet", "--store=m", "--value=score", "--by=school,income")
    expected = pool.shrink(INCOME, "score", by="school", toward="income")
    assert_same(answer("shrink", "--store=m", "--toward=income"), expected, 1e-9)
    assert_same(answer("shrink", "--store=m", "--toward=income", "--engine=duckdb"), expected, 1e-8)


def test_draws(answer):
    SCHOOLS.select("school").head(2).write_csv("two.csv")
    typed = [
        "schools.parquet",
        "--value=effect",
        "--se=se",
        "--by=school",
        "--tau2=half_cauchy(5)",
        "--mu=normal(0, 9)",
    ]
    result = answer("draws", *typed, "--draws=7", "--seed=3", "--groups=two.csv")
    prior = {"tau2": pool.HalfCauchy(5), "mu": pool.Normal(0, 9)}
    expected = pool.posterior_draws(SCHOOLS, "effect", se="se", by="school", **prior, draws=7, seed=3)
    assert_same(result, expected, 0)
    PLAYERS.write_csv("players.csv")
    typed = ["players.csv", "--value=hits", "--trials=at_bats", "--by=school", "--draws=3", "--seed=4"]
    expected = pool.posterior_draws(PLAYERS, "hits", trials="at_bats", by="school", draws=3, seed=4)
    assert_same(answer("draws", *typed), expected, 1e-12)


@pytest.mark.parametrize(
    ("engine", "words"), [("polars", "a model has no variances"), ("duckdb", "a model has no estimates, or")]
)
def test_a_regression_without_variances_is_reported(run, engine, words):
    pl.DataFrame({"g": [*"abcdef"], "x": [0, 1] * 3, "y": [1.0, 2.0, 5.0, 6.0, 3.0, 9.0]}).write_csv("single.csv")
    typed = ["--value=y", "--x=x", "--by=g", "-o", "e.csv", "--engine", engine]
    code, _, said = run("regress", "single.csv", *typed)
    assert (code, said.count("\n")) == (0, 1)
    assert said.startswith(f"polars-pool: warning: {words}")


@pytest.mark.parametrize("name", ["rows.arrow", "rows.feather"])
def test_arrow_is_a_source_and_an_output(run, answer, monkeypatch, name):
    ROWS.write_ipc(name)
    expected = pool.moments(ROWS, "score", by="school")
    typed = ["moments", name, "--value=score", "--by=school", "-o"]
    assert run(*typed, f"out-{name}") == (0, "", "")
    assert_same(pl.read_ipc(io.BytesIO(Path(f"out-{name}").read_bytes())), expected, 1e-11)
    buffer = io.BytesIO()
    (ROWS.write_ipc if name == "rows.arrow" else ROWS.write_ipc_stream)(buffer)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(buffer.getvalue())))
    assert_same(answer("moments", "-", "--value=score", "--by=school"), expected, 1e-11)


# ---- help ----------------------------------------------------------------------------------------------------------

COMMANDS = [
    *("shrink", "components", "regress", "predict", "coefficients", "draws"),
    *("profile", "compare", "moments", "merge", "refresh", "sql"),
]


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=str)
def test_help_is_readable_in_80_columns(run, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, said = run(*command, "--help")
    assert (code, said) == (0, "")
    assert 70 < max(map(len, out.splitlines())) <= 80
    if command:
        assert "Examples:" in out
        assert f"polars-pool {command[0]} " in out
    else:
        assert all(re.search(rf"\b{name}\b", out) for name in COMMANDS)


def beside_a_warehouse(folder: Path) -> None:
    """Write the data of the examples: a small warehouse, published estimates, moments of two days."""
    two = ROWS.head(2_000)
    two.filter(pl.col("year") < 2023).write_parquet(folder / "monday-rows.parquet")
    pool.moments(two, "score", by="school").write_parquet(folder / "monday.parquet")
    pool.moments(ROWS.tail(1_000), "score", by="school").write_parquet(folder / "tuesday.parquet")


def examples(text: str) -> list[str]:
    """The commands in a text; indented continuation lines are joined."""
    result: list[str] = []
    for line in text.splitlines():
        if line.strip().startswith("polars-pool "):
            result.append(line)
        elif result and line.startswith(" " * (len(result[-1]) - len(result[-1].lstrip()) + 4)):
            result[-1] = f"{result[-1].rstrip()} {line.strip()}"
    return [line.strip() for line in result]


def test_examples_in_help_run(run, folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    two = ROWS.head(2_000)
    pool.moments(two, "score", by="school").write_parquet("monday.parquet")
    pool.moments(ROWS.tail(1_000), "score", by="school").write_parquet("tuesday.parquet")
    PLAYERS.select("hits", "at_bats", player="school").write_csv("players.csv")
    ROWS.select("school", "load").head(5).write_csv("new.csv")
    listed = [line for name in COMMANDS for line in examples(run(name, "--help")[1])]
    assert len(listed) > 16
    for line in sorted(listed, key=lambda line: " refresh " not in line):  # other examples read this store
        redirected = line.endswith(" > pool.sql")
        arguments = line.removeprefix("polars-pool ").removesuffix(" > pool.sql")
        code, out, said = run(*shlex.split(arguments))
        assert (code, said) == (0, ""), line
        assert out or redirected or " -o " in line or "--install" in line, line


# ---- keys of every type in both engines ----------------------------------------------------------------------------


def of_every_type() -> dict[str, pl.Series]:
    """Three or four values each, and a null."""
    numbers = pl.Series([0, 1, 2, 3] * 15)
    texts = pl.Series(["z", "b", "a", "b"] * 15)
    result = {
        **{
            f"datetime {unit} {zone}": numbers.cast(pl.Datetime(unit, zone))
            for unit in ("ms", "us", "ns")
            for zone in (None, "UTC", "Europe/Berlin")
        },
        **{f"duration {unit}": (numbers - 1).cast(pl.Duration(unit)) for unit in ("ms", "us", "ns")},
        "date": numbers.cast(pl.Date),
        "time": numbers.cast(pl.Time),
        "enum": texts.cast(pl.Enum(["z", "b", "a"])),
        "categorical": texts.cast(pl.Categorical),
        "decimal": numbers.cast(pl.Decimal(10, 2)),
        "binary": texts.cast(pl.Binary),
        "boolean": numbers > 1,
        "int128": pl.Series([2**100 + n for n in numbers], dtype=pl.Int128),
        "uint64": pl.Series([2**64 - 1 - n for n in numbers], dtype=pl.UInt64),
        "float32": numbers.cast(pl.Float32) / 4,
        "list": pl.Series([[n, 1] for n in numbers]),
        "list of enums": pl.Series([[text] for text in texts], dtype=pl.List(pl.Enum(["z", "b", "a"]))),
        "array": pl.Series([[n, 1] for n in numbers], dtype=pl.Array(pl.Int64, 2)),
        "struct": pl.Series([{"a": n, "b": "x"} for n in numbers]),
    }
    nulls = {name: pl.select(pl.when(pl.int_range(60) < 56).then(result[name]))[:, 0] for name in result}
    return nulls | {"null": pl.Series([None] * 60, dtype=pl.Null)}


OF_EVERY_TYPE = of_every_type()


@pytest.mark.share(5)
@pytest.mark.parametrize("kind", OF_EVERY_TYPE)
def test_keys_of_every_type(answer, kind):
    frame = pl.DataFrame({"k": OF_EVERY_TYPE[kind], "y": [float(i * i % 11) for i in range(60)]})
    frame.write_parquet("typed.parquet")
    expected = pool.moments(frame, "y", by="k")
    for engine in ENGINES:
        result = answer("moments", "typed.parquet", "--value=y", "--by=k", "--engine", engine)
        assert_frame_equal(result, expected, rel_tol=1e-12)


def test_a_stored_key_of_a_type_that_duckdb_lacks(run, answer):
    zone = pl.Datetime("us", "Europe/Berlin")
    for name, kind in {"a": pl.Enum(["z", "b"]), "b": pl.String}.items():
        Path("typed").mkdir(exist_ok=True)
        frame = pl.DataFrame({"k": ["z", "b"] * 4, "t": [1, 1, 2, 2] * 2, "y": range(8)})
        frame.cast({"k": kind, "t": zone}).write_parquet(f"typed/{name}.parquet")
    run("refresh", "typed", "--store=moments", "--value=y", "--by=t,k")
    frame = frame.cast({"t": zone})
    expected = pool.components(pl.concat([frame, frame]), "y", by="k", over="t")
    for engine in ENGINES:
        result = answer("components", "--store=moments", "--by=k", "--over=t", "--engine", engine)
        assert_frame_equal(result.select("t", "groups", "n", "mu"), expected.select("t", "groups", "n", "mu"))
    SCHOOLS.select(k="school").write_parquet("new.parquet")
    result = answer("shrink", "--store=moments", "--by=k", "--over=t", "--groups=new.parquet", "--engine=duckdb")
    assert (result.height, result.schema["t"]) == (20, zone)


def test_an_interval_of_duckdb_cannot_be_a_key(run):
    typed = ["moments", "warehouse", "--value=score", "--engine=duckdb", "--by"]
    code, _, said = run(*typed, "to_days(load::INTEGER) AS days")
    assert code == 2
    assert "is an INTERVAL" in said
    assert said.count("\n") == 1
    assert run(*typed, "load::HUGEINT * 10 AS tens", "-o", "tens.parquet") == (0, "", "")
    assert pl.read_parquet("tens.parquet")["tens"].to_list() == [None, 10, 20, 30, 40][1:]


@every_engine
def test_parts_of_several_types(run, answer, engine):
    Path("typed").mkdir()
    parts = {
        "a": pl.DataFrame({"k": [1, 1, 2], "g": ["x", "y", "x"], "y": [1, 5, 6]}).cast({"k": pl.Int32}),
        "b": pl.DataFrame({"k": [1, 2**40, 2], "g": ["x", "z", "y"], "y": [0.5, 1.5, 2.5]}),
    }
    parts["b"] = parts["b"].cast({"g": pl.Categorical})
    for name, frame in parts.items():
        frame.write_parquet(f"typed/{name}.parquet")
    frame = pl.concat(part.cast({"k": pl.Int64, "g": pl.String, "y": pl.Float64}) for part in parts.values())
    result = answer("moments", "typed", "--value=y", "--by=k,g", "--engine", engine)
    assert_frame_equal(result, pool.moments(frame, "y", by=["k", "g"]), rel_tol=1e-12)
    result = answer("shrink", "typed", "--value=y", "--se=y", "--by=k,g", "--tau2=1", "--engine", engine)
    expected = pool.shrink(frame, "y", se="y", by=["k", "g"], tau2=1.0)
    assert_frame_equal(result, expected, rel_tol=1e-9)
    for value in ("--se=y", "--weights=y"):
        code, _, said = run("shrink", "typed", "--value=y", value, "--by=y AS v", "--engine", engine)
        assert code == 1
        assert said.count("\n") == 1
        for word in ("a.parquet", "Int64", "b.parquet", "Float64", "without loss"):
            assert word in said


# ---- many files, text, and unusual conditions ----------------------------------------------------------------------


@every_engine
def test_many_small_files_are_read_together(run, answer, engine):
    Path("many").mkdir()
    for number in range(60):
        ROWS[50 * number : 50 * number + 50].write_parquet(f"many/{number}.parquet")
    result = answer("moments", "many", "--value=score", "--by=school", "--engine", engine)
    assert_same(result, pool.moments(ROWS, "score", by="school"), 1e-11)
    ROWS[:9].with_columns(score=pl.lit(math.inf)).write_parquet("many/7.parquet")
    code, _, said = run("moments", "many", "--value=score", "--by=school", "--engine", engine)
    assert code == 1
    assert "many/7.parquet" in said
    assert "NaN or infinite" in said


DATES = ["day > 'x'", "day > '2024-13-01'", "day > DATE '2024-13-01'", "score > 0 AND (load = 1 OR day = 'x')"]


@pytest.mark.filterwarnings("ignore:Casting from String to Date:DeprecationWarning")  # Polars 1, of its DATE literals
@every_engine
@pytest.mark.parametrize("where", DATES)
def test_a_wrong_date_is_one_sentence(run, engine, where):
    ROWS.with_columns(day=pl.date("year", 1, 2)).write_parquet("days.parquet")
    code, out, said = run("shrink", "days.parquet", *ROWS_OF, "--where", where, "--engine", engine)
    assert (out, said.count("\n")) == ("", 1)
    assert code in (1, 2)
    assert said.startswith(f"polars-pool: --where {where!r} ")
    assert said.endswith("DATE '2024-12-31'\n")
    right = ["--where", "day > DATE '2021-12-31'", "-o", "m.csv", "--engine", engine]
    assert run("moments", "days.parquet", *ROWS_OF, *right)[0] == 0


@every_engine
def test_text_in_a_condition_on_numbers_is_one_sentence(run, engine):
    code, out, said = run(
        "shrink", "schools.parquet", "--value=effect", "--by=school", "--where", "size > 'x'", "--engine", engine
    )
    assert (code, out, said.count("\n")) == (1, "", 1)
    assert said.startswith("polars-pool: --where \"size > 'x'\" does not fit the types of the columns")


@every_engine
def test_a_boolean_value_is_reported_as_by_the_library(run, engine):
    with pytest.warns(UserWarning, match="is Boolean") as record:
        pool.shrink(ROWS, pl.col("score") > 50, by="school")
    words = str(record[0].message).partition(" is Boolean")[2].partition(": ")[0]
    ROWS.with_columns(high=pl.col("score") > 50, error=pl.lit(1.0)).write_parquet("high.parquet")
    for typed in (("--value=high",), ("--value=score > 50",), ("--value=high", "--se=error")):
        code, _, said = run("shrink", "high.parquet", *typed, "--by=school", "-o", "e.csv", "--engine", engine)
        assert (code, said.count("\n")) == (0, 1)
        assert said.startswith(
            f"polars-pool: warning: {typed[0].replace('=', chr(61) + chr(39), 1)}' is Boolean{words}: "
        )
    for verb in ("moments", "profile"):  # as in the library
        assert run(verb, "high.parquet", "--value=high", "--by=school", "-o", "e.csv") == (0, "", "")


@every_engine
@pytest.mark.parametrize("name", ["rows.csv", "semicolons.csv", "rows.tsv.gz", "rows.ndjson", "rows.json"])
def test_text_is_a_source(answer, engine, name):
    writers = {".csv": ROWS.write_csv, ".json": ROWS.write_json, ".ndjson": ROWS.write_ndjson}
    if name.endswith(".gz"):
        Path(name).write_bytes(gzip.compress(ROWS.write_csv(separator="\t").encode()))
    elif name == "semicolons.csv":  # with decimal commas
        Path(name).write_text(ROWS.write_csv(separator=";").replace(".", ","), encoding="utf-8")
    else:
        writers[Path(name).suffix](name)
    value = "CAST(REPLACE(score, ',', '.') AS DOUBLE)" if name == "semicolons.csv" else "score"
    result = answer("moments", name, "--value", value, "--by=school", "--engine", engine)
    assert_same(result, pool.moments(ROWS, "score", by="school"), 1e-11)


@pytest.mark.parametrize("kind", ["csv", "semicolons", "tsv", "ndjson", "json", "parquet", "gz"])
def test_the_standard_input_is_a_source(run, answer, monkeypatch, kind):
    buffer = io.BytesIO()
    writers = {"ndjson": ROWS.write_ndjson, "json": ROWS.write_json, "parquet": ROWS.write_parquet}
    writers.get(kind, partial(ROWS.write_csv, separator={"tsv": "\t", "semicolons": ";"}.get(kind, ",")))(buffer)
    content = gzip.compress(buffer.getvalue()) if kind == "gz" else buffer.getvalue()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    result = answer("moments", "-", "--value=score", "--by=school")
    assert_same(result, pool.moments(ROWS, "score", by="school"), 1e-11)
    stored = pool.moments(ROWS, "score", by="school").write_csv().encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stored)))
    assert_same(answer("merge", "-", "--by=school"), pool.moments(ROWS, "score", by="school"), 1e-9)
    code, _, said = run("refresh", "-", "--store=m", "--value=score", "--by=school")
    assert (code, said.count("\n")) == (2, 1)
    assert "cannot be used with --store" in said


def test_a_linked_warehouse_counts_each_file_once(answer, run):
    Path("warehouse/loop").symlink_to(".")
    result = answer("moments", "warehouse", "--value=score", "--by=school")
    assert_same(result, pool.moments(ROWS, "score", by="school"), 1e-11)
    Path("warehouse/year=2024").symlink_to("/nowhere/at/all")
    code, _, said = run("moments", "warehouse", "--value=score", "--by=school")
    assert code == 1
    assert "warehouse/year=2024' points to '/nowhere/at/all'" in said


@pytest.mark.share(4)
@every_engine
@pytest.mark.parametrize("option", ["value", "by", "where", "weights"])
@pytest.mark.parametrize("text", [
    "+".join(["load"] * 20_000), "+".join(["load"] * 900), "abs(" * 20_000 + "load" + ")" * 20_000,
    " and ".join(["load > 1"] * 20_000), "case" + " when load > 1 then 2" * 20_000 + " end",
])  # fmt: skip
def test_an_expression_that_is_too_large(run, engine, option, text):
    typed = {"value": "score", "by": "school"} | {option: text}
    given = [f"--{name}={value}" for name, value in typed.items()]
    code, out, said = run("shrink", "warehouse", *given, "--engine", engine)
    assert (code, out, said.count("\n")) == (2, "", 1)
    assert len(said) < 400
    assert f"--{option}" in said


def test_a_long_list_is_not_a_large_expression(answer):
    listed = ", ".join(map(str, range(5_000)))
    result = answer("moments", "warehouse", "--value=score", "--by=school", "--where", f"load IN ({listed})")
    assert_same(result, pool.moments(ROWS, "score", by="school"), 1e-11)


def test_many_keys_are_refused_by_duckdb(run):
    names = [f"k{n}" for n in range(2_000)]
    pl.DataFrame({"y": [1.0, 2.0]}).with_columns(pl.lit(n).alias(n) for n in names).write_parquet("wide.parquet")
    code, _, said = run("moments", "wide.parquet", "--value=y", f"--by={','.join(names)}", "--engine=duckdb")
    assert (code, said) == (
        2,
        "polars-pool: there are 2,000 keys, and --engine duckdb takes 500 at most; use --engine polars\n",
    )


NOT_UTF8 = os.fsdecode(b"caf\xe9")


@pytest.mark.parametrize(
    "command",
    [
        ("shrink", NOT_UTF8, *ROWS_OF),
        (*PLAIN, "-o", f"{NOT_UTF8}.csv"),
        (*PLAIN, "--store", NOT_UTF8),
        (*PLAIN, "--groups", f"{NOT_UTF8}.csv"),
        ("shrink", "warehouse", f"--value={NOT_UTF8}", "--by=school"),
        ("sql", f"--install={NOT_UTF8}.duckdb"),
    ],
    ids=range(6),
)
def test_a_name_that_is_not_utf8_is_one_sentence(run, folder, command):
    code, out, said = run(*command)
    assert (code, out, said.count("\n")) == (2, "", 1)
    assert r"caf\xe9" in said
    assert "is not UTF-8" in said
    assert {path.name for path in folder.iterdir()} == {"warehouse", "schools.parquet"}


def closed(*descriptors: int) -> Callable[[], None]:
    return lambda: [os.close(descriptor) for descriptor in descriptors]


def test_closed_streams(folder):
    def done(*arguments: str, streams: tuple[int, ...]):
        return subprocess.run(
            [*PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, preexec_fn=closed(*streams)
        )

    result = done(*PLAIN, streams=(1,))
    assert (result.returncode, result.stderr) == (
        1,
        "polars-pool: stdout is closed, so the result cannot be printed; give -o FILE, or keep stdout open\n",
    )
    assert done(*PLAIN, "-o", "e.csv", streams=(0, 1, 2)).returncode == 0
    assert_same(pl.read_csv("e.csv", schema=expected().schema), expected(), 1e-11)
    result = done("shrink", "warehouse", "--value=nope", "--by=school", streams=(2,))
    assert (result.returncode, result.stdout) == (1, "")


def test_an_interrupt_while_importing(folder):
    """^C as soon as the import of the package starts."""
    code = (
        "import importlib.abc, os, runpy, signal, sys\n"
        "class Interrupt(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == {!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "sys.argv = ['polars-pool', 'shrink']\n"
        "from polars_pool.__main__ import main\n"
        "sys.exit(main())\n"
    )
    for module in ("polars", "polars_pool.store.store", "polars_pool.cli.commands", "typer"):
        done = subprocess.run([sys.executable, "-c", code.format(module)], cwd=folder, capture_output=True, timeout=120)
        assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
