"""Means beside predictors of groups on Spark: the numbers, messages and warnings of Polars, which other tests check."""

import numpy as np
import polars as pl
import pytest
from pyspark.sql import functions as F  # noqa: N812
from sparks import cached, columns_of, in_turn, of_sizes, passes, path, polars_frame, spark_frame
from test_spark_means import CLOSED_FORM, ITERATED
from test_spark_regression import assert_agree, compare

import polars_pool as pool
from polars_pool.spark import meta_regression

VERBS = (pool.components, pool.coefficients, pool.shrink)


def drawn(model: str, sizes: list[int], seed: int = 1) -> pl.DataFrame:
    """Groups of these sizes whose means follow two predictors; the numbers are in eighths."""
    draw, g = np.random.default_rng(seed), np.repeat(np.arange(len(sizes)), sizes)
    x, z, u = np.round(draw.normal(size=(3, len(sizes))) * 8) / 8
    y = 2 * x[g] - z[g] + u[g] + np.round(draw.normal(size=len(g)) * 8) / 8
    columns = {"g": g, "y": y, "x": x[g], "z": z[g], "w": draw.integers(1, 9, len(g)) / 8}
    return pl.DataFrame({"m": [model] * len(g), **columns})


def models() -> pl.DataFrame:
    """Models of groups of equal and of unequal sizes, and some whose coefficients or variances are not determined."""
    some = drawn("some", [1, 2, 3, 4, 5, 6, 7] * 2, 4)
    parts = [
        drawn("unequal", [*range(1, 8)] * 3),
        drawn("equal", [4] * 12, 2),
        drawn("single rows", [1] * 9, 3),
        drawn("as many groups as terms", [2, 3, 4], 5),
        drawn("one group", [5], 6),
        some.with_columns(m=pl.lit("constant"), x=pl.lit(0.1)),
        some.with_columns(m=pl.lit("combined"), z=2 * pl.col("x") - 1),
        some.with_columns(m=pl.lit("equal rows"), y=0.5 * pl.col("g")),
        some.with_columns(pl.when(pl.col("g") > 2).then(pl.col("y", "x")), m=pl.lit(None, pl.String)),
        some.with_columns(m=pl.lit("no values"), y=pl.lit(None, pl.Float64)),
    ]
    return pl.concat(parts).with_row_index("i").cast({"i": pl.Int64})


MODELS = models()
ONE = MODELS.filter(m="unequal").drop("m")

# ---- agreement with Polars ------------------------------------------------------------------------------------------

ROWS = [
    (pool.coefficients, {"tau2": "dl", "test": "t"}, CLOSED_FORM),
    (pool.components, {"test": "knha", "limits": "profile"}, ITERATED),
    (pool.coefficients, {"tau2": "ml", "weights": "w"}, ITERATED),
    (pool.components, {"tau2": "he", "sigma2": "separate"}, CLOSED_FORM),
    (pool.components, {"sigma2": "squeezed"}, ITERATED),
    (pool.coefficients, {"sigma2": 1.0, "tau2": 0.5, "weights": "w"}, CLOSED_FORM),
]


@pytest.mark.parametrize(("spark", "verb", "options", "tolerance"), in_turn(ROWS), indirect=["spark"])
def test_rows(spark, verb, options, tolerance):
    of_models = {"over": "m", "toward": ["x", "z"], "tolerance": tolerance}
    compare(spark, verb, MODELS, "y", "g", **of_models, **options)
    of_groups = {name: value for name, value in options.items() if name not in ("test", "limits")}
    compare(spark, pool.shrink, MODELS, "y", "g", **of_models, **of_groups, predict="row", threshold=1.0)


def studies() -> pl.DataFrame:
    """Published estimates; some errors are equal, one is 0 and one infinite."""
    g, draw = pl.int_range(24, eager=True).alias("g"), np.random.default_rng(8)
    x, z, y = np.round(draw.normal(size=(3, 24)) * 8) / 8
    frame = pl.DataFrame({"g": g, "y": y + 2 * x - z, "x": x, "z": z, "se": 0.25 + (g % 5) / 8, "n": g % 3 + 4})
    frame = frame.with_columns(var=1.0 + pl.col("g") % 2, unknown=pl.when(pl.col("g") % 4 > 0).then("n"))
    unknown = pl.when(pl.col("g") == 7).then(np.inf).otherwise("se")
    exact = pl.when(pl.col("g") == 5).then(0.0).otherwise("se")
    return pl.concat([frame.with_columns(m=pl.lit("a"), se=unknown), frame.with_columns(m=pl.lit("exact"), se=exact)])


@pytest.mark.parametrize(("spark", "tau2"), in_turn([("reml",), ("sj",), ("pm",)]), indirect=["spark"])
def test_published_estimates(spark, tau2):
    options = {"over": "m", "toward": ["x", "z"], "se": "se", "tau2": tau2}
    compare(spark, pool.components, studies(), "y", "g", n="unknown", test="adhoc", **options)
    compare(spark, pool.shrink, studies().filter(m="a"), "y", "g", uncertainty="tau2", **options)


@pytest.mark.parametrize("options", [{"se": "se"}, {"n": "n", "var": "var", "sigma2": "squeezed"}], ids=str)
def test_groups_of_equal_variance_in_one_row(classic, monkeypatch, options):
    """As many groups are; the numbers are those of the groups."""
    monkeypatch.setattr(meta_regression, "MOST", 10)
    frame = studies().filter(m="a")
    compare(classic, pool.components, frame, "y", "g", toward=["x", "z"], **options)
    compare(classic, pool.shrink, frame, "y", "g", toward=["x", "z"], tau2="dl", tolerance=CLOSED_FORM, **options)


def test_stored_moments(classic):
    stored = MODELS.group_by("m", "g", pl.col("i") % 2).agg(
        pl.col("y").count().alias("n"), pl.col("y").mean(), pl.col("y").var().alias("var"), pl.col("x", "z").first()
    )
    options = {"over": "m", "toward": "z", "n": "n", "var": "var"}
    compare(classic, pool.shrink, stored, "y", "g", **options)
    compare(classic, pool.coefficients, stored, "y", "g", sigma2="separate", tau2="eb", covariance=True, **options)


def test_offsets_cost_no_digits(spark):
    """Of a year and of a value: half of the digits of the data, which are exact, remain beside 1e9."""
    far = ONE.with_columns(pl.col("x") + 1e6, pl.col("y") + 1e9)
    near, got = (path(spark)(pool.coefficients, frame, "y", "g", toward=["x", "z"], tau2="dl") for frame in (ONE, far))
    for name in ("estimate", "se", "statistic"):
        assert got.filter(pl.col("term") != "intercept")[name].to_list() == pytest.approx(
            near.filter(pl.col("term") != "intercept")[name].to_list(), rel=1e-9
        )
    compare(spark, pool.shrink, far, "y", "g", toward=["x", "z"])


def test_the_intercept_alone(classic):
    compare(classic, pool.coefficients, MODELS, "y", "g", toward=[], over="m", test="knha")


PROFILES = [({"weights": "w"},), ({"se": "w", "tau": [0.5, 2.0], "groups": True},)]


@pytest.mark.parametrize(("spark", "options"), in_turn(PROFILES), indirect=["spark"])
@pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")
def test_profile(spark, options):
    frame = MODELS if "weights" in options else MODELS.group_by("m", "g").first()
    got = path(spark)(pool.profile, frame, "y", "g", over="m", toward="x", **options)
    keys = ["m", "tau", *(["g"] if "groups" in options else [])]
    want = pool.profile(frame, "y", "g", over="m", toward="x", **options)
    assert want["tau"].null_count() == 0  # a model without values has no profile
    assert_agree(*(table.sort(keys).drop("tau") for table in (got, want)), ITERATED)
    assert got.sort(keys)["tau"].to_list() == pytest.approx(want.sort(keys)["tau"].to_list(), rel=1e-9)


@pytest.mark.parametrize("options", [{}, {"sigma2": "squeezed", "tau2": "dl"}], ids=str)
def test_compare(classic, options):
    compare(classic, pool.compare, MODELS, "y", "g", over="m", toward=["x", "z"], **options)


NEW = pl.DataFrame({"m": ["equal", "unequal", "a new model"], "g": [77, 2, 3], "x": [1.5, 99, 1], "z": [0.5, 99, None]})


@pytest.mark.parametrize("keys", [NEW, NEW.drop("m").filter(g=77)], ids=["of models", "of every model"])
def test_groups_without_rows(spark, keys):
    """They have their own predictors; those of a group with rows stay."""
    compare(spark, pool.shrink, MODELS, "y", "g", over="m", toward=["x", "z"], groups=keys)


def test_a_group_whose_predictors_are_in_its_keys_alone(classic):
    frame = ONE.with_columns(pl.when(pl.col("g") > 0).then(pl.col("y", "x", "z")))
    keys = pl.DataFrame({"g": [0], "x": [1.0], "z": [2.0]})
    got = compare(classic, pool.shrink, frame, "y", "g", toward=["x", "z"], groups=keys, weights="w")
    assert got.filter(g=0)["fit"].null_count() == 0


@pytest.mark.parametrize("options", [{}, {"folds": "fold"}], ids=str)
def test_encode(spark, options):
    frame = MODELS.with_columns(fold=pl.col("i") % 3)
    options |= {"over": "m", "toward": ["x", "z"], "columns": ["estimate", "se"]}
    compare(spark, pool.encode, frame, "y", "g", **options)


@pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")
def test_encode_rows_of_another_frame(classic):
    rows = NEW.with_row_index("i").cast({"i": pl.Int64})
    with columns_of(classic):
        got = polars_frame(
            pool.encode(
                spark_frame(classic, MODELS),
                "y",
                "g",
                over="m",
                toward=[(F.col("x") * 2).alias("twice"), "z"],
                rows=spark_frame(classic, rows),
            )
        )
    twice = [(pl.col("x") * 2).alias("twice"), "z"]
    assert_agree(got, pool.encode(MODELS, "y", "g", over="m", toward=twice, rows=rows), ITERATED)


# ---- factors --------------------------------------------------------------------------------------------------------

TIERED = ONE.with_columns(
    t=(pl.col("g") % 3).replace_strict({0: "low", 1: "high", 2: "a.`b"}, return_dtype=pl.String), b=pl.col("g") % 2 > 0
)


def of_tiers(column):
    return [pool.factor(column("t"), reference="low"), pool.interaction(column("b"), "x")]


def test_factors(spark):
    options = {"tau2": "dl", "test": "knha"}
    with columns_of(spark):
        got = polars_frame(pool.coefficients(spark_frame(spark, TIERED), "y", "g", toward=of_tiers(F.col), **options))
    want = pool.coefficients(TIERED, "y", "g", toward=of_tiers(pl.col), **options)
    assert want["term"].to_list() == ["intercept", "t[a.`b]", "t[high]", "b[true]:x"]
    assert_agree(got, want, CLOSED_FORM)
    keys = pl.DataFrame({"g": [1, 98, 99], "t": ["low", "high", "other"]})
    compare(spark, pool.shrink, TIERED, "y", "g", toward="t", groups=keys)
    compare(spark, pool.encode, TIERED, "y", "g", toward="t")


def test_levels_that_are_given(classic, received):
    """They need no job; a value that is none of them raises an error."""
    toward = pool.factor("t", levels=["low", "high", "a.`b"])
    compare(classic, pool.components, TIERED, "y", "g", toward=toward)
    assert len(received) == 3  # the first values, the classes, and the result
    with pytest.raises(ValueError, match="the factor 't' has a value") as want:
        pool.components(TIERED, "y", "g", toward=pool.factor("t", levels=["low", "high"]), over="b")
    with pytest.raises(ValueError, match="the factor 't' has a value") as got:
        path(classic)(pool.components, TIERED, "y", "g", toward=pool.factor("t", levels=["low", "high"]), over="b")
    assert str(got.value) == str(want.value)


# ---- what reaches the driver ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("as_deployed")
def test_the_driver_receives_classes(classic, received, monkeypatch):
    """After the first values: of equal sizes, or of equal sums of weights or errors if the groups are too many."""
    monkeypatch.setattr(meta_regression, "MOST", 100)
    rows = of_sizes(classic, 2_100).selectExpr("*", "g % 5 AS x", "1.0 + g % 3 AS w")
    pool.shrink(rows, "y", "g", toward="x")
    pool.coefficients(rows, "y", "g", toward="x", weights="w", over="model")
    pool.components(rows.where("i = 0"), "y", "g", toward="x", se="w")
    weights = len({(g % 4, (1 + g % 3) * (g % 7 + 1)) for g in range(2_100)})
    assert received == [1_000, 7, 1_000, 101, weights, 1_000, 101, 3]


@pytest.mark.parametrize(("spark", "verb"), in_turn((verb,) for verb in VERBS), indirect=["spark"])
def test_one_pass(classic, file, verb):
    rows = file.selectExpr("*", "g % 7 AS z")
    assert passes(classic, lambda: verb(rows, "y", "g", toward="z", sigma2="separate").toArrow()) == 1
    assert cached(classic) == (verb is pool.shrink)


REFUSED = {
    "se='w' has more than 2 different values": {"se": "w"},
    "the sums of weights='w' of the groups have more than 2 different values": {"weights": "w"},
    "with sigma2='separate', the variances of the groups have more than 2 different values": {"sigma2": "separate"},
}


def test_more_classes_than_the_driver_takes(classic, monkeypatch):
    monkeypatch.setattr(meta_regression, "MOST", 2)
    frame = spark_frame(classic, ONE)
    for reason, options in REFUSED.items():
        with pytest.raises(ValueError, match=f"^{reason}, and each of them is a row on the driver: .*give a Polars"):
            pool.components(frame, "y", "g", toward="x", **options)
    with pytest.raises(ValueError, match=r"^compare\(\) beside predictors needs every group, which are more than 2, "):
        pool.compare(frame, "y", "g", toward="x")


# ---- messages -------------------------------------------------------------------------------------------------------

WRONG_DATA = {
    "varies": ({"x": pl.when(pl.col("i") % 9 > 0).then("x").otherwise(50)}, {}),
    "varies in some models": ({"z": pl.col("z") + pl.col("i") % 2}, {"over": "h"}),
    "is missing": ({"x": pl.when(pl.col("g") > 1).then("x")}, {"se": "w"}),
    "is NaN": ({"x": pl.when(pl.col("g") > 1).then("x").otherwise(np.nan)}, {"over": "h"}),
    "is infinite": ({"z": pl.when(pl.col("g") > 1).then("z").otherwise(-np.inf)}, {}),
    "is constant": ({"z": pl.lit(0.1)}, {"weights": "w"}),
    "is a combination": ({"z": 3 * pl.col("x") + 0.1}, {}),
    "bad weights": ({"w": pl.when(pl.col("g") > 1).then("w").otherwise(-1)}, {"weights": "w"}),
    "bad values": ({"y": pl.when(pl.col("g") > 1).then("y").otherwise(np.nan)}, {}),
}


@pytest.mark.parametrize("name", WRONG_DATA)
def test_wrong_data(classic, name):
    columns, options = WRONG_DATA[name]
    frame = ONE.with_columns(**columns, h=pl.col("g") % 2)
    with pytest.raises(ValueError, match=r".") as want:
        pool.components(frame, "y", "g", toward=["x", "z"], **options)
    with pytest.raises(ValueError, match=r".") as got:
        path(classic)(pool.components, frame, "y", "g", toward=["x", "z"], **options)
    assert str(got.value) == str(want.value)


def test_a_constant_of_many_groups(classic):
    """The mean of Spark may be rounded; these constants do not seem to vary by the standard error."""
    rows = classic.range(30_000).selectExpr("id AS g", "id % 2 AS m", "id % 11 AS y", "1 + floor(sqrt(id % 9)) AS se")
    rows = rows.selectExpr("*", "0.1D + 1000 * m AS x")
    with pytest.warns(pool.ConvergenceWarning, match="a covariate is the same in all of its rows"):
        got = polars_frame(pool.components(rows, "y", "g", over="m", toward="x", se="se"))
    assert got["converged"].to_list() == [False] * 2


WRONG = (ValueError, TypeError, pl.exceptions.ColumnNotFoundError)
WRONG_ARGUMENTS = [
    {"toward": "missing"},
    {"toward": ["x", "x"]},
    {"toward": "y"},
    {"toward": 3},
    {"toward": "m"},
    {"toward": "x", "tau2": "anova"},
    {"toward": "x", "sigma2": "all"},
    {"toward": "x", "weights": "missing"},
]


def test_wrong_arguments(spark, no_job):
    frame = MODELS.with_columns(m=pl.lit(1).cast(pl.Date))
    rows = spark_frame(spark, frame)
    for options in WRONG_ARGUMENTS:
        for verb in (*VERBS, pool.encode):
            with pytest.raises(WRONG) as want:
                verb(frame.lazy(), "y", "g", **options)
            with pytest.raises(type(want.value)) as got:
                verb(rows, "y", "g", **options)
            assert str(got.value) == str(want.value)


def test_groups_without_predictors(spark, no_job):
    for keys in (NEW.drop("z"), NEW.cast({"z": pl.String})):
        with pytest.raises(WRONG) as want:
            pool.shrink(MODELS.lazy(), "y", "g", over="m", toward=["x", "z"], groups=keys)
        of_spark = spark_frame(spark, keys)
        with pytest.raises(type(want.value)) as got:
            pool.shrink(spark_frame(spark, MODELS), "y", "g", over="m", toward=["x", "z"], groups=of_spark)
        assert str(got.value) == str(want.value)
