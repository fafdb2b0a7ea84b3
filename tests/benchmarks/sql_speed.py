"""The cost of pool_shrink in DuckDB, relative to the plain GROUP BY of the same rows: a Markdown table.

    python tests/benchmarks/sql_speed.py [folder] [--rounds 5] [--scale 1.0] [--skewed] [--only reml]

Every run is a process of its own, the jobs run in turns, and each job is compared with the plain job of its round. The
macros are loaded before the measurement, which includes planning the query and writing its result to a table in memory.
"""

from pathlib import Path

from turns import Jobs, main, measured

GROUP_BY = "GROUP BY g: count, avg, var_samp"
GROUP_BY_OVER = "GROUP BY model, h"
GROUP_BY_TEN = "GROUP BY g // 10, g"
HITS = "GROUP BY g: sum, count of 0 and 1"
PAIRS = "GROUP BY row: sums of hits and trials"

JOBS: Jobs = {
    GROUP_BY: ("large", GROUP_BY, None),
    "pool_shrink, reml": ("large", GROUP_BY, 1.10),
    "pool_shrink, separate": ("large", GROUP_BY, 1.35),
    "pool_shrink, weights": ("large", GROUP_BY, 1.6),
    "pool_shrink, se": ("large", GROUP_BY, 1.35),
    "pool_components, knha": ("large", GROUP_BY, 1.3),
    "pool_moments": ("large", GROUP_BY, None),
    GROUP_BY_OVER: ("large", GROUP_BY_OVER, None),
    "pool_shrink, over": ("large", GROUP_BY_OVER, 1.3),
    GROUP_BY_TEN: ("models", GROUP_BY_TEN, None),
    "pool_shrink, models of ten groups": ("models", GROUP_BY_TEN, 3.5),
    HITS: ("large", HITS, None),
    "pool_shrink_rates, 0 and 1": ("large", HITS, 1.3),
    "pool_components_rates, 0 and 1": ("large", HITS, 1.3),
    PAIRS: ("pairs", PAIRS, None),
    "pool_shrink_rates, pairs": ("pairs", PAIRS, None),
    "pool_shrink_rates, pairs, no limits": ("pairs", PAIRS, None),
    "pool_components_rates, pairs": ("pairs", PAIRS, None),
}

QUERIES = {
    GROUP_BY: "SELECT g, count(y) AS n, avg(y) AS mean, var_samp(y) AS var FROM '{}' GROUP BY g",
    "pool_shrink, reml": "FROM pool_shrink('{}', y, g)",
    "pool_shrink, separate": "FROM pool_shrink('{}', y, g, sigma2 := 'separate')",
    "pool_shrink, weights": "FROM pool_shrink('{}', y, g, weights := w)",
    "pool_shrink, se": "FROM pool_shrink('{}', y, g, se := se)",
    "pool_components, knha": "FROM pool_components('{}', y, g, test := 'knha')",
    "pool_moments": "FROM pool_moments('{}', y, g)",
    GROUP_BY_OVER: "SELECT model, h, count(y) AS n, avg(y) AS mean, var_samp(y) AS var FROM '{}' GROUP BY model, h",
    "pool_shrink, over": "FROM pool_shrink('{}', y, h, over := model)",
    GROUP_BY_TEN: "SELECT g // 10, g, count(y) AS n, avg(y) AS mean, var_samp(y) AS var FROM '{}' GROUP BY ALL",
    "pool_shrink, models of ten groups": "FROM pool_shrink('{}', y, g, over := g // 10)",
    HITS: "SELECT g, sum(hit) AS x, count(hit) AS n FROM '{}' GROUP BY g",
    "pool_shrink_rates, 0 and 1": "FROM pool_shrink_rates('{}', hit, 1, g)",
    "pool_components_rates, 0 and 1": "FROM pool_components_rates('{}', hit, 1, g)",
    PAIRS: "SELECT row, sum(hits) AS x, sum(trials) AS n FROM '{}' GROUP BY row",
    "pool_shrink_rates, pairs": "FROM pool_shrink_rates('{}', hits, trials, row)",
    "pool_shrink_rates, pairs, no limits": "FROM pool_shrink_rates('{}', hits, trials, row, limits := false)",
    "pool_components_rates, pairs": "FROM pool_components_rates('{}', hits, trials, row)",
}


def measure(job: str, table: Path) -> dict[str, float]:
    """One run in this process: wall seconds, CPU seconds of all threads, and the peak in megabytes."""
    import duckdb

    import polars_pool as pool

    connection = duckdb.connect()
    pool.install_macros(connection, temporary=True)
    query = QUERIES[job].format(table / "**/*.parquet")
    return measured(lambda: connection.execute(f"CREATE TABLE result AS {query}"))


if __name__ == "__main__":
    main(__doc__, "duckdb", JOBS, measure)
