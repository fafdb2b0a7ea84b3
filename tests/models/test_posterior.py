"""The posterior for difficult and degenerate data, its laws, its errors, and draws from it."""

import math
import warnings
from functools import cache
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import ways
from frames import FRAME_PATHS, ROW_PATHS, published, rows
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.integrate import quad
from scipy.special import log_ndtr
from scipy.stats import kstest

import polars_pool as pool
from polars_pool.formulas.priors import OF_MU, OF_TAU, called, parsed
from polars_pool.numerics import newton

EFFECTS = [(28, 15), (8, 10), (-3, 16), (7, 11), (-1, 9), (1, 11), (18, 10), (12, 18)]
SCHOOLS = published(dict(zip("ABCDEFGH", EFFECTS, strict=True)))
PUBLISHED = {"se": "se"}


@pytest.fixture(params=FRAME_PATHS)
def run(request):
    return FRAME_PATHS[request.param]


def near(result, expected, relative=1e-8):
    np.testing.assert_allclose(
        np.array(result, dtype=float), np.array(expected, dtype=float), rtol=relative, atol=1e-13
    )


def components(frame, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pool.ConvergenceWarning)
        [result] = pool.components(frame, "y", "g", **{**PUBLISHED, **options}).to_dicts()
    return result


# ---- hard cases: against adaptive quadrature of the plain integrand --------------------------------------------------


def integrated(y, v, log_prior, statistic=lambda tau: tau):
    """The posterior mean for a flat mu, by adaptive quadrature over pieces of log tau."""
    y, v = np.asarray(y, dtype=float), np.asarray(v, dtype=float)

    def log_density(x):
        s = v + math.exp(2 * x)
        w = 1 / s
        mu = (w * y).sum() / w.sum()
        return log_prior(math.exp(x)) + x - 0.5 * (np.log(s).sum() + math.log(w.sum()) + (w * (y - mu) ** 2).sum())

    sizes = np.log([*np.sqrt(v[v > 0]), np.ptp(y) or 1.0])
    grid = np.linspace(sizes.min() - 45, sizes.max() + 45, 2001)
    heights = np.array([log_density(x) for x in grid])
    top = heights.max()
    inside = grid[heights > top - 80]
    edges = np.linspace(inside[0], inside[-1], 41)

    def total(function):
        return sum(
            quad(lambda x: function(math.exp(x)) * math.exp(log_density(x) - top), a, b, epsabs=0, epsrel=1e-12)[0]
            for a, b in pairwise(edges)
        )

    return total(statistic) / total(lambda tau: 1.0)


def log_half_cauchy(scale):
    return lambda tau: -math.log1p((tau / scale) ** 2)


RANDOM = np.random.default_rng(20)
HARD = {
    "three groups": ([1.0, 5.0, 9.0], [4.0, 4.0, 1.0], pool.HalfNormal(5), lambda tau: -(tau**2) / 50),
    "four groups, flat": ([1.0, 5.0, 9.0, 2.0], [4.0, 4.0, 4.0, 1.0], pool.Uniform(), lambda tau: 0.0),
    "twelve orders of magnitude": (
        RANDOM.normal(size=40) * 1e-3,
        10.0 ** np.linspace(-12, 0, 40),
        pool.HalfCauchy(1),
        log_half_cauchy(1),
    ),
    "twelve orders, no spread": (
        RANDOM.normal(size=40) * 10.0 ** np.linspace(-6, 0, 40),
        10.0 ** np.linspace(-12, 0, 40),
        pool.HalfCauchy(1),
        log_half_cauchy(1),
    ),
    "concentrated at 0": (RANDOM.normal(size=200) * 0.05, np.ones(200), pool.HalfCauchy(5), log_half_cauchy(5)),
    "all alike": (np.ones(60), np.ones(60), pool.Uniform(), lambda tau: 0.0),
    "nearly flat": ([1.0, 2.0, 3.0, 4.0], [1e8] * 4, pool.HalfNormal(5), lambda tau: -(tau**2) / 50),
    "far from the prior": ([-900.0, 100.0, 800.0, 50.0], [1.0] * 4, pool.HalfNormal(1), lambda tau: -(tau**2) / 2),
    "one exact group": (
        [28.0, 8, -3, 7, -1, 1, 18, 12],
        [225.0, 0, 256, 121, 81, 121, 100, 324],
        pool.HalfCauchy(5),
        log_half_cauchy(5),
    ),
    "two exact groups": (
        [28.0, 8, -3, 7, -1, 1, 18, 12],
        [225.0, 0, 0, 121, 81, 121, 100, 324],
        pool.HalfCauchy(5),
        log_half_cauchy(5),
    ),
    "inverse gamma": (
        [28.0, 8, -3, 7],
        [225.0, 100, 256, 121],
        pool.InverseGamma(0.01, 0.01),
        lambda tau: -1.02 * math.log(tau) - 0.01 / tau**2,
    ),
    "large numbers": ([1e12, 5e12, 9e12, 2e12], [4e24, 4e24, 4e24, 1e24], pool.Uniform(), lambda tau: 0.0),
}


@cache
def expected(case):
    """Means of tau and of log tau."""
    y, v, _, log_prior = HARD[case]
    return integrated(y, v, log_prior), integrated(y, v, log_prior, math.log)


@pytest.mark.parametrize("case", HARD)
def test_hard_cases(run, case):
    y, v, prior, _ = HARD[case]
    frame = pl.DataFrame({"g": range(len(y)), "y": y, "se": np.sqrt(v)})
    [result] = run(pool.components, frame, "y", "g", se="se", tau2=prior).to_dicts()
    near([result["tau"], result["log_tau"]], expected(case), 1e-8)
    assert result["converged"]
    groups = run(pool.shrink, frame, "y", "g", se="se", tau2=prior).sort("g")
    exact = np.asarray(v) == 0
    assert groups["se"].is_finite().all()
    assert (groups["lower"] <= groups["estimate"]).all()
    assert (groups["estimate"] <= groups["upper"]).all()
    for column in ("estimate", "lower", "upper"):
        assert (groups[column].to_numpy()[exact] == np.asarray(y)[exact]).all()
    assert (groups["se"].to_numpy()[exact] == 0).all()
    assert (groups["weight"].to_numpy()[exact] == 1).all()


def test_with_many_groups_the_prior_has_no_influence():
    """With many groups, the posterior of tau2 is normal, with the estimate and its error."""
    rng = np.random.default_rng(8)
    v = rng.uniform(0.2, 2.0, 20_000)
    frame = pl.DataFrame({"g": range(len(v)), "y": rng.normal(size=len(v)) * np.sqrt(v + 1), "se": np.sqrt(v)})
    [result] = pool.components(frame, "y", "g", se="se", tau2=pool.HalfCauchy(5)).to_dicts()
    [reml] = pool.components(frame, "y", "g", se="se").to_dicts()
    assert abs(result["tau2"] - reml["tau2"]) < 0.02 * reml["se_tau2"]
    near(result["se_tau2"], reml["se_tau2"], 0.02)
    assert result["converged"]


# ---- degenerate data -------------------------------------------------------------------------------------------------


def test_empty_input(run):
    nothing = SCHOOLS.clear()
    groups = run(pool.shrink, nothing, "y", "g", se="se", tau2=pool.HalfCauchy(5), threshold=0.0)
    assert groups.columns == ["g", "n", "mean", "v", "weight", "estimate", "se", "lower", "upper", "p_above"]
    assert groups.is_empty()
    models = run(pool.components, nothing, "y", "g", se="se", tau2=pool.HalfCauchy(5))
    assert models.is_empty()
    assert "tau_median" in models.columns
    draws = run(pool.posterior_draws, nothing, "y", "g", se="se", tau2=pool.HalfCauchy(5))
    assert draws.schema["theta"] == pl.Float64
    assert draws.is_empty()


def test_with_one_group_the_posterior_of_tau_is_its_prior(run):
    one = SCHOOLS.head(1)
    [group] = run(pool.shrink, one, "y", "g", se="se", tau2=pool.HalfNormal(5)).to_dicts()
    near([group["estimate"], group["se"]], [28.0, 15.0])
    near([group["lower"], group["upper"]], [28 - 15 * 1.959963984540054, 28 + 15 * 1.959963984540054])
    [model] = run(pool.components, one, "y", "g", se="se", tau2=pool.HalfNormal(5)).to_dicts()
    near(model["tau"], 5 * math.sqrt(2 / math.pi))
    near(model["mu"], 28.0)


def test_moments_that_are_infinite_are_null():
    """For flat mu, E tau^k needs J > k + 2 with a flat tau, J > k with a half-Cauchy; for normal mu one group fewer."""

    def known(prior, groups, **options):
        result = components(SCHOOLS.head(groups), tau2=prior, **options)
        return {
            name
            for name in ("tau", "se_tau", "tau2", "se_tau2", "mu", "se_mu", "new", "se_new")
            if result[name] is not None
        }

    third = {"tau", "mu", "new"}
    second = third | {"se_tau", "tau2", "se_mu", "se_new"}
    assert known("uniform()", 3) == set()
    assert known("uniform()", 4) == third
    assert known("uniform()", 5) == second
    assert known("uniform()", 6) == second
    assert known("uniform()", 7) == second | {"se_tau2"}
    assert known("half_cauchy(5)", 1) == set()
    assert known("half_cauchy(5)", 2) == third
    assert known("half_cauchy(5)", 3) == second
    assert known("half_cauchy(5)", 5) == second | {"se_tau2"}
    assert known("half_cauchy(5)", 1, mu="normal(0, 5)") == third | {"se_mu"}
    assert known("half_cauchy(5)", 2, mu="normal(0, 5)") == second
    assert known("half_normal(5)", 1) == second | {"se_tau2"}


def test_a_proper_posterior_without_a_finite_mean_has_quantiles():
    """With a uniform prior and three groups, the density of tau falls as the square of 1 / tau."""
    y, se = np.array([1.0, 4.0, 2.0]), np.array([0.5, 0.7, 0.4])
    frame = pl.DataFrame({"g": [1, 2, 3], "y": y, "se": se})
    result = pool.components(frame, "y", "g", se="se", tau2="uniform()").row(0, named=True)
    assert result["tau"] is None

    def density(tau):
        w = 1 / (se**2 + tau**2)
        q = (w * (y - np.average(y, weights=w)) ** 2).sum()
        return math.exp(-q / 2) * math.sqrt(w.prod() / w.sum())

    below = quad(density, 0, result["tau_median"], epsabs=0, epsrel=1e-10)[0]
    above = quad(density, result["tau_median"], math.inf, epsabs=0, epsrel=1e-10)[0]
    assert below == pytest.approx(above, rel=1e-7)


def test_new_groups_are_drawn_from_the_population(run):
    new = pl.DataFrame({"g": ["A", "Z"]})
    result = run(pool.shrink, SCHOOLS, "y", "g", se="se", tau2="half_cauchy(5)", groups=new, threshold=0.0, level=0.8)
    assert result.height == 9
    [z] = result.filter(g="Z").to_dicts()
    model = components(SCHOOLS, tau2="half_cauchy(5)", level=0.8)
    assert (z["n"], z["mean"], z["v"], z["weight"]) == (0, None, math.inf, 0.0)
    names = ("new", "se_new", "new_lower", "new_upper", "new_positive")
    near([z[name] for name in ("estimate", "se", "lower", "upper", "p_above")], [model[name] for name in names], 1e-12)


def test_groups_of_nulls_and_null_keys(run):
    frame = rows({"a": [1.0, 2.0, 4.0], "b": [3.0, 7.0], None: [5.0, 6.0, 9.0], "d": [None, None]}, dtype=pl.String)
    result = run(pool.shrink, frame, "y", "g", tau2="half_normal(3)")
    [null] = result.filter(pl.col("g").is_null()).to_dicts()
    assert null["n"] == 3
    assert null["estimate"] is not None
    [empty] = result.filter(g="d").to_dicts()
    assert (empty["n"], empty["mean"], empty["weight"]) == (0, None, 0.0)
    [model] = run(pool.components, frame, "y", "g", tau2="half_normal(3)").to_dicts()
    assert model["groups"] == 3
    near([empty["estimate"], empty["se"]], [model["new"], model["se_new"]], 1e-12)


def test_rows_that_do_not_determine_sigma2():
    singles = rows({"a": [1.0], "b": [3.0], "c": [4.0]})
    with pytest.warns(pool.ConvergenceWarning, match="no group has two rows"):
        result = pool.shrink(singles, "y", "g", tau2="half_normal(3)")
    assert result["estimate"].null_count() == 3
    assert result["mean"].to_list() == [1.0, 3.0, 4.0]
    with pytest.warns(pool.ConvergenceWarning, match="no group has two rows"):
        [model] = pool.components(singles, "y", "g", tau2="half_normal(3)", sigma2="jeffreys()").to_dicts()
    assert model["tau"] is None
    assert model["converged"] is False


def test_nan_is_refused(run):
    frame = SCHOOLS.with_columns(pl.when(g="B").then(float("nan")).otherwise("y").alias("y"))
    with pytest.raises((ValueError, pl.exceptions.PolarsError), match="holds NaN"):
        run(pool.shrink, frame, "y", "g", se="se", tau2="half_cauchy(5)")


# ---- improper posteriors ---------------------------------------------------------------------------------------------

IMPROPER = {
    "flat, two groups": (
        SCHOOLS.head(2),
        {"tau2": "uniform()"},
        "tau2='uniform()' needs 3 groups at least, and there are 2",
    ),
    "flat, one group": (
        SCHOOLS.head(1),
        {"tau2": "uniform()"},
        "tau2='uniform()' needs 3 groups at least, and there is 1",
    ),
    "flat about a normal mu": (
        SCHOOLS.head(1),
        {"tau2": "uniform()", "mu": "normal(0, 5)"},
        "tau2='uniform()' needs 2 groups at least, and there is 1",
    ),
    "Jeffreys, one group": (SCHOOLS.head(1), {"tau2": "jeffreys()"}, "tau2='jeffreys()' needs 2 groups at least"),
    "exact groups that agree": (
        published({"a": (1.0, 0.0), "b": (1.0, 0.0), "c": (4.0, 2.0), "d": (5.0, 1.0)}),
        {"tau2": "half_cauchy(5)"},
        "tau2='half_cauchy(5)' leaves the posterior improper at tau = 0",
    ),
    "an exact group at the known mu": (
        published({"a": (1.0, 0.0), "c": (4.0, 2.0), "d": (5.0, 1.0)}),
        {"tau2": "half_cauchy(5)", "mu": 1.0},
        "tau2='half_cauchy(5)' leaves the posterior improper at tau = 0",
    ),
    "Jeffreys with an exact group": (
        published({"a": (1.0, 0.0), "c": (4.0, 2.0), "d": (5.0, 1.0)}),
        {"tau2": "jeffreys()"},
        "tau2='jeffreys()' leaves the posterior improper at tau = 0",
    ),
    "no typical variance": (
        published({"a": (1.0, 0.0), "c": (4.0, 2.0), "d": (5.0, 1.0)}),
        {"tau2": "dumouchel()"},
        "tau2='dumouchel()' leaves the posterior improper at tau = 0",
    ),
}


@pytest.mark.parametrize("case", IMPROPER)
@pytest.mark.parametrize("verb", [pool.shrink, pool.components, pool.posterior_draws])
def test_the_only_model_is_refused_with_the_reason(run, verb, case):
    frame, priors, reason = IMPROPER[case]
    with pytest.raises((ValueError, pl.exceptions.PolarsError)) as refused:
        run(verb, frame, "y", "g", se="se", **priors)
    assert reason in str(refused.value)


@pytest.mark.parametrize("case", IMPROPER)
def test_among_other_models_it_has_none_and_warns(case):
    frame, priors, _ = IMPROPER[case]
    good = SCHOOLS.with_columns(m=pl.lit("good"))
    both = pl.concat([good, frame.with_columns(m=pl.lit("bad"))], how="vertical_relaxed")
    with pytest.warns(pool.ConvergenceWarning, match="improper") as spoken:
        result = pool.components(both, "y", "g", over="m", se="se", **priors)
    assert len(spoken) == 1
    [bad], fine = result.filter(m="bad").to_dicts(), result.filter(m="good").drop("m")
    assert bad["groups"] == frame.height
    assert (bad["tau"], bad["mu"], bad["tau_median"], bad["converged"]) == (None, None, None, False)
    assert_frame_equal(fine, pool.components(SCHOOLS, "y", "g", se="se", **priors), rel_tol=1e-10)
    with pytest.warns(pool.ConvergenceWarning, match="improper"):
        groups = pool.shrink(both, "y", "g", over="m", se="se", **priors)
    assert (
        groups.filter(m="bad").select(pl.col("estimate", "se", "lower", "upper", "weight").null_count()).row(0)
        == (frame.height,) * 5
    )
    assert groups.filter(m="bad")["mean"].null_count() == 0
    assert groups.filter(m="good")["estimate"].null_count() == 0


def test_equal_rows_make_the_posterior_of_sigma_improper():
    frame = rows({"a": [1.0, 1.0], "b": [3.0, 3.0], "c": [4.0, 4.0]})
    with pytest.raises(ValueError, match="improper at sigma2 = 0"):
        pool.shrink(frame, "y", "g", tau2="half_cauchy(5)", sigma2="jeffreys()")
    known = pool.shrink(frame, "y", "g", tau2="half_cauchy(5)")
    assert known["estimate"].to_list() == [1.0, 3.0, 4.0]
    assert known["se"].to_list() == [0.0, 0.0, 0.0]


# ---- laws ------------------------------------------------------------------------------------------------------------

RESULTS = ("estimate", "se", "lower", "upper")


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 20)), min_size=4, max_size=12),
    st.floats(-1e3, 1e3),
    st.floats(0.01, 100),
)
def test_shift_and_scale_equivariance(pairs, shift, scale):
    y, se = (np.array(column) for column in zip(*pairs, strict=True))
    frame = pl.DataFrame({"g": range(len(y)), "y": y, "se": se})
    moved = pl.DataFrame({"g": range(len(y)), "y": y * scale + shift, "se": se * scale})
    result = pool.shrink(frame, "y", "g", se="se", tau2=pool.HalfCauchy(5), mu=pool.Normal(1, 5))
    again = pool.shrink(
        moved, "y", "g", se="se", tau2=pool.HalfCauchy(5 * scale), mu=pool.Normal(scale + shift, 5 * scale)
    )
    for column in RESULTS:
        expected = result[column].to_numpy() * scale + (0 if column == "se" else shift)
        np.testing.assert_allclose(again[column].to_numpy(), expected, rtol=1e-7, atol=1e-9 * (abs(shift) + scale * 50))


def test_a_concentrated_prior_gives_the_estimates_at_its_tau(run):
    known = run(pool.shrink, SCHOOLS, "y", "g", se="se", tau2=36.0).sort("g")
    narrow = run(pool.shrink, SCHOOLS, "y", "g", se="se", tau2=pool.Uniform(6 - 1e-6, 6 + 1e-6)).sort("g")
    for column in (*RESULTS, "weight"):
        near(narrow[column], known[column], 1e-6)


def test_a_known_tau2_with_a_prior_of_mu_pools_to_both(run):
    result = run(pool.shrink, SCHOOLS, "y", "g", se="se", tau2=36.0, mu=pool.Normal(2, 1e7)).sort("g")
    flat = run(pool.shrink, SCHOOLS, "y", "g", se="se", tau2=36.0).sort("g")
    sure = run(pool.shrink, SCHOOLS, "y", "g", se="se", tau2=36.0, mu=pool.Normal(2, 1e-9)).sort("g")
    known = run(pool.shrink, SCHOOLS, "y", "g", se="se", tau2=36.0, mu=2.0).sort("g")
    for column in RESULTS:
        near(result[column], flat[column], 1e-10)
        near(sure[column], known[column], 1e-10)


def test_mu_by_name_is_flat(run):
    by_name = run(pool.components, SCHOOLS, "y", "g", se="se", tau2="half_cauchy(5)")
    assert_frame_equal(by_name, run(pool.components, SCHOOLS, "y", "g", se="se", tau2="half_cauchy(5)", mu="flat()"))
    reml = run(pool.components, SCHOOLS, "y", "g", se="se", mu=pool.Flat())
    assert_frame_equal(reml, run(pool.components, SCHOOLS, "y", "g", se="se"))


def test_models_of_over_equal_single_models():
    rng = np.random.default_rng(5)
    count = 40
    frame = pl.DataFrame(
        {
            "m": np.repeat(np.arange(count), 6),
            "g": np.tile(np.arange(6), count),
            "y": rng.normal(size=6 * count) * np.repeat(10.0 ** rng.uniform(-3, 3, count), 6),
            "se": np.repeat(10.0 ** rng.uniform(-3, 3, count), 6) * rng.uniform(0.5, 2, 6 * count),
        }
    )
    priors = {"se": "se", "tau2": pool.UniformShrinkage(), "mu": pool.Normal(0, 10)}
    models = pool.components(frame, "y", "g", over="m", **priors).drop("m")
    groups = pool.shrink(frame, "y", "g", over="m", **priors).drop("m")
    for m in range(0, count, 7):
        alone = frame.filter(m=m)
        assert_frame_equal(models[m : m + 1], pool.components(alone, "y", "g", **priors), rel_tol=1e-9, abs_tol=1e-13)
        assert_frame_equal(
            groups[6 * m : 6 * m + 6], pool.shrink(alone, "y", "g", **priors), rel_tol=1e-9, abs_tol=1e-12
        )


def test_many_models():
    number = 1000 if ways.full else 200
    rng = np.random.default_rng(6)
    frame = pl.DataFrame({"m": np.repeat(np.arange(number), 8), "g": np.tile(np.arange(8), number)})
    frame = frame.with_columns(y=3 * rng.normal(size=8 * number), se=rng.uniform(1, 3, 8 * number))
    result = pool.shrink(frame, "y", "g", over="m", se="se", tau2="half_cauchy(5)")
    assert result["estimate"].is_finite().all()
    assert pool.components(frame, "y", "g", over="m", se="se", tau2="half_cauchy(5)")["converged"].all()


def test_weights_stored_moments_and_squeezed_variances():
    rng = np.random.default_rng(7)
    frame = pl.DataFrame({"g": rng.integers(0, 6, 60), "y": rng.normal(size=60) * 3, "w": rng.uniform(1, 3, 60)})
    for options in ({"weights": "w"}, {"sigma2": "separate"}, {"sigma2": "squeezed"}, {"sigma2": 4.0}):
        result = pool.shrink(frame, "y", "g", tau2="half_cauchy(2)", **options)
        studies = result.select("g", y="mean", se=pl.col("v").sqrt())
        again = pool.shrink(studies, "y", "g", se="se", tau2="half_cauchy(2)")
        for column in RESULTS:
            near(result[column], again[column], 1e-10)


@pytest.mark.parametrize("path", ROW_PATHS)
def test_estimates_for_each_row(path):
    frame = rows({"a": [1.0, 2.0, 4.0], "b": [3.0, 7.0], "c": [5.0, 6.0, 9.0], "d": [None]})
    result = ROW_PATHS[path](frame, "y", "g", tau2="half_normal(3)", mu="normal(0, 5)")
    by_group = pool.shrink(frame, "y", "g", tau2="half_normal(3)", mu="normal(0, 5)")
    expected = frame.join(by_group, on="g", how="left", maintain_order="left")["estimate"]
    near(result, expected, 1e-12)
    over = ROW_PATHS[path](frame.with_columns(m=1), "y", "g", tau2="half_normal(3)", mu="normal(0, 5)", over="m")
    near(over, expected, 1e-12)


def test_the_weight_for_each_row():
    frame = rows({"a": [1.0, 2.0, 4.0], "b": [3.0, 7.0], "c": [5.0, 6.0, 9.0]})
    result = frame.select(pl.col("y").pool.weight(by="g", tau2="half_normal(3)"))["y"]
    by_group = pool.shrink(frame, "y", "g", tau2="half_normal(3)")
    near(result, frame.join(by_group, on="g", maintain_order="left")["weight"], 1e-12)


def test_predictions(run):
    truth = run(pool.shrink, SCHOOLS, "y", "g", se="se", tau2="half_cauchy(5)").sort("g")
    again = run(
        pool.shrink, SCHOOLS, "y", "g", se="se", tau2="half_cauchy(5)", predict="replicate", threshold=28.0
    ).sort("g")
    near(again["se"].to_numpy() ** 2, truth["se"].to_numpy() ** 2 + truth["v"].to_numpy())
    assert (again["upper"] > truth["upper"]).all()


def test_shortest_intervals_of_tau():
    result = components(SCHOOLS, tau2="uniform()", interval="shortest")
    central = components(SCHOOLS, tau2="uniform()")
    assert result["tau_lower"] == 0.0  # the density decreases from 0
    assert result["tau_upper"] < central["tau_upper"]
    jeffreys = components(SCHOOLS, tau2="jeffreys()", interval="shortest")
    ends = [jeffreys["tau_lower"], jeffreys["tau_upper"]]
    density = pool.profile(SCHOOLS, "y", "g", se="se", tau2="jeffreys()", tau=ends)["density"]
    near(density[0], density[1], 1e-6)
    assert ends[0] > 0


def test_the_profile_ends_at_the_limit_of_the_posterior():
    result = pool.profile(SCHOOLS, "y", "g", se="se", tau2="half_cauchy(5)")
    assert result.height == 61
    end = components(SCHOOLS, tau2="half_cauchy(5)", level=0.99)["tau_upper"]
    near(result["tau"].max(), end, 1e-9)
    outside = pool.profile(SCHOOLS, "y", "g", se="se", tau2="uniform(2, 4)", tau=[1.0, 3.0, 5.0])["density"]
    assert outside.to_list()[::2] == [0.0, 0.0]
    assert outside[1] > 0


# ---- draws -----------------------------------------------------------------------------------------------------------


def test_draws_follow_the_posterior():
    priors = {"se": "se", "tau2": "half_cauchy(5)", "mu": "normal(0, 5)"}
    drawn = pool.posterior_draws(SCHOOLS, "y", "g", **priors, draws=3000, seed=2)
    assert drawn.columns == ["g", "chain", "draw", "sigma2", "tau", "mu", "theta"]
    assert drawn.height == 8 * 3000
    of_model = drawn.filter(g="A").sort("draw")
    curve = pool.profile(SCHOOLS, "y", "g", **priors, tau=np.linspace(0, 100, 2_001).tolist())
    below = np.cumsum((curve["density"][1:] + curve["density"][:-1]).to_numpy() / 2 * 0.05)
    assert kstest(of_model["tau"], lambda tau: np.interp(tau, curve["tau"].to_numpy()[1:], below)).pvalue > 0.001
    for column, group in (("mu", None), ("theta", "A"), ("theta", "E")):
        values = drawn.filter(g=group or "A")[column].to_numpy()
        where = np.quantile(values, [0.1, 0.3, 0.5, 0.7, 0.9])
        for x, p in zip(where, [0.1, 0.3, 0.5, 0.7, 0.9], strict=True):
            if group:
                above = pool.shrink(SCHOOLS, "y", "g", **priors, threshold=float(x)).filter(g=group)["p_above"].item()
            else:
                shifted = pool.components(
                    SCHOOLS, pl.col("y") - float(x), "g", se="se", tau2="half_cauchy(5)", mu=pool.Normal(-x, 5)
                )
                above = shifted["mu_positive"].item()
            assert abs(1 - above - p) < 4.5 * math.sqrt(p * (1 - p) / 3000)


def test_draws_repeat_with_their_seed(run):
    options = {"se": "se", "tau2": "half_cauchy(5)", "draws": 20, "seed": 9}
    first = pool.posterior_draws(SCHOOLS, "y", "g", **options)
    again = run(pool.posterior_draws, SCHOOLS.sample(fraction=1, shuffle=True, seed=1), "y", "g", **options)
    assert_frame_equal(first, again, rel_tol=1e-9)
    assert first["theta"].n_unique() == 160
    other = pool.posterior_draws(SCHOOLS, "y", "g", **{**options, "seed": 10})
    assert (first["theta"] != other["theta"]).all()
    free = pool.posterior_draws(SCHOOLS, "y", "g", se="se", tau2="half_cauchy(5)", draws=20)
    assert (first["theta"] != free["theta"]).all()


# Every prior on tau. These seeds gave one to three nulls in a million draws, because Newton's steps oscillated.
EVERY_PRIOR = {
    "uniform_shrinkage": (pool.UniformShrinkage(), 11),
    "dumouchel": (pool.DuMouchel(), 3),
    "uniform": (pool.Uniform(), 0),
    "bounded": (pool.Uniform(0, 20), 1),
    "half_cauchy": (pool.HalfCauchy(5), 2),
    "half_normal": (pool.HalfNormal(5), 4),
    "half_t": (pool.HalfT(4, 5), 5),
    "exponential": (pool.Exponential(0.1), 6),
    "inverse_gamma": (pool.InverseGamma(1, 1), 7),
    "jeffreys": (pool.Jeffreys(), 8),
}


@pytest.mark.share(3)
@pytest.mark.parametrize(("prior", "seed"), EVERY_PRIOR.values(), ids=EVERY_PRIOR)
def test_no_draw_is_missing_and_draws_fall_below_quantiles_as_often_as_they_should(prior, seed):
    draws = 20_000
    drawn = pool.posterior_draws(SCHOOLS, "y", "g", se="se", tau2=prior, draws=draws, seed=seed)
    assert drawn.select("tau", "mu", "theta").null_count().row(0) == (0, 0, 0)
    tau = drawn.filter(g="A")["tau"].to_numpy()
    for level in (0.2, 0.5, 0.8, 0.95, 0.99):
        [model] = pool.components(SCHOOLS, "y", "g", se="se", tau2=prior, level=level).to_dicts()
        for end, p in (("tau_lower", (1 - level) / 2), ("tau_upper", (1 + level) / 2)):
            assert abs((tau < model[end]).mean() - p) < 4.5 * math.sqrt(p * (1 - p) / draws)


def test_quantiles_converge_if_the_distribution_is_rounded():
    """Two points whose Newton steps lead exactly to each other, because of the rounding of a sum."""
    low, high = np.array([0.0]), np.array([4.0])
    ends = {1.0: -(2.0**-30), 3.0: 2.0**-30}

    def distribution(x, i):
        excess = np.array([ends.get(float(at), 2.0**-31 * (at - 2)) for at in x])
        return 0.5 + excess, np.full(len(x), 2.0**-31)

    x, settled = newton.quantile(distribution, np.array([0.5]), np.array([1.0]), low, high, np.array([1.0]))
    assert settled.all()
    assert abs(x[0] - 2) < 1e-6


def test_draws_of_rows_with_sigma2():
    frame = rows({"a": [1.0, 2.0, 4.0], "b": [3.0, 7.0], "c": [5.0, 6.0, 9.0], "d": [None]})
    options = {"tau2": "half_normal(3)", "sigma2": pool.Jeffreys()}
    drawn = pool.posterior_draws(frame, "y", "g", **options, draws=2000, seed=3)
    [model] = pool.components(frame, "y", "g", **options).to_dicts()
    sigma2 = drawn.filter(g="a")["sigma2"]
    assert abs(sigma2.mean() - model["sigma2"]) < 5 * sigma2.std() / math.sqrt(2000)
    groups = pool.shrink(frame, "y", "g", **options)
    result = drawn.group_by("g").agg(pl.col("theta").mean()).sort("g")["theta"]
    assert ((result - groups["estimate"]).abs() < 5 * groups["se"] / math.sqrt(2000)).all()


# ---- errors ----------------------------------------------------------------------------------------------------------

WRONG = [
    (
        {"tau2": "half_couchy(5)"},
        ["tau2='half_couchy(5)' is no prior", "half_cauchy(scale)", "did you mean 'half_cauchy'?"],
    ),
    ({"tau2": "half_cauchy()"}, ["tau2='half_cauchy()': give half_cauchy(scale) with numbers"]),
    ({"tau2": "half_cauchy(x)"}, ["tau2='half_cauchy(x)': give half_cauchy(scale) with numbers"]),
    ({"tau2": "half_cauchy(5, 6)"}, ["give half_cauchy(scale) with numbers"]),
    ({"tau2": "half_cauchy(-5)"}, ["tau2='half_cauchy(-5)': give scale as a finite number above 0"]),
    ({"tau2": "half_t(4, inf)"}, ["give scale as a finite number above 0"]),
    ({"tau2": "uniform(5, 2)"}, ["give a lower limit of 0 or more and an upper one above it"]),
    ({"tau2": "inverse_gamma(0, 0)"}, ["give shape as a finite number above 0"]),
    ({"tau2": "normal(0, 5)"}, ["tau2='normal(0, 5)' is no prior"]),
    ({"mu": "half_cauchy(5)"}, ["mu='half_cauchy(5)' is no prior; give one of normal(mean, sd), flat()"]),
    ({"mu": "normal(0, 0)", "tau2": 4.0}, ["give a finite mean, and sd as a finite number above 0"]),
    ({"tau2": "jefreys"}, ["tau2='jefreys'; give a number of 0 or more"]),
    ({"tau2": "half_cauchy(5)", "mu": "rows"}, ["mu='rows' does not go with a prior of tau2", "'normal(0, 5)'"]),
    ({"mu": "normal(0, 5)"}, ["mu='normal(0, 5)' does not go with tau2='reml', an estimate", "'half_cauchy(5)'"]),
    ({"tau2": "half_cauchy(5)", "uncertainty": "tau2"}, ["uncertainty='tau2' does not go with a prior"]),
    (
        {"tau2": "half_cauchy(5)", "interval": "robust"},
        ["interval='robust' does not go with a prior", "'central' or 'shortest'"],
    ),
    ({"interval": "central"}, ["interval='central' applies to a posterior only", "'normal' or 'robust'"]),
    ({"interval": "centrl"}, ["interval='centrl'", "did you mean 'central'?"]),
    ({"tau2": "half_cauchy(5)", "level": 95}, ["level=95"]),
]


@pytest.mark.parametrize(("options", "parts"), WRONG, ids=lambda x: str(x)[:40])
def test_wrong_arguments(options, parts):
    with pytest.raises(ValueError, match="=") as refused:
        pool.shrink(SCHOOLS.lazy(), "y", "g", se="se", **options)
    assert all(part in str(refused.value) for part in parts), refused.value
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (
            lambda: pool.components(SCHOOLS, "y", "g", se="se", tau2="half_cauchy(5)", test="knha"),
            "test='knha' does not go",
        ),
        (
            lambda: pool.components(SCHOOLS, "y", "g", se="se", tau2="half_cauchy(5)", limits="q"),
            "limits='q' does not go",
        ),
        (
            lambda: pool.components(SCHOOLS, "y", "g", se="se", interval="central"),
            "interval='central' applies to a posterior only",
        ),
        (
            lambda: pool.compare(SCHOOLS, "y", "g", tau2="half_cauchy(5)"),
            "tau2='half_cauchy(5)' does not go with compare",
        ),
        (lambda: pool.profile(SCHOOLS, "y", "g", se="se", tau2="reml"), "tau2='reml' does not fit a profile"),
        (
            lambda: pool.posterior_draws(SCHOOLS, "y", "g", se="se", tau2="reml"),
            "tau2='reml' has no posterior to draw from",
        ),
        (
            lambda: pool.posterior_draws(SCHOOLS, "y", "g", tau2="half_cauchy(5)", draws=0),
            "draws=0; give a whole number",
        ),
        (
            lambda: pool.posterior_draws(SCHOOLS, "y", "g", tau2="half_cauchy(5)", seed=-1),
            "seed=-1; give a whole number",
        ),
        (lambda: pool.shrink(SCHOOLS, "y", "g", se="se", tau2="half_cauchy(5)", sigma2="jeffreys()"), "sigma2="),
        (lambda: pool.HalfCauchy(-5), "HalfCauchy(scale=-5.0): give scale as a finite number above 0"),
        (lambda: pool.Normal(0, math.inf), "give a finite mean, and sd"),
    ],
    ids=lambda x: x[:40] if isinstance(x, str) else "",
)
def test_errors(call, part):
    with pytest.raises(ValueError, match="=") as refused:
        call()
    assert part in str(refused.value)


def test_values_that_are_not_numbers():
    for wrong in (lambda: pool.HalfCauchy("5"), lambda: pool.Normal(True, 5), lambda: pool.Uniform(None)):
        with pytest.raises(TypeError, match="give a number"):
            wrong()
    with pytest.raises(TypeError, match="tau2=Normal"):
        pool.shrink(SCHOOLS, "y", "g", se="se", tau2=pool.Normal(0, 5))


@pytest.mark.parametrize("prior", [*OF_TAU.values(), *OF_MU.values()], ids=lambda prior: prior.__name__)
def test_every_prior_parses_from_its_text(prior):
    allowed = OF_TAU | OF_MU
    value = prior(*[2.5, 7.0][: called(prior).count(",") + ("()" not in called(prior))])
    assert parsed(str(value), allowed) == value
    assert parsed(f"  {value} ", allowed) == value
    if "()" in str(value):
        assert parsed(str(value).removesuffix("()"), allowed) == value


# ---- plans -----------------------------------------------------------------------------------------------------------


def test_building_a_query_runs_nothing():
    def fail(frame):
        raise AssertionError("collected")

    lf = SCHOOLS.lazy().map_batches(fail, schema=SCHOOLS.schema)
    priors = {"se": "se", "tau2": "half_cauchy(5)"}
    for verb in (pool.shrink, pool.components, pool.profile, pool.posterior_draws):
        assert isinstance(verb(lf, "y", "g", **priors), pl.LazyFrame)
        verb(lf, "y", "g", **priors).collect_schema()
    assert isinstance(pool.encode(lf, "y", "g", sigma2=4.0, tau2="half_cauchy(5)"), pl.LazyFrame)


@pytest.mark.parametrize("verb", [pool.shrink, pool.components, pool.profile, pool.posterior_draws, pool.encode])
def test_one_scan(verb, tmp_path):
    rows({"a": [1.0, 2.0, 4.0], "b": [3.0, 7.0], "c": [5.0, 6.0, 9.0]}).write_parquet(tmp_path / "rows.parquet")
    seen = []

    def count(frame):
        seen.append(frame.height)
        return frame

    lf = pl.scan_parquet(tmp_path / "rows.parquet")
    lf = lf.map_batches(count, schema=lf.collect_schema())
    assert verb(lf, "y", "g", tau2="half_cauchy(5)").collect().height > 0
    assert seen == [8]


def test_a_tail_of_a_mixture_keeps_its_digits():
    """P(theta > c) in the tail is a sum of normal tails, not a difference from 1."""
    result = pool.shrink(SCHOOLS, "y", "g", se="se", tau2=4.0, mu=pool.Normal(0, 1), threshold=60.0)
    for group in result.to_dicts():
        near(math.log(group["p_above"]), log_ndtr((group["estimate"] - 60) / group["se"]), 1e-10)
