"""Regressions with a varying intercept on Spark: against lme4, and against Polars, which other tests hold to truth."""

import warnings

import numpy as np
import polars as pl
import pytest
import test_factors as factors
import test_regression as polars
import test_regression_single_rows as single
import test_truth_regression as truth
from polars.testing import assert_frame_equal
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812
from sparks import cached, in_turn, of_sizes, passes, path, polars_frame, spark_frame
from test_spark_means import ITERATED

import polars_pool as pool
from polars_pool.spark import regression

VECTORS = [name for name in truth.VECTORS if name.endswith("_ri")]
CASES = [(name, method) for method in truth.METHODS for name in VECTORS]
every_verb = pytest.mark.parametrize(("spark", "verb"), in_turn((verb,) for verb in polars.VERBS), indirect=["spark"])


# ---- numbers of lme4 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("session", "name", "method"), in_turn(CASES))
def test_lme4(sessions, monkeypatch, session, name, method):
    monkeypatch.setitem(truth.PATHS, session, path(sessions[session]))
    for check in truth.QUANTITIES.values():
        check(session, name, method)


# ---- agreement with Polars -------------------------------------------------------------------------------------------


def numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """The fields of structs, and of structs of structs, as columns."""
    while structs := [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Struct)]:
        frame = frame.with_columns(pl.col(name).name.prefix_fields(f"{name}.") for name in structs).unnest(structs)
    return frame


def assert_agree(got: pl.DataFrame, want: pl.DataFrame, tolerance: float) -> None:
    """The same schema and rows; numbers within the tolerance of the largest one that the column has in its model."""
    assert got.schema == want.schema
    keys = [name for name in ("m", "g", "term", "other_term", "i") if name in want.columns]
    got, want = (numbers(frame).sort(keys, maintain_order=True) for frame in (got, want))
    for name in want.columns:
        a, b = got[name], want[name]
        if b.dtype != pl.Float64:
            assert a.equals(b), name
            continue
        assert a.is_null().equals(b.is_null()), name
        scale = want.select(pl.col(name).abs().max().over([k for k in ("m", "term") if k in keys] or pl.lit(1)))[name]
        far = ((a - b).abs() > tolerance * scale) & (a != b)  # infinite numbers are equal
        assert not far.any(), f"{name}: {a.filter(far).to_list()} instead of {b.filter(far).to_list()}"


def compare(session, verb, frame, *arguments, tolerance=ITERATED, **options) -> pl.DataFrame:
    """The result on Spark, which agrees with that of Polars in numbers, schema and warnings."""
    results, messages = [], []
    for run in (path(session), lambda verb, frame, *arguments, **options: verb(frame, *arguments, **options)):
        with warnings.catch_warnings(record=True) as spoken:
            warnings.simplefilter("always", pool.ConvergenceWarning)
            results.append(run(verb, frame, *arguments, **options))
        messages.append({str(w.message) for w in spoken if w.category is pool.ConvergenceWarning})
    assert messages[0] == messages[1]
    assert_agree(*results, tolerance)
    return results[0]


def models(offset: float = 0.0, of_a: float = 0.0) -> pl.DataFrame:
    """Models of groups of equal and of unequal sizes, with and without differences; the numbers are in eighths."""
    alike = polars.drawn(2, sizes=(4,) * 40)
    parts = {"unequal": polars.drawn(1), "alike": alike, "none": polars.drawn(3, polars.NOTHING), "two": alike.head(24)}
    frames = [
        frame.with_columns(pl.col("a") + k * of_a, pl.col("y") + k * offset, m=pl.lit(name))
        for k, (name, frame) in enumerate(parts.items())
    ]
    return pl.concat(frames).with_row_index("i").cast({"i": pl.Int64})


def test_many_models(classic):
    frame = models()
    for verb in polars.VERBS:
        compare(classic, verb, frame, "y", ["a", "b", "u"], "g", over="m", method="ml", weights="w")
    frame = frame.with_columns(pl.when(pl.col("g") % 3 > 0).then(pl.col("g") % 2).alias("N"), pl.lit("").alias("a.`b"))
    by = ["g", "N", "a.`b"]
    compare(classic, pool.regress, frame, "y", ["u"], by, over="m", uncertainty="conditional", level=0.8)


@pytest.mark.parametrize("options", [{}, {"test": "t", "method": "ml"}, {"covariance": True}], ids=str)
def test_tables_of_coefficients(classic, options):
    """Of many models with weights, of degenerate ones, and of a frame without rows."""
    compare(classic, pool.regress_coefficients, models(), "y", ["a", "b", "u"], "g", over="m", weights="w", **options)
    compare(classic, pool.regress_coefficients, degenerate(), "y", ["a"], "g", over="m", **options)
    for over in (None, "m"):
        compare(classic, pool.regress_coefficients, degenerate().clear(), "y", ["a"], "g", over=over, **options)


@every_verb
def test_a_single_model_and_no_covariates(spark, verb):
    frame = models().filter(m="unequal").drop("m")
    compare(spark, verb, frame, "y", [], "g")


@every_verb
def test_an_offset_costs_no_digits(spark, verb):
    frame = models(offset=1e9, of_a=1e6).filter(m="alike").drop("m")
    compare(spark, verb, frame, "y", ["a", "b"], "g")


def test_an_offset_of_each_model(classic):
    """Without a common pivot, seven digits remain at 1e9, as in Polars."""
    plain, far = models(), models(offset=1e9, of_a=1e6)
    got, want = (
        path(classic)(pool.regress, far, "y", ["a", "b"], "g", over="m"),
        pool.regress(plain, "y", ["a", "b"], "g", over="m"),
    )
    for column in ("weight", "effect"):
        assert_agree(*(frame.select("m", "g", "term", column) for frame in (got, want)), 1e-7)
    slopes = [frame.filter(pl.col("term") != "intercept").drop("mean") for frame in (got, want)]
    assert_agree(*slopes, 1e-7)


# ---- degenerate data -------------------------------------------------------------------------------------------------


def degenerate() -> pl.DataFrame:
    """The models of the tests of Polars; others with groups of only nulls, and of rows without a covariate."""
    frame, _ = polars.troubled()
    some = frame.filter(m="good 1")
    lacking = {
        "null values": some.with_columns(y=pl.when(pl.col("g") > 1).then("y")),
        "one group and nulls": some.with_columns(y=pl.when(pl.col("g") == 1).then("y")),
        "null covariates": some.with_columns(a=pl.when(pl.int_range(pl.len()) % 3 > 0).then("a")),
        "equal values": some.with_columns(y=pl.lit(2.0)),
        "equal values of a group": some.with_columns(y=1.0 * pl.col("g")),
        "equal values and nulls": some.with_columns(y=pl.when(pl.col("g") > 1).then(1.0 * pl.col("g"))),
        "a covariate of groups": some.with_columns(a=0.1 * pl.col("g") ** 2),
    }
    parts = [one.with_columns(m=pl.lit(name)).select(frame.columns) for name, one in lacking.items()]
    null = some.with_columns(m=pl.lit(None, pl.String), g=pl.when(pl.col("g") > 0).then("g"))
    return pl.concat([frame, *parts, null]).with_row_index("i").cast({"i": pl.Int64})


@every_verb
def test_degenerate_models(spark, verb):
    options = {"interval": "mean"} if verb is pool.predict else {}
    compare(spark, verb, degenerate(), "y", ["a"], "g", over="m", **options)
    if verb is pool.regress:
        compare(spark, verb, degenerate(), "y", [], "g", over="m")


def test_single_rows_with_weights(classic):
    frame = single.with_covariate(*single.MODELS)
    compare(classic, pool.regress_components, frame, "y", ["x"], "g", over="m", weights="w")
    frame = frame.with_row_index("i").cast({"i": pl.Int64})
    compare(classic, pool.predict, frame, "y", ["x"], "g", over="m", weights="w", interval="row", tolerance=1e-7)


@pytest.mark.parametrize(
    ("name", "verbs"), [("no rows", polars.VERBS), ("one group", [pool.regress]), ("nulls", [pool.predict])]
)
def test_a_degenerate_single_model(classic, name, verbs):
    frame = polars.drawn(1).with_columns(i=pl.int_range(pl.len()))
    nothing = pl.lit(None, pl.Float64)
    frame = {"no rows": frame.clear(), "one group": frame.filter(g=9), "nulls": frame.with_columns(y=nothing)}[name]
    for verb in verbs:
        compare(classic, verb, frame, "y", ["a"], "g")


# ---- errors of data --------------------------------------------------------------------------------------------------

WRONG_DATA = {
    "a constant": ({"c": pl.lit(3.0)}, ["c"], {}),
    "a combination": ({"c": pl.col("a") - 3 * pl.col("b") + 2}, ["a", "b", "c"], {}),
    "a bad weight": ({"w": pl.when(pl.col("b") > -3).then("w").otherwise(-1.0)}, ["a"], {"weights": "w"}),
    "a value": ({"y": pl.when(pl.col("g") == 3).then(np.nan).otherwise("y")}, ["a"], {}),
    "a covariate": ({"a": pl.when(pl.col("g") == 3).then(-np.inf).otherwise("a")}, ["a"], {"over": "m"}),
}


@pytest.mark.parametrize("name", WRONG_DATA)
def test_errors_of_data(classic, name):
    """The sentence of Polars, when the verb is called."""
    columns, x, options = WRONG_DATA[name]
    frame = polars.drawn(1).with_columns(**columns, m=pl.lit(0))
    with pytest.raises(ValueError, match=r".") as want:
        pool.regress_components(frame, "y", x, "g", **options)
    with pytest.raises(ValueError, match=r".") as got:
        pool.regress_components(spark_frame(classic, frame), "y", x, "g", **options)
    assert str(got.value) == str(want.value)


def test_numbers_that_are_not_finite_as_null(classic):
    frame = models().filter(m="unequal").drop("m")
    frame = frame.with_columns(
        y=pl.when(pl.col("i") % 9 > 0).then("y").otherwise(np.nan),
        a=pl.when(pl.col("i") % 7 > 0).then("a").otherwise(np.inf),
    )
    for verb in (pool.regress_components, pool.predict):
        compare(classic, verb, frame, "y", ["a"], "g", nan="null")


def test_many_sums_of_weights(classic, monkeypatch):
    monkeypatch.setattr(regression, "MOST", 8)
    with pytest.raises(ValueError, match="weights='w' of the groups have more than 8 different values"):
        pool.regress(spark_frame(classic, polars.drawn(1)), "y", ["a"], "g", weights="w")


# ---- predictions, and columns of the call ----------------------------------------------------------------------------

NEW = pl.DataFrame(
    {
        "m": ["unequal", "unequal", "new", "two"],
        "a": [1.0, None, 2.0, 3],
        "g": [2, 77, 2, 0],
        "fit.1": ["p", "q", "r", "s"],
    }
)


@pytest.mark.parametrize("options", [{}, {"interval": "row", "level": 0.8, "weights": "w"}], ids=str)
def test_rows_of_another_frame(spark, options):
    """Known and new groups, a new model, and a covariate that is null."""
    frame, new = models(), spark_frame(spark, NEW)
    got = polars_frame(pool.predict(spark_frame(spark, frame), "y", "a", "g", rows=new, over="m", **options))
    assert_agree(got, pool.predict(frame, "y", "a", "g", rows=NEW, over="m", **options), ITERATED)


def test_rows_to_predict_that_are_not_finite(classic):
    frame = models().drop("m")
    rows = NEW.with_columns(a=pl.col("a").fill_null(np.inf)).drop("m")
    predicted = pool.predict(spark_frame(classic, frame), "y", "a", "g", rows=spark_frame(classic, rows))
    with pytest.raises(ValueError, match="in 1 row") as want:
        pool.predict(frame, "y", "a", "g", rows=rows)
    with pytest.raises(PySparkException) as got:
        predicted.select("a").toArrow()
    assert str(want.value).replace("1 row", "some rows") in str(got.value)


def test_expressions(spark):
    """Of the value, covariates and keys, and of rows that lack the first column of the frame."""
    frame, rows = models().drop("m"), NEW.with_columns(b=pl.lit(1.0)).drop("m")
    of_spark = F.sqrt(F.abs("y")).alias("root"), [(F.col("a") * 2).alias("twice"), "b"], (F.col("g") % 8).alias("rest")
    of_polars = (
        pl.col("y").abs().sqrt().alias("root"),
        [(2 * pl.col("a")).alias("twice"), "b"],
        (pl.col("g") % 8).alias("rest"),
    )
    left, right = spark_frame(spark, frame), spark_frame(spark, rows)
    got = polars_frame(pool.regress(left, *of_spark, weights=F.col("w") + 1))
    assert_agree(
        got.rename({"rest": "g"}),
        pool.regress(frame, *of_polars, weights=pl.col("w") + 1).rename({"rest": "g"}),
        ITERATED,
    )
    got = polars_frame(pool.predict(left, *of_spark, rows=right))
    assert_agree(got, pool.predict(frame, *of_polars, rows=rows), ITERATED)


def test_a_decimal_and_a_long_keep_their_digits(classic):
    """A common offset beyond the digits of Float64 is subtracted in the type of the column."""
    frame = polars.drawn(1).select("g", pl.col("a", "y") * 8).cast({"a": pl.Int64, "y": pl.Decimal(38, 3)})
    far = frame.with_columns(pl.col("a") + 2**60, pl.col("y") + pl.lit(10**20).cast(pl.Decimal(38, 3)))
    got = numbers(path(classic)(pool.regress_components, far, "y", ["a"], "g"))
    want = numbers(pool.regress_components(frame, "y", ["a"], "g"))
    for name in ("sigma2", "tau2.intercept", "mu.a", "se_mu.a", "icc"):
        assert got[name][0] == pytest.approx(want[name][0], rel=1e-9)


# ---- jobs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spark", "verb"), in_turn((verb,) for verb in polars.VERBS), indirect=["spark"])
def test_one_pass(classic, file, verb):
    """Of the rows; a second one for the rows to predict, which are those of the frame."""
    arguments = ("y", ["x"], "g")
    assert passes(classic, lambda: verb(file, *arguments, weights="w").toArrow()) == 1 + (verb is pool.predict)
    assert cached(classic) == (verb is not pool.regress_components)


@pytest.mark.parametrize("verb", [pool.regress, pool.predict])
def test_without_the_cache_the_numbers_are_the_same(classic, verb):
    rows = of_sizes(classic, 40).selectExpr("*", "g * i % 5 AS x")
    kept, read_again = (polars_frame(verb(rows, "y", ["x"], "g", persist=persist)) for persist in (None, False))
    assert_frame_equal(kept, read_again, check_row_order=False, rel_tol=1e-12)
    assert cached(classic) == 1


@pytest.mark.usefixtures("as_deployed")
def test_the_driver_receives_the_classes(classic, received):
    """Of equal sizes, or equal sums of weights, in each model, whatever the number of groups."""
    for groups in (700, 2_100):
        rows = of_sizes(classic, groups).selectExpr("*", "g * i % 5 AS x", "1 + g % 3 AS w")
        pool.regress(rows, "y", ["x"], "g")
        pool.regress_components(rows, "y", ["x"], "g", weights="w", over="model")
        assert received == [1_000, 7, len({(g % 4, (1 + g % 3) * (g % 7 + 1)) for g in range(groups)})]
        received.clear()


REFUSED = [
    (("y", "missing", "g"), {}),
    (("y", ["a", "a"], "g"), {}),
    (("y", ["y"], "g"), {}),
    (("y", 3, "g"), {}),
    (("y", [3], "g"), {}),
    (("m", ["a"], "g"), {}),
    (("y", pool.factor("a"), "g"), {}),
    (("y", pool.factor("m", levels=["one"]), "g"), {}),
    (("y", ["a", pool.interaction("a", "a")], "g"), {}),
    (("y", ["a"], "missing"), {}),
    (("y", ["a"], "g"), {"vary": "missing"}),
    (("y", ["a"], "g"), {"vary": []}),
    (("y", ["a"], "g"), {"correlated": 1}),
    (("y", ["a"], "g"), {"method": "mle"}),
    (("y", ["a"], "g"), {"intercept": False}),
    (("y", ["a"], "g"), {"weights": "m"}),
    (("y", ["a"], "g"), {"nan": "drop"}),
    (("y", ["a"], "term"), {}),
]
WRONG = (ValueError, TypeError, pl.exceptions.ColumnNotFoundError)


def test_wrong_arguments(spark, no_job):
    frame = models().with_columns(term=0, mu=0)
    rows = spark_frame(spark, frame)
    for arguments, options in REFUSED:
        for verb in polars.VERBS:
            if verb is not pool.regress and "term" in arguments:
                continue
            with pytest.raises(WRONG) as want:
                verb(frame.lazy(), *arguments, **options)
            with pytest.raises(type(want.value)) as got:
                verb(rows, *arguments, **options)
            assert str(got.value) == str(want.value)


def test_wrong_rows_to_predict(spark, no_job):
    frame = models()
    for rows in (NEW.drop("a"), NEW.cast({"g": pl.String}), NEW.with_columns(fitted=0), NEW.cast({"a": pl.String})):
        with pytest.raises(WRONG) as want:
            pool.predict(frame, "y", ["a"], "g", rows=rows)
        with pytest.raises(type(want.value)) as got:
            pool.predict(spark_frame(spark, frame), "y", ["a"], "g", rows=spark_frame(spark, rows))
        assert str(got.value) == str(want.value)
    with pytest.raises(TypeError, match="rows is a DataFrame; give a Spark DataFrame"):
        pool.predict(spark_frame(spark, frame), "y", ["a"], "g", rows=NEW)
    for x in (pl.col("a"), pool.factor(pl.col("a")), pool.interaction("b", pl.col("a"))):
        with pytest.raises(TypeError, match="x= is an expression of Polars"):
            pool.predict(spark_frame(spark, frame), "y", [x], "g")


@every_verb
def test_slopes_that_vary(spark, verb, no_job):
    frame = spark_frame(spark, models())
    for options in ({"vary": "a"}, {"vary": ["intercept", "a"]}, {"vary": "a", "intercept": False}):
        with pytest.raises(TypeError, match="on Spark a regression needs an intercept, and no other term can vary"):
            verb(frame, "y", ["a"], "g", **options)


# ---- factors and interactions ----------------------------------------------------------------------------------------

LEVELS = pool.factor("tier", levels=["C", "A", "B"])
FACTORS = [
    [LEVELS, "flag", pool.interaction(LEVELS, "days", "flag")],
    ["days", "tier", pool.interaction("days", "tier")],
    [pool.factor("tier", reference="B"), pool.factor("year"), pool.factor("flag", reference=True)],
]
FACTOR_CALLS = [(x, verb) for x in FACTORS for verb in factors.VERBS]


@pytest.mark.parametrize(("spark", "x", "verb"), in_turn(FACTOR_CALLS), indirect=["spark"])
def test_factors(spark, x, verb):
    frame = (
        factors.rows()
        .with_columns(tier=pl.when(pl.col("days") > 1).then("tier"))
        .with_columns(i=pl.int_range(pl.len()))
    )
    compare(spark, verb, frame, "y", x, "g")


def test_factors_of_expressions(classic):
    frame = factors.rows().rename({"model": "m"})
    twice, small = (F.col("days") * 2).alias("twice"), F.lower("tier").alias("small")
    got = pool.regress_components(
        spark_frame(classic, frame),
        "y",
        [pool.factor(small, reference="b"), pool.interaction(F.col("flag"), twice)],
        "g",
        over="m",
    )
    small = pl.col("tier").str.to_lowercase().alias("small")
    x = [pool.factor(small, reference="b"), pool.interaction("flag", pl.col("days").alias("twice") * 2)]
    assert_agree(polars_frame(got), pool.regress_components(frame, "y", x, "g", over="m"), ITERATED)


def test_given_levels_need_no_job(spark, no_job):
    rows = spark_frame(spark, factors.rows())
    with pytest.raises(TypeError, match="on Spark a regression needs an intercept, and no other term can vary"):
        pool.regress(rows, "y", [LEVELS, "flag"], "g", vary="tier")


def test_levels_that_lack_a_value(classic):
    rows = spark_frame(classic, factors.rows())
    count = (factors.rows()["tier"] == "C").sum()
    with pytest.raises(
        ValueError, match=f"'tier' has a value that is none of its levels, such as 'C', in {count} rows"
    ):
        pool.regress_components(rows, "y", pool.factor("tier", levels=["A", "B"]), "g")


def test_a_factor_of_too_many_levels(classic):
    frame = pl.DataFrame({"name": [f"n{i}" for i in range(150)], "g": [0, 1] * 75, "y": [1.0, 2.0, 4.0] * 50})
    with pytest.raises(ValueError, match=r"x='name' has more than 100 levels, .* give the column as by='name'"):
        pool.regress(spark_frame(classic, frame), "y", "name", "g")


def test_unseen_levels_of_rows_to_predict(classic):
    frame, new = factors.rows(), factors.NEW
    got = polars_frame(
        pool.predict(spark_frame(classic, frame), "y", ["days", "tier"], "g", rows=spark_frame(classic, new))
    )
    with pytest.warns(UserWarning, match="2 rows to predict"):
        want = pool.predict(frame, "y", ["days", "tier"], "g", rows=new)
    assert_frame_equal(got.sort("days"), want, rel_tol=ITERATED)
