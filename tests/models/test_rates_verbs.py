"""Encoding, comparing, profiling and drawing rates: against refits, trials one by one, and scipy's distributions."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import optimize, special, stats

import polars_pool as pool

pytestmark = pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")

every_family = pytest.mark.parametrize("family", ["binomial", "poisson"])
ROLE = {"binomial": "trials", "poisson": "exposure"}
KNOWN = {"binomial": pool.Beta(2, 5), "poisson": pool.Gamma(3, 1)}


def drawn(family, groups=12, rows=3, seed=5) -> pl.DataFrame:
    """Several rows of each group: x events out of n; the rates have a beta or gamma distribution."""
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), rows)
    n = random.integers(1, 12, len(g))
    if family == "binomial":
        x = random.binomial(n, random.beta(2, 5, groups)[g])
    else:
        n = n / 4
        x = random.poisson(n * random.gamma(3, 1, groups)[g])
    return pl.DataFrame({"g": g, "x": x, "n": n, "fold": np.arange(len(g)) % 3})


def expanded(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per trial, 0 or 1."""
    trials = pl.concat_list(pl.lit(1).repeat_by("x"), pl.lit(0).repeat_by(pl.col("n") - pl.col("x")))
    return rows.select("g", y=trials).explode("y", empty_as_null=False)


# ---- encode ----------------------------------------------------------------------------------------------------------


@every_family
@pytest.mark.parametrize("prior", ["ml", "moments", "known"])
def test_each_row_has_the_rate_of_its_group(family, prior):
    rows = drawn(family).with_row_index()
    options = {ROLE[family]: "n", "prior": KNOWN[family] if prior == "known" else prior}
    columns = ["estimate", "se", "n", "mean", "weight"]
    encoded = pool.encode(rows, "x", "g", columns=columns, name="code", **options)
    groups = pool.shrink(rows, "x", "g", **options).select("g", *columns)
    want = rows.select("index", "g").join(groups, on="g").sort("index")
    assert_frame_equal(encoded.select("code"), want.select(code="estimate"), rel_tol=1e-13)
    for name in columns[1:]:
        assert_frame_equal(encoded.select(f"code_{name}"), want.select(**{f"code_{name}": name}), rel_tol=1e-13)
    assert_frame_equal(
        rows.lazy().pool.encode("x", "g", **options).collect(), encoded.select(*rows.columns, estimate="code")
    )


@every_family
def test_rates_by_a_known_prior_are_ratios_of_counts(family):
    rows = drawn(family)
    before = (2, 7) if family == "binomial" else (3, 1)
    want = rows.select((pl.col("x").sum().over("g") + before[0]) / (pl.col("n").sum().over("g") + before[1]))
    encoded = pool.encode(rows, "x", "g", prior=KNOWN[family], **{ROLE[family]: "n"})
    np.testing.assert_allclose(encoded["estimate"], want.to_series(), rtol=1e-13)


@every_family
def test_each_fold_of_counts_is_encoded_by_a_refit_without_it(family):
    rows, options = drawn(family), {ROLE[family]: "n"}
    encoded = pool.encode(rows, "x", "g", folds="fold", columns=["estimate", "n"], name="code", **options)
    for fold in range(3):
        inside = pl.col("fold") == fold
        keys = rows.filter(inside).select("g")
        refit = pool.shrink(rows.filter(~inside), "x", "g", groups=keys.unique(), **options)
        want = keys.join(refit, on="g", maintain_order="left")
        np.testing.assert_allclose(encoded.filter(inside)["code"], want["estimate"], rtol=1e-9)
        np.testing.assert_allclose(encoded.filter(inside)["code_n"], want["n"], rtol=1e-12)


def test_exposure_stays_a_fraction():
    rows = pl.DataFrame({"g": ["a", "b"], "x": [1, 0], "years": [0.25, 1.5]})
    options = {"exposure": "years", "prior": pool.Gamma(3, 1), "columns": "n"}
    for more in ({}, {"rows": rows.drop("years")}):
        assert pool.encode(rows, "x", "g", **options, **more)["n"].to_list() == [0.25, 1.5]
    assert pool.encode(rows, "x", "g", folds="g", **options)["n"].to_list() == [0.0, 0.0]


def test_trials_are_encoded_as_single_rows():
    rows = drawn("binomial")
    of_rows = pool.encode(rows, "x", "g", trials="n").select("g", "estimate").unique()
    of_trials = pool.encode(expanded(rows), "y", "g", family="binomial").select("g", "estimate").unique()
    assert_frame_equal(of_rows.sort("g"), of_trials.sort("g"), rel_tol=1e-12)


def test_other_rows_of_rates_have_the_mean_of_the_prior_where_their_group_is_new():
    rows = drawn("binomial")
    others = pl.DataFrame({"g": [3, 99]})
    encoded = pool.encode(rows, "x", "g", trials="n", rows=others)
    estimate = pool.shrink(rows, "x", "g", trials="n").filter(pl.col("g") == 3)["estimate"].item()
    mean = pool.components(rows, "x", "g", trials="n")["mean"].item()
    np.testing.assert_allclose(encoded["estimate"], [estimate, mean], rtol=1e-13)


def test_rows_that_count_nothing_have_the_rate_of_their_group():
    rows = pl.DataFrame({"g": ["a", "a", "b"], "x": [1, None, 0], "n": [3, 2, 0]})
    encoded = pool.encode(rows, "x", "g", trials="n", prior=pool.Beta(1, 1))
    assert encoded["estimate"].to_list() == pytest.approx([2 / 5, 2 / 5, 1 / 2], rel=1e-15)


@pytest.mark.parametrize("folds", ["loo", "before"])
def test_rates_have_no_folds_of_single_rows(folds):
    order = {"order_by": "n"} if folds == "before" else {}
    with pytest.raises(ValueError, match=f"^folds='{folds}' needs means"):
        pool.encode(drawn("binomial"), "x", "g", trials="n", folds=folds, **order)


# ---- posterior_draws -------------------------------------------------------------------------------------------------

DRAWS = 4000
BOTH = {"binomial": ("alpha", "beta"), "poisson": ("shape", "rate")}


def draws_of(rows, family="binomial", draws=DRAWS, seed=1, **options) -> pl.DataFrame:
    return pool.posterior_draws(rows, "x", "g", draws=draws, seed=seed, **{ROLE[family]: "n"}, **options)


def conditional(family, x, n, mean, size):
    """The distribution of a rate given the mean and the size of its prior."""
    if family == "binomial":
        return stats.beta(mean * size + x, (1 - mean) * size + n - x)
    return stats.gamma(mean * size + x, scale=1 / (n + size))


@every_family
@pytest.mark.parametrize("prior", ["ml", "moments", "known"])
def test_draws_given_the_prior_have_its_posterior(family, prior):
    rows = drawn(family, groups=6)
    options = {"prior": KNOWN[family] if prior == "known" else prior}
    drawn_rates = draws_of(rows, family, uncertainty="conditional", **options)
    posteriors = pool.shrink(rows, "x", "g", posterior=True, **{ROLE[family]: "n"}, **options)
    first, second = BOTH[family]
    for group in posteriors.iter_rows(named=True):
        a, b = group[first], group[second]
        law = stats.beta(a, b) if family == "binomial" else stats.gamma(a, scale=1 / b)
        assert stats.kstest(drawn_rates.filter(g=group["g"])["theta"], law.cdf).pvalue > 1e-3
    model = pool.components(rows, "x", "g", **{ROLE[family]: "n"}, **options).row(0, named=True)
    assert drawn_rates.select("mean", "rho").unique().row(0) == pytest.approx((model["mean"], model["rho"]), rel=1e-12)


@every_family
def test_draws_include_the_error_of_the_mean_of_the_prior(family):
    """Against the mixture over that mean, integrated by Gauss-Legendre quadrature of its quantiles."""
    rows = drawn(family, groups=6)
    groups = rows.group_by("g").agg(pl.sum("x", "n")).sort("g")
    model = pool.components(rows, "x", "g", **{ROLE[family]: "n"}).row(0, named=True)
    mean, n = model["mean"], groups["n"].to_numpy()
    if family == "binomial":
        size = model["alpha"] + model["beta"]
        effective = (n / (1 + (n - 1) * model["rho"])).sum()
        of_mean = stats.beta(mean * effective + 0.5, (1 - mean) * effective + 0.5)
    else:
        size = model["rate"]
        effective = (mean / (mean / n + model["shape"] / size**2)).sum()
        of_mean = stats.gamma(mean * effective + 0.5, scale=1 / effective)
    assert np.isfinite(size)
    draws = draws_of(rows, family)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    means = of_mean.ppf((nodes + 1) / 2)[:, None]
    for group in groups.iter_rows(named=True):
        laws = conditional(family, group["x"], group["n"], means, size)
        theta = draws.filter(g=group["g"])["theta"]
        assert stats.kstest(theta, lambda t, laws=laws: weights @ laws.cdf(t) / 2).pvalue > 1e-3
    assert stats.kstest(draws.filter(g=0)["mean"], of_mean.cdf).pvalue > 1e-3
    assert (draws.group_by("draw").agg(pl.col("mean", "rho").n_unique())["mean"] == 1).all()


@every_family
def test_draws_have_the_errors_of_shrink(family):
    rows = drawn(family, groups=5)
    draws = draws_of(rows, family).group_by("g").agg(pl.col("theta").std()).sort("g")
    se = pool.shrink(rows, "x", "g", **{ROLE[family]: "n"})["se"]
    np.testing.assert_allclose(draws["theta"], se, rtol=5 / np.sqrt(2 * DRAWS))


def test_draws_are_reproducible_and_lazy():
    rows = drawn("binomial").with_columns(year=pl.col("g") % 2)
    first, again, other = (draws_of(rows, draws=7, seed=seed, over="year") for seed in (1, 1, 2))
    assert_frame_equal(first, again)
    assert (first["theta"] != other["theta"]).all()
    lazy = draws_of(rows.lazy(), draws=7, over="year")
    assert lazy.collect_schema() == first.schema
    assert_frame_equal(lazy.collect(), first)
    assert_frame_equal(lazy.collect(engine="streaming"), first)
    assert_frame_equal(draws_of(rows.reverse(), draws=7, over="year"), first, rel_tol=1e-9)
    assert_frame_equal(first.select("year", "g", "draw"), first.select("year", "g", "draw").sort(pl.all()))
    assert first.columns == ["year", "g", "chain", "draw", "mean", "rho", "theta"]
    assert first.height == 7 * 12
    assert (first["chain"] == 0).all()


@every_family
def test_models_have_draws_of_their_own(family):
    rows = drawn(family).with_columns(year=pl.col("g") % 2)
    draws = draws_of(pl.concat([rows, rows.with_columns(year=pl.col("year") + 2)]), family, draws=50, over="year")
    mean = draws.group_by("year").agg("mean").sort("year")["mean"]
    assert mean[0].to_list() != mean[2].to_list()  # equal models are solved once, and drawn twice
    for year in (0, 1):
        rho = pool.components(rows.filter(year=year), "x", "g", **{ROLE[family]: "n"})["rho"].item()
        of_year = draws.filter(year=year)
        assert of_year["rho"].mean() == pytest.approx(rho, rel=1e-12 if family == "binomial" else 0.2)


def test_draws_of_rates_that_pool_completely_are_one_rate():
    rows = pl.DataFrame({"g": ["a", "b", "c"], "x": [3, 6, 3], "n": [10, 20, 10]})
    with pytest.warns(pool.ConvergenceWarning, match="do not show that its groups differ"):
        draws = draws_of(rows)
    assert (draws["rho"] == 0).all()
    assert (draws.group_by("draw").agg(pl.col("theta").n_unique())["theta"] == 1).all()
    assert stats.kstest(draws.filter(g="a")["theta"], stats.beta(12.5, 28.5).cdf).pvalue > 1e-3
    assert (draws_of(rows, uncertainty="conditional")["theta"] == 0.3).all()


def test_draws_at_the_ends():
    """No events, all trials events, all or none in each group, one group, no trials: no draw leaves its range."""
    table = {
        "none": ([0, 0], [5, 9]),
        "all": ([5, 9], [5, 9]),
        "all or none": ([0, 4, 6], [5, 4, 6]),
        "one group": ([3], [7]),
        "without trials": ([0, 3, 2], [0, 7, 9]),
    }
    for x, n in table.values():
        rows = pl.DataFrame({"g": range(len(x)), "x": x, "n": n})
        for uncertainty in ("mu", "conditional"):
            theta = draws_of(rows, draws=50, uncertainty=uncertainty)["theta"]
            assert theta.null_count() == 0
            assert theta.is_between(0, 1).all()
    rows = pl.DataFrame({"g": range(3), "x": [0, 4, 6], "n": [5, 4, 6]})
    draws = draws_of(rows, groups=pl.DataFrame({"g": [3]}))
    assert draws.filter(pl.col("g") < 3).group_by("g").agg(pl.col("theta").unique()).sort("g")["theta"].to_list() == [
        [0.0], [1.0], [1.0]
    ]  # fmt: skip
    new = draws.filter(g=3)
    assert set(new["theta"]) == {0.0, 1.0}
    # three effective trials, one of each group, two of them events
    assert new["theta"].mean() == pytest.approx(2.5 / 4, abs=5 * np.sqrt(0.24 / DRAWS))
    nothing = draws_of(pl.DataFrame({"g": [1], "x": [0], "n": [0]}), draws=2)
    assert nothing["theta"].null_count() == nothing["mean"].null_count() == 2
    assert draws_of(rows.clear()).height == 0


def test_groups_without_exposure_are_drawn_from_the_prior():
    rows = pl.DataFrame({"g": ["a"], "x": [2], "n": [1.5]})
    new = draws_of(rows, "poisson", groups=pl.DataFrame({"g": ["b"]}), prior=pool.Gamma(3, 2)).filter(g="b")
    assert stats.kstest(new["theta"], stats.gamma(3, scale=1 / 2).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "^posterior_draws needs a prior: give tau2= for means, .* or trials=, exposure= or family='binomial' for"),
        ({"trials": "n", "tau2": 1.0}, "^tau2=1.0 does not go with trials=: a rate carries its variance"),
        ({"trials": "n", "weights": "n"}, "^weights='n' does not go with trials="),
        ({"trials": "n", "uncertainty": "tau2"}, "^uncertainty='tau2' does not go with trials="),
        ({"tau2": pool.Uniform(), "uncertainty": "conditional"}, "^uncertainty='conditional' does not go with a prior"),
        ({"tau2": pool.Uniform(), "prior": "moments"}, "^prior='moments' applies to rates only"),
        ({"trials": "n", "draws": 0}, "^draws=0; give a whole number of 1 or more"),
    ],
    ids=str,
)
def test_wrong_draws(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        pool.posterior_draws(drawn("binomial"), "x", "g", **options)


def test_keys_named_as_columns_of_draws_are_refused():
    with pytest.raises(ValueError, match="rho"):
        pool.posterior_draws(drawn("binomial").rename({"g": "rho"}), "x", "rho", trials="n")


# ---- compare ---------------------------------------------------------------------------------------------------------

SCORES = ["none", "complete", "partial", "log_none", "log_complete", "log_partial"]


def mean_of_others(others: pl.DataFrame, size: float) -> float:
    """The most likely mean of a beta prior of this size."""
    groups = others.group_by("g").agg(x=pl.sum("y"), n=pl.len())
    x, n = groups["x"].to_numpy(), groups["n"].to_numpy()

    def loss(m):
        return -stats.betabinom.logpmf(x, n, m * size, (1 - m) * size).sum()

    return optimize.minimize_scalar(loss, bounds=(1e-9, 1 - 1e-9), method="bounded", options={"xatol": 1e-12}).x


def held_out(rows: pl.DataFrame, size: float, mean_of) -> dict[str, float]:
    """The scores of predictions of each row of 0 or 1, in a group of several rows, from all other rows."""
    rows, predicted = expanded(rows).with_row_index(), []
    for row in rows.filter(pl.len().over("g") > 1).iter_rows(named=True):
        others = rows.filter(pl.col("index") != row["index"])
        group = others.filter(g=row["g"])["y"]
        mean = mean_of(others)
        partial = mean if np.isinf(size) else (group.sum() + mean * size) / (len(group) + size)
        predicted.append((row["y"], group.mean(), others["y"].mean() if size != KNOWN_SIZE else mean, partial))
    y, *predictions = np.array(predicted).T
    with np.errstate(divide="ignore"):
        logs = [np.log(np.where(y == 1, p, 1 - p)).mean() for p in predictions]
    return dict(zip(SCORES, [*(((y - p) ** 2).mean() for p in predictions), *logs], strict=True))


KNOWN_SIZE = 7.0  # of Beta(2, 5)


def compared(rows, **options) -> dict:
    return pool.compare(rows, "x", "g", trials="n", **options).row(0, named=True)


def test_trials_are_held_out_one_by_one_given_a_known_prior():
    rows = drawn("binomial", groups=5, rows=2)
    result = compared(rows, prior=pool.Beta(2, 5))
    want = held_out(rows, KNOWN_SIZE, lambda _: 2 / 7)
    assert {name: result[name] for name in SCORES} == pytest.approx(want, rel=1e-12)
    assert result["n"] == rows["n"].sum()
    assert result["groups"] == 5
    assert result["gain_on_none"] == pytest.approx(100 * (1 - want["partial"] / want["none"]), rel=1e-9)
    assert result["gain_on_complete"] == pytest.approx(100 * (1 - want["partial"] / want["complete"]), rel=1e-9)


def test_trials_are_held_out_one_by_one_with_a_prior_by_moments():
    """Its mean is the rate of all trials, which is exactly estimated again."""
    rows = drawn("binomial", groups=6, rows=2)
    model = pool.components(rows, "x", "g", trials="n", prior="moments").row(0, named=True)
    want = held_out(rows, model["alpha"] + model["beta"], lambda others: others["y"].mean())
    assert {name: compared(rows, prior="moments")[name] for name in SCORES} == pytest.approx(want, rel=1e-12)


def test_the_mean_of_the_prior_nearly_moves_as_the_most_likely_one():
    """Beside the mean of all trials, which would flatter partial pooling."""
    rows = drawn("binomial", groups=6, rows=2, seed=8)
    model = pool.components(rows, "x", "g", trials="n").row(0, named=True)
    size = model["alpha"] + model["beta"]
    assert np.isfinite(size)
    refitted = held_out(rows, size, lambda others: mean_of_others(others, size))
    kept = held_out(rows, size, lambda _: model["mean"])
    result = compared(rows)
    for name in ("partial", "log_partial"):
        assert abs(result[name] - refitted[name]) < 0.2 * abs(kept[name] - refitted[name])
    for name in set(SCORES) - {"partial", "log_partial"}:
        assert result[name] == pytest.approx(refitted[name], rel=1e-12)


def test_rates_that_pool_completely_are_predicted_as_one():
    rows = pl.DataFrame({"g": ["a", "b", "c"], "x": [3, 6, 3], "n": [10, 20, 10]})
    result = compared(rows)
    assert result["partial"] == pytest.approx(result["complete"], rel=1e-14)
    assert result["log_partial"] == pytest.approx(result["log_complete"], rel=1e-14)
    assert result["gain_on_complete"] == pytest.approx(0, abs=1e-11)
    assert result["complete"] == pytest.approx((12 * (28 / 39) ** 2 + 28 * (12 / 39) ** 2) / 40, rel=1e-14)


def test_rates_that_are_all_or_none_are_predicted_as_their_group():
    rows = pl.DataFrame({"g": range(4), "x": [0, 4, 6, 1], "n": [5, 4, 6, 1]})
    result = compared(rows)
    assert result["n"] == 15
    assert result["none"] == result["partial"] == result["log_none"] == result["log_partial"] == 0.0
    assert result["gain_on_none"] is None
    assert result["gain_on_complete"] == 100.0


def test_single_events_rule_out_raw_rates():
    """The raw rate of the others is 0, so that the event had no probability."""
    result = compared(pl.DataFrame({"g": range(4), "x": [1, 9, 3, 0], "n": [20, 20, 20, 1]}))
    assert result["log_none"] == -np.inf
    assert result["n"] == 60
    assert all(np.isfinite(result[name]) for name in SCORES if name != "log_none")
    assert result["none"] > result["partial"]


def test_sums_of_trials_are_compared_as_single_rows():
    rows = drawn("binomial")
    want = pool.compare(rows, "x", "g", trials="n")
    single = expanded(rows)
    assert_frame_equal(pool.compare(single, "y", "g", family="binomial"), want, rel_tol=1e-12)
    truths = single.with_columns(pl.col("y") == 1)
    assert_frame_equal(pool.compare(truths, "y", "g", family="binomial"), want, rel_tol=1e-12)
    # Without the family the same squared errors without and with complete pooling, of means
    of_means = pool.compare(single, "y", "g")
    assert_frame_equal(of_means.select("n", "none", "complete"), want.select("n", "none", "complete"), rel_tol=1e-11)


def test_comparisons_of_models_are_those_of_each_alone():
    rows = drawn("binomial").with_columns(year=pl.col("g") % 3)
    every = pool.compare(rows.lazy(), "x", "g", trials="n", over="year")
    assert every.collect_schema().names() == [
        "year",
        "groups",
        "n",
        *SCORES[:3],
        "gain_on_none",
        "gain_on_complete",
        *SCORES[3:],
    ]
    every = every.collect().sort("year")
    for year in range(3):
        alone = pool.compare(rows.filter(year=year), "x", "g", trials="n")
        assert_frame_equal(every.filter(year=year).drop("year"), alone, rel_tol=1e-11)
    swapped = rows.with_columns(x=pl.col("n") - pl.col("x"))
    assert_frame_equal(pool.compare(swapped, "x", "g", trials="n", over="year"), every, rel_tol=1e-7)


def test_models_without_held_out_trials_have_no_scores():
    for x, n in (([], []), ([0, 1], [1, 1]), ([0], [0])):
        result = compared(
            pl.DataFrame({"g": range(len(x)), "x": x, "n": n}, schema_overrides={"x": pl.Int64, "n": pl.Int64})
        )
        assert result["n"] == 0
        assert all(result[name] is None for name in SCORES)
    assert pool.compare(drawn("binomial").clear(), "x", "g", trials="n", over="fold").height == 0
    one = compared(pl.DataFrame({"g": [1], "x": [2], "n": [6]}))
    assert one["none"] == one["complete"] == pytest.approx((2 * (4 / 5) ** 2 + 4 * (2 / 5) ** 2) / 6, rel=1e-14)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"exposure": "n"}, "^exposure='n' does not go with compare, which holds out single trials: give trials="),
        ({"trials": "n", "exposure": "n"}, "^trials= does not go with exposure="),
        ({"trials": "n", "sigma2": 1.0}, "^sigma2=1.0 does not go with trials="),
        ({"trials": "n", "toward": "x"}, "^toward= is for means: rates have no predictors"),
        ({"prior": "moments"}, "^prior='moments' applies to rates only: give trials="),
        ({"trials": "n", "prior": "mo"}, "^prior='mo'; give .*"),
    ],
    ids=str,
)
def test_wrong_comparisons(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        pool.compare(drawn("binomial"), "x", "g", **options)


# ---- profile ---------------------------------------------------------------------------------------------------------


def log_likelihood(family, x, n, mean, rho) -> float:
    """The log likelihood of groups by scipy."""
    if family == "binomial":
        if rho == 0:
            return stats.binom.logpmf(x, n, mean).sum()
        size = 1 / rho - 1
        return stats.betabinom.logpmf(x, n, mean * size, (1 - mean) * size).sum()
    if rho == 0:
        return stats.poisson.logpmf(x, n * mean).sum()
    return stats.nbinom.logpmf(x, 1 / rho, 1 / (1 + rho * n * mean)).sum()


def best(family, x, n, rho) -> tuple[float, float]:
    """The most likely mean at an overdispersion, and the log likelihood there."""
    above = 1 - 1e-9 if family == "binomial" else 1 + 2 * (x / n).max()
    result = optimize.minimize_scalar(
        lambda mean: -log_likelihood(family, x, n, mean, rho),
        bounds=(1e-9, above),
        method="bounded",
        options={"xatol": 1e-11},
    )
    return result.x, -result.fun


def sums(rows) -> tuple[np.ndarray, np.ndarray]:
    groups = rows.group_by("g").agg(pl.sum("x", "n")).sort("g")
    return groups["x"].to_numpy(), groups["n"].to_numpy()


def profile_of(rows, family="binomial", **options) -> pl.DataFrame:
    return pool.profile(rows, "x", "g", **{ROLE[family]: "n"}, **options)


@every_family
def test_the_profile_is_the_best_of_each_overdispersion(family):
    rows = drawn(family)
    grid = [0.0, 1e-4, 0.003, 0.05, 0.3, 0.95]
    curve = profile_of(rows, family, rho=grid)
    assert curve.columns == ["rho", "mean", "log_likelihood"]
    assert curve["rho"].to_list() == grid
    for rho, mean, value in curve.iter_rows():
        want_mean, want = best(family, *sums(rows), rho)
        assert value == pytest.approx(want, rel=1e-9)
        assert mean == pytest.approx(want_mean, rel=1e-5)  # flat at its maximum


@every_family
def test_the_profile_ends_at_the_limit_of_99_per_cent(family):
    rows = drawn(family)
    model = pool.components(rows, "x", "g", **{ROLE[family]: "n"}).row(0, named=True)
    curve = profile_of(rows, family)
    assert curve.height == 61
    np.testing.assert_allclose(curve["rho"], np.linspace(0, curve["rho"].max(), 61), rtol=1e-12)
    end = curve["rho"][-1]
    assert end > model["rho"]
    fall = 2 * (model["log_likelihood"] - best(family, *sums(rows), end)[1])
    assert fall == pytest.approx(stats.chi2.ppf(0.99, 1), abs=1e-7)
    assert curve["log_likelihood"].max() <= model["log_likelihood"] + 1e-9


@every_family
def test_the_profile_has_its_maximum_at_the_estimates(family):
    rows = drawn(family)
    options = {ROLE[family]: "n"}
    model = pool.components(rows, "x", "g", **options).row(0, named=True)
    point = profile_of(rows, family, rho=[model["rho"]]).row(0, named=True)
    assert point["log_likelihood"] == pytest.approx(model["log_likelihood"], rel=1e-12)
    assert point["mean"] == pytest.approx(model["mean"], rel=1e-8)
    groups = profile_of(rows, family, rho=[model["rho"]], groups=True)
    assert groups.columns == ["g", "rho", "estimate", "se"]
    want = pool.shrink(rows, "x", "g", **options).select("g", "estimate", "se")
    assert_frame_equal(groups.select("g", "estimate", "se"), want, rel_tol=1e-8)


@every_family
def test_the_rates_of_groups_at_each_overdispersion(family):
    """The posterior means by counts, and at 0 the common rate."""
    rows, grid = drawn(family), [0.0, 0.02, 0.5]
    x, n = sums(rows)
    of_groups = profile_of(rows, family, rho=grid, groups=True)
    for rho, mean, _ in profile_of(rows, family, rho=grid).iter_rows():
        size = np.inf if rho == 0 else 1 / rho - 1 if family == "binomial" else 1 / rho / mean
        want = np.full(len(n), x.sum() / n.sum()) if rho == 0 else (x + mean * size) / (n + size)
        np.testing.assert_allclose(of_groups.filter(rho=rho).sort("g")["estimate"], want, rtol=1e-12)
    assert_frame_equal(of_groups, of_groups.sort("g", "rho"))


@every_family
def test_profiles_of_models_are_those_of_each_alone(family):
    rows = drawn(family).with_columns(year=pl.col("g") % 3)
    for options in ({}, {"groups": True}, {"rho": [0, 0.1]}):
        lazy = profile_of(rows.lazy(), family, over="year", **options)
        every = lazy.collect()
        assert lazy.collect_schema() == every.schema
        for year in range(3):
            alone = profile_of(rows.filter(year=year), family, **options)
            of_year = every.filter(year=year).drop("year").sort(alone.columns[:2])
            assert_frame_equal(of_year, alone.sort(alone.columns[:2]), rel_tol=1e-7)


def test_profiles_at_the_ends():
    def curve(x, n, **options):
        rows = pl.DataFrame({"g": range(len(x)), "x": x, "n": n}, schema_overrides={"x": pl.Int64, "n": pl.Int64})
        return profile_of(rows, **options)

    for x, n, mean in (([0, 0], [4, 9], 0.0), ([4, 9], [4, 9], 1.0)):
        assert curve(x, n, rho=[0, 0.5]).rows() == [(0.0, mean, 0.0), (0.5, mean, 0.0)]
        assert curve(x, n)["rho"].to_list() == [0.0]
    assert curve([0, 1, 1], [1, 1, 1])["rho"].to_list() == [0.0]  # single trials do not limit rho
    extreme = curve([0, 4, 6], [5, 4, 6])
    assert extreme["rho"][-1] == pytest.approx(60 / 61)
    assert extreme["log_likelihood"].is_sorted()
    one = curve([3], [10])
    assert one["log_likelihood"][0] == pytest.approx(stats.binom.logpmf(3, 10, 0.3))
    assert one["rho"][-1] < 1
    assert curve([], []).height == curve([0], [0]).height == 0
    with_empty = curve([3, 0, 8], [10, 0, 12], rho=[0.1])
    assert with_empty.rows() == curve([3, 8], [10, 12], rho=[0.1]).rows()
    groups = curve([3, 0, 8], [10, 0, 12], rho=[0.1], groups=True)
    assert groups.filter(g=1)["estimate"].item() == pytest.approx(with_empty["mean"].item(), rel=1e-12)
    none = profile_of(pl.DataFrame({"g": [1, 2], "x": [0, 0], "n": [0.5, 2.0]}), "poisson")
    assert none.rows() == [(0.0, 0.0, 0.0)]


def test_the_profile_of_a_billion_trials():
    """The derivative of the likelihood is 0 at the best mean; scipy's likelihoods have 5 digits there."""
    x, n, rho = np.array([3e8, 4.1e8, 7]), np.array([1e9, 1e9, 20]), 0.02
    curve = profile_of(pl.DataFrame({"g": range(3), "x": x, "n": n}), rho=[rho]).row(0, named=True)
    size = 1 / rho - 1

    def slope(mean):
        alpha, beta = mean * size, (1 - mean) * size
        of_events = special.digamma(alpha + x) - special.digamma(alpha)
        return (of_events - special.digamma(beta + n - x) + special.digamma(beta)).sum()

    assert curve["mean"] == pytest.approx(optimize.brentq(slope, 0.01, 0.99, xtol=1e-15), rel=1e-11)
    assert curve["log_likelihood"] == pytest.approx(log_likelihood("binomial", x, n, curve["mean"], rho), abs=1e-4)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"trials": "n", "tau": [0, 1]}, r"^tau=\[0, 1\] is for means; rates have rho="),
        ({"trials": "n", "tau2": pool.Uniform()}, "^tau2=.* is for means; rates have rho="),
        ({"rho": [0, 0.1]}, r"^rho=\[0, 0.1\] is for rates, with trials=, exposure= or family=; means have tau="),
        (
            {"trials": "n", "rho": [0, 1]},
            "^rho holds 1; give a list of numbers, each 0 or more and less than 1, such as",
        ),
        ({"trials": "n", "rho": [-0.1]}, "^rho holds -0.1; give a list of numbers"),
        ({"exposure": "n", "rho": [np.inf]}, "^rho holds .*inf.*; give a list of numbers, each 0 or more, such as"),
        ({"trials": "n", "rho": []}, r"^rho=\[\] is empty; give a list of numbers"),
        ({"trials": "n", "weights": "n"}, "^weights='n' does not go with trials="),
        ({"trials": "n", "mu": 0.3}, "^mu=0.3 does not go with trials="),
        ({"trials": "n", "toward": "fold"}, "^toward="),
    ],
    ids=str,
)
def test_wrong_profiles(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        pool.profile(drawn("binomial"), "x", "g", **options)


def test_wrong_types_of_rho():
    for wrong in (0.5, "0.1", ["a"]):
        with pytest.raises(TypeError, match=r"^rho.*; give a list of numbers"):
            profile_of(drawn("binomial"), rho=wrong)
    assert profile_of(drawn("poisson"), "poisson", rho=[3.5]).height == 1
