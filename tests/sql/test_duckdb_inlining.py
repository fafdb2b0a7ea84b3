"""pool.sql with bodies in place of calls plans and answers as the macros in sql/parts, but for projections less."""

import json

import duckdb
import pytest

from polars_pool.rendering import files, inlining

CREATE = "CREATE OR REPLACE MACRO "
DATA = "CREATE TABLE data AS SELECT i // 2 AS g, i * 7 % 10 / 3.0 AS y, i % 4 AS x, 5 + i AS n FROM range(10) AS t(i)"
CALLS = [
    "FROM pool_profile(data, y, g)",  # its parameter n would take a column of macros that it calls
    "FROM pool_regress(data, y, x, g)",
    "FROM pool_shrink_rates(data, x, n, g, threshold := 0.5)",
    "SELECT pool_student_quantile(y / 10, n), pool_gamma_cdf(y, n), pool_noncoverage(y, n) FROM data",
]


def steps(node):
    """The operators of a plan, without the projections that query_table('name') adds in place of the name."""
    own = [] if node["name"].strip() == "PROJECTION" else [node["name"]]
    return own + [step for child in node["children"] for step in steps(child)]


def test_plans_and_answers_are_those_of_the_macros_in_parts():
    results = []
    for text in ("\n\n".join(files.parts(files.rendered()).values()), files.together()):
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute(text)
            connection.execute(DATA)
            plans = [connection.execute(f"EXPLAIN (FORMAT JSON) {call}").fetchone()[1] for call in CALLS]
            answers = [sorted(map(str, connection.execute(call).fetchall())) for call in CALLS]
            results.append(([steps(json.loads(plan)[0]) for plan in plans], answers))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("macros", "call"),
    [
        (["_sum(a, b) AS a + b", "f(x) AS 2 * _sum(x, 3)"], "SELECT f(5)"),  # operators keep their order
        (["_double(a) AS 2 * a", "f(x) AS _double(x + 3)"], "SELECT f(5)"),
        (["_key(a) AS {a: a, b: [a]}", "f(x) AS _key(x).a"], "SELECT f(5)"),  # a field, not the parameter
        (["_all(a, b := 7) AS [a, b]", "f(x) AS _all(x) || _all(x, b := 1)"], "SELECT f(5)"),
        (["_rows(t, k) AS TABLE SELECT i + k AS j FROM query_table(t)",
          "f(x) AS TABLE WITH r AS (FROM range(3) AS t(i)) FROM _rows('r', 2 - x)"], "FROM f(1)"),
        (["_text(a) AS 'a, (' || a  -- a comment", "f(x) AS upper(_text(x))"], "SELECT f('b')"),
    ],
)  # fmt: skip
def test_answers_are_those_of_the_macros(macros, call):
    text = "\n".join(f"{CREATE}{macro}\n;" for macro in macros)
    answers = []
    for sql in (text, inlining.inlined(text)):
        with duckdb.connect() as connection:
            connection.execute(sql)
            answers.append(connection.execute(call).fetchall())
    assert answers[0] == answers[1]
    assert inlining.inlined(text).count(CREATE) == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("WITH a AS (FROM (SELECT 1 AS x, 2 AS y)) FROM a", 1),
        ("WITH a AS NOT MATERIALIZED (FROM\n  (FROM (SELECT ')' AS x))) FROM a", 1),
        ("WITH a AS (FROM (SELECT 1 AS x) WHERE x > 0) FROM a", 2),
        ("FROM (FROM range(2) AS r(x)) JOIN (FROM (SELECT 1 AS x)) USING (x)", 2),
    ],
)
def test_a_query_that_only_reads_a_subquery_is_that_subquery(query, words):
    text = f"{CREATE}_rows() AS TABLE {query};"
    flat = inlining.flat(text)
    with duckdb.connect() as connection:
        answers = [
            connection.execute(sql.replace("OR REPLACE", "OR REPLACE TEMP") + "FROM _rows()").fetchall()
            for sql in (text, flat)
        ]
    assert answers[0] == answers[1] != []
    assert flat.count("FROM") == words
