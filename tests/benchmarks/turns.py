"""Runs jobs in turns, each in a process of its own, and compares each with the plain job of its round.

The tables are made once and kept in a folder (by default below the folder for temporary files). The result is
printed as a Markdown table.
"""

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

# This process imports neither Polars nor NumPy nor DuckDB: on Linux, ru_maxrss of a child starts at that of its parent.

TABLES = {  # number of rows, groups and partitions
    "large": (20_000_000, 1_000_000, 8),
    "small": (10_000_000, 100_000, 8),
    "lines": (10_000_000, 1_000_000, 8),
    "pairs": (1_000_000, 1_000_000, 8),
    "models": (5_000_000, 1_000_000, 8),
    "errors": (100_000, 100_000, 8),
    "months": (50_000_000, 100_000, 24),
    "months of many": (50_000_000, 1_000_000, 24),
}

# job: its table, the plain job for comparison, and the target for the ratio (it should be lower)
Jobs = dict[str, tuple[str, str, float | None]]


def make_table(folder: Path, rows: int, groups: int, partitions: int, skewed: bool) -> None:
    """Write hive-partitioned Parquet with groups `g`, which are also the pairs of a model `model` and a group `h`.

    Group sizes are equal, or skewed as those of real keys: a few large groups, many small groups.
    """
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(1)
    effect, slope = 10 + rng.normal(scale=0.5, size=groups), 1 + rng.normal(scale=0.5, size=groups)
    models = math.isqrt(groups)
    size = rows // partitions
    for part in range(partitions):
        g = (groups * rng.random(size) ** (2 if skewed else 1)).astype(np.int64)
        columns = {
            "g": g,
            "y": effect[g] + rng.normal(size=size),
            "w": rng.uniform(0.5, 2, size),
            "x": 2 + rng.normal(size=size),
            "se": rng.uniform(0.5, 2, size),
            "model": g % models,
            "h": g // models,
        }
        columns["hit"] = (rng.random(size) < 1 / (1 + np.exp(-slope[g]))).astype(np.int8)
        columns["row"] = part * size + np.arange(size)
        columns["trials"] = rng.integers(1, 800, size)
        columns["hits"] = rng.binomial(columns["trials"], 1 / (1 + np.exp(-slope[g])))
        columns["line"] = columns["y"] + slope[g] * columns["x"]
        target = folder / f"part={part}"
        target.mkdir(parents=True)
        pl.DataFrame(columns).write_parquet(target / "0.parquet")


def measured(work: Callable[[], object]) -> dict[str, float]:
    """Wall seconds, CPU seconds of all threads, and the peak of this process in megabytes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes on macOS, kilobytes elsewhere
    return {"wall": wall, "cpu": cpu, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}


def in_child(*arguments: str) -> str:
    command = [sys.executable, sys.argv[0], *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def tables(folder: Path, names: set[str], scale: float, skewed: bool) -> dict[str, Path]:
    """The folder of each table; if it does not exist, a process of its own makes it."""
    folders = {}
    for name in sorted(names):
        rows, groups, partitions = TABLES[name]
        rows, groups = int(rows * scale), int(groups * scale)
        table = folder / f"polars-pool-{rows}-rows-{groups}-groups{'-skewed' * skewed}"
        if not table.exists():
            half = table.with_name(table.name + "-unfinished")
            in_child("--make", str(half), str(rows), str(groups), str(partitions), str(int(skewed)))
            half.rename(table)
        folders[name] = table
    return folders


def run_in_turns(jobs: Jobs, table: dict[str, Path], rounds: int) -> dict[str, list[dict[str, float]]]:
    runs: dict[str, list[dict[str, float]]] = {job: [] for job in jobs}
    for job, (rows, base, _) in jobs.items():  # an unmeasured run fills the file system cache
        if base == job:
            in_child("--measure", job, str(table[rows]))
    for _ in range(rounds):
        for job, (rows, _, _) in jobs.items():
            runs[job].append(json.loads(in_child("--measure", job, str(table[rows]))))
    return runs


def print_table(jobs: Jobs, runs: dict[str, list[dict[str, float]]]) -> None:
    """Print medians, and the median over the rounds of the ratio to the plain job of the same round."""
    measures = ("wall", "cpu", "peak")
    print("| job | wall s | CPU s | peak MB | wall × | CPU × | peak × | target |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for job, rounds in runs.items():
        _, base, target = jobs[job]
        medians = [statistics.median(run[m] for run in rounds) for m in measures]
        ratios = [statistics.median(run[m] / b[m] for run, b in zip(rounds, runs[base], strict=True)) for m in measures]
        cells = [f"{medians[0]:.2f}", f"{medians[1]:.2f}", f"{medians[2]:,.0f}"]
        cells += [f"{r:.2f}" for r in ratios] if job != base else ["", "", ""]
        print(f"| {job} | {' | '.join(cells)} | {'' if target is None else format(target, '.2f')} |")


def machine(engine: str) -> str:
    """One line: processor, cores, memory, system and versions."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    software = f"Python {platform.python_version()}, {engine} {version(engine)}"
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, {software}"


def main(description: str, engine: str, jobs: Jobs, measure: Callable[[str, Path], dict[str, float]]) -> None:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(tempfile.gettempdir()))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the rows and groups")
    parser.add_argument("--skewed", action="store_true", help="groups of very different sizes")
    parser.add_argument("--only", default="", help="only jobs whose name contains this, and the jobs for comparison")
    parser.add_argument("--make", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        folder, rows, groups, partitions, skewed = options.make
        make_table(Path(folder), int(rows), int(groups), int(partitions), bool(int(skewed)))
    elif options.measure:
        print(json.dumps(measure(options.measure[0], Path(options.measure[1]))))
    else:
        selected = {job for job in jobs if options.only in job}
        for _ in range(2):  # the jobs for comparison, and theirs
            selected |= {jobs[job][1] for job in selected}
        chosen = {job: what for job, what in jobs.items() if job in selected}
        made = tables(options.folder, {name for name, _, _ in chosen.values()}, options.scale, options.skewed)
        runs = run_in_turns(chosen, made, options.rounds)
        print(f"{machine(engine)}; medians of {options.rounds} rounds\n")
        print_table(chosen, runs)
