"""What loading the macros and a call on ten rows cost in DuckDB, which is nearly all planning: a Markdown table.

    python tests/benchmarks/planning.py [--rounds 5]

The unit is what 300 macros of one CASE each take to create in the same process. CPU time counts all threads; every
number is the least of its rounds, because other processes only add to it.
"""

import argparse
import time
from collections.abc import Callable

import duckdb

import polars_pool as pool

# query: the target in units, at most
QUERIES: dict[str, tuple[str, float]] = {
    "pool_shrink": ("FROM pool_shrink(data, y, g)", 0.4),
    "pool_components": ("FROM pool_components(data, y, g)", 0.8),
    "pool_profile": ("FROM pool_profile(data, y, g)", 1.2),
    "pool_shrink, a prior": ("FROM pool_shrink(data, y, g, tau2 := 'half_cauchy(5)')", 1.2),
    "pool_components, a prior": ("FROM pool_components(data, y, g, tau2 := 'half_cauchy(5)')", 1.2),
    "pool_shrink_nested": ("FROM pool_shrink_nested(data, y, g // 2, g)", 0.8),
    "pool_components_nested": ("FROM pool_components_nested(data, y, g // 2, g)", 1.8),
    "pool_shrink_rates": ("FROM pool_shrink_rates(data, x, n, g)", 1.2),
    "pool_components_rates": ("FROM pool_components_rates(data, x, n, g)", 1.2),
    "pool_shrink_counts": ("FROM pool_shrink_counts(data, x, n, g)", 1.2),
    "pool_normal_cdf of pool_normal_quantile": ("SELECT pool_normal_cdf(pool_normal_quantile(0.3))", 0.2),
    "pool_gamma_quantile": ("SELECT pool_gamma_quantile(0.3, 2)", 1),
}
# what loads the macros into a new connection: the target in units, at most
LOADS: dict[str, tuple[Callable[[duckdb.DuckDBPyConnection], object], float]] = {
    "pool.sql": (lambda connection: connection.execute((pool.SQL / "pool.sql").read_text(encoding="utf-8")), 3.5),
    "install_macros": (pool.install_macros, 4.5),
}
DATA = "CREATE TABLE data AS SELECT i // 2 AS g, (i * 7 % 10) / 3.0 AS y, i % 4 AS x, 5 + i AS n FROM range(10) AS t(i)"


def cpu_seconds(work: Callable[[], object], rounds: int) -> float:
    least = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        least = min(least, time.process_time() - start)
    return least


def create_macros() -> None:
    connection = duckdb.connect()
    for i in range(300):
        connection.execute(f"CREATE MACRO unit_{i}(x) AS CASE WHEN x > 0 THEN x ELSE 1 / x END")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    connection = duckdb.connect()
    pool.install_macros(connection, temporary=True)
    connection.execute(DATA)
    unit = cpu_seconds(create_macros, rounds)
    print(f"DuckDB {duckdb.__version__}; the unit is {unit:.3f} CPU s\n")
    print("| call | CPU s | units | target |\n|---|---:|---:|---:|")
    jobs = {name: (lambda load=load: load(duckdb.connect()), target) for name, (load, target) in LOADS.items()}
    jobs |= {
        name: (lambda query=query: connection.execute(query).fetchall(), target)
        for name, (query, target) in QUERIES.items()
    }
    for name, (job, target) in jobs.items():
        seconds = cpu_seconds(job, rounds)
        print(f"| {name} | {seconds:.3f} | {seconds / unit:.2f} | {target:.2f} |")


if __name__ == "__main__":
    main()
