"""Compressed groups have the sums of all groups."""

import math
import re
from contextlib import contextmanager

import numpy as np
import polars as pl
import pytest
import ways
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool.formulas import compression, registry
from polars_pool.models import many
from polars_pool.models.hyperparameters import Hyperparameters
from polars_pool.models.many import Groups
from polars_pool.models.oneway import bins
from polars_pool.models.oneway import compression as models
from polars_pool.models.oneway.components import by_model
from polars_pool.models.oneway.fit import fit
from polars_pool.models.oneway.spec import Means

H = 2 ** (1 / compression.BINS)
TERMS = {
    "precision": lambda v, tau2: 1 / (v + tau2),
    "squared precision": lambda v, tau2: 1 / (v + tau2) ** 2,
    "log": lambda v, tau2: np.log(v + tau2),
    "pooling": lambda v, tau2: v / (v + tau2),
}


def pseudo_groups(v, y):
    """Counts, v and y of the pseudo-groups of one bin, from the formulas."""
    least, largest, mean, sd = v.min(), v.max(), y.mean(), y.std()
    t, z = compression.place(v, least, largest), compression.deviation(y, mean, sd)
    polynomials = [np.ones_like(t), t]
    while len(polynomials) <= compression.DEGREE:
        polynomials.append(compression.next_polynomial(t, *polynomials[:-3:-1]))
    sums = np.array([[(p * z**q).sum() for q in range(3)] for p in polynomials])
    count, first, second = (np.array(compression.COUNTS) @ sums).T
    points = compression.at_point(np.array(compression.POINTS), least, largest)
    above, below = compression.count_above(first, second), compression.count_below(first, second)
    counts = np.concatenate([above, below, compression.count_at_mean(count, second)])
    return counts, np.tile(points, 3), np.repeat([mean + sd, mean - sd, mean], len(points))


@pytest.mark.parametrize("tau2", [0.0, 0.1, 1.0, 100.0])
@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("shape", ["spread", "few values", "at one end", "skewed means"])
def test_a_bin_has_the_sums_of_its_groups(term, tau2, shape):
    """Sums of f(v) y^q over the pseudo-groups of a bin against exactly rounded sums over its groups."""
    rng = np.random.default_rng(1)
    v, y = 3 * H ** rng.random(500), rng.normal(2, 1, 500)
    if shape == "few values":
        v = rng.choice(v[:3], 500)
    elif shape == "at one end":
        v[1:] = v[0]
    elif shape == "skewed means":
        y = np.exp(3 * y)
    counts, points, means = pseudo_groups(v, y)
    for q in range(3):
        f = TERMS[term](v, tau2)
        total, size = math.fsum(f * y**q), math.fsum(abs(f * y**q))
        assert abs(math.fsum(counts * TERMS[term](points, tau2) * means**q) - total) <= 1e-12 * size


# ---- models --------------------------------------------------------------------------------------------------------


@contextmanager
def least_groups(number):
    """Models of at least so many groups are compressed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "MANY", number)
        patch.setattr(bins, "MANY", number)
        yield


def groups_of(v, y, w=None):
    """Published estimates with sampling variances v, or one row of weight w from each group."""
    one = np.ones_like(y)
    w = one if w is None else w
    return Groups(np.zeros(1, dtype=np.int64), n=3 * one, w=w, y=y, squares=2 * one, v=v)


def compressed_by_plan(v, y):
    """The same published estimates, compressed by a plan."""
    request = Means(by_names=("g",), value=pl.col("y"), se=pl.col("se"), lazy=True)
    frame = pl.LazyFrame({"_pool_w": 1 / np.maximum(v, 1e-150), "_pool_y": y, "_pool_v": v})
    table = bins.binned(frame, request).with_columns(_pool_pivot=0.0).collect()
    return by_model(table, request)[2]


CASES = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "size": st.integers(120, 400),
        "decades": st.sampled_from([0, 0.3, 3, 12, 24]),  # over which the sampling variances are spread
        "clusters": st.sampled_from([0, 1, 3]),
        "width": st.sampled_from([0, 1e-15, 1e-6, 0.02]),  # of a cluster
        "zeros": st.sampled_from([0, 0, 1, 2, 60]),
        "last": st.sampled_from([1, 1e-20, 1e20]),  # factor of one sampling variance
        "mu": st.sampled_from([0, 50]),
        "tau": st.sampled_from([0, 1e-3, 1, 10]),
    }
)


def published(seed, size, decades, clusters, width, zeros, last, mu, tau):
    """Sampling variances and means of some hundred groups."""
    rng = np.random.default_rng(seed)
    v = 10 ** rng.uniform(-decades / 2, decades / 2, size)
    if clusters:
        v = rng.choice(v[:clusters], size) * (1 + width * rng.random(size))
    v[:zeros] = 0
    v[-1] *= last
    return v, rng.normal(mu, tau, size) + rng.normal(size=size) * np.sqrt(v)


@settings(max_examples=20 if ways.full else 10, deadline=None)
@given(CASES)
def test_every_estimator_is_that_of_all_groups(case):
    """tau2 and mu of compressed groups are those of all groups, up to 1e-11 of the estimate and its standard error."""
    v, y = published(**case)
    with least_groups(100):
        by_plan = compressed_by_plan(v, y)
    for method in registry.TAU2.values():
        if method.known_v is None or (method.equal_v and np.ptp(v) > 0):
            continue
        request = Hyperparameters(tau2=method.name)
        every = fit(groups_of(v, y), True, request)
        with least_groups(100):
            few = fit(groups_of(v, y), True, request)
        assert (few.g.k is None) == method.needs_n
        tau2, mu, se = (getattr(every.components, name) for name in ("tau2", "mu", "se_mu"))
        own = np.sqrt(2 / (1 / np.maximum(v + tau2, 1e-150) ** 2).sum())
        for compressed in (few, fit(by_plan, True, request)):
            assert abs(compressed.components.tau2 - tau2) <= 1e-11 * (tau2 + own), method.name
            assert abs(compressed.components.mu - mu) <= 1e-11 * (abs(mu) + se), method.name
            assert compressed.components.groups == len(v)
            assert compressed.components.converged == every.components.converged


@pytest.fixture(scope="module")
def moments():
    """Moments of the groups of three models: one with too few groups to be compressed, one with single rows."""
    rng = np.random.default_rng(5)
    model = np.repeat([0, 1, 2], [60, 700, 1500])
    n = rng.integers(2, 9, model.size)
    n[model == 2] -= 1
    w, sigma2 = n * rng.uniform(0.5, 2, model.size), 10.0 ** rng.uniform(-2, 2, model.size)
    mean = rng.normal(100, 1, model.size) + rng.normal(size=model.size) * np.sqrt(sigma2 / n)
    var = sigma2 * rng.chisquare(np.maximum(n - 1, 1)) / np.maximum(n - 1, 1)
    columns = {"model": model, "g": np.arange(model.size), "n": n, "mean": mean, "var": var, "w": w}
    return pl.DataFrame(columns).with_columns(se=(pl.col("var") / pl.col("n")).sqrt())


STORED = {"n": "n", "var": "var"}
WAYS = {
    "se": {"se": "se"},
    "separate, weights": {**STORED, "weights": "w", "sigma2": "separate"},
    "separate": {**STORED, "sigma2": "separate"},
    "squeezed": {**STORED, "sigma2": "squeezed"},
    "weights": {**STORED, "weights": "w"},
    "weights, known sigma2": {**STORED, "weights": "w", "sigma2": 3.0},
}
OPTIONS = {
    "reml": {"test": "knha", "limits": "profile"},
    "ml, known mu": {"tau2": "ml", "mu": 100.0},
    "dl, equal groups": {"tau2": "dl", "mu": "groups"},
    "pmm": {"tau2": "pmm"},
    "anova, rows": {"tau2": "anova", "mu": "rows"},
    "shrunk": {"tau2": "sj", "mu": "shrunk"},
    "prior": {"tau2": pool.HalfCauchy(1)},
    "priors": {"tau2": pool.UniformShrinkage(), "mu": pool.Normal(90, 5)},
}


def by_all(verb, moments, options, keys=("model",)):
    """The result from all groups, and from models with at least 500 groups compressed by arrays and by a plan."""
    results = []
    for number in (10**9, 500):
        with least_groups(number):
            results.append(verb(moments, "mean", by="g", over="model", **options))
    with least_groups(500):
        by_plan = verb(moments.lazy(), "mean", by="g", over="model", **options).collect()
    return *results, by_plan.sort(keys)


@pytest.mark.share(2)
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("way", WAYS)
def test_models_of_many_groups_have_the_components_of_all(moments, way, option):
    """Every column of `components`, several models in one query."""
    options = WAYS[way] | OPTIONS[option]
    if way == "se" and option in ("anova, rows", "shrunk"):
        options["n"] = "n"
    every, *compressed = by_all(pool.components, moments, options)
    for few in compressed:
        assert_frame_equal(few, every, rel_tol=1e-9, abs_tol=1e-13)
        if not option.startswith("prior"):
            assert_frame_equal(few.select("tau2", "mu"), every.select("tau2", "mu"), rel_tol=1e-11, abs_tol=0.0)


@pytest.mark.parametrize("way", WAYS)
def test_estimates_and_curves_are_those_of_all_groups(moments, way):
    for verb, key, options in ((pool.shrink, "g", {"uncertainty": "tau2"}), (pool.profile, "tau", {})):
        every, *compressed = by_all(verb, moments, WAYS[way] | options, ["model", key])
        for few in compressed:
            assert_frame_equal(few, every, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("sigma2", ["separate", "squeezed"])
def test_comparisons_use_all_groups(moments, sigma2):
    every, *compressed = by_all(pool.compare, moments, {**STORED, "sigma2": sigma2})
    for few in compressed:
        assert_frame_equal(few, every, rel_tol=1e-10)


HALF = pl.col("g") % 2 == 0
DEGENERATE = {
    "groups without rows": {"mean": pl.when(HALF).then("mean")},
    "a model without rows": {"mean": pl.when(pl.col("model") < 2).then("mean")},
    "infinite errors": {"se": pl.when(HALF).then("se").otherwise(math.inf)},
    "exact means": {"se": pl.when(HALF).then("se").otherwise(0.0), "var": pl.when(HALF).then("var").otherwise(0.0)},
    "half of one row": {"n": pl.when(HALF).then("n").otherwise(1)},
    "one row each": {"n": pl.lit(1)},
    "equal means": {"mean": pl.lit(7.0)},
    "equal means of one row": {"mean": pl.lit(7.0), "n": pl.lit(1)},
    "equal variances": {"se": pl.lit(2.0), "var": pl.lit(2.0), "w": pl.lit(1.0)},
    "squares beyond Float64": {"mean": pl.col("mean") * 1e200},
    "sums beyond Float64": {"mean": pl.col("mean") * 1e305, "var": pl.lit(1e308), "se": pl.lit(1e154)},
}


@pytest.mark.share(2)
@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_degenerate_models_have_the_components_of_all(moments, case):
    frame = moments.with_columns(**DEGENERATE[case])
    for way in ("se", "separate", "separate, weights", "weights"):
        every, by_arrays, by_plan = by_all(pool.components, frame, WAYS[way])
        assert_frame_equal(by_plan, every, rel_tol=1e-9, abs_tol=1e-13)
        columns = ("groups", "n", "sigma2", "tau2", "mu", "converged")
        assert_frame_equal(by_arrays.select(columns), every.select(columns), rel_tol=1e-9, abs_tol=1e-13)


@pytest.mark.parametrize("column", ["mean", "se"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_a_plan_raises_the_errors_of_all_groups(moments, column, bad):
    frame = moments.with_columns(pl.when(pl.col("g") == 1000).then(bad).otherwise(column).alias(column))

    def message(frame):
        try:
            pool.components(frame, "mean", by="g", over="model", se="se").lazy().collect()
        except (ValueError, pl.exceptions.ComputeError) as error:
            return re.search("(the value|se=).*", str(error))[0]
        return None

    with least_groups(500):
        assert message(frame.lazy()) == message(frame)


def test_many_models_of_equally_many_groups_are_those_of_each_alone():
    """So many models of so many groups each are worth a table of models, and worth a compression."""
    models, groups = many.ALIKE, compression.MANY
    rng = np.random.default_rng(1)
    model, effect = np.repeat(np.arange(models), groups), np.tile(rng.normal(size=groups), models)
    columns = {
        "model": model,
        "g": np.tile(np.arange(groups), models),
        "mean": effect + model,
        "n": 3,
        "var": effect**2,
    }
    frame, options = pl.DataFrame(columns), {**STORED, "tau2": "dl", "sigma2": "separate"}
    together = pool.components(frame, "mean", by="g", over="model", **options)
    alone = pool.components(frame.filter(model=7), "mean", by="g", over="model", **options)
    assert_frame_equal(together.filter(model=7), alone, rel_tol=1e-12)
    assert together.height == models


def test_a_model_of_some_thousand_groups_keeps_them():
    rng = np.random.default_rng(1)
    for size, is_compressed in ((compression.MANY - 1, False), (compression.MANY, True)):
        g = groups_of(rng.chisquare(3, size), rng.normal(size=size))
        few = models.compressed(g, "v")
        assert (few is g) != is_compressed
        assert len(few.y) <= size
        assert (few.range[0], few.range[1]) == (g.y.min(), g.y.max())
        assert (few.smallest(few.v), few.largest(few.v)) == (g.v.min(), g.v.max())
        assert few.reach(few.plain_mean) == pytest.approx(g.reach(g.plain_mean), rel=1e-13)


@pytest.mark.parametrize("tau2", ["reml", "pm"])
def test_the_estimate_of_many_groups_solves_its_equation(tau2):
    """The equation of the estimator, by exactly rounded sums over 20,000 groups."""
    rng = np.random.default_rng(1)
    v = rng.chisquare(3, 20_000)
    y = 10 + rng.normal(size=v.size) + rng.normal(size=v.size) * np.sqrt(v)
    frame = pl.DataFrame({"g": np.arange(v.size), "y": y, "se": np.sqrt(v)})
    result = pool.components(frame, "y", by="g", se="se", tau2=tau2).row(0, named=True)
    v = frame["se"].to_numpy() ** 2

    def excess(tau2):
        w = 1 / (v + tau2)
        s1, s2 = math.fsum(w), math.fsum(w * w)
        d2 = (y - math.fsum(w * y) / s1) ** 2
        return math.fsum(w * w * d2) - s1 + s2 / s1, math.fsum(w * d2) - (v.size - 1)

    low, high = (excess(result["tau2"] * factor)[tau2 == "pm"] for factor in (1 - 1e-11, 1 + 1e-11))
    assert low > 0 > high
