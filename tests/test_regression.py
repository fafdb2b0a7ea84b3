"""Regression whose terms vary by group: against dense matrices, laws, degenerate data, messages, plans, predictions."""

import math
import re
import warnings
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

import numpy as np
import polars as pl
import pytest
from frames import assert_near
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed import Mixed
from polars.testing import assert_frame_equal
from test_messages import MISSING_COLUMN, assert_sentence
from test_plans import assert_one_scan

import polars_pool as pool
from polars_pool import warning

BOTH = ["intercept", "a"]
SIZES = (1, 2, 2, 3, 4, 5, 6, 7, 9, 11)
FULL = ((1.0, 0.0, 0.0), (0.4, 0.8, 0.0), (-0.3, 0.2, 0.6))
NOTHING = ((0.0, 0.0, 0.0),) * 3
few = settings(max_examples=4)
VERBS = (pool.regress, pool.regress_components, pool.predict)


@cache
def drawn(seed: int, between=FULL, sizes=SIZES, noise=0.6) -> pl.DataFrame:
    """Unbalanced rows in eighths, in no order: covariates a and b, u of the group, weights w, and the value y.

    `between` is a factor of the covariance of intercept and slopes.
    """
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(len(sizes)), sizes)
    rows, groups = len(g), len(sizes)
    a = random.normal(1, 1, rows) + random.normal(0, 0.5, groups)[g]
    b = random.normal(-2, 2, rows)
    u = random.normal(0, 1, groups)[g]
    w = random.uniform(0.3, 3, rows)
    own = (random.normal(size=(groups, 3)) @ np.array(between).T)[g]
    y = 4 + own[:, 0] + (1.5 + own[:, 1]) * a + (own[:, 2] - 0.7) * b + 0.8 * u
    y += noise * random.normal(size=rows) / np.sqrt(w)
    numbers = {name: np.round(8 * x) / 8 for name, x in {"a": a, "b": b, "u": u, "y": y}.items()}
    numbers["w"] = np.ceil(8 * w) / 8
    return pl.DataFrame({"g": g, **numbers}).sample(fraction=1, shuffle=True, seed=seed)


def mixed(frame, x, vary, *, method="reml", correlated=True, intercept=True, weights=None) -> Mixed:
    """The same model by dense matrices."""
    columns = {name: frame[name].cast(pl.Float64).to_numpy() for name in x}
    columns = {"intercept": np.ones(frame.height)} | columns if intercept else columns
    varying = [name for name in columns if name in vary]
    return Mixed(
        frame["y"].to_numpy(),
        np.column_stack(list(columns.values())),
        np.column_stack([columns[name] for name in varying]),
        frame["g"].to_list(),
        None if weights is None else frame[weights].to_numpy(),
        correlated,
        method == "reml",
    )


def values(struct: dict) -> np.ndarray:
    """Numbers of a struct, or of a struct of structs; NaN for null."""
    rows = [list(x.values()) if isinstance(x, dict) else x for x in struct.values()]
    return np.array(rows, dtype=float)


def near(got, want, tolerance: float, scale: float | None = None) -> None:
    """Within the tolerance of the largest of all, or of a scale."""
    got, want = np.array(got, dtype=float), np.array(want, dtype=float)
    assert got.shape == want.shape
    assert np.isfinite(got).all()
    assert np.abs(got - want).max() <= tolerance * (np.abs(want).max() if scale is None else scale)


def column(found: pl.DataFrame, name: str, term: str) -> np.ndarray:
    return found.filter(pl.col("term") == term)[name].to_numpy()


def model_of(frame: pl.DataFrame, *args, **options) -> dict:
    return pool.regress_components(frame, *args, **options).row(0, named=True)


# ---- against dense matrices ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Rows, and a model of them; `rank` of the covariance that the dense road finds, where it is not full."""

    x: list
    vary: list
    options: dict = field(default_factory=dict)
    seed: int = 1
    between: tuple = FULL
    noise: float = 0.6
    rank: int | None = None

    @property
    def frame(self) -> pl.DataFrame:
        return drawn(self.seed, self.between, noise=self.noise)


UNCORRELATED, ALONE, WEIGHTED = {"correlated": False}, {"intercept": False}, {"weights": "w"}
LIMIT = {"between": ((1.0, 0.0, 0.0), (0.4, 0.05, 0.0), (0.0, 0.0, 0.0)), "noise": 1.5}
OPPOSED = {"between": ((1.0, 0.0, 0.0), (-0.4, 0.05, 0.0), (0.0, 0.0, 0.0)), "noise": 1.5}
CASES = {
    "intercept": Case(["a"], ["intercept"]),
    "two covariates": Case(["a", "b"], ["intercept"]),
    "no covariate": Case([], ["intercept"]),
    "slope": Case(["a"], ["a"]),
    "intercept and slope": Case(["a"], BOTH),
    "uncorrelated": Case(["a"], BOTH, UNCORRELATED),
    "beside a fixed slope": Case(["b", "a"], BOTH),
    "three terms": Case(["a", "b"], [*BOTH, "b"], seed=4),
    "three uncorrelated": Case(["a", "b"], [*BOTH, "b"], UNCORRELATED),
    "two slopes": Case(["a", "b"], ["a", "b"]),
    "two uncorrelated slopes": Case(["a", "b"], ["a", "b"], UNCORRELATED),
    "no intercept": Case(["a", "b"], ["a", "b"], ALONE),
    "no intercept, one slope": Case(["a", "b"], ["a"], ALONE),
    "of the group": Case(["u"], ["intercept"]),
    "of the group beside a slope": Case(["a", "u"], BOTH),
    "weights": Case(["a"], BOTH, WEIGHTED),
    "weights, intercept": Case(["a", "b"], ["intercept"], WEIGHTED),
    "weights, uncorrelated": Case(["a", "b"], ["intercept", "b"], WEIGHTED | UNCORRELATED),
    "weights, no intercept": Case(["a", "b"], ["a"], WEIGHTED | ALONE),
    "no variance": Case(["a"], ["intercept"], between=NOTHING, rank=0),
    "no variances": Case(["a"], BOTH, between=NOTHING, rank=0),
    "no variance of the slope": Case(["a"], BOTH, UNCORRELATED, 3, ((1, 0, 0), (0, 0, 0), (0, 0, 0)), 1.5, rank=1),
    "correlation 1": Case(["a"], BOTH, seed=2, **LIMIT, rank=1),
    "correlation -1": Case(["a"], BOTH, seed=6, **OPPOSED, rank=1),
    "two of three directions": Case(["a", "b"], [*BOTH, "b"], seed=2, rank=2),
    "weights, correlation 1": Case(["a"], BOTH, WEIGHTED, seed=2, rank=1),
}
METHODS = ("reml", "ml")
every_case = pytest.mark.parametrize("name", CASES)
every_method = pytest.mark.parametrize("method", METHODS)
# The searches of the dense road end by the gradient of the likelihood, which keeps more digits than its value.
DENSE = 1e-10


@cache
def dense(name: str, method: str) -> Mixed:
    case = CASES[name]
    return mixed(case.frame, case.x, case.vary, method=method, **case.options)


def asked(verb, name: str, method: str, **options) -> pl.DataFrame:
    case = CASES[name]
    return verb(case.frame, "y", case.x, "g", vary=case.vary, method=method, **case.options, **options)


@every_method
@every_case
def test_the_cases_are_what_they_are_called(name, method):
    """The dense road stands at a maximum, and of the rank that the case is about."""
    truth, case = dense(name, method), CASES[name]
    _, gradient = truth.deviance(truth.theta)
    assert np.abs(gradient).max() < 1e-10
    assert np.linalg.eigvalsh(truth.curvature(truth.theta)).min() > -1e-3
    relative = np.linalg.eigvalsh(truth.psi / np.outer(truth.units, truth.units)) / truth.sigma2
    assert (relative > 1e-9).sum() == (len(case.vary) if case.rank is None else case.rank)
    if name in ("correlation 1", "correlation -1"):
        assert np.sign(truth.psi[0, 1]) == float(name.split()[1])


@every_method
@every_case
def test_components_by_dense_matrices(name, method):
    truth, case = dense(name, method), CASES[name]
    found = asked(pool.regress_components, name, method).row(0, named=True)
    near(found["sigma2"], truth.sigma2, DENSE)
    size = truth.sigma2 + np.diag(truth.psi).max()
    near(values(found["tau2"]), np.diag(truth.psi), DENSE, size)
    deviations = np.sqrt(values(found["tau2"]))
    correlation = values(found["correlation"])
    assert (np.isnan(np.diag(correlation)) == (deviations == 0)).all()
    near(np.nan_to_num(correlation) * np.outer(deviations, deviations), truth.psi, DENSE, size)
    near(values(found["mu"]), truth.mu, DENSE)
    near(values(found["cov_mu"]), truth.cov_mu, DENSE)
    near(values(found["se_mu"]) ** 2, np.diag(truth.cov_mu), DENSE)
    constant = np.log(truth.w).sum() / 2
    near(found["log_likelihood"] + constant, truth.log_likelihood, DENSE)
    size = len(case.vary)
    parameters = truth.x.shape[1] + 1 + (size if case.options.get("correlated") is False else size * (size + 1) // 2)
    near(found["aic"], 2 * parameters - 2 * found["log_likelihood"], 1e-14)
    assert (found["groups"], found["n"], found["dropped"]) == (len(SIZES), sum(SIZES), 0)
    assert found["converged"]
    assert (found["singular"] is None) == (case.rank is None)


@every_method
@every_case
def test_groups_by_dense_matrices(name, method):
    truth, case = dense(name, method), CASES[name]
    terms = ["intercept"] * case.options.get("intercept", True) + case.x
    varying = [term for term in terms if term in case.vary]
    covariances = {"mu": truth.covariances, "conditional": truth.conditional}
    for uncertainty, covariance in covariances.items():
        found = asked(pool.regress, name, method, uncertainty=uncertainty)
        assert found["term"].to_list() == terms * len(SIZES)
        assert found["g"].to_list() == [key for key in range(len(SIZES)) for _ in terms]
        for k, term in enumerate(varying):
            mu = truth.mu[terms.index(term)]
            near(column(found, "effect", term), truth.effects[:, k], DENSE, np.abs(truth.effects).max() + abs(mu))
            near(column(found, "estimate", term), mu + truth.effects[:, k], DENSE)
            variances = covariance[:, k, k]
            near(column(found, "se", term) ** 2, variances, DENSE, truth.sigma2 * truth.units[k] ** 2)
        for t, term in enumerate(terms):
            if term not in varying:
                error = math.sqrt(truth.cov_mu[t, t]) if uncertainty == "mu" else 0.0
                near(column(found, "estimate", term), [truth.mu[t]] * len(SIZES), DENSE)
                near(column(found, "se", term), [error] * len(SIZES), DENSE, 1.0)
                assert (column(found, "weight", term) == 0).all()
                assert (column(found, "effect", term) == 0).all()
                assert np.isnan(column(found, "mean", term).astype(float)).all()
        half = (found["upper"] - found["lower"]) / 2
        near(half, 1.959963984540054 * found["se"].to_numpy(), 1e-12, float(found["se"].max()) + 1)


@every_method
@every_case
def test_predictions_by_dense_matrices(name, method):
    truth, case = dense(name, method), CASES[name]
    found = asked(pool.predict, name, method)
    assert_frame_equal(found.drop("fitted", "population"), case.frame)
    by_population = truth.x @ truth.mu
    near(found["population"], by_population, DENSE)
    near(found["fitted"], by_population + (truth.z * truth.effects[truth.place]).sum(axis=1), DENSE)


@every_case
def test_own_coefficients_by_least_squares(name):
    """`mean` beside the population's fixed terms, where a group has the rows to tell of every varying term."""
    truth, case = dense(name, "reml"), CASES[name]
    terms = ["intercept"] * case.options.get("intercept", True) + case.x
    varying = [term for term in terms if term in case.vary]
    fixed = [t for t, term in enumerate(terms) if term not in varying]
    found = asked(pool.regress, name, "reml")
    told = 0
    for i, at in enumerate(truth.rows):
        means = [column(found, "mean", term).astype(float)[i] for term in varying]
        root = np.sqrt(truth.w[at])
        left = truth.y[at] - truth.x[at][:, fixed] @ truth.mu[fixed]
        solution, _, rank, _ = np.linalg.lstsq(truth.z[at] * root[:, None], left * root)
        if rank == len(varying):
            near(means, solution, 1e-9)
            told += 1
        else:
            assert np.isnan(means).all()
    assert told >= 6


@every_method
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if len(case.vary) == 1 and case.rank is None])
def test_the_weight_of_one_varying_term(name, method):
    [term] = CASES[name].vary
    found = asked(pool.regress, name, method).filter(pl.col("term") == term, pl.col("mean").is_not_null())
    mu = asked(pool.regress_components, name, method).row(0, named=True)["mu"][term]
    assert found.height >= 9
    assert found["weight"].is_between(0, 1, closed="none").all()
    near(found["weight"] * found["mean"] + (1 - found["weight"]) * mu, found["estimate"], 1e-12)


def test_the_weight_of_several_varying_terms_is_null():
    assert asked(pool.regress, "intercept and slope", "reml")["weight"].is_null().all()


@every_method
@pytest.mark.parametrize("options", [{}, WEIGHTED], ids=str)
@pytest.mark.parametrize("between", [FULL, NOTHING], ids=["tau2 > 0", "tau2 = 0"])
def test_no_covariate_is_shrink(method, options, between):
    frame = drawn(1, between)
    shrunk = pool.shrink(frame, "y", "g", tau2=method, **options)
    found = pool.regress(frame, "y", [], "g", method=method, **options)
    columns = ("mean", "weight", "estimate", "se", "lower", "upper")
    assert found["g"].equals(shrunk["g"])
    assert found["n"].equals(shrunk["n"])
    for name in columns:
        near(found[name], shrunk[name], 1e-9, max(1.0, shrunk[name].abs().max()))
    model = pool.components(frame, "y", "g", tau2=method, **options).row(0, named=True)
    regressed = model_of(frame, "y", [], "g", method=method, **options)
    for name in ("sigma2", "icc", "log_likelihood"):
        near(regressed[name], model[name], 1e-9, max(1.0, abs(model[name])))
    for name in ("tau2", "mu", "se_mu"):
        near(regressed[name]["intercept"], model[name], 1e-9, max(1.0, abs(model[name])))
    assert (regressed["groups"], regressed["n"]) == (model["groups"], frame.height)


# ---- laws ------------------------------------------------------------------------------------------------------------

seeds = st.integers(0, 10_000)
SHAPES = {"intercept": {"vary": "intercept"}, "correlated": {"vary": BOTH}}
SCALABLE = SHAPES | {"slope": {"vary": "a"}, "uncorrelated": {"vary": BOTH, "correlated": False}}


def lines(frame, covariates=("a",), **options):
    return pool.regress(frame, "y", list(covariates), "g", **options)


def lines_model(frame, covariates=("a",), **options) -> dict:
    return model_of(frame, "y", list(covariates), "g", **options)


@pytest.mark.parametrize("shape", SCALABLE)
@given(seed=seeds, shift=st.integers(-800, 800))
@few
def test_a_shift_of_the_value_moves_the_intercept(shape, seed, shift):
    frame, options = drawn(seed), SCALABLE[shape]
    moved = frame.with_columns(pl.col("y") + shift / 8)
    plain, found = lines(frame, **options), lines(moved, **options)
    scale = plain["estimate"].abs().max() + abs(shift)
    for term, by in (("intercept", shift / 8), ("a", 0.0)):
        near(column(found, "estimate", term), column(plain, "estimate", term) + by, 1e-8, scale)
    near(found["se"], plain["se"], 1e-8, 1 + plain["se"].max())
    before, after = lines_model(frame, **options), lines_model(moved, **options)
    for name in ("sigma2", "log_likelihood", "r2_marginal", "r2_conditional", "icc"):
        near(after[name], before[name], 1e-8, max(1.0, abs(before[name])))
    near(values(after["tau2"]), values(before["tau2"]), 1e-8, 1 + values(before["tau2"]).max())


@pytest.mark.parametrize("shape", SHAPES)
@given(seed=seeds, shift=st.integers(-800, 800))
@few
def test_a_shift_of_a_covariate_moves_the_intercept(shape, seed, shift):
    """Where the intercept varies, and free of a varying slope: the same lines, met elsewhere."""
    frame, options = drawn(seed), SHAPES[shape]
    moved = frame.with_columns(pl.col("a") + shift / 8)
    plain, found = lines(frame, **options), lines(moved, **options)
    slope = column(plain, "estimate", "a")
    scale = plain["estimate"].abs().max() * (1 + abs(shift))
    near(column(found, "estimate", "a"), slope, 1e-8, scale)
    near(
        column(found, "estimate", "intercept"), column(plain, "estimate", "intercept") - slope * shift / 8, 1e-8, scale
    )
    near(column(found, "se", "a"), column(plain, "se", "a"), 1e-8, 1 + plain["se"].max())
    before, after = lines_model(frame, **options), lines_model(moved, **options)
    for name in ("sigma2", "log_likelihood", "r2_marginal", "r2_conditional", "icc"):
        near(after[name], before[name], 1e-8, max(1.0, abs(before[name])))
    expected = pool.predict(frame, "y", ["a"], "g", **options)
    near(pool.predict(moved, "y", ["a"], "g", **options)["fitted"], expected["fitted"], 1e-8, scale)


@pytest.mark.parametrize("shape", SCALABLE)
@given(seed=seeds, of_y=st.sampled_from([-1e-12, 1e-3, 3.0, 1e9]), of_x=st.sampled_from([-1e-9, 0.1, 7.0, 1e8]))
@few
def test_scales_of_value_and_covariate(shape, seed, of_y, of_x):
    frame, options = drawn(seed), SCALABLE[shape]
    scaled = frame.with_columns(pl.col("y") * of_y, pl.col("a") * of_x)
    plain, found = lines(frame, **options), lines(scaled, **options)
    for term, by in (("intercept", of_y), ("a", of_y / of_x)):
        for name in ("estimate", "effect"):
            near(column(found, name, term) / by, column(plain, name, term), 1e-8, plain[name].abs().max())
        near(column(found, "se", term) / abs(by), column(plain, "se", term), 1e-8, 1 + plain["se"].max())
    before, after = lines_model(frame, **options), lines_model(scaled, **options)
    near(after["sigma2"] / of_y**2, before["sigma2"], 1e-8)
    for term, by in (("intercept", of_y), ("a", of_y / of_x)):
        if term in before["tau2"]:
            near(after["tau2"][term] / by**2, before["tau2"][term], 1e-8, 1 + before["tau2"][term])
    for name in ("r2_marginal", "r2_conditional", "icc"):
        near(after[name], before[name], 1e-8, 1.0)


@pytest.mark.parametrize("options", [{}, WEIGHTED], ids=str)
@given(seed=seeds)
@few
def test_the_order_of_rows_covariates_and_terms_does_not_matter(options, seed):
    frame = drawn(seed)
    plain = lines(frame, ["a", "b"], vary=BOTH, **options)
    found = lines(frame.sort("y").reverse(), ["b", "a"], vary=BOTH[::-1], **options)
    assert found["term"].to_list() == ["intercept", "b", "a"] * len(SIZES)
    for term in ("intercept", "a", "b"):
        for name in ("estimate", "se"):
            near(column(found, name, term), column(plain, name, term), 1e-8, 1 + plain[name].abs().max())


@given(seed=seeds, name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8))
@few
def test_the_name_of_a_covariate_is_no_more_than_a_name(seed, name):
    if name in ("g", "y", "b", "u", "w", "intercept"):
        return
    frame = drawn(seed)
    plain = lines(frame, ["a", "b"], vary=["a"])
    found = lines(frame.rename({"a": name}), [name, "b"], vary=[name])
    assert_frame_equal(found, plain.with_columns(pl.col("term").replace({"a": name})))


@pytest.mark.parametrize("over", [False, True], ids=["one model", "over"])
@pytest.mark.parametrize("shape", SHAPES)
def test_large_offsets_cost_no_digits(shape, over):
    """Numbers in eighths, so that 1e9 more is exact: seven digits of slopes and errors stay, ten of the lines."""
    frame, options = drawn(3).with_columns(m=0), SHAPES[shape] | ({"over": "m"} if over else {})
    moved = frame.with_columns(pl.col("y") + 1e9, pl.col("a") + 1e6)
    plain, found = lines(frame, **options), lines(moved, **options)
    near(column(found, "estimate", "a"), column(plain, "estimate", "a"), 1e-7)
    near(column(found, "se", "a"), column(plain, "se", "a"), 1e-7)
    near(column(found, "effect", "a"), column(plain, "effect", "a"), 1e-7, column(plain, "estimate", "a").max())
    before, after = lines_model(frame, **options), lines_model(moved, **options)
    near(after["sigma2"], before["sigma2"], 1e-7)
    near(after["mu"]["a"], before["mu"]["a"], 1e-7)
    expected = pool.predict(frame, "y", ["a"], "g", **options)
    near(pool.predict(moved, "y", ["a"], "g", **options)["fitted"] - 1e9, expected["fitted"], 1e-6)
