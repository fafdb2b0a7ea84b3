"""Statistics of tau2 and mu: heterogeneity, errors, likelihoods, tests and intervals, against metafor, lme4 and R.

Dense matrices (truth.py) give the numbers that no reference file contains.
"""

import math
from contextlib import nullcontext

import grid
import numpy as np
import polars as pl
import pytest
import truth
import ways
from frames import grouped
from frames import studies as studies_of
from grid import (
    CLOSED_FORM,
    ITERATED,
    META_CELLS,
    ONEWAY,
    PUBLISHED_PATHS,
    ROW_CELLS,
    ROWS_PATHS,
    SQL_PATHS,
    fitted,
    studies,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, f, norm, t

import polars_pool as pool
from polars_pool.models.oneway.inference import STATISTICS

cells = pytest.mark.parametrize("cell", META_CELLS, ids=str)
paths = pytest.mark.parametrize("path", PUBLISHED_PATHS)


def asked(cell, path, **more):
    return fitted(path, cell, **more).row(0, named=True)


def close(got, want, tolerance, scale=0.0):
    return math.isfinite(got) and abs(got - want) <= tolerance * abs(want) + grid.ROUNDING * scale


def said_by_metafor(cell):
    """A result of metafor with our names, for test="z" and for test="knha"."""
    result = grid.vector(cell.vector)["results"][cell.name]
    fixed = cell.name in ("EE", "FE")
    said = {"q": result["QE"], "q_p": result["QEp"]}
    said |= {"mu_lower": result["ci_lb"][0], "mu_upper": result["ci_ub"][0], "mu_p": result["pval"][0]}
    said["log_likelihood"] = result["logLik_reml" if cell.name == "REML" else "logLik_ml"]
    if not fixed:  # for a fixed effect, metafor derives I2 and H2 from Q
        said |= {"i2": result["I2"], "h2": result["H2"], "se_tau2": result["se_tau2"]}
        if "predict" in result:
            said |= {"new_lower": result["predict"]["pi_lb"], "new_upper": result["predict"]["pi_ub"]}
    if "confint_tau2" in result:
        _, said["tau2_lower"], said["tau2_upper"] = result["confint_tau2"]["tau2"]
    knha = result["knha"]
    names = {"se_mu": "se", "mu_lower": "ci_lb", "mu_upper": "ci_ub", "mu_p": "pval"}
    return said, {name: knha[theirs][0] for name, theirs in names.items()}


def statistics_of(path, cell):
    """The tests of a path: in DuckDB and without `--full` one of them, the other one by the next estimator or path."""
    if path not in SQL_PATHS and ways.full:
        return "z", "knha"
    place = [*grid.METAFOR, "EE", "FE", "GENQ_w_n"].index(cell.name)
    place += list(SQL_PATHS).index(path) if path in SQL_PATHS else path == "NumPy"
    return (("z", "knha")[place % 2],)


ITERATED_ANYWAY = ("tau2_lower", "tau2_upper")  # roots for every estimator


@paths
@cells
def test_against_metafor(cell, path):
    said = dict(zip(("z", "knha"), said_by_metafor(cell), strict=True))
    for test in statistics_of(path, cell):
        got, want = asked(cell, path, test=test), said[test]
        for name, number in want.items():
            tolerance = ITERATED if name in ITERATED_ANYWAY else cell.tolerance
            scale = max(abs(got["mu"]), 1.0) if name.startswith(("mu_l", "mu_u", "new")) else 0.0
            assert close(got[name], number, tolerance, scale), f"{name} by {test}: {got[name]!r}, not {number!r}"


@pytest.mark.share(3)
@cells
def test_the_other_tests_follow_from_these(cell):
    """Student's t with the error of the model; with adhoc, the error is at least that."""
    knha, z = (asked(cell, "DataFrame", test=test) for test in ("knha", "z"))
    df = z["groups"] - 1
    for test, se in (("t", z["se_mu"]), ("adhoc", max(z["se_mu"], knha["se_mu"]))):
        got = asked(cell, "DataFrame", test=test, level=0.9)
        reach = t.ppf(0.95, df)
        want = {"se_mu": se, "mu_p": 2 * t.sf(abs(z["mu"]) / se, df)}
        want |= {"mu_lower": z["mu"] - reach * se, "mu_upper": z["mu"] + reach * se}
        want["new_upper"] = z["mu"] + reach * math.hypot(se, math.sqrt(z["tau2"]))
        for name, number in want.items():
            assert close(got[name], number, 1e-11, abs(z["mu"])), name


def dense(cell):
    frame = studies(cell.vector)[0]
    return frame["y"].to_numpy(), (frame["se"] ** 2).to_numpy()


@pytest.mark.share_of_duckdb(8)
@pytest.mark.parametrize("mu", [None, 0.1])
@pytest.mark.parametrize("path", ["DataFrame", "NumPy", "duckdb"])
@pytest.mark.parametrize("cell", [cell for cell in META_CELLS if cell.name in grid.METAFOR], ids=str)
def test_against_dense_matrices(cell, path, mu):
    """AIC, likelihood ratio, profile limits and errors, also with a known mu."""
    method, (y, v) = cell.options["tau2"], dense(cell)
    options = {} if mu is None else {"mu": mu}
    likely = method in ("reml", "ml")
    got = asked(cell, path, **options, **({"limits": "profile"} if likely else {}))
    restricted = method == "reml"
    best = truth.deviance_given(y, v, got["tau2"], restricted, mu)
    df = len(y) - (mu is None)
    want = {"log_likelihood": -best / 2, "aic": best + 2 * (1 + (mu is None))}
    want["se_tau2"] = math.sqrt(truth.tau2_variance(method, y, v, got["tau2"], mu=mu))
    w = 1 / v
    centre = w @ y / sum(w) if mu is None else mu
    q = w @ (y - centre) ** 2
    want |= {"q": q, "q_p": chi2.sf(q, df)}
    if likely:
        ratio = truth.deviance_given(y, v, 0.0, restricted, mu) - best

        def deviance(t):
            return truth.deviance_given(y, v, t, restricted, mu)

        limits = truth.limits_of(deviance, got["tau2"], chi2.ppf(0.95, 1), max(v))
        want |= {"tau2_lower": limits[0], "tau2_upper": limits[1]}
        assert close(got["lrt"], max(ratio, 0.0), ITERATED, abs(best))
        assert close(got["lrt_p"], chi2.sf(got["lrt"], 1) / 2 if got["tau2"] > 0 else 1.0, ITERATED)
    for name, number in want.items():
        assert close(got[name], number, ITERATED, max(v) if name.startswith("tau2") else 1.0), name


# --- rows ---


def rows_of(name, path, **options):
    file = grid.vector(f"oneway_{name}")
    frame = grid.read(file["input"], file["by"])
    return ROWS_PATHS[path](pool.components, frame, file["value"], file["by"], **options).row(0, named=True)


@pytest.mark.parametrize("path", ROWS_PATHS)
@pytest.mark.parametrize("method", ["REML", "ML", "anova"])
@pytest.mark.parametrize("name", ONEWAY)
def test_against_lme4_and_the_analysis_of_variance(name, method, path):
    """The log likelihood of lmer; F and p of R's anova."""
    file = grid.vector(f"oneway_{name}")
    [cell] = (cell for cell in ROW_CELLS if (cell.vector, cell.name) == (f"oneway_{name}", method))
    got = fitted(path, cell).row(0, named=True)
    table, df = file["anova"], file["anova"]["J"] - 1
    assert close(got["q"], table["lm_anova"]["F"] * df, CLOSED_FORM if name != "Exam" else 1e-11)
    assert close(got["q_p"], table["lm_anova"]["p"], 1e-10)
    if method != "anova":
        assert close(got["log_likelihood"], file[method]["logLik"], ITERATED)
        assert close(got["aic"], 6 - 2 * file[method]["logLik"], ITERATED)


@pytest.mark.parametrize("path", ROWS_PATHS)
def test_errors_of_tau2_on_rows(path):
    """Errors by the expected information of lme4's fits, computed without this package."""
    assert close(rows_of("Dyestuff", path)["se_tau2"], 1432.7513, 1e-7)
    assert close(rows_of("radon", path)["se_tau2"], 0.0271724687, 1e-8)


def test_lme4_profile_of_dyestuff():
    """Bates (2010), lme4: Mixed-effects modeling with R, section 1.5: 95 % profile of sigma_1, 12.19 to 84.06."""
    got = rows_of("Dyestuff", "DataFrame", tau2="ml")
    assert math.sqrt(got["tau2_lower"]) == pytest.approx(12.1974, abs=1e-3)
    assert math.sqrt(got["tau2_upper"]) == pytest.approx(84.0630, abs=1e-3)


UNEVEN = pl.DataFrame(
    {
        "g": [0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 3, 4, 4],
        "y": [1.0, 2.5, 1.5, 4.0, 5.5, 9.0, 3.0, 2.0, 4.5, 3.5, 2.5, 7.0, 6.5],
        "w": [1.0, 2.0, 0.5, 1.0, 3.0, 2.0, 1.0, 1.0, 4.0, 0.5, 1.0, 2.0, 0.25],
    }
)


@pytest.mark.share_of_duckdb(2)
@pytest.mark.parametrize("mu", [None, 3.0])
@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("path", ["DataFrame", "streaming", "over", "NumPy", "moments", "duckdb"])
def test_rows_against_dense_matrices(path, weights, method, mu):
    options = {"tau2": method} | ({} if weights is None else {"weights": weights}) | ({} if mu is None else {"mu": mu})
    got = ROWS_PATHS[path](pool.components, UNEVEN, "y", "g", **options).row(0, named=True)
    groups = truth.Groups(UNEVEN["g"].to_list(), UNEVEN["y"].to_list(), weights and UNEVEN["w"].to_list())
    restricted, sigma2, tau2 = method == "reml", got["sigma2"], got["tau2"]
    best = truth.deviance_rows(groups, sigma2, tau2, restricted, mu)

    def profiled(t):
        return truth.profiled_rows(groups, t, restricted, mu)

    lower, upper = truth.limits_of(profiled, tau2, chi2.ppf(0.95, 1), 4 * tau2)
    parameters = 2 + (mu is None)
    want = {
        "log_likelihood": -best / 2,
        "aic": best + 2 * parameters,
        "se_tau2": math.sqrt(truth.joint_covariance(groups, method, sigma2, tau2, mu)[1, 1]),
        "lrt": profiled(0.0) - best,
        "tau2_lower": lower,
        "tau2_upper": upper,
    }
    for name, number in want.items():
        assert close(got[name], number, 1e-7 if name.startswith("tau2") else ITERATED), name


@pytest.mark.parametrize("mu", [None, 3.0])
@pytest.mark.parametrize("path", ["DataFrame", "streaming", "over", "NumPy", "moments", "duckdb"])
def test_the_exact_interval_on_rows(path, mu):
    """Within the limits of rho the ratio of mean squares lies between the quantiles of F."""
    options = {} if mu is None else {"mu": mu}
    got = ROWS_PATHS[path](pool.components, UNEVEN, "y", "g", tau2="anova", level=0.8, **options).row(0, named=True)
    groups = truth.Groups(UNEVEN["g"].to_list(), UNEVEN["y"].to_list())
    n, mean, msw, df = groups.n, truth.floats(groups.mean), float(groups.MSW), groups.J - (mu is None)

    def ratio(tau2):
        w = 1 / (msw / n + tau2)
        centre = w @ mean / sum(w) if mu is None else mu
        return w @ (mean - centre) ** 2 / df

    assert close(ratio(got["tau2_lower"]), f.ppf(0.9, df, groups.N - groups.J), 1e-9)
    assert close(ratio(got["tau2_upper"]), f.ppf(0.1, df, groups.N - groups.J), 1e-9)
    assert close(got["q_p"], f.sf(got["q"] / df, df, groups.N - groups.J), 1e-11)


def test_known_tau2_leaves_nothing_to_estimate():
    got = pool.components(UNEVEN, "y", "g", tau2=1.0).row(0, named=True)
    assert [got[name] for name in ("se_tau2", "tau2_lower", "tau2_upper", "lrt", "lrt_p")] == [None] * 5
    assert got["aic"] == pytest.approx(4 - 2 * got["log_likelihood"])


@pytest.mark.parametrize("path", ["DataFrame", "streaming", "duckdb"])
def test_the_least_error_has_no_known_error(path):
    """The error of tau2 by cross-validation is unknown, and it maximises no likelihood: its limits come from Q."""
    by_cv, by_q = (
        ROWS_PATHS[path](pool.components, UNEVEN, "y", "g", tau2=tau2).row(0, named=True) for tau2 in ("cv", "anova")
    )
    assert by_cv["se_tau2"] is None
    assert by_cv["tau2"] > 0
    assert close(by_cv["tau2_lower"], by_q["tau2_lower"], 1e-9)
    assert close(by_cv["tau2_upper"], by_q["tau2_upper"], 1e-9)


@pytest.mark.parametrize("path", ["DataFrame", "NumPy", "duckdb"])
@pytest.mark.parametrize("restricted", [False, True])
def test_profile_limits_where_a_group_is_exact(path, restricted):
    """The dense profile deviance at both limits exceeds its minimum by the chi-square quantile."""
    y, v = np.array([1.0, 2.0, 4.0, 8.0, 3.0, 9.5]), np.array([0.0, 1.0, 4.0, 1.0, 0.5, 2.0])
    frame = pl.DataFrame({"g": range(6), "y": y, "se": np.sqrt(v)})
    options = {"se": "se", "tau2": "reml" if restricted else "ml", "limits": "profile"}
    got = ROWS_PATHS[path](pool.components, frame, "y", "g", **options).row(0, named=True)

    def deviance(tau2):
        w = 1 / (v + tau2)
        d = y - w @ y / sum(w)
        return sum(np.log(v + tau2)) + w @ d**2 + (np.log(sum(w)) if restricted else 0.0)

    for limit in ("tau2_lower", "tau2_upper"):
        assert close(deviance(got[limit]) - deviance(got["tau2"]), chi2.ppf(0.95, 1), 1e-8), limit


def test_a_known_mu_is_sure():
    got = pool.components(UNEVEN, "y", "g", mu=3.0).row(0, named=True)
    assert (got["mu_lower"], got["mu_upper"], got["mu_p"]) == (3.0, 3.0, None)
    assert close(got["new_upper"], 3.0 + norm.ppf(0.975) * math.sqrt(got["tau2"]), 1e-12)


FIRST = ("groups", "n", "sigma2", "tau2", "mu", "se_mu", "icc")


def test_the_columns_stand_in_this_order():
    result = pool.components(UNEVEN, "y", "g").columns
    assert result == [*FIRST, "df_prior", "sigma2_prior", *STATISTICS, "converged"]


@pytest.mark.parametrize("exact", [1, 2, 3])
@pytest.mark.parametrize("method", [*grid.METAFOR, 1.0])
def test_exact_studies_say_nothing_that_is_no_number(method, exact):
    """se = 0 for one, two or all studies: tau2 = 0 is then not a possible hypothesis."""
    method = method.lower() if isinstance(method, str) else method
    frame = pl.DataFrame({"g": [0, 1, 2], "y": [1.0, 2.0, 4.0], "se": [0.0] * exact + [1.0] * (3 - exact)})
    got = pool.components(frame, "y", "g", se="se", tau2=method)
    numbers = got.select(pl.col(pl.Float64)).row(0)
    assert all(x is None or math.isfinite(x) for x in numbers)
    row = got.row(0, named=True)
    assert row["lrt"] is None
    assert (row["q"] is None) == (exact > 1)
    assert row["q_p"] == (0.0 if exact > 1 else chi2.sf(10.0, 2))
    assert exact < 2 or row["i2"] in (None, 100.0)


@pytest.mark.parametrize(
    "options", [{}, {"tau2": "ml"}, {"tau2": "dl"}, {"limits": "q"}, {"test": "knha"}, {"mu": 2.0}]
)
@pytest.mark.parametrize(
    "values", [[[1.0, 2.0, 4.0]], [[2.0, 2.0], [2.0, 2.0]], [[2.0, 2.0], [5.0, 5.0]], [[1.0], [2.0]]]
)
def test_degenerate_rows_give_numbers_or_nulls(values, options):
    frame = pl.DataFrame({"g": [j for j, ys in enumerate(values) for _ in ys], "y": np.concatenate(values)})
    unidentified = pytest.warns(pool.ConvergenceWarning, match="no group has two rows")
    with unidentified if all(len(ys) == 1 for ys in values) else nullcontext():
        got = pool.components(frame.lazy(), "y", "g", **options).collect()
    assert all(x is None or math.isfinite(x) for x in got.select(pl.col(pl.Float64)).row(0))


MESSAGES = [
    ({"test": "knh"}, ValueError, "test='knh'; give one of 'z', 't', 'knha', 'adhoc'; did you mean 'knha'?"),
    ({"test": 1}, TypeError, "test=1; give one of 'z', 't', 'knha', 'adhoc'"),
    ({"limits": "pl"}, ValueError, "limits='pl'; give one of 'profile', 'q'"),
    (
        {"limits": "profile", "tau2": "dl"},
        ValueError,
        "limits='profile' does not fit tau2='dl': give limits='q', or tau2 as one of 'reml', 'ml'",
    ),
    ({"level": 95}, ValueError, "level=95; give a number between 0 and 1, such as 0.95; did you mean 0.95?"),
]


@pytest.mark.parametrize(("options", "error", "message"), MESSAGES)
def test_messages(options, error, message):
    with pytest.raises(error) as raised:
        pool.components(UNEVEN.lazy(), "y", "g", **options)
    assert str(raised.value) == message


# --- laws ---


@given(studies_of(groups=(3, 9)), st.sampled_from(["reml", "ml"]), st.floats(0.5, 0.99))
def test_the_profile_interval_holds_the_estimate(frame, method, level):
    got = pool.components(frame, "y", "g", se="se", tau2=method, limits="profile", level=level).row(0, named=True)
    slack = 1e-9 * (got["tau2"] + 1e-300)
    assert got["tau2_lower"] <= got["tau2"] + slack
    assert got["tau2_upper"] >= got["tau2"] - slack
    assert got["lrt"] >= 0
    assert (got["tau2_lower"] > 0) == (got["lrt"] > chi2.ppf(level, 1))


@given(grouped(groups=(3, 6)), st.sampled_from(["reml", "ml"]))
def test_the_profile_interval_holds_the_estimate_on_rows(frame, method):
    got = pool.components(frame, "y", "g", tau2=method).row(0, named=True)
    assert got["tau2_lower"] <= got["tau2"] * (1 + 1e-9)
    assert got["tau2_upper"] >= got["tau2"] * (1 - 1e-9)
    assert got["lrt"] >= 0


@given(studies_of(groups=(2, 9)), st.floats(0.5, 0.99))
def test_q_at_its_limits_is_the_quantile(frame, level):
    got = pool.components(frame, "y", "g", se="se", level=level).row(0, named=True)
    y, v = frame["y"].to_numpy(), frame["se"].to_numpy() ** 2
    for limit, p in ((got["tau2_lower"], (1 + level) / 2), (got["tau2_upper"], (1 - level) / 2)):
        quantile, w = chi2.ppf(p, len(y) - 1), 1 / (v + limit)
        q = w @ (y - w @ y / sum(w)) ** 2
        assert q <= quantile * (1 + 1e-9)
        assert limit == 0 or q == pytest.approx(quantile, rel=1e-9)
