"""A store of many partitions, with memory bounded by the number of groups: a Markdown table.

    python tests/benchmarks/store_scale.py [folder] [--partitions 60] [--rows 5000000] [--groups 1000000]

One process refreshes a store from all partitions but the last. Further processes refresh it after the last partition
arrived, after this partition changed, and after one in the middle changed, twice. Then processes estimate every group
from the store, and from one table of the merged moments, three times in turns. Peaks are resident memory, including
imports.
"""

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from turns import in_child, machine, measured

WRITE, REFRESH, MERGE, SHRINK, SHRINK_TABLE = "write", "refresh", "merge", "shrink", "shrink of the table"


def write(warehouse: Path, part: int, rows: int, groups: int) -> None:
    """Write a partition with rows of all groups, piece by piece, so that writing needs less memory than reading."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    effect = 10 + np.random.default_rng(1).normal(scale=0.5, size=groups)
    rng = np.random.default_rng((2, part))
    target = warehouse / f"part={part:03}"
    target.mkdir(parents=True, exist_ok=True)
    piece = min(rows, 500_000)
    with pq.ParquetWriter(target / "0.parquet", pa.schema({"g": pa.int64(), "y": pa.float64()})) as writer:
        for _ in range(rows // piece):
            g = rng.integers(0, groups, piece)
            writer.write(pa.table({"g": g, "y": effect[g] + rng.normal(size=piece)}))


def step(name: str, folder: Path, parts: range, rows: int, groups: int) -> dict[str, float]:
    """One step in this process: wall seconds, CPU seconds of all threads, and the peak in megabytes."""
    import polars as pl

    import polars_pool as pool

    warehouse, table = folder / "warehouse", folder / "table"
    if name == WRITE:
        return measured(lambda: [write(warehouse, part, rows, groups) for part in parts])
    store = pool.MomentStore(folder / "moments", "y", by="g")
    if name == REFRESH:
        return measured(lambda: store.refresh(str(warehouse)))
    if name == MERGE:
        return measured(lambda: store.scan().sink_parquet(table))
    scan = store.scan if name == SHRINK else partial(pl.scan_parquet, table)
    shrink = partial(pool.shrink, value="mean", by="g", n="n", var="var")
    return measured(lambda: shrink(scan()).sink_parquet(folder / "estimates.parquet"))


def ratio(turns: list[dict[str, dict[str, float]]], measure: str) -> float:
    return statistics.median(turn[SHRINK][measure] / turn[SHRINK_TABLE][measure] for turn in turns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(tempfile.gettempdir()))
    parser.add_argument("--partitions", type=int, default=60)
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows of each partition")
    parser.add_argument("--groups", type=int, default=1_000_000)
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        name, first, end = options.step
        parts = range(int(first), int(end))
        print(json.dumps(step(name, options.folder, parts, options.rows, options.groups)))
        return
    folder = Path(tempfile.mkdtemp(prefix="polars-pool-scale-", dir=options.folder))
    try:
        report(options, partial(run, folder, options))
        for kind, pattern in (("States", "*.parquet"), ("Merges", ".*.merge")):
            print(f"{kind}: {sum(path.stat().st_size for path in (folder / 'moments').glob(pattern)) / 1e6:,.0f} MB")
    finally:
        shutil.rmtree(folder)


def run(folder: Path, options: argparse.Namespace, name: str, first: int = 0, end: int = 0) -> dict[str, float]:
    """One step in a new process."""
    sizes = ("--rows", str(options.rows), "--groups", str(options.groups))
    return json.loads(in_child(str(folder), *sizes, "--step", name, str(first), str(end)))


def report(options: argparse.Namespace, run: Callable[..., dict[str, float]]) -> None:
    """Run all steps, and print their measures."""
    last, middle = options.partitions - 1, options.partitions // 2
    print(f"{machine('polars')}; {options.partitions * options.rows:,} rows, {options.groups:,} groups\n")
    print("| step | wall s | CPU s | peak MB |\n|---|---:|---:|---:|")
    run(WRITE, 0, last)
    show(f"refresh of {last} partitions", run(REFRESH))
    for name, part in (
        ("one more partition", last),
        ("the last partition changed", last),
        ("the last partition changed again", last),
        ("a partition in the middle changed", middle),
        ("the same partition changed again", middle),
    ):
        run(WRITE, part, part + 1)
        show(f"refresh, {name}", run(REFRESH))
    run(MERGE)
    turns = [{name: run(name) for name in (SHRINK, SHRINK_TABLE)} for _ in range(3)]
    for name, label in ((SHRINK, "shrink from the store"), (SHRINK_TABLE, "shrink from one table of merged moments")):
        show(label, sorted((turn[name] for turn in turns), key=lambda measures: measures["wall"])[1])
    print(
        f"\nStore / table: {ratio(turns, 'wall'):.2f} (wall), {ratio(turns, 'cpu'):.2f} (CPU), medians of three rounds"
    )


def show(label: str, measures: dict[str, float]) -> None:
    print(f"| {label} | {measures['wall']:.2f} | {measures['cpu']:.2f} | {measures['peak']:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
