"""The distributions of sql/distributions.sql against exact values, in both DuckDBs, and laws for all arguments."""

import json
import math
from functools import cache
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
import shells
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shells import number

import polars_pool as pool

MACROS = (pool.SQL / "distributions.sql").read_text(encoding="utf-8")
EXACT = json.loads((Path(__file__).parent / "vectors" / "distributions.json").read_text(encoding="utf-8"))

# Relative, on the whole grid of EXACT. Distributions of large parameters have what the rounding of their arguments
# leaves (a cdf moves by sqrt(a + b) roundings of x).
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
EXPONENT = 5e-16  # of a probability exp(-h), times h: half a unit in the last place of h, a few times over

few = settings(max_examples=10)
every_engine = pytest.mark.parametrize("engine", shells.ENGINES)


def evaluate(engine: str, macro: str, rows: list[tuple[float | None, ...]]) -> list[float | None]:
    """The macro at every row of arguments, as one query over columns."""
    columns = [f"c{place}" for place in range(len(rows[0]))]
    values = ", ".join(f"({place}, {', '.join(map(number, row))})" for place, row in enumerate(rows))
    query = f"SELECT {macro}({', '.join(columns)}) AS y FROM (VALUES {values}) t(i, {', '.join(columns)}) ORDER BY i"
    return [row["y"] for row in shells.run(engine, f"{MACROS}\n{query}")]


@cache
def connection() -> duckdb.DuckDBPyConnection:
    """One database with the macros, for laws that ask many times."""
    opened = duckdb.connect()
    opened.execute(MACROS)
    return opened


def ask(expression: str) -> float:
    [(value,)] = connection().execute(f"SELECT {expression}").fetchall()
    return value


def test_every_distribution_has_exact_values():
    assert set(EXACT) == set(TOLERANCE)
    assert all(len(table["values"]) >= 10 for table in EXACT.values())


def allowed(macro: str, want: float) -> float:
    """Error allowed: relative, with more for far tails and at roots."""
    relative = TOLERANCE[macro]
    if macro.endswith("_cdf") and macro != "pool_normal_cdf" and want > 0:
        relative += EXPONENT * -math.log(want)
    return relative * abs(want) + NEAR_ZERO.get(macro, 0.0)


@every_engine
@pytest.mark.parametrize("macro", EXACT)
def test_exact_values(engine, macro):
    *arguments, expected = zip(*EXACT[macro]["values"], strict=True)
    found = evaluate(engine, macro, list(zip(*arguments, strict=True)))
    wrong = [
        (given, want, got)
        for *given, want, got in zip(*arguments, expected, found, strict=True)
        if not abs(got - want) <= allowed(macro, want)
    ]
    assert not wrong


@every_engine
def test_inverse_of_trigamma(engine):
    """The exact values of trigamma the other way round."""
    x, y = zip(*EXACT["pool_trigamma"]["values"], strict=True)
    assert evaluate(engine, "pool_trigamma_inverse", [(value,) for value in y]) == pytest.approx(x, rel=1e-14)


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
    ("pool_gamma_quantile(0.000001, 0.001)", 0.0),  # exp(-13122) is less than any double
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
    query = ", ".join(f"{expression} AS y{place}" for place, (expression, _) in enumerate(ENDS))
    [row] = shells.run(engine, f"{MACROS}\nSELECT {query}")
    assert list(row.values()) == [value for _, value in ENDS]


@every_engine
@pytest.mark.parametrize("macro", EXACT)
def test_missing_in_missing_out(engine, macro):
    *ordinary, _ = EXACT[macro]["values"][0]
    rows = [tuple(None if place == gap else x for place, x in enumerate(ordinary)) for gap in range(len(ordinary))]
    assert evaluate(engine, macro, rows) == [None] * len(rows)


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
    with pytest.raises(duckdb.Error) as raised:
        ask(expression) if engine == "module" else shells.shell(f"{MACROS}\nSELECT {expression}")
    assert sentence in str(raised.value)


probabilities = st.floats(1e-12, 1 - 1e-12)
shapes = st.floats(-2, 7).map(lambda power: 10**power)
degrees = st.floats(0, 10).map(lambda power: 10**power)


def near(found: float, wanted: float, tolerance: float) -> bool:
    return abs(found - wanted) <= tolerance * abs(wanted)


@given(p=probabilities)
def test_normal_cdf_undoes_its_quantile(p):
    z = ask(f"pool_normal_quantile({number(p)})")
    assert near(ask(f"pool_normal_cdf({number(z)})"), p, 5e-14)


@few
@given(p=probabilities, df=degrees)
def test_student_cdf_undoes_its_quantile(p, df):
    t = ask(f"pool_student_quantile({number(p)}, {number(df)})")
    assert near(ask(f"pool_student_cdf({number(t)}, {number(df)})"), p, 5e-14)


@few
@given(p=probabilities, shape=shapes)
def test_gamma_cdf_undoes_its_quantile(p, shape):
    x = ask(f"pool_gamma_quantile({number(p)}, {number(shape)})")
    assume(x > 1e-300)  # below, doubles cannot tell the quantiles apart
    assert near(ask(f"pool_gamma_cdf({number(x)}, {number(shape)})"), p, 1e-10)


@few
@given(p=st.floats(1e-12, 0.5), a=shapes, b=shapes)
def test_beta_cdf_undoes_its_quantile(p, a, b):
    x = ask(f"pool_beta_quantile({number(p)}, {number(a)}, {number(b)})")
    assume(1e-300 < x < 0.999)  # nearer to 1, doubles cannot tell the quantiles apart
    assert near(ask(f"pool_beta_cdf({number(x)}, {number(a)}, {number(b)})"), p, 1e-10)


@few
@given(p=st.floats(1e-12, 0.5), df=degrees)
def test_normal_and_student_are_symmetric(p, df):
    other = 1 - p
    low = 1 - other  # the tail that the other probability really leaves
    assert ask(f"pool_normal_quantile({number(low)}) + pool_normal_quantile({number(other)})") == 0
    assert (
        ask(
            f"pool_student_quantile({number(low)}, {number(df)}) + pool_student_quantile({number(other)}, {number(df)})"
        )
        == 0
    )


@few
@given(x=st.integers(1, 2**20 - 1).map(lambda k: k / 2**20), a=shapes, b=shapes)
def test_beta_turned_over(x, a, b):
    one, other = (f"pool_beta_cdf({number(v)}, {number(c)}, {number(d)})" for v, c, d in ((x, a, b), (1 - x, b, a)))
    assert ask(f"{one} + {other}") == pytest.approx(1, rel=1e-11)


@few
@given(p=st.floats(0.51, 0.99), df=st.floats(1, 1e7))
def test_student_squared_is_the_ratio_of_a_beta(p, df):
    """T^2 / (df + T^2) has the beta distribution of 1/2 and df / 2."""
    t = ask(f"pool_student_quantile({number(p)}, {number(df)})")
    y = ask(f"pool_beta_quantile({number(abs(2 * p - 1))}, 0.5, {number(df / 2)})")
    assert near(df * y / (1 - y), t * t, 1e-10)


@few
@given(df=st.integers(1, 10**6))
def test_chi_square_median_is_the_quantile_at_a_half(df):
    median = ask(f"pool_chi_square_median({df})")
    assert ask(f"pool_chi_square_quantile(0.5, {df})") == median
    assert near(ask(f"pool_chi_square_cdf({number(median)}, {df})"), 0.5, 1e-11)


@given(x=st.floats(1e-3, 1e5))
def test_polygamma_recurrences(x):
    assert ask(f"pool_digamma({number(x)} + 1)") == pytest.approx(
        ask(f"pool_digamma({number(x)}) + 1 / {number(x)}"), rel=1e-11
    )
    square = number(x * x)
    assert ask(f"pool_trigamma({number(x)} + 1)") == pytest.approx(
        ask(f"pool_trigamma({number(x)}) - 1 / {square}"), rel=1e-7
    )


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


@pytest.mark.parametrize("expression", GROWING)
def test_monotone(expression):
    """Over a fine grid that crosses every seam between two ways of computing; equal only where 1 is reached."""
    rows = connection().execute(f"SELECT {expression} FROM range(2001) r(k) ORDER BY k").fetchall()
    values = [value for (value,) in rows]
    assert all(one < other or one == other > 1 - 1e-13 for one, other in pairwise(values))


def test_no_line_is_longer_than_120():
    assert max(map(len, MACROS.splitlines())) <= 120
