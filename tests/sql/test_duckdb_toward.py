"""Means beside one predictor of their groups in both DuckDBs: the truth of metafor and lme4, and the numbers of Python.

A query takes some tenths of a second to plan, so the cases are models of one query.
"""

import duckdb
import grid
import numpy as np
import polars as pl
import pytest
import sqlpaths
from frames import MOMENTS, assert_near
from grid import vector

import polars_pool as pool

ENGINES = list(sqlpaths.SQL_PATHS)
MACROS = {
    pool.shrink: "pool_shrink_toward",
    pool.components: "pool_components_toward",
    pool.coefficients: "pool_coefficients",
}
KEYS = {pool.shrink: ("m", "a"), pool.components: ("m",), pool.coefficients: ("m", "term")}
SMALL = dict.fromkeys(  # differences of larger numbers
    ("lrt", "log_likelihood", "aic", "fit", "estimate", "lower", "upper", "statistic", "q", "qm"), 1.0
)
pytestmark = pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")


def in_sql(engine, verb, frame, value, x="x", over="m", by="a", **options) -> pl.DataFrame:
    database = sqlpaths.database(engine)
    database.hold(frame)
    return database.ask(sqlpaths.call(MACROS[verb], value, by, x, over=over, **options))


def assert_same(got: pl.DataFrame, want: pl.DataFrame, verb, tolerance: float = 1e-8) -> None:
    """The same rows, in any order; numbers relative to their size."""
    got, want = (x.sort(KEYS[verb]) for x in (got, want))
    assert got.schema == want.schema
    for name in want.columns:
        if want[name].dtype == pl.Float64:
            assert_near(got[name], want[name], tolerance, SMALL.get(name, 1e-9), name)
        else:
            assert got[name].to_list() == want[name].to_list(), name


# ---- truth ----------------------------------------------------------------------------------------------------------

TRIALS = {"metareg_bcg_ablat": "ablat", "metareg_raudenbush1985_weeks": "weeks", "metareg_radon_uranium": "log_uranium"}
METHODS = ("REML", "ML", "DL", "HE", "HS", "SJ", "PM", "EB")


def trials() -> pl.DataFrame:
    """The estimates of every data set, in the order of metafor."""
    frames = []
    for name, x in TRIALS.items():
        file = vector(name)
        frame = grid.read(file["input"], file["by"])
        if "log_radon" in frame.columns:
            means = frame.group_by(file["by"]).agg(pl.col("log_radon").mean(), pl.len(), pl.col(x).first())
            frame = means.sort(file["by"]).rename({"log_radon": "yi"}).with_columns(vi=0.6 / pl.col("len"))
        columns = {"m": pl.lit(name), "a": pl.int_range(pl.len()), "y": pl.col("yi"), "se": pl.col("vi").sqrt()}
        frames.append(frame.select(**columns, x=pl.col(x).cast(pl.Float64)))
    return pl.concat(frames)


def near(got, want) -> None:
    """Closeness of numbers relative to the largest of them."""
    got, want = np.array(got, dtype=float), np.array(want, dtype=float)
    assert np.abs(got - want).max() <= 1e-8 * np.abs(want).max(), (got, want)


@pytest.mark.parametrize(("position", "method"), list(enumerate(METHODS)))
def test_metafor(position, method):
    frame, engine, other = trials(), ENGINES[position % 2], ENGINES[1 - position % 2]
    options = {"se": "se", "tau2": method.lower()}
    knha = position % 4 < 2
    test = "knha" if knha else "z"
    models = in_sql(engine, pool.components, frame, "y", test=test, **options)
    terms = in_sql(other, pool.coefficients, frame, "y", test=test, **options)
    groups = in_sql(engine, pool.shrink, frame, "y", **options) if position % 2 else None
    for name in TRIALS:
        want = vector(name)["results"][method]
        got = models.row(by_predicate=pl.col("m") == name, named=True)
        of_test = want["knha"] if knha else want
        names = {"tau2": "tau2", "se_tau2": "se_tau2", "q": "QE", "q_p": "QEp", "i2": "I2", "h2": "H2", "r2": "R2"}
        near([*map(got.get, names)], [*map(want.get, names.values())])
        for ours, theirs in (names | {"qm": "QM", "qm_p": "QMp"}).items():
            near(got[ours], (of_test if ours.startswith("qm") else want)[theirs])
        near(got["log_likelihood"], want["logLik_reml" if method == "REML" else "logLik_ml"])
        if method not in ("ML", "HE", "HS"):
            near([got["tau2_lower"], got["tau2_upper"]], want["confint_tau2"][1:])
        of_model = terms.filter(m=name).sort("term")
        assert of_model["term"].to_list() == ["intercept", "x"]
        near(of_model["estimate"], want["beta"])
        for ours, theirs in {"se": "se", "p": "pval", "lower": "ci_lb", "upper": "ci_ub"}.items():
            for one, two in zip(of_model[ours], of_test[theirs], strict=True):
                near(one, two)
        if groups is not None:
            of_groups = groups.filter(m=name).sort("a")
            for ours, theirs in (("estimate", "blup"), ("fit", "fitted")):
                near(of_groups[ours], want[theirs]["pred"])
            near(of_groups["se"], want["blup"]["se"])
            near(of_groups["se_fit"], want["fitted"]["se"])


@pytest.mark.parametrize(("engine", "method"), list(zip(ENGINES, ("REML", "ML"), strict=True)))
def test_radon_on_rows(engine, method):
    file = vector("toward_radon_uranium")
    frame, want = grid.read(file["input"], file["by"]), file[method]
    call = {"x": "log_uranium", "by": file["by"], "over": None, "tau2": method.lower()}
    got = in_sql(engine, pool.components, frame, file["value"], **call).row(0, named=True)
    near([got["sigma2"], got["tau2"], got["n"]], [want["sigma2"], want["tau2"], want["n_obs"]])
    near(got["log_likelihood"], want["logLik"])
    terms = in_sql(engine, pool.coefficients, frame, file["value"], **call).sort("term")
    near(terms["estimate"], [want["fixef"]["(Intercept)"], want["fixef"]["log_uranium"]])
    near(terms["se"] ** 2, np.diag(want["vcov_fixef"]))


# ---- the numbers of Python -------------------------------------------------------------------------------------------


def line(seed: int, groups: int, spread: float = 1.0) -> list[tuple]:
    """Rows of groups about a line, in eighths; the predictor has one value in each group."""
    rng = np.random.default_rng(seed)
    rows = []
    for a in range(groups):
        x, mean = int(rng.integers(-16, 16)) / 8, spread * rng.normal()
        for _ in range(rng.integers(1, 5)):
            rows.append((a, x, round(8 * (x / 2 + mean + rng.normal())) / 8))
    return rows


MODELS = {
    **{f"random {seed}": line(seed, 4 + 3 * seed, seed % 3 / 2) for seed in range(6)},
    "offsets": [(a, x + 1e6, y + 2**20) for a, x, y in line(7, 12)],
    "one group": line(8, 1),
    "two groups": line(9, 2),
    "three groups": line(10, 3),
    "constant": [(a, 0.5, y) for a, _, y in line(11, 6)],
    "single rows": [(i, i % 5 / 2, y) for i, (_, _, y) in enumerate(line(12, 6))],
    "equal means": [(a, float(a), y) for a in range(5) for y in (a - 1.0, a + 1.0)],
    "no variance within": [(a, float(a), float(a * a)) for a in range(5) for _ in range(2)],
    "a line": [(a, float(a), 2.0 * a + 3) for a in range(5) for _ in range(2)],
    "all equal": [(a, float(a), 3.0) for a in range(5) for _ in range(2)],
    "nulls": [*line(13, 7), (3, None, None), (50, 0.5, None), (51, None, None)],
    "only nulls": [(1, 0.5, None), (2, 1.0, None)],
    "Booleans": [(a, float(a % 2), y) for a, _, y in line(14, 9)],
    "large": [(a, x, y * 2.0**200) for a, x, y in line(15, 6)],
    "small": [(a, x, y * 2.0**-300) for a, x, y in line(16, 6)],
    "tiny": [(a, x, y * 2.0**-520) for a, x, y in line(17, 6)],
}
CASES = {
    "reml": {"test": "knha"},
    "ml": {"tau2": "ml", "level": 0.8, "test": "adhoc"},
    "known": {"tau2": 0.75},
    "sigma2": {"sigma2": 1.25, "limits": "profile"},
    "exact": {"sigma2": 0.0, "tau2": "ml"},
    "separate": {"sigma2": "separate", "tau2": "dl", "test": "t"},
    "squeezed": {"sigma2": "squeezed", "tau2": "sj"},
    "weights": {"weights": "w"},
    "weights, he": {"weights": "w", "tau2": "he"},
    "rows, q": {"tau2": "pm", "limits": "q"},
    "moments": MOMENTS | {"tau2": "hs"},
    "moments with weights": MOMENTS | {"weights": "w", "tau2": "eb"},
    "published": {"se": "se", "limits": "profile"},
    "published, n": {"se": "se", "n": "size", "tau2": "ml"},
}
OF_MODELS = ("test", "limits")


@pytest.fixture(scope="module")
def frames() -> dict:
    schema = {"a": pl.Int64, "x": pl.Float64, "y": pl.Float64}
    parts = [pl.DataFrame(rows, schema, orient="row").with_columns(m=pl.lit(m)) for m, rows in MODELS.items()]
    i = pl.int_range(pl.len())
    rows = pl.concat(parts).with_columns(w=0.5 + i % 4, size=1 + i % 3, se=0.5 + (i * 7 % 5) / 4)
    predictors = rows.group_by("m", "a").agg(pl.col("x").max())
    moments = pool.moments(rows, "y", by=["m", "a"]).join(predictors, on=["m", "a"])
    weighted = pool.moments(rows, "y", by=["m", "a"], weights="w").join(predictors, on=["m", "a"])
    ordinary = rows.filter(~pl.col("m").is_in(["large", "small", "tiny"]))
    return {
        "rows": (rows, "y"),
        "sigma2": (ordinary, "y"),
        "separate": (ordinary.with_columns(pl.col("y") + 0.23 * (i % 3)), "y"),
        "known": (ordinary, "y"),
        "published": (ordinary, "y"),
        "published, n": (ordinary, "y"),
        "moments": (moments, "mean"),
        "moments with weights": (weighted, "mean"),
    }


@pytest.mark.share(2)
@pytest.mark.parametrize(("position", "name"), list(enumerate(CASES)))
def test_agrees_with_python(frames, position, name):
    frame, value = frames.get(name, frames["rows"])
    uncertainty = ("mu", "tau2", "conditional")[position % 3]
    for number, verb in enumerate(MACROS):
        options = {k: v for k, v in CASES[name].items() if verb is pool.components or k not in OF_MODELS}
        if verb is pool.shrink:
            options |= {"uncertainty": uncertainty}
        elif verb is pool.coefficients:
            options |= {k: v for k, v in CASES[name].items() if k == "test"}
        got = in_sql(ENGINES[(position + number) % 2], verb, frame, value, **options)
        assert_same(got, verb(frame, value, by="a", over="m", toward="x", **options), verb)


@pytest.mark.parametrize(
    ("engine", "options"),
    [
        (ENGINES[0], {"predict": "row", "threshold": 0.5, "sigma2": "separate"}),
        (ENGINES[1], {"predict": "replicate", "threshold": -1.0, "level": 0.5}),
    ],
)
def test_options_of_estimates(frames, engine, options):
    frame, value = frames[options.get("sigma2", "rows")]
    want = pool.shrink(frame, value, by="a", over="m", toward="x", **options)
    assert_same(in_sql(engine, pool.shrink, frame, value, **options), want, pool.shrink)


def test_means_far_more_precise_than_others_need_python():
    """Python keeps their digits, SQL says that it has no estimate; a known tau2 can make them alike."""
    frame = pl.DataFrame({"a": range(5), "x": [1.0, 2, 3, 5, 4], "y": [0.5, 2, 1, 4, 3], "se": [0.0, 1, 1, 2, 1]})
    for se, engine in zip((0.0, 1e-5), ENGINES, strict=True):
        both = frame.with_columns(m=1, se=pl.when(pl.col("se") == 0).then(se).otherwise("se"))
        models = in_sql(engine, pool.components, both, "y", se="se")
        assert models.select("tau2", "q", "converged").row(0) == (None, None, False)
    known = in_sql(ENGINES[1], pool.shrink, frame.with_columns(m=1), "y", se="se", tau2=0.5)
    want = pool.shrink(frame.with_columns(m=1), "y", by="a", over="m", toward="x", se="se", tau2=0.5)
    assert_same(known, want, pool.shrink)


@pytest.mark.parametrize("engine", ENGINES)
def test_offsets_lose_no_digits(engine):
    """Of one model: years as a predictor, and values far from 0."""
    near_zero = pl.DataFrame(line(3, 20), schema=["a", "x", "y"], orient="row")
    far = near_zero.with_columns(pl.col("x") + 1e6, pl.col("y") + 1e9)
    for verb, columns in ((pool.components, ("tau2", "sigma2", "q", "qm", "lrt")), (pool.shrink, ("se", "se_fit"))):
        want = verb(near_zero, "y", by="a", toward="x")
        got = in_sql(engine, verb, far, "y", over=None)
        if verb is pool.shrink:
            got, want = got.sort("a"), want.sort("a")
        for column in columns:
            assert_near(got[column], want[column], 1e-8, 1e-8, column)


# ---- keys and tables -------------------------------------------------------------------------------------------------


def test_predictors_and_keys_are_columns_or_expressions():
    rows = pl.DataFrame(line(5, 8), schema=["c d", "from", "y"], orient="row").with_columns(k=pl.col("c d") // 2)
    database = sqlpaths.database(ENGINES[1])
    database.hold(rows)
    got = database.ask("FROM pool_shrink_toward(data, 2 * y, COLUMNS(['c d', 'k']), \"from\" > 0)")
    want = pool.shrink(rows, 2 * pl.col("y"), by=["c d", "k"], toward=pl.col("from") > 0)
    got, want = got.sort("c d"), want.sort("c d")
    assert got.columns == want.columns
    assert_near(got["estimate"], want["estimate"], 1e-9)
    terms = database.ask('FROM pool_coefficients(data, y, "c d", "from")')
    assert set(terms["term"]) == {"intercept", "from"}


def test_an_empty_table_has_the_columns_of_any_other(frames):
    frame, value = frames["rows"]
    for verb in MACROS:
        got = in_sql(ENGINES[0], verb, frame.clear(), value, over="m")
        assert got.schema == verb(frame.clear(), value, by="a", over="m", toward="x").schema
        assert got.is_empty()


# ---- messages --------------------------------------------------------------------------------------------------------

WRONG = {
    "a, x, tau2 := 'anova'": "tau2='anova'; give a number of 0 or more, or one of 'reml', 'ml', 'dl', 'he', 'hs', 'sj'",
    "a, x, tau2 := 'half_cauchy(5)'": "other estimators do not go with toward=",
    "a, x, tau2 := -1": "tau2=-1; give a number of 0 or more",
    "a, y": "toward='y' is the value itself",
    "a, t": "toward='t' has the type VARCHAR; a predictor in SQL holds numbers or Booleans, a factor needs Python",
    "a, NULL": "toward=NULL; give the column of a predictor",
    "a, COLUMNS(['x', 'w'])": "toward='x', 'w' has 2 columns; a macro has one predictor, Python any number",
    "a, x, over := a": "the key 'a' appears twice in by= and over=; name each key once",
    "a, x, w": "the argument w after the keys has no name",
    "a, x, n := w": "n= without var=",
    "a, x, se := w, sigma2 := 1": "sigma2=1 does not go with se=",
    "a, x, level := 95": "level=95; give a number between 0 and 1",
    "a, x, uncertainty := 'all'": "uncertainty='all'; give one of",
    "a, x, weights := -w": "is null, NaN, negative or infinite in 4 rows",
}
OF_PYTHON = ("varying", "missing", "constant")


def test_messages():
    frame = pl.DataFrame(
        {
            "a": [1, 1, 2, 3],
            "y": [1.0, 2.0, 4.0, 5.0],
            "x": [0.5, 0.5, 1.0, 2.0],
            "w": [1.0, 2.0, 1.0, 1.0],
            "t": ["u", "u", "v", "v"],
            "varying": [0.5, 0.75, 1.0, 2.0],
            "missing": [0.5, 0.5, None, float("nan")],
            "constant": [0.1, 0.1, 0.1, 0.1],
        }
    )
    calls = {f"FROM pool_shrink_toward(data, y, {arguments})": words for arguments, words in WRONG.items()}
    for name in OF_PYTHON:
        with pytest.raises(ValueError, match="toward=") as error:
            pool.components(frame, "y", by="a", toward=name)
        calls[f"FROM pool_components_toward(data, y, a, {name})"] = str(error.value)
    calls["FROM pool_components_toward(data, y, a, x, test := 'f')"] = "test='f'; give one of"
    calls["FROM pool_components_toward(data, y, a, x, tau2 := 'dl', limits := 'profile')"] = "limits='profile'"
    for position, (call, words) in enumerate(calls.items()):
        database = sqlpaths.database(ENGINES[position % 2])
        database.hold(frame)
        with pytest.raises(duckdb.Error) as error:
            database.ask(call)
        assert words in str(error.value), call


def test_the_comments_name_every_argument():
    rows = sqlpaths.database(ENGINES[0]).ask(
        "SELECT parameters, comment FROM duckdb_functions() WHERE function_name LIKE 'pool_%_toward' "
        "OR function_name = 'pool_coefficients'"
    )
    assert rows.height == len(MACROS)
    for parameters, comment in rows.iter_rows():
        for name in parameters:
            assert name.startswith("_pool_") or f"\n{name}: " in comment, name
