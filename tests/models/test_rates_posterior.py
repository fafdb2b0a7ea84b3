"""The whole posterior of rates and counts: its laws, its edge cases and its messages."""

import math

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import special

import polars_pool as pool
from polars_pool.numerics.conjugate import Betas, Gammas

US = pool.UniformShrinkage()
ROLE = {"binomial": "trials", "poisson": "exposure"}
each_family = pytest.mark.parametrize("family", ROLE)


def table(x, n):
    return pl.DataFrame({"g": range(len(x)), "x": x, "n": n})


def shrunk(frame, family="binomial", prior=US, **more):
    return pool.shrink(frame, "x", "g", **{ROLE[family]: "n"}, prior=prior, **more)


def model_of(frame, family="binomial", prior=US, **more):
    return pool.components(frame, "x", "g", **{ROLE[family]: "n"}, prior=prior, **more).row(0, named=True)


EIGHT = table([4, 1, 9, 3, 30, 8, 2, 11], [20, 50, 100, 200, 400, 20, 50, 100])


# ---- laws -----------------------------------------------------------------------------------------------------------


@each_family
def test_text_and_object_are_one_prior(family):
    assert_frame_equal(shrunk(EIGHT, family, "uniform_shrinkage"), shrunk(EIGHT, family))


def test_a_uniform_hyper_is_uniform_shrinkage():
    hyper = pool.Hyper(mean=pool.Beta(1, 1), rho=pool.Beta(1, 1))
    assert_frame_equal(shrunk(EIGHT, prior=hyper), shrunk(EIGHT))
    assert_frame_equal(shrunk(EIGHT, "poisson", pool.Hyper(rho=pool.Beta(1, 1))), shrunk(EIGHT, "poisson"))


def test_events_and_others_are_exchangeable():
    other = EIGHT.with_columns(x=pl.col("n") - pl.col("x"))
    one, two = shrunk(EIGHT), shrunk(other)
    np.testing.assert_allclose(one["estimate"], 1 - two["estimate"], atol=1e-10)
    np.testing.assert_allclose(one["lower"], 1 - two["upper"], atol=1e-9)
    np.testing.assert_allclose(one["weight"], two["weight"], atol=1e-10)


def test_the_unit_of_an_exposure_scales_rates():
    scaled = EIGHT.with_columns(n=pl.col("n") * 1000.0)
    one, two = shrunk(EIGHT, "poisson"), shrunk(scaled, "poisson")
    for name in ("estimate", "se", "lower", "upper"):
        np.testing.assert_allclose(one[name], 1000 * two[name], rtol=1e-8)
    np.testing.assert_allclose(one["weight"], two["weight"], rtol=1e-8)


@each_family
def test_a_narrow_hyperprior_is_a_known_prior(family):
    if family == "binomial":
        hyper, known = pool.Hyper(mean=pool.Beta(2e5, 8e5), rho=pool.Beta(1e5, 9e5)), pool.Beta(0.2 * 9, 0.8 * 9)
    else:  # the median exposure is 75, so its weight of 1/10 is a rate of 675
        hyper, known = pool.Hyper(mean=pool.Gamma(2e5, 1e6), rho=pool.Beta(1e5, 9e5)), pool.Gamma(0.2 * 675, 675)
    one, two = shrunk(EIGHT, family, hyper, threshold=0.1), shrunk(EIGHT, family, known, threshold=0.1)
    assert_frame_equal(one, two, rel_tol=1e-3, abs_tol=1e-4)


@each_family
def test_new_group_of_components_is_an_unseen_group(family):
    prior = US if family == "binomial" else pool.Hyper(mean=pool.Gamma(3, 20))
    model = model_of(EIGHT, family, prior)
    unseen = shrunk(EIGHT, family, prior, groups=pl.DataFrame({"g": [99]})).filter(g=99).row(0, named=True)
    names = {"new": "estimate", "se_new": "se", "new_lower": "lower", "new_upper": "upper"}
    assert [model[name] for name in names] == pytest.approx([unseen[name] for name in names.values()], rel=1e-9)
    assert unseen["weight"] == 0
    assert model["new"] == pytest.approx(model["mean"], rel=1e-9)


@each_family
def test_models_are_independent(family):
    frames = [EIGHT.with_columns(x=pl.col("x") + shift, m=shift) for shift in (0, 3)]
    role = {ROLE[family]: "n"}
    together = pool.shrink(pl.concat(frames), "x", "g", over="m", prior=US, **role)
    for shift, frame in zip((0, 3), frames, strict=True):
        assert_frame_equal(together.filter(m=shift).drop("m"), shrunk(frame, family), rel_tol=1e-9)


@each_family
def test_level_threshold_and_quantiles_agree(family):
    result = shrunk(EIGHT, family, level=0.8)
    for g, upper in result.select("g", "upper").rows():
        row = shrunk(EIGHT, family, threshold=upper).row(g, named=True)
        assert row["pep"] == pytest.approx(0.9, abs=1e-9)
        assert row["p_above"] == pytest.approx(0.1, abs=1e-9)


def test_posteriors_of_groups_are_mixtures():
    """Quantiles of a mixture solve its distribution function, also in the tails and near 0 and 1."""
    first, second = np.array([0.01, 3.0, 200.0, 5.0]), np.array([2.0, 0.02, 300.0, 5.0])
    weight, start = np.array([0.3, 0.3, 0.4, 1.0]), np.array([0, 3])
    for kind, below in ((Betas, special.betainc), (Gammas, lambda a, b, q: special.gammainc(a, b * q))):
        mixtures = kind(start, weight, first, second)
        for p in (1e-3, 0.31, 0.5, 0.6, 0.999):
            [q] = mixtures.quantiles(p)
            got = np.add.reduceat(weight * below(first, second, np.repeat(q, [3, 1])), start)
            finite = q < 1 if kind is Betas else q > 0
            np.testing.assert_allclose(got[finite], p, rtol=1e-9)


# ---- edge cases -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "n"),
    [
        ([0, 0, 0], [5, 7, 9]),
        ([0, 5], [5, 5]),
        ([1], [1]),
        ([3 * 10**8, 2, 1], [10**9, 20, 20]),
        ([10**8] * 4, [10**9] * 4),
        ([0, 2, 3], [0, 10, 12]),
        ([0, 0], [0, 0]),
    ],
)
def test_extremes_of_trials(x, n):
    frame = table(x, n)
    model, result = model_of(frame), shrunk(frame, threshold=0.3)
    assert model["converged"]
    assert model["groups"] == sum(size > 0 for size in n)
    numbers = result.drop("mean").to_numpy()
    assert np.isfinite(numbers).all()
    assert ((result["lower"] <= result["upper"]) & (result["lower"] >= 0) & (result["upper"] <= 1)).all()
    # With a uniform prior the mean lies strictly inside, and a huge group decides its own rate.
    assert ((result["estimate"] > 0) & (result["estimate"] < 1)).all()
    for size, raw, estimate in result.select("n", "mean", "estimate").rows():
        if size >= 10**9:
            assert estimate == pytest.approx(raw, abs=1e-4)


def test_without_trials_the_posterior_is_the_prior():
    model = model_of(table([0, 0], [0, 0]), level=0.9)
    expected = {"mean": 0.5, "rho": 0.5, "mean_lower": 0.05, "mean_upper": 0.95, "rho_lower": 0.05, "rho_upper": 0.95}
    expected |= {"se_mean": 12**-0.5, "se_rho": 12**-0.5, "log_marginal": 0.0, "new": 0.5}
    assert {name: model[name] for name in expected} == pytest.approx(expected, abs=1e-8)


def test_one_group_of_one_trial():
    """The likelihood is m, whatever rho: the mean has the distribution Beta(2, 1), and rho stays uniform."""
    model = model_of(table([1], [1]))
    assert model["mean"] == pytest.approx(2 / 3, abs=1e-9)
    assert model["mean_median"] == pytest.approx(0.5**0.5, abs=1e-9)
    assert model["rho"] == pytest.approx(0.5, abs=1e-9)
    assert model["log_marginal"] == pytest.approx(math.log(0.5), abs=1e-9)


@each_family
def test_empty_frames(family):
    frame = table([1], [2]).clear()
    assert shrunk(frame, family).is_empty()
    model = model_of(frame, family)
    assert (model["groups"], model["mean_median"], model["converged"]) == (0, None, False)


# ---- messages -------------------------------------------------------------------------------------------------------


def test_improper_posteriors():
    with pytest.raises(Exception, match="no group has an event"):
        shrunk(table([0, 0], [3, 4]), "poisson")
    with pytest.raises(Exception, match="each group has only events or none"):
        shrunk(table([0, 4], [3, 4]), prior=pool.UniformSpread())
    assert model_of(table([0, 0], [3, 4]), "poisson", pool.Hyper(mean=pool.Gamma(1, 2)))["converged"]


@each_family
def test_improper_models_among_others(family):
    frame = pl.concat([EIGHT.with_columns(m=0), EIGHT.with_columns(m=1, x=0 * pl.col("x"))])
    prior = US if family == "poisson" else pool.UniformSpread()
    with pytest.warns(pool.ConvergenceWarning, match="a model of rates has no posterior"):
        result = pool.shrink(frame, "x", "g", over="m", prior=prior, **{ROLE[family]: "n"})
    assert result.filter(m=1)["estimate"].null_count() == 8
    assert_frame_equal(result.filter(m=0).drop("m"), shrunk(EIGHT, family, prior), rel_tol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"posterior": True}, r"^posterior=True does not go with a prior: the posterior of a rate is a mixture"),
        ({"uncertainty": "conditional"}, "^uncertainty='conditional' does not go with a prior: the posterior holds"),
        ({"interval": "shortest"}, "^interval='shortest' does not go with trials="),
    ],
)
def test_arguments_that_do_not_apply(arguments, message):
    with pytest.raises(ValueError, match=message):
        shrunk(EIGHT, **arguments)


def test_priors_that_do_not_fit():
    with pytest.raises(ValueError, match=r"^prior=UniformSpread\(\) is for trials="):
        shrunk(EIGHT, "poisson", pool.UniformSpread())
    with pytest.raises(TypeError, match=r"give the mean as Gamma\(shape, rate\)"):
        shrunk(EIGHT, "poisson", pool.Hyper(mean=pool.Beta(1, 2)))
    with pytest.raises(TypeError, match=r"^Hyper\(rho=0.1\): give a distribution, Beta"):
        pool.Hyper(rho=0.1)
    with pytest.raises(ValueError, match=r"^level="):
        pool.components(EIGHT, "x", "g", trials="n", level=0.9)


@pytest.mark.parametrize("verb", [pool.posterior_draws, pool.compare])
def test_verbs_that_need_one_prior(verb):
    with pytest.raises(ValueError, match=rf"^prior=UniformShrinkage\(\) does not go with {verb.__name__}: give 'ml'"):
        verb(EIGHT, "x", "g", trials="n", prior=US)


def test_expression_and_encode_give_the_estimates():
    expected = shrunk(EIGHT)["estimate"]
    beside = EIGHT.select(pl.col("x").pool.shrink(by="g", trials="n", prior=US)).to_series()
    np.testing.assert_allclose(beside, expected, rtol=1e-12)
    encoded = pool.encode(EIGHT, "x", "g", trials="n", prior=US)
    np.testing.assert_allclose(encoded["estimate"], expected, rtol=1e-12)
