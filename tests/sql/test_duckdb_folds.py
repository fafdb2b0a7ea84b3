"""pool_encode with folds gives each row what an explicit refit without its fold gives."""

import frames
import polars as pl
import pytest
from refits import OFFSET, close, refitted, table
from sqlpaths import call, database

import polars_pool as pool

pytestmark = pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")
CASES = {
    "reml": {},
    "dl": {"tau2": "dl"},
    "over": {"over": "model"},
    "weights, over": {"weights": "w", "over": "model"},
    "weights, separate, dl": {"weights": "w", "sigma2": "separate", "tau2": "dl"},
    "several keys, over": {"by": ["g", "h"], "over": "model"},
    "known": {"sigma2": 1.2, "tau2": 0.3, "mu": 1e6},
    "prior": {"tau2": "half_cauchy(1)"},
}


def encoded(engine, rows, by="g", **options):
    database(engine).hold(rows.with_row_index("id"))
    query = f"SELECT * EXCLUDE (id) {call('pool_encode', 'y', by, **options)}"
    return database(engine).ask(f"{query[:-1]}, folds := fold) ORDER BY id")


@pytest.mark.share(2)
@pytest.mark.parametrize("engine", ["duckdb", "shell"])
@pytest.mark.parametrize("case", CASES)
def test_each_fold_is_encoded_by_a_refit_without_it(engine, case):
    options = {"by": "g", **CASES[case]}
    rows = table()
    got = encoded(engine, rows, **options)
    assert got.columns == [*rows.columns, "estimate"]
    assert got.drop("estimate").equals(rows)
    keys = [options["by"]] if isinstance(options["by"], str) else options["by"]
    over = [options["over"]] if "over" in options else []
    close(got, refitted(rows, columns=["estimate"], **{**options, "by": keys, "over": over}))


@pytest.mark.share(4)
@pytest.mark.parametrize("tau2", frames.methods("rows"))
def test_each_estimator_is_that_of_python(tau2):
    rows = table(120, groups=8)
    close(encoded("duckdb", rows, tau2=tau2), pool.encode(rows, "y", by="g", folds="fold", tau2=tau2))


def test_a_fold_of_huge_values_costs_the_others_no_digits():
    rows = table().with_columns(y=pl.col("y") - OFFSET)
    rows = rows.with_columns(y=pl.when(pl.col("fold") == 0).then(1e9 * pl.col("y")).otherwise("y"))
    refit = refitted(rows, by=["g"], columns=["estimate"])
    got = encoded("duckdb", rows)
    for is_in in (pl.col("fold") == 0, pl.col("fold") != 0):
        close(got.filter(is_in), refit.filter(is_in), 1e-6)


def test_degenerate_folds_are_those_of_python():
    single = pl.DataFrame({"g": list("abcabc"), "y": [1.0, 2.0, 6.0, 2.0, 3.0, 4.0], "fold": [0, 0, 0, 1, 1, 1]})
    assert encoded("duckdb", single)["estimate"].to_list() == [3.0] * 6  # the mean of the others
    assert encoded("duckdb", single.with_columns(fold=0))["estimate"].to_list() == [None] * 6
    one = pl.DataFrame({"g": list("aabb"), "y": [1.0, 2.0, 4.0, 6.0], "fold": [0, 0, 1, 1]})
    assert encoded("duckdb", one)["estimate"].to_list() == [5.0, 5.0, 1.5, 1.5]
    constant = table().with_columns(y=pl.when(pl.col("y").is_not_null()).then(7.0))
    assert encoded("duckdb", constant)["estimate"].unique().to_list() == [7.0]
    assert encoded("duckdb", one.clear()).is_empty()


def test_rows_without_a_fold_are_counted():
    rows = table().with_columns(fold=pl.when(pl.col("fold") != 2).then("fold"))
    message = f"folds= is null in {rows['fold'].null_count()} rows: give each row a fold, or leave these rows out"
    with pytest.raises(Exception, match=message):
        encoded("duckdb", rows)


def test_folds_are_columns_or_expressions_of_any_table(tmp_path):
    rows = table().with_row_index("id")
    database("duckdb").hold(rows)
    rows.write_parquet(tmp_path / "rows.parquet")
    parity = pool.encode(rows, "y", by="g", folds=pl.col("id") % 2)
    for source in ("'data'", f"'{tmp_path}/*.parquet'", "cte"):
        query = f"WITH cte AS (FROM data) FROM pool_encode({source}, y, g, folds := id % 2) ORDER BY id"
        close(database("duckdb").ask(query), parity)
