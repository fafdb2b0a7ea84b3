"""The cost of a store of moments, relative to the plain group-by of the same rows, in Polars: a Markdown table.

    python tests/benchmarks/store_speed.py [folder] [--rounds 5] [--scale 1.0] [--only refresh]

The tables have 50 million rows in 24 partitions, with 100,000 groups and with one million. Every run is a process of
its own, the jobs run in turns, and each job is compared with the plain job of its round. The target of the refresh of
100,000 groups is for CPU time (its peak should stay below 1), the target of the refresh of a million is for the peak.
"""

import shutil
import tempfile
import warnings
from pathlib import Path

from turns import Jobs, in_child, main, measured

FEW, MANY = "100,000 groups", "1,000,000 groups"
GROUP_BY, ONE, SHRINK = "group_by(count, mean, var)", "group_by of one partition, and merge", "shrink of all rows"
REFRESH, ADD, STORED = "refresh", "refresh with one more partition, and merge", "shrink from the store"


def of(job: str, groups: str) -> str:
    return f"{job}, {groups}"


JOBS: Jobs = {
    of(job, groups): (table, of(base, groups), target)
    for groups, table, targets in ((FEW, "months", (1.5, 2.0)), (MANY, "months of many", (0.5, 2.0)))
    for job, base, target in (
        (GROUP_BY, GROUP_BY, None),
        (REFRESH, GROUP_BY, targets[0]),
        (ONE, ONE, None),
        (ADD, ONE, targets[1]),
        (SHRINK, SHRINK, None),
        (STORED, SHRINK, None),
    )
}


def files(table: Path, pattern: str = "**/*.parquet") -> str:
    return str(table / pattern)


def refreshed(table: Path) -> Path:
    """The store of a table; if it does not exist, a process of its own makes it."""
    folder = table.with_name(table.name + "-moments")
    if not folder.exists():
        in_child("--measure", "prepare", str(table))
    return folder


def prepare(table: Path) -> None:
    import polars_pool as pool

    folder = table.with_name(table.name + "-moments")
    half = folder.with_name(folder.name + "-unfinished")
    pool.MomentStore(half, "y", by="g").refresh(files(table))
    half.rename(folder)


def grouped(lf):
    import polars as pl

    y = pl.col("y")
    return lf.group_by("g").agg(n=y.count(), mean=y.mean(), var=y.var())


def without_the_last(table: Path, folder: Path) -> Path:
    """A copy of the store without the last partition."""
    import polars_pool as pool

    shutil.copytree(refreshed(table), folder)
    kept = sorted(table.glob("**/*.parquet"))[:-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the file of the last partition still exists
        pool.MomentStore(folder, "y", by="g").refresh([str(path) for path in kept])
    return folder


def measure(job: str, table: Path) -> dict[str, float]:
    """One run in this process: wall seconds, CPU seconds of all threads, and the peak in megabytes."""
    import polars as pl

    import polars_pool as pool

    if job == "prepare":
        prepare(table)
        return {}
    rows = pl.scan_parquet(files(table))
    last = str(max(table.glob("**/*.parquet")))
    grouped(rows.head(0)).collect(engine="streaming")  # excludes the start of threads from the measurement
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "moments"
        match job.rpartition(", ")[0]:
            case "group_by(count, mean, var)":
                return measured(lambda: grouped(rows).collect(engine="streaming"))
            case "refresh":
                return measured(lambda: pool.MomentStore(folder, "y", by="g").refresh(files(table)))
            case "group_by of one partition, and merge":
                without_the_last(table, folder)
                store = pool.MomentStore(folder, "y", by="g")
                states = [store.scan(), grouped(pl.scan_parquet(last))]
                return measured(lambda: pool.merge(pl.concat(states, how="diagonal_relaxed"), by="g").collect())
            case "refresh with one more partition, and merge":
                store = pool.MomentStore(without_the_last(table, folder), "y", by="g")
                return measured(lambda: (store.refresh(files(table)), store.scan().collect()))
            case "shrink of all rows":
                return measured(lambda: pool.shrink(rows, "y", by="g").collect())
            case "shrink from the store":
                scan = pool.MomentStore(refreshed(table), "y", by="g").scan
                return measured(lambda: pool.shrink(scan(), "mean", by="g", n="n", var="var").collect())
            case unknown:
                raise ValueError(unknown)


if __name__ == "__main__":
    main(__doc__, "polars", JOBS, measure)
