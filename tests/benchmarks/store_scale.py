"""A warehouse that grows partition by partition, with memory bounded by the number of groups: a Markdown table.

    python tests/benchmarks/store_scale.py [folder] [--partitions 60] [--rows 5000000] [--groups 1000000]

One process writes each partition, and another process refreshes the store, which reads only that partition. At the
end, one process estimates every group from the store, one from a table with the merged moments, and one refreshes a new
store from all rows; a partition in the middle and the last one are changed. The estimates run three times, in turns.
Peaks are resident memory, including imports.
"""

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from turns import in_child, machine, measured

WRITE, REFRESH, MERGE, SHRINK = "write", "refresh", "merge", "shrink from the store"
SHRINK_MERGED, REFRESH_ALL = "shrink of one table of the merged moments", "refresh of all partitions"


def write(warehouse: Path, part: int, rows: int, groups: int) -> None:
    """Write a partition with rows of all groups, piece by piece, so that writing needs less memory than reading."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    effect = 10 + np.random.default_rng(1).normal(scale=0.5, size=groups)
    rng = np.random.default_rng((2, part))
    target = warehouse / f"part={part:03}"
    target.mkdir(parents=True)
    piece = min(rows, 500_000)
    with pq.ParquetWriter(target / "0.parquet", pa.schema({"g": pa.int64(), "y": pa.float64()})) as writer:
        for _ in range(rows // piece):
            g = rng.integers(0, groups, piece)
            writer.write(pa.table({"g": g, "y": effect[g] + rng.normal(size=piece)}))


def step(name: str, folder: Path, part: int, rows: int, groups: int) -> dict[str, float]:
    """One step in this process: wall seconds, CPU seconds of all threads, and the peak in megabytes."""
    import polars as pl

    import polars_pool as pool

    warehouse = folder / "warehouse"
    if name == WRITE:
        return measured(lambda: write(warehouse, part, rows, groups))
    store, table = (
        pool.MomentStore(folder / ("again" if name == REFRESH_ALL else "moments"), "y", by="g"),
        folder / "table",
    )
    if name == MERGE:
        return measured(lambda: store.scan().sink_parquet(table))
    if name in (SHRINK, SHRINK_MERGED):
        scan = store.scan if name == SHRINK else partial(pl.scan_parquet, table)
        shrink = partial(pool.shrink, value="mean", by="g", n="n", var="var")
        return measured(lambda: shrink(scan()).sink_parquet(folder / "estimates.parquet"))
    return measured(lambda: store.refresh(str(warehouse)))


def size(files: Iterable[Path]) -> str:
    return f"{sum(path.stat().st_size for path in files) / 1e6:,.0f} MB"


def ratio(turns: list[dict[str, dict[str, float]]], measure: str) -> float:
    return statistics.median(turn[SHRINK][measure] / turn[SHRINK_MERGED][measure] for turn in turns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(tempfile.gettempdir()))
    parser.add_argument("--partitions", type=int, default=60)
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows of each partition")
    parser.add_argument("--groups", type=int, default=1_000_000)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        name, part = options.step
        print(json.dumps(step(name, options.folder, int(part), options.rows, options.groups)))
        return
    folder = Path(tempfile.mkdtemp(prefix="polars-pool-scale-", dir=options.folder))
    arguments = ("--rows", str(options.rows), "--groups", str(options.groups))

    def run(name: str, part: int = 0) -> dict[str, float]:
        return json.loads(in_child(str(folder), *arguments, "--step", name, str(part)))

    try:
        growth = [(run(WRITE, part), run(REFRESH, part))[1] for part in range(options.partitions)]
        shown = {"refresh, first partition": growth[0], "refresh, last partition": growth[-1]}
        shown["refresh, partition of the highest peak"] = max(growth, key=lambda measures: measures["peak"])
        for name, part in (("in the middle", options.partitions // 2), ("at the end", options.partitions - 1)):
            shutil.rmtree(folder / "warehouse" / f"part={part:03}")
            run(WRITE, part)
            shown[f"refresh, changed partition {name}"] = run(REFRESH)
        run(MERGE)
        turns = [{name: run(name) for name in (SHRINK, SHRINK_MERGED)} for _ in range(3)]
        for name in (SHRINK, SHRINK_MERGED):
            shown[name] = sorted((turn[name] for turn in turns), key=lambda measures: measures["wall"])[1]
        sizes = [size((folder / "moments").glob(pattern)) for pattern in ("*.parquet", ".*.merge")]
        shown[REFRESH_ALL] = run(REFRESH_ALL)
    finally:
        shutil.rmtree(folder)
    print(f"{machine('polars')}; {options.partitions * options.rows:,} rows, {options.groups:,} groups\n")
    print("| step | wall s | CPU s | peak MB |\n|---|---:|---:|---:|")
    for name, measures in shown.items():
        print(f"| {name} | {measures['wall']:.2f} | {measures['cpu']:.2f} | {measures['peak']:,.0f} |")
    print(
        f"\nStates {sizes[0]}, merges {sizes[1]}; {ratio(turns, 'wall'):.2f} (wall) and {ratio(turns, 'cpu'):.2f} (CPU)"
    )
    print("times as long from the store as from one table, medians of three rounds")


if __name__ == "__main__":
    main()
