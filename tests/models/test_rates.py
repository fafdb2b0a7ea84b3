"""Rates and counts: numerics, likelihoods, known priors, models, degenerate data, messages, expressions, plans."""

import math
import warnings
from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
import ways
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy import optimize, special, stats
from test_messages import WRONG, assert_sentence, refused
from test_plans import Plan, assert_one_scan

import polars_pool as pool
from polars_pool.models.rates import estimates, fit, likelihood, maximum
from polars_pool.models.rates.few_trials import FewTrials
from polars_pool.models.rates.pairs import Pairs
from polars_pool.numerics import rising, trust_region

few = settings(max_examples=6)
every_family = pytest.mark.parametrize("family", ["binomial", "poisson"])
every_prior = pytest.mark.parametrize("prior", ["ml", "moments"])
ROLE = {"binomial": "trials", "poisson": "exposure"}
NAMES = {"binomial": ("alpha", "beta"), "poisson": ("shape", "rate")}
KNOWN = {"binomial": pool.Beta(2, 5), "poisson": pool.Gamma(3, 1)}
LAWS = {"binomial": stats.beta, "poisson": lambda shape, rate: stats.gamma(shape, scale=1 / rate)}
STATISTICS = ["n", "mean", "weight", "estimate", "se", "lower", "upper"]


def drawn(family, seed=0, groups=40, first=2.0, second=6.0) -> pl.DataFrame:
    """One row per group, x out of n; the rates have a beta or gamma distribution."""
    random = np.random.default_rng(seed)
    if family == "binomial":
        n = random.integers(1, 60, groups)
        x = random.binomial(n, random.beta(first, second, groups))
    else:
        n = random.integers(1, 240, groups) / 4
        x = random.poisson(n * random.gamma(first, 1 / second, groups))
    return pl.DataFrame({"g": np.arange(groups), "x": x, "n": n})


def table(x, n) -> pl.DataFrame:
    return pl.DataFrame({"g": range(len(x)), "x": x, "n": n}, schema_overrides={"g": pl.Int64})


def shrunk(frame, family="binomial", uncertainty="conditional", **options):
    """A verb given the prior, without a warning; test_rates_intervals.py tests the prior's error and the warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the data of a model of rates do not show")
        return pool.shrink(frame, "x", "g", uncertainty=uncertainty, **{ROLE[family]: "n"}, **options)


def model_of(frame, family="binomial", **options) -> dict:
    return pool.components(frame, "x", "g", **{ROLE[family]: "n"}, **options).row(0, named=True)


def assert_same_model(result: dict, want: dict) -> None:
    """Assert equality up to the order of sums."""
    assert_frame_equal(pl.DataFrame([result]), pl.DataFrame([want]), rel_tol=1e-11)


def near(got, want, tolerance, scale=0.0) -> None:
    """Assert closeness, relative to each number or to a scale."""
    got, want = np.array(got, dtype=float), np.array(want, dtype=float)
    assert got.shape == want.shape
    assert np.isfinite(got).all()
    assert (np.abs(got - want) <= tolerance * (np.abs(want) + scale)).all(), np.abs(got - want).max()


# ---- Gamma(a + x) / Gamma(a) by exact sums ---------------------------------------------------------------------------

# both sides of the switch to the series, and factors whose logs are 0
A = [*np.logspace(-3, 12, 31), 0.5, 29.999, 30.0, 30.001, 480.0]
X = (0, 1, 2, 3, 5, 16, 30, 100, 1000, 10_000)


@pytest.mark.parametrize("a", A)
def test_rising_factorials_by_exact_sums(a):
    x = np.array(X, dtype=float)
    i = np.arange(max(X))
    logs, slopes, bends = np.log(a + i), i / (a + i), i / (a + i) * ((2 * a + i) / (a + i))
    log, slope, rest, curvature = rising.rise(np.full_like(x, a), x)
    for value in (log, rising.log_rise(np.full_like(x, a), x)):
        near(value, [math.fsum(logs[:k]) for k in X], 1e-12, 1e-2)
    near(rest, [-math.fsum(slopes[:k]) for k in X], 1e-12)
    near(slope, [math.fsum(a / (a + i[:k])) for k in X], 1e-12)
    near(curvature, [math.fsum(bends[:k]) for k in X], 1e-12)


def test_log1p_rest_by_its_series_and_by_decimals():
    t = np.array([0.0, 1e-300, 1e-12, 1e-6, 1e-3, 0.01, 0.0624, 0.0625, 0.0626, 0.5, 1.0, 30.0, 1e6])
    with localcontext(prec=400):
        want = [float((1 + Decimal(float(s))).ln() - Decimal(float(s))) for s in t]
    near(rising.log1p_rest(t), want, 1e-13)


# ---- the likelihoods by decimals -------------------------------------------------------------------------------------


def rise(a: Decimal, x: int) -> Decimal:
    return math.prod((a + i for i in range(x)), start=Decimal(1))


def log_beta_binomial(x, n, u, v):
    """The log likelihood by logit of the mean and log of the size, without the binomial coefficient."""
    size = v.exp()
    alpha = size / (1 + (-u).exp())
    return (rise(alpha, x) * rise(size - alpha, n - x) / rise(size, n)).ln()


def log_gamma_poisson(x, exposure, u, v):
    """The log likelihood by logs of the mean and of the shape, without log x!."""
    shape, mu = v.exp(), u.exp() * Decimal(exposure)
    return rise(shape, x).ln() - (shape + x) * (shape + mu).ln() + shape * v + x * mu.ln()


def differences(function, u, v):
    """Value, gradient and Hessian (uu, uv, vv) by central differences in high precision."""
    h = Decimal("1e-18")
    f = {(i, j): function(u + i * h, v + j * h) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    gradient = (f[1, 0] - f[-1, 0]) / (2 * h), (f[0, 1] - f[0, -1]) / (2 * h)
    mixed = (f[1, 1] - f[1, -1] - f[-1, 1] + f[-1, -1]) / (4 * h * h)
    hessian = (f[1, 0] - 2 * f[0, 0] + f[-1, 0]) / (h * h), mixed, (f[0, 1] - 2 * f[0, 0] + f[0, -1]) / (h * h)
    return f[0, 0], gradient, hessian


@every_family
@pytest.mark.parametrize("size", [1e-2, 1.0, 50.0, 1e4, 1e8, 1e12])
@pytest.mark.parametrize("mean", [0.01, 0.3, 0.9])
@pytest.mark.parametrize(("x", "n"), [(0, 1), (1, 1), (3, 11), (10, 10), (0, 50), (60, 210)])
def test_derivatives_by_differences_of_many_digits(family, x, n, mean, size):
    """Derivatives by the size are small for large sizes, but keep their digits; those by the mean keep those of n."""
    with localcontext(prec=90):
        m, v = Decimal(mean), Decimal(size).ln()
        if family == "binomial":
            value, gradient, hessian = differences(lambda u, v: log_beta_binomial(x, n, u, v), (m / (1 - m)).ln(), v)
            terms = likelihood.beta_binomial
        else:
            value, gradient, hessian = differences(lambda u, v: log_gamma_poisson(x, n, u, v), m.ln(), v)
            terms = likelihood.gamma_poisson
    at = [np.array([float(number)]) for number in (x, n, mean, size)]
    assert_terms(terms(*at), value, gradient, hessian, n)
    if family == "binomial":  # and as a sum over the factors of the products
        factors = FewTrials.of(Pairs(np.array([0]), *at[:2], np.array([1.0])))
        assert_terms(factors.terms(*at[2:], np.zeros(1)), value, gradient, hessian, n)
        near(factors.value(*at[2:]), [value], 1e-12, n)


def assert_terms(result, value, gradient, hessian, n) -> None:
    """The log likelihood of one group of n, with its derivatives."""
    near(result.value, [value], 1e-12, n)
    near(result.gradient[0], [gradient[0]], 1e-8, 1e-7 * n)
    near(result.hessian[0], [hessian[0]], 1e-8, 1e-7 * n)
    for got, want in (
        (result.gradient[1], gradient[1]),
        (result.hessian[1], hessian[1]),
        (result.hessian[2], hessian[2]),
    ):
        near(got, [want], 1e-8, 1e-16)


# ---- maximum likelihood ----------------------------------------------------------------------------------------------


def minus_log_likelihood(family, x, n, first, second) -> float:
    if family == "binomial":
        terms = special.betaln(first + x, second + n - x) - special.betaln(first, second)
        terms = terms + special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1)
    else:
        terms = stats.nbinom.logpmf(x, first, second / (second + n))
    return -math.fsum(terms)


@every_family
@pytest.mark.parametrize("seed", range(4))
def test_maximum_likelihood_by_scipy(family, seed):
    frame = drawn(family, seed, groups=60)
    x, n = frame["x"].to_numpy(), frame["n"].to_numpy()
    options = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000}
    best = optimize.minimize(
        lambda logs: minus_log_likelihood(family, x, n, *np.exp(logs)),
        [0.0, 1.0],
        method="Nelder-Mead",
        options=options,
    )
    result = model_of(frame, family)
    near([result[name] for name in NAMES[family]], np.exp(best.x), 1e-6)
    near(result["log_likelihood"], -best.fun, 1e-12)
    assert (result["groups"], result["converged"]) == (60, True)
    assert result["n"] == n.sum()


def newton_step(family, pairs, first, second) -> tuple[float, float]:
    """Relative distance of both parameters from the root of the score; score and Hessian by sums of decimals."""
    with localcontext(prec=60):
        a, b = Decimal(first), Decimal(second)
        ga = gb = aa = ab = bb = Decimal(0)
        for x, n, k in pairs:
            inverse = [1 / (a + i) for i in range(x)]
            ga, aa = ga + k * sum(inverse), aa - k * sum(t * t for t in inverse)
            if family == "binomial":
                others, all_trials = [1 / (b + i) for i in range(n - x)], [1 / (a + b + i) for i in range(n)]
                gb, bb = gb + k * sum(others), bb - k * sum(t * t for t in others)
                less, bend = k * sum(all_trials), k * sum(t * t for t in all_trials)
                ga, gb, aa, ab, bb = ga - less, gb - less, aa + bend, ab + bend, bb + bend
            else:
                total = b + Decimal(n)
                ga, gb = ga + k * (b / total).ln(), gb + k * (a / b - (a + x) / total)
                ab, bb = ab + k * (1 / b - 1 / total), bb + k * ((a + x) / total**2 - a / b**2)
        determinant = aa * bb - ab * ab
        return float((bb * ga - ab * gb) / determinant / a), float((aa * gb - ab * ga) / determinant / b)


@every_family
@pytest.mark.parametrize("seed", range(4))
def test_the_score_is_zero(family, seed):
    frame = drawn(family, seed)
    result = model_of(frame, family)
    pairs = [(x, n, 1) for x, n in frame.select("x", "n").iter_rows()]
    near(newton_step(family, pairs, *(result[name] for name in NAMES[family])), [0, 0], 1e-9, 1.0)


def barely(family, k) -> list[tuple[int, int, int]]:
    """Pairs that differ by slightly more than chance: the size of the prior is about the number of groups."""
    if family == "binomial":  # the variance of x is 25, as by chance, in all groups except two
        return [(45, 100, k), (55, 100, k), (44, 100, 1), (56, 100, 1)]
    return [(90, 100, k), (110, 100, k), (89, 100, 1), (111, 100, 1)]


@every_family
@pytest.mark.parametrize("k", [100, 10_000, 1_000_000, 100_000_000])
def test_the_score_is_zero_far_out(family, k):
    pairs = barely(family, k)
    x, n, groups = np.array(pairs, dtype=float).T
    result = fit.by_likelihood(fit.Pairs(np.array([0]), x, n, groups), family)
    mean, size = result.mean.item(), result.size.item()
    assert result.converged.all()
    assert size > 100 * k / 3
    parameters = (mean * size, (1 - mean) * size) if family == "binomial" else (size, size / mean)
    # A few of the k groups determine the result: sums over all k keep this number of digits.
    near(newton_step(family, pairs, *parameters), [0, 0], max(1e-9, 3e-13 * k), 1.0)


@every_family
def test_a_prior_far_out_from_a_frame(family):
    pairs = barely(family, 5000)
    x, n, k = (np.array(column) for column in zip(*pairs, strict=True))
    frame = table(np.repeat(x, k), np.repeat(n, k))
    result = model_of(frame, family)
    first, second = (result[name] for name in NAMES[family])
    assert (first + second if family == "binomial" else first) > 1e6
    near(newton_step(family, pairs, first, second), [0, 0], 1e-9, 1.0)


@every_family
def test_a_large_group_does_not_hide_how_small_ones_differ(family):
    """Its events are as expected by chance and dominate the sum of squares, but not the likelihood."""
    binomial = family == "binomial"
    x, n = (
        ([0, 10] * 10 + [500_000], [10] * 20 + [1_000_000])
        if binomial
        else ([0, 20] * 10 + [10**6], [10] * 20 + [10**6])
    )
    result = model_of(table(x, n), family)
    first, second = (result[name] for name in NAMES[family])
    assert result["converged"]
    pairs = np.array(x), np.array(n)
    pooled = sum(x) / sum(n)
    complete = (stats.binom.logpmf(x, n, pooled) if binomial else stats.poisson.logpmf(x, pooled * pairs[1])).sum()
    assert result["log_likelihood"] > complete + 50
    best = optimize.minimize(
        lambda logs: minus_log_likelihood(family, *pairs, *np.exp(logs)),
        [0.0, 0.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12},
    )
    near([first, second], np.exp(best.x), 1e-3)
    near(result["log_likelihood"], -best.fun, 1e-9)


@every_family
@pytest.mark.parametrize("over", [None, "m"])
def test_a_search_that_does_not_converge_is_reported(family, over, monkeypatch):
    monkeypatch.setattr(trust_region, "MOST", 1)
    frame = drawn(family).with_columns(m=0)
    with pytest.warns(pool.ConvergenceWarning, match=r"prior of a model of rates did not settle.*converged"):
        assert shrunk(frame, family, over=over)["estimate"].is_finite().all()
    with pytest.warns(pool.ConvergenceWarning, match="did not settle"):
        assert model_of(frame, family, over=over)["converged"] is False


# ---- moments ---------------------------------------------------------------------------------------------------------


def kleinman(x, n) -> tuple[float, float]:
    """alpha and beta of Kleinman (1973) with weights n, by fractions."""
    w = sum(n)
    p = Fraction(sum(x), w)
    squares = sum(n_i * (Fraction(x_i, n_i) - p) ** 2 for x_i, n_i in zip(x, n, strict=True))
    noise = sum(1 - Fraction(n_i, w) for n_i in n)
    spread = sum(n_i * (1 - Fraction(n_i, w)) for n_i in n)
    rho = (squares - p * (1 - p) * noise) / (p * (1 - p) * (spread - noise))
    assert 0 < rho < 1
    return float(p * (1 / rho - 1)), float((1 - p) * (1 / rho - 1))


def buhlmann_straub(x, n) -> tuple[float, float]:
    """shape and rate by the moments of Buehlmann & Straub (1970) with the mean as variance within, by fractions."""
    n = [Fraction(e) for e in n]
    total = sum(n)
    rate = sum(x) / total
    squares = sum(e * (x_i / e - rate) ** 2 for x_i, e in zip(x, n, strict=True))
    between = (squares - (len(n) - 1) * rate) / (total - sum(e * e for e in n) / total)
    assert between > 0
    return float(rate**2 / between), float(rate / between)


@every_family
@pytest.mark.parametrize("seed", range(4))
def test_moments(family, seed):
    frame = drawn(family, seed)
    want = (kleinman if family == "binomial" else buhlmann_straub)(frame["x"].to_list(), frame["n"].to_list())
    result = model_of(frame, family, prior="moments")
    near([result[name] for name in NAMES[family]], want, 1e-11)
    assert [result[f"se_log_{name}"] for name in NAMES[family]] == [None, None]
    near(result["log_likelihood"], -minus_log_likelihood(family, *frame.select("x", "n").to_numpy().T, *want), 1e-11)
    assert result["log_likelihood"] < model_of(frame, family)["log_likelihood"]


def test_rates_that_vary_without_end():
    """One group of counts has no variance by moments: shape 0, infinite overdispersion, no warning of NumPy."""
    one = pl.DataFrame({"g": ["a"], "x": [2], "n": [3.0]})
    result = pool.components(one, "x", "g", exposure="n", prior="moments")
    assert result.select("shape", "rho").row(0) == (0.0, math.inf)


@every_family
@pytest.mark.parametrize("seed", range(3))
def test_the_truth_lies_within_four_errors(family, seed):
    truth = (2.0, 6.0)
    result = model_of(drawn(family, seed, 3000, *truth), family)
    for name, want in zip(NAMES[family], truth, strict=True):
        error = result[f"se_log_{name}"]
        assert 0.01 < error < 0.1
        assert abs(math.log(result[name] / want)) < 4 * error


# ---- known priors ----------------------------------------------------------------------------------------------------


@every_family
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("threshold", [0.2, 0.45])
def test_a_known_prior_by_scipy(family, level, threshold):
    frame = drawn(family, 3)
    prior = KNOWN[family]
    result = shrunk(frame, family, prior=prior, level=level, threshold=threshold, posterior=True)
    x, n = frame["x"].to_numpy(), frame["n"].to_numpy()
    first, second = vars(prior).values()
    a, b = first + x, second + (n - x if family == "binomial" else n)
    law = LAWS[family](a, b)
    near(result[NAMES[family][0]], a, 1e-15)
    near(result[NAMES[family][1]], b, 1e-15)
    near(result["estimate"], law.mean(), 1e-13)
    near(result["se"], law.std(), 1e-13)
    near(result["lower"], law.ppf((1 - level) / 2), 1e-11)
    near(result["upper"], law.ppf((1 + level) / 2), 1e-11)
    near(result["p_above"], law.sf(threshold), 1e-11)
    near(result["pep"], law.cdf(threshold), 1e-11)
    size = first + second if family == "binomial" else second
    near(result["weight"], n / (n + size), 1e-15)
    near(
        model_of(frame, family, prior=prior)["log_likelihood"],
        -minus_log_likelihood(family, x, n, first, second),
        1e-12,
    )


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("binomial", "beta(2, 5)"),
        ("binomial", " beta( 2.0,5 ) "),
        ("poisson", "gamma(3, 1)"),
        ("poisson", "gamma(3,1e0)"),
    ],
)
def test_a_known_prior_as_text(family, text):
    frame = drawn(family, 5)
    assert_frame_equal(shrunk(frame, family, prior=text), shrunk(frame, family, prior=KNOWN[family]))
    result = model_of(frame, family, prior=text)
    assert [result[name] for name in NAMES[family]] == list(vars(KNOWN[family]).values())
    assert [result[f"se_log_{name}"] for name in NAMES[family]] == [None, None]
    assert result["converged"]


def binomial_tail(j, m, t) -> Fraction:
    """The probability of at least j of m events: the distribution function of Beta(j, m - j + 1) at t."""
    t = Fraction(t)
    return sum(math.comb(m, i) * t**i * (1 - t) ** (m - i) for i in range(j, m + 1))


@pytest.mark.parametrize(("x", "n", "threshold"), [(300, 400, 0.125), (150, 400, 0.125), (399, 400, 0.5)])
def test_small_errors_of_rates_by_fractions(x, n, threshold):
    """pep = 1 - p_above where the subtraction would give 0, and p_above where it is small."""
    a, b = 2 + x, 5 + n - x
    below = binomial_tail(a, a + b - 1, threshold)
    assert below < 1e-16
    for events, tail, rest in ((x, "pep", "p_above"), (n - x, "p_above", "pep")):
        prior, at = (pool.Beta(2, 5), threshold) if events == x else (pool.Beta(5, 2), 1 - threshold)
        result = shrunk(table([events], [n]), prior=prior, threshold=at)
        near(result[tail], [float(below)], 1e-10)
        assert result[rest].item() == 1.0


@pytest.mark.parametrize(("x", "exposure", "threshold"), [(200, 10.0, 2.0), (100, 2.5, 0.5)])
def test_small_errors_of_counts_by_decimals(x, exposure, threshold):
    """Gamma(x + 3, exposure + 1) is below the threshold with the probability of at least x + 3 Poisson events."""
    with localcontext(prec=60):
        mu = Decimal((exposure + 1) * threshold)
        below = (-mu).exp() * sum(mu**i / math.factorial(i) for i in range(x + 3, 3 * x + 300))
    assert below < 1e-30
    result = shrunk(table([x], [exposure]), "poisson", prior="gamma(3, 1)", threshold=threshold)
    near(result["pep"], [float(below)], 1e-10)
    assert result["p_above"].item() == 1.0


def test_thresholds_outside_of_all_rates():
    frame = table([3, 5], [10, 10])
    for threshold, above in ((-1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (2.0, 0.0)):
        result = shrunk(frame, prior="beta(2, 5)", threshold=threshold)
        assert result["p_above"].to_list() == [above] * 2
        assert result["pep"].to_list() == [1 - above] * 2
    assert shrunk(frame, "poisson", threshold=-1, prior="gamma(3, 1)")["p_above"].to_list() == [1.0, 1.0]


def test_a_threshold_of_groups_that_pool_completely():
    """All rates equal the pooled rate, 0.3, with certainty."""
    for threshold, above in ((0.2, 1.0), (0.4, 0.0)):
        result = shrunk(table([3, 3], [10, 10]), threshold=threshold)
        assert result["p_above"].to_list() == [above] * 2
        assert result["pep"].to_list() == [1 - above] * 2
        assert result["q_value"].to_list() == [1 - above] * 2


@every_family
@pytest.mark.parametrize("over", [None, "m"])
def test_q_values_by_a_loop_over_groups(family, over):
    """Groups of equal counts tie, and are all counted."""
    frame = pl.concat([drawn(family, seed, 60).with_columns(m=pl.lit(seed)) for seed in range(3)])
    frame = frame.with_columns(pl.col("n").clip(upper_bound=5).cast(pl.Int64).clip(1)).with_columns(
        pl.min_horizontal("x", "n")
    )
    result = shrunk(frame if over else frame.filter(m=1), family, over=over, threshold=0.25)
    for _, groups in result.group_by("m") if over else [(None, result)]:
        pep = groups["pep"].to_list()
        assert len(set(pep)) < len(pep)
        want = [math.fsum(some) / len(some) for p in pep for some in [[other for other in pep if other <= p]]]
        near(groups["q_value"], want, 1e-13)


# ---- estimates -------------------------------------------------------------------------------------------------------


@every_family
@pytest.mark.parametrize("prior", ["ml", "moments", "known"])
@given(seed=st.integers(0, 10_000))
@few
def test_estimates_are_weighted_means_of_the_own_rate_and_the_prior_mean(family, prior, seed):
    frame = drawn(family, seed)
    prior = KNOWN[family] if prior == "known" else prior
    mean = model_of(frame, family, prior=prior)["mean"]
    result = shrunk(frame, family, prior=prior)
    near(result["mean"], frame["x"] / frame["n"], 1e-15)
    near(result["weight"] * result["mean"] + (1 - result["weight"]) * mean, result["estimate"], 1e-13)
    assert (result["lower"] <= result["estimate"]).all()
    assert (result["estimate"] <= result["upper"]).all()


@given(seed=st.integers(0, 10_000))
@few
def test_single_trials_are_trials(seed):
    """Boolean values, and 0 and 1, are the events of one trial per row."""
    frame = drawn("binomial", seed)
    rows = pl.DataFrame(
        {
            "g": [g for g, _, n in frame.iter_rows() for _ in range(n)],
            "x": [i < x for _, x, n in frame.iter_rows() for i in range(n)],
        }
    ).sample(fraction=1, shuffle=True, seed=seed)
    want, model = shrunk(frame), model_of(frame)
    for dtype in (pl.Boolean, pl.UInt8, pl.Float64):
        cast = rows.with_columns(pl.col("x").cast(dtype))
        result = pool.shrink(cast.lazy(), "x", "g", family="binomial", uncertainty="conditional").collect().sort("g")
        assert_frame_equal(result, want, rel_tol=1e-12)
        assert_same_model(pool.components(cast, "x", "g", family="binomial").row(0, named=True), model)


@every_family
@given(seed=st.integers(0, 10_000))
@few
def test_rows_split_in_any_way_and_in_any_order_are_the_same_groups(family, seed):
    frame, random = drawn(family, seed), np.random.default_rng(seed)
    rows = []
    for g, x, n in frame.iter_rows():
        if family == "binomial":
            events = random.permutation([1] * x + [0] * (n - x))
            cut = random.integers(0, n + 1)
            rows += [(g, int(part.sum()), len(part)) for part in (events[:cut], events[cut:])]
        else:
            some = int(random.integers(0, x + 1))
            rows += [(g, some, n / 4), (g, x - some, 3 * n / 4)]
    split = pl.DataFrame(rows, schema=frame.schema, orient="row").sample(fraction=1, shuffle=True, seed=seed)
    assert_frame_equal(shrunk(split, family), shrunk(frame, family), rel_tol=1e-12)
    near(list(model_of(split, family).values()), list(model_of(frame, family).values()), 1e-12)


@given(seed=st.integers(0, 10_000), unit=st.sampled_from([1e-6, 0.125, 365.25, 1e9]))
@few
def test_the_unit_of_exposure_scales_the_rates(seed, unit):
    frame = drawn("poisson", seed)
    scaled = frame.with_columns(pl.col("n") * unit)
    plain, result = shrunk(frame, "poisson"), shrunk(scaled, "poisson")
    near(result["weight"], plain["weight"], 1e-9)
    for name in ("mean", "estimate", "se", "lower", "upper"):
        near(result[name] * unit, plain[name], 1e-9)
    plain, result = model_of(frame, "poisson"), model_of(scaled, "poisson")
    for name in ("shape", "rho", "se_log_shape", "se_log_rate", "log_likelihood"):
        near(result[name], plain[name], 1e-9)
    near(result["rate"], plain["rate"] * unit, 1e-9)


@given(seed=st.integers(0, 10_000))
@few
def test_failures_as_events_reflect_the_rates(seed):
    """Exchanging events and failures reflects the rates about one half."""
    frame = drawn("binomial", seed)
    turned = frame.with_columns(x=pl.col("n") - pl.col("x"))
    plain, result = shrunk(frame), shrunk(turned)
    near(result["estimate"], 1 - plain["estimate"], 1e-9)
    near(result["lower"], 1 - plain["upper"], 1e-9)
    model, other = model_of(frame), model_of(turned)
    near([other["alpha"], other["beta"]], [model["beta"], model["alpha"]], 1e-9)


# ---- over ------------------------------------------------------------------------------------------------------------


@every_family
@every_prior
def test_many_models_equal_single_models(family, prior, monkeypatch):
    for module in (estimates, maximum):
        monkeypatch.setattr(module, "BLOCK", 2**8)  # as in larger tables, models are in several blocks
    number = 1000 if ways.full else 200
    frame = pl.concat([drawn(family, seed, 4 + seed % 9).with_columns(m=pl.lit(seed)) for seed in range(number)])
    models = pool.components(frame, "x", "g", over="m", prior=prior, **{ROLE[family]: "n"})
    groups = shrunk(frame, family, over="m", prior=prior)
    assert models["m"].to_list() == list(range(number))
    pooled = models[NAMES[family][0]].is_infinite()
    assert pooled.sum() > number / 100
    assert models["converged"].sum() >= 0.99 * number
    for seed in [*range(0, number, number // 10), *models.filter(pooled)["m"].head(5)]:
        alone = frame.filter(m=seed).drop("m")
        if models["converged"][seed]:
            single = pool.components(alone, "x", "g", prior=prior, **{ROLE[family]: "n"})
            assert_frame_equal(models.filter(m=seed).drop("m"), single, rel_tol=1e-9)
            assert_frame_equal(groups.filter(m=seed).drop("m"), shrunk(alone, family, prior=prior), rel_tol=1e-9)


@pytest.mark.parametrize("largest", [3, 40, 1e9, 0.5])
def test_distinct_pairs_by_a_loop(largest):
    """Few possible pairs, many, more than integers count, and exposures that are no integers."""
    random = np.random.default_rng(1)
    n, start = random.integers(1, 4, 600) * (largest / 2 if largest == 0.5 else (largest // 3)), np.array([0, 7, 400])
    x, k = np.floor(n * random.integers(0, 3, 600) / 2), random.integers(1, 5, 600) * 1.0
    pairs, number = Pairs(start, x, n, k).distinct()
    groups = Counter()
    for row, (model, events, trials) in enumerate(zip(np.repeat([0, 1, 2], [7, 393, 200]), x, n, strict=True)):
        groups[model, events, trials] += k[row]
        assert (pairs.model[number[row]], pairs.x[number[row]], pairs.n[number[row]]) == (model, events, trials)
    assert list(zip(pairs.model, pairs.x, pairs.n, strict=True)) == sorted(groups)
    assert pairs.k.tolist() == [groups[key] for key in sorted(groups)]


@every_family
def test_models_of_equal_counts_keep_their_keys(family):
    """Equal models are computed once: whatever the order of their groups, and where their keys are null or nested."""
    x, n = [3, 0, 5, 3, 1], [7, 6, 9, 7, 4]
    one = pl.DataFrame({"g": [*"abcde"], "x": x, "n": n})
    parts = [one, one.reverse().with_columns(g="g"), one.with_columns(x=pl.Series([3, 1, 5, 3, 1])), one]
    keys = [[1], None, [2, 3], []]
    of_keys = [pl.Series("m", [key] * 5, pl.List(pl.Int64)) for key in keys]
    frame = pl.concat(part.with_columns(m) for part, m in zip(parts, of_keys, strict=True))
    models = pool.components(frame, "x", "g", over="m", **{ROLE[family]: "n"})
    groups = shrunk(frame, family, over="m")
    assert models.height == 4
    for part, key in zip(parts, keys, strict=True):
        of_model, of_groups = (table.filter([m == key for m in table["m"].to_list()]) for table in (models, groups))
        single = pool.components(part, "x", "g", **{ROLE[family]: "n"})
        assert_frame_equal(of_model.drop("m"), single, rel_tol=1e-9)
        assert_frame_equal(of_groups.drop("m"), shrunk(part, family), rel_tol=1e-9)


def degenerate() -> dict[str, pl.DataFrame]:
    """Models with little information in the data."""
    return {
        "all 0": table([0, 0, 0], [5, 6, 7]),
        "all n": table([5, 6, 7], [5, 6, 7]),
        "equal": table([2, 4, 6], [5, 10, 15]),
        "one group": table([3], [7]),
        "no trials": table([0, 0], [0, 0]),
        "nulls": table([None, None], [4, 5]),
        "single trials": table([1, 0, 1, 0, 0], [1] * 5),
    }


@every_prior
def test_degenerate_models_leave_others_unharmed(prior):
    good = drawn("binomial", 1)
    parts = {"a good one": good, **degenerate(), "b good one": drawn("binomial", 2)}
    frame = pl.concat([part.with_columns(m=pl.lit(name)) for name, part in parts.items()], how="vertical_relaxed")
    models = pool.components(frame, "x", "g", trials="n", over="m", prior=prior)
    groups = shrunk(frame, over="m", prior=prior)
    for name, part in parts.items():
        alone = pool.components(part, "x", "g", trials="n", prior=prior)
        assert_frame_equal(models.filter(m=name).drop("m"), alone, rel_tol=1e-9)
        assert_frame_equal(groups.filter(m=name).drop("m"), shrunk(part, prior=prior), rel_tol=1e-9)


@every_family
@pytest.mark.parametrize("over", [None, "m"])
def test_groups_without_rows(family, over):
    """They get the prior; keys without their model apply to every model."""
    frame = pl.concat([drawn(family, seed, 12).with_columns(m=pl.lit(seed)) for seed in range(2)])
    frame = frame if over else frame.filter(m=0)
    keys = pl.DataFrame({"g": [0, 100, 100, 101]})
    plain, result = shrunk(frame, family, over=over), shrunk(frame, family, over=over, groups=keys)
    assert_frame_equal(result.filter(pl.col("g") < 100), plain, rel_tol=1e-12)
    unseen = result.filter(pl.col("g") >= 100)
    models = pool.components(frame, "x", "g", over=over, **{ROLE[family]: "n"})
    assert unseen.height == 2 * models.height
    for row in unseen.iter_rows(named=True):
        model = models.filter(m=row["m"]) if over else models
        law = LAWS[family](*(model[name].item() for name in NAMES[family]))
        assert (row["n"], row["mean"], row["weight"]) == (0, None, 0.0)
        near([row["estimate"], row["se"]], [law.mean(), law.std()], 1e-12)
        near([row["lower"], row["upper"]], law.ppf([0.025, 0.975]), 1e-10)
    if over:
        one = shrunk(frame, family, over=over, groups=keys.with_columns(m=pl.lit(1, pl.Int32)))
        assert one.filter(pl.col("g") >= 100).select("m", "g").rows() == [(1, 100), (1, 101)]


# ---- degenerate data -------------------------------------------------------------------------------------------------


def assert_pooled(frame, family, prior, rate) -> None:
    result, model = shrunk(frame, family, prior=prior), model_of(frame, family, prior=prior)
    assert [model[name] for name in NAMES[family]] == [math.inf, math.inf]
    assert [model[f"se_log_{name}"] for name in NAMES[family]] == [None, None]
    assert (model["rho"], model["converged"]) == (0.0, True)
    near(model["mean"], rate, 1e-15)
    x, n = frame["x"].to_numpy(), frame["n"].to_numpy()
    law = stats.binom.logpmf(x, n, rate) if family == "binomial" else stats.poisson.logpmf(x, n * rate)
    near(model["log_likelihood"], law.sum(), 1e-13, 1.0)
    assert result["weight"].to_list() == [0.0] * frame.height
    assert result["se"].to_list() == [0.0] * frame.height
    for name in ("estimate", "lower", "upper"):
        near(result[name], [rate] * frame.height, 1e-15)


@every_family
@every_prior
@pytest.mark.parametrize(
    ("x", "n", "rate"),
    [
        ([2, 4, 6], [5, 10, 15], 0.4),
        ([10, 11, 9, 10], [20, 20, 20, 20], 0.5),
        ([0, 0, 0], [5, 6, 7], 0.0),
        ([3], [12], 0.25),
        ([0], [12], 0.0),
        ([1, 1, 1], [3, 3, 3], 1 / 3),
    ],
    ids=["equal rates", "less than chance", "no event", "one group", "one group, no event", "thirds"],
)
def test_complete_pooling(family, prior, x, n, rate):
    assert_pooled(table(x, n), family, prior, rate)


@every_prior
@pytest.mark.parametrize(("x", "n"), [([5, 6, 7], [5, 6, 7]), ([4], [4])])
def test_all_trials_are_events(prior, x, n):
    assert_pooled(table(x, n), "binomial", prior, 1.0)


@every_prior
def test_single_trials_do_not_determine_differences_between_groups(prior):
    """With one trial per group, the likelihood depends only on the mean; rounding must not decide."""
    cases = [(groups, events) for groups in range(1, 30) for events in range(groups + 1)]
    frame = pl.concat(
        table([1] * events + [0] * (groups - events), [1] * groups).with_columns(m=pl.lit(i))
        for i, (groups, events) in enumerate(cases)
    )
    models = pool.components(frame, "x", "g", trials="n", over="m", prior=prior)
    assert models.select("alpha", "beta").unique().rows() == [(math.inf, math.inf)]
    assert models.select("rho", "converged").unique().rows() == [(0.0, True)]
    near(models["mean"], [events / groups for groups, events in cases], 1e-15)
    assert shrunk(frame, over="m", prior=prior)["weight"].unique().to_list() == [0.0]
    assert_pooled(table([1, 0, 1, 0, 0], [1] * 5), "binomial", prior, 0.4)


def test_equal_rates_of_any_size_pool_completely():
    random = np.random.default_rng(1)
    for _ in range(60):
        whole = random.integers(1, 10 ** random.integers(1, 8), random.integers(2, 9))
        down = int(random.integers(2, 40))
        up = int(random.integers(1, down))
        for family in ROLE:
            start = np.array([0])
            result = fit.by_likelihood(
                fit.Pairs(start, 1.0 * up * whole, 1.0 * down * whole, np.ones(len(whole))), family
            )
            assert np.isinf(result.size).all()


@every_prior
def test_groups_with_no_or_only_events(prior):
    """All trials of a group have the same outcome: no pooling, and by the likelihood half of the groups have rate 1."""
    frame = table([0, 10] * 5, [10] * 10)
    result, model = shrunk(frame, prior=prior), model_of(frame, prior=prior)
    assert (model["converged"], model["rho"], model["alpha"], model["beta"]) == (True, 1.0, 0.0, 0.0)
    if prior == "ml":
        near(model["log_likelihood"], 10 * math.log(0.5), 1e-14)
    for name in ("mean", "estimate", "lower", "upper"):
        near(result[name], [0.0, 1.0] * 5, 1e-9, 1.0)


@every_family
def test_a_group_without_trials(family):
    """A row with null exposure is ignored; a row with 0 trials adds nothing."""
    frame = drawn(family, 1)
    none = pl.DataFrame(
        {"g": [100], "x": [0 if family == "binomial" else None], "n": [0 if family == "binomial" else None]}
    )
    more = pl.concat([frame, none.cast(frame.schema)])
    want, model = shrunk(frame, family), model_of(frame, family)
    result = shrunk(more, family)
    assert_same_model(model_of(more, family), model)
    assert_frame_equal(result.head(-1), want)
    last = result.row(-1, named=True)
    assert (last["n"], last["mean"], last["weight"]) == (0, None, 0.0)
    law = LAWS[family](*(model[name] for name in NAMES[family]))
    near([last["estimate"], last["se"]], [law.mean(), law.std()], 1e-12)


@pytest.mark.parametrize("x", [[0, 0], [None, None]])
def test_no_trials_at_all(x):
    frame = table(x, [0, 0]).with_columns(pl.col("x").cast(pl.Int64))
    model = model_of(frame)
    assert (model["groups"], model["n"], model["converged"]) == (0, 0, False)
    assert {model[name] for name in ("alpha", "beta", "mean", "rho", "log_likelihood")} == {None}
    result = shrunk(frame)
    assert result["n"].to_list() == [0, 0]
    assert result.select("mean", "estimate", "se", "lower", "upper", "weight").null_count().row(0) == (2,) * 6
    known = shrunk(frame, prior="beta(2, 5)")
    near(known["estimate"], [2 / 7] * 2, 1e-15)
    near(known["upper"], stats.beta(2, 5).ppf([0.975] * 2), 1e-12)
    known = model_of(frame, prior="beta(2, 5)")
    assert (known["alpha"], known["beta"], known["log_likelihood"], known["converged"]) == (2.0, 5.0, 0.0, True)


@every_family
@pytest.mark.parametrize("over", [None, "m"])
def test_an_empty_frame(family, over):
    schema = {"m": pl.String, "g": pl.Date, "x": pl.Int64, "n": pl.Int64}
    keys = {"m": pl.String} if over else {}
    of_size = pl.Int64 if family == "binomial" else pl.Float64
    result = shrunk(pl.DataFrame(schema=schema), family, over=over, threshold=0.5, posterior=True)
    more = ("p_above", "pep", "q_value", *NAMES[family])
    assert result.height == 0
    assert result.schema == {**keys, "g": pl.Date, **dict.fromkeys((*STATISTICS, *more), pl.Float64), "n": of_size}
    lazy = shrunk(pl.LazyFrame(schema=schema), family, over=over, threshold=0.5, posterior=True)
    assert lazy.collect_schema() == lazy.collect().schema == result.schema
    model = pool.components(pl.DataFrame(schema=schema), "x", "g", over=over, **{ROLE[family]: "n"})
    first, second = NAMES[family]
    floats = (first, second, "mean", f"se_log_{first}", f"se_log_{second}", "rho", "log_likelihood")
    assert model.schema == {
        **keys,
        "groups": pl.Int64,
        "n": of_size,
        **dict.fromkeys(floats, pl.Float64),
        "converged": pl.Boolean,
    }
    assert model.height == (0 if over else 1)
    if not over:
        assert model.row(0) == (0, 0, *(None,) * 7, False)


def test_null_keys_are_a_group_and_a_model():
    frame = drawn("binomial", 1).with_columns(m=pl.lit(1))
    nulls = frame.with_columns(g=pl.when(pl.col("g") > 0).then("g"))
    result = shrunk(nulls, over="m")
    assert_frame_equal(result.drop("g").sort("n", "estimate"), shrunk(frame, over="m").drop("g").sort("n", "estimate"))
    assert result["g"].null_count() == 1
    both = pl.concat([frame, drawn("binomial", 2).with_columns(m=pl.lit(None, pl.Int32))])
    result = shrunk(both, over="m")
    assert_frame_equal(result.filter(pl.col("m").is_null()).drop("m"), shrunk(drawn("binomial", 2)), rel_tol=1e-9)


@every_family
@pytest.mark.parametrize("column", ["x", "n"])
def test_a_row_with_a_null_is_ignored(family, column):
    frame = drawn(family, 1)
    extra = frame.head(3).with_columns(pl.lit(None).cast(frame.schema[column]).alias(column))
    both = pl.concat([frame, extra])
    assert_frame_equal(shrunk(both, family), shrunk(frame, family))
    assert_same_model(model_of(both, family), model_of(frame, family))


@pytest.mark.parametrize("dtype", [pl.UInt8, pl.Int16, pl.UInt64, pl.Float32, pl.Float64, pl.Decimal(20, 3)], ids=str)
@every_family
def test_columns_of_any_numeric_type(family, dtype):
    """Sums of small integers do not overflow."""
    frame = drawn(family, 1).with_columns(pl.col("n").ceil().cast(pl.Int64))
    frame = pl.concat([frame.with_columns(pl.col("x").clip(upper_bound=200))] * 9)
    cast = frame.with_columns(pl.col("x", "n").cast(dtype))
    assert frame.group_by("g").agg(pl.col("n").sum())["n"].max() > 255
    assert_frame_equal(shrunk(cast, family), shrunk(frame, family))
    assert_same_model(model_of(cast, family), model_of(frame, family))


def test_huge_trials():
    """Mean and variance of the prior equal those of the rates, up to the small chance error of this many trials."""
    rates = np.array([0.1, 0.2, 0.15, 0.3, 0.12])
    x = (rates * 10**9).astype(np.int64)
    result = model_of(table(x, [10**9] * 5))
    log_p, log_q = np.log(rates).mean(), np.log1p(-rates).mean()
    first, second = optimize.root(
        lambda logs: special.digamma(np.exp(logs)) - special.digamma(np.exp(logs).sum()) - [log_p, log_q],
        [1.0, 2.0],
        tol=1e-12,
    ).x
    assert (result["n"], result["converged"]) == (5 * 10**9, True)
    near([result["alpha"], result["beta"]], np.exp([first, second]), 1e-5)
    shrunken = shrunk(table(x, [10**9] * 5))
    near(shrunken["estimate"], rates, 1e-7)
    near(shrunken["se"], np.sqrt(rates * (1 - rates) / 1e9), 1e-6)


def digamma(z: Decimal) -> Decimal:
    """By its recurrence, and Stirling's series from 60 on: accurate to 30 digits."""
    shift = max(0, 60 - int(z))
    far = z + shift
    bernoulli = ("1/6", "-1/30", "1/42", "-1/30", "5/66", "-691/2730", "7/6", "-3617/510", "43867/798", "-174611/330")
    numbers = [Decimal(f.numerator) / f.denominator for f in map(Fraction, bernoulli)]
    series = sum(b / (2 * k * far ** (2 * k)) for k, b in enumerate(numbers, 1))
    return far.ln() - 1 / (2 * far) - series - sum(1 / (z + i) for i in range(shift))


def score(family, pairs, u, v):
    """Derivatives by the logs of both parameters."""
    a, b = u.exp(), v.exp()
    if family == "binomial":
        total = sum(digamma(a + b + n) - digamma(a + b) for _, n in pairs)
        first = sum(digamma(a + x) - digamma(a) for x, _ in pairs)
        second = sum(digamma(b + n - x) - digamma(b) for x, n in pairs)
        return a * (first - total), b * (second - total)
    first = sum(digamma(a + x) - digamma(a) + (b / (b + n)).ln() for x, n in pairs)
    return a * first, sum(a - b * (a + x) / (b + n) for x, n in pairs)


@every_family
@pytest.mark.parametrize("many", [10**3, 10**6, 10**9, 10**12])
def test_the_score_of_huge_counts_is_zero(family, many):
    """Newton's step from the estimated parameters, by decimals."""
    x = [many // 10, many // 5, many * 3 // 20, many * 3 // 10, many * 3 // 25]
    result = model_of(table(x, [many] * 5), family)
    assert result["converged"]
    with localcontext(prec=50):
        pairs = [(Decimal(events), Decimal(many)) for events in x]
        u, v = (Decimal(result[name]).ln() for name in NAMES[family])
        h = Decimal("1e-12")
        g = score(family, pairs, u, v)
        by_u, by_v = score(family, pairs, u + h, v), score(family, pairs, u, v + h)
        (aa, ab), (ba, bb) = (((more - g[i]) / h for more in (by_u[i], by_v[i])) for i in (0, 1))
        determinant = aa * bb - ab * ba
        steps = [float((bb * g[0] - ab * g[1]) / determinant), float((aa * g[1] - ba * g[0]) / determinant)]
    near(steps, [0, 0], 1e-9, 1.0)


# ---- bad values ------------------------------------------------------------------------------------------------------

BAD = {
    "more events than trials": ("binomial", {"x": 8.0}, ("x", "n"), "exceeds"),
    "negative value": ("binomial", {"x": -1.0}, ("x",), "negative"),
    "negative count": ("poisson", {"x": -1.0}, ("x",), "negative"),
    "fraction": ("binomial", {"x": 1.5}, ("x",), "whole"),
    "fraction of a count": ("poisson", {"x": 1.5}, ("x",), "whole"),
    "NaN": ("binomial", {"x": math.nan}, ("x",), "NaN"),
    "infinite": ("poisson", {"x": math.inf}, ("x",), "infinite"),
    "negative trials": ("binomial", {"x": 0.0, "n": -3.0}, ("n",), "negative"),
    "fraction of a trial": ("binomial", {"n": 6.5}, ("n",), "whole"),
    "NaN trials": ("binomial", {"n": math.nan}, ("n",), "NaN"),
    "infinite trials": ("binomial", {"n": math.inf}, ("n",), "infinite"),
    "no exposure": ("poisson", {"n": 0.0}, ("n",), "above"),
    "negative exposure": ("poisson", {"n": -2.0}, ("n",), "above"),
    "NaN exposure": ("poisson", {"n": math.nan}, ("n",), "NaN"),
}
GOOD = pl.DataFrame({"g": [0, 0, 1, 1, 2], "x": [2.0, 3.0, 1.0, 0.0, 4.0], "n": [7.0] * 5})


def spoiled(values, rows) -> pl.DataFrame:
    """The valid rows, with some values replaced."""
    at = pl.int_range(pl.len()) < rows
    return GOOD.with_columns(pl.when(at).then(value).otherwise(name).alias(name) for name, value in values.items())


def running(query):
    """The message of a query when it runs; Polars wraps errors of lazy queries."""
    with pytest.raises((ValueError, pl.exceptions.ComputeError)) as error:
        query()
    return str(error.value)


@pytest.mark.parametrize("verb", [pool.shrink, pool.components])
@pytest.mark.parametrize("over", [None, "m"])
@pytest.mark.parametrize("name", BAD)
def test_bad_values(name, over, verb):
    """The error names the columns and counts the rows when the query runs."""
    family, values, columns, reason = BAD[name]
    for rows, counted in ((1, "1 row"), (2, "2 rows")):
        frame = spoiled(values, rows).with_columns(m=pl.lit(1))
        options = {ROLE[family]: "n", "over": over}
        query = verb(frame.lazy(), "x", "g", **options)
        for engine in ("in-memory", "streaming"):
            text = running(lambda query=query, engine=engine: query.collect(engine=engine))
            assert f"{counted}:" in text
        text = running(lambda frame=frame, options=options: verb(frame, "x", "g", **options))
        assert f"in {counted}:" in text
        assert reason in text
        for column in columns:
            assert f"{ {'x': 'value', 'n': ROLE[family]}[column] }={column!r}" in text


@pytest.mark.parametrize("column", ["x", "n"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@every_family
def test_nan_as_null(family, column, value):
    frame = spoiled({column: value}, 2)
    want = shrunk(GOOD.slice(2), family, groups=pl.DataFrame({"g": [0]}))
    assert_frame_equal(shrunk(frame, family, nan="null"), want)
    assert_same_model(model_of(frame, family, nan="null"), model_of(GOOD.slice(2), family))


def test_without_trials_a_value_is_0_or_1():
    frame = pl.DataFrame({"g": [1, 1, 2], "x": [0, 2, 3]})
    query = pool.shrink(frame.lazy(), "x", "g", family="binomial")
    text = running(query.collect)
    assert "value='x' is more than 1 in 2 rows" in text


def test_values_in_ignored_rows_may_be_invalid():
    """A row with a null in another column is ignored."""
    frame = pl.concat([GOOD, pl.DataFrame({"g": [5], "x": [9.0], "n": [None]}, schema=GOOD.schema)])
    assert_frame_equal(shrunk(frame).filter(pl.col("g") < 5), shrunk(GOOD))


# ---- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [pool.shrink, pool.components])
@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"trials": "n", "exposure": "n"}, ("trials", "exposure")),
        ({"trials": "n", "tau2": "dl"}, ("tau2", "dl", "trials")),
        ({"trials": "n", "tau2": 2.0}, ("tau2", "trials")),
        ({"trials": "n", "sigma2": 1.0}, ("sigma2", "trials")),
        ({"trials": "n", "mu": 0.5}, ("mu", "trials")),
        ({"trials": "n", "weights": "n"}, ("weights", "trials")),
        ({"trials": "n", "se": "n"}, ("se", "trials")),
        ({"exposure": "n", "n": "n", "var": "x"}, ("n", "exposure")),
        ({"exposure": "n", "var": "x"}, ("var", "exposure")),
        ({"family": "binomial", "tau2": "ml"}, ("tau2", "family")),
        ({"family": "poisson"}, ("family", "poisson", "exposure")),
        ({"family": "poisson", "trials": "n"}, ("family", "poisson", "exposure")),
        ({"family": "binomial", "exposure": "n"}, ("family", "binomial", "exposure")),
        ({"prior": "moments"}, ("prior", "moments", "trials", "exposure")),
        ({"prior": pool.Beta(2, 5)}, ("prior", "trials")),
        ({"trials": "n", "prior": pool.Gamma(3, 1)}, ("prior", "Gamma", "beta")),
        ({"exposure": "n", "prior": pool.Beta(3, 1)}, ("prior", "Beta", "gamma")),
        ({"trials": "n", "prior": "gamma(3, 1)"}, ("prior", "gamma", "beta")),
        ({"trials": "n", "prior": "beta(3)"}, ("prior", "beta", "alpha")),
        ({"trials": "n", "prior": 3}, ("prior", "3", "ml", "moments")),
        ({"trials": "n", "nan": "drop"}, ("nan", "drop", "error", "null")),
    ],
    ids=str,
)
def test_arguments_that_exclude_each_other(verb, options, parts):
    """The error comes at the call, for a LazyFrame, too, before any query runs."""
    for frame in (GOOD, GOOD.lazy()):
        with pytest.raises(WRONG) as error:
            verb(frame, "x", "g", **options)
        assert_sentence(error, *parts)


@pytest.mark.parametrize("options", [{"interval": "robust"}, {"uncertainty": "tau2"}, {"predict": "row"}], ids=str)
def test_results_that_rates_do_not_have(options):
    with refused() as error:
        pool.shrink(GOOD, "x", "g", trials="n", **options)
    assert_sentence(error, *options, "trials")


@pytest.mark.parametrize(
    ("options", "nearest"),
    [
        ({"trials": "n", "prior": "moment"}, "moments"),
        ({"trials": "n", "prior": "ML"}, "ml"),
        ({"trials": "n", "prior": "beta2(2, 5)"}, "beta"),
        ({"exposure": "n", "prior": "gama(3, 1)"}, "gamma"),
        ({"family": "binomal"}, "binomial"),
        ({"exposure": "n", "family": "poison"}, "poisson"),
    ],
    ids=str,
)
def test_misspelt_names(options, nearest):
    with refused() as error:
        pool.shrink(GOOD.lazy(), "x", "g", **options)
    name, given = list(options.items())[-1]
    assert_sentence(error, name, given)
    assert f"did you mean {nearest!r}?" in str(error.value)


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (-1, 2), (math.inf, 1), (math.nan, 1)])
@pytest.mark.parametrize("prior", [pool.Beta, pool.Gamma])
def test_parameters_of_a_known_prior(prior, first, second):
    with refused() as error:
        prior(first, second)
    assert_sentence(error, "above 0")


def test_posterior_applies_to_rates_only():
    with refused() as error:
        pool.shrink(GOOD, "x", "g", posterior=True)
    assert_sentence(error, "posterior", "trials", "exposure")
    with pytest.raises(TypeError) as error:
        pool.shrink(GOOD, "x", "g", trials="n", posterior="yes")
    assert_sentence(error, "posterior", "yes")


@pytest.mark.parametrize("name", ["n", "mean", "weight", "estimate", "alpha", "p_above", "q_value"])
def test_a_key_named_like_a_result(name):
    frame = GOOD.rename({"n": "size", "g": name})
    with refused() as error:
        pool.shrink(frame.lazy(), "x", name, trials="size", threshold=0.5, posterior=True)
    assert_sentence(error, name)
    with refused() as error:
        pool.components(frame.rename({name: "rho"}), "x", "size", trials="size", over="rho")
    assert_sentence(error, "rho")


@pytest.mark.parametrize("dtype", [pl.String, pl.Date, pl.Duration("us"), pl.List(pl.Int64)], ids=str)
@pytest.mark.parametrize(("role", "column"), [("value", "x"), ("trials", "n"), ("exposure", "n")])
def test_columns_without_numbers(role, column, dtype):
    frame = pl.LazyFrame(schema={"g": pl.Int64, "x": pl.Int64, "n": pl.Int64} | {column: dtype})
    with pytest.raises(TypeError) as error:
        pool.shrink(frame, "x", "g", **{"trials" if role == "value" else role: "n"})
    assert f"{role}={column!r} is {dtype};" in str(error.value)


def test_missing_columns():
    for role in ("trials", "exposure"):
        with pytest.raises(pl.exceptions.ColumnNotFoundError) as error:
            pool.shrink(GOOD, "x", "g", **{role: "nn"})
        assert_sentence(error, role, "nn")


# ---- expressions -----------------------------------------------------------------------------------------------------


def rows_of(family) -> pl.DataFrame:
    """Two rows per group in two models, unordered, some without a value."""
    parts = [drawn(family, seed, 30).with_columns(m=pl.lit(seed)) for seed in range(2)]
    frame = pl.concat([*parts, *parts]).sample(fraction=1, shuffle=True, seed=4).with_row_index("i")
    return frame.with_columns(x=pl.when(pl.col("i") % 7 > 0).then("x"), g=pl.when(pl.col("g") > 0).then("g"))


@every_family
@pytest.mark.parametrize("over", [None, "m"])
@pytest.mark.parametrize("prior", ["ml", "known"])
@pytest.mark.parametrize("column", ["estimate", "weight"])
def test_the_expression_equals_the_joined_verb(family, over, prior, column):
    frame = rows_of(family)
    options = {ROLE[family]: "n", "prior": KNOWN[family] if prior == "known" else prior, "over": over}
    keys = ["g", *([over] if over else [])]
    joined = pool.shrink(frame, "x", "g", **options).select(*keys, pl.col(column).alias("joined"))
    want = frame.join(joined, on=keys, how="left", nulls_equal=True, maintain_order="left")
    expression = getattr(pl.col("x").pool, "shrink" if column == "estimate" else "weight")(by="g", **options)
    assert_frame_equal(frame.with_columns(joined=expression), want, rel_tol=1e-12)
    for engine in ("in-memory", "streaming"):
        got = frame.lazy().with_columns(joined=expression).collect(engine=engine)
        assert_frame_equal(got, want, rel_tol=1e-12)
    assert want["joined"].null_count() == 0


def test_the_expression_keeps_its_name_and_takes_expressions():
    frame = rows_of("binomial")
    result = frame.select(pl.col("x").pool.shrink(by=pl.col("g") % 5, trials=pl.col("n") + 1, over="m"))
    joined = pool.shrink(frame, "x", pl.col("g") % 5, trials=pl.col("n") + 1, over="m")
    want = frame.with_columns(pl.col("g") % 5).join(
        joined, on=["m", "g"], how="left", nulls_equal=True, maintain_order="left"
    )
    assert result.columns == ["x"]
    near(result["x"], want["estimate"], 1e-12)


def test_the_expression_of_single_trials():
    frame = pl.DataFrame({"g": [1, 1, 2, 2, 2, 3, 3], "hit": [True, True, False, None, False, True, False]})
    result = frame.select(pl.col("hit").pool.shrink(by="g", family="binomial", prior="beta(1, 1)")).to_series()
    near(result, [3 / 4, 3 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 2, 1 / 2], 1e-15)


def test_the_expression_over_models_equals_the_expression_in_each():
    frame = rows_of("poisson")
    whole = frame.select(pl.col("x").pool.shrink(by="g", exposure="n", over="m")).to_series()
    each = frame.select(pl.col("x").pool.shrink(by="g", exposure="n").over("m")).to_series()
    near(whole, each, 1e-9)


def test_the_expression_refuses_conflicting_arguments_at_the_call():
    for name in ("shrink", "weight"):
        with refused() as error:
            getattr(pl.col("x").pool, name)(by="g", trials="n", tau2="dl")
        assert_sentence(error, "tau2", "trials")
        with refused() as error:
            getattr(pl.col("x").pool, name)(by="g", prior="moments")
        assert_sentence(error, "prior", "trials")


def test_the_expression_counts_bad_rows():
    frame = spoiled({"x": 8.0}, 2)
    text = running(lambda: frame.select(pl.col("x").pool.shrink(by="g", trials="n")))
    assert "2 rows:" in text


# ---- plans -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """A hive-partitioned warehouse of three years: g, hits, n and time."""
    folder = tmp_path_factory.mktemp("warehouse")
    i = pl.int_range(6000)
    frame = pl.select(
        year=2020 + i % 3, g=(i * 7) % 61, hits=(i * i) % 5 + (i % 61) // 13, n=10 + i % 4, time=0.5 + i % 5
    )
    frame.with_columns(hit=pl.col("hits") > 4).write_parquet(folder / "warehouse", partition_by="year")
    return pl.scan_parquet(folder / "warehouse" / "**/*.parquet", hive_partitioning=True)


def queries(lf) -> dict[str, pl.LazyFrame]:
    """Both verbs, in all forms with different plans."""
    unseen = pl.LazyFrame({"g": [1, 100]}, schema={"g": pl.Int64})
    result = {}
    for name, options in {
        "trials": {"trials": "n"},
        "exposure": {"exposure": "time"},
        "moments": {"trials": "n", "prior": "moments"},
        "known": {"exposure": "time", "prior": "gamma(3, 1)"},
        "over": {"trials": "n", "over": "year"},
        "nan": {"trials": "n", "nan": "null"},
    }.items():
        result |= {
            f"{verb.__name__} {name}": verb(lf, "hits", "g", **options) for verb in (pool.shrink, pool.components)
        }
    return {
        **result,
        "single trials": pool.shrink(lf, "hit", "g", family="binomial"),
        "threshold": pool.shrink(lf, "hits", "g", trials="n", threshold=0.5, posterior=True),
        "groups": pool.shrink(lf, "hits", "g", trials="n", groups=unseen),
        "compare": pool.compare(lf, "hits", "g", trials="n", over="year"),
        "profile": pool.profile(lf, "hits", "g", trials="n", over="year"),
        "profile of groups": pool.profile(lf, "hits", "g", exposure="time", groups=True),
        "draws": pool.posterior_draws(lf, "hits", "g", trials="n", over="year", draws=2, seed=1),
        "groups over": pool.shrink(lf, "hits", "g", exposure="time", over="year", groups=unseen),
    }


SCHEMA = {"year": pl.Int64, "g": pl.Int64, "hits": pl.Int64, "n": pl.Int64, "time": pl.Float64, "hit": pl.Boolean}
QUERIES = list(queries(pl.LazyFrame(schema=SCHEMA)))


@pytest.mark.parametrize("name", QUERIES)
def test_one_scan_grouped_once_and_streamed(scanned, name):
    query = queries(scanned)[name]
    assert_one_scan(query)
    assert len(Plan.of(query).groupings_of_rows()) == 1


@pytest.mark.parametrize("name", QUERIES)
def test_both_engines_give_the_same(scanned, name):
    query = queries(scanned)[name]
    in_memory, streamed = (query.collect(engine=engine) for engine in ("in-memory", "streaming"))
    assert in_memory.height > 0
    assert query.collect_schema() == in_memory.schema
    assert_frame_equal(in_memory, streamed, check_row_order=False, rel_tol=1e-11)


def test_building_collects_nothing(scanned, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a verb ran a query while it was being built")

    for name in ("collect", "collect_async", "collect_batches", "sink_parquet", "sink_csv", "sink_ipc", "sink_batches"):
        if hasattr(pl.LazyFrame, name):
            monkeypatch.setattr(pl.LazyFrame, name, refuse)
    monkeypatch.setattr(pl, "collect_all", refuse)
    built = queries(scanned)
    built["method"] = scanned.pool.shrink("hits", "g", trials="n")
    built["expression"] = scanned.with_columns(pl.col("hits").pool.shrink(by="g", trials="n"))
    monkeypatch.undo()
    for name, query in built.items():
        assert isinstance(query, pl.LazyFrame), name
        assert query.collect().height > 0, name


def test_filters_and_slices_after_the_verb_change_no_estimate(scanned):
    query = pool.shrink(scanned, "hits", "g", trials="n", over="year")
    complete = query.sort("year", "g").collect()
    for predicate in (pl.col("g") == 1, pl.col("year") == 2021, pl.col("estimate") > complete["estimate"].median()):
        got = query.filter(predicate).sort("year", "g").collect()
        assert_frame_equal(got, complete.filter(predicate), rel_tol=1e-11)
    got = query.select("year", "g", "estimate").sort("year", "g").head(5).collect()
    assert_frame_equal(got, complete.select("year", "g", "estimate").head(5), rel_tol=1e-11)
