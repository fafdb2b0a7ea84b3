"""Two nested levels in both DuckDBs: the numbers of Python for every input and argument, and what only SQL has.

`test_truth_nested.py` compares them with lme4, nlme and metafor, `test_nested.py` those of Python with dense matrices.
A query takes some tenths of a second to plan, so the cases are models of one query.
"""

import math
from itertools import pairwise

import duckdb
import numpy as np
import polars as pl
import pytest
import sqlpaths
from dense import tree
from frames import MOMENTS, assert_near
from scipy.optimize import minimize_scalar

import polars_pool as pool

ENGINES = list(sqlpaths.SQL_PATHS)
LEVELS = ["a", "b"]
KEYS = ["m", *LEVELS]
TREES = {f"tree {seed}": tree(seed, levels=2, most=4) for seed in range(8)}
DEGENERATE = {
    "single row": [(1, 1, 3.0)],
    "one leaf": [(1, 1, 3.0), (1, 1, 4.0)],
    "one outer node": [(1, 1, 3.0), (1, 1, 4.0), (1, 2, 6.0), (1, 2, 7.5), (1, 3, 1.0)],
    "one leaf in each node": [(1, 1, 3.0), (1, 1, 4.0), (2, 1, 6.0), (2, 1, 7.0), (3, 1, 9.0)],
    "single rows": [(1, 1, 3.0), (1, 2, 4.0), (2, 1, 7.0), (2, 2, 5.0)],
    "single rows in nodes of their own": [(1, 1, 3.0), (2, 1, 4.0), (3, 1, 7.0)],
    "all equal": [(1, 1, 3.0), (1, 1, 3.0), (1, 2, 3.0), (2, 1, 3.0), (2, 1, 3.0)],
    "sigma2 = 0": [(1, 1, 3.0), (1, 1, 3.0), (1, 2, 5.0), (2, 1, 8.0), (2, 1, 8.0), (2, 2, 9.0)],
    "sigma2 = 0 = tau2": [(1, 1, 3.0), (1, 1, 3.0), (1, 2, 3.0), (2, 1, 8.0), (2, 1, 8.0), (3, 1, 1.0)],
    "equal means": [(1, 1, 3.0), (1, 1, 5.0), (1, 2, 4.0), (2, 1, 2.0), (2, 1, 6.0), (2, 2, 4.0)],
    "nulls": [(1, 1, None), (1, 2, 3.0), (1, 2, 4.0), (2, 1, None), (2, 1, 5.0), (2, 2, 7.0), (3, 1, None)],
    "null keys": [
        (None, 1, 1.0),
        (None, None, 3.0),
        (1, None, 4.0),
        (1, 2, 5.0),
        (1, 2, 5.5),
        (2, 1, 8.0),
        (2, 1, 8.1),
    ],
    "only nulls": [(1, 1, None), (2, 1, None)],
    "nulls beside one outer group": [(1, 1, 1.0), (1, 1, 3.0), (1, 2, 5.0), (1, 2, 7.5), (1, 3, None), (2, 1, None)],
}
SMALL = {"lrt": 1.0, "log_likelihood": 1.0, "aic": 1.0}  # differences of larger numbers
pytestmark = pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")


def models(trees: dict) -> pl.DataFrame:
    """Trees as the models of a query, with weights and standard errors."""
    frames = [pl.DataFrame(rows, schema=[*LEVELS, "y"], orient="row", strict=False) for rows in trees.values()]
    i = pl.int_range(pl.len())
    more = {"w": 0.5 + i % 4, "size": 1 + i % 3, "se": 0.5 + (i * 7 % 5) / 4}
    return pl.concat(frame.with_columns(m=pl.lit(name), **more) for name, frame in zip(trees, frames, strict=True))


def in_sql(engine, verb, frame, value, **options) -> pl.DataFrame:
    database = sqlpaths.database(engine)
    database.hold(frame)
    return database.ask(sqlpaths.call(f"pool_{verb.__name__}_nested", value, *LEVELS, over="m", **options))


def assert_same(got: pl.DataFrame, want: pl.DataFrame, *keys: str, tolerance: float = 1e-9) -> None:
    """The same rows, in any order; numbers relative to their size, effects to that of the estimates."""
    got, want = (x.sort(*keys) for x in (got, want))
    assert got.schema == want.schema
    scales = SMALL | ({"effect": want["estimate"].abs().max()} if "effect" in want.columns else {})
    for name in want.columns:
        if want[name].dtype == pl.Float64:
            assert_near(got[name], want[name], tolerance, scales.get(name, 1e-9), name)
        else:
            assert got[name].to_list() == want[name].to_list(), name


# ---- every input and argument ----------------------------------------------------------------------------------------

KNOWN = {  # tau2 in Python, and in SQL
    "inner": ({"tau2": ["reml", 0.5]}, {"tau2_inner": 0.5}),
    "outer": ({"tau2": [1.5, "ml"]}, {"tau2": "ml", "tau2_outer": 1.5}),
    "each": ({"tau2": [1.5, 0.5]}, {"tau2_outer": 1.5, "tau2_inner": 0.5}),
}
SAME = {  # arguments that both have
    "reml": {},
    "ml": {"tau2": "ml", "level": 0.8},
    "weights": {"weights": "w"},
    "both known": {"tau2": 0.75},
    "sigma2": {"sigma2": 1.25},
    "exact": {"sigma2": 0.0, "tau2": "ml"},
    "moments": MOMENTS,
    "moments with weights": MOMENTS | {"weights": "w", "tau2": "ml"},
    "published": {"se": "se"},
    "published, ml": {"se": "se", "n": "size", "tau2": "ml"},
}
CASES = {name: (options, options) for name, options in SAME.items()} | KNOWN


@pytest.fixture(scope="module")
def frames() -> dict:
    rows = models(TREES | DEGENERATE)
    moments = pool.moments(rows, "y", by=KEYS)
    weighted = pool.moments(rows, "y", by=KEYS, weights="w")
    return {"rows": (rows, "y"), "moments": (moments, "mean"), "moments with weights": (weighted, "mean")}


@pytest.mark.share(3)
@pytest.mark.parametrize(("position", "name"), list(enumerate(CASES)))
def test_agrees_with_python(frames, position, name):
    frame, value = frames.get(name, frames["rows"])
    options, in_words = CASES[name]
    python = {"by": LEVELS, "nested": True, "over": "m"} | options
    engine, at = ENGINES[position % 2], ("outer", "inner")[position // 2 % 2]
    got = in_sql(ENGINES[position % 4 == 3], pool.components, frame, value, **in_words)
    assert_same(got, pool.components(frame, value, **python), "m", "depth", tolerance=1e-8)
    got = in_sql(engine, pool.shrink, frame, value, at=at, **in_words)
    depth = 1 + (at == "inner")
    assert_same(got, pool.shrink(frame, value, at=LEVELS[depth - 1], **python), *KEYS[: 1 + depth], tolerance=1e-8)


@pytest.mark.parametrize(
    ("engine", "at", "options"),
    [
        (ENGINES[0], "outer", {"uncertainty": "conditional", "level": 0.5}),
        (ENGINES[1], "inner", {"predict": "row", "threshold": 0.5}),
        (ENGINES[1], "outer", {"predict": "replicate", "threshold": -1.0}),
    ],
)
def test_options_of_estimates(frames, engine, at, options):
    frame, value = frames["rows"]
    depth = 1 + (at == "inner")
    want = pool.shrink(frame, value, by=LEVELS, nested=True, over="m", at=LEVELS[depth - 1], **options)
    assert_same(in_sql(engine, pool.shrink, frame, value, at=at, **options), want, *KEYS[: 1 + depth])


# ---- likelihoods -----------------------------------------------------------------------------------------------------


def test_models_far_from_each_other_keep_their_digits():
    rows = [(1, 1, 1.0), (1, 1, 2.0), (1, 2, 4.0), (2, 1, 7.0), (2, 2, 1.0), (2, 2, 1.5)]
    frame = models({offset: [(a, b, y + offset) for a, b, y in rows] for offset in (0.0, 2.0**30)})
    near, far = in_sql(ENGINES[0], pool.components, frame, "y").sort("m", "depth").partition_by("m")
    columns = ("tau2", "sigma2", "se_tau2", "tau2_upper", "log_likelihood", "se_mu")
    for column in columns:
        assert_near(far[column], near[column], 1e-7, what=column)


def test_the_likelihood_ratio_is_of_the_lowest_minimum_without_a_level():
    """Without the inner level, -2 log L of these estimates has two minima in the other tau2; one is at 0."""
    studies = [
        *[(0, 0, 1.2, 0.98), (0, 1, -0.4, 2.15), (0, 2, 1.6, 1.68), (0, 3, -1.9, 0.02), (1, 0, 2.8, 2.76)],
        *[(1, 1, -0.9, 1.01), (1, 2, -2.4, 0.68), (1, 3, 2.3, 1.07), (1, 4, 1.1, 1.18)],
    ]
    frame = pl.DataFrame(studies, schema=[*LEVELS, "y", "se"], orient="row").with_columns(m=1)
    a, y, se = (frame[name].to_numpy() for name in ("a", "y", "se"))

    def deviance(inner: float, outer: float) -> float:
        covariance = np.diag(se * se + inner) + outer * (a[:, None] == a)
        inverse = np.linalg.inv(covariance)
        residual = y - inverse.sum(axis=0) @ y / inverse.sum()
        return np.linalg.slogdet(covariance)[1] + residual @ inverse @ residual

    result = in_sql(ENGINES[1], pool.components, frame, "y", se="se", tau2="ml").sort("depth")
    best = deviance(*result["tau2"].reverse())
    starts = np.geomspace(1e-4, 30, 40)
    inside = [
        minimize_scalar(lambda outer: deviance(0, outer), bounds=ends, method="bounded").fun
        for ends in pairwise(starts)
    ]
    assert_near(result["lrt"][1], min(deviance(0, 0), *inside) - best, 1e-7)


# ---- keys and tables -------------------------------------------------------------------------------------------------


def test_keys_are_columns_or_expressions():
    rows = pl.DataFrame(tree(5, levels=3, most=2), schema=["c d", "from", "b", "y"], orient="row")
    database = sqlpaths.database(ENGINES[0])
    database.hold(rows)
    got = database.ask("FROM pool_shrink_nested(data, 2 * y, COLUMNS(['c d', 'from']), b, \"at\" := 'inner')")
    want = pool.shrink(rows, 2 * pl.col("y"), by=[["c d", "from"], "b"], nested=True)
    assert_same(got, want, "c d", "from", "b")
    got = database.ask(
        "WITH t AS (FROM data) FROM pool_shrink_nested(t, y, \"c d\" % 2, COLUMNS(['from', 'b']), at := 'outer')"
    )
    want = pool.shrink(rows, "y", by=[pl.col("c d") % 2, ["from", "b"]], nested=True, at="c d")
    assert got.columns[0] == '("c d" % 2)'
    assert_same(got.rename({got.columns[0]: "c d"}), want, "c d")
    levels = database.ask(
        "SELECT level, groups FROM pool_components_nested(data, y, COLUMNS(['c d', 'from']), b) ORDER BY depth"
    )
    assert levels["level"].to_list() == ["c d, from", "b"]


def test_an_empty_table_has_the_columns_of_any_other(frames):
    frame, value = frames["rows"]
    for verb, by in ((pool.components, []), (pool.shrink, LEVELS)):
        got = in_sql(ENGINES[0], verb, frame.clear(), value)
        assert got.is_empty()
        assert got.schema == verb(frame.clear(), value, by=LEVELS, nested=True, over="m").schema
        assert got.columns[: 1 + len(by)] == ["m", *by]


# ---- messages --------------------------------------------------------------------------------------------------------

WRONG = {
    "a, b, tau2 := 'dl'": "tau2='dl'; give a number of 0 or more, or one of 'reml', 'ml'; did you mean 'ml'?",
    "a, b, tau2 := -1": "tau2=-1; give a number of 0 or more, or one of 'reml', 'ml'",
    "a, b, tau2_inner := 'reml'": "tau2_inner='reml'; give a number of 0 or more, or leave it out",
    "a, b, sigma2 := 'separate'": "sigma2='separate' does not go with nested levels; give 'pooled', or a number of",
    "a, b, \"at\" := 'b'": "at='b'; give one of 'outer', 'inner'",
    "a, b, uncertainty := 'tau2'": "uncertainty='tau2'; give one of 'mu', 'conditional'",
    "a, b, predict := 'row', se := se": "predict='row' does not go with se=",
    "a, b, n := w": "n= without var=",
    "a, b, se := se, sigma2 := 1": "sigma2=1 does not go with se=",
    "a, b, m": "the argument m after the keys has no name",
    "a, a": "the key 'a' appears twice in by= and over=; name each key once",
    "a, b, over := a": "the key 'a' appears twice in by= and over=; name each key once",
    "a, b, weights := -w": "is null, NaN, negative or infinite in 3 rows",
}


def test_messages():
    frame = models({"": [(1, 1, 3.0), (1, 2, 4.0), (2, 1, 5.0)]}).with_columns(odd=pl.Series([1.0, math.inf, math.nan]))
    calls = {f"FROM pool_shrink_nested(data, y, {arguments})": words for arguments, words in WRONG.items()}
    calls["FROM pool_components_nested(data, odd, a, b)"] = "the value 'odd' holds NaN or infinite numbers"
    calls["FROM pool_components_nested(data, y, a, b, over := m, level := 95)"] = (
        "level=95; give a number between 0 and 1"
    )
    for position, (call, words) in enumerate(calls.items()):
        database = sqlpaths.database(ENGINES[position % 2])
        database.hold(frame)
        with pytest.raises(duckdb.Error) as error:
            database.ask(call)
        assert words in str(error.value), call
    database = sqlpaths.database(ENGINES[0])
    got = database.ask("FROM pool_components_nested(data, odd, a, b, nan := 'null')")
    assert got["n"].to_list() == [1, 1]


def test_the_comments_name_every_argument():
    rows = sqlpaths.database(ENGINES[0]).ask(
        "SELECT function_name, parameters, comment FROM duckdb_functions() WHERE function_name LIKE 'pool_%_nested'"
    )
    assert set(rows["function_name"]) == {"pool_shrink_nested", "pool_components_nested"}
    for _, parameters, comment in rows.iter_rows():
        for name in parameters:
            assert name.startswith("_pool_") or f"\n{name}: " in comment, name
