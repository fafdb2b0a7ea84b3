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
import ways
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed import Mixed
from polars.testing import assert_frame_equal
from test_messages import MISSING_COLUMN, WRONG, assert_sentence, word
from test_plans import assert_one_scan

import polars_pool as pool
from polars_pool.models import warning
from polars_pool.numerics import trust_region

BOTH = ["intercept", "a"]
SIZES = (1, 2, 2, 3, 4, 5, 6, 7, 9, 11)
FULL = ((1.0, 0.0, 0.0), (0.4, 0.8, 0.0), (-0.3, 0.2, 0.6))
NOTHING = ((0.0, 0.0, 0.0),) * 3
few = settings(max_examples=2)
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
    """The numbers of a struct, or of a struct of structs, with NaN for null."""
    rows = [list(x.values()) if isinstance(x, dict) else x for x in struct.values()]
    return np.array(rows, dtype=float)


def near(got, want, tolerance: float, scale: float | None = None) -> None:
    """Assert closeness relative to the largest number, or to a scale."""
    got, want = np.array(got, dtype=float), np.array(want, dtype=float)
    assert got.shape == want.shape
    assert np.isfinite(got).all()
    assert np.abs(got - want).max() <= tolerance * (np.abs(want).max() if scale is None else scale)


def column(result: pl.DataFrame, name: str, term: str) -> np.ndarray:
    return result.filter(pl.col("term") == term)[name].to_numpy()


def model_of(frame: pl.DataFrame, *args, **options) -> dict:
    return pool.regress_components(frame, *args, **options).row(0, named=True)


# ---- against dense matrices ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Rows and a model; `rank` of the covariance in the dense computation, if it is not full."""

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
# Dense searches stop by the gradient of the likelihood, which is more accurate than its value.
DENSE = 1e-10


@cache
def dense(name: str, method: str) -> Mixed:
    case = CASES[name]
    return mixed(case.frame, case.x, case.vary, method=method, **case.options)


@cache
def of_case(verb, name: str, method: str, **options) -> pl.DataFrame:
    case = CASES[name]
    return verb(case.frame, "y", case.x, "g", vary=case.vary, method=method, **case.options, **options)


@pytest.mark.share(2)
@every_method
@every_case
def test_the_cases_match_their_names(name, method):
    """The dense computation ends at a maximum, with the rank in the name of the case."""
    truth, case = dense(name, method), CASES[name]
    _, gradient = truth.deviance(truth.theta)
    assert np.abs(gradient).max() < 1e-10
    assert np.linalg.eigvalsh(truth.curvature(truth.theta)).min() > -1e-3
    relative = np.linalg.eigvalsh(truth.psi / np.outer(truth.units, truth.units)) / truth.sigma2
    assert (relative > 1e-9).sum() == (len(case.vary) if case.rank is None else case.rank)
    if name in ("correlation 1", "correlation -1"):
        assert np.sign(truth.psi[0, 1]) == float(name.split()[1])


@pytest.mark.share(2)
@every_method
@every_case
def test_components_by_dense_matrices(name, method):
    truth, case = dense(name, method), CASES[name]
    result = of_case(pool.regress_components, name, method).row(0, named=True)
    near(result["sigma2"], truth.sigma2, DENSE)
    size = truth.sigma2 + np.diag(truth.psi).max()
    near(values(result["tau2"]), np.diag(truth.psi), DENSE, size)
    deviations = np.sqrt(values(result["tau2"]))
    correlation = values(result["correlation"])
    assert (np.isnan(np.diag(correlation)) == (deviations == 0)).all()
    near(np.nan_to_num(correlation) * np.outer(deviations, deviations), truth.psi, DENSE, size)
    near(values(result["mu"]), truth.mu, DENSE)
    near(values(result["cov_mu"]), truth.cov_mu, DENSE)
    near(values(result["se_mu"]) ** 2, np.diag(truth.cov_mu), DENSE)
    constant = np.log(truth.w).sum() / 2
    near(result["log_likelihood"] + constant, truth.log_likelihood, DENSE)
    size = len(case.vary)
    parameters = truth.x.shape[1] + 1 + (size if case.options.get("correlated") is False else size * (size + 1) // 2)
    near(result["aic"], 2 * parameters - 2 * result["log_likelihood"], 1e-14)
    assert (result["groups"], result["n"], result["dropped"]) == (len(SIZES), sum(SIZES), 0)
    assert result["converged"]
    assert (result["singular"] is None) == (case.rank is None)


@pytest.mark.share(2)
@every_method
@every_case
def test_groups_by_dense_matrices(name, method):
    truth, case = dense(name, method), CASES[name]
    terms = ["intercept"] * case.options.get("intercept", True) + case.x
    varying = [term for term in terms if term in case.vary]
    covariances = {"mu": truth.covariances, "conditional": truth.conditional}
    for uncertainty, covariance in covariances.items() if method == "reml" else [("mu", truth.covariances)]:
        result = of_case(pool.regress, name, method, uncertainty=uncertainty)
        assert result["term"].to_list() == terms * len(SIZES)
        assert result["g"].to_list() == [key for key in range(len(SIZES)) for _ in terms]
        for k, term in enumerate(varying):
            mu = truth.mu[terms.index(term)]
            near(column(result, "effect", term), truth.effects[:, k], DENSE, np.abs(truth.effects).max() + abs(mu))
            near(column(result, "estimate", term), mu + truth.effects[:, k], DENSE)
            variances = covariance[:, k, k]
            near(column(result, "se", term) ** 2, variances, DENSE, truth.sigma2 * truth.units[k] ** 2)
        for t, term in enumerate(terms):
            if term not in varying:
                error = math.sqrt(truth.cov_mu[t, t]) if uncertainty == "mu" else 0.0
                near(column(result, "estimate", term), [truth.mu[t]] * len(SIZES), DENSE)
                near(column(result, "se", term), [error] * len(SIZES), DENSE, 1.0)
                assert (column(result, "weight", term) == 0).all()
                assert (column(result, "effect", term) == 0).all()
                assert np.isnan(column(result, "mean", term).astype(float)).all()
        half = (result["upper"] - result["lower"]) / 2
        near(half, 1.959963984540054 * result["se"].to_numpy(), 1e-12, float(result["se"].max()) + 1)


@pytest.mark.share(2)
@every_case
def test_predictions_by_dense_matrices(name):
    truth, case = dense(name, "reml"), CASES[name]
    result = of_case(pool.predict, name, "reml")
    assert_frame_equal(result.drop("fitted", "population"), case.frame)
    by_population = truth.x @ truth.mu
    near(result["population"], by_population, DENSE)
    near(result["fitted"], by_population + (truth.z * truth.effects[truth.place]).sum(axis=1), DENSE)


@pytest.mark.share(2)
@every_case
def test_own_coefficients_by_least_squares(name):
    """`mean`, given the fixed terms of the population, if the group has enough rows for every varying term."""
    truth, case = dense(name, "reml"), CASES[name]
    terms = ["intercept"] * case.options.get("intercept", True) + case.x
    varying = [term for term in terms if term in case.vary]
    fixed = [t for t, term in enumerate(terms) if term not in varying]
    result = of_case(pool.regress, name, "reml")
    compared = 0
    for i, at in enumerate(truth.rows):
        means = [column(result, "mean", term).astype(float)[i] for term in varying]
        root = np.sqrt(truth.w[at])
        left = truth.y[at] - truth.x[at][:, fixed] @ truth.mu[fixed]
        solution, _, rank, _ = np.linalg.lstsq(truth.z[at] * root[:, None], left * root)
        if rank == len(varying):
            near(means, solution, 1e-9)
            compared += 1
        else:
            assert np.isnan(means).all()
    assert compared >= 6


@every_method
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if len(case.vary) == 1 and case.rank is None])
def test_the_weight_of_one_varying_term(name, method):
    [term] = CASES[name].vary
    result = of_case(pool.regress, name, method).filter(pl.col("term") == term, pl.col("mean").is_not_null())
    mu = of_case(pool.regress_components, name, method).row(0, named=True)["mu"][term]
    assert result.height >= 9
    assert result["weight"].is_between(0, 1, closed="none").all()
    near(result["weight"] * result["mean"] + (1 - result["weight"]) * mu, result["estimate"], 1e-12)


def test_the_weight_of_several_varying_terms_is_null():
    assert of_case(pool.regress, "intercept and slope", "reml")["weight"].is_null().all()


@every_method
@pytest.mark.parametrize("options", [{}, WEIGHTED], ids=str)
@pytest.mark.parametrize("between", [FULL, NOTHING], ids=["tau2 > 0", "tau2 = 0"])
def test_no_covariate_is_shrink(method, options, between):
    frame = drawn(1, between)
    shrunk = pool.shrink(frame, "y", "g", tau2=method, **options)
    result = pool.regress(frame, "y", [], "g", method=method, **options)
    columns = ("mean", "weight", "estimate", "se", "lower", "upper")
    assert result["g"].equals(shrunk["g"])
    assert result["n"].equals(shrunk["n"])
    for name in columns:
        near(result[name], shrunk[name], 1e-9, max(1.0, shrunk[name].abs().max()))
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
    plain, result = lines(frame, **options), lines(moved, **options)
    scale = plain["estimate"].abs().max() + abs(shift)
    for term, by in (("intercept", shift / 8), ("a", 0.0)):
        near(column(result, "estimate", term), column(plain, "estimate", term) + by, 1e-8, scale)
    near(result["se"], plain["se"], 1e-8, 1 + plain["se"].max())
    before, after = lines_model(frame, **options), lines_model(moved, **options)
    for name in ("sigma2", "log_likelihood", "r2_marginal", "r2_conditional", "icc"):
        near(after[name], before[name], 1e-8, max(1.0, abs(before[name])))
    near(values(after["tau2"]), values(before["tau2"]), 1e-8, 1 + values(before["tau2"]).max())


@pytest.mark.parametrize("shape", SHAPES)
@given(seed=seeds, shift=st.integers(-800, 800))
@few
def test_a_shift_of_a_covariate_moves_the_intercept(shape, seed, shift):
    """If the intercept varies and is correlated freely with the slope, a shift describes the same lines."""
    frame, options = drawn(seed), SHAPES[shape]
    moved = frame.with_columns(pl.col("a") + shift / 8)
    plain, result = lines(frame, **options), lines(moved, **options)
    slope = column(plain, "estimate", "a")
    scale = plain["estimate"].abs().max() * (1 + abs(shift))
    near(column(result, "estimate", "a"), slope, 1e-8, scale)
    near(
        column(result, "estimate", "intercept"), column(plain, "estimate", "intercept") - slope * shift / 8, 1e-8, scale
    )
    near(column(result, "se", "a"), column(plain, "se", "a"), 1e-8, 1 + plain["se"].max())
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
    plain, result = lines(frame, **options), lines(scaled, **options)
    for term, by in (("intercept", of_y), ("a", of_y / of_x)):
        for name in ("estimate", "effect"):
            near(column(result, name, term) / by, column(plain, name, term), 1e-8, plain[name].abs().max())
        near(column(result, "se", term) / abs(by), column(plain, "se", term), 1e-8, 1 + plain["se"].max())
    before, after = lines_model(frame, **options), lines_model(scaled, **options)
    near(after["sigma2"] / of_y**2, before["sigma2"], 1e-8)
    for term, by in (("intercept", of_y), ("a", of_y / of_x)):
        if term in before["tau2"]:
            near(after["tau2"][term] / by**2, before["tau2"][term], 1e-8, 1 + before["tau2"][term])
    for name in ("r2_marginal", "r2_conditional", "icc"):
        near(after[name], before[name], 1e-8, 1.0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [1, 3, 4])
def test_a_steep_line_does_not_change_the_estimates(shape, seed):
    """If the line explains nearly all of the value, rounding affects the likelihood, but not the estimates."""
    frame, options = drawn(seed), SHAPES[shape]
    steep = frame.with_columns(pl.col("y") + 1024 * pl.col("a"))
    plain, result = lines(frame, **options), lines(steep, **options)
    near(column(result, "estimate", "a") - 1024, column(plain, "estimate", "a"), 1e-8)
    near(column(result, "estimate", "intercept"), column(plain, "estimate", "intercept"), 1e-8)
    near(result["se"], plain["se"], 1e-8)
    before, after = lines_model(frame, **options), lines_model(steep, **options)
    assert after["converged"]
    near(after["sigma2"], before["sigma2"], 1e-8)
    near(values(after["tau2"]), values(before["tau2"]), 1e-8)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_steep_line_converges(shape):
    """The search converges for every order of rows."""
    models = [drawn(seed).sample(fraction=1, shuffle=True, seed=seed).with_columns(m=seed) for seed in range(200)]
    steep = pl.concat(models).with_columns(pl.col("y") + 1024 * pl.col("a"))
    assert pool.regress_components(steep, "y", ["a"], "g", over="m", **SHAPES[shape])["converged"].all()


def test_a_search_that_does_not_converge_is_reported(monkeypatch):
    monkeypatch.setattr(trust_region, "MOST", 1)
    with pytest.warns(pool.ConvergenceWarning, match=r"tau2 did not settle.*converged"):
        assert lines(drawn(1), vary=BOTH)["estimate"].is_finite().all()
    with pytest.warns(pool.ConvergenceWarning, match="did not settle"):
        assert lines_model(drawn(1), vary=BOTH)["converged"] is False


@pytest.mark.parametrize("options", [{}, WEIGHTED], ids=str)
@given(seed=seeds)
@few
def test_the_order_of_rows_covariates_and_terms_does_not_matter(options, seed):
    frame = drawn(seed)
    plain = lines(frame, ["a", "b"], vary=BOTH, **options)
    result = lines(frame.sort("y").reverse(), ["b", "a"], vary=BOTH[::-1], **options)
    assert result["term"].to_list() == ["intercept", "b", "a"] * len(SIZES)
    for term in ("intercept", "a", "b"):
        for name in ("estimate", "se"):
            near(column(result, name, term), column(plain, name, term), 1e-8, 1 + plain[name].abs().max())


@given(seed=seeds, name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8))
@few
def test_the_name_of_a_covariate_does_not_matter(seed, name):
    if name in ("g", "y", "b", "u", "w", "intercept"):
        return
    frame = drawn(seed)
    plain = lines(frame, ["a", "b"], vary=["a"])
    result = lines(frame.rename({"a": name}), [name, "b"], vary=[name])
    assert_frame_equal(result, plain.with_columns(pl.col("term").replace({"a": name})))


@pytest.mark.parametrize("over", [False, True], ids=["one model", "over"])
@pytest.mark.parametrize("shape", SHAPES)
def test_large_offsets_cost_no_digits(shape, over):
    """Numbers in eighths, so that adding 1e9 is exact: seven digits of slopes and errors remain, ten of the lines."""
    frame, options = drawn(3).with_columns(m=0), SHAPES[shape] | ({"over": "m"} if over else {})
    moved = frame.with_columns(pl.col("y") + 1e9, pl.col("a") + 1e6)
    plain, result = lines(frame, **options), lines(moved, **options)
    near(column(result, "estimate", "a"), column(plain, "estimate", "a"), 1e-7)
    near(column(result, "se", "a"), column(plain, "se", "a"), 1e-7)
    near(column(result, "effect", "a"), column(plain, "effect", "a"), 1e-7, column(plain, "estimate", "a").max())
    before, after = lines_model(frame, **options), lines_model(moved, **options)
    near(after["sigma2"], before["sigma2"], 1e-7)
    near(after["mu"]["a"], before["mu"]["a"], 1e-7)
    expected = pool.predict(frame, "y", ["a"], "g", **options)
    near(pool.predict(moved, "y", ["a"], "g", **options)["fitted"] - 1e9, expected["fitted"], 1e-6)


# ---- many models -----------------------------------------------------------------------------------------------------


def many(models: int, groups: int = 5, rows: int = 7) -> pl.DataFrame:
    """Models m with groups g; each group has its own line."""
    random = np.random.default_rng(5)
    m = np.repeat(np.arange(models), groups * rows)
    g = np.tile(np.repeat(np.arange(groups), rows), models)
    of_group = (m * groups + g).astype(int)
    a = random.normal(2, 1, len(m))
    own = random.normal(size=(models * groups, 2)) @ np.array([[1.0, 0.3], [0.0, 0.7]])
    y = 3 + own[of_group, 0] + (m % 7 + own[of_group, 1]) * a + 0.5 * random.normal(size=len(m))
    return pl.DataFrame({"m": m, "g": g, "a": a, "y": y})


def test_many_models_equal_single_models():
    number = 1000 if ways.full else 200
    frame = many(number)
    options = {"vary": BOTH}
    models = pool.regress_components(frame, "y", ["a"], "g", over="m", **options)
    groups = pool.regress(frame, "y", ["a"], "g", over="m", **options)
    assert models["m"].to_list() == list(range(number))
    assert models["converged"].all()
    assert groups.height == number * 5 * 2
    for m in range(0, number, number // 4):
        alone = frame.filter(m=m).drop("m")
        got = models.filter(m=m).drop("m").row(0, named=True)
        want = lines_model(alone, **options)
        for name in ("sigma2", "icc", "r2_marginal", "r2_conditional", "log_likelihood", "aic"):
            near(got[name], want[name], 1e-10)
        for name in ("tau2", "mu", "se_mu", "cov_mu", "mu_lower"):
            near(values(got[name]), values(want[name]), 1e-10)
        near(np.nan_to_num(values(got["correlation"])), np.nan_to_num(values(want["correlation"])), 1e-10)
        assert got["singular"] == want["singular"]
        result, single = groups.filter(m=m).drop("m"), lines(alone, **options)
        assert result.select("g", "term", "n").equals(single.select("g", "term", "n"))
        for name in ("mean", "effect", "estimate", "se", "lower", "upper"):
            near(result[name], single[name], 1e-10)


def troubled() -> tuple[pl.DataFrame, dict[str, str | None]]:
    """Degenerate models among valid ones, with the expected message of each."""
    good = many(3).with_columns(m=pl.format("good {}", "m"))
    one = good.filter(m="good 0")
    collinear, untold = warning.COLLINEAR, warning.UNIDENTIFIED_VARIANCES
    parts = {
        "constant": (one.with_columns(a=1.0), collinear),
        "exact groups": (one.group_by("g", maintain_order=True).head(2), untold),
        "single rows": (one.group_by("g", maintain_order=True).head(1), untold),
        "few rows": (one.head(1), collinear),
        "nulls": (one.with_columns(y=pl.lit(None, pl.Float64)), None),
        "one group": (one.filter(g=0), None),
        "one line": (one.with_columns(y=1 + 2 * pl.col("a")), None),
    }
    frames = [frame.with_columns(m=pl.lit(name)).select(good.columns) for name, (frame, _) in parts.items()]
    return pl.concat([good, *frames]).sample(fraction=1, shuffle=True, seed=1), {
        k: messages for k, (_, messages) in parts.items()
    }


@pytest.mark.parametrize("verb", VERBS)
def test_degenerate_models_leave_others_unharmed(verb):
    frame, messages = troubled()
    good = frame.filter(pl.col("m").str.starts_with("good"))
    with warnings.catch_warnings(record=True) as spoken:
        warnings.simplefilter("always")
        result = verb(frame, "y", ["a"], "g", over="m", vary=BOTH)
    assert {w.category for w in spoken} == {pool.ConvergenceWarning}
    assert sorted(str(w.message) for w in spoken) == sorted({text for text in messages.values() if text})
    assert all(w.filename == __file__ for w in spoken)
    want = verb(good, "y", ["a"], "g", over="m", vary=BOTH)
    assert_frame_equal(result.filter(pl.col("m").str.starts_with("good")), want, rel_tol=1e-9)
    assert set(result["m"]) == {*messages, "good 0", "good 1", "good 2"}


def test_results_of_degenerate_models():
    frame, messages = troubled()
    with pytest.warns(pool.ConvergenceWarning) as spoken:
        lazy = pool.regress_components(frame.lazy(), "y", ["a"], "g", over="m", vary=BOTH).collect()
    assert {str(w.message) for w in spoken} == {text for text in messages.values() if text}
    result = {row["m"]: row for row in lazy.iter_rows(named=True)}
    for name, text in messages.items():
        assert result[name]["converged"] == (text is None and name != "nulls"), name
        assert result[name]["log_likelihood"] is None, name
    for name in ("constant", "few rows", "nulls"):
        assert values(result[name]["mu"]).tolist() == pytest.approx([math.nan] * 2, nan_ok=True)
        assert result[name]["sigma2"] is None
    for name in ("exact groups", "single rows"):
        assert result[name]["sigma2"] is None
        assert np.isfinite(values(result[name]["mu"])).all()
    assert (result["nulls"]["groups"], result["nulls"]["n"], result["nulls"]["dropped"]) == (0, 0, 35)
    assert result["one group"]["groups"] == 1
    assert result["one line"]["sigma2"] == 0


# ---- degenerate data -------------------------------------------------------------------------------------------------

PATHS = {
    "eager": lambda verb, frame, *args, **options: verb(frame, *args, **options),
    "streaming": lambda verb, frame, *args, **options: verb(frame.lazy(), *args, **options).collect(engine="streaming"),
}
every_path = pytest.mark.parametrize("run", PATHS.values(), ids=PATHS)
pytestmark = pytest.mark.one_way
every_verb = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
DATA_ERRORS = (ValueError, pl.exceptions.ComputeError)


def assert_sentence_of_data(error, *given) -> None:
    """Assert that the error of a query contains each name as a separate word."""
    for name in given:
        assert word(name, str(error.value)), f"{name!r} is not in: {error.value}"


SPANNED = {
    "constant": (pl.lit(3.0), ["c"], ("c", "intercept"), {}),
    "a combination of one": (2 * pl.col("a") - 1, ["a", "c"], ("c", "a"), {}),
    "a combination of two": (pl.col("a") - 3 * pl.col("b") + 2, ["a", "b", "c"], ("c", "a", "b"), {}),
    "zero": (pl.lit(0.0), ["c"], ("c",), {"intercept": False, "vary": "c"}),
    "a multiple": (pl.col("a") * 4, ["a", "c"], ("c", "a"), {"intercept": False, "vary": "a"}),
}


@every_path
@every_verb
@pytest.mark.parametrize("kind", SPANNED)
def test_covariates_that_others_span(kind, verb, run):
    """An error names the covariate and those that span it; with `over` the model is null and not converged."""
    expression, x, names, options = SPANNED[kind]
    frame = drawn(1).with_columns(c=expression)
    with pytest.raises(DATA_ERRORS) as error:
        run(verb, frame, "y", x, "g", **options)
    assert_sentence_of_data(error, *names)
    beside = pl.concat([frame.with_columns(m=0), frame.with_columns(m=1, c=pl.col("w"))])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", re.escape(warning.COLLINEAR), pool.ConvergenceWarning)
        result = run(verb, beside, "y", x, "g", over="m", **options)
    bad, good = result.filter(m=0), result.filter(m=1)
    if verb is pool.regress_components:
        assert (bad["converged"][0], good["converged"][0]) == (False, True)
        assert np.isnan(values(bad["mu"][0])).all()
        assert bad["sigma2"][0] is None
    else:
        name = "estimate" if verb is pool.regress else "fitted"
        assert bad[name].is_null().all()
        assert good[name].is_not_null().all()


@every_path
def test_a_group_of_fewer_rows_than_terms_shrinks(run):
    """Groups with single rows, or with rows at one value of the covariate, follow the line of the population more."""
    frame = drawn(1)
    place = frame.filter(g=4).with_columns(a=2.0)
    frame = pl.concat([frame.filter(pl.col("g") != 4), place])
    result = run(pool.regress, frame, "y", ["a"], "g", vary=BOTH).sort("g", maintain_order=True)
    truth = mixed(frame, ["a"], BOTH)
    for key in (0, 4):
        of_group = result.filter(g=key)
        near(of_group["estimate"], truth.mu + truth.effects[key], 1e-9)
        near(of_group["se"] ** 2, np.diag(truth.covariances[key]), 1e-9)
        assert of_group["mean"].is_null().all()
        assert (of_group["effect"].abs() > 1e-3).all()


@every_path
@pytest.mark.parametrize("options", [{}, WEIGHTED, {"over": "m"}], ids=str)
def test_rows_with_a_missing_number_are_ignored(run, options):
    frame = drawn(1).with_columns(m=0).with_row_index("i")
    lacking = frame.with_columns(
        a=pl.when(pl.col("i") % 9 != 0).then("a"), y=pl.when(pl.col("i") % 7 != 0).then("y")
    ).drop("i")
    complete = lacking.drop_nulls()
    missing = lacking.height - complete.height
    assert missing == sum(i % 9 == 0 or i % 7 == 0 for i in range(frame.height))
    result = run(pool.regress, lacking, "y", ["a"], "g", vary=BOTH, **options).filter(pl.col("n") > 0)
    want = pool.regress(complete, "y", ["a"], "g", vary=BOTH, **options)
    assert_frame_equal(result.sort("g", maintain_order=True), want, rel_tol=1e-9)
    model = run(pool.regress_components, lacking, "y", ["a"], "g", vary=BOTH, **options)
    assert model["dropped"].to_list() == [missing]
    assert model["n"].to_list() == [complete.height]
    want = pool.regress_components(complete, "y", ["a"], "g", vary=BOTH, **options)
    assert_frame_equal(model.drop("dropped"), want.drop("dropped"), rel_tol=1e-9)


@every_path
@pytest.mark.parametrize("column_", ["a", "y"])
def test_a_group_of_only_nulls_gets_the_population(run, column_):
    frame = drawn(1)
    empty = pl.DataFrame({"g": [99] * 3, "a": [1.0, 2.0, 3.0], "y": [5.0, 1.0, 2.0]}).with_columns(
        pl.lit(None, pl.Float64).alias(column_)
    )
    both = pl.concat([frame.select("g", "a", "y"), empty])
    model = run(pool.regress_components, both, "y", ["a"], "g").row(0, named=True)
    assert (model["groups"], model["n"], model["dropped"]) == (len(SIZES), frame.height, 3)
    result = run(pool.regress, both, "y", ["a"], "g")
    own = result.filter(g=99, term="intercept").row(0, named=True)
    assert (own["n"], own["mean"], own["weight"], own["effect"]) == (0, None, 0.0, 0.0)
    near(own["estimate"], model["mu"]["intercept"], 1e-14)
    near(own["se"], math.sqrt(model["tau2"]["intercept"] + model["se_mu"]["intercept"] ** 2), 1e-12)
    want = pool.regress(frame, "y", ["a"], "g")
    others = result.filter(pl.col("g") != 99).sort("g", maintain_order=True)
    assert_frame_equal(others, want, rel_tol=1e-12)


@every_path
@every_verb
@pytest.mark.parametrize("bad", [math.nan, -math.inf], ids=str)
@pytest.mark.parametrize("column_", ["a", "y"])
def test_values_that_are_not_finite(column_, bad, verb, run):
    frame = drawn(1).with_row_index("i")
    wrong = frame.with_columns(pl.when(pl.col("i") == 20).then(bad).otherwise(column_).alias(column_))
    with pytest.raises(DATA_ERRORS, match=f"{'value' if column_ == 'y' else 'covariate'} '{column_}'"):
        run(verb, wrong, "y", ["a"], "g")
    null = wrong.with_columns(pl.col(column_).replace(bad, None)) if bad == bad else wrong.fill_nan(None)
    result = run(verb, wrong, "y", ["a"], "g", nan="null")
    want = run(verb, null, "y", ["a"], "g")
    if verb is pool.predict:
        result, want = result.drop(column_), want.drop(column_)
    keys = ["g", "term"] if verb is pool.regress else []
    assert_frame_equal(result.sort(keys) if keys else result, want.sort(keys) if keys else want, rel_tol=1e-10)


@every_path
@every_verb
def test_a_bad_weight_is_counted(verb, run):
    frame = drawn(1).with_row_index("i").with_columns(w=pl.when(pl.col("i") > 2).then("w").otherwise(-1.0))
    with pytest.raises(DATA_ERRORS, match=r"weights='w'.*3 rows"):
        run(verb, frame, "y", ["a"], "g", weights="w")


@every_path
def test_a_row_of_weight_0_is_ignored(run):
    frame = drawn(1)
    more = pl.concat([frame, frame.head(9).with_columns(y=pl.col("y") + 50, w=0.0)])
    result = run(pool.regress, more, "y", ["a"], "g", vary=BOTH, weights="w").sort("g", maintain_order=True)
    assert_frame_equal(result, pool.regress(frame, "y", ["a"], "g", vary=BOTH, weights="w"), rel_tol=1e-9)


@every_path
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("vary", ["intercept", "a", BOTH], ids=str)
def test_one_group_is_least_squares(run, method, vary):
    frame = drawn(1).filter(g=9)
    x = np.column_stack([np.ones(frame.height), frame["a"]])
    beta, [squares], _, _ = np.linalg.lstsq(x, frame["y"].to_numpy())
    sigma2 = squares / (frame.height - 2)
    covariance = sigma2 * np.linalg.inv(x.T @ x)
    result = run(pool.regress, frame, "y", ["a"], "g", vary=vary, method=method)
    near(result["estimate"], beta, 1e-10)
    near(result["se"] ** 2, np.diag(covariance), 1e-10)
    varying = result.filter(pl.col("term").is_in([vary] if isinstance(vary, str) else vary))
    near(varying["mean"], varying["estimate"], 1e-10)
    assert (varying["weight"] == 1).all()
    assert (varying["effect"] == 0).all()
    model = run(pool.regress_components, frame, "y", ["a"], "g", vary=vary, method=method).row(0, named=True)
    near(model["sigma2"], sigma2, 1e-10)
    near(values(model["mu"]), beta, 1e-10)
    near(values(model["cov_mu"]), covariance, 1e-10)
    assert set(model["tau2"].values()) == {None}
    assert (model["groups"], model["converged"], model["icc"]) == (1, True, None)
    fitted = run(pool.predict, frame, "y", ["a"], "g", vary=vary, method=method)
    near(fitted["fitted"], x @ beta, 1e-10)


@every_verb
@pytest.mark.parametrize("vary", ["intercept", "a", BOTH], ids=str)
def test_groups_of_single_rows_do_not_determine_variances(verb, vary):
    frame = drawn(1).unique("g", maintain_order=True)
    with pytest.warns(pool.ConvergenceWarning, match=re.escape(warning.UNIDENTIFIED_VARIANCES)) as spoken:
        result = verb(frame, "y", ["a"], "g", vary=vary)
    assert len(spoken) == 1
    with pytest.warns(pool.ConvergenceWarning, match=re.escape(warning.UNIDENTIFIED_VARIANCES)) as spoken:
        lazy = verb(frame.lazy(), "y", ["a"], "g", vary=vary).collect()
    assert len(spoken) == 1
    x = np.column_stack([np.ones(frame.height), frame["a"]])
    beta, *_ = np.linalg.lstsq(x, frame["y"].to_numpy())
    if verb is pool.regress_components:
        assert_frame_equal(result, lazy)
        model = result.row(0, named=True)
        assert (model["sigma2"], model["converged"], model["icc"]) == (None, False, None)
        assert set(model["tau2"].values()) == {None}
        near(values(model["mu"]), beta, 1e-10)
    elif verb is pool.regress:
        names = [vary] if isinstance(vary, str) else vary
        varying = result.filter(pl.col("term").is_in(names))
        assert varying["estimate"].is_null().all()
        assert varying["se"].is_null().all()
    else:
        near(result["population"], x @ beta, 1e-10)


@every_path
@pytest.mark.parametrize("slope", [2.0, 0.0], ids=["one line", "one number"])
@pytest.mark.parametrize("vary", ["intercept", BOTH], ids=str)
def test_all_rows_on_one_line(run, vary, slope):
    frame = drawn(1).with_columns(y=3 + slope * pl.col("a"))
    model = run(pool.regress_components, frame, "y", ["a"], "g", vary=vary).row(0, named=True)
    assert (model["sigma2"], set(model["tau2"].values()), model["converged"]) == (0.0, {0.0}, True)
    near(values(model["mu"]), [3, slope], 1e-12)
    near(values(model["se_mu"]), [0, 0], 1e-12, 1.0)
    result = run(pool.regress, frame, "y", ["a"], "g", vary=vary)
    near(column(result, "estimate", "intercept"), [3.0] * len(SIZES), 1e-12)
    near(column(result, "estimate", "a"), [slope] * len(SIZES), 1e-12, 3.0)
    assert (result["se"] == 0).all()
    near(run(pool.predict, frame, "y", ["a"], "g", vary=vary)["fitted"], frame["y"], 1e-12)


@every_path
def test_no_rows(run):
    """Empty frames give all columns; a single model without rows is reported."""
    full = drawn(1).with_columns(m=0)
    for verb in VERBS:
        for options in ({}, {"over": "m"}, {"weights": "w"}):
            want = run(verb, full, "y", ["a"], "g", vary=BOTH, **options)
            result = run(verb, full.clear(), "y", ["a"], "g", vary=BOTH, **options)
            assert result.schema == want.schema
            assert result.height == (1 if verb is pool.regress_components and "over" not in options else 0)
    model = run(pool.regress_components, full.clear(), "y", ["a"], "g").row(0, named=True)
    assert (model["groups"], model["n"], model["dropped"], model["converged"]) == (0, 0, 0, False)
    assert model["sigma2"] is None


@every_path
@every_verb
def test_rows_without_any_number(verb, run):
    frame = drawn(1).with_columns(y=pl.lit(None, pl.Float64))
    result = run(verb, frame, "y", ["a"], "g")
    if verb is pool.regress_components:
        model = result.row(0, named=True)
        assert (model["groups"], model["n"], model["dropped"], model["converged"]) == (0, 0, frame.height, False)
    elif verb is pool.regress:
        assert result.height == 2 * len(SIZES)
        assert result["estimate"].is_null().all()
    else:
        assert result["fitted"].is_null().all()
        assert result["population"].is_null().all()


@every_path
def test_null_is_a_key_like_any_other(run):
    frame = drawn(1).with_columns(m=pl.lit("x"))
    null = frame.with_columns(g=pl.when(pl.col("g") != 3).then("g"), m=pl.lit(None, pl.String))
    both = pl.concat([frame, null])
    result = run(pool.regress, both, "y", ["a"], "g", over="m", vary=BOTH)
    want = pool.regress(frame, "y", ["a"], "g", vary=BOTH)
    of_null = result.filter(pl.col("m").is_null()).with_columns(pl.col("g").fill_null(3)).sort("g", maintain_order=True)
    assert_frame_equal(of_null.drop("m"), want, rel_tol=1e-9)
    fitted = run(pool.predict, both, "y", ["a"], "g", over="m", vary=BOTH)
    half = pool.predict(frame, "y", ["a"], "g", vary=BOTH)["fitted"]
    near(fitted["fitted"], pl.concat([half, half]), 1e-9)


@cache
def usual(verb) -> pl.DataFrame:
    """Expected results from columns with usual names."""
    return verb(drawn(1), "y", ["a", "b"], "g", vary=["a"])


@pytest.mark.parametrize("name", ["a b", "^x$", "^.*$", "days.1", "", "*", '"', "term", "é", "_pivot"])
def test_odd_names_of_covariates(name):
    renamed = drawn(1).rename({"a": name})
    result = pool.regress(renamed, "y", [name, "b"], "g", vary=[name])
    want = usual(pool.regress)
    assert_frame_equal(result, want.with_columns(pl.col("term").replace({"a": name})), rel_tol=1e-12)
    model = model_of(renamed, "y", [name, "b"], "g", vary=["intercept", name])
    assert list(model["mu"]) == ["intercept", name, "b"]
    assert list(model["correlation"][name]) == ["intercept", name]
    fitted = pool.predict(renamed, "y", [name, "b"], "g", vary=[name])
    near(fitted["fitted"], usual(pool.predict)["fitted"], 1e-12)


def renamed(result: pl.DataFrame, terms: dict[str, str]) -> pl.DataFrame:
    """The result with other names of terms."""
    if "term" in result.columns:
        return result.with_columns(pl.col("term").replace(terms))

    def of_fields(structs: pl.Series) -> pl.Series:
        table = structs.struct.unnest()
        inner = [of_fields(column) if isinstance(column.dtype, pl.Struct) else column for column in table]
        return pl.DataFrame(inner).rename(terms, strict=False).to_struct(structs.name)

    return result.with_columns(of_fields(column) for column in result if isinstance(column.dtype, pl.Struct))


@pytest.mark.parametrize("dtype", [pl.Boolean, pl.Int8, pl.UInt64, pl.Float32, pl.Decimal(10, 3)], ids=str)
def test_types_of_covariates(dtype):
    numbers = drawn(1).with_columns(a=(pl.col("a") > 1).cast(pl.Float64))
    typed = numbers.with_columns(pl.col("a").cast(dtype))
    for verb in VERBS:
        result, want = (verb(frame, "y", ["a"], "g") for frame in (typed, numbers))
        if dtype == pl.Boolean:  # a factor, whose numbers are the same
            want = renamed(want, {"a": "a[true]"}) if verb is not pool.predict else want
        assert_frame_equal(result, want, check_dtypes=verb is not pool.predict, rel_tol=1e-12)


def test_a_decimal_keeps_its_digits():
    frame = drawn(1).with_columns(a=pl.col("a") / 1000)
    exact = pl.Series("a", [Decimal(str(x)) for x in frame["a"]], pl.Decimal(20, 9))
    result = lines(frame.with_columns(exact), vary=BOTH)
    near(result["estimate"], lines(frame, vary=BOTH)["estimate"], 1e-9)


# ---- shares of variance ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["intercept", "slope", "intercept and slope", "uncorrelated", "three terms", "no intercept", "of the group"]
)
@every_method
def test_shares_of_variance_over_the_rows(name, method):
    """Variance of the fixed part of the rows, mean of z' Psi z over the rows, sigma2 (Nakagawa 2013; Johnson 2014)."""
    truth = dense(name, method)
    result = of_case(pool.regress_components, name, method).row(0, named=True)
    fixed = np.var(truth.x @ truth.mu, ddof=1)
    between = np.mean([z @ truth.psi @ z for z in truth.z])
    total = fixed + between + truth.sigma2
    near(result["r2_marginal"], fixed / total, 1e-9)
    near(result["r2_conditional"], (fixed + between) / total, 1e-9)
    near(result["icc"], between / (between + truth.sigma2), 1e-9)


# ---- predictions -----------------------------------------------------------------------------------------------------


def given_by(result: pl.DataFrame, model: dict, rows: pl.DataFrame) -> tuple[list, list]:
    """Predictions for rows with a covariate a, from the tables of coefficients."""
    own = {(row["g"], row["term"]): row["estimate"] for row in result.iter_rows(named=True)}
    mu = model["mu"]
    fitted, population = [], []
    for row in rows.iter_rows(named=True):
        a = row["a"]
        intercept, slope = (own.get((row["g"], term), mu[term]) for term in ("intercept", "a"))
        fitted.append(None if a is None else intercept + slope * a)
        population.append(None if a is None else mu["intercept"] + mu["a"] * a)
    return fitted, population


ASKED = pl.DataFrame({"a": [1.5, None, -2.0, 1e3, 0.0], "note": [*"vwxyz"], "g": [3, 3, 77, 9, None]})


@every_path
@pytest.mark.parametrize("lazy_rows", [False, True], ids=["rows DataFrame", "rows LazyFrame"])
@pytest.mark.parametrize("vary", ["intercept", "a", BOTH], ids=str)
def test_rows_of_another_frame(run, lazy_rows, vary):
    """New groups get the population, null covariates give null; no value is needed; order and columns are kept."""
    frame = drawn(1)
    rows = ASKED.lazy() if lazy_rows else ASKED
    result = run(pool.predict, frame, "y", ["a"], "g", vary=vary, rows=rows)
    assert_frame_equal(result.drop("fitted", "population"), ASKED)
    fitted, population = given_by(lines(frame, vary=vary), lines_model(frame, vary=vary), ASKED)
    for name, want in (("fitted", fitted), ("population", population)):
        assert result[name].dtype == pl.Float64
        assert result[name].is_null().to_list() == [x is None for x in want]
        near(result[name].drop_nulls(), [x for x in want if x is not None], 1e-12)
    assert result["fitted"][2] == result["population"][2]
    assert result["fitted"][4] == result["population"][4]


@pytest.mark.share(2)
@every_path
@pytest.mark.parametrize("lazy_rows", [False, True], ids=["rows DataFrame", "rows LazyFrame"])
@pytest.mark.parametrize("options", [{}, {"over": "m"}, {"intercept": False, "vary": "a"}, WEIGHTED], ids=str)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf], ids=str)
def test_rows_to_predict_with_a_covariate_that_is_not_finite(bad, options, lazy_rows, run):
    """An error names the covariate and counts the rows, or the result is null, as for rows that are fitted."""
    frame = drawn(1).with_columns(m=0)
    rows = pl.DataFrame({"a": [1.0, bad, None, bad], "b": [0.0, 1.0, 2.0, 3.0], "g": [3, 3, 3, 99], "m": 0})
    rows = rows.with_columns(pl.col("m").cast(pl.Int32))
    given_rows = rows.lazy() if lazy_rows else rows
    with pytest.raises(DATA_ERRORS) as error:
        run(pool.predict, frame, "y", ["b", "a"], "g", rows=given_rows, **options)
    assert_sentence_of_data(error, "a", "2 rows", "nan='null'")
    result = run(pool.predict, frame, "y", ["b", "a"], "g", rows=given_rows, nan="null", **options)
    assert_frame_equal(result.drop("fitted", "population"), rows)
    for name in ("fitted", "population"):
        assert result[name].is_null().to_list() == [False, True, True, True]


@every_path
@pytest.mark.parametrize("nan", ["error", "null"])
def test_own_rows_without_a_value_and_with_an_invalid_covariate(run, nan):
    """Such a row is not fitted, but it is predicted."""
    frame = drawn(1).with_row_index("i")
    first = pl.col("i") == 0
    frame = frame.with_columns(y=pl.when(~first).then("y"), a=pl.when(first).then(math.nan).otherwise("a"))
    if nan == "error":
        with pytest.raises(DATA_ERRORS) as error:
            run(pool.predict, frame, "y", ["a"], "g")
        assert_sentence_of_data(error, "a", "1 row")
    else:
        result = run(pool.predict, frame, "y", ["a"], "g", nan="null")
        assert result["fitted"].is_null().to_list() == [True] + [False] * (frame.height - 1)


@every_path
def test_rows_without_a_value_are_predicted(run):
    frame = drawn(1).with_row_index("i").with_columns(y=pl.when(pl.col("i") % 5 > 0).then("y"))
    result = run(pool.predict, frame, "y", ["a"], "g", vary=BOTH)
    assert_frame_equal(result.drop("fitted", "population"), frame)
    complete = frame.drop_nulls()
    fitted, population = given_by(lines(complete, vary=BOTH), lines_model(complete, vary=BOTH), frame)
    near(result["fitted"], fitted, 1e-10)
    near(result["population"], population, 1e-10)


@every_path
def test_models_predict_their_own_rows(run):
    frame = many(3)
    rows = pl.DataFrame({"m": [2, 0, 1, 9, 0], "g": [4, 4, 99, 0, 0], "a": [1.0, 2.0, 3.0, 4.0, None]})
    result = run(pool.predict, frame, "y", ["a"], "g", over="m", vary=BOTH, rows=rows)
    assert_frame_equal(result.drop("fitted", "population"), rows)
    assert result["fitted"].is_null().to_list() == [False, False, False, True, True]
    assert result["population"].is_null().to_list() == [False, False, False, True, True]
    for i, m in enumerate([2, 0, 1]):
        alone = frame.filter(m=m)
        fitted, population = given_by(lines(alone, vary=BOTH), lines_model(alone, vary=BOTH), rows[i : i + 1])
        near(result["fitted"][i : i + 1], fitted, 1e-9)
        near(result["population"][i : i + 1], population, 1e-9)


@every_path
@pytest.mark.parametrize("options", [{}, {"over": "m"}], ids=str)
def test_no_rows_predict_null(run, options):
    """For a frame without rows or numbers, the result has every requested row, with null predictions."""
    frame = drawn(1).with_columns(m=0)
    rows = ASKED.with_columns(m=pl.lit(0, pl.Int32))
    for empty in (frame.clear(), frame.with_columns(y=pl.lit(None, pl.Float64))):
        result = run(pool.predict, empty, "y", ["a"], "g", rows=rows, **options)
        assert_frame_equal(result.drop("fitted", "population"), rows)
        assert result["fitted"].is_null().all()
        assert result["population"].is_null().all()


@every_path
def test_expressions_as_columns(run):
    frame = drawn(1)
    x, by = [pl.col("a").abs().sqrt().alias("root"), pl.col("b") ** 2], [(pl.col("g") // 2).alias("half")]
    plain = frame.with_columns(
        root=pl.col("a").abs().sqrt(), b=pl.col("b") ** 2, half=pl.col("g") // 2, y=2 * pl.col("y")
    )
    vary = ["intercept", "root"]
    want = pool.predict(plain, "y", ["root", "b"], "half", vary=vary)
    result = run(pool.predict, frame, 2 * pl.col("y"), x, by, vary=vary)
    assert_frame_equal(result.drop("fitted", "population"), frame)
    near(result["fitted"], want["fitted"], 1e-10)
    rows = frame.select("b", "a", "g").head(7)
    other = run(pool.predict, frame, 2 * pl.col("y"), x, by, vary=vary, rows=rows)
    assert_frame_equal(other.drop("fitted", "population"), rows)
    near(other["fitted"], want["fitted"].head(7), 1e-10)
    groups = run(pool.regress, frame, 2 * pl.col("y"), x, by, vary=vary).sort("half", maintain_order=True)
    assert_frame_equal(groups, pool.regress(plain, "y", ["root", "b"], "half", vary=vary), rel_tol=1e-9)


@every_path
@pytest.mark.parametrize("name", ["^a$", "^.*$", "*"])
def test_odd_names_in_rows_of_another_order(run, name):
    """Columns are matched by name, not by position."""
    frame = drawn(1).rename({"a": name, "g": "^g"})
    rows = pl.DataFrame([frame[column] for column in ("y", "^g", name)])
    result = run(pool.predict, frame, "y", [name], "^g", vary=["intercept", name], rows=rows)
    want = pool.predict(drawn(1), "y", ["a"], "g", vary=BOTH)
    near(result["fitted"], want["fitted"], 1e-12)


# ---- messages --------------------------------------------------------------------------------------------------------

WRONG_ARGUMENTS = {
    "vary misspelt": ({"vary": ["intercept", "aa"]}, ("vary", "aa"), ("intercept", "a", "b"), "a"),
    "vary misspelt intercept": ({"vary": "intercpt"}, ("vary", "intercpt"), ("intercept", "a", "b"), "intercept"),
    "vary no term of this model": ({"vary": "w"}, ("vary", "w"), ("intercept", "a", "b"), None),
    "vary twice": ({"vary": ["a", "a"]}, ("vary", "a"), (), None),
    "vary nothing": ({"vary": []}, ("vary",), ("intercept", "a", "b"), None),
    "vary a number": ({"vary": 1}, ("vary", "1"), ("intercept", "a", "b"), None),
    "vary without an intercept": ({"intercept": False}, ("vary", "intercept"), ("a", "b"), None),
    "x twice": ({"x": ["a", "a"]}, ("x", "a"), (), None),
    "x the value": ({"x": ["a", "y"]}, ("x", "y", "value"), (), None),
    "x missing": ({"x": ["w", "aa"]}, ("x", "aa"), (), None),
    "x a number": ({"x": 3}, ("x", "3"), (), None),
    "x constant text": ({"x": ["a", "text"]}, ("x", "text", "'t'"), (), None),
    "x dates": ({"x": ["day"]}, ("x", "day", "Date"), (), None),
    "no term": ({"x": [], "intercept": False}, ("intercept", "x"), (), None),
    "value text": ({"value": "text"}, ("value", "text", "String"), (), None),
    "weights text": ({"weights": "text"}, ("weights", "text", "String"), (), None),
    "method": ({"method": "remll"}, ("method", "remll"), ("reml", "ml"), "reml"),
    "method of shrink": ({"method": "dl"}, ("method", "dl"), ("reml", "ml"), None),
    "nan": ({"nan": "nul"}, ("nan", "nul"), ("error", "null"), "null"),
    "correlated": ({"correlated": 1}, ("correlated", "1"), (), None),
    "intercept": ({"intercept": "no"}, ("intercept", "no"), (), None),
    "by twice": ({"by": ["g", "g"]}, ("g",), (), None),
    "by and over": ({"over": "g"}, ("g",), (), None),
}
MESSAGES = drawn(1).with_columns(text=pl.lit("t"), day=pl.lit("2020-01-01").str.to_date())


@pytest.mark.parametrize("lazily", [False, True], ids=["eager", "lazy"])
@every_verb
@pytest.mark.parametrize("kind", WRONG_ARGUMENTS)
def test_wrong_arguments(kind, verb, lazily):
    options, given_, allowed, nearest = WRONG_ARGUMENTS[kind]
    arguments = {"value": "y", "x": ["a", "b"], "by": "g"} | options
    with pytest.raises((*WRONG, pl.exceptions.ColumnNotFoundError)) as error:
        verb(MESSAGES.lazy() if lazily else MESSAGES, **arguments)
    assert_sentence(error, *given_, allowed=allowed, nearest=nearest)


@every_verb
def test_a_covariate_must_not_be_named_intercept(verb):
    frame = drawn(1).rename({"a": "intercept"})
    with pytest.raises(ValueError, match="bears the name of the intercept") as error:
        verb(frame, "y", ["intercept"], "g")
    assert_sentence(error, "x", "intercept")
    verb(frame, "y", ["intercept"], "g", intercept=False)


@pytest.mark.parametrize("verb", [pool.regress, pool.regress_components])
@pytest.mark.parametrize("level", [0, 1, 95, "0.95", True, math.nan], ids=repr)
def test_a_level_is_a_probability(verb, level):
    with pytest.raises(WRONG) as error:
        verb(drawn(1), "y", ["a"], "g", level=level)
    assert_sentence(error, "level")
    assert repr(level) in str(error.value)


def test_uncertainty_has_two_values():
    with pytest.raises(ValueError, match="conditionel") as error:
        pool.regress(drawn(1), "y", ["a"], "g", uncertainty="conditionel")
    assert_sentence(error, "uncertainty", allowed=("mu", "conditional"), nearest="conditional")


@pytest.mark.parametrize("verb", [pool.regress, pool.regress_components])
@pytest.mark.parametrize("role", ["by", "over"])
def test_a_key_must_not_have_the_name_of_a_result(verb, role):
    name = "estimate" if verb is pool.regress else "sigma2"
    frame = drawn(1).with_columns(pl.lit(1).alias(name))
    arguments = {"by": "g"} | {role: name}
    if verb is pool.regress_components and role == "by":
        verb(frame.with_columns(pl.col("g").alias(name)), "y", ["a"], **arguments)  # the result has no such key
        return
    with pytest.raises(ValueError, match="result column") as error:
        verb(frame, "y", ["a"], **arguments)
    assert_sentence(error, name)


@pytest.mark.parametrize(
    ("rows", "kind", "names"),
    [
        (ASKED.drop("a"), MISSING_COLUMN, ("rows", "a")),
        (ASKED.drop("g"), MISSING_COLUMN, ("rows", "g")),
        (ASKED.with_columns(fitted=1.0), ValueError, ("rows", "fitted")),
        (ASKED.with_columns(population=1.0), ValueError, ("rows", "population")),
        (ASKED.with_columns(pl.col("g").cast(pl.String)), TypeError, ("rows", "g", "String", "Int64")),
        (ASKED.with_columns(pl.col("a").cast(pl.String)), TypeError, ("rows", "a", "String")),
        (ASKED.with_columns(_pool_x=1), ValueError, ("rows", "_pool_x")),
        ([1, 2], TypeError, ("rows", "list", "DataFrame")),
    ],
    ids=["no covariate", "no key", "fitted", "population", "key type", "covariate type", "private", "no frame"],
)
@pytest.mark.parametrize("lazily", [False, True], ids=["eager", "lazy"])
def test_rows_that_cannot_be_predicted(rows, kind, names, lazily):
    frame = drawn(1).lazy() if lazily else drawn(1)
    with pytest.raises(kind) as error:
        pool.predict(frame, "y", ["a"], "g", rows=rows)
    assert_sentence(error, *names)


# ---- plans -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """A Parquet file of several row groups, as a scan."""
    i = pl.int_range(6000)
    frame = pl.select(
        year=2020 + i % 3,
        g=(i * 7) % 61,
        a=((i * 13) % 29) / 4,
        w=1.0 + i % 4,
        y=((i * i) % 97) / 8 + (i * 7) % 61 / 4,
        unused=i,
    )
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    frame.write_parquet(path, row_group_size=500)
    return pl.scan_parquet(path)


def queries(lf: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """Every verb, in all forms with different plans."""
    forms = {
        "plain": {},
        "slopes": {"vary": BOTH},
        "over": {"over": "year"},
        "weights": {"weights": "w"},
        "weights over": {"weights": "w", "over": "year"},
        "nan": {"nan": "null", "intercept": False, "vary": "a"},
    }
    result = {
        f"{verb.__name__} {form}": verb(lf, "y", ["a"], "g", **options)
        for verb in VERBS
        for form, options in forms.items()
    }
    return result | {"predict rows": pool.predict(lf, "y", ["a"], "g", rows=ASKED)}


def test_one_scan_and_streaming_groups(scanned):
    for name, query in queries(scanned).items():
        assert query.explain().count("Parquet SCAN") == 1, name
        assert_one_scan(query)


def test_only_columns_that_are_needed_are_read(scanned):
    text = pool.regress(scanned, "y", ["a"], "g", vary=BOTH).explain()
    assert re.search(r"PROJECT 3/6 COLUMNS", text), text


def test_building_collects_nothing(scanned, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a verb ran a query while it was being built")

    for name in ("collect", "collect_async", "collect_batches", "sink_parquet", "sink_csv", "sink_ipc", "sink_batches"):
        if hasattr(pl.LazyFrame, name):
            monkeypatch.setattr(pl.LazyFrame, name, refuse)
    monkeypatch.setattr(pl, "collect_all", refuse)
    built = queries(scanned)
    built["method"] = scanned.pool.regress("y", ["a"], "g")
    monkeypatch.undo()
    for name, query in built.items():
        assert isinstance(query, pl.LazyFrame), name
        result = query.collect()
        assert result.height > 0, name
        assert query.collect_schema() == result.schema, name


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("options", [{}, {"over": "year"}, {"weights": "w"}], ids=str)
def test_a_lazy_prediction_keeps_rows_and_columns_in_order(scanned, engine, options):
    result = pool.predict(scanned, "y", ["a"], "g", **options).collect(engine=engine)
    rows = scanned.collect()
    assert result.columns == [*rows.columns, "fitted", "population"]
    assert_frame_equal(result.select(rows.columns), rows)
    eager = pool.predict(rows, "y", ["a"], "g", **options)
    assert_frame_equal(result, eager, rel_tol=1e-9)


def test_a_step_after_the_verb_changes_nothing(scanned):
    """No filter, projection or slice is pushed below the fit."""
    groups = pool.regress(scanned, "y", ["a"], "g", vary=BOTH)
    complete = groups.sort("g", maintain_order=True).collect()
    for predicate in (pl.col("g") == 1, pl.col("estimate") > 10, pl.col("term") == "a"):
        got = groups.filter(predicate).sort("g", maintain_order=True).collect()
        assert_frame_equal(got, complete.filter(predicate), rel_tol=1e-9)
    got = groups.sort("g", maintain_order=True).select("estimate").head(5).collect()
    assert_frame_equal(got, complete.select("estimate").head(5), rel_tol=1e-9)
    rows = pool.predict(scanned, "y", ["a"], "g", vary=BOTH)
    all_rows = rows.collect()
    for predicate in (pl.col("g") == 1, pl.col("fitted") > 10, pl.col("year") == 2021):
        assert_frame_equal(rows.filter(predicate).collect(), all_rows.filter(predicate), rel_tol=1e-9)
    assert_frame_equal(rows.head(5).collect(), all_rows.head(5), rel_tol=1e-9)
    assert_frame_equal(rows.select("fitted").tail(5).collect(), all_rows.select("fitted").tail(5), rel_tol=1e-9)


def test_methods_are_the_functions():
    frame = drawn(1)
    for verb in VERBS:
        want = verb(frame, "y", ["a"], "g", vary=BOTH)
        assert_frame_equal(getattr(frame.pool, verb.__name__)("y", ["a"], "g", vary=BOTH), want, rel_tol=1e-9)
        lazy = getattr(frame.lazy().pool, verb.__name__)("y", ["a"], "g", vary=BOTH)
        assert isinstance(lazy, pl.LazyFrame)
        result = lazy.collect()
        result = result.sort("g", maintain_order=True) if verb is pool.regress else result
        assert_frame_equal(result, want, rel_tol=1e-9)
