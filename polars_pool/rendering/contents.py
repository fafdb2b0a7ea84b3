"""The head of sql/pool.sql: examples, and a table of contents of the public macros."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from .comments import described, macros

PREFACE = """\
-- polars-pool: partial pooling in plain DuckDB macros. In the shell: .read sql/pool.sql
--
--     FROM pool_shrink('warehouse/**/*.parquet', score, school);
--     FROM pool_shrink(scores, log(score), school, over := year, tau2 := 'dl', level := 0.9);
--     FROM pool_shrink(scores, score, COLUMNS(['state', 'school']));          -- several keys keep their names
--     FROM pool_shrink(scores, score, school, groups := 'new_schools');       -- and groups that have no rows yet
--     FROM pool_shrink(scores, score, school, "interval" := 'robust');        -- intervals without normal groups
--     FROM pool_components(scores, score, school);                            -- sigma2, tau2, mu: one row per model
--     FROM pool_profile(scores, score, school, tau := [0, 1, 2]);             -- estimates and likelihood at each tau
--     FROM pool_encode(scores, score, school);                                -- every row with its estimate
--     FROM pool_compare(scores, score, school);                               -- the gain of pooling on held-out rows
--     FROM pool_shrink(schools, effect, school, se := se);                    -- published estimates
--     FROM pool_shrink(schools, effect, school, se := se, tau2 := 'half_cauchy(5)', mu := 'normal(0, 5)'); -- posterior
--     FROM pool_regress(scores, score, hours, school);                        -- lines with varying intercepts
--     FROM pool_regress_components(scores, score, hours, school);             -- its variances and coefficients
--     FROM pool_regress_coefficients(scores, score, hours, school);           -- a table of its coefficients
--     FROM pool_shrink_toward(scores, score, school, income);                 -- toward what a predictor of groups says
--     FROM pool_components_toward(scores, score, school, income);             -- what the predictor leaves and explains
--     FROM pool_coefficients(scores, score, school, income);                  -- its coefficients
--     FROM pool_shrink_nested(scores, score, region, store);                  -- stores in regions
--     FROM pool_components_nested(scores, score, region, store);              -- tau2 of both levels
--     FROM pool_shrink_rates(batting, hits, at_bats, player);                 -- rates: events in trials
--     FROM pool_components_rates(batting, hits, at_bats, player);             -- their distribution: alpha, beta
--     FROM pool_shrink_counts(claims, claims, exposure, district);            -- counts of events in exposures
--     FROM pool_components_counts(claims, claims, exposure, district);        -- their distribution: shape, rate
--     CREATE TABLE states AS FROM pool_moments(scores, score, school);        -- stored moments,
--     FROM pool_merge(states, school);                                        -- which merge exactly,
--     FROM pool_shrink(states, mean, school, n := n, var := var);             -- and are an input too
--
-- The table is a name (of a table, a view or a CTE) or a Parquet glob. Put it in quotes where the same query also
-- reads that table. Value and keys are columns or expressions, without quotes. Several keys are COLUMNS([...]) of
-- their names, in over := too. Every argument after the keys needs its name. A subquery, read_csv(...), an expression
-- among several keys, and a view with the same macro need a name in a CTE first: WITH rows AS (FROM my_view) FROM
-- pool_shrink(rows, ...). The arguments n, var and se choose one of three inputs, as in Python. In pool_shrink,
-- threshold := adds p_above.
-- DuckDB 1 accepts the argument "interval" only in quotes.
-- Moments with precision weights have one more column, w, and macros of their own:
-- pool_weighted_moments(tbl, value, "by", weights), pool_weighted_merge(tbl, "by"). Names that begin with _pool_ are
-- private.
--
-- `python -m polars_pool.rendering` writes this file from the files in parts/: edit those.
--
-- Contents. duckdb_functions() has a comment on each public macro.
"""


def text(parts: dict[str, str]) -> str:
    """Examples, table macros with a sentence each, and the names of the scalar macros of each file."""
    by_file = {path: list(macros(sql)) for path, sql in parts.items()}
    tables: list[str] = []
    scalars: list[str] = []
    for path, some in by_file.items():
        tables += [line for macro in some if macro.is_table for line in _line(macro.name, described(macro))]
        if names := [macro.name for macro in some if not macro.is_table]:
            scalars += _line(path, ", ".join(names))
    return PREFACE + "\n".join(["--", *tables, "--", *scalars]) + "\n\n"


def _line(name: str, words: str) -> Iterator[str]:
    """A name with the first line of the words about it, folded."""
    lines = wrap(f"{name}: {words.splitlines()[0]}", 110, subsequent_indent="    ", break_on_hyphens=False)
    yield from (f"--     {line}" for line in lines)
