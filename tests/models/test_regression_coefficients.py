"""Tables of coefficients of regressions: against lmerTest's definition, dense matrices and SciPy; degenerate models."""

import warnings

import grid
import numpy as np
import polars as pl
import pytest
import test_truth_regression as lme4
from mixed import Mixed
from polars.testing import assert_frame_equal, assert_series_equal
from scipy import stats
from scipy.linalg import cho_factor, cho_solve
from test_messages import WRONG, assert_sentence
from test_regression import (
    BOTH,
    CASES,
    UNCORRELATED,
    WEIGHTED,
    dense,
    drawn,
    every_case,
    every_method,
    of_case,
    troubled,
)
from test_regression_single_rows import with_covariate

import polars_pool as pool
from polars_pool.models.coefficients import PAIRS, STATISTICS, inferred

NUMBERS = np.array([[1.5, -2.0, 0.0], [1e-3, 40.0, -7.0]])
ERRORS = np.array([[0.5, 2.5, 1.0], [2.0, 3.0, 0.7]])
DF = np.array([[17.0, 2.3, 1e4], [0.7, 5.0, 161.2]])


# ---- from estimate, error and degrees of freedom to a row ------------------------------------------------------------


@pytest.mark.parametrize("level", [0.5, 0.95])
@pytest.mark.parametrize("df", [None, DF], ids=["z", "t"])
def test_the_distributions(df, level):
    """Interval and test as SciPy's distributions give them."""
    table = inferred(NUMBERS, ERRORS, df, level)
    assert ("term", *table) == STATISTICS
    distribution = stats.norm if df is None else stats.t(df)
    for end, limit in zip(("lower", "upper"), ((1 - level) / 2, (1 + level) / 2), strict=True):
        np.testing.assert_allclose(table[end], NUMBERS + ERRORS * distribution.ppf(limit), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(table["p"], 2 * distribution.sf(np.abs(NUMBERS / ERRORS)), rtol=1e-11)
    np.testing.assert_allclose(table["statistic"] * ERRORS, NUMBERS, rtol=1e-15)
    assert np.isnan(table["df"]).all() if df is None else (table["df"] == df).all()


@pytest.mark.parametrize("df", [None, np.array([3.0, 3.0]), np.full(2, np.nan)], ids=["z", "t", "no df"])
def test_coefficients_without_error(df):
    table = inferred(np.array([2.0, 0.0]), np.zeros(2), df, 0.95)
    for end in ("lower", "upper"):
        assert (table[end] == [2.0, 0.0]).all()
    for name, certain in (("statistic", np.inf), ("p", 0.0)):
        assert table[name][0] == certain
        assert np.isnan(table[name][1])


# ---- degrees of freedom ----------------------------------------------------------------------------------------------


def test_every_vector_of_lmer_has_degrees_of_freedom():
    assert set(grid.vector("satterthwaite")) == {"versions", *lme4.VECTORS}


@pytest.mark.parametrize("method", lme4.METHODS)
@pytest.mark.parametrize("name", lme4.VECTORS)
def test_degrees_of_freedom_of_lmer(name, method):
    table = lme4.ask("eager", pool.regress_coefficients, name, method, test="t")
    df = grid.vector("satterthwaite")[name][method]["df"]
    assert table["term"].to_list() == [lme4.term(name) for name in df]
    np.testing.assert_allclose(table["df"], list(df.values()), rtol=3e-7)


def test_the_published_tests_of_the_sleep_study():
    """lmerTest's summary in its documentation: df 17 of both terms, exact by balance; t 36.838 and 6.771."""
    table = lme4.ask("eager", pool.regress_coefficients, "sleepstudy_rs", "REML", test="t")
    np.testing.assert_allclose(table["df"], 17.0, rtol=1e-10)
    assert table["statistic"].round(3).to_list() == [36.838, 6.771]
    table = lme4.ask("eager", pool.regress_coefficients, "sleepstudy_ri", "REML", test="t")
    assert table["df"].round(2).to_list() == [22.81, 161.0]
    np.testing.assert_allclose(table["df"][1], 161.0, rtol=1e-10)


def by_definition(truth) -> np.ndarray:
    """2 V^2 / Var(V) by theta and sigma together, from differences of fourth order of V and of the gradient.

    Where the covariance is singular, directions without curvature are left out, as in lmerTest.
    """
    terms = truth.x.shape[1]

    def derivatives(at):
        factor, sigma = truth.factor(at[:-1]), at[-1]
        root = cho_factor(np.diag(1 / truth.w) + truth.spread(factor @ factor.T), lower=True)
        of_x = cho_solve(root, truth.x)
        covariance = np.linalg.inv(truth.x.T @ of_x)
        inverse = cho_solve(root, np.eye(len(truth.y)))
        projection = inverse - of_x @ covariance @ of_x.T
        of_y, traced = projection @ truth.y, projection if truth.restricted else inverse
        gradient = []
        for i, j in zip(*truth.entries, strict=True):
            change = np.zeros_like(factor)
            change[i] += factor[:, j] * truth.units[i]
            change = truth.spread(change + change.T)
            gradient.append((traced * change).sum() - (of_y @ change @ of_y) / sigma**2)
        gradient.append(2 * truth.df / sigma - 2 * (truth.y @ of_y) / sigma**3)
        return np.concatenate([sigma**2 * np.diag(covariance), gradient])

    at = np.append(truth.theta, np.sqrt(truth.sigma2))
    rows = []
    for step in 1e-3 * np.eye(len(at)):
        near, far = (derivatives(at + k * step) - derivatives(at - k * step) for k in (1, 2))
        rows.append((8 * near - far) / 12e-3)
    slopes, hessian = np.array(rows)[:, :terms], np.array(rows)[:, terms:]
    hessian = (hessian + hessian.T) / 2
    spread = np.einsum("at,ab,bt->t", slopes, 2 * np.linalg.pinv(hessian, rcond=1e-8, hermitian=True), slopes)
    return 2 * np.diag(truth.cov_mu) ** 2 / spread


@pytest.mark.share(2)
@every_method
@every_case
def test_degrees_of_freedom_by_dense_matrices(name, method):
    """Of full and of singular covariances, independent terms, weights and models without an intercept."""
    table = of_case(pool.regress_coefficients, name, method, test="t")
    np.testing.assert_allclose(table["df"], by_definition(dense(name, method)), rtol=1e-6)


@every_method
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.rank == 0])
def test_without_variances_the_test_is_that_of_least_squares(name, method):
    truth = dense(name, method)
    table = of_case(pool.regress_coefficients, name, method, test="t")
    solution, [squares], _, _ = np.linalg.lstsq(truth.x, truth.y)
    df = len(truth.y) - (method == "reml") * truth.x.shape[1]
    errors = np.sqrt(squares / df * np.diag(np.linalg.inv(truth.x.T @ truth.x)))
    np.testing.assert_allclose(table["estimate"], solution, rtol=1e-9)
    np.testing.assert_allclose(table["se"], errors, rtol=1e-9)
    np.testing.assert_allclose(table["df"], df, rtol=1e-9)
    np.testing.assert_allclose(table["p"], 2 * stats.t.sf(np.abs(solution / errors), df), rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"vary": BOTH}, {"vary": BOTH} | UNCORRELATED, WEIGHTED], ids=str)
def test_units_and_offsets_leave_the_degrees_of_freedom_of_a_slope(options):
    frame = drawn(1)
    far = frame.with_columns(a=1024 * pl.col("a") + 2.0**20, y=8 * pl.col("y") - 2.0**22)
    if options.get("correlated") is False:  # the covariance of independent terms depends on where the covariate is 0
        far = frame.with_columns(a=1024 * pl.col("a"), y=8 * pl.col("y"))
    plain, moved = (pool.regress_coefficients(one, "y", ["a"], "g", test="t", **options) for one in (frame, far))
    for name, factor in {"df": 1.0, "statistic": 1.0, "p": 1.0, "estimate": 1 / 128, "se": 1 / 128}.items():
        np.testing.assert_allclose(moved[name][1], plain[name][1] * factor, rtol=1e-7)


# ---- the table and the model -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("test", ["z", "t"])
def test_many_models_at_once_and_lazily(test):
    """Each model as it is alone, in the order of keys and terms."""
    frame = pl.concat(drawn(seed).with_columns(m=pl.lit(seed)) for seed in (3, 1, 2))
    options = {"vary": BOTH, "test": test, "level": 0.8}
    table = pool.regress_coefficients(frame, "y", ["a", "u"], "g", over="m", **options)
    assert table.columns == ["m", *STATISTICS]
    assert table.select("m", "term").rows() == [(m, term) for m in (1, 2, 3) for term in ("intercept", "a", "u")]
    for m in (1, 2, 3):
        alone = pool.regress_coefficients(frame.filter(m=m), "y", ["a", "u"], "g", **options)
        assert_frame_equal(table.filter(m=m).drop("m"), alone, rel_tol=1e-6)
    lazy = frame.lazy().pool.regress_coefficients("y", ["a", "u"], "g", over="m", **options)
    assert lazy.collect_schema() == table.schema
    assert_frame_equal(lazy.collect(engine="streaming").sort("m", maintain_order=True), table)


def test_the_numbers_of_the_components():
    """The covariances, the normal tests and the intervals are those of regress_components."""
    frame, options = drawn(1), {"vary": BOTH, "level": 0.9, "method": "ml"}
    model = pool.regress_components(frame, "y", ["a", "b"], "g", **options).row(0, named=True)
    table = pool.regress_coefficients(frame, "y", ["a", "b"], "g", **options)
    for name, field in {"estimate": "mu", "se": "se_mu", "lower": "mu_lower", "upper": "mu_upper", "p": "mu_p"}.items():
        np.testing.assert_allclose(table[name], list(model[field].values()), rtol=1e-13)
    assert table["df"].null_count() == 3
    pairs = pool.regress_coefficients(frame, "y", ["a", "b"], "g", covariance=True, **options)
    assert pairs.columns == list(PAIRS)
    numbers = {(term, other): x for term, row in model["cov_mu"].items() for other, x in row.items()}
    assert pairs.select("term", "other_term").rows() == list(numbers)
    np.testing.assert_allclose(pairs["covariance"], list(numbers.values()), rtol=1e-13)


def test_a_t_interval_is_wider():
    """Few groups: t has thicker tails than z, with the same estimate and error."""
    z, t = (pool.regress_coefficients(drawn(1), "y", ["a"], "g", vary=BOTH, test=test) for test in ("z", "t"))
    assert_frame_equal(z.select("term", "estimate", "se", "statistic"), t.select("term", "estimate", "se", "statistic"))
    assert (t["lower"] < z["lower"]).all()
    assert (t["p"] > z["p"]).all()


# ---- degenerate models -----------------------------------------------------------------------------------------------


def coefficients(frame, x=("a",), **options) -> pl.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pool.ConvergenceWarning)
        return pool.regress_coefficients(frame, "y", list(x), "g", test="t", **options)


@every_method
def test_one_group_is_its_least_squares_line(method):
    frame = drawn(1).filter(g=9)
    [slope, intercept, _, p, error] = stats.linregress(frame["a"], frame["y"])[:5]
    table = coefficients(frame, method=method)
    np.testing.assert_allclose(table["estimate"], [intercept, slope], rtol=1e-9)
    np.testing.assert_allclose(table["se"][1], error, rtol=1e-9)
    np.testing.assert_allclose(table["df"], frame.height - 2, rtol=1e-12)
    np.testing.assert_allclose(table["p"][1], p, rtol=1e-7)


@every_method
@pytest.mark.parametrize("options", [{}, UNCORRELATED], ids=str)
def test_groups_on_lines_of_their_own(method, options):
    """The coefficients are a sample of lines, one per group: Student's test of their mean by reml."""
    rows = [(g, x, 1.0 + g % 3 + (2.0 + g % 2) * x) for g in range(6) for x in (1.0, 3.0, *range(g))]
    frame = pl.DataFrame(rows, schema=["g", "a", "y"], orient="row")
    table = coefficients(frame, vary=BOTH, method=method, **options)
    samples = {"intercept": [1.0 + g % 3 for g in range(6)], "a": [2.0 + g % 2 for g in range(6)]}
    np.testing.assert_allclose(table["df"], 6 - (method == "reml"))
    if method == "reml":
        tests = [stats.ttest_1samp(samples[term], 0.0) for term in table["term"]]
        np.testing.assert_allclose(table["statistic"], [test.statistic for test in tests], rtol=1e-12)
        np.testing.assert_allclose(table["p"], [test.pvalue for test in tests], rtol=1e-9)


def test_single_rows_with_weights():
    """Where sigma2 = 0, the means have one variance: Student's test of least squares without weights."""
    frame = with_covariate("none within")
    table = coefficients(frame, x=["x"], weights="w")
    [slope, intercept, _, p, error] = stats.linregress(frame["x"], frame["y"])[:5]
    np.testing.assert_allclose(table["estimate"], [intercept, slope], rtol=1e-6)
    np.testing.assert_allclose(table["df"], frame.height - 2, rtol=1e-9)
    np.testing.assert_allclose((table["se"][1], table["p"][1]), (error, p), rtol=1e-6)


@pytest.mark.parametrize("name", ["inside", "none between"])
def test_single_rows_by_dense_matrices(name):
    """Unequal weights alone separate sigma2 from tau2, which may be 0."""
    frame = with_covariate(name)
    y, x, w = (frame[column].to_numpy() for column in ("y", "x", "w"))
    one = np.ones((50, 1))
    truth = Mixed(y, np.column_stack([one, x]), one, frame["g"].to_list(), w)
    np.testing.assert_allclose(coefficients(frame, x=["x"], weights="w")["df"], by_definition(truth), rtol=1e-6)


def test_an_exact_line_and_models_without_numbers():
    frame, _ = troubled()
    table = coefficients(frame, over="m")
    assert table.height == 2 * frame["m"].n_unique()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pool.ConvergenceWarning)
        model = pool.regress_components(frame, "y", ["a"], "g", over="m")
    for field, name in (("mu", "estimate"), ("se_mu", "se")):
        numbers = model.select("m", pl.col(field).struct.unnest()).unpivot(index="m", variable_name="term")
        both = table.join(numbers, on=["m", "term"], nulls_equal=True)
        assert both.height == table.height
        assert_series_equal(both[name], both["value"], check_names=False, rel_tol=1e-9)
    unknown = table.filter(pl.col("se").is_null())
    assert unknown.height > 0
    for name in ("statistic", "df", "lower", "upper", "p"):
        assert unknown[name].null_count() == unknown.height
    exact = table.filter(se=0)
    assert exact.height > 0
    assert exact["df"].null_count() == exact.height
    assert (exact["lower"] == exact["estimate"]).all()
    regular = table.filter(pl.col("se") > 0)
    assert regular["df"].null_count() == 0
    assert (regular["df"] > 0).all()


def test_a_frame_without_rows():
    empty = drawn(1).clear()
    table = coefficients(empty)
    assert table["term"].to_list() == ["intercept", "a"]
    assert table.drop("term").null_count().sum_horizontal().item() == 14
    assert coefficients(empty, over="u").height == 0
    assert pool.regress_coefficients(empty, "y", ["a"], "g", covariance=True)["covariance"].null_count() == 4


# ---- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"test": "satterthwaite"}, ("test='satterthwaite'", "'z', 't'")),
        ({"test": "knha"}, ("test='knha'", "'z', 't'")),
        ({"covariance": "yes"}, ("covariance='yes'", "True or False")),
        ({"over": "term"}, ("'term'", "'statistic'")),
        ({"over": "other_term", "covariance": True}, ("'other_term'", "'covariance'")),
    ],
)
def test_wrong_arguments(options, parts):
    frame = drawn(1).with_columns(term=pl.lit(1), other_term=pl.lit(1))
    with pytest.raises(WRONG) as error:
        pool.regress_coefficients(frame, "y", ["a"], "g", **options)
    assert_sentence(error)
    for part in parts:
        assert part in str(error.value)
