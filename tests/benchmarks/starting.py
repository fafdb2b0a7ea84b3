"""What it costs to begin: importing the package, and calls on eleven rows, relative to Polars alone: a Markdown table.

    python tests/benchmarks/starting.py [--rounds 5]

Each round is a new process for each line; the numbers are medians of the rounds. An import is measured by its CPU time,
less that of an empty process. A call and the bare group-by run in turns, 50 times each; medians of their wall times.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Callable

FRAME = "df = pl.DataFrame({'g': [*'aabbbccddde'], 'y': [1.0, 2, 4, 3, 8, 5, 7, 2, 2, 9, 4]})"
BARE = "df.group_by('g').agg(n=pl.len(), mean=pl.col('y').mean(), var=pl.col('y').var())"
IMPORTS = {  # code, and the target of its ratio to the import of Polars
    "import polars": None,
    "import polars_pool": 1.5,
}
CALLS = {
    BARE: None,
    "df.pool.shrink('y', by='g')": 20,
    "df.lazy().pool.shrink('y', by='g').collect()": None,
    "df.pool.components('y', by='g')": None,
    "df.pool.encode('y', by='g')": None,
}
TIMED = """
import statistics, time, polars as pl, polars_pool
{frame}
def bare(): {bare}
def call(): {code}
def seconds(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
for _ in range(5): bare(), call()
pairs = [(seconds(bare), seconds(call)) for _ in range(50)]
print(*map(statistics.median, zip(*pairs)))
"""
Seconds = tuple[float, float]  # of the work to compare with, and of a job


def cpu_of_process(code: str) -> float:
    """CPU seconds of a new process."""
    before = os.times()
    subprocess.run([sys.executable, "-c", code], check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def of_import(code: str) -> Seconds:
    """CPU seconds of importing Polars and of another import."""
    empty, polars, other = (cpu_of_process(program) for program in ("pass", "import polars", code))
    return polars - empty, other - empty


def of_call(code: str) -> Seconds:
    """Wall seconds of the bare group-by and of a call."""
    program = TIMED.format(frame=FRAME, bare=BARE, code=code)
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    bare, call = map(float, printed.split())
    return bare, call


def table(jobs: dict[str, float | None], measure: Callable[[str], Seconds], rounds: int, unit: str) -> None:
    """One line per job: its median, and the median of its ratios."""
    print(f"| job | {unit} ms | × | target |\n|---|---:|---:|---:|")
    for job, target in jobs.items():
        times = [measure(job) for _ in range(rounds)]
        milliseconds = 1000 * statistics.median(time for _, time in times)
        ratio = statistics.median(time / bare for bare, time in times)
        print(f"| `{job}` | {milliseconds:.2f} | {ratio:.2f} | {target or ''} |")
    print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    table(IMPORTS, of_import, rounds, "CPU")
    table(CALLS, of_call, rounds, "wall")
