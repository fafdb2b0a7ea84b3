"""Posteriors on Spark with the options that the numbers from outside do not reach: the numbers of Polars."""

import numpy as np
import polars as pl
import pytest
from sparks import path
from test_spark_means import ALL, ITERATED, assert_agree, compare

import polars_pool as pool

STUDIES = ALL.group_by("model", "g").agg(pl.col("y").mean(), se=2 / pl.len().sqrt(), n=pl.len().cast(pl.Int64))
WEIGHTED = ALL.with_columns(w=pl.Series(np.random.default_rng(18).integers(1, 40, ALL.height)) / 8)
NEW = pl.DataFrame({"g": [0, 77]}, schema=ALL.select("g").schema)
OPTIONS = [
    {"tau2": pool.HalfNormal(2), "threshold": 0.5, "level": 0.8},
    {"tau2": "half_cauchy(1)", "mu": pool.Normal(0, 5), "interval": "shortest", "groups": NEW},
    {"tau2": pool.HalfCauchy(2), "sigma2": "separate", "threshold": 0.5},
    {"tau2": "exponential(1)", "sigma2": "squeezed", "predict": "row"},
    {"tau2": pool.HalfCauchy(2), "weights": "w", "mu": 1.0},
    {"tau2": "uniform(0, 9)", "sigma2": "jeffreys()"},
    {"tau2": 2.0, "mu": pool.Normal(0, 5), "threshold": 0.5, "predict": "replicate"},
]


@pytest.mark.share(2)
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: " ".join(options))
def test_options_of_estimates(classic, options):
    got = path(classic)(pool.shrink, WEIGHTED, "y", "g", over="model", **options)
    want = pool.shrink(WEIGHTED, "y", "g", over="model", **options)
    assert_agree(got, want, ["model", "g"], ITERATED, WEIGHTED["y"])


@pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[1], OPTIONS[2]], ids=str)
def test_components(classic, options):
    options = {name: option for name, option in options.items() if name not in ("threshold", "groups")}
    compare(classic, pool.components, WEIGHTED, over="model", **options)


def test_a_sample_of_both_sessions(spark):
    """Published estimates of one model, and of many."""
    for over in (None, "model"):
        options = {"over": over, "se": "se", "n": "n", "tau2": "half_cauchy(2)", "threshold": 1.0}
        frame = STUDIES if over else STUDIES.filter(pl.col("model") == "unequal")
        got, want = path(spark)(pool.shrink, frame, "y", "g", **options), pool.shrink(frame, "y", "g", **options)
        assert_agree(got, want, ["model", "g"] if over else ["g"], ITERATED, ALL["y"])


@pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")
def test_models_without_a_posterior(classic):
    """One group is too few for a flat prior of tau: an error alone, null among other models."""
    one = STUDIES.filter(pl.col("g") == 0, pl.col("model") == "equal")
    among = STUDIES.filter((pl.col("g") == 0) | (pl.col("model") == "unequal"))
    for verb in (pool.shrink, pool.components):
        with pytest.raises(ValueError, match="tau2=") as want:
            verb(one, "y", "g", se="se", tau2="uniform()")
        with pytest.raises(ValueError, match="tau2=") as got:
            path(classic)(verb, one, "y", "g", se="se", tau2="uniform()")
        assert str(got.value) == str(want.value)
        got, want = (
            path(classic)(verb, among, "y", "g", over="model", se="se", tau2="uniform()"),
            verb(among, "y", "g", over="model", se="se", tau2="uniform()"),
        )
        assert_agree(got, want, ["model", "g"] if verb is pool.shrink else ["model"], ITERATED, ALL["y"])


def test_encode(spark):
    options = {"over": "model", "tau2": "half_cauchy(2)"}
    frame = ALL.with_row_index("row").cast({"row": pl.Int64})
    got = path(spark)(pool.encode, frame, "y", "g", **options)
    assert_agree(got, pool.encode(frame, "y", "g", **options), ["row"], ITERATED, ALL["y"])
