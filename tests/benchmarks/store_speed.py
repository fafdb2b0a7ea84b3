"""What a store of moments costs beside the bare group-by of the same rows, in Polars: a Markdown table.

    python tests/benchmarks/store_speed.py [folder] [--rounds 5] [--scale 1.0] [--only refresh]

50 million rows in 24 partitions, of 100,000 groups and of one million. Every run is a process of its own, the jobs take
turns, and each job is compared with the bare job of the same round. Targets are of CPU time for the refresh of 100,000
groups (its peak should stay below 1), of the peak for that of a million.
"""

import shutil
import tempfile
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
    """The store of a table, made by a process of its own unless it is there already."""
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
    """A copy of the store that has not seen the last partition."""
    import polars_pool as pool

    shutil.copytree(refreshed(table), folder)
    kept = sorted(table.glob("**/*.parquet"))[:-1]
    pool.MomentStore(folder, "y", by="g").refresh([str(path) for path in kept])
    return folder


def measure(job: str, table: Path) -> dict[str, float]:
    """One run in this process: seconds on the wall, seconds of all processors, and the peak in megabytes."""
    import polars as pl

    import polars_pool as pool

    if job == "prepare":
        prepare(table)
        return {}
    rows = pl.scan_parquet(files(table))
    last = str(max(table.glob("**/*.parquet")))
    grouped(rows.head(0)).collect(engine="streaming")  # thread pools are not what is measured
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
