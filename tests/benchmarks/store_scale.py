"""A warehouse that grows partition by partition, with memory bounded by the number of groups: a Markdown table.

    python tests/benchmarks/store_scale.py [folder] [--partitions 60] [--rows 5000000] [--groups 1000000]

One process writes each partition, and another process refreshes the store, which reads only that partition. At the
end, one process estimates every group from the store, and one process refreshes a new store from all rows. Peaks are
resident memory, including imports.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from turns import in_child, machine, measured

WRITE, REFRESH, SHRINK, REFRESH_ALL = "write", "refresh", "shrink from the store", "refresh of all partitions"


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
    import polars_pool as pool

    warehouse = folder / "warehouse"
    if name == WRITE:
        return measured(lambda: write(warehouse, part, rows, groups))
    store = pool.MomentStore(folder / ("again" if name == REFRESH_ALL else "moments"), "y", by="g")
    if name == SHRINK:
        pooled = pool.shrink(store.scan(), "mean", by="g", n="n", var="var")
        return measured(lambda: pooled.sink_parquet(folder / "estimates.parquet"))
    return measured(lambda: store.refresh(str(warehouse)))


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
    sizes = ("--rows", str(options.rows), "--groups", str(options.groups))

    def run(name: str, part: int = 0) -> dict[str, float]:
        return json.loads(in_child(str(folder), *sizes, "--step", name, str(part)))

    try:
        growth = [(run(WRITE, part), run(REFRESH, part))[1] for part in range(options.partitions)]
        rest = {name: run(name) for name in (SHRINK, REFRESH_ALL)}
    finally:
        shutil.rmtree(folder)
    print(f"{machine('polars')}; {options.partitions * options.rows:,} rows, {options.groups:,} groups\n")
    print("| step | wall s | CPU s | peak MB |\n|---|---:|---:|---:|")
    shown = {"refresh, first partition": growth[0], "refresh, last partition": growth[-1]}
    shown["refresh, partition of the highest peak"] = max(growth, key=lambda measures: measures["peak"])
    for name, measures in (shown | rest).items():
        print(f"| {name} | {measures['wall']:.2f} | {measures['cpu']:.2f} | {measures['peak']:,.0f} |")


if __name__ == "__main__":
    main()
