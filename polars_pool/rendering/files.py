"""The rendered files of sql/, and sql/pool.sql, which holds all macros in one file."""

from __future__ import annotations

from ..engines.duckdb import FOLDER
from . import columns, estimators, formulas, methods, names, priors

FORMULAS = "formulas.sql"
POOL = "pool.sql"

# The files of sql/ in the order of loading: DuckDB binds the body of a macro when it is created, so a file comes after
# those whose macros it calls. A nested .read would resolve against the working directory: pool.sql holds all of them.
ORDER = (
    ("parts/distributions", "domains elementary normal tails student odds gamma beta polygamma sine_integral"),
    ("", "formulas"),
    ("parts/rendered", "names priors columns"),
    ("parts/shared", "arguments priors columns keys values offset refuse unseen"),
    ("parts/rendered", "estimators"),
    ("parts/oneway", "spec refuse groups search fit errors inference limits uncertainty components"),
    ("parts/oneway", "profile comparison critical robust"),
    ("parts/posterior", "spec quadrature quantiles proper mixtures components estimates profile results"),
    ("parts/oneway", "estimates moments verbs"),
    ("parts/regression", "spec offset refuse groups likelihood identification fit components verbs"),
    ("parts/rates", "spec refuse groups identification likelihood fit components estimates verbs"),
)
PARTS = tuple(f"{folder}/{name}.sql".lstrip("/") for folder, names in ORDER for name in names.split())

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

"""


def rendered() -> dict[str, str]:
    """The text of every rendered file but pool.sql, by its path in sql/."""
    return {
        FORMULAS: f"{formulas.text()}\n{methods.text()}",
        "parts/rendered/estimators.sql": _headed("formulas/estimators.py", estimators.text()),
        "parts/rendered/names.sql": _headed("formulas/names.py", names.text()),
        "parts/rendered/priors.sql": _headed("formulas/priors.py", priors.text()),
        "parts/rendered/columns.sql": _headed("verbs", columns.text()),
    }


def _headed(source: str, text: str) -> str:
    return f"-- Rendered from polars_pool/{source} by `python -m polars_pool.rendering`: edit there.\n--\n{text}\n"


def together() -> str:
    """The text of sql/pool.sql."""
    fresh = rendered()
    return PREFACE + "\n\n".join(fresh.get(part) or (FOLDER / part).read_text(encoding="utf-8") for part in PARTS)


def write() -> None:
    """Write the rendered files of sql/."""
    for path, text in (rendered() | {POOL: together()}).items():
        (FOLDER / path).parent.mkdir(exist_ok=True)
        (FOLDER / path).write_text(text, encoding="utf-8")
