"""Spark on this machine: each verb beside the bare group-by of the same rows, as a Markdown table.

    python tests/benchmarks/spark_speed.py [folder] [--rows 20000000] [--groups 1000000] [--rounds 3]

One Java process runs all jobs in turns. CPU is that of the Java process and of this one, the driver's Python. The rows
and bytes that reach the driver are those of the tables that a job collects; the memory of the driver is the growth of
the largest size of this process. Needs the extras `spark` and `test`.
"""

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import sparks
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as spark
from pyspark.sql.classic.dataframe import DataFrame as ClassicFrame
from turns import machine, make_table

import polars_pool as pool


def bare(rows: DataFrame, *keys: str) -> DataFrame:
    return rows.groupBy(*keys).agg(spark.count("y"), spark.avg("y"), spark.var_samp("y"))


def predictor() -> Column:
    """A number that is constant within each group."""
    return (spark.col("g") % 7).alias("x")


# job: the plain job for comparison, the query, and the target for the ratio of CPU (it should be lower)
JOBS: dict[str, tuple[str, Callable[[DataFrame], DataFrame], float | None]] = {
    "bare": ("bare", lambda rows: bare(rows, "g"), None),
    "bare, two keys": ("bare, two keys", lambda rows: bare(rows, "model", "h"), None),
    "shrink": ("bare", lambda rows: pool.shrink(rows, "y", by="g"), 1.3),
    "shrink, persist=False": ("bare", lambda rows: pool.shrink(rows, "y", by="g", persist=False), None),
    "shrink, se": ("bare", lambda rows: pool.shrink(rows, "y", by="g", se="se"), 1.3),
    "shrink, over": ("bare, two keys", lambda rows: pool.shrink(rows, "y", by="h", over="model"), 1.6),
    "shrink, toward": ("bare", lambda rows: pool.shrink(rows, "y", by="g", toward=predictor()), 1.3),
    "coefficients": ("bare", lambda rows: pool.coefficients(rows, "y", by="g", toward=predictor()), None),
    "components": ("bare", lambda rows: pool.components(rows, "y", by="g"), None),
}


def cpu_seconds(java: int) -> float:
    """CPU seconds of a process and of this one."""
    fields = Path(f"/proc/{java}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + time.process_time()


@contextmanager
def collecting() -> Iterator[list[tuple[int, int]]]:
    """The rows and bytes of every table that reaches the driver."""
    tables: list[tuple[int, int]] = []
    original = ClassicFrame.toArrow

    def to_arrow(frame: ClassicFrame):
        table = original(frame)
        tables.append((table.num_rows, table.nbytes))
        return table

    ClassicFrame.toArrow = to_arrow
    try:
        yield tables
    finally:
        ClassicFrame.toArrow = original


def measured(session: SparkSession, rows: DataFrame, query: Callable[[DataFrame], DataFrame]) -> dict[str, float]:
    """Wall and CPU seconds of a query whose rows are computed and dropped; and what reached the driver."""
    java = session._jvm.java.lang.ProcessHandle.current().pid()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with collecting() as tables:
        wall, cpu = time.perf_counter(), cpu_seconds(java)
        query(rows).write.format("noop").mode("overwrite").save()
        wall, cpu = time.perf_counter() - wall, cpu_seconds(java) - cpu
    session.catalog.clearCache()
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    collected = {"rows": sum(table[0] for table in tables), "kilobytes": sum(table[1] for table in tables) / 1e3}
    return {"wall": wall, "cpu": cpu, "driver, MB": peak} | collected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(tempfile.gettempdir()) / "polars-pool-spark")
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--groups", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    table = arguments.folder / f"{arguments.rows}-{arguments.groups}"
    if not table.exists():
        make_table(table, arguments.rows, arguments.groups, 8, skewed=False)
    results: dict[str, list[dict[str, float]]] = {job: [] for job in JOBS}
    with tempfile.TemporaryDirectory() as folder, sparks.serving(Path(folder), sparks.SETTINGS) as sessions:
        session = sessions["classic"]
        rows = session.read.parquet(str(table))
        measured(session, rows, JOBS["shrink"][1])  # compiles Java
        for _ in range(arguments.rounds):
            for job, (_, query, _) in JOBS.items():
                results[job].append(measured(session, rows, query))
    print(machine("pyspark"), f"{arguments.rows:,} rows, {arguments.groups:,} groups", "", sep="\n")
    print("| job | wall, s | CPU, s | CPU / plain | target | rows to the driver | kilobytes | driver, MB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for job, (plain, _, target) in JOBS.items():
        median = {name: statistics.median(run[name] for run in results[job]) for name in results[job][0]}
        ratio = statistics.median(a["cpu"] / b["cpu"] for a, b in zip(results[job], results[plain], strict=True))
        largest = max(run["driver, MB"] for run in results[job])
        print(
            f"| {job} | {median['wall']:.1f} | {median['cpu']:.1f} | {ratio:.2f} | {target or ''} "
            f"| {median['rows']:,.0f} | {median['kilobytes']:,.0f} | {largest:.0f} |"
        )


if __name__ == "__main__":
    main()
