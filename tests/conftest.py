"""What tests share: the option `--full`, the same Hypothesis examples on every run, and a bucket."""

import gc
import os
from pathlib import Path

import pytest
import ways
import webserver
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent

# Tests already share the cores, and dense matrices are small here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="run every case by every way through the package")


def pytest_configure(config):
    config.addinivalue_line("markers", "every_way: every case takes every way, without --full too")
    config.addinivalue_line("markers", "one_way: every case takes one way in turn, whatever its kind")
    config.addinivalue_line("markers", "share(n): one case in n, all of them with --full")
    config.addinivalue_line("markers", "share_of_duckdb(n): one case in n by DuckDB, all of them with --full")
    config.addinivalue_line("markers", "only_full: with --full alone")
    config.addinivalue_line("markers", "spark: on a real Spark, with -m spark; all tests in tests/spark have it")
    ways.full = config.getoption("full")
    settings.register_profile(
        "stable",
        derandomize=True,
        deadline=None,
        database=None,
        max_examples=12 if ways.full else 8,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("stable")
    gc.disable()  # until the tests are collected: their objects stay


def pytest_ignore_collect(collection_path, config):
    """Leave out the tests on Spark, which import pyspark, unless they are named; and with `-m spark` all others."""
    on_spark = collection_path == TESTS / "spark"
    if on_spark and not ways.names_spark(config):
        return True
    return (
        True if config.getoption("markexpr") == "spark" and collection_path.parent == TESTS and not on_spark else None
    )


def pytest_xdist_auto_num_workers(config):
    """Two workers for the tests on Spark, a file at a time: a Java process keeps little more than one core busy."""
    if not ways.names_spark(config):
        return None
    config.option.dist = "loadfile"
    return min(2, os.cpu_count() or 1)


@pytest.hookimpl(trylast=True)  # after -k and -m
def pytest_collection_modifyitems(config, items):
    if not ways.full and (left := ways.left_out(items)):
        config.hook.pytest_deselected(items=left)
        dropped = set(map(id, left))
        items[:] = [item for item in items if id(item) not in dropped]


def pytest_collection_finish():
    """Keep the tests out of garbage collection: each full collection would visit millions of their objects."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A bucket on this machine, in the environment variables that Polars reads."""
    settings_of_polars = {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "y", "REGION": "us-east-1", "ALLOW_HTTP": "true"}
    with webserver.serving(tmp_path, webserver.Buckets) as address:
        for name, value in {**settings_of_polars, "ENDPOINT_URL": address, "EC2_METADATA_DISABLED": "true"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield tmp_path / f"bucket{address.rpartition(':')[2]}"  # Polars remembers where a bucket is
