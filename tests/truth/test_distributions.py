"""The distributions of sql/parts/distributions against exact values, in both DuckDBs, and laws for all arguments."""

import json
import math
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
import shells
import ways
from hypothesis import given, settings
from hypothesis import strategies as st
from shells import number

import polars_pool as pool
from polars_pool.formulas.normal import MILLS_ABOVE, MILLS_BELOW
from polars_pool.rendering.files import PARTS

MACROS = "\n".join((pool.SQL / part).read_text(encoding="utf-8") for part in PARTS if "distributions" in part)
EXACT = json.loads((Path(__file__).parents[1] / "vectors" / "distributions.json").read_text(encoding="utf-8"))

# Relative tolerances on the whole grid of EXACT. For large parameters, the rounding of arguments limits the accuracy
# (a cdf changes by sqrt(a + b) roundings of x).
TOLERANCE = {
    "pool_normal_density": 1e-15,
    "pool_normal_cdf": 2e-15,
    "pool_normal_quantile": 2e-15,
    "pool_student_cdf": 1e-14,
    "pool_student_quantile": 1e-14,
    "pool_gamma_cdf": 1e-11,
    "pool_gamma_quantile": 1e-11,
    "pool_chi_square_cdf": 1e-12,
    "pool_chi_square_quantile": 1e-12,
    "pool_chi_square_median": 1e-13,
    "pool_beta_cdf": 1e-10,
    "pool_beta_quantile": 1e-10,
    "pool_digamma": 1e-14,
    "pool_trigamma": 1e-14,
}
NEAR_ZERO = {"pool_digamma": 1e-15}  # absolute, at the root
EXPONENT = 5e-16  # error of exp(-h) relative to h: a few times half a unit in the last place of h

few = settings(max_examples=2)  # fifty rows each: a query is slow to plan and fast to run
ENGINES = shells.ENGINES if ways.full else shells.ENGINES[:1]
"""test_formulas.py compares the formulas in both; a process of the other engine is for `--full`."""
every_engine = pytest.mark.parametrize("engine", ENGINES)


def query_of(expression: str, rows: list[tuple[float | None, ...]]) -> str:
    """The values of an expression of the columns a, b and c, for all rows."""
    columns = ", ".join("abc"[: len(rows[0])])
    values = ", ".join(f"({place}, {', '.join(map(number, row))})" for place, row in enumerate(rows))
    return f"SELECT {expression} AS y FROM (VALUES {values}) t(i, {columns}) ORDER BY i"


def at(macro: str, rows: list[tuple[float | None, ...]]) -> str:
    return query_of(f"{macro}({', '.join('abc'[: len(rows[0])])})", rows)


@cache
def connection() -> duckdb.DuckDBPyConnection:
    """One database with the macros, for laws with many queries."""
    opened = duckdb.connect()
    opened.execute(MACROS)
    return opened


def ask(expression: str, *columns: list[float]) -> list[float]:
    """The values of an expression of the columns a, b and c, row by row."""
    rows = connection().execute(query_of(expression, list(zip(*columns, strict=True)))).fetchall()
    return [value for (value,) in rows]


def test_every_distribution_has_exact_values():
    assert set(EXACT) == set(TOLERANCE)
    assert all(len(table["values"]) >= 10 for table in EXACT.values())


def allowed(macro: str, want: float) -> float:
    """The relative tolerance, larger in far tails and at roots."""
    relative = TOLERANCE[macro]
    if macro.endswith("_cdf") and macro != "pool_normal_cdf" and want > 0:
        relative += EXPONENT * -math.log(want)
    return relative * abs(want) + NEAR_ZERO.get(macro, 0.0)


def missing(macro: str) -> list[tuple[float | None, ...]]:
    """The first row of arguments, each time with another argument null."""
    *ordinary, _ = EXACT[macro]["values"][0]
    return [tuple(None if place == gap else x for place, x in enumerate(ordinary)) for gap in range(len(ordinary))]


def arguments(macro: str) -> list[tuple[float, ...]]:
    return [tuple(row[:-1]) for row in EXACT[macro]["values"]]


@cache
def result(engine: str) -> dict[str, shells.Rows | str]:
    """All results of an engine, from one process."""
    queries = {macro: at(macro, arguments(macro) + missing(macro)) for macro in EXACT}
    queries["inverse"] = at("pool_trigamma_inverse", [(y,) for _, y in EXACT["pool_trigamma"]["values"]])
    queries |= {expression: f"SELECT {expression} AS y" for expression, _ in [*ENDS, *WRONG]}
    return dict(zip(queries, shells.answers(engine, queries.values(), MACROS, macros=False), strict=True))


def values(engine: str, name: str) -> list[float | None]:
    rows = result(engine)[name]
    assert isinstance(rows, list), rows
    return [row["y"] for row in rows]


@every_engine
@pytest.mark.parametrize("macro", EXACT)
def test_exact_values(engine, macro):
    wanted = EXACT[macro]["values"]
    wrong = [
        (given, want, got)
        for (*given, want), got in zip(wanted, values(engine, macro)[: len(wanted)], strict=True)
        if not abs(got - want) <= allowed(macro, want)
    ]
    assert not wrong


@every_engine
def test_inverse_of_trigamma(engine):
    """The exact values of trigamma, inverted."""
    assert values(engine, "inverse") == pytest.approx([x for x, _ in EXACT["pool_trigamma"]["values"]], rel=1e-14)


ENDS = [
    ("pool_normal_cdf('-infinity')", 0.0),
    ("pool_normal_cdf('infinity')", 1.0),
    ("pool_normal_cdf(-40)", 0.0),
    ("pool_normal_density('infinity')", 0.0),
    ("pool_normal_quantile(0)", -math.inf),
    ("pool_normal_quantile(1)", math.inf),
    ("pool_student_cdf('-infinity', 3)", 0.0),
    ("pool_student_cdf('infinity', 3)", 1.0),
    ("pool_student_quantile(0, 3)", -math.inf),
    ("pool_student_quantile(1, 3)", math.inf),
    ("pool_student_quantile(0.5, 3)", 0.0),
    ("pool_student_cdf(-1.5, 'infinity') - pool_normal_cdf(-1.5)", 0.0),
    ("pool_student_quantile(0.975, 'infinity') - pool_normal_quantile(0.975)", 0.0),
    ("pool_gamma_cdf(0, 2)", 0.0),
    ("pool_gamma_cdf(-1, 2)", 0.0),
    ("pool_gamma_cdf('infinity', 2)", 1.0),
    ("pool_gamma_quantile(0, 2)", 0.0),
    ("pool_gamma_quantile(1, 2)", math.inf),
    ("pool_gamma_quantile(0.000001, 0.001)", 0.0),  # exp(-13122) is below the smallest double
    ("pool_chi_square_cdf(0, 2)", 0.0),
    ("pool_chi_square_quantile(1, 2)", math.inf),
    ("pool_beta_cdf(0, 2, 3)", 0.0),
    ("pool_beta_cdf(1, 2, 3)", 1.0),
    ("pool_beta_cdf(-0.5, 2, 3)", 0.0),
    ("pool_beta_cdf(1.5, 2, 3)", 1.0),
    ("pool_beta_quantile(0, 2, 3)", 0.0),
    ("pool_beta_quantile(1, 2, 3)", 1.0),
    ("pool_beta_quantile(1 - 1e-12, 0.001, 0.001)", 1.0),
    ("pool_log1p(1e-300) - 1e-300", 0.0),
    ("pool_expm1(1e-300) - 1e-300", 0.0),
    ("pool_normal_quantile(0.5::DECIMAL(3, 1))", 0.0),
    ("pool_chi_square_median(2::TINYINT) - pool_chi_square_median(2::DOUBLE)", 0.0),
]


@every_engine
def test_the_ends_of_the_domain(engine):
    assert {expression: values(engine, expression) for expression, _ in ENDS} == {
        expression: [value] for expression, value in ENDS
    }


@every_engine
@pytest.mark.parametrize("macro", EXACT)
def test_missing_in_missing_out(engine, macro):
    assert values(engine, macro)[len(EXACT[macro]["values"]) :] == [None] * len(missing(macro))


WRONG = [
    ("pool_normal_cdf('nan')", "The argument x of pool_normal_cdf is NaN: it must be a number."),
    ("pool_normal_density('nan')", "The argument x of pool_normal_density is NaN: it must be a number."),
    ("pool_normal_quantile(1.5)", "The argument p of pool_normal_quantile is 1.5: it must lie in [0, 1]."),
    ("pool_normal_quantile(-0.5)", "The argument p of pool_normal_quantile is -0.5: it must lie in [0, 1]."),
    ("pool_normal_quantile('nan')", "The argument p of pool_normal_quantile is nan: it must lie in [0, 1]."),
    ("pool_student_cdf('nan', 3)", "The argument t of pool_student_cdf is NaN: it must be a number."),
    ("pool_student_cdf(2, 0.5)", "The argument df of pool_student_cdf is 0.5: it must be at least 1."),
    ("pool_student_quantile(0.5, 'nan')", "The argument df of pool_student_quantile is nan: it must be at least 1."),
    ("pool_student_quantile(2, 3)", "The argument p of pool_student_quantile is 2.0: it must lie in [0, 1]."),
    ("pool_gamma_cdf(1, 0)", "The argument shape of pool_gamma_cdf is 0.0: it must be positive and finite."),
    ("pool_gamma_quantile(-1, 1)", "The argument p of pool_gamma_quantile is -1.0: it must lie in [0, 1]."),
    ("pool_chi_square_cdf(1, -2)", "The argument df of pool_chi_square_cdf is -2.0: it must be positive and finite."),
    ("pool_chi_square_quantile(7, 2)", "The argument p of pool_chi_square_quantile is 7.0: it must lie in [0, 1]."),
    ("pool_chi_square_median('inf')", "argument df of pool_chi_square_median is inf: it must be positive and finite."),
    ("pool_beta_cdf(0.5, 0, 1)", "The argument a of pool_beta_cdf is 0.0: it must be positive and finite."),
    ("pool_beta_quantile(0.5, 1, 'nan')", "argument b of pool_beta_quantile is nan: it must be positive and finite."),
    ("pool_digamma(0)", "The argument x of pool_digamma is 0.0: it must be positive and finite."),
    ("pool_trigamma(-1)", "The argument x of pool_trigamma is -1.0: it must be positive and finite."),
]


@every_engine
@pytest.mark.parametrize(("expression", "sentence"), WRONG, ids=[expression for expression, _ in WRONG])
def test_arguments_outside_the_domain(engine, expression, sentence):
    assert sentence in result(engine)[expression]


probabilities = st.floats(1e-12, 1 - 1e-12)
shapes = st.floats(-2, 7).map(lambda power: 10**power)
degrees = st.floats(0, 10).map(lambda power: 10**power)


def rows_of(*columns: st.SearchStrategy) -> st.SearchStrategy:
    """Fifty rows, as columns."""
    return st.lists(st.tuples(*columns), min_size=50, max_size=50).map(lambda rows: list(zip(*rows, strict=True)))


def assert_near(result: list[float], wanted: list[float], tolerance: float) -> None:
    far = [(x, y) for x, y in zip(result, wanted, strict=True) if not abs(x - y) <= tolerance * abs(y)]
    assert not far


@few
@given(rows_of(probabilities))
def test_normal_cdf_undoes_its_quantile(columns):
    [p] = columns
    assert_near(ask("pool_normal_cdf(a)", ask("pool_normal_quantile(a)", p)), p, 5e-14)


def test_calls_in_calls_plan_few_terms():
    """Arguments are substituted as text: a cdf of a quantile took ten seconds to plan."""
    p = [1e-9, 0.01, 0.3, 0.5, 0.7, 0.99]
    nested = "pool_normal_cdf(pool_normal_quantile(pool_normal_cdf(pool_normal_quantile(a))))"
    assert_near(ask(nested, p), p, 5e-14)
    assert_near(ask("pool_gamma_cdf(pool_gamma_quantile(a, 2), 2)", p), p, 1e-10)


@few
@given(rows_of(probabilities, degrees))
def test_student_cdf_undoes_its_quantile(columns):
    p, df = columns
    assert_near(ask("pool_student_cdf(a, b)", ask("pool_student_quantile(a, b)", p, df), df), p, 5e-14)


@few
@given(rows_of(probabilities, shapes))
def test_gamma_cdf_undoes_its_quantile(columns):
    p, shape = columns
    x = ask("pool_gamma_quantile(a, b)", p, shape)
    distinct = [i for i, value in enumerate(x) if value > 1e-300]  # smaller quantiles are not distinct doubles
    assert len(distinct) >= 5
    result = ask("pool_gamma_cdf(a, b)", x, shape)
    assert_near([result[i] for i in distinct], [p[i] for i in distinct], 1e-10)


@few
@given(rows_of(st.floats(1e-12, 0.5), shapes, shapes))
def test_beta_cdf_undoes_its_quantile(columns):
    p, a, b = columns
    x = ask("pool_beta_quantile(a, b, c)", p, a, b)
    distinct = [i for i, value in enumerate(x) if 1e-300 < value < 0.999]  # nearer to 1, doubles are not distinct
    assert len(distinct) >= 5
    result = ask("pool_beta_cdf(a, b, c)", x, a, b)
    assert_near([result[i] for i in distinct], [p[i] for i in distinct], 1e-10)


@few
@given(rows_of(st.floats(1e-12, 0.5), degrees))
def test_normal_and_student_are_symmetric(columns):
    p, df = columns
    other = [1 - x for x in p]
    low = [1 - x for x in other]  # the tail that belongs to the other probability after rounding
    assert set(ask("pool_normal_quantile(a) + pool_normal_quantile(b)", low, other)) == {0}
    assert set(ask("pool_student_quantile(a, c) + pool_student_quantile(b, c)", low, other, df)) == {0}


@few
@given(rows_of(st.integers(1, 2**20 - 1).map(lambda k: k / 2**20), shapes, shapes))
def test_beta_turned_over(columns):
    x, a, b = columns
    one, other = ask("pool_beta_cdf(a, b, c)", x, a, b), ask("pool_beta_cdf(1 - a, c, b)", x, a, b)
    assert [p + q for p, q in zip(one, other, strict=True)] == pytest.approx([1] * len(x), rel=1e-11)


@few
@given(rows_of(st.floats(0.51, 0.99), st.floats(1, 1e7)))
def test_student_squared_is_the_ratio_of_a_beta(columns):
    """T^2 / (df + T^2) has the beta distribution of 1/2 and df / 2."""
    p, df = columns
    t = ask("pool_student_quantile(a, b)", p, df)
    y = ask("pool_beta_quantile(a, 0.5, b / 2)", [abs(2 * x - 1) for x in p], df)
    assert_near([d * b / (1 - b) for d, b in zip(df, y, strict=True)], [x * x for x in t], 1e-10)


@few
@given(rows_of(st.integers(1, 10**6)))
def test_chi_square_median_is_the_quantile_at_a_half(columns):
    [df] = columns
    median = ask("pool_chi_square_median(a)", df)
    assert ask("pool_chi_square_quantile(0.5, a)", df) == median
    assert_near(ask("pool_chi_square_cdf(a, b)", median, df), [0.5] * len(df), 1e-11)


@few
@given(rows_of(st.floats(1e-3, 1e5)))
def test_polygamma_recurrences(columns):
    [x] = columns
    assert ask("pool_digamma(a + 1)", x) == pytest.approx(ask("pool_digamma(a) + 1 / a", x), rel=1e-11)
    assert ask("pool_trigamma(a + 1)", x) == pytest.approx(ask("pool_trigamma(a) - 1 / (a * a)", x), rel=1e-7)


GROWING = [
    "pool_normal_cdf(-38 + 47 * k / 2000)",
    "pool_normal_quantile((k + 0.5) / 2001)",
    "pool_student_cdf(-30 + 60.0 * k / 2000, 3.5)",
    "pool_student_quantile((k + 0.5) / 2001, 3.5)",
    "pool_gamma_cdf(k / 100.0, 4)",
    "pool_gamma_quantile((k + 0.5) / 2001, 0.1)",
    "pool_chi_square_quantile((k + 0.5) / 2001, 12)",
    "pool_chi_square_median(k + 1)",
    "pool_beta_cdf((k + 0.5) / 2001, 0.3, 2)",
    "pool_beta_quantile((k + 0.5) / 2001, 40, 2)",
    "pool_digamma((k + 1) / 100.0)",
    "-pool_trigamma((k + 1) / 100.0)",
]


@pytest.mark.share(2)
@pytest.mark.parametrize("expression", GROWING)
def test_monotone(expression):
    """Increasing over a fine grid that crosses every switch between two formulas; constant only at 1."""
    rows = connection().execute(f"SELECT {expression} FROM range(2001) r(k) ORDER BY k").fetchall()
    values = [value for (value,) in rows]
    assert all(one < other or one == other > 1 - 1e-13 for one, other in pairwise(values))


def test_no_line_is_longer_than_120():
    assert max(map(len, MACROS.splitlines())) <= 120


def test_python_and_sql_have_the_same_coefficients_of_mills_ratio():
    body = MACROS.split("MACRO _pool_normal_mills(x) AS")[1].split(";")[0]
    above, below = ([float(x) for x in re.findall(r"\d\.\d+e\d+|\d\.\d+e-\d+", half)] for half in body.split("/"))
    assert (tuple(above), (1.0, *below)) == (MILLS_ABOVE, MILLS_BELOW)
