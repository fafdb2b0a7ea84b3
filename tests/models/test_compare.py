"""The comparison of raw means, the grand mean and partial pooling, against holding out each row and refitting."""

import math

import duckdb
import numpy as np
import polars as pl
import pytest
import truth
from frames import warned_once
from grid import CLOSED_FORM
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from sqlpaths import MODULE
from test_truth_moments import CENTRES, KNOWN_MU, PATHS, UNWEIGHTED, frame, groups

import polars_pool as pool
from polars_pool.models import warning
from polars_pool.models.oneway.comparison import STATISTICS

ERRORS = ("none", "complete", "partial")


def asked(path, name, **options):
    result = [PATHS[path](verb, frame(name), "value", "by", **options) for verb in (pool.compare, pool.components)]
    return tuple(table.row(0, named=True) for table in result)


def variances(g, within, sigma2):
    if within == "separate":
        return [float(var) if n > 1 else float(g.MSW) for n, var in zip(g.n, g.var, strict=True)]
    return [sigma2] * g.J


SHORT = [name for name in UNWEIGHTED if groups(name).N <= 150]
MORRIS = [name for name in SHORT if groups(name).J > 3]


@pytest.mark.share(3)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mu", [*CENTRES, "known"])
@pytest.mark.parametrize("within", ["pooled", "separate", "known"])
@pytest.mark.parametrize("name", SHORT)
def test_every_row_held_out_explicitly(name, within, mu, path):
    g = groups(name)
    mu = KNOWN_MU[name] if mu == "known" else mu
    sigma2 = 0.75 * float(g.MSW) if within == "known" else within
    for tau2 in ("dl" if within == "separate" else "reml", 0.3 * float(g.MSW)):
        result, model = asked(path, name, sigma2=sigma2, tau2=tau2, mu=mu)
        known = sigma2 if within == "known" else None
        want = truth.held_out_errors(g, variances(g, within, model["sigma2"]), model["tau2"], mu, known)
        assert [result[column] for column in ERRORS] == pytest.approx(want, rel=CLOSED_FORM)
        assert result["groups"] == g.J
        assert result["n"] == sum(n for n in g.n if n > 1)
        none, complete, partial = want
        assert result["gain_on_none"] == pytest.approx(100 * (1 - partial / none), abs=1e-9)
        assert result["gain_on_complete"] == pytest.approx(100 * (1 - partial / complete), abs=1e-9)


@pytest.mark.parametrize("mu", ["gls", "known"])
@pytest.mark.parametrize("name", MORRIS)
def test_rows_held_out_of_groups_that_morris_pools_less(name, mu):
    g = groups(name)
    df = g.J - (mu == "gls")
    mu = KNOWN_MU[name] if mu == "known" else mu
    result, model = asked("rows", name, tau2="morris", mu=mu)
    sigma2 = variances(g, "pooled", model["sigma2"])
    want = truth.held_out_errors(g, sigma2, model["tau2"], mu, factor=(df - 2) / df)
    assert [result[column] for column in ERRORS] == pytest.approx(want, rel=CLOSED_FORM)


@pytest.mark.parametrize("name", SHORT)
def test_rows_held_out_of_squeezed_groups(name):
    g = groups(name)
    result, model = asked("rows", name, sigma2="squeezed", tau2="he")
    want = truth.held_out_errors(g, list(map(float, g.squeezed())), model["tau2"])
    assert [result[column] for column in ERRORS] == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize("mu", ["gls", "known"])
@pytest.mark.parametrize("name", SHORT)
def test_pooling_factors_are_those_of_the_whole_posterior(name, mu):
    g = groups(name)
    mu = KNOWN_MU[name] if mu == "known" else mu
    sigma2, tau2 = float(g.MSW), 0.3 * float(g.MSW)
    result, _ = asked("rows", name, sigma2=sigma2, tau2=tau2, mu=mu)
    want = truth.pooling_factors(g, sigma2, tau2, None if mu == "gls" else mu)
    assert (result["pooling_rows"], result["pooling_groups"]) == pytest.approx(want, rel=1e-10)


tables = st.lists(st.lists(st.integers(-400, 400), min_size=1, max_size=5), min_size=2, max_size=6).filter(
    lambda table: any(len(set(rows)) > 1 for rows in table)
)


@given(tables, st.integers(1, 400), st.sampled_from(CENTRES))
def test_random_tables(table, tau2, mu):
    rows = [(j, y / 8) for j, ys in enumerate(table) for y in ys]
    g = truth.Groups(*zip(*rows, strict=True))
    if mu == "shrunk" and len(set(g.mean)) == 1:
        mu = "groups"  # the weights of the other centre are undefined here
    result = pool.compare(pl.DataFrame(rows, schema=["g", "y"], orient="row"), "y", "g", tau2=tau2 / 8, mu=mu)
    want = truth.held_out_errors(g, [float(g.MSW)] * g.J, tau2 / 8, mu)
    assert result.select(ERRORS).row(0) == pytest.approx(want, rel=CLOSED_FORM, abs=1e-13)


def test_cross_validation_has_the_least_of_these_errors():
    """Without single rows, tau2="cv" minimises these errors."""
    table = frame("oneway_Penicillin_plate")
    best = pool.compare(table, "value", "by", tau2="cv")["partial"].item()
    tau2 = pool.components(table, "value", "by", tau2="cv")["tau2"].item()
    sigma2 = float(groups("oneway_Penicillin_plate").MSW)
    for factor in (0.8, 0.95, 1.05, 1.25):
        assert pool.compare(table, "value", "by", sigma2=sigma2, tau2=factor * tau2)["partial"].item() > best


def test_many_models_equal_single_models():
    rng = np.random.default_rng(5)
    sizes = rng.integers(0, 9, (30, 7))
    keys = [(m, j) for m in range(30) for j in range(7) for _ in range(sizes[m, j])]
    table = pl.DataFrame(keys, schema=["m", "g"], orient="row").with_columns(
        y=pl.Series(rng.normal(0, 2, len(keys))) + pl.col("g") * (pl.col("m") % 3)
    )
    result = pool.compare(table, "y", "g", over="m")
    assert result["m"].to_list() == sorted(set(table["m"]))
    for m in result["m"]:
        alone = pool.compare(table.filter(pl.col("m") == m), "y", "g")
        assert_frame_equal(result.filter(pl.col("m") == m).drop("m"), alone, rel_tol=1e-9, abs_tol=1e-9)
    lazily = table.lazy().pool.compare("y", "g", over="m")
    assert isinstance(lazily, pl.LazyFrame)
    assert_frame_equal(lazily.collect().sort("m"), result, rel_tol=1e-11)


def of(*table, **options):
    rows = [(j, None if y is None else float(y)) for j, ys in enumerate(table) for y in ys]
    empty = {"g": pl.Int64, "y": pl.Float64}
    return pool.compare(pl.DataFrame(rows, schema=empty, orient="row"), "y", "g", **options).row(0, named=True)


def test_an_offset_costs_no_digits():
    near, far = of([1, 3], [2, 6, 7], [5]), of([1e9 + 1, 1e9 + 3], [1e9 + 2, 1e9 + 6, 1e9 + 7], [1e9 + 5])
    assert far == pytest.approx(near, rel=1e-12)


NOTHING = dict.fromkeys((*ERRORS, "gain_on_none", "gain_on_complete", "pooling_rows", "pooling_groups"))


@pytest.mark.parametrize(
    ("table", "options", "want"),
    [
        pytest.param([[None], [None, None]], {}, {"groups": 0, "n": 0} | NOTHING, id="nothing but nulls"),
        pytest.param([[1], [2], [4]], {}, {"groups": 3, "n": 0} | NOTHING, id="no group has two rows"),
        pytest.param([[5]], {}, {"groups": 1, "n": 0} | NOTHING, id="one row"),
        pytest.param(
            [[1, 3, 5]],
            {},
            {"groups": 1, "n": 3, "none": 6.0, "complete": 6.0, "partial": 6.0, "gain_on_none": 0.0}
            | {"gain_on_complete": 0.0, "pooling_rows": 0.0, "pooling_groups": None},
            id="one group",
        ),
        pytest.param(
            [[2, 2], [2, 2, 2]],
            {},
            {"groups": 2, "n": 5, "none": 0.0, "complete": 0.0, "partial": 0.0} | dict.fromkeys([*NOTHING][3:]),
            id="all rows equal",
        ),
        pytest.param(
            [[1, 1], [4, 4]],
            {},
            {"groups": 2, "n": 4, "none": 0.0, "complete": 4.0, "partial": 0.0, "gain_on_none": None}
            | {"gain_on_complete": 100.0, "pooling_rows": None, "pooling_groups": 0.0},
            id="nothing within",
        ),
        pytest.param(
            [[1, 3], [2, 2]],
            {"tau2": 0},
            {"groups": 2, "n": 4, "none": 2.0, "complete": 8 / 9, "partial": 8 / 9, "gain_on_none": 500 / 9}
            | {"gain_on_complete": 0.0, "pooling_rows": 0.0, "pooling_groups": 1.0},
            id="tau2 = 0",
        ),
    ],
)
def test_degenerate_data(table, options, want):
    with warned_once() as record:
        result = of(*table, **options)
    unidentified = want["groups"] > 0 and want["n"] == 0
    assert [str(said.message) for said in record] == [warning.UNIDENTIFIED] * unidentified
    assert {key: result[key] is None for key in result} == {key: x is None for key, x in want.items()}
    assert result == {key: x if x is None else pytest.approx(x, abs=1e-12) for key, x in want.items()}


def test_an_empty_frame_gives_an_empty_result():
    empty = pl.DataFrame(schema={"m": pl.String, "g": pl.Int64, "y": pl.Float64})
    result = pool.compare(empty, "y", "g", over="m")
    assert result.schema == {"m": pl.String, **STATISTICS}
    assert result.height == 0


def test_nan_is_refused_and_null_is_ignored():
    table = pl.DataFrame({"g": [1, 1, 2, 2, 2], "y": [1.0, 3.0, 2.0, 6.0, None]})
    assert pool.compare(table, "y", "g")["n"].item() == 4
    with pytest.raises(ValueError, match="NaN or infinite"):
        pool.compare(table.with_columns(pl.col("y").fill_null(math.nan)), "y", "g")


def test_a_group_with_an_exact_mean_among_others():
    """With separate variances and tau2 = 0, the exact group determines mu and keeps its own mean."""
    result = of([1, 1], [0, 4], [2, 3, 7], sigma2="separate", tau2=0)
    assert result["partial"] == pytest.approx(((1 + 9) + (1 + 4 + 36)) / 7)


def test_weights_are_no_argument():
    with pytest.raises(TypeError, match="weights"):
        pool.compare(frame("weighted"), "value", "by", weights="weights")


# --- SQL ---

SQL = pytest.mark.parametrize("engine", MODULE)
OPTIONS = [
    {},
    {"tau2": "cv"},
    {"tau2": 2.5, "sigma2": 4.0},
    {"tau2": "dl", "sigma2": "separate"},
    {"tau2": "he", "sigma2": "squeezed"},
    {"tau2": "morris"},
    {"tau2": "chung"},
    {"tau2": 0},
    {"mu": 0.5},
    *({"mu": mu, "tau2": "dl"} for mu in CENTRES),
]


def models():
    """Unbalanced models, some with one group or one row, one with only nulls."""
    rng = np.random.default_rng(1)
    listed = [
        (m, j, y)
        for m in range(9)
        for j in range(m if m < 2 else rng.integers(2, 8))
        for y in rng.normal(rng.normal(0, 2), 3, rng.integers(1, 6))
    ]
    listed += [(20, 0, None), (21, 0, 1.0), (22, 0, 2.0), (22, 1, 3.0), (23, 0, 4.0), (23, 0, 4.0), (23, 1, 4.0)]
    return pl.DataFrame(listed, schema=["m", "g", "y"], orient="row")


def compared(table, options):
    """The comparison for a DataFrame; models with one row per group warn, unless sigma2 is known."""
    with warned_once() as record:
        want = pool.compare(table, "y", "g", over="m", **options)
    assert bool(record) == ("sigma2" not in options or isinstance(options["sigma2"], str))
    return want


def assert_same(got, want):
    assert_frame_equal(got.sort("m"), want, rel_tol=1e-9, abs_tol=1e-9)
    assert_frame_equal(got.sort("m").select(ERRORS), want.select(ERRORS), rel_tol=1e-11, abs_tol=0.0)


@pytest.mark.share(2)
@SQL
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_sql_gives_the_same(engine, options):
    table = models()
    want = compared(table, options)
    assert_same(MODULE[engine](pool.compare, table, "y", "g", over="m", **options), want)


@pytest.mark.share(2)
@SQL
@pytest.mark.parametrize("options", OPTIONS[::2], ids=str)
def test_sql_gives_the_same_from_stored_moments(engine, options):
    table = models()
    want, stored = compared(table, options), pool.moments(table, "y", ["m", "g"])
    assert_same(MODULE[engine](pool.compare, stored, "mean", "g", over="m", n="n", var="var", **options), want)


@SQL
def test_sql_of_one_model_keeps_the_digits_of_an_offset(engine):
    table = models().filter(pl.col("m") < 9)
    near = MODULE[engine](pool.compare, table, "y", "g", mu="groups", tau2=1.5)
    assert_frame_equal(near, pool.compare(table, "y", "g", mu="groups", tau2=1.5), rel_tol=1e-12)
    shifted = table.with_columns((pl.col("y") * 2**20).round() / 2**20 + 2.0**30)
    far = MODULE[engine](pool.compare, shifted, "y", "g", mu="groups", tau2=1.5)
    assert_frame_equal(far, pool.compare(shifted, "y", "g", mu="groups", tau2=1.5), rel_tol=1e-11)


@SQL
def test_sql_refuses_the_same(engine):
    for name, options in [("groups", {}), ("m", {"tau2": "rmel"}), ("m", {"mu": "rowz"})]:
        table = models().rename({"m": name})
        with pytest.raises(ValueError, match=name if not options else "give") as python:
            pool.compare(table, "y", "g", over=name, **options)
        with pytest.raises(duckdb.Error) as sql:
            MODULE[engine](pool.compare, table, "y", "g", over=name, **options)
        assert str(python.value)[:40] in str(sql.value)
