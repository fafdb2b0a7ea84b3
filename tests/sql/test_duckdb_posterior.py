"""The posterior in difficult cases, in both DuckDBs and in Polars, against piecewise integrals; and its error messages.

test_truth_posterior.py compares ordinary data with R and with dense matrices.
"""

import math
from functools import cache

import duckdb
import numpy as np
import polars as pl
import pytest
from frames import FRAME_PATHS
from polars.testing import assert_frame_equal
from scipy.special import sici
from scipy.stats import cauchy, expon, invgamma, norm
from sqlpaths import SQL_PATHS, database

import polars_pool as pool

engines = pytest.mark.parametrize("engine", SQL_PATHS)


def half(distribution):
    return lambda tau: np.log(2) + distribution.logpdf(tau)


def by_harmonic_mean(log_density):
    return lambda tau, v: log_density(tau, 1 / np.mean(1 / v))


PRIORS = {
    "half_cauchy(5)": half(cauchy(scale=5)),
    "half_normal(0.1)": half(norm(scale=0.1)),
    "exponential(0.5)": expon(scale=2).logpdf,
    "uniform()": lambda tau: 0.0 * tau,
    "uniform(1, 4)": lambda tau: 0.0 * tau - np.log(3),
    "uniform(3)": lambda tau: 0.0 * tau,
    "inverse_gamma(1, 2)": lambda tau: invgamma(1, scale=2).logpdf(tau**2) + np.log(2 * tau),
}
LIMITS = {"uniform(1, 4)": (1.0, 4.0), "uniform(3)": (3.0, math.inf)}
OF_VARIANCES = {
    "jeffreys()": lambda tau, v: np.log(tau) + 0.5 * np.log(np.sum((v[:, None] + tau**2) ** -2, axis=0)),
    "uniform_shrinkage": by_harmonic_mean(lambda tau, s2: np.log(2 * s2 * tau / (s2 + tau**2) ** 2)),
    "dumouchel": by_harmonic_mean(lambda tau, s2: np.log(np.sqrt(s2) / (np.sqrt(s2) + tau) ** 2)),
}
PIECE = 0.05
POINTS, SHARES = np.polynomial.legendre.leggauss(12)


class Integral:
    """A posterior by Gauss–Legendre quadrature on short pieces of log tau; mu is updated group by group."""

    def __init__(self, y, v, prior, mu=None):
        self.y, self.v, self.prior, self.mu = np.array(y, dtype=float), np.array(v, dtype=float), prior, mu
        sizes = np.sqrt([x for x in [*self.v, np.var(self.y), 1e-2, 1e2] if x > 0])
        low, high = LIMITS.get(prior, (0.0, math.inf))
        self.low = math.log(low) if low else math.log(sizes.min()) - 36
        self.high = math.log(high) if high < math.inf else math.log(sizes.max()) + 50
        self.top = self.log_density(self.nodes(self.high)[0])[0].max()
        self.total = 1.0
        self.total = self.mean(lambda tau, mean, variance: 1.0)

    def nodes(self, until):
        """All nodes x with their weights."""
        ends = np.linspace(self.low, until, 2 + int((until - self.low) / PIECE))
        middles, halves = (ends[1:] + ends[:-1]) / 2, np.diff(ends) / 2
        return (middles[:, None] + halves[:, None] * POINTS).ravel(), (halves[:, None] * SHARES).ravel()

    def normal_of_mu(self, tau):
        """Log likelihood, mean and variance of mu, starting from its prior."""
        if isinstance(self.mu, float):
            sd = np.sqrt(self.v[:, None] + tau**2)
            return norm.logpdf(self.y[:, None], self.mu, sd).sum(axis=0), self.mu + 0.0 * tau, 0.0 * tau
        order = np.argsort(self.v)
        y, s, log = self.y[order], self.v[order][:, None] + tau**2, 0.0 * tau
        if self.mu is None:
            mean, variance, y, s = y[0] + log, s[0], y[1:], s[1:]
        else:
            mean, variance = self.mu[0] + log, self.mu[1] ** 2 + log
        for yi, si in zip(y, s, strict=True):
            log = log - 0.5 * (np.log(2 * math.pi * (variance + si)) + (yi - mean) ** 2 / (variance + si))
            mean, variance = mean + variance / (variance + si) * (yi - mean), variance * si / (variance + si)
        return log, mean, variance

    def log_density(self, x):
        tau = np.exp(x)
        prior = PRIORS[self.prior](tau) if self.prior in PRIORS else OF_VARIANCES[self.prior](tau, self.v)
        log, mean, variance = self.normal_of_mu(tau)
        return log + prior + x, mean, variance

    def mean(self, f, until=math.inf):
        """The mean of f(tau, mean and variance of mu), over tau up to `until`."""
        x, weights = self.nodes(min(self.high, math.log(until)))
        log, mean, variance = self.log_density(x)
        density = np.exp(log - self.top) * weights
        used = density > 1e-60
        f_there = f(np.exp(x[used]), mean[used], variance[used])
        return (density[used] * f_there).sum() / self.total

    def theta(self, i, tau, mean, variance):
        pooling = self.v[i] / (self.v[i] + tau**2)
        return self.y[i] - pooling * (self.y[i] - mean), np.sqrt(pooling * tau**2 + pooling**2 * variance)


def studies(y, v):
    return pl.DataFrame({"g": range(len(y)), "y": np.array(y, dtype=float), "se": np.sqrt(np.array(v, dtype=float))})


SCHOOLS = ([28, 8, -3, 7, -1, 1, 18, 12], [225, 100, 256, 121, 81, 121, 100, 324])
ORDERS = ([0.3, -1.2, 0.8, 2.1, -0.4, 1.5, 0.9], 10.0 ** np.linspace(-6, 6, 7))
CASES = {
    "three groups": (*(x[:3] for x in SCHOOLS), "half_cauchy(5)", None),
    "three groups, flat": (*(x[:3] for x in SCHOOLS), "uniform()", None),
    "three groups, known mu": (*(x[:3] for x in SCHOOLS), "uniform()", 2.0),
    "twelve orders": (*ORDERS, "half_cauchy(5)", None),
    "twelve orders, normal mu": (*ORDERS, "exponential(0.5)", (1.0, 0.5)),
    "at 0": ([5.001, 4.999, 5.0, 5.002], [1.0, 1.0, 1.0, 2.0], "half_normal(0.1)", None),
    "nearly flat": ([1.0, 2.0, 3.0], [1e6, 2e6, 1e6], "exponential(0.5)", None),
    "one exact group": ([1.0, 4.0, 2.0, 7.0], [0.0, 1.0, 2.0, 1.0], "half_cauchy(5)", None),
    "exact groups apart": ([1.0, 1.5, 2.0, 7.0], [0.0, 0.0, 2.0, 1.0], "half_cauchy(5)", None),
    "exact groups alike": ([1.0, 1.0, 2.0, 7.0], [0.0, 0.0, 2.0, 1.0], "inverse_gamma(1, 2)", None),
    "bounded": (*SCHOOLS, "uniform(1, 4)", None),
    "bounded below": (*SCHOOLS, "uniform(3)", (0.0, 5.0)),
    "inverse gamma": (*SCHOOLS, "inverse_gamma(1, 2)", None),
    "jeffreys": (*SCHOOLS, "jeffreys()", None),
    "uniform shrinkage": (*SCHOOLS, "uniform_shrinkage", None),
    "dumouchel": (*SCHOOLS, "dumouchel", None),
    "two humps": ([0.0, 0.1, 30.0, 30.1], [0.01, 0.01, 0.01, 0.01], "half_normal(0.1)", None),
}


@cache
def integral(case):
    return Integral(*CASES[case])


def options(case):
    _, _, prior, mu = CASES[case]
    return {"tau2": prior} | (
        {} if mu is None else {"mu": f"normal({mu[0]}, {mu[1]})" if isinstance(mu, tuple) else mu}
    )


# These cases run in the shell, the others in the module; all run in Polars.
SOME = (
    "three groups, flat",
    "twelve orders, normal mu",
    "one exact group",
    "bounded",
    "uniform shrinkage",
    "two humps",
)
RUNS = [("shell" if case in SOME else "duckdb", case) for case in CASES] + [("DataFrame", case) for case in CASES]
PATHS = SQL_PATHS | FRAME_PATHS


@pytest.mark.share(2)
@pytest.mark.one_way
@pytest.mark.parametrize(("engine", "case"), RUNS)
def test_hard_cases_of_models(engine, case):
    y, v, _, mu = CASES[case]
    truth = integral(case)
    [result] = PATHS[engine](pool.components, studies(y, v), "y", "g", se="se", **options(case)).to_dicts()
    assert result["converged"]
    for end, probability in (("lower", 0.025), ("median", 0.5), ("upper", 0.975)):
        until = result[f"tau_{end}"]
        assert truth.mean(lambda *_: 1.0, until) == pytest.approx(probability, rel=1e-8)
        assert result[f"tau2_{end}"] == pytest.approx(until * until, rel=1e-14)
        if not isinstance(mu, float):
            at = result[f"mu_{end}"]
            below = truth.mean(lambda tau, mean, variance, at=at: norm.cdf((at - mean) / np.sqrt(variance)))
            assert below == pytest.approx(probability, rel=1e-8)
        at = result[f"new_{end}"]
        below = truth.mean(lambda tau, mean, variance, at=at: norm.cdf((at - mean) / np.sqrt(variance + tau**2)))
        assert below == pytest.approx(probability, rel=1e-8)
    assert result["log_tau"] == pytest.approx(truth.mean(lambda tau, *_: np.log(tau)), rel=1e-8)
    if result["tau"] is not None:
        assert result["tau"] == pytest.approx(truth.mean(lambda tau, *_: tau), rel=1e-8)
        assert result["mu"] == pytest.approx(truth.mean(lambda tau, mean, variance: mean), rel=1e-8)
    if result["tau2"] is not None:
        assert result["tau2"] == pytest.approx(truth.mean(lambda tau, *_: tau * tau), rel=1e-8)


OF_GROUPS = ["twelve orders", "three groups, known mu", "one exact group", "two humps", "bounded"]


@pytest.mark.one_way
@pytest.mark.parametrize(
    ("engine", "case"),
    [("shell" if case in SOME else "duckdb", case) for case in OF_GROUPS] + [("DataFrame", c) for c in OF_GROUPS],
)
def test_hard_cases_of_groups(engine, case):
    y, v, *_ = CASES[case]
    truth = integral(case)
    result = PATHS[engine](pool.shrink, studies(y, v), "y", "g", se="se", threshold=1.2, **options(case)).sort("g")
    for i, group in enumerate(result.to_dicts()):
        if v[i] == 0:
            assert (group["estimate"], group["se"], group["lower"], group["upper"]) == (y[i], 0.0, y[i], y[i])
            assert group["p_above"] == (y[i] > 1.2)
            continue
        at = truth.mean(lambda *node, i=i: truth.theta(i, *node)[0])
        assert group["estimate"] == pytest.approx(at, rel=1e-8)

        def squares(*node, i=i, at=at):
            m, s = truth.theta(i, *node)
            return s**2 + (m - at) ** 2

        square = truth.mean(squares)
        assert group["se"] == pytest.approx(math.sqrt(square), rel=1e-8)
        assert group["weight"] == pytest.approx(truth.mean(lambda tau, *_, i=i: tau**2 / (tau**2 + v[i])), rel=1e-8)
        for place, below in ((group["lower"], 0.025), (group["upper"], 0.975), (1.2, 1 - group["p_above"])):

            def under(*node, i=i, place=place):
                m, s = truth.theta(i, *node)
                return norm.cdf((place - m) / s)

            assert truth.mean(under) == pytest.approx(below, rel=1e-7, abs=1e-9)


# ---- many models, and undefined results -----------------------------------------------------------------------------


def test_models_together_equal_single_models():
    rng = np.random.default_rng(5)
    sizes = rng.integers(4, 12, 40)
    frame = pl.concat(
        studies(rng.normal(3, rng.uniform(0.1, 9), n), rng.uniform(0.1, 9, n)).with_columns(m=pl.lit(m))
        for m, n in enumerate(sizes)
    )
    run, priors = SQL_PATHS["duckdb"], {"tau2": "half_cauchy(5)", "mu": "normal(0, 5)"}
    together = run(pool.components, frame, "y", "g", over="m", se="se", **priors).sort("m")
    groups = run(pool.shrink, frame, "y", "g", over="m", se="se", **priors).sort("m", "g")
    assert together["converged"].all()
    of_python = pool.components(frame, "y", "g", over="m", se="se", **priors)
    assert_frame_equal(together, of_python, rel_tol=1e-8, abs_tol=1e-10)
    ends = pool.shrink(frame, "y", "g", over="m", se="se", **priors)
    assert_frame_equal(groups, ends, rel_tol=1e-8, abs_tol=1e-10)
    one = frame.filter(pl.col("m") == 39)
    alone = run(pool.components, one, "y", "g", se="se", **priors)
    assert_frame_equal(together.filter(pl.col("m") == 39).drop("m"), alone, rel_tol=1e-10)


@engines
def test_models_without_a_posterior_have_none(engine):
    """Flat tau needs three groups; equal exact groups imply tau = 0; the other models are unaffected."""
    models = {"few": ([1.0, 2.0], [1.0, 1.0]), "exact": ([1.0, 1.0, 2.0, 3.0], [0.0, 0.0, 1.0, 1.0]), "fine": SCHOOLS}
    frame = pl.concat(studies(*data).with_columns(m=pl.lit(name)) for name, data in models.items())
    result = SQL_PATHS[engine](pool.components, frame, "y", "g", over="m", se="se", tau2="uniform()")
    told = {row["m"]: row for row in result.to_dicts()}
    for name in ("few", "exact"):
        assert told[name]["groups"] == len(models[name][0])
        assert not told[name]["converged"]
        assert all(told[name][column] is None for column in ("tau_median", "mu_median", "new_upper", "log_tau"))
    assert told["fine"]["converged"]
    groups = SQL_PATHS[engine](pool.shrink, frame, "y", "g", over="m", se="se", tau2="uniform()")
    few = groups.filter(pl.col("m") == "few").sort("g")
    assert few["mean"].to_list() == [1.0, 2.0]
    assert few["v"].to_list() == [1.0, 1.0]
    assert few.select("weight", "estimate", "se", "lower", "upper").null_count().row(0) == (2,) * 5
    assert groups.filter(pl.col("m") == "fine")["lower"].null_count() == 0


# With a flat mu, the posterior decreases as 1 / tau to the power tail + J - 1; E tau^k needs more than k + 1. For each
# number of groups, the largest k with a finite moment among 0, 1, 2 and 4.
MOMENTS = {
    "uniform()": {3: 0, 4: 1, 5: 2, 6: 2, 7: 4},
    "half_cauchy(5)": {1: 0, 2: 1, 3: 2, 4: 2, 5: 4},
    "half_t(4, 5)": {1: 2, 2: 4},
    "jeffreys()": {2: 0, 3: 1, 4: 2},
    "uniform_shrinkage()": {1: 1, 2: 2},
    "half_normal(5)": {1: 4},
}


@pytest.mark.share(2)
@pytest.mark.parametrize("prior", MOMENTS)
def test_moments_that_are_infinite_are_missing(prior):
    of_models = MOMENTS[prior]
    models = [studies(*(x[:groups] for x in SCHOOLS)).with_columns(m=pl.lit(groups)) for groups in of_models]
    given = {"over": "m", "se": "se", "tau2": prior}
    result = SQL_PATHS["duckdb"](pool.components, pl.concat(models), "y", "g", **given)
    needs = {"tau": 1, "mu": 1, "new": 1, "se_tau": 2, "tau2": 2, "se_mu": 2, "se_new": 2, "se_tau2": 4}
    for row in result.to_dicts():
        told = {name: row[name] is not None for name in needs}
        assert told == {name: of_models[row["m"]] >= least for name, least in needs.items()}
        assert row["tau_median"] > 0


def test_a_normal_mu_always_has_an_error():
    frame = studies(*(x[:1] for x in SCHOOLS))
    [result] = SQL_PATHS["duckdb"](
        pool.components, frame, "y", "g", se="se", tau2="half_cauchy(5)", mu="normal(0, 5)"
    ).to_dicts()
    assert result["se_mu"] is not None
    assert result["se_tau"] is None


@engines
def test_groups_without_rows_are_new_groups(engine):
    frame = studies(*SCHOOLS)
    unseen = pl.DataFrame({"g": [3, 77]})
    result = SQL_PATHS[engine](pool.shrink, frame, "y", "g", se="se", tau2="half_cauchy(5)", groups=unseen)
    [new] = result.filter(pl.col("g") == 77).to_dicts()
    [model] = SQL_PATHS[engine](pool.components, frame, "y", "g", se="se", tau2="half_cauchy(5)").to_dicts()
    assert (new["n"], new["mean"], new["weight"], result.height) == (0, None, 0.0, 9)
    for name, of_model in (("estimate", "new"), ("se", "se_new"), ("lower", "new_lower"), ("upper", "new_upper")):
        assert new[name] == pytest.approx(model[of_model], rel=1e-12)


@engines
def test_a_known_tau_with_a_normal_mu(engine):
    """The posterior is normal, from the precisions of the means and of mu."""
    y, v = (np.array(x, dtype=float) for x in SCHOOLS)
    w = 1 / (v + 16)
    variance = 1 / (w.sum() + 1 / 25)
    mean = variance * ((w * y).sum() + 2 / 25)
    known = {"tau2": 16.0, "mu": "normal(2, 5)", "se": "se"}
    [result] = SQL_PATHS[engine](pool.components, studies(y, v), "y", "g", **known).to_dicts()
    assert (result["tau"], result["tau2"], result["se_tau"], result["bayes_factor"]) == (4.0, 16.0, 0.0, None)
    assert (result["mu"], result["se_mu"]) == pytest.approx((mean, math.sqrt(variance)), rel=1e-12)
    assert result["mu_upper"] == pytest.approx(mean + norm.ppf(0.975) * math.sqrt(variance), rel=1e-12)
    assert result["new_lower"] == pytest.approx(mean - norm.ppf(0.975) * math.sqrt(variance + 16), rel=1e-12)
    covariance = np.diag(v + 16) + 25
    _, log_det = np.linalg.slogdet(covariance)
    log = -0.5 * (8 * math.log(2 * math.pi) + log_det + (y - 2) @ np.linalg.solve(covariance, y - 2))
    assert result["log_marginal"] == pytest.approx(log, rel=1e-12)
    groups = SQL_PATHS[engine](pool.shrink, studies(y, v), "y", "g", **known).sort("g")
    np.testing.assert_allclose(groups["estimate"], y - v * w * (y - mean), rtol=1e-12)
    np.testing.assert_allclose(groups["se"] ** 2, 16 * v * w + (v * w) ** 2 * variance, rtol=1e-12)


def test_an_offset_costs_no_digits():
    y, v = SCHOOLS
    run, priors = SQL_PATHS["duckdb"], {"tau2": "half_cauchy(5)", "se": "se"}
    near = run(pool.shrink, studies(y, v), "y", "g", **priors).sort("g")
    far = run(pool.shrink, studies(np.array(y) + 2.0**30, v), "y", "g", **priors).sort("g")
    np.testing.assert_allclose(far["lower"] - 2.0**30, near["lower"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(far["se"], near["se"], rtol=1e-12)


@engines
def test_the_sine_integral(engine):
    x = np.concatenate([np.linspace(-40, 40, 4001), np.logspace(-12, 5, 500), -np.logspace(0, 4, 100)])
    database(engine).hold(pl.DataFrame({"x": x}))
    result = database(engine).ask("SELECT pool_sine_integral(x) AS si FROM data")["si"]
    np.testing.assert_allclose(result, sici(x)[0], rtol=1e-13)


# ---- messages -------------------------------------------------------------------------------------------------------

TAU = (
    "half_cauchy(scale), half_normal(scale), half_t(df, scale), exponential(rate), uniform(lower, upper), "
    "inverse_gamma(shape, scale), jeffreys(), uniform_shrinkage(), dumouchel()"
)
SENTENCES = [
    (
        "shrink",
        "tau2 := 'half_couchy(5)'",
        f"tau2='half_couchy(5)' is no prior; give one of {TAU}; did you mean 'half_cauchy'?",
    ),
    ("shrink", "mu := 'gauss(0)'", "mu='gauss(0)' is no prior; give one of normal(mean, sd), flat()"),
    ("shrink", "tau2 := 'half_cauchy()'", "tau2='half_cauchy()': give half_cauchy(scale) with numbers"),
    ("shrink", "tau2 := 'half_t(4)'", "tau2='half_t(4)': give half_t(df, scale) with numbers"),
    ("shrink", "tau2 := 'half_t(4, x)'", "tau2='half_t(4, x)': give half_t(df, scale) with numbers"),
    ("shrink", "tau2 := 'jeffreys(1)'", "tau2='jeffreys(1)': give jeffreys() with numbers"),
    ("shrink", "tau2 := 'half_cauchy(-5)'", "tau2='half_cauchy(-5)': give scale as a finite number above 0"),
    ("shrink", "tau2 := 'inverse_gamma(0, 0)'", "tau2='inverse_gamma(0, 0)': give shape as a finite number above 0"),
    (
        "shrink",
        "tau2 := 'inverse_gamma(1, inf)'",
        "tau2='inverse_gamma(1, inf)': give scale as a finite number above 0",
    ),
    (
        "shrink",
        "tau2 := 'uniform(3, 2)'",
        "tau2='uniform(3, 2)': give a lower limit of 0 or more and an upper one above it",
    ),
    (
        "shrink",
        "tau2 := 9, mu := 'normal(0, 0)'",
        "mu='normal(0, 0)': give a finite mean, and sd as a finite number above 0",
    ),
    (
        "shrink",
        "sigma2 := 'jeffreys()'",
        "sigma2='jeffreys()' is integrated out in Python alone; give a number of 0 or more, or one of "
        "'pooled', 'separate', 'squeezed'",
    ),
    (
        "components",
        "tau2 := 'half_cauchy(5)', mu := 'rows'",
        "mu='rows' does not go with a prior of tau2, where mu is integrated out: give 'gls', a number, or a prior "
        "such as 'normal(0, 5)'",
    ),
    (
        "components",
        "tau2 := 'reml', mu := 'normal(0, 5)'",
        "mu='normal(0, 5)' does not go with tau2='reml', an estimate: give tau2 as a number or a prior such as "
        "'half_cauchy(5)'",
    ),
    (
        "shrink",
        "tau2 := 'half_cauchy(5)', uncertainty := 'tau2'",
        "uncertainty='tau2' does not go with a prior: the posterior holds the errors of mu and tau2",
    ),
    (
        "shrink",
        "\"interval\" := 'central'",
        "interval='central' applies to a posterior only: give a prior of tau2 or mu, or 'normal' or 'robust'",
    ),
    (
        "shrink",
        "tau2 := 'half_cauchy(5)', \"interval\" := 'normal'",
        "interval='normal' does not go with a prior: give 'central' or 'shortest'",
    ),
    (
        "components",
        "tau2 := 'half_cauchy(5)', test := 'knha'",
        "test='knha' does not go with a prior: mu has a posterior",
    ),
    (
        "components",
        "tau2 := 'half_cauchy(5)', limits := 'q'",
        "limits='q' does not go with a prior: tau2 has a posterior",
    ),
    (
        "compare",
        "tau2 := 'half_cauchy(5)'",
        "tau2='half_cauchy(5)' does not go with compare: give a number or the name of an estimator",
    ),
    (
        "compare",
        "tau2 := 4, mu := 'normal(0, 5)'",
        "mu='normal(0, 5)' does not go with compare: give a number or the name of an estimator",
    ),
    ("shrink", "tau2 := 'rmel'", "'sure', 'cv'; did you mean 'reml'?"),
    (
        "profile",
        "tau2 := 'reml'",
        "tau2='reml' does not fit a profile: give a prior such as 'half_cauchy(5)', or nothing",
    ),
]
DATA_SENTENCES = [
    (
        ([1, 2], [1, 1]),
        "uniform()",
        "tau2='uniform()' needs 3 groups at least, and there are 2: the posterior has no finite total; give a proper "
        "prior, such as 'half_cauchy(5)'",
    ),
    (
        ([1], [1]),
        "jeffreys",
        "tau2='jeffreys' needs 2 groups at least, and there is 1: the posterior has no finite total; give a proper "
        "prior, such as 'half_cauchy(5)'",
    ),
    (
        ([1, 1, 2], [0, 0, 1]),
        "half_cauchy(5)",
        "tau2='half_cauchy(5)' leaves the posterior improper at tau = 0, which groups without sampling variance ask "
        "for; give tau2 as a number",
    ),
    (
        ([1, 3, 2], [0, 1, 1]),
        "dumouchel()",
        "tau2='dumouchel()' leaves the posterior improper at tau = 0, which groups without sampling variance ask "
        "for; give tau2 as a number",
    ),
]


INTERVAL = '"interval"'
ASKED = [("duckdb", *case) for case in SENTENCES[::2]] + [("shell", *case) for case in SENTENCES[1::2]]


@pytest.mark.share(3)
@pytest.mark.parametrize(("engine", "verb", "arguments", "sentence"), ASKED)
def test_errors_of_priors(engine, verb, arguments, sentence):
    database(engine).hold(pl.DataFrame({"g": [1, 1, 2, 2, 3], "y": [1.0, 2.0, 4.0, 5.0, 3.0]}))
    with pytest.raises(duckdb.Error) as refused:
        database(engine).ask(f"FROM pool_{verb}(data, y, g, {arguments})")
    assert str(refused.value).split("\n")[0].rstrip().endswith(sentence)


@pytest.mark.parametrize(("verb", "arguments", "sentence"), [case for case in SENTENCES if "sigma2" not in case[1]])
def test_python_has_the_same_messages(verb, arguments, sentence):
    options = eval(f"dict({arguments.replace(' :=', '=').replace(INTERVAL, 'interval')})")
    with pytest.raises(ValueError, match="=") as refused:
        getattr(pool, verb)(pl.DataFrame({"g": [1, 1, 2], "y": [1.0, 2.0, 4.0]}), "y", "g", **options)
    assert str(refused.value).endswith(sentence)


@pytest.mark.parametrize(
    ("engine", "data", "prior", "sentence"),
    [(engine, *case) for engine, case in zip(["duckdb", "shell"] * 2, DATA_SENTENCES, strict=True)],
)
def test_a_single_model_without_a_posterior(engine, data, prior, sentence):
    verb = pool.components if engine == "duckdb" else pool.shrink
    with pytest.raises(duckdb.Error) as refused:
        SQL_PATHS[engine](verb, studies(*data), "y", "g", se="se", tau2=prior)
    assert str(refused.value).split("\n")[0].rstrip().endswith(sentence)
