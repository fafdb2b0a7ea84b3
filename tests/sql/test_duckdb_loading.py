"""The macros load in every environment: the shell in any folder, connections, cursors, other databases, files."""

import json
import os
import re
import shutil

import duckdb
import polars as pl
import pytest
import shells
import ways
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool.rendering import files

FILE = pool.SQL / "pool.sql"
SCORES = pl.DataFrame(
    {
        "year": [2023] * 5 + [2024] * 6,
        "school": ["a", "a", "b", "b", "c", "a", "a", "b", "c", "c", None],
        "score": [61.0, 64.5, 70.0, 73.0, 58.0, 62.0, 66.5, 69.0, 57.5, 61.0, 66.0],
    }
)
ROWS = ", ".join(
    f"({year}, {'NULL' if school is None else repr(school)}, {score})" for year, school, score in SCORES.rows()
)
CREATE = f"""
CREATE OR REPLACE TABLE scores AS
    SELECT year::BIGINT AS year, school, score::DOUBLE AS score FROM (VALUES {ROWS}) AS t(year, school, score);
"""
QUERY = "FROM pool_shrink(scores, score, school)"
EXPECTED = pool.shrink(SCORES, "score", by="school")

ODD = """o'dd "data" base; x"""  # the name of a database and of a schema


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def assert_shrunk(rows: list[dict], expected: pl.DataFrame = EXPECTED) -> None:
    result = pl.DataFrame(rows, schema=expected.schema, orient="row")
    assert_frame_equal(result, expected, check_row_order=False, rel_tol=1e-9, abs_tol=1e-9)


def assert_pools(connection: duckdb.DuckDBPyConnection, query: str = QUERY, expected: pl.DataFrame = EXPECTED) -> None:
    result = connection.execute(query)
    names = [column[0] for column in result.description]
    assert_shrunk([dict(zip(names, row, strict=True)) for row in result.fetchall()], expected)


def macros(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The number of macros of this package in each database."""
    query = """
        SELECT database_name, count(DISTINCT function_name) FROM duckdb_functions()
        WHERE NOT internal AND ltrim(function_name, '_') LIKE 'pool\\_%' ESCAPE '\\' GROUP BY ALL
    """
    return dict(connection.execute(query).fetchall())


NAMES = set(re.findall(r"^CREATE OR REPLACE MACRO (\w+)\(", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE))
ALL, PUBLIC = len(NAMES), sum(name.startswith("pool_") for name in NAMES)


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        opened.execute(CREATE)
        yield opened


@pytest.fixture(scope="module")
def installed():
    """One connection with the macros installed; tests must not change it."""
    with duckdb.connect() as opened:
        opened.execute(CREATE)
        pool.install_macros(opened)
        yield opened


# ---- the file --------------------------------------------------------------------------------------------------------


def test_the_file_is_fresh():
    """After a change of a formula or of a part: python -m polars_pool.rendering, and commit."""
    assert FILE.read_text(encoding="utf-8") == files.together()


def test_the_file_is_one_and_plain_sql():
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.startswith(".")]  # a nested .read would search the working directory
    assert {line.split("(")[0].rsplit(" ", 1)[0] for line in lines if line.startswith("CREATE")} == {
        "CREATE OR REPLACE MACRO",
        "CREATE OR REPLACE TEMP MACRO",
    }
    assert not re.search(r"{{|{%|{#", "".join(lines))  # the file may be part of a dbt macro
    parts = "".join((pool.SQL / part).read_text(encoding="utf-8") for part in files.PARTS)
    public = set(re.findall(r"^CREATE OR REPLACE MACRO (pool_\w+)", parts, flags=re.MULTILINE))
    assert public == {name for name in NAMES if name.startswith("pool_")}


def test_a_query_of_the_file_reads_nothing_else(tmp_path, monkeypatch):
    """The file needs no setting, and works if nothing else can be read or loaded."""
    monkeypatch.chdir(tmp_path)
    with duckdb.connect(config={"enable_external_access": False}) as alone:
        alone.execute(FILE.read_text(encoding="utf-8"))
        alone.execute(CREATE)
        assert_pools(alone)


# ---- the shell -------------------------------------------------------------------------------------------------------


def of_shell(options: list[str], script: str, **process) -> None:
    written = shells.shell_writes(["-json", *options], f"{script}\n{CREATE}\n{QUERY};", **process)
    start = written.find("[{")  # after "-- Loading resources from ..."
    assert start >= 0, written
    assert_shrunk(json.loads(written[start:]))


def test_the_shell_reads_the_checkout():
    of_shell(["-no-init"], ".read sql/pool.sql", cwd=FILE.parents[1])


def test_the_shell_reads_another_folder(tmp_path):
    of_shell(["-no-init"], f".read '{FILE}'", cwd=tmp_path)


def test_the_shell_reads_it_twice(tmp_path):
    of_shell(["-no-init"], f".read '{FILE}'\n.read '{FILE}'", cwd=tmp_path)


def test_the_shell_starts_with_it(tmp_path):
    of_shell(["-init", str(FILE)], "", cwd=tmp_path)


def test_the_shell_reads_it_into_a_file(tmp_path):
    assert shells.shell_writes(["-no-init", "kept.duckdb", "-c", f".read '{FILE}'"], "", cwd=tmp_path) == ""
    of_shell(["-no-init", "kept.duckdb"], "", cwd=tmp_path)


def test_the_shell_reads_it_from_duckdbrc(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".duckdbrc").write_text(f".read '{FILE}'\n", encoding="utf-8")
    environment = os.environ | {"HOME": str(home), "USERPROFILE": str(home)}
    of_shell([], "", cwd=tmp_path, env=environment)


def test_a_database_of_the_shell_keeps_the_macros(tmp_path):
    """Macros in a file are available to the next shell, and to the newer module."""
    file = tmp_path / "kept.duckdb"
    assert shells.shell_writes(["-no-init", str(file)], f".read '{FILE}'\n{CREATE}") == ""
    assert_shrunk(json.loads(shells.shell_writes(["-no-init", "-json", str(file)], f"{QUERY};")))
    with duckdb.connect(str(file), read_only=True) as later:
        assert_pools(later)


@pytest.mark.parametrize("engine", shells.ENGINES)
def test_a_parquet_warehouse(engine, tmp_path):
    """Hive columns can be keys and filters of a view."""
    SCORES.write_parquet(tmp_path / "warehouse", partition_by="year")
    files = f"'{tmp_path}/warehouse/**/*.parquet'"
    view = f"CREATE VIEW late AS FROM read_parquet({files}, hive_partitioning = true) WHERE year = 2024;"
    of_files, by_year, over_year, of_view, of_cte = shells.answers(
        engine,
        [
            f"FROM pool_shrink({files}, score, school)",
            f"FROM pool_shrink({files}, score, COLUMNS(['year', 'school'])) SELECT year, * EXCLUDE year",
            f"FROM pool_shrink({files}, score, school, over := year)",
            "FROM pool_shrink(late, score, school)",
            f"WITH early AS (FROM {files} WHERE year < 2024) FROM pool_shrink(early, score, school)",
        ],
        view,
    )
    assert_shrunk(of_files)
    assert_shrunk(by_year, pool.shrink(SCORES, "score", by=["year", "school"]))
    assert_shrunk(over_year, pool.shrink(SCORES, "score", by="school", over="year"))
    assert_shrunk(of_view, pool.shrink(SCORES.filter(year=2024), "score", by="school"))
    assert_shrunk(of_cte, pool.shrink(SCORES.filter(year=2023), "score", by="school"))


@pytest.mark.parametrize("engine", shells.ENGINES)
def test_tables_of_every_kind(engine):
    views = """
        CREATE VIEW view_of AS FROM scores;
        CREATE TEMP TABLE temporary AS FROM scores;
        CREATE MACRO made() AS TABLE FROM scores;
    """
    calls = {
        "a table": QUERY,
        "its name as text": "FROM pool_shrink('scores', score, school)",
        "with its schema": "FROM pool_shrink('main.scores', score, school)",
        "a view": "FROM pool_shrink(view_of, score, school)",
        "a temporary table": "FROM pool_shrink(temporary, score, school)",
        "a CTE": "WITH chosen AS (FROM scores) FROM pool_shrink(chosen, score, school)",
        "a CTE of a subquery": "FROM (WITH chosen AS (FROM made()) FROM pool_shrink(chosen, score, school))",
    }
    for name, result in zip(calls, shells.answers(engine, calls.values(), CREATE + views), strict=True):
        assert isinstance(result, list), f"{name}: {result}"
        assert_shrunk(result)


# ---- install_macros --------------------------------------------------------------------------------------------------


def test_installed_in_the_database_and_the_connection(installed):
    assert macros(installed) == {"memory": ALL, "temp": PUBLIC}
    assert_pools(installed)


def test_a_cursor_sees_what_is_stored(installed):
    assert_pools(installed.cursor())


def test_temporary_macros_do_not_change_the_database(connection, tmp_path):
    with duckdb.connect(str(tmp_path / "kept.duckdb")) as stored:
        for opened, name in ((connection, "memory"), (stored, "kept")):
            opened.execute(CREATE)
            pool.install_macros(opened, temporary=True)
            assert macros(opened) == {"temp": ALL}
            assert name not in macros(opened)
            assert_pools(opened)
            with pytest.raises(duckdb.CatalogException, match="pool_shrink"):
                opened.cursor().execute(QUERY)


def test_a_database_for_reading_only(tmp_path):
    file = str(tmp_path / "kept.duckdb")
    with duckdb.connect(file) as first:
        first.execute(CREATE)
    with duckdb.connect(file, read_only=True) as connection:
        pool.install_macros(connection)
        assert macros(connection) == {"temp": ALL}
        assert_pools(connection)


OTHERS = [("file", ODD, ODD), ("memory", "other", "main"), ("memory", ODD, ODD)]


@pytest.mark.parametrize(("kind", "name", "schema"), ways.share(OTHERS, of=3))
def test_use_of_another_database(installed, tmp_path, kind, name, schema):
    """Macros from before are available in another database; new ones are stored in the current database."""
    connection = installed
    path = ":memory:" if kind == "memory" else str(tmp_path / "it''s another.duckdb")
    connection.execute(f"ATTACH '{path}' AS {quoted(name)}")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(name)}.{quoted(schema)}")
    connection.execute(f"USE {quoted(name)}.{quoted(schema)}")
    connection.execute(CREATE)
    assert_pools(connection)
    assert name not in macros(connection)

    cursor = connection.cursor()  # a cursor starts in the first database
    assert_pools(cursor)
    cursor.execute(f"USE {quoted(name)}.{quoted(schema)}")
    assert_pools(cursor, QUERY.replace("pool_shrink", "memory.pool_shrink"))

    pool.install_macros(connection)
    assert macros(connection) == {"memory": ALL, name: ALL, "temp": ALL}
    assert_pools(connection)
    assert_pools(cursor)
    connection.execute("USE memory")
    assert_pools(connection)
    cursor.close()
    connection.execute(f"DETACH {quoted(name)}")


def test_a_second_install_replaces_an_older_one(connection):
    older = "CREATE {} MACRO pool_shrink(tbl, value, key) AS TABLE SELECT 0 AS estimate"
    older_formula = "CREATE {} MACRO pool_weight(a, b) AS 0.25"
    for kind in ("", "TEMP"):
        connection.execute(older.format(kind))
        connection.execute(older_formula.format(kind))
    assert connection.execute(QUERY).fetchall() == [(0,)]
    for _ in range(2 if ways.full else 1):
        pool.install_macros(connection)
        assert macros(connection) == {"memory": ALL, "temp": PUBLIC}
        for opened in (connection, connection.cursor()):
            assert_pools(opened)
            assert opened.execute("SELECT pool_weight(4.0, 1.0)").fetchone() == (0.8,)


def test_a_file_keeps_the_macros_under_every_name(tmp_path):
    """Open, move and attach the file under another name, without this package."""
    first, moved = tmp_path / "first.duckdb", tmp_path / "it's moved.duckdb"
    with duckdb.connect(str(first)) as connection:
        connection.execute(CREATE)
        pool.install_macros(connection)
        assert macros(connection) == {"first": ALL, "temp": ALL}
        assert_pools(connection.cursor())
    shutil.copy(first, moved)
    for file in (first, moved):
        with duckdb.connect(str(file)) as later:
            assert set(macros(later)) == {file.stem}
            assert_pools(later)
    with duckdb.connect() as later:
        later.execute(f"ATTACH '{first}' AS {quoted(ODD)}; USE {quoted(ODD)}")
        assert_pools(later)


def test_a_file_for_older_versions_keeps_the_macros_for_the_shell(tmp_path):
    file = str(tmp_path / "older.duckdb")
    with duckdb.connect(file, config={"storage_compatibility_version": "v1.5.0"}) as connection:
        connection.execute(CREATE)
        pool.install_macros(connection)
    assert_shrunk(json.loads(shells.shell_writes(["-no-init", "-json", file], f"{QUERY};")))


def test_a_file_without_types_of_parameters_gives_the_same_rows(connection):
    """Macros of a file from before DuckDB 1.4 plan every input; other connections plan the inputs that are given."""
    connection.execute(FILE.read_text(encoding="utf-8"))
    inputs = ["n := NULL", "se := 1 + score * score", "weights := (SELECT 2) * abs(score)", "n := 3, var := abs(score)"]
    queries = [f"FROM pool_shrink(scores, score, school, {columns}) ORDER BY ALL" for columns in inputs]

    def results() -> list[pl.DataFrame]:
        return [pl.DataFrame(connection.execute(query).fetchall(), orient="row") for query in queries]

    typed = results()
    connection.execute("DROP MACRO TABLE temp._pool_by_input")
    for result, expected in zip(results(), typed, strict=True):
        assert_frame_equal(result, expected, rel_tol=1e-9, abs_tol=1e-9)
    assert len({str(frame.rows()) for frame in typed}) == len(inputs)  # each input counts


def test_polars_frames_by_the_name_of_their_variable(installed):
    frame, lazy = SCORES, SCORES.lazy().filter(pl.col("year") == 2024)
    assert frame.height > lazy.collect().height
    for opened in (installed, installed.cursor()):
        shrunk = opened.sql("FROM pool_shrink(frame, score, school)").pl()
        assert_frame_equal(shrunk, EXPECTED, check_row_order=False, rel_tol=1e-9)
        shrunk = opened.sql("FROM pool_shrink(lazy, score, school, tau2 := 'dl')").pl()
        expected = pool.shrink(lazy, "score", by="school", tau2="dl").collect()
        assert_frame_equal(shrunk, expected, check_row_order=False, rel_tol=1e-9)
        encoded = opened.sql("FROM pool_encode(frame, score, school)").pl()
        expected = pool.encode(frame, "score", by="school")
        assert_frame_equal(encoded, expected, check_row_order=False, rel_tol=1e-9)


def test_a_prepared_statement(installed):
    """Hyperparameters may be parameters of the query, because they are used only when it runs."""
    query = "FROM pool_shrink(scores, score, school, level := $level, sigma2 := $sigma2)"
    result = installed.execute(query, {"level": 0.5, "sigma2": 4.0})
    names = [column[0] for column in result.description]
    expected = pool.shrink(SCORES, "score", by="school", level=0.5, sigma2=4.0)
    assert_shrunk([dict(zip(names, row, strict=True)) for row in result.fetchall()], expected)


def test_a_closed_connection_raises_a_clear_error():
    closed = duckdb.connect()
    closed.close()
    with pytest.raises(duckdb.Error):
        pool.install_macros(closed)
