"""The error of the prior's mean in intervals of rates and counts, and the digits of huge counts, in every engine.

The references are computed here: the law of total variance by a sum over the posterior of the prior's mean,
distributions by SciPy, and likelihoods of huge counts by mpmath with 60 digits.
"""

import math
import warnings

import numpy as np
import polars as pl
import pytest
import sqlpaths
from polars.testing import assert_frame_equal
from scipy import stats

import polars_pool as pool
from polars_pool.models.rates import likelihood, posterior
from polars_pool.models.warning import POOLED_RATES

every_family = pytest.mark.parametrize("family", ["binomial", "poisson"])
every_prior = pytest.mark.parametrize("prior", ["ml", "moments"])
ROLE = {"binomial": "trials", "poisson": "exposure"}
MACRO = {"binomial": "rates", "poisson": "counts"}
WITH_DISTRIBUTION = ("se", "lower", "upper", "p_above", "pep")


def table(x, n) -> pl.DataFrame:
    return pl.DataFrame({"g": range(len(x)), "x": x, "n": n}, schema={"g": pl.Int64, "x": pl.Int64, "n": pl.Int64})


DATA = {
    "overdispersed": table([3, 9, 24, 11, 20], [30, 41, 40, 22, 60]),
    "a group without trials": table([3, 9, 24, 11, 20, 0], [30, 41, 40, 22, 60, 0]),
    "no differences": table([10, 11, 9], [20, 20, 20]),
    "no events": table([0, 0, 0], [50, 60, 70]),
    "all events": table([5, 6, 0], [5, 6, 0]),
    "one group": table([3], [12]),
    "one group, no event": table([0], [12]),
    "single trials": table([1, 0, 1], [1, 1, 1]),
    "nearly 0 or 1": table([0, 10, 1, 9, 0, 0], [10, 10, 10, 10, 0, 10]),
    "0 or 1": table([0, 10, 0, 10, 0, 0], [10, 10, 10, 10, 10, 0]),
    "no trials": table([0, 0], [0, 0]),
}


def data(family) -> dict[str, pl.DataFrame]:
    return DATA if family == "binomial" else {name: part.filter(pl.col("n") > 0) for name, part in DATA.items()}


def shrunk(frame, family, **options) -> pl.DataFrame:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=POOLED_RATES[:40])
        return pool.shrink(frame, "x", "g", **{ROLE[family]: "n"}, **options)


def together(family) -> pl.DataFrame:
    return pl.concat([part.with_columns(m=pl.lit(name)) for name, part in data(family).items()])


def distribution(family, model, row):
    """Mean and variance by the law of total variance; the prior's mean is integrated by a sum over quantiles."""
    first, second = (model[name] for name in (("alpha", "beta") if family == "binomial" else ("shape", "rate")))
    m, n, x = model["mean"], float(row["n"]), (row["mean"] or 0.0) * row["n"]
    size = first + second if family == "binomial" else second
    if family == "binomial":
        each = [k if math.isinf(size) else k * (1 + size) / (k + size) for k in model["sizes"] if k]
        worth = math.fsum(each)
        of_mean = stats.beta(worth * m + 0.5, worth * (1 - m) + 0.5)
    else:
        each = [k if math.isinf(size) else k * size / (k + size) for k in model["sizes"]]
        worth = math.fsum(each)
        of_mean = stats.gamma(worth * m + 0.5, scale=1 / worth)
    if math.isinf(size):
        return of_mean
    mean, var = of_mean.mean(), of_mean.var()
    given_mean = (x + size * mean) / (n + size)
    slope = size / (n + size)
    # E[e (1 - e)] = e (1 - e) - Var(e) of the posterior mean e, which is linear in the prior's mean
    if family == "binomial":
        inside = (given_mean * (1 - given_mean) - slope**2 * var) / (n + size + 1)
    else:
        inside = given_mean / (n + size)
    total = inside + slope**2 * var
    if family == "poisson":
        return stats.gamma(given_mean**2 / total, scale=total / given_mean)
    together = given_mean * (1 - given_mean) / total - 1
    return stats.beta(given_mean * together, (1 - given_mean) * together)


@every_family
@every_prior
@pytest.mark.parametrize(
    "name", ["overdispersed", "a group without trials", "no differences", "no events", "one group"]
)
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_by_the_law_of_total_variance(family, prior, name, level):
    frame = data(family)[name]
    model = pool.components(frame, "x", "g", prior=prior, **{ROLE[family]: "n"}).row(0, named=True)
    model["sizes"] = frame["n"].to_list()
    result = shrunk(frame, family, prior=prior, level=level, threshold=0.3)
    for row in result.iter_rows(named=True):
        law = distribution(family, model, row)
        got = [row[column] for column in WITH_DISTRIBUTION]
        ends = law.ppf([(1 - level) / 2, (1 + level) / 2])
        np.testing.assert_allclose(got, [law.std(), *ends, law.sf(0.3), law.cdf(0.3)], rtol=1e-9)
    given = shrunk(frame, family, prior=prior, uncertainty="conditional")
    same = ["g", "n", "mean", "weight", "estimate"]
    assert_frame_equal(result.select(same), given.select(same))
    assert (result["se"] > given["se"]).all()


@pytest.mark.parametrize("n", [0.0, 1.0, 7.0, 300.0])
@pytest.mark.parametrize("size", [1e-9, 0.01, 0.5, 3.0, 1e3, 1e12, np.inf])
@every_family
def test_defined_for_every_prior(family, size, n):
    """Limits are valid rates in order, and variances are positive, for small and large priors."""
    for share in (0.0, 0.4, 1.0):
        for mean in (1e-9, 0.3, 1 - 1e-9):
            parameters = [[size * mean], [size * (1 - mean)]] if family == "binomial" else [[size * mean], [size]]
            prior = posterior.Prior(np.array([mean]), *map(np.array, parameters), family)
            with np.errstate(all="ignore"):
                given = posterior.given_prior(np.array([np.round(n * share)]), np.array([n]), prior)
                worth = posterior.effective(np.array([max(n, 1.0)]), prior) * 2
                result = posterior.with_error_of_mean(given, np.array([n]), prior, worth)
            (lower,), (upper,) = result.quantiles(0.025, 0.975)
            assert 0 <= lower <= upper <= (1 if family == "binomial" else math.inf)
            assert result.variance[0] > 0
            if family == "binomial":
                assert result.variance[0] <= result.mean[0] * (1 - result.mean[0]) * (1 + 1e-12)


@every_family
def test_continuous_where_pooling_becomes_complete(family):
    def limits(size):
        parameters = [[size * 0.3], [size * 0.7]] if family == "binomial" else [[size * 0.3], [size]]
        prior = posterior.Prior(np.array([0.3]), *map(np.array, parameters), family)
        with np.errstate(all="ignore"):
            given = posterior.given_prior(np.array([9.0]), np.array([40.0]), prior)
            result = posterior.with_error_of_mean(given, np.array([40.0]), prior, np.array([130.0]))
        return [result.variance[0], *np.ravel(result.quantiles(0.025, 0.975))]

    np.testing.assert_allclose(limits(1e13), limits(np.inf), rtol=1e-9)


@every_family
def test_a_known_prior_has_a_known_mean(family):
    frame, prior = data(family)["a group without trials"], {"binomial": "beta(2, 5)", "poisson": "gamma(2, 5)"}[family]
    options = {"prior": prior, "threshold": 0.3, "posterior": True}
    assert_frame_equal(shrunk(frame, family, **options), shrunk(frame, family, uncertainty="conditional", **options))


@every_family
def test_parameters_are_those_given_the_prior(family):
    frame = data(family)["overdispersed"]
    result, given = (shrunk(frame, family, posterior=True, uncertainty=u) for u in ("mu", "conditional"))
    assert result.columns[-2:] == (["alpha", "beta"] if family == "binomial" else ["shape", "rate"])
    assert_frame_equal(result.select(result.columns[-2:]), given.select(result.columns[-2:]))


@every_family
def test_groups_of_a_frame(family):
    """Groups without rows have the distribution of a group without trials."""
    frame, unseen = data(family)["overdispersed"], pl.DataFrame({"g": [99]})
    result = shrunk(frame, family, groups=unseen, threshold=0.3).drop("q_value")
    assert_frame_equal(result.head(-1), shrunk(frame, family, threshold=0.3).drop("q_value"), rel_tol=1e-12)
    if family == "binomial":
        whole = shrunk(DATA["a group without trials"], family, threshold=0.3)
        columns = ["estimate", *WITH_DISTRIBUTION]
        assert_frame_equal(result.tail(1).select(columns), whole.tail(1).select(columns), rel_tol=1e-12)


# ---- SQL ------------------------------------------------------------------------------------------------------------


@pytest.mark.share(2)
@pytest.mark.parametrize("engine", sqlpaths.SQL_PATHS)
@every_family
@every_prior
def test_sql_gives_the_same(engine, family, prior):
    frame = together(family)
    database = sqlpaths.database(engine)
    database.hold(frame)
    for uncertainty, threshold in (("mu", 0.3), ("mu", -1.0), ("mu", 1.0), ("conditional", 0.3)):
        given = {"over": "m", "prior": prior, "threshold": threshold, "uncertainty": uncertainty}
        want = shrunk(frame, family, posterior=True, **given).drop("weight")
        call = sqlpaths.call(f"pool_shrink_{MACRO[family]}", "x", "n", "g", posterior=True, **given)
        result = database.ask(f"FROM ({call}) ORDER BY m, g").drop("weight")
        assert_frame_equal(result, want, rel_tol=1e-8, abs_tol=1e-12)


# ---- the warning ----------------------------------------------------------------------------------------------------


@every_family
@pytest.mark.parametrize("uncertainty", ["mu", "conditional"])
def test_complete_pooling_warns_once(family, uncertainty):
    frame = data(family)["no differences"]
    many = pl.concat([frame.with_columns(m=pl.lit(m)) for m in range(3)])
    with pytest.warns(pool.ConvergenceWarning) as caught:
        pool.shrink(many, "x", "g", over="m", uncertainty=uncertainty, **{ROLE[family]: "n"})
    assert [str(one.message) for one in caught] == [POOLED_RATES]
    assert caught[0].filename == __file__


@every_family
@pytest.mark.parametrize("name", ["overdispersed", "one group"])
def test_no_warning_if_groups_differ_or_there_is_only_one(family, name):
    pool.shrink(data(family)[name], "x", "g", **{ROLE[family]: "n"})


# ---- coverage -------------------------------------------------------------------------------------------------------


@every_family
@pytest.mark.parametrize("groups", [3, 10])
def test_the_common_rate_is_covered(family, groups):
    """Without overdispersion and with complete pooling, the interval is exactly Jeffreys' interval of all trials."""
    for mean, trials in ((0.5, 20 * groups), (0.05, 100 * groups)):
        events = np.arange(trials + 1.0)
        both = (
            (events + 0.5, trials - events + 0.5)
            if family == "binomial"
            else (events + 0.5, np.full(len(events), trials))
        )
        law = stats.beta(*both) if family == "binomial" else stats.gamma(both[0], scale=1 / both[1])
        chance = stats.binom(trials, mean) if family == "binomial" else stats.poisson(trials * mean)
        holds = (law.ppf(0.025) <= mean) & (mean <= law.ppf(0.975))
        assert 0.93 <= chance.pmf(events)[holds].sum() <= 0.97
        x = round(mean * trials / groups)
        result = shrunk(table([x] * groups, [trials // groups] * groups), family)
        np.testing.assert_allclose(result["lower"], law.ppf(0.025)[x * groups], rtol=1e-9)


# ---- huge counts ----------------------------------------------------------------------------------------------------

# Five groups of N trials, or exposure, x = N / 2 + sqrt(N) / 2 (6.3, -5, .4, 12, -9) rounded: alpha, or the shape, and
# the log likelihood at their maximum, by mpmath to 60 digits
APART = (6.3, -5, 0.4, 12, -9)
HUGE = {
    "binomial": {
        10**6: (8923.0066647403503, -48.279056312421621),
        10**9: (8915080.6859860252, -65.548536386576619),
        10**12: (8914825519.0085656, -82.817924327100777),
        10**15: (8914817369066.1455, -100.08731253434623),
    },
    "poisson": {
        10**6: (18200.766606928922, -48.27734011560732),
        10**9: (18154818.981967505, -65.548479324692941),
        10**12: (18153349100.919604, -82.817922519866037),
        10**15: (18153302444494.418, -100.08731247719366),
    },
}


def huge() -> pl.DataFrame:
    return pl.concat(
        table([round(n / 2 + math.sqrt(n) / 2 * z) for z in APART], [n] * 5).with_columns(m=pl.lit(n, pl.Int64))
        for n in HUGE["binomial"]
    )


def assert_huge(models: pl.DataFrame, family) -> None:
    assert models["converged"].all()
    first = "alpha" if family == "binomial" else "shape"
    for n, parameter, value in models.select("m", first, "log_likelihood").iter_rows():
        assert (parameter, value) == pytest.approx(HUGE[family][n], rel=1e-9)
    assert sorted(models["m"]) == list(HUGE[family])


@every_family
def test_huge_counts(family):
    given = {"over": "m", ROLE[family]: "n"}
    assert_huge(pool.components(huge(), "x", "g", **given), family)
    lazy = pool.components(huge().lazy(), "x", "g", **given)
    for engine in ("in-memory", "streaming"):
        assert_huge(lazy.collect(engine=engine), family)


@pytest.mark.parametrize("engine", sqlpaths.SQL_PATHS)
@every_family
def test_huge_counts_in_sql(engine, family):
    sqlpaths.database(engine).hold(huge())
    call = sqlpaths.call(f"pool_components_{MACRO[family]}", "x", "n", "g", over="m")
    assert_huge(sqlpaths.database(engine).ask(call), family)


# Small and huge counts in one model: both parameters, and the standard errors of their logs, by mpmath to 40 digits
TOGETHER = table([30, 45, 12, 61, 20, 300_000, 410_000, 222_000], [100, 120, 60, 130, 70, *[10**6] * 3])
PARAMETERS_TOGETHER = {
    "binomial": (11.56547607545711, 24.252072060216279, 0.58707438575872985, 0.58989475481652764),
    "poisson": (18.095053051727573, 55.976880241080524, 0.60974314362079383, 0.61606252387357944),
}


def assert_together(models: pl.DataFrame, family) -> None:
    names = ("alpha", "beta") if family == "binomial" else ("shape", "rate")
    result = models.select(*names, *(f"se_log_{name}" for name in names)).row(0)
    assert result == pytest.approx(PARAMETERS_TOGETHER[family], rel=1e-9)


@every_family
def test_small_and_huge_counts_together(family):
    assert_together(pool.components(TOGETHER, "x", "g", **{ROLE[family]: "n"}), family)


@pytest.mark.parametrize("engine", sqlpaths.SQL_PATHS)
@every_family
def test_small_and_huge_counts_together_in_sql(engine, family):
    sqlpaths.database(engine).hold(TOGETHER)
    call = sqlpaths.call(f"pool_components_{MACRO[family]}", "x", "n", "g")
    assert_together(sqlpaths.database(engine).ask(call), family)


@every_family
@pytest.mark.parametrize("mean", [0.5, 0.01, 1e-4])
@pytest.mark.parametrize("size", [0.3, 40.0, 1e5, 1e9, 1e14])
def test_both_forms_agree(family, mean, size, monkeypatch):
    """A pair of counts at which both forms are accurate: combined terms, and sums of log gamma functions."""
    n, x = np.array([400.0, 400.0, 3000.0]), np.array([0.0, 7.0, 60.0])
    at = [np.full(3, value) for value in (mean, size)]
    terms = likelihood.beta_binomial if family == "binomial" else likelihood.gamma_poisson
    apart, left_out = terms(x, n, *at), likelihood.constant(x, n, family)
    monkeypatch.setattr(likelihood, "MANY", -1.0)
    combined = terms(x, n, *at)
    assert likelihood.constant(x, n, family).tolist() == [0.0] * 3
    np.testing.assert_allclose(combined.value, apart.value + left_out, rtol=1e-10, atol=1e-10)
    for ours, theirs in zip((*combined.gradient, *combined.hessian), (*apart.gradient, *apart.hessian), strict=True):
        # derivatives by the size are accurate to the digits of x if the size is far larger than n
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9 * np.abs(theirs).max() + 1e-16 * n.max())
