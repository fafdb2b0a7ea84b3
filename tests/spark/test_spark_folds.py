"""Encoding out of fold, and of other rows, on Spark: the numbers of Polars, which other tests hold to refits."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812
from sparks import columns_of, polars_frame, spark_frame

import polars_pool as pool

ROWS = pl.select(
    i=pl.int_range(0, 240),
    m=pl.int_range(0, 240) // 120,
    g=pl.when(pl.int_range(0, 240) % 17 > 0).then(pl.int_range(0, 240) % 17),
    h=pl.int_range(0, 240) % 17 // 4,
    fold=pl.int_range(0, 240) // 5 % 3,
    y=pl.when(pl.int_range(0, 240) % 31 > 0).then(
        (pl.int_range(0, 240) ** 2 % 19 + 3 * (pl.int_range(0, 240) % 17)) * 1.0
    ),
    b=pl.int_range(0, 240) ** 2 % 7 // 4,
)
SETTINGS = {
    "means": {"value": "y", "by": "g", "over": "m", "columns": ["estimate", "se", "n"]},
    "a prior": {"value": "y", "by": "g", "tau2": pool.HalfCauchy(5)},
    "rates": {"value": "b", "by": "g", "family": "binomial", "name": "rate"},
    "nested": {"value": "y", "by": ["h", "g"], "nested": True, "at": "h"},
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")
def test_folds(spark, setting):
    options = SETTINGS[setting]
    got = polars_frame(pool.encode(spark_frame(spark, ROWS), **options, folds="fold")).sort("i")
    assert_frame_equal(got, pool.encode(ROWS, **options, folds="fold"), rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("setting", ["means", "rates"])
@pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")
def test_other_rows(spark, setting):
    others = pl.DataFrame({"i": [0, 1, 2], "g": [3, None, 99], "m": [0, 1, 1]})
    options = SETTINGS[setting]
    got = polars_frame(pool.encode(spark_frame(spark, ROWS), **options, rows=spark_frame(spark, others))).sort("i")
    assert_frame_equal(got, pool.encode(ROWS, **options, rows=others), rel_tol=1e-9, abs_tol=1e-9)


def test_an_expression_of_folds(spark):
    with columns_of(spark):
        fold = F.col("i") % 3
        got = polars_frame(pool.encode(spark_frame(spark, ROWS), "y", "g", folds=fold)).sort("i")
    assert_frame_equal(got, pool.encode(ROWS, "y", "g", folds=pl.col("i") % 3), rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("folds", [3, "loo"])
def test_folds_that_need_an_order_of_rows(classic, folds):
    with pytest.raises(TypeError, match=rf"^folds={folds!r} does not run on Spark"):
        pool.encode(spark_frame(classic, ROWS), "y", "g", folds=folds)


def test_a_row_without_a_fold(classic):
    frame = spark_frame(classic, ROWS.with_columns(fold=pl.when(pl.col("i") > 0).then("fold")))
    with pytest.raises(PySparkException, match=r"folds= is null in some rows: give each row a fold"):
        pool.encode(frame, "y", "g", folds="fold").toArrow()


SINGLE = pl.DataFrame({"a": ["p", "p", "q", "q"], "b": [1, 2, 1, 2], "y": [1.0, 4.0, 5.0, 8.0], "fold": [0, 0, 1, 1]})


@pytest.mark.filterwarnings("ignore:no group has two rows")
@pytest.mark.parametrize("nested", [False, True])
def test_codes_are_the_mean_where_single_rows_have_no_variance(spark, nested):
    encoded = pool.encode(spark_frame(spark, SINGLE), "y", by=["a", "b"], nested=nested, folds="fold")
    assert polars_frame(encoded).sort("a", "b")["estimate"].to_list() == [6.5, 6.5, 2.5, 2.5]
