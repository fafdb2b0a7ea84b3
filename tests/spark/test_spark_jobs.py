"""What Spark reads, keeps and sends to the driver, by its own records; and what it refuses before any job."""

import polars as pl
import pytest
import sparks
from polars.testing import assert_frame_equal
from pyspark.sql import functions as F  # noqa: N812
from sparks import cached, of_sizes, passes, polars_frame, spark_frame
from test_spark_means import ALL

import polars_pool as pool

# ---- passes over a file ----------------------------------------------------------------------------------------------

PRIOR = {"tau2": "half_cauchy(1)"}
ONCE = {
    "sizes": (pool.shrink, {}),
    "variances": (pool.shrink, {"sigma2": "squeezed"}),
    "weights": (pool.shrink, {"weights": "w", "interval": "robust"}),
    "posterior": (pool.shrink, PRIOR),
    "rates": (lambda frame, _, by, **options: pool.shrink(frame, "x", by, **options), {"exposure": "w"}),
    "profile": (pool.profile, {"groups": True, "tau": [0.1]}),
}


@pytest.mark.parametrize(("spark", "name"), sparks.in_turn((name,) for name in ONCE), indirect=["spark"])
def test_one_pass_with_the_groups_in_the_cache(classic, file, name):
    verb, options = ONCE[name]
    assert passes(classic, lambda: verb(file, "y", "g", **options).toArrow()) == 1
    assert cached(classic) == 1


ONE_ROW = [(pool.components, {}), (pool.components, {"sigma2": "separate"}), (pool.compare, {}), (pool.profile, PRIOR)]


@pytest.mark.parametrize(("spark", "verb", "options"), sparks.in_turn(ONE_ROW), indirect=["spark"])
def test_one_row_per_model_leaves_nothing_in_the_cache(classic, file, verb, options):
    assert passes(classic, lambda: verb(file, "y", "g", **options).toArrow()) == 1
    assert cached(classic) == 0


@pytest.mark.parametrize(
    ("spark", "options", "number"), sparks.in_turn([({"sigma2": "separate"}, 4), ({}, 2)]), indirect=["spark"]
)
def test_without_the_cache(classic, file, options, number):
    """The passes that the guide names."""
    assert passes(classic, lambda: pool.shrink(file, "y", "g", persist=False, **options).toArrow()) == number
    assert cached(classic) == 0


def test_the_cache_changes_no_number(classic):
    frame = spark_frame(classic, ALL)
    for verb, options in ((pool.shrink, {}), (pool.encode, {"over": "model"}), (pool.compare, {})):
        one, other = (polars_frame(verb(frame, "y", "g", persist=persist, **options)) for persist in (True, False))
        assert_frame_equal(one, other, check_row_order=False, rel_tol=1e-12)


# ---- rows that reach the driver --------------------------------------------------------------------------------------


def test_the_driver_receives_the_distinct_sizes(spark, received):
    """Of the groups of each model, whatever their number, after the first values."""
    for groups in (70, 7_000):
        rows = of_sizes(spark, groups)
        first = min(1_000, rows.count())
        pool.shrink(rows, "y", "g")
        pool.components(rows, "y", "g", over="model")
        assert received == [first, 7, first, 28]
        received.clear()


@pytest.mark.filterwarnings("ignore:the data of a model of rates do not show")
def test_the_driver_receives_the_distinct_pairs(classic, received):
    for groups in (700, 7_000):
        rows = of_sizes(classic, groups).selectExpr("g", "y % 2 AS x", "i + 1 AS n")
        pairs = rows.groupBy("g").agg(F.sum("x").alias("x"), F.sum("n").alias("n")).select("x", "n").distinct().count()
        pool.shrink(rows, "x", "g", trials="n")
        assert received == [pairs]
        received.clear()


@pytest.mark.parametrize(("spark", "options"), sparks.in_turn([({},), (PRIOR,)]), indirect=["spark"])
def test_the_driver_receives_some_rows_per_bin_of_variances(spark, received, options):
    """Eight bins for each doubling of v, whatever the number of groups: here v doubles four times."""
    for groups in (4_000, 16_000):
        studies = spark.range(groups).selectExpr("id AS g", "id % 11 AS y", f"1 + 3 * id / {groups} AS se")
        pool.components(studies, "y", "g", se="se", **options)
        assert received[0] == 1_000
        assert sum(received[1:]) < 8 * 5 * 3
        received.clear()


def test_a_bin_of_many_groups_alone(spark, received):
    """No group comes to the driver after the first ones: 2,000 studies of 0 and 2,000 of 1, with se 1 and tau2 3."""
    studies = spark.range(4_000).selectExpr("id AS g", "id % 2 AS y", "1 AS se")
    got = polars_frame(pool.components(studies, "y", "g", se="se", tau2=3)).row(0, named=True)
    assert got["groups"] == 4_000
    assert (got["mu"], got["se_mu"]) == pytest.approx((0.5, (4 / 4_000) ** 0.5), rel=1e-12)
    assert received == [1_000, 1, 1, 1]


# ---- refused without a job -------------------------------------------------------------------------------------------

REFUSED = [
    (pool.components, ("y", "g"), {"test": "tt"}),
    (pool.components, ("y", "g"), {"limits": "p"}),
    (pool.components, ("y", "g"), {"tau2": "half_cauchy(-5)"}),
    (pool.shrink, ("y", "g"), {"interval": "robust", "predict": "row"}),
    (pool.shrink, ("y", "g"), {"trials": "n", "exposure": "n"}),
    (pool.shrink, ("y", "g"), {"trials": "n", "tau2": "dl"}),
    (pool.shrink, ("y", "g"), {"trials": "missing"}),
    (pool.shrink, ("y", "g"), {"family": "poisson"}),
    (pool.shrink, ("y", "g"), {"trials": "n", "prior": pool.Gamma(3, 1)}),
    (pool.encode, ("y", "g"), {"name": "y"}),
    (pool.encode, ("y", "missing"), {}),
    (pool.compare, ("y", "g"), {"mu": "median"}),
    (pool.profile, ("y", "g"), {"tau": [-1.0]}),
    (pool.profile, ("y", "g"), {"groups": 1}),
    (pool.profile, ("y", "g"), {"tau2": 3}),
    (pool.moments, ("model", "g"), {}),
    (pool.merge, ("g",), {"value": "y"}),
]
WRONG = (ValueError, TypeError, pl.exceptions.ColumnNotFoundError)


STUDIED = ALL.with_columns(n=pl.lit(9))
KEYS = pl.DataFrame({"g": [77], "model": ["unequal"]})


def test_wrong_arguments_of_every_verb(spark, no_job):
    frame = spark_frame(spark, STUDIED)
    for verb, arguments, options in REFUSED:
        with pytest.raises(WRONG) as want:
            verb(STUDIED.lazy(), *arguments, **options)
        with pytest.raises(type(want.value)) as got:
            verb(frame, *arguments, **options)
        assert str(got.value) == str(want.value)


def test_wrong_names_beside_an_expression(spark, no_job):
    """The message lists the columns of the frame."""
    frame = spark_frame(spark, STUDIED)
    for verb, options in ((pool.encode, {}), (pool.shrink, {"over": "mode"}), (pool.shrink, {"se": "missing"})):
        by = "g" if options else "G"
        with pytest.raises(WRONG, match="it has 'g', 'y'") as want:
            verb(STUDIED.lazy(), (pl.col("y") * 2).alias("twice"), by, **options)
        with pytest.raises(type(want.value)) as got:
            verb(frame, (F.col("y") * 2).alias("twice"), by, **options)
        assert str(got.value) == str(want.value)


def test_expressions_of_polars(spark, no_job):
    frame = spark_frame(spark, STUDIED)
    for role, arguments in (("value", (pl.col("y"), "g")), ("by", ("y", ["model", pl.col("g")]))):
        with pytest.raises(
            TypeError, match=f"{role}= is an expression of Polars; give a column name or an expression of"
        ):
            pool.shrink(frame, *arguments)


def test_wrong_groups(spark, no_job):
    frame = spark_frame(spark, STUDIED)
    for keys in (KEYS.drop("g"), KEYS.rename({"g": "G"}), KEYS.cast({"g": pl.String})):
        with pytest.raises(WRONG) as want:
            pool.shrink(STUDIED.lazy(), "y", "g", groups=keys)
        with pytest.raises(type(want.value)) as got:
            pool.shrink(frame, "y", "g", groups=spark_frame(spark, keys))
        assert str(got.value) == str(want.value)
    with pytest.raises(TypeError, match="groups is a DataFrame; give a Spark DataFrame of keys"):
        pool.shrink(frame, "y", "g", groups=KEYS)


def test_wrong_persist(spark, no_job):
    frame = spark_frame(spark, STUDIED)
    for verb in (pool.shrink, pool.components, pool.encode, pool.compare, pool.profile):
        with pytest.raises(TypeError, match="persist"):
            verb(frame, "y", "g", persist="yes")
        with pytest.raises(ValueError, match="persist=True is for Spark frames; leave it out"):
            verb(STUDIED, "y", "g", persist=True)


def test_what_needs_the_groups_in_memory(spark, no_job):
    frame = spark_frame(spark, STUDIED)
    with pytest.raises(TypeError, match="do not run on Spark"):
        pool.posterior_draws(frame, "y", "g", tau2="half_cauchy(5)")
