"""The command line: `commands` defines it, `by_polars` and `by_duckdb` compute, `output` and `screen` show results."""
