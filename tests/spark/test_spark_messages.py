"""Sentences that refuse a call on Spark are those of Polars: the calls that the tests of SQL and of arguments make."""

import polars as pl
import pytest
import test_arguments as arguments
import test_duckdb_messages as messages
from pyspark.errors import PySparkException
from sparks import in_turn, path, spark_frame

import polars_pool as pool

ERRORS = (ValueError, TypeError, pl.exceptions.PolarsError)
OF_ARGUMENTS = [*messages.FROM_ARGUMENTS, *messages.ON_EMPTY]


def test_arguments(spark, no_job):
    frames = {name: spark_frame(spark, messages.TABLES[name]) for name in {call.table for call in OF_ARGUMENTS}}
    for call in OF_ARGUMENTS:
        with pytest.raises(ERRORS) as want:
            call.python()
        with pytest.raises(type(want.value)) as got:
            getattr(pool, call.verb)(frames[call.table], call.value, call.by, **call.options)
        assert str(got.value) == str(want.value), call


VERBS = [verb for verb in arguments.NO_COLUMNS if verb not in (pool.posterior_draws, pool.rank)]


def test_values_that_are_no_arguments(spark, no_job):
    frame = spark_frame(spark, arguments.ROWS)
    for verb in VERBS:
        x = {"x": "x"} if verb in (pool.regress, pool.regress_components, pool.predict) else {}
        for role in arguments.NO_COLUMNS[verb]:
            for odd in arguments.ODD.values():
                with pytest.raises(ERRORS) as want:
                    verb(arguments.ROWS, value="y", by="g", **x | {role: odd})
                with pytest.raises(type(want.value)) as got:
                    verb(frame, value="y", by="g", **x | {role: odd})
                assert str(got.value) == str(want.value), (verb, role, odd)


@pytest.mark.parametrize(("spark", "call"), in_turn((call,) for call in messages.FROM_DATA), indirect=["spark"])
@pytest.mark.share(6)
def test_data(spark, call):
    """At once, except for moments, whose query raises when it runs."""
    with pytest.raises(ERRORS) as want:
        call.python()
    with pytest.raises((ValueError, PySparkException)) as got:
        path(spark)(getattr(pool, call.verb), messages.TABLES[call.table], call.value, call.by, **call.options)
    assert str(want.value) in str(got.value) if call.verb == "moments" else str(got.value) == str(want.value)
