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
--     FROM pool_shrink(scores, score, school, "interval" := 'robust');        -- intervals that need no normal groups
--     FROM pool_components(scores, score, school);                            -- sigma2, tau2, mu: one row per model
--     FROM pool_profile(scores, score, school, tau := [0, 1, 2]);             -- what the data say at every tau
--     FROM pool_encode(scores, score, school);                                -- the estimate beside each row
--     FROM pool_compare(scores, score, school);                               -- what pooling gains, by rows held out
--     FROM pool_shrink(schools, effect, school, se := se);                    -- published estimates
--     FROM pool_shrink(schools, effect, school, se := se, tau2 := 'half_cauchy(5)', mu := 'normal(0, 5)'); -- posterior
--     FROM pool_regress(scores, score, hours, school);                        -- lines whose intercepts vary
--     FROM pool_regress_components(scores, score, hours, school);             -- its variances and coefficients
--     FROM pool_shrink_rates(batting, hits, at_bats, player);                 -- rates: so many of so many trials
--     FROM pool_components_rates(batting, hits, at_bats, player);             -- how rates vary: alpha, beta
--     FROM pool_shrink_counts(claims, claims, exposure, district);            -- counts of events in exposures
--     FROM pool_components_counts(claims, claims, exposure, district);        -- how these vary: shape, rate
--     CREATE TABLE states AS FROM pool_moments(scores, score, school);        -- stored moments,
--     FROM pool_merge(states, school);                                        -- which merge exactly,
--     FROM pool_shrink(states, mean, school, n := n, var := var);             -- and are an input too
--
-- The table is a name (of a table, a view or a CTE) or a Parquet glob, in quotes where the query reads that table
-- beside the macro; value and keys are columns or expressions, without quotes; several keys, in over := too, are
-- COLUMNS([...]) of their names; what follows the keys needs its name. A subquery, read_csv(...), an expression among
-- several keys and a view of the same macro are named in a CTE first:
-- WITH rows AS (FROM my_view) FROM pool_shrink(rows, ...). The three inputs differ by n :=, var := and se :=, as in
-- Python; pool_shrink has p_above with threshold := too.
-- DuckDB 1 takes the argument "interval" in quotes alone.
-- Moments with precision weights, which carry one column more, w, have macros of their own:
-- pool_weighted_moments(tbl, value, "by", weights), pool_weighted_merge(tbl, "by"). Names that begin with _pool_ are
-- private.
--
-- This file is put together by `python -m polars_pool.rendering` from the files beside it: edit there.
--
-- Contents. duckdb_functions() has a comment on each public macro.
"""


def text(parts: dict[str, str]) -> str:
    """Examples, table macros with a sentence each, and the names of the scalar macros of each file."""
    found = {path: list(macros(sql)) for path, sql in parts.items()}
    tables: list[str] = []
    scalars: list[str] = []
    for path, some in found.items():
        tables += [line for macro in some if macro.is_table for line in _line(macro.name, described(macro))]
        if names := [macro.name for macro in some if not macro.is_table]:
            scalars += _line(path, ", ".join(names))
    return PREFACE + "\n".join(["--", *tables, "--", *scalars]) + "\n\n"


def _line(name: str, words: str) -> Iterator[str]:
    """A name with the first line of the words about it, folded."""
    lines = wrap(f"{name}: {words.splitlines()[0]}", 110, subsequent_indent="    ", break_on_hyphens=False)
    yield from (f"--     {line}" for line in lines)
