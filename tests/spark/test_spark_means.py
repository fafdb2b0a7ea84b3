"""Means from rows on Spark: the numbers, schemas and messages of Polars, which other tests hold to the truth."""

import numpy as np
import polars as pl
import pytest
from frames import CLOSED, TAU2, rows
from grid import vector
from sparks import path, polars_frame, spark_frame

import polars_pool as pool
from polars_pool.formulas.elementary import normal_cdf

CLOSED_FORM, ITERATED = 1e-12, 1e-9
EPS = np.finfo(float).eps
LOCATIONS = {"mean", "estimate", "lower", "upper", "mu", "mu_lower", "mu_upper", "new_lower", "new_upper"}
"""Statistics that move with the data: they are compared on the scale of the standard deviation."""


def simulated(sizes: list[int], between: float, seed: int) -> pl.DataFrame:
    """Groups of these sizes, with values that stay exact when a whole number up to 1e9 is added."""
    draw = np.random.default_rng(seed)
    values = {key: draw.normal(draw.normal(0, between), 2, n) for key, n in enumerate(sizes)}
    return rows({key: np.round(some * 64) / 64 for key, some in values.items()})


MODELS = {
    "unequal": simulated([1, 1, 2, 2, 3, 5, 8, 13], 1.5, 1),
    "equal": simulated([4] * 6, 3.0, 2),
    "little between": simulated([3, 4, 5, 6, 7], 0.1, 3),
    "two groups": simulated([3, 5], 4.0, 4),
}


def among_others(models: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frame.with_columns(model=pl.lit(name)) for name, frame in models.items())


ALL = among_others(MODELS)


def assert_agree(got: pl.DataFrame, want: pl.DataFrame, keys: list[str], tolerance: float, data: pl.Series) -> None:
    """The same schema and keys, and numbers within the tolerance."""
    assert got.schema == want.schema
    got, want = got.sort(keys), want.sort(keys)
    assert got.select(keys).equals(want.select(keys))
    for name in [name for name in want.columns if name not in keys]:
        a, b = got[name], want[name]
        if b.dtype == pl.Float64:
            assert a.is_null().equals(b.is_null()), name
            scale = pl.select(pl.max_horizontal(b.abs(), data.std())).to_series() if name in LOCATIONS else b.abs()
            rounding = 4 * EPS * data.abs().max() if name in LOCATIONS else 0
            far = ((a - b).abs() > tolerance * scale + rounding) & (a != b)  # infinite numbers are equal
            assert not far.any(), f"{name}: {a.filter(far).to_list()} instead of {b.filter(far).to_list()}"
        else:
            assert a.equals(b), name


def compare(session, verb, frame, *, tolerance=ITERATED, **options):
    """Spark and Polars on the same frame."""
    got, want = path(session)(verb, frame, "y", "g", **options), in_polars(verb, frame, **options)
    keys = [name for name in ("model", "g") if name in want.columns]
    assert_agree(got, want, keys, tolerance, frame["y"])


def in_polars(verb, frame, **options):
    return verb(frame.lazy(), "y", "g", **options).collect()


def tolerance_of(tau2):
    return CLOSED_FORM if tau2 in CLOSED else ITERATED


# ---- agreement with Polars -----------------------------------------------------------------------------------------


@pytest.mark.share(4)
@pytest.mark.parametrize("tau2", TAU2)
def test_every_estimator(classic, tau2):
    compare(classic, pool.shrink, ALL, over="model", tau2=tau2, tolerance=tolerance_of(tau2))


@pytest.mark.parametrize("tau2", ["reml", "dl"])
def test_components(spark, tau2):
    compare(spark, pool.components, ALL, over="model", tau2=tau2, tolerance=tolerance_of(tau2))


OPTIONS = [
    {"sigma2": 2.5},
    {"tau2": 4, "mu": 1},
    {"sigma2": 2.5, "tau2": 4, "mu": "groups", "level": 0.8},
    {"tau2": "dl", "mu": "rows", "uncertainty": "conditional"},
    {"tau2": 0, "mu": "shrunk"},
    {"uncertainty": "tau2", "threshold": 1.5},
    {"tau2": "dl", "predict": "row", "threshold": 1.5, "uncertainty": "tau2"},
    {"tau2": "dl", "predict": "replicate", "threshold": -2.0},
]


@pytest.mark.share(2)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options_of_estimates(classic, options):
    compare(classic, pool.shrink, ALL, over="model", **options)


@pytest.mark.parametrize(
    "options",
    [
        {"sigma2": 2.5, "test": "knha", "level": 0.9},
        {"mu": 1, "tau2": "ml", "test": "adhoc"},
        {"tau2": "pm", "limits": "q", "test": "t"},
        {"tau2": 4, "mu": "rows"},
    ],
    ids=str,
)
def test_options_of_components(classic, options):
    compare(classic, pool.components, ALL, over="model", **options)


def test_a_single_model(spark):
    """Without `over` the components are constants of the query."""
    frame = MODELS["unequal"]
    compare(spark, pool.shrink, frame, threshold=1.0)
    compare(spark, pool.components, frame)
    compare(spark, pool.moments, frame)


# ---- values --------------------------------------------------------------------------------------------------------


FAR = [
    {"tau2": "reml"},
    {"tau2": "dl", "weights": "w"},
    {"tau2": "reml", "weights": "w", "sigma2": "separate"},
    {"tau2": "dl", "sigma2": "squeezed"},
    {"tau2": "reml", "se": "w"},
]


@pytest.mark.parametrize("options", FAR, ids=str)
def test_far_from_zero(classic, options):
    """A whole number added to all values moves the locations alone; every value stays exact."""
    frame = ALL.with_columns(w=(1 + pl.col("y").abs().round() % 4) / 4)
    if "se" in options:
        frame = frame.with_columns(g=pl.int_range(pl.len()))
    far, options = frame.with_columns(pl.col("y") + 1e9), options | {"over": "model"}
    for verb in (pool.shrink, pool.components):
        got = path(classic)(verb, far, "y", "g", **options)
        want = in_polars(verb, frame, **options)
        want = want.with_columns(pl.col(name) + 1e9 for name in LOCATIONS & {*want.columns})
        if verb is pool.components:  # the test that mu is 0
            got, want = got.drop("mu_p"), want.drop("mu_p")
        keys = [name for name in ("model", "g") if name in want.columns]
        assert_agree(got, want, keys, tolerance_of(options["tau2"]), far["y"])


@pytest.mark.parametrize(("tau2", "weights"), [("dl", None), ("reml", "w")])
def test_moments_far_from_zero(classic, tau2, weights):
    """Stored, their means hold fewer digits; from these, Spark computes what Polars does."""
    frame = MODELS["unequal"].with_columns(pl.col("y") + 1e9, w=1 + pl.col("g") / 8)
    stored = path(classic)(pool.moments, frame, "y", "g", weights=weights)
    assert_agree(stored, pool.moments(frame, "y", "g", weights=weights), ["g"], CLOSED_FORM, frame["y"])
    options = {"n": "n", "var": "var", "tau2": tau2} | ({"weights": "w"} if weights else {})
    for verb, keys in ((pool.shrink, ["g"]), (pool.components, [])):
        got, want = path(classic)(verb, stored, "mean", "g", **options), verb(stored, "mean", "g", **options)
        assert_agree(got, want, keys, tolerance_of(tau2), frame["y"])


def test_normal_distribution(classic):
    """Down to the tails, against exact values."""
    exact = pl.DataFrame(vector("distributions")["pool_normal_cdf"]["values"], schema=["x", "p"], orient="row")
    frame = spark_frame(classic, exact)
    got = polars_frame(frame.select("p", normal_cdf(frame["x"]).alias("got")))
    assert got.height == exact.height >= 10
    assert got["got"].to_list() == pytest.approx(got["p"].to_list(), rel=2e-15, abs=0)
