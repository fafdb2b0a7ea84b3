"""What a call on Spark accepts: keys and values of any type and name, expressions, sessions; and what it refuses."""

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import sparks
import test_degenerate_duckdb as table
import test_wide_values as wide
from pyspark.errors import PySparkException
from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812
from sparks import path, polars_frame, setting, spark_frame
from test_spark_means import ALL, CLOSED_FORM, assert_agree, compare, in_polars

import polars_pool as pool

EVERYTHING, VALUE, OPTIONS = table.as_input(table.ROWS, "rows")


# ---- keys ----------------------------------------------------------------------------------------------------------

MOMENT = datetime(2026, 1, 1, 1, 2, 3, 4, tzinfo=UTC)
KEYS = pl.DataFrame(
    {
        "a.b": ["x", "y", None, "x", "", "y", None, "x"],
        "back`tick": [0.0, float("nan"), None, -0.0, 1.5, float("nan"), None, 0.0],
        'quo"te': [True, False, None, True, True, False, None, True],
        "it's": [date(2026, 1, 1), None, None, date(2026, 1, 1), date(1, 1, 1), None, None, date(2026, 1, 1)],
        "two words": [MOMENT, None, None, MOMENT] * 2,
        "N": pl.Series([1, 2, None, 1, 3, 2, None, 1], dtype=pl.Int16),
        "décimale": [Decimal("1.10"), Decimal("2.20"), None, Decimal("1.10")] * 2,
        "bytes": [b"\x00", b"\xff", None, b"\x00"] * 2,
        "y": [1.0, 2.5, 3.0, 5.0, 4.0, 6.0, 8.5, 9.0],
    }
)
EACH = [name for name in KEYS.columns if name != "y"]


@pytest.mark.parametrize("over", [None, EACH[:2], EACH[2:]], ids=["by all", "over two", "over six"])
def test_keys_of_every_type_and_name(spark, over):
    by = [name for name in EACH if name not in (over or [])]
    options = {"over": over, "sigma2": 2, "tau2": 3}
    got = path(spark)(pool.shrink, KEYS, "y", by, **options)
    assert_agree(got, pool.shrink(KEYS, "y", by, **options), [*(over or []), *by], CLOSED_FORM, KEYS["y"])


@pytest.mark.parametrize(
    "options",
    [{}, {"sigma2": "squeezed"}, {"tau2": "half_cauchy(1)"}, {"exposure": "w", "prior": "gamma(3, 1)"}],
    ids=str,
)
@pytest.mark.parametrize("ansi", ["true", "false"])
def test_a_model_of_nan(classic, options, ansi):
    """NaN is a single key of `over`, whatever its sign, and -0.0 is 0."""
    nan = float("nan")
    frame = pl.DataFrame({"m": [nan, -nan, nan, -nan, nan] + [0.0, -0.0] * 2, "g": [0, 1, 0, 1, 2, 0, 1, 0, 1]})
    frame = frame.with_columns(y=pl.Series([1, 2, 3, 5, 9, 6, 8, 7, 4]), w=1.0 + pl.col("g"))
    with setting(classic, "spark.sql.ansi.enabled", ansi):
        got = path(classic)(pool.shrink, frame, "y", "g", over="m", **options)
    want = pool.shrink(frame, "y", "g", over="m", **options)
    assert_agree(
        *(result.with_columns(pl.col("m").fill_nan(1)) for result in (got, want)), ["m", "g"], 1e-9, frame["y"]
    )


@pytest.mark.parametrize(("by", "over"), [("g", ["model", "nothing"]), (["nothing", "g"], "model")], ids=str)
def test_a_key_without_values(spark, by, over):
    """As `SELECT NULL AS region` makes one."""
    frame = ALL.with_columns(nothing=pl.lit(None))
    options = {"over": over, "tau2": "dl"}
    for verb in (pool.shrink, pool.encode):
        got, want = path(spark)(verb, frame, "y", by, **options), verb(frame, "y", by, **options)
        keys = ["model", "g"] if verb is pool.shrink else ["model", "g", "y"]
        assert_agree(got.drop("nothing"), want.drop("nothing"), keys, CLOSED_FORM, frame["y"])
    expression = pool.shrink(spark_frame(spark, ALL), "y", "g", over=["model", F.lit(None).alias("nothing")], tau2="dl")
    want = pool.shrink(ALL, "y", "g", over="model", tau2="dl")
    assert_agree(polars_frame(expression).drop("nothing"), want, ["model", "g"], CLOSED_FORM, frame["y"])


def test_a_key_with_the_name_of_a_result(classic):
    frame = KEYS.rename({"N": "mean"})
    with pytest.raises(ValueError, match="mean") as in_polars:
        pool.shrink(frame, "y", "mean")
    with pytest.raises(ValueError, match="mean") as on_spark:
        pool.shrink(spark_frame(classic, frame), "y", "mean")
    assert str(on_spark.value) == str(in_polars.value)


def test_names_that_differ_in_case(classic):
    frame = ALL.with_columns(G=pl.col("g") % 3, Y=-pl.col("y"))
    with setting(classic, "spark.sql.caseSensitive", "true"):
        compare(classic, pool.shrink, frame, over="model", mu=1)
        got = path(classic)(pool.shrink, frame, "Y", ["G", "g"], over="model")
        want = pool.shrink(frame, "Y", ["G", "g"], over="model")
        assert_agree(got, want, ["model", "G", "g"], 1e-9, frame["Y"])


# ---- expressions and values ----------------------------------------------------------------------------------------


def test_keys_that_differ_by_case_alone(spark):
    frame = spark_frame(spark, pl.DataFrame({"g": ["a", "b"], "y": [1.0, 2.0]}))
    with pytest.raises(ValueError, match=r"^the keys 'g' and 'G' differ by case alone"):
        pool.shrink(frame, "y", by=["g", F.upper("g").alias("G")])


def test_expressions(spark):
    frame = spark_frame(spark, ALL)
    value, by = (F.exp(F.col("y") / 4) + 1).alias("grown"), [(F.col("g") % 4).alias("rest"), frame["model"]]
    got = polars_frame(pool.shrink(frame, value, by, over=F.upper("model").alias("letters")))
    value, by = (pl.col("y") / 4).exp().alias("grown") + 1, [(pl.col("g") % 4).alias("rest"), "model"]
    want = pool.shrink(ALL, value, by, over=pl.col("model").str.to_uppercase().alias("letters"))
    assert_agree(got, want, ["letters", "rest", "model"], 1e-9, ALL["y"])


def test_expressions_that_are_not_computed_row_by_row(spark):
    frame = spark_frame(spark, ALL)
    with pytest.raises(ValueError, match=r"value=.* is not computed row by row"):
        pool.shrink(frame, F.sum("y"), "g")
    with pytest.raises(ValueError, match=r"by=.* is not computed row by row"):
        pool.components(frame, "y", F.row_number().over(Window.partitionBy("model").orderBy("y")))


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int32, pl.Float32, pl.Boolean, pl.Decimal(9, 2)], ids=str)
def test_values_of_every_type(classic, dtype):
    frame = ALL.with_columns(y=(pl.col("y") > 1).cast(pl.Int8) if dtype == pl.Boolean else pl.col("y").round())
    frame = frame.with_columns(pl.col("y").cast(dtype))
    options = {"over": "model", "family": "normal"} if dtype == pl.Boolean else {"over": "model"}
    got, want = path(classic)(pool.shrink, frame, "y", "g", **options), in_polars(pool.shrink, frame, **options)
    assert_agree(got, want, ["model", "g"], 1e-9, frame["y"].cast(float))


@pytest.mark.share(2)
@pytest.mark.parametrize(
    ("offset", "dtype"),
    [
        ("ns", pl.Int64),
        ("least", pl.Int64),
        ("largest", pl.Int64),
        ("2^53", pl.Decimal(38, 0)),
        ("below 0", pl.Decimal(38, 5)),
    ],
    ids=str,
)
def test_an_offset_costs_no_digits(classic, offset, dtype):
    wide.test_an_offset_costs_no_digits(path(classic), offset, dtype)


# ---- errors --------------------------------------------------------------------------------------------------------

WRONG = [
    (("missing", "g"), {}),
    (("y", "missing"), {}),
    (("y", "g"), {"over": "missing"}),
    (("model", "g"), {}),
    (("y", []), {}),
    (("y", ["g", "g"]), {}),
    (("y", 3), {}),
    ((3, "g"), {}),
    (("y", "g"), {"tau2": "rmel"}),
    (("y", "g"), {"tau2": -1}),
    (("y", "g"), {"sigma2": float("nan")}),
    (("y", "g"), {"mu": "gsl"}),
    (("y", "g"), {"level": 95}),
    (("y", "g"), {"nan": "drop"}),
    (("y", "g"), {"predict": "future"}),
    (("y", "g"), {"uncertainty": "all"}),
    (("y", "g"), {"uncertainty": "tau2", "tau2": "cv"}),
    (("y", "g"), {"threshold": "1"}),
    (("y", "g"), {"n": "g"}),
    (("y", "g"), {"weights": "model"}),
    (("y", "g"), {"se": "missing"}),
]


def test_wrong_arguments_are_refused_as_in_polars_without_a_job(spark, sessions):
    frame, before = spark_frame(spark, ALL), sparks.jobs(sessions["classic"])
    for arguments, options in WRONG:
        with pytest.raises((ValueError, TypeError, pl.exceptions.ColumnNotFoundError)) as want:
            pool.shrink(ALL.lazy(), *arguments, **options)
        with pytest.raises(type(want.value)) as got:
            pool.shrink(frame, *arguments, **options)
        assert str(got.value) == str(want.value)
    assert sparks.jobs(sessions["classic"]) == before


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_value_that_is_not_finite(spark, bad):
    """The same sentence: at once where the components are needed, and when the query runs for moments."""
    frame = ALL.with_columns(y=pl.when(pl.col("g") == 2).then(bad).otherwise("y"))
    with pytest.raises(ValueError, match="'y'") as want:
        pool.shrink(frame, "y", "g", over="model")
    for verb in (pool.shrink, pool.components):
        with pytest.raises(ValueError, match="'y'") as got:
            path(spark)(verb, frame, "y", "g", over="model")
        assert str(got.value) == str(want.value)
    moments = pool.moments(spark_frame(spark, frame), "y", ["g", "model"])
    with pytest.raises(PySparkException) as got:
        moments.select("g").toArrow()
    assert str(want.value) in str(got.value)
    compare(spark, pool.shrink, frame, over="model", nan="null")


# ---- sessions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [pool.shrink, pool.components])
@pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")
def test_without_ansi(classic, verb):
    """Where division by zero gives null, not an error, the degenerate table stays the same."""
    keys = ["case", "g"] if verb is pool.shrink else ["case"]
    with setting(classic, "spark.sql.ansi.enabled", "false"):
        got = path(classic)(verb, EVERYTHING, VALUE, "g", over="case", **OPTIONS)
    want = verb(EVERYTHING, VALUE, "g", over="case", **OPTIONS)
    assert_agree(got, want, keys, 1e-9, EVERYTHING[VALUE])


ALONE = """
import sys
from pyspark.sql import SparkSession
import polars_pool as pool

spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
frame = spark.createDataFrame([("a", 1.0), ("a", 3.0), ("a", 2.0), ("b", 9.0)], ["school", "score"])
pooled = pool.shrink(frame, "score", by="school", sigma2=3.0, tau2=1.0, mu=6.0)
print(sorted(tuple(row) for row in pooled.select("school", "n", "mean", "v", "weight", "estimate").collect()))
"""


def run_alone(sessions, program: str, *arguments: str) -> str:
    """What a program prints in a process without Java, which connects to the server."""
    port = sessions["classic"].sparkContext.getConf().get("spark.connect.grpc.binding.port")
    command = [sys.executable, "-W", "ignore", "-c", program, f"sc://127.0.0.1:{port}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_program_that_only_has_connect(sessions):
    """The example of `shrink`."""
    assert run_alone(sessions, ALONE) == "[('a', 3, 2.0, 1.0, 0.5, 4.0), ('b', 1, 9.0, 3.0, 0.25, 6.75)]\n"


MEMORY = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
import polars_pool as pool

spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
spark.conf.set("spark.sql.codegen.factoryMode", "FALLBACK")
rows = spark.range(2 * int(sys.argv[2])).selectExpr("id div 2 AS g", "rand(1) AS y")
pooled = pool.shrink(rows, "y", "g", sigma2="separate")
pooled.write.format("noop").mode("overwrite").save()
[peak] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(peak)
"""


@pytest.mark.only_full
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux alone tells the largest size of a process")
def test_memory_of_the_driver_does_not_grow_with_the_groups(sessions):
    """A million groups have 32 MB of statistics, none of which reach it."""
    few, many = (int(run_alone(sessions, MEMORY, groups)) for groups in ("10000", "1000000"))
    assert many - few < 8_000  # kilobytes
