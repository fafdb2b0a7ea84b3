"""The verbs on Spark beside `shrink` and `components`, and robust intervals: the numbers of Polars."""

import math

import numpy as np
import polars as pl
import pytest
from frames import stored_with_weights
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812
from sparks import in_turn, path, polars_frame, spark_frame
from test_spark_means import ALL, CLOSED_FORM, ITERATED, assert_agree, compare

import polars_pool as pool

DRAW = np.random.default_rng(18)
WEIGHTED = ALL.with_columns(w=pl.Series(DRAW.integers(1, 40, ALL.height)) / 8)


# ---- encode ----------------------------------------------------------------------------------------------------------

NAN = math.nan
ROWS = pl.DataFrame(
    {
        "row": list(range(14)),
        "model": ["a", "b", None, "a", "b", None, "a", "b", "a", None, "b", "a", "a", "b"],
        "g.1": [0.0, -0.0, NAN, -0.0, 0.0, NAN, None, None, NAN, None, NAN, -NAN, 1.5, 1.5],
        "y": [1.0, 2.5, 3.0, 5.0, None, 6.0, 8.5, 9.0, 4.0, 2.0, 7.0, 3.5, None, None],
    }
)


@pytest.mark.parametrize("over", [None, "model"])
def test_encode(spark, over):
    """Every row stays, with its bits; those of a null value have the estimate of their group."""
    options = {"over": over, "sigma2": 2.0, "name": "the estimate"}
    got = path(spark)(pool.encode, ROWS, "y", "g.1", **options)
    assert_agree(got, pool.encode(ROWS, "y", "g.1", **options), ["row"], ITERATED, ROWS["y"])
    got = got.sort("row")
    assert [str(key) for key in got["g.1"]] == [str(key) for key in ROWS["g.1"]]


def test_encode_again(classic):
    """The columns of the first call are data of the second; equal rows stay apart."""
    twice = pl.concat([WEIGHTED, WEIGHTED])
    by, by_polars = (F.col("g") % 3).alias("third"), (pl.col("g") % 3).alias("third")
    frame = pool.encode(spark_frame(classic, twice), "y", by, over="model", weights="w", name="a")
    got = polars_frame(pool.encode(frame, F.col("y") - F.col("a"), "g", sigma2="separate", name="b"))
    want = pool.encode(twice, "y", by_polars, over="model", weights="w", name="a")
    want = pool.encode(want, pl.col("y") - pl.col("a"), "g", sigma2="separate", name="b")
    order = ["model", "g", "y", "w"]
    assert_agree(got.sort(order), want.sort(order), order, ITERATED, twice["y"])


def test_encode_a_frame_with_columns_of_one_name(spark):
    """A join may have left two columns of a name; the verb uses others."""
    frame = spark_frame(spark, ROWS).select("*", F.lit(1).alias("row"))
    got = pool.encode(frame, "y", F.col("`g.1`").alias("g"), sigma2=2.0)
    assert got.columns == [*ROWS.columns, "row", "estimate"]
    assert got.count() == ROWS.height


# ---- compare ---------------------------------------------------------------------------------------------------------

NOT_ZERO = {"pooling_rows", "pooling_groups", "gain_on_none", "gain_on_complete"}
"""Differences of larger numbers: compared on their scale."""


@pytest.mark.share(2)
@pytest.mark.parametrize("sigma2", ["pooled", "separate", "squeezed", 2.5])
@pytest.mark.parametrize("source", ["rows", "moments"])
def test_compare(classic, sigma2, source):
    if source == "rows":
        frame, arguments = ALL, ("y", "g")
    else:
        frame = ALL.group_by("model", "g").agg(n=pl.len(), mean=pl.col("y").mean(), var=pl.col("y").var())
        arguments = ("mean", "g")
    options = {"over": "model", "sigma2": sigma2} | ({} if source == "rows" else {"n": "n", "var": "var"})
    got = path(classic)(pool.compare, frame, *arguments, **options)
    want = pool.compare(frame, *arguments, **options)
    shift = [pl.col(name) + 100 for name in NOT_ZERO]
    assert_agree(got.with_columns(shift), want.with_columns(shift), ["model"], ITERATED, ALL["y"])


# ---- profile ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{}, {"sigma2": "squeezed", "mu": 1.0}, {"tau2": pool.HalfCauchy(2), "mu": pool.Normal(0, 3)}],
    ids=["default", "squeezed", "prior"],
)
def test_profile(classic, options):
    """Of many models, each with a grid of its own; the curves, and the estimates along them."""
    for groups in (False, True):
        options = options | {"over": "model", "groups": groups}
        got, want = path(classic)(pool.profile, ALL, "y", "g", **options), pool.profile(ALL, "y", "g", **options)
        keys = ["model", "g"] if groups else ["model"]
        got, want = (
            frame.sort(*keys, "tau").with_columns(step=pl.int_range(pl.len()).over(keys)) for frame in (got, want)
        )
        assert_agree(got, want, [*keys, "step"], ITERATED, ALL["y"])


# ---- moments ---------------------------------------------------------------------------------------------------------


def test_weighted_moments_and_their_merge(spark):
    """Moments of parts, merged, are those of all rows, by plain Polars."""
    want = stored_with_weights(WEIGHTED, ["model", "g"], "y", "w").with_columns(pl.col("n").cast(pl.Int64))
    rows = spark_frame(spark, WEIGHTED)
    moments = pool.moments(rows, "y", ["model", "g"], weights="w")
    assert_agree(polars_frame(moments), want, ["model", "g"], CLOSED_FORM, ALL["y"])
    parts = pool.moments(rows, "y", ["model", "g", (F.col("w") > 2).alias("part")], weights="w")
    merged = polars_frame(pool.merge(parts, ["model", "g"], weights="w"))
    assert_agree(merged, want, ["model", "g"], CLOSED_FORM, ALL["y"])


def test_merge(classic):
    want = pool.moments(ALL, "y", "model")
    states = pool.moments(spark_frame(classic, ALL), "y", ["model", "g"])
    assert_agree(polars_frame(pool.merge(states, "model")), want, ["model"], CLOSED_FORM, ALL["y"])


BAD = [
    (pool.moments, ("y", "g"), {"weights": "w"}, {"w": [-1.0, math.nan, None]}),
    (pool.moments, ("y", "g"), {"weights": "w"}, {"w": [math.inf, 1.0, 1.0]}),
    (pool.merge, ("g",), {}, {"n": [2.5, -1.0, 3.0]}),
    (pool.merge, ("g",), {}, {"var": [-0.25, 1.0, 1.0], "n": [4.0, 4.0, 4.0]}),
    (pool.merge, ("g",), {"weights": "w"}, {"w": [1.0, -2.0, 1.0]}),
]


@pytest.mark.parametrize(("spark", "case"), in_turn((case,) for case in BAD), indirect=["spark"])
def test_bad_rows_of_moments(spark, case):
    """The sentence of Polars, with the number of rows, when the query runs, whatever columns it selects."""
    verb, arguments, options, bad = case
    good = {"y": [1.0, 2.0, 3.0], "mean": [1.0, 2.0, 3.0], "n": [3.0, 4.0, 5.0], "var": [1.0] * 3, "w": [1.0] * 3}
    frame = pl.DataFrame({"g": [1, 1, 2]} | good | bad)
    with pytest.raises(ValueError, match=r"in \d rows?") as want:
        verb(frame, *arguments, **options)
    query = verb(spark_frame(spark, frame), *arguments, **options)
    with pytest.raises(PySparkException) as got:
        query.select("g").toArrow()
    assert str(want.value) in str(got.value)


# ---- robust intervals, and variances of groups -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"level": 0.9}, {"sigma2": "separate", "tau2": "dl"}, {"weights": "w", "mu": 1.0}], ids=str
)
def test_robust_intervals(classic, options):
    compare(classic, pool.shrink, WEIGHTED, over="model", interval="robust", tolerance=1e-8, **options)
