"""Rates on Spark with the options that the numbers from outside do not reach: the numbers and sentences of Polars."""

import math

import numpy as np
import polars as pl
import pytest
from pyspark.sql import functions as F  # noqa: N812
from sparks import path, polars_frame, spark_frame
from test_spark_means import ITERATED, assert_agree

import polars_pool as pool

pytestmark = pytest.mark.filterwarnings("ignore:the data of a model of rates do not show")


def drawn() -> pl.DataFrame:
    """Three models of 30 rows and 10 groups: rates that differ, that differ little, and one group with trials."""
    draw = np.random.default_rng(18)
    model, g = np.repeat(["a", "b", "c"], 30), np.tile(np.arange(10), 9)
    n = np.where((model == "c") & (g > 0), 0, draw.integers(0, 12, 90))
    rate = np.where(model == "a", (1 + g) / 12, 0.3)
    x = draw.binomial(n, rate)
    return pl.DataFrame({"model": model, "g": g, "x": x, "n": n, "time": n / 4 + 0.25})


COUNTS = drawn()
NEW = pl.DataFrame({"g": [3, 77]}, schema={"g": pl.Int64})
OPTIONS = [
    {"trials": "n", "threshold": 0.3, "posterior": True},
    {"trials": "n", "prior": "moments", "uncertainty": "conditional", "level": 0.8},
    {"trials": "n", "prior": pool.Beta(2, 5), "threshold": 0.5, "groups": NEW},
    {"exposure": "time", "prior": "moments", "threshold": 2.0, "groups": NEW},
    {"exposure": "time", "prior": "gamma(3, 1)", "posterior": True, "level": 0.5},
]


@pytest.mark.parametrize("options", OPTIONS, ids=["ml", "moments", "beta and new groups", "new groups", "gamma"])
def test_options_of_estimates(classic, options):
    got = path(classic)(pool.shrink, COUNTS, "x", "g", over="model", **options)
    want = pool.shrink(COUNTS, "x", "g", over="model", **options)
    assert_agree(got, want, ["model", "g"], ITERATED, COUNTS["x"])


@pytest.mark.parametrize("over", [None, "model"])
def test_a_sample_of_both_sessions(spark, over):
    for size, prior in (("trials", "ml"), ("exposure", "moments")):
        options = {"over": over, size: {"trials": "n", "exposure": "time"}[size], "prior": prior}
        for verb, keys in ((pool.shrink, ["g"]), (pool.components, [])):
            got, want = path(spark)(verb, COUNTS, "x", "g", **options), verb(COUNTS, "x", "g", **options)
            assert_agree(got, want, [*(["model"] if over else []), *keys], ITERATED, COUNTS["x"])


def test_values_of_0_and_1(spark):
    """Numbers, a Boolean expression, and a nullable column of Booleans."""
    frame = COUNTS.with_columns(one=(pl.col("x") > 1).cast(pl.Int8), yes=pl.when(pl.col("n") > 0).then(pl.col("x") > 1))
    options = {"over": "model", "family": "binomial"}
    rows = spark_frame(spark, frame)
    for value, of_polars in (("one", "one"), ((F.col("x") > 1).alias("many"), pl.col("x") > 1), ("yes", "yes")):
        got = polars_frame(pool.shrink(rows, value, "g", **options))
        assert_agree(got, pool.shrink(frame, of_polars, "g", **options), ["model", "g"], ITERATED, COUNTS["x"])


# ---- bad rows --------------------------------------------------------------------------------------------------------

BAD = [
    ({"x": -1.0}, "trials"),
    ({"x": 0.5}, "trials"),
    ({"x": 30.0}, "trials"),
    ({"n": -1.0}, "trials"),
    ({"n": 2.5}, "trials"),
    ({"n": math.nan}, "trials"),
    ({"x": math.inf}, "exposure"),
    ({"time": 0.0}, "exposure"),
    ({"time": math.inf}, "exposure"),
    ({"x": 2.0}, None),
]


@pytest.mark.share(3)
@pytest.mark.parametrize(("values", "role"), BAD, ids=str)
def test_bad_rows(classic, values, role):
    """Two of the rows: the columns, the reason and the number of rows."""
    frame = COUNTS.cast({"x": pl.Float64, "n": pl.Float64})
    if role is None:
        frame = frame.with_columns(pl.col("x").clip(0, 1))
    bad = pl.int_range(pl.len()).is_in([5, 40])
    frame = frame.with_columns(pl.when(bad).then(value).otherwise(name).alias(name) for name, value in values.items())
    options = {"over": "model"} | (
        {role: {"trials": "n", "exposure": "time"}[role]} if role else {"family": "binomial"}
    )
    for verb in (pool.shrink, pool.components):
        with pytest.raises(ValueError, match="in 2 rows") as want:
            verb(frame, "x", "g", **options)
        with pytest.raises(ValueError, match="in 2 rows") as got:
            path(classic)(verb, frame, "x", "g", **options)
        assert str(got.value) == str(want.value)


def test_bad_rows_beside_a_boolean(classic):
    frame = COUNTS.with_columns(yes=pl.col("x") > 0).with_columns(n=pl.when(pl.col("yes")).then("n").otherwise(-1))
    with pytest.raises(ValueError, match="trials='n' is") as want:
        pool.shrink(frame, "yes", "g", trials="n")
    with pytest.raises(ValueError, match="trials='n' is") as got:
        path(classic)(pool.shrink, frame, "yes", "g", trials="n")
    assert str(got.value) == str(want.value)


def test_nan_as_null(classic):
    frame = COUNTS.with_columns(x=pl.when(pl.col("x") == 2).then(math.nan).otherwise("x"))
    options = {"over": "model", "trials": "n", "nan": "null"}
    got, want = path(classic)(pool.shrink, frame, "x", "g", **options), pool.shrink(frame, "x", "g", **options)
    assert_agree(got, want, ["model", "g"], ITERATED, COUNTS["x"])


@pytest.mark.parametrize(
    "size", [{"trials": "n"}, {"exposure": "time", "prior": "moments"}], ids=["trials", "exposure"]
)
def test_rows_are_encoded_by_their_rates(classic, size):
    frame = COUNTS.with_columns(index=pl.int_range(pl.len()), fold=pl.int_range(pl.len()) % 2)
    for folds in (None, "fold"):
        options = {"over": "model", "columns": ["estimate", "n"], "name": "code", "folds": folds, **size}
        got = polars_frame(pool.encode(spark_frame(classic, frame), "x", "g", **options))
        assert_agree(got, pool.encode(frame, "x", "g", **options), ["index"], ITERATED, COUNTS["x"])


def test_verbs_of_rates_that_need_one_machine(classic):
    rows = spark_frame(classic, COUNTS)
    for verb in (pool.compare, pool.profile):
        with pytest.raises(TypeError, match=f"^{verb.__name__} of rates does not run on Spark: give a Polars frame"):
            verb(rows, "x", "g", trials="n")
    with pytest.raises(TypeError, match=r"^draws do not run on Spark"):
        pool.posterior_draws(rows, "x", "g", trials="n")
