"""Nested levels on Spark: against lme4 and metafor, and against Polars, which other tests hold to truth."""

import polars as pl
import pytest
import test_truth_nested as truth
from polars.testing import assert_frame_equal
from pyspark.sql import functions as F  # noqa: N812
from sparks import of_sizes, path, polars_frame, spark_frame

import polars_pool as pool
from polars_pool.spark import nested

KEYS = {"by": ["a", "b"], "nested": True}
NEW = pl.DataFrame({"a": ["a0", "z"], "b": [77, 0]})


def frame() -> pl.DataFrame:
    """Two models of three outer groups and of leaves of one to four rows; keys, values and weights with nulls."""
    i = pl.int_range(0, 240)
    return pl.select(
        m=i // 120,
        a=pl.when(i % 3 < 2).then(pl.format("a{}", i % 3)),
        b=pl.when(i % 24 > 0).then(i % 24),
        y=pl.when(i % 31 > 0).then(((i * i) % 17 + 5 * (i % 3) + (i % 24) ** 2 % 7).cast(pl.Float64)),
        w=1.0 + i % 5,
    ).with_columns(o=1e9 + pl.col("y"))


@pytest.mark.parametrize("name", ["nested_Oxide", "rmamv_konstantopoulos2011_district_school"])
def test_vectors(spark, monkeypatch, name):
    def of_spark(verb, name, method, **options):
        columns = {"se": "se"} if name in truth.PUBLISHED else {}
        run = path(spark)
        return run(verb, truth.rows(name), "y", **truth.KEYS, **columns, tau2=truth.tau2_of(name, method), **options)

    of_session = str(type(spark))  # the results of a path are cached
    monkeypatch.setitem(truth.PATHS, of_session, of_spark)
    result = of_spark(pool.components, name, "REML").sort("depth").to_dict(as_series=False)
    monkeypatch.setattr(truth, "components", lambda *_: result)
    for of_name, kind, quantity in truth.CASES:
        if of_name == name:
            truth.QUANTITIES[kind][quantity](of_session, name, "REML")


SETTINGS = {
    "rows": {},
    "outer": {"at": "a", "predict": "row", "threshold": 9.0},
    "new groups": {"groups": NEW, "over": "m"},
    "ml, weights": {"tau2": "ml", "weights": "w", "over": "m", "uncertainty": "conditional"},
    "known": {"sigma2": 20.0, "tau2": [1.0, "reml"]},
    "a level of two keys": {"by": [["m", "a"], "b"]},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_estimates_are_those_of_polars(spark, setting):
    options = {"value": "y", **KEYS, **SETTINGS[setting]}
    want, got = pool.shrink(frame(), **options), path(spark)(pool.shrink, frame(), **options)
    assert_frame_equal(got, want, check_row_order=False, rel_tol=1e-9, abs_tol=1e-9)


def test_components_and_rows_are_those_of_polars(spark):
    run = path(spark)
    for verb, options in ((pool.components, {"over": "m"}), (pool.encode, {"at": "a", "name": "e"})):
        want = verb(frame(), "y", **KEYS, **options)
        got = run(verb, frame(), "y", **KEYS, **options)
        assert_frame_equal(got, want, check_row_order=False, rel_tol=1e-9, abs_tol=1e-9)


def test_an_offset_costs_no_digits(classic):
    near, far = (path(classic)(pool.shrink, frame(), value, **KEYS).sort("a", "b") for value in ("y", "o"))
    assert (far["estimate"] - 1e9 - near["estimate"]).abs().max() < 1e-6
    assert_frame_equal(far.select("weight", "se"), near.select("weight", "se"), rel_tol=1e-9)


def test_moments_are_an_input(classic):
    moments = polars_frame(pool.moments(spark_frame(classic, frame()), "y", by=["a", "b"]))
    got = path(classic)(pool.shrink, moments, "mean", n="n", var="var", **KEYS)
    assert_frame_equal(got, pool.shrink(frame(), "y", **KEYS), check_row_order=False, rel_tol=1e-9, abs_tol=1e-9)


def test_the_driver_receives_the_classes(classic, received):
    """The pairs of an outer group and a size, whatever the number of leaves."""
    for groups in (700, 7_000):
        rows = of_sizes(classic, groups).withColumn("outer", F.col("g") % 5)
        first = min(1_000, rows.count())
        pool.shrink(rows, "y", by=["outer", "g"], nested=True)
        assert received == [first, 5 * 7]
        received.clear()


def test_too_many_classes_are_an_error(classic, monkeypatch):
    monkeypatch.setattr(nested, "MOST", 5)
    with pytest.raises(ValueError, match=r"more than 5 different pairs of an outer group"):
        pool.components(spark_frame(classic, frame()), "y", **KEYS)
