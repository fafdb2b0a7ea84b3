"""Intervals of predicted rows: against Henderson's equations of dense matrices, lme4, least squares, and laws."""

import warnings
from functools import cache

import grid
import numpy as np
import polars as pl
import pytest
import test_truth_regression as lme4
from polars.testing import assert_frame_equal
from scipy import stats
from test_messages import WRONG, assert_sentence
from test_regression import (
    BOTH,
    CASES,
    UNCORRELATED,
    WEIGHTED,
    dense,
    drawn,
    every_case,
    every_path,
    many,
    near,
    troubled,
)
from test_regression_single_rows import dense as dense_single_rows
from test_regression_single_rows import with_covariate

import polars_pool as pool

INTERVALS = ("mean", "row")
QUANTILE = stats.norm.ppf(0.975)
ADDED = ["fitted", "population", "lower", "upper"]


def variances(result: pl.DataFrame, quantile: float = QUANTILE) -> np.ndarray:
    """The variance that half the interval about `fitted` implies; NaN for null."""
    fitted, lower, upper = (result[name].to_numpy().astype(float) for name in ("fitted", "lower", "upper"))
    np.testing.assert_allclose(upper - fitted, fitted - lower, rtol=1e-6, atol=1e-9 * np.nanmax(np.abs(upper) + 1))
    return ((upper - lower) / 2 / quantile) ** 2


def henderson(x, z, place, w, sigma2, factor) -> np.ndarray:
    """The covariance of the errors of the coefficients and of u in b = L u of all groups: the inverse equations."""
    groups = [np.where((place == i)[:, None], z @ factor, 0.0) for i in range(place.max() + 1)]
    columns = np.concatenate([x, *groups], axis=1)
    penalty = np.r_[np.zeros(x.shape[1]), np.ones(columns.shape[1] - x.shape[1])]
    return sigma2 * np.linalg.inv(columns.T @ (w[:, None] * columns) + np.diag(penalty))


def of_rows(covariance, x, z, place, sigma2, factor) -> np.ndarray:
    """The variance of the error of each row's prediction; a place of -1 is a new group, with u of variance sigma2."""
    result, terms, size = [], x.shape[1], z.shape[1]
    for of_x, of_z, i in zip(x, z, place, strict=True):
        arm = np.zeros(len(covariance))
        arm[:terms] = of_x
        if i >= 0:
            arm[terms + i * size : terms + (i + 1) * size] = of_z @ factor
        result.append(arm @ covariance @ arm + (0.0 if i >= 0 else sigma2 * np.square(of_z @ factor).sum()))
    return np.array(result)


def matrix(frame: pl.DataFrame, names) -> np.ndarray:
    one = np.ones(frame.height)
    return np.column_stack([one if name == "intercept" else frame[name].cast(float).to_numpy() for name in names])


# ---- dense matrices --------------------------------------------------------------------------------------------------


@cache
def asked(name: str) -> pl.DataFrame:
    """Rows of each group of a case, farther from the centre than those of the frame, and rows of two new groups."""
    frame = CASES[name].frame.with_columns(a=1.5 - 2 * pl.col("a"), b=pl.col("b") + 3, u=-pl.col("u"))
    return pl.concat(
        [frame, frame.head(9).with_columns(g=pl.lit(98, pl.Int64)), frame.tail(9).with_columns(g=pl.lit(99, pl.Int64))]
    )


@pytest.mark.share(2)
@every_case
def test_new_rows_by_dense_matrices(name):
    """Full and singular covariances, independent terms, weights, no intercept: of known and of new groups."""
    truth, case, rows = dense(name, "reml"), CASES[name], asked(name)
    terms = ["intercept"] * case.options.get("intercept", True) + case.x
    x, z = matrix(rows, terms), matrix(rows, [term for term in terms if term in case.vary])
    place = np.array([truth.keys.index(g) if g in truth.keys else -1 for g in rows["g"]])
    factor = truth.factor(truth.theta)
    covariance = henderson(truth.x, truth.z, truth.place, truth.w, truth.sigma2, factor)
    want = of_rows(covariance, x, z, place, truth.sigma2, factor)
    for interval, noise in (("mean", 0.0), ("row", truth.sigma2)):
        options = {"vary": case.vary, "rows": rows, "interval": interval, **case.options}
        result = pool.predict(case.frame, "y", case.x, "g", **options)
        assert result.columns == [*rows.columns, *ADDED]
        assert_frame_equal(result.select(rows.columns), rows)
        np.testing.assert_allclose(variances(result), want + noise, rtol=1e-8)


@pytest.mark.parametrize("method", lme4.METHODS)
@pytest.mark.parametrize("name", [name for name in lme4.VECTORS if name.startswith(("sleepstudy", "radon"))])
def test_rows_at_the_variances_of_lme4(name, method):
    """The study of sleep and the houses with radon: all rows of the data, for their group and for a new one."""
    data, model = lme4.VECTORS[name]
    frame = grid.read(data["data"], data["by"])
    truth = lme4.result(name, method)
    x, z = matrix(frame, ["intercept", *model["x"]]), matrix(frame, model.get("vary", ["intercept"]))
    place = frame[data["by"]].rank("dense").to_numpy().astype(int) - 1
    factor = np.linalg.cholesky(truth["covariance"] / truth["sigma2"])
    covariance = henderson(x, z, place, np.ones(len(x)), truth["sigma2"], factor)
    new = frame.with_columns(pl.lit("new").alias(data["by"]))
    for rows, places in ((frame, place), (new, np.full(len(x), -1))):
        options = {"by": data["by"], "method": lme4.METHODS[method], "rows": rows, "interval": "mean", **model}
        result = pool.predict(frame, data["value"], **options)
        np.testing.assert_allclose(variances(result), of_rows(covariance, x, z, places, truth["sigma2"], factor), 1e-6)


# ---- laws ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, WEIGHTED], ids=str)
def test_without_covariates_intervals_are_those_of_shrink(options):
    frame = drawn(1)
    for interval in INTERVALS:
        shrunk = pool.shrink(frame, "y", "g", predict=interval, level=0.8, **options)
        result = pool.predict(frame, "y", [], "g", rows=shrunk.select("g"), interval=interval, level=0.8, **options)
        for ours, theirs in {"fitted": "estimate", "lower": "lower", "upper": "upper"}.items():
            near(result[ours], shrunk[theirs], 1e-9)


@pytest.mark.parametrize("options", [{}, {"vary": BOTH}, {"vary": BOTH} | UNCORRELATED | WEIGHTED], ids=str)
def test_the_intercept_is_the_row_at_zero(options):
    """Where all covariates are 0, the limits are those of the intercept in `regress`."""
    lines = pool.regress(drawn(1), "y", ["a", "b"], "g", level=0.9, **options).filter(term="intercept")
    rows = lines.select("g", a=pl.lit(0.0), b=pl.lit(0.0))
    result = pool.predict(drawn(1), "y", ["a", "b"], "g", rows=rows, interval="mean", level=0.9, **options)
    for ours, theirs in {"fitted": "estimate", "lower": "lower", "upper": "upper"}.items():
        near(result[ours], lines[theirs], 1e-9)


@pytest.mark.parametrize("options", [{}, {"vary": BOTH}, {"vary": "a"}], ids=str)
def test_an_offset_of_a_covariate_costs_few_digits(options):
    """Years: an intercept at 0 lies a thousand ranges away. A slope that varies alone about 0 is another model."""
    frame, year = drawn(1), pl.col("a") + 2.0**20
    if options.get("vary") == "a":
        year = 2.0**20 * pl.col("a")
    result, plain = (
        pool.predict(one, "y", ["a"], "g", interval="mean", **options) for one in (frame.with_columns(a=year), frame)
    )
    np.testing.assert_allclose(variances(result), variances(plain), rtol=1e-5)


@every_path
@pytest.mark.parametrize("interval", INTERVALS)
def test_many_models_at_once(run, interval):
    """Each model as it is alone; a model that the frame does not have, and a missing covariate, have no limits."""
    frame, options = many(3), {"vary": BOTH, "interval": interval, "level": 0.8}
    rows = pl.DataFrame({"m": [2, 0, 1, 9, 0], "g": [4, 4, 99, 0, 0], "a": [1.0, 2.0, 3.0, 4.0, None]})
    result = run(pool.predict, frame, "y", ["a"], "g", over="m", rows=rows, **options)
    assert result.columns == [*rows.columns, *ADDED]
    for name in ("lower", "upper"):
        assert result[name].is_null().to_list() == [False, False, False, True, True]
    for i, m in enumerate([2, 0, 1]):
        alone = pool.predict(frame.filter(m=m), "y", ["a"], "g", rows=rows[i : i + 1], **options)
        for name in ADDED:
            near(result[name][i : i + 1], alone[name], 1e-8)


@every_path
def test_an_interval_changes_nothing_else(run):
    frame = drawn(1).with_row_index("i").with_columns(y=pl.when(pl.col("i") % 5 > 0).then("y"))
    plain = run(pool.predict, frame, "y", ["a"], "g", vary=BOTH)
    result = run(pool.predict, frame, "y", ["a"], "g", vary=BOTH, interval="row")
    assert_frame_equal(result.drop("lower", "upper"), plain, rel_tol=1e-9)
    assert result["lower"].null_count() == 0


def test_a_factor_is_its_columns_of_0_and_1():
    """A level that the regression does not have has no limits."""
    kind = pl.col("g").cast(pl.Int64) % 3
    frame = drawn(1).with_columns(kind=pl.lit("k") + kind.cast(pl.String))
    one, two = ((pl.col("kind") == f"k{k}").alias(f"is{k}") for k in (1, 2))
    options = {"vary": BOTH, "interval": "row"}
    result = pool.predict(frame, "y", ["a", "kind"], "g", **options)
    assert_frame_equal(result, pool.predict(frame, "y", ["a", one, two], "g", **options), rel_tol=1e-8)
    rows = frame.head(2).with_columns(kind=pl.Series(["k1", "other"]))
    with pytest.warns(UserWarning, match="other"):
        result = pool.predict(frame, "y", ["a", "kind"], "g", rows=rows, **options)
    assert result["upper"].is_null().to_list() == [False, True]


def test_a_lazy_result_has_its_schema():
    lazy = drawn(1).lazy().pool.predict("y", ["a"], "g", interval="row")
    schema = lazy.collect_schema()
    assert schema.names() == [*drawn(1).columns, *ADDED]
    assert lazy.collect().schema == schema


# ---- degenerate models -----------------------------------------------------------------------------------------------


def quietly(frame, *args, **options) -> pl.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pool.ConvergenceWarning)
        return pool.predict(frame, "y", *args, **options)


def test_one_group_has_the_interval_of_least_squares():
    """By the normal distribution; new groups have no limits, as one group holds no information about tau2."""
    frame = drawn(1).filter(g=9)
    rows = pl.DataFrame({"a": [-1.0, 0.5, 7.0, 7.0], "g": [9, 9, 9, 10]})
    x, new = matrix(frame, ["intercept", "a"]), matrix(rows, ["intercept", "a"])
    squares = np.linalg.lstsq(x, frame["y"].to_numpy())[1][0]
    sigma2 = squares / (len(x) - 2)
    want = sigma2 * np.einsum("ri,ij,rj->r", new, np.linalg.inv(x.T @ x), new)
    for interval, noise in (("mean", 0.0), ("row", sigma2)):
        result = quietly(frame, ["a"], "g", rows=rows, interval=interval)
        np.testing.assert_allclose(variances(result)[:3], want[:3] + noise, rtol=1e-9)
        assert result["lower"].is_null().to_list() == [False, False, False, True]


@pytest.mark.parametrize("options", [{}, UNCORRELATED], ids=str)
def test_groups_on_lines_of_their_own(options):
    """Known lines have no error; a new line varies about the mean of the sample of lines: S (1 + 1 / J)."""
    rows = [(g, x, 1.0 + g % 3 + (2.0 + g % 2) * x) for g in range(6) for x in (1.0, 2.0, 4.0, *range(g))]
    frame = pl.DataFrame(rows, schema=["g", "a", "y"], orient="row")
    rows = pl.DataFrame({"g": [0, 5, 77, 77], "a": [9.0, -3.0, 0.0, 5.0]})
    lines = np.array([[1.0 + g % 3, 2.0 + g % 2] for g in range(6)])
    spread = np.cov(lines.T) * (np.eye(2) if options else 1.0)
    want = np.einsum("ri,ij,rj->r", matrix(rows, BOTH), spread, matrix(rows, BOTH)) * (1 + 1 / 6)
    for interval in INTERVALS:
        result = quietly(frame, ["a"], "g", vary=BOTH, rows=rows, interval=interval, **options)
        np.testing.assert_allclose(result["fitted"][:2], [1 + 2 * 9, 3 - 3 * 3], rtol=1e-9)
        assert result["lower"][:2].equals(result["fitted"][:2].alias("lower"))
        np.testing.assert_allclose(variances(result)[2:], want[2:], rtol=1e-9)


def test_an_exact_line_has_no_error():
    frame = drawn(1).with_columns(y=2.0 + 3.0 * pl.col("a"))
    result = quietly(frame, ["a"], "g", rows=asked("intercept"), interval="row")
    for name in ("lower", "upper"):
        near(result[name], 2 + 3 * asked("intercept")["a"], 1e-9)


def test_a_group_without_rows_is_a_new_group():
    """Its key is in the frame, but not its value or its covariate."""
    lacking = pl.DataFrame({"g": [50, 51], "a": [1.0, None], "y": [None, 2.0]})
    frame = pl.concat([drawn(1).select(lacking.columns), lacking.cast({"g": drawn(1)["g"].dtype})])
    rows = pl.DataFrame({"g": [50, 51, 99], "a": 2.0})
    for options in ({}, {"vary": BOTH}):
        result = pool.predict(frame, "y", ["a"], "g", rows=rows, interval="mean", **options)
        assert_frame_equal(result[:1].drop("g"), result[2:].drop("g"))
        assert_frame_equal(result[1:2].drop("g"), result[2:].drop("g"))


@pytest.mark.parametrize("uncertainty", ["mu", "conditional"])
def test_a_group_without_rows_among_exact_groups(uncertainty):
    """Such a group has the variance between the lines, as in `shrink`; each line of a group with rows is exact."""
    known = pl.DataFrame(
        [(g, x, 1.0 + g**2 + g * x) for g in range(5) for x in (1.0, 3.0, 4.0)], ["g", "a", "y"], orient="row"
    )
    frame = pl.concat([known, pl.DataFrame({"g": [50], "a": [1.0], "y": [None]}, schema=known.schema)])
    twice = pl.concat([frame.filter(a=1.0)] * 2)
    shrunk = pool.shrink(twice, "y", "g", uncertainty=uncertainty)
    lines = pool.regress(twice, "y", [], "g", uncertainty=uncertainty)
    for name in ("estimate", "se", "lower", "upper"):
        near(lines[name], shrunk[name], 1e-12)
    lines = pool.regress(frame, "y", ["a"], "g", vary=BOTH, uncertainty=uncertainty)
    assert lines["se"].to_list()[:10] == [0.0] * 10
    if uncertainty == "mu":
        samples = {"intercept": [1.0 + g**2 for g in range(5)], "a": [1.0 * g for g in range(5)]}
        near(lines["se"][10:], [np.std(samples[term], ddof=1) * np.sqrt(1 + 1 / 5) for term in BOTH], 1e-9)


def test_single_rows_with_weights():
    """Var(y) = tau2 + sigma2 / w: the errors at the variances of dense matrices, where one of them may be 0."""
    for name in ("inside", "none between", "none within"):
        frame, truth = with_covariate(name), dense_single_rows(name, "reml")
        rows = frame.with_columns(x=pl.col("x") + 1)
        result = pool.predict(frame, "y", ["x"], "g", weights="w", rows=rows, interval="row")
        weight = truth.tau2 / truth.v(truth.sigma2, truth.tau2)
        kept = np.column_stack([np.ones(50), rows["x"]]) - weight[:, None] * truth.x
        want = truth.tau2 * (1 - weight) + np.einsum("gi,ij,gj->g", kept, truth.covariance, kept) + truth.sigma2
        np.testing.assert_allclose(variances(result), want, rtol=1e-6)


def test_models_without_variances_have_no_limits():
    frame, _ = troubled()
    model = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pool.ConvergenceWarning)
        components = pool.regress_components(frame, "y", ["a"], "g", over="m", vary=BOTH)
    model = dict(components.select("m", pl.col("sigma2").is_null()).iter_rows())
    result = quietly(frame, ["a"], "g", over="m", vary=BOTH, interval="row")
    without = result.group_by("m").agg(pl.col("lower", "upper").is_null().all())
    assert {m: (lower, upper) for m, lower, upper in without.iter_rows()} == {m: (x, x) for m, x in model.items()}
    assert set(model.values()) == {True, False}


@every_path
@pytest.mark.parametrize("options", [{}, {"over": "m"}], ids=str)
def test_no_rows_have_no_limits(run, options):
    frame = drawn(1).with_columns(m=0)
    rows = frame.select("g", "a", "m").head(3)
    for empty in (frame.clear(), frame.with_columns(y=pl.lit(None, pl.Float64))):
        result = run(pool.predict, empty, "y", ["a"], "g", rows=rows, interval="mean", **options)
        assert_frame_equal(result.drop(ADDED), rows)
        assert result.select(ADDED).null_count().row(0) == (3, 3, 3, 3)


# ---- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"interval": "rows"}, ("interval='rows'", "'mean', 'row'", "did you mean 'row'")),
        ({"interval": True}, ("interval=True", "'mean', 'row'")),
        ({"interval": "row", "level": 95}, ("level=95", "0.95")),
        ({"level": 2}, ("level=2",)),
        ({"interval": "mean", "rows": pl.DataFrame({"g": [1], "a": [1.0], "upper": [1.0]})}, ("'upper'", "rename")),
    ],
)
def test_wrong_arguments(options, parts):
    with pytest.raises(WRONG) as error:
        pool.predict(drawn(1), "y", ["a"], "g", **options)
    assert_sentence(error)
    for part in parts:
        assert part in str(error.value)


def test_without_an_interval_the_rows_may_have_limits_of_their_own():
    rows = pl.DataFrame({"g": [1], "a": [1.0], "upper": [1.0]})
    assert pool.predict(drawn(1), "y", ["a"], "g", rows=rows).columns == ["g", "a", "upper", "fitted", "population"]
