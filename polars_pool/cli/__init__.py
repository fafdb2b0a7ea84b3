"""The command line: what is asked (`task`), who answers (`by_polars`, `by_duckdb`), and where it goes (`output`)."""
