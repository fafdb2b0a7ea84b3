"""Names and values are data, never SQL: quotes, semicolons, comments, keywords, and names inside the macros."""

import re
from functools import cache

import duckdb
import polars as pl
import pytest
import shells
import sqlpaths
import ways
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool.models.oneway import components

pytestmark = pytest.mark.every_way
every_engine = pytest.mark.parametrize("engine", shells.ENGINES)

HOSTILE = [
    "'; DROP TABLE victim; --",
    '"; DROP TABLE victim; --',
    "x'); DROP TABLE victim; --",
    "/* a comment",
    "-- a comment",
    "a;b",
    "two words",
    " ",
    'a "quoted" word',
    "it's",
    "''",
    "a.b",
    "$1",
    "?",
    "{name}",
    "a\\b",
    "%s",
    "^x$",
    "Größe",
    "値",
    "🙂",
    "SELECT",
    "from",
    "order",
    "by",
    "group",
    "table",
    "interval",
    "lambda",
    "case",
    "default",
]
PARAMETERS = [
    "tbl",
    "value",
    "over",
    "n",
    "var",
    "se",
    "weights",
    "sigma2",
    "tau2",
    "mu",
    "nan",
    "level",
    "uncertainty",
    "predict",
    "threshold",
    "name",
    "role",
    "given",
    "names",
    "result",
    "types",
    "x",
    "y",
    "v",
    "k",
    "w",
    "c",
    "model",
    "start",
    "published",
    "has_n",
    "proper",
    "method",
    "groups",
    "plain",
    "weighed",
    "found",
    "input",
    "test",
    "limits",
    "side",
    "judged",
    "known",
    "constant",
    "columns",
    "described",
    "schema",
    "unnamed",
]
RESULT = {"n", "mean", "v", "weight", "estimate", "se", "lower", "upper"}
STATISTICS = set(components.STATISTICS)
# Tables with names of relations inside the macros.
TABLES = [
    "classes",
    "models",
    "counted",
    "named",
    "input",
    "found",
    "facts",
    "sums",
    "g",
    "checked",
    "groups",
    "states",
    "r",
    "key",
    "number",
]

# Names of tables that DuckDB does not find, because it parses the name again. Such a table needs a CTE or view.
AWKWARD = {'"', "."}

ROWS = pl.DataFrame(
    {"key": ["a", "a", "a", "b", "b", "c", "c", "c"], "number": [1.0, 2.5, 4.0, 7.0, 8.5, 3.0, 3.5, 9.0]}
)
WEIGHTS = [1.0, 2.0, 1.0, 0.5, 1.0, 4.0, 1.0, 1.0]
VICTIM = "CREATE TABLE victim AS SELECT 42 AS life;"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    return repr(value) if isinstance(value, float) else "'" + str(value).replace("'", "''") + "'"


def created(table: str, frame: pl.DataFrame) -> str:
    types = {pl.String: "VARCHAR", pl.Float64: "DOUBLE"}
    columns = ", ".join(f"{quoted(name)} {types[dtype]}" for name, dtype in frame.schema.items())
    values = ", ".join(f"({', '.join(map(literal, row))})" for row in frame.rows())
    return f"CREATE TABLE {quoted(table)} ({columns}); INSERT INTO {quoted(table)} VALUES {values};\n"


class Batch:
    """Calls and their expected frames, for one process; of many calls each engine takes every second.

    Without `--full` it takes one of `of` of them.
    """

    def __init__(self) -> None:
        self.setup = VICTIM
        self.calls: dict[str, pl.DataFrame] = {}

    def table(self, name: str, frame: pl.DataFrame) -> str:
        self.setup += created(name, frame)
        return quoted(name)

    def check(self, engine: str, of: int = 1) -> None:
        calls = list(self.calls)
        if len(calls) >= 20:
            place = shells.ENGINES.index(engine)
            calls = ways.share(calls[place::2], of, start=place)
        *result, victim = shells.answers(engine, [*calls, "FROM victim"], self.setup)
        for call, rows in zip(calls, result, strict=True):
            expected = self.calls[call]
            assert isinstance(rows, list), f"{call}: {rows}"
            frame = pl.DataFrame(rows, schema=expected.schema, orient="row")
            assert frame.columns == list(rows[0]), call
            assert_frame_equal(frame, expected, check_row_order=False, rel_tol=1e-9, abs_tol=1e-12)
        assert victim == [{"life": 42}]


@cache
def columns() -> Batch:
    """Every name in every role of one call: value, weights, one of several keys, key of models; the verbs alternate."""
    batch = Batch()
    names = [*HOSTILE, *PARAMETERS]
    for place in range(len(names)):
        value, load, key, model = (names[(place + step) % len(names)] for step in range(4))
        shrunk = (place // 2) % 2 == 0
        taken = RESULT if shrunk else STATISTICS
        key = f"the {key}" if shrunk and key in taken else key
        model = f"the {model}" if model in taken else model
        frame = pl.concat([ROWS, ROWS.with_columns(pl.col("number") * 3), ROWS.reverse()]).rename({"number": value})
        frame = frame.with_columns(
            pl.col("key").alias(key),
            pl.Series(load, 3 * WEIGHTS),
            pl.Series("half", 12 * ["p", "q"]),
            pl.Series(model, 6 * ["r", "r", "s", "s"]),
        )
        options = {"weights": load, "over": model} | ({} if shrunk else {"tau2": 0.5, "sigma2": 2})
        verb = pool.shrink if shrunk else pool.components
        written = f"weights := {quoted(load)}, over := {quoted(model)}"
        written += "" if shrunk else ", tau2 := 0.5, sigma2 := 2"
        called = f"{batch.table(f'rows{place}', frame)}, {quoted(value)}, COLUMNS([{literal(key)}, 'half']), {written}"
        batch.calls[f"FROM pool_{verb.__name__}({called})"] = verb(frame, value, [key, "half"], **options)
    return batch


@every_engine
def test_names_of_columns(engine):
    """Without `--full` each name has one role at least."""
    columns().check(engine, of=3)


@every_engine
def test_parameters_as_names_of_moments_and_errors(engine):
    """Columns with the names of their own arguments, and of other arguments."""
    batch = Batch()
    states = pl.DataFrame({"key": ["a", "b", "c"], "mu": [2.0, 7.0, 5.0], "n": [3.0, 2.0, 3.0], "var": [1.0, 2.0, 9.0]})
    crossed = states.rename({"n": "var", "var": "n"})
    studies = states.rename({"var": "se", "mu": "tau2"})
    for name, frame in (("states", states), ("crossed", crossed), ("studies", studies)):
        batch.table(name, frame)
    batch.calls["FROM pool_shrink(states, mu, key, n := n, var := var)"] = pool.shrink(
        states, "mu", "key", n="n", var="var"
    )
    batch.calls["FROM pool_shrink(crossed, mu, key, n := var, var := n)"] = pool.shrink(
        crossed, "mu", "key", n="var", var="n"
    )
    batch.calls["FROM pool_components(studies, tau2, key, se := se, n := n)"] = pool.components(
        studies, "tau2", "key", se="se", n="n"
    )
    batch.calls["FROM pool_encode(states, mu, key, weights := n, tau2 := 1.0, sigma2 := 2.0)"] = pool.encode(
        states, "mu", "key", weights="n", tau2=1.0, sigma2=2.0
    )
    batch.check(engine)


@every_engine
def test_names_of_tables(engine):
    batch = Batch()
    expected = pool.shrink(ROWS, "number", "key")
    components = pool.components(ROWS, "number", "key")
    for name in [*HOSTILE, *TABLES]:
        table = batch.table(name, ROWS)
        if AWKWARD & set(name):
            batch.calls[f"WITH renamed AS (FROM {table}) FROM pool_shrink(renamed, number, key)"] = expected
        else:
            batch.calls[f"FROM pool_shrink({table}, number, key)"] = expected
        if name in TABLES:
            batch.calls[f"FROM pool_components({table}, number, key)"] = components
            batch.calls[f"WITH {table} AS (FROM {table}) FROM pool_encode({table}, number, key)"] = pool.encode(
                ROWS, "number", "key"
            )
    batch.check(engine, of=4)


@every_engine
def test_values_of_keys(engine):
    batch = Batch()
    frame = pl.DataFrame(
        {
            "key": [key for key in HOSTILE for _ in range(4)],
            "number": [float((7 * i) % 31) for i in range(4 * len(HOSTILE))],
            "half": [half for _ in HOSTILE for half in 2 * ("'; DROP TABLE victim; --", '"')],
        }
    )
    batch.table("rows", frame)
    batch.calls["FROM pool_shrink(rows, number, key)"] = pool.shrink(frame, "number", "key")
    batch.calls["FROM pool_components(rows, number, key, over := half)"] = pool.components(
        frame, "number", "key", over="half"
    )
    batch.calls["FROM pool_shrink(rows, number, COLUMNS(['key', 'half']))"] = pool.shrink(
        frame, "number", ["key", "half"]
    )
    batch.calls["FROM pool_encode(rows, number, key)"] = pool.encode(frame, "number", "key")
    batch.check(engine)


@every_engine
def test_text_in_arguments_is_not_run(engine):
    """Hyperparameters and tables with hostile text are refused, and the message quotes the text."""
    calls, texts = [], HOSTILE[shells.ENGINES.index(engine) : 5 : 2]
    for place, text in enumerate(texts):
        roles = ("tau2", "mu", "nan") if ways.full or place == 0 else ()
        calls += [f"FROM pool_shrink(rows, number, key, {role} := {literal(text)})" for role in roles]
        calls.append(f"FROM pool_shrink({literal(text)}, number, key)")
    *result, victim = shells.answers(engine, [*calls, "FROM victim"], VICTIM + created("rows", ROWS))
    assert all(isinstance(answer, str) for answer in result)
    assert victim == [{"life": 42}]
    assert result[0] == (
        f"Invalid Input Error: tau2='{texts[0]}'; give a number of 0 or more, or one of "
        + ", ".join(map(repr, pool.formulas.registry.TAU2))
    )


# ---- parameters of lambdas -------------------------------------------------------------------------------------------

SCALARS = """
    SELECT function_name, len(parameters) FROM duckdb_functions()
    WHERE function_type = 'macro' AND starts_with(function_name, 'pool_') AND len(parameters) > 0 ORDER BY ALL
"""


def test_columns_and_tables_may_be_called_as_parameters_of_lambdas():
    """In DuckDB, a column called like the parameter of a lambda inside a macro wins over the parameter."""
    connection = sqlpaths.database("duckdb").engine.connection
    pairs = re.findall(r"lambda (\w+)(?:, (\w+))?:", (pool.SQL / "pool.sql").read_text(encoding="utf-8"))
    columns = ", ".join(f"99e0 AS {name}" for name in sorted({name for pair in pairs for name in pair if name}))
    for name, parameters in ways.share(connection.execute(SCALARS).fetchall(), of=8):
        arguments = [f"argument{i}" for i in range(parameters)]
        values = ", ".join(f"{(0.3, 0.7)[i % 2]}::DOUBLE AS {argument}" for i, argument in enumerate(arguments))
        call = f"SELECT {name}({', '.join(arguments)}) AS result FROM (SELECT {values}"
        try:
            plain = connection.execute(f"{call})").fetchall()
        except duckdb.Error:  # takes no numbers
            continue
        among_others = connection.execute(f"{call}, {columns}) AS r").fetchall()
        assert str(among_others) == str(plain), name  # NaN equals NaN as text
