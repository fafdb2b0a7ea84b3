"""The macros inside larger queries: every macro over a table, a view, a CTE, joined to its own table, in subqueries, in
an attached database, as a prepared statement, and over views and CTEs of every other macro.

The rows are always equal, so every result must be that of Python for the frame.
"""

import re
import shutil
from typing import NamedTuple

import duckdb
import polars as pl
import pytest
import shells
import ways
from polars.testing import assert_frame_equal

import polars_pool as pool

pytestmark = pytest.mark.every_way
every_engine = pytest.mark.parametrize("engine", shells.ENGINES)

ROWS = pl.select(i=pl.int_range(60)).with_columns(
    g=pl.col("i") % 4,
    h=pl.col("i") % 2,
    y=(pl.col("i") * 7 % 11 + 4 * (pl.col("i") % 4)).cast(pl.Float64),
    x=(pl.col("i") * 5 % 13).cast(pl.Float64),
    w=1.0 + pl.col("i") % 3,
    hits=pl.col("i") * 3 % 5 + 2 * (pl.col("i") % 4),
    trials=pl.lit(12),
)
SETUP = """
    CREATE TABLE t AS SELECT i % 4 AS g, i % 2 AS h, (i * 7 % 11 + 4 * (i % 4))::DOUBLE AS y, (i * 5 % 13)::DOUBLE AS x,
        1.0::DOUBLE + i % 3 AS w, i * 3 % 5 + 2 * (i % 4) AS hits, 12 AS trials, i FROM range(60) AS r(i);
    CREATE VIEW v AS SELECT * FROM t;
    ATTACH ':memory:' AS other;
    CREATE TABLE other.there AS FROM t;
"""


class Macro(NamedTuple):
    """A table macro: its arguments after the table, the columns to compare, and the result of Python for the rows."""

    arguments: str
    columns: tuple[str, ...]
    expected: pl.DataFrame

    def frame(self) -> pl.DataFrame:
        return self.expected.select(self.columns)


RATES = {"by": "g", "trials": "trials"}
COUNTS = {"by": "g", "exposure": "w"}
MACROS = {
    "shrink": Macro("y, g", ("g", "n", "estimate", "se", "lower"), pool.shrink(ROWS, "y", "g")),
    "encode": Macro("y, g, over := h", ("g", "y", "estimate"), pool.encode(ROWS, "y", "g", over="h")),
    "components": Macro("y, g", ("n", "sigma2", "tau2", "mu", "q"), pool.components(ROWS, "y", "g")),
    "profile": Macro("y, g, tau := [0, 2]", ("tau", "mu", "log_likelihood"), pool.profile(ROWS, "y", "g", tau=[0, 2])),
    "compare": Macro("y, g", ("none", "complete", "partial"), pool.compare(ROWS, "y", "g")),
    "moments": Macro("y, COLUMNS(['g', 'h'])", ("g", "h", "n", "mean", "var"), pool.moments(ROWS, "y", ["g", "h"])),
    "weighted_moments": Macro("y, g, w", ("g", "n", "mean", "var", "w"), pool.moments(ROWS, "y", "g", weights="w")),
    "regress": Macro("y, x, g", ("g", "term", "estimate", "se"), pool.regress(ROWS, "y", x=["x"], by="g")),
    "regress_components": Macro(
        "y, x, g", ("n", "sigma2", "log_likelihood"), pool.regress_components(ROWS, "y", x=["x"], by="g")
    ),
    "regress_coefficients": Macro(
        "y, x, g", ("term", "estimate", "se"), pool.regress_coefficients(ROWS, "y", x=["x"], by="g")
    ),
    "shrink_toward": Macro("y, g, h", ("g", "n", "estimate", "fit"), pool.shrink(ROWS, "y", "g", toward=pl.col("h"))),
    "shrink_rates": Macro("hits, trials, g", ("g", "n", "estimate"), pool.shrink(ROWS, "hits", **RATES)),
    "components_rates": Macro("hits, trials, g", ("alpha", "beta"), pool.components(ROWS, "hits", **RATES)),
    "shrink_counts": Macro("hits, w, g", ("g", "n", "estimate"), pool.shrink(ROWS, "hits", **COUNTS)),
    "components_counts": Macro("hits, w, g", ("shape", "rate"), pool.components(ROWS, "hits", **COUNTS)),
}

COMPANY = {
    "a table": "SELECT {columns} FROM {macro}(t, {arguments})",
    "its name as text": "SELECT {columns} FROM {macro}('t', {arguments})",
    "a view": "SELECT {columns} FROM {macro}(v, {arguments})",
    "a CTE": "WITH c AS (SELECT * FROM t) SELECT {columns} FROM {macro}(c, {arguments})",
    "a CTE of itself": "WITH c AS (FROM over_{macro}) SELECT {columns} FROM {macro}(c, {arguments})",
    "before its table": "SELECT {columns} FROM {macro}(t, {arguments}) JOIN (SELECT count(*) FROM t) ON true",
    "beside its table": "SELECT p.* FROM t JOIN (SELECT {columns} FROM {macro}('t', {arguments})) AS p ON t.i = 0",
    "beside its table by another name": "SELECT {columns} FROM (SELECT 0 AS nothing FROM t AS t2 LIMIT 1) "
    "JOIN {macro}(t, {arguments}) AS p ON true",
    "a scalar subquery": "SELECT (SELECT list({{{fields}}}) FROM {macro}('t', {arguments})) AS listed FROM t LIMIT 1",
    "a query that is prepared": "PREPARE q AS SELECT {columns} FROM {macro}(t, {arguments}) WHERE $1; EXECUTE q(true)",
    "an attached database": "SELECT {columns} FROM {macro}(other.there, {arguments})",
}


def takes(engine: str, place: int, of: int = 2) -> bool:
    """Whether an engine takes a case: one of `of` cases each in turn; with `--full` the module takes all of them."""
    turn = 0 if engine == "module" else of // 2
    return (ways.full and engine == "module") or place % of == turn


def query(company: str, name: str) -> str:
    macro = MACROS[name]
    columns = ", ".join(macro.columns)
    fields = ", ".join(f"{column}: {column}" for column in macro.columns)
    return COMPANY[company].format(macro=f"pool_{name}", columns=columns, fields=fields, arguments=macro.arguments)


def over(name: str) -> str:
    """A view of the same rows whose definition contains a macro."""
    return (
        f"CREATE VIEW over_pool_{name} AS SELECT t.* FROM t "
        f"WHERE (SELECT count(*) FROM pool_{name}('t', {MACROS[name].arguments})) > 0;"
    )


def assert_answer(name: str, rows: shells.Rows | str, where: str) -> None:
    assert isinstance(rows, list), f"{name}, {where}: {rows}"
    rows = rows[0].get("listed", rows)
    expected = MACROS[name].frame()
    result = pl.DataFrame(rows, schema=expected.schema, orient="row")
    assert_frame_equal(result, expected, check_row_order=False, rel_tol=1e-8, abs_tol=1e-8)


@pytest.mark.parametrize("name", MACROS)
@every_engine
def test_company(engine, name):
    place = list(MACROS).index(name)
    companies = [company for i, company in enumerate(COMPANY) if takes(engine, i + place, of=len(COMPANY))]
    setup = SETUP + (over(name) if "a CTE of itself" in companies else "")
    result = shells.answers(engine, [query(company, name) for company in companies], setup)
    for company, rows in zip(companies, result, strict=True):
        assert_answer(name, rows, company)


# ---- macros over macros ----------------------------------------------------------------------------------------------


@every_engine
def test_every_macro_over_a_view_of_every_other(engine):
    """The queries are only bound, which detects recursion; planning and running all would take minutes.

    Without `--full` each macro is the outer one and the inner one of a pair.
    """
    calls = {
        (outer, inner): f"DESCRIBE FROM pool_{outer}(over_pool_{inner}, {MACROS[outer].arguments})"
        for i, outer in enumerate(MACROS)
        for j, inner in enumerate(MACROS)
        if outer != inner and takes(engine, i + 5 * j + 1, of=24)
    }
    views = map(over, dict.fromkeys(inner for _, inner in calls))
    result = shells.answers(engine, calls.values(), SETUP + "".join(views))
    for (outer, inner), rows in zip(calls, result, strict=True):
        assert isinstance(rows, list), f"{outer} over {inner}: {rows}"
        assert {row["column_name"] for row in rows} >= set(MACROS[outer].columns)


CHAINS = {
    "FROM pool_merge(vm, g)": pool.moments(ROWS, "y", "g"),
    "FROM pool_shrink(vm, mean, g, n := n, var := var)": pool.shrink(ROWS, "y", "g"),
    "FROM pool_components(vm, mean, g, n := n, var := var)": pool.components(ROWS, "y", "g"),
    "FROM pool_weighted_merge(vw, g)": pool.moments(ROWS, "y", "g", weights="w"),
    "FROM pool_shrink(ve, estimate, h)": pool.shrink(pool.encode(ROWS, "y", "g"), "estimate", "h"),
    "SELECT * FROM pool_shrink(ve, y, g) JOIN (SELECT count(*) FROM ve) ON true": pool.shrink(ROWS, "y", "g"),
    "FROM pool_shrink_counts(vr, n, estimate, g)": pool.shrink(
        pool.shrink(ROWS, "hits", by="g", trials="trials"), "n", by="g", exposure="estimate"
    ),
    "FROM pool_shrink(t, y, g, groups := vm)": pool.shrink(ROWS, "y", "g"),
    "FROM pool_shrink(t, y, g, over := NULL)": pool.shrink(ROWS, "y", "g"),
    "FROM pool_shrink_rates(t, hits, trials, g, over := NULL)": pool.shrink(ROWS, "hits", **RATES),
}
VIEWS = """
    CREATE VIEW vm AS FROM pool_moments(t, y, COLUMNS(['g', 'h']));
    CREATE VIEW vw AS FROM pool_weighted_moments(t, y, COLUMNS(['g', 'h']), w);
    CREATE VIEW ve AS FROM pool_encode(t, y, g);
    CREATE VIEW vr AS FROM pool_shrink_rates(t, hits, trials, g);
"""


@every_engine
def test_views_of_macros(engine):
    """The results equal the same steps in Python."""
    calls = [call for i, call in enumerate(CHAINS) if ways.full or takes(engine, i)]
    for call, rows in zip(calls, shells.answers(engine, calls, SETUP + VIEWS), strict=True):
        assert isinstance(rows, list), f"{call}: {rows}"
        expected = CHAINS[call].drop("mean_low", strict=False)
        result = pl.DataFrame(rows, orient="row").select(expected.columns).cast(expected.schema)
        assert_frame_equal(result, expected, check_row_order=False, rel_tol=1e-8, abs_tol=1e-8)


@every_engine
def test_a_macro_over_a_view_of_itself(engine):
    """A CTE names the view first: DuckDB 2 refuses a macro inside itself, also in the definition of a view."""
    actual = shells.answers(
        engine,
        [
            "WITH c AS (FROM vs) FROM pool_shrink(c, estimate, h, se := se)",
            "FROM pool_shrink(vs, estimate, h, se := se)",
        ],
        SETUP + "CREATE VIEW vs AS FROM pool_shrink(t, y, COLUMNS(['g', 'h']));",
    )
    expected = pool.shrink(pool.shrink(ROWS, "y", ["g", "h"]), "estimate", "h", se="se")
    by_cte, direct = actual
    results = [by_cte]
    if engine == "module" and int(duckdb.__version__.split(".")[0]) >= 2:
        assert "infinite recursion" in direct
    else:
        results.append(direct)
    for rows in results:
        result = pl.DataFrame(rows, schema=expected.schema, orient="row")
        assert_frame_equal(result, expected, check_row_order=False, rel_tol=1e-8, abs_tol=1e-8)


# ---- a key called null -----------------------------------------------------------------------------------------------


@every_engine
def test_a_key_called_null(engine):
    """A missing `over` is a column in the macro; its name must differ from those of keys."""
    names = [name for i, name in enumerate(MACROS) if takes(engine, i, of=4)]
    calls = []
    for name in names:
        macro = MACROS[name]
        arguments = re.sub(r"'g'", "'null'", re.sub(r"\bg\b(?!')", '"null"', macro.arguments))
        columns = ", ".join(f'"{column}"' for column in macro.columns).replace('"g"', '"null"')
        calls.append(f"SELECT {columns} FROM pool_{name}(nulls, {arguments})")
    setup = SETUP + 'CREATE VIEW nulls AS SELECT * EXCLUDE (g), g AS "null" FROM t;'
    for name, rows in zip(names, shells.answers(engine, calls, setup), strict=True):
        assert isinstance(rows, list), f"{name}: {rows}"
        assert_answer(name, [{{"null": "g"}.get(key, key): row[key] for key in row} for row in rows], "null")


# ---- files, keys that are expressions --------------------------------------------------------------------------------


@every_engine
def test_files_and_named_expressions(engine, tmp_path):
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    ROWS[:25].write_parquet(one)
    ROWS[25:].write_parquet(two)
    ROWS.write_csv(tmp_path / "rows.csv")
    calls = [
        f"FROM pool_shrink('{tmp_path}/*.parquet', y, g)",
        f"FROM pool_shrink(['{one}', '{two}'], y, g)",
        f"WITH rows AS (FROM read_parquet(['{one}', '{two}'])) FROM pool_shrink(rows, y, g)",
        f"WITH rows AS (FROM read_csv('{tmp_path}/rows.csv')) FROM pool_shrink(rows, y, g)",
    ]
    expected = pool.shrink(ROWS, "y", "g")
    for call, rows in zip(calls, shells.answers(engine, calls), strict=True):
        assert isinstance(rows, list), f"{call}: {rows}"
        result = pl.DataFrame(rows, schema=expected.schema, orient="row")
        assert_frame_equal(result, expected, check_row_order=False, rel_tol=1e-8, abs_tol=1e-8)


@every_engine
def test_keys_that_are_expressions_get_names_in_a_cte(engine):
    call = "WITH named AS (SELECT *, x > 5 AS many FROM t) FROM pool_shrink(named, y, COLUMNS(['g', 'many']))"
    [rows] = shells.answers(engine, [call], SETUP)
    expected = pool.shrink(ROWS, "y", ["g", (pl.col("x") > 5).alias("many")])
    result = pl.DataFrame(rows, orient="row").select(expected.columns).cast(expected.schema)
    assert_frame_equal(result, expected, check_row_order=False, rel_tol=1e-8, abs_tol=1e-8)


@every_engine
def test_a_struct_is_one_key(engine):
    """Its groups are those of its fields, in Polars and in SQL."""
    two = pool.shrink(ROWS, "y", by=["g", "w"], over="h")
    one = pool.shrink(ROWS, "y", by=pl.struct("g", "w").alias("pair"), over="h")
    assert_frame_equal(one.unnest("pair"), two)
    query = "SELECT h, n, mean, estimate, se FROM pool_shrink(t, y, (g, w), over := h)"
    [rows] = shells.answers(engine, [query], SETUP)
    expected = two.select("h", "n", "mean", "estimate", "se")
    result = pl.DataFrame(rows, orient="row").select(expected.columns).cast(expected.schema)
    assert_frame_equal(result, expected, check_row_order=False, rel_tol=1e-8, abs_tol=1e-8)


# ---- macros in a file that is attached -------------------------------------------------------------------------------


@pytest.mark.parametrize("read_only", ["", " (READ_ONLY)"])
def test_macros_of_an_attached_file(tmp_path, read_only):
    """DuckDB resolves names inside macros along the search path, which may keep the current database first."""
    file = str(tmp_path / "warehouse.duckdb")
    shutil.copy(shells.macros_file("module"), file)
    with duckdb.connect(file) as stored:
        stored.execute("CREATE TABLE t AS FROM range(60) AS r(i) SELECT i % 4 AS g, (i * 7 % 11)::DOUBLE AS y")
        expected = stored.execute("SELECT list(estimate ORDER BY g) FROM pool_shrink(t, y, g)").fetchall()[0][0]
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS w{read_only}")
        with pytest.raises(duckdb.CatalogException, match=r"Did you mean \"w\._pool_"):
            connection.execute("FROM w.pool_shrink(w.t, y, g)")
        for cursor in (connection, connection.cursor()):
            cursor.execute("SET search_path = 'memory,w'")
            for call in ("w.pool_shrink(w.t, y, g)", "pool_shrink(w.t, y, g)", "pool_shrink(t, y, g)"):
                [[result]] = cursor.execute(f"SELECT list(estimate ORDER BY g) FROM {call}").fetchall()
                assert result == pytest.approx(expected, rel=1e-12), call


# ---- keys of groups that have no rows --------------------------------------------------------------------------------

UNLIKE = {
    "INTEGER": ("BIGINT", "BIGINT"),
    "BIGINT": ("TINYINT", "BIGINT"),
    "UTINYINT": ("SMALLINT", "SMALLINT"),
    "UINTEGER": ("INTEGER", "BIGINT"),
    "UBIGINT": ("UTINYINT", "UBIGINT"),
    "VARCHAR": ("ENUM('0', '1', '2', '3', '9')", "VARCHAR"),
    "ENUM('3', '9')": ("VARCHAR", "VARCHAR"),
}
REFUSED = {"UBIGINT": "BIGINT", "DOUBLE": "BIGINT", "VARCHAR": "BIGINT", "HUGEINT": "BIGINT", "DATE": "VARCHAR"}


@every_engine
def test_keys_of_new_groups_are_widened(engine):
    cases = [i for i in range(len(UNLIKE)) if ways.full or takes(engine, i)]
    calls = [
        "SELECT typeof(g) AS type, count(*) AS groups, count_if(n = 0)::INTEGER AS new "
        f"FROM pool_{call}, groups := news{i}) GROUP BY ALL"
        for i in cases
        for call in (f"shrink(seen{i}, y, g", *([f"shrink_counts(seen{i}, hits, w, g"] if i % 3 == 0 else []))
    ]
    setup = "".join(
        f"CREATE TABLE news{i} AS SELECT unnest([3, 9])::VARCHAR::{new} AS g;"
        f"CREATE TABLE seen{i} AS SELECT * REPLACE (g::VARCHAR::{seen} AS g) FROM t;"
        for i, (new, (seen, _)) in enumerate(UNLIKE.items())
    )
    result = iter(shells.answers(engine, calls, SETUP + setup))
    for i in cases:
        _, common = list(UNLIKE.values())[i]
        for _ in range(2 if i % 3 == 0 else 1):
            assert next(result) == [{"type": common, "groups": 5, "new": 1}]


@every_engine
def test_keys_of_new_groups_that_may_lose_are_refused(engine):
    setup = "".join(
        f"CREATE TABLE news{i} (g {new}); CREATE TABLE seen{i} AS SELECT * REPLACE (g::{seen} AS g) FROM t;"
        for i, (new, seen) in enumerate(REFUSED.items())
    )
    calls = [f"FROM pool_shrink(seen{i}, y, g, groups := news{i})" for i in range(len(REFUSED))]
    for (new, seen), answer in zip(REFUSED.items(), shells.answers(engine, calls, SETUP + setup), strict=True):
        assert answer == (
            f"Invalid Input Error: the keys are STRUCT(g {new}) in groups= and STRUCT(g {seen}) in the table; cast one "
            "of them"
        )
