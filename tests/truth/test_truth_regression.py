"""Regression whose terms vary by group against lme4 and nlme, eager, lazy in memory and streaming."""

import math
import re
from functools import cache

import grid
import numpy as np
import polars as pl
import pytest
from mixed import Mixed

import polars_pool as pool

FLOORS = {"value": "log_radon", "by": "county", "data": "data/radon.csv"}
DAYS = {"value": "Reaction", "by": "Subject", "data": "data/sleepstudy.csv"}
YIELDS = {"value": "yield", "by": "Block", "data": "data/Oats.csv"}
SCORES = {"value": "score", "by": "Worker", "data": "data/Machines.csv"}
MARKS = {"value": "normexam", "by": "school", "data": "data/Exam.csv"}
BOTH = ["intercept", "floor"]
FACTORS = ("Variety", "Machine", "sex", "type")
VECTORS = {
    "radon_floor_ri": (FLOORS, {"x": ["floor"]}),
    "radon_floor_rs": (FLOORS, {"x": ["floor"], "vary": BOTH}),
    "radon_floor_uranium_ri": (FLOORS, {"x": ["floor", "log_uranium"]}),
    "sleepstudy_ri": (DAYS, {"x": ["Days"]}),
    "sleepstudy_rs": (DAYS, {"x": ["Days"], "vary": ["intercept", "Days"]}),
    "sleepstudy_rs_uncorr": (DAYS, {"x": ["Days"], "vary": ["intercept", "Days"], "correlated": False}),
    "Oats_variety_ri": (YIELDS, {"x": ["nitro", "Variety"]}),
    "Oats_victory_ri": (YIELDS, {"x": ["nitro", pool.factor("Variety", reference="Victory")]}),
    "Oats_interaction_ri": (YIELDS, {"x": ["nitro", "Variety", pool.interaction("nitro", "Variety")]}),
    "Machines_rs": (SCORES, {"x": "Machine", "vary": ["intercept", "Machine"]}),
    "Exam_sex_type_ri": (MARKS, {"x": ["standLRT", "sex", "type", pool.interaction("sex", "type")]}),
}
METHODS = {"REML": "reml", "ML": "ml"}
TOLERANCE = grid.ITERATED
pytestmark = pytest.mark.every_way


def lazily(engine):
    return lambda verb, frame, *args, **options: verb(frame.lazy(), *args, **options).collect(engine=engine)


PATHS = {
    "eager": lambda verb, frame, *args, **options: verb(frame, *args, **options),
    "in-memory": lazily("in-memory"),
    "streaming": lazily("streaming"),
}


def term(name: str) -> str:
    """The name of a term: R writes the level of a factor directly behind its name."""
    of_levels = re.sub(rf"\b({'|'.join(FACTORS)})([^:]+)", r"\1[\2]", name)
    return "intercept" if name == "(Intercept)" else of_levels


def matrix(result: dict) -> list[list[float]]:
    return [list(row.values()) for row in result.values()]


@cache
def result(name: str, method: str) -> dict:
    """The results of lme4, with the covariance of all varying terms in one matrix."""
    actual = grid.vector(f"lmm_{name}")[method]
    parts = list(actual["varcomp"].values())
    names = [term(name) for part in parts for name in part["names"]]
    covariance, at = np.zeros((len(names), len(names))), 0
    for part in parts:
        end = at + len(part["names"])
        covariance[at:end, at:end] = part["cov"]
        at = end
    return actual | {"names": names, "covariance": covariance}


@cache
def ask(path: str, verb, name: str, method: str, **options) -> pl.DataFrame:
    data, model = VECTORS[name]
    frame = grid.read(data["data"], data["by"])
    return PATHS[path](verb, frame, data["value"], by=data["by"], method=METHODS[method], **model, **options)


def near(got, want, tolerance: float = TOLERANCE) -> None:
    """Assert closeness relative to the largest number of the list."""
    got, want = np.array(got, dtype=float), np.array(want, dtype=float)
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= tolerance * np.abs(want).max()


# ---- each quantity of the grid: our result, and that of lme4 ---------------------------------------------------------


def of_model(path, name, method) -> dict:
    return ask(path, pool.regress_components, name, method).row(0, named=True)


def of_term(path, name, method, column, varying, **options) -> list[list[float]]:
    """A column for the varying terms, with groups in the order of lme4."""
    [ranef] = result(name, method)["ranef"].values()
    actual = ask(path, pool.regress, name, method, **options)
    order = pl.DataFrame({VECTORS[name][0]["by"]: ranef["group"]})
    of_terms = [order.join(actual.filter(term=t), on=order.columns, how="left", maintain_order="left") for t in varying]
    return [part[column].to_list() for part in of_terms]


def check_sigma2(path, name, method):
    near(of_model(path, name, method)["sigma2"], result(name, method)["sigma2"])


def check_tau2(path, name, method):
    want = result(name, method)
    actual = of_model(path, name, method)["tau2"]
    assert list(actual) == want["names"]
    for got, expected in zip(actual.values(), np.diag(want["covariance"]), strict=True):
        near(got, expected)


def check_correlation(path, name, method):
    want = result(name, method)
    sd = np.sqrt(np.diag(want["covariance"]))
    near(matrix(of_model(path, name, method)["correlation"]), want["covariance"] / np.outer(sd, sd))


def check_mu(path, name, method):
    actual, want = of_model(path, name, method)["mu"], result(name, method)["fixef"]
    assert list(actual) == [term(name) for name in want]
    for got, expected in zip(actual.values(), want.values(), strict=True):
        near(got, expected)


def check_cov_mu(path, name, method):
    actual, want = of_model(path, name, method), np.array(result(name, method)["vcov_fixef"])
    near(matrix(actual["cov_mu"]), want)
    near(np.square(list(actual["se_mu"].values())), np.diag(want))


def check_log_likelihood(path, name, method):
    actual, want = of_model(path, name, method), result(name, method)
    near(actual["log_likelihood"], want["logLik"])
    near(actual["aic"], 2 * want["df"] - 2 * want["logLik"])
    assert (actual["n"], actual["dropped"], actual["singular"], actual["converged"]) == (want["n_obs"], 0, None, True)


def check_effect(path, name, method):
    want = result(name, method)
    [ranef] = want["ranef"].values()
    actual = of_term(path, name, method, "effect", want["names"])
    for got, key in zip(actual, [key for key in ranef if key.startswith("u_")], strict=True):
        near(got, ranef[key])


def check_conditional(path, name, method):
    want = result(name, method)
    [ranef] = want["ranef"].values()
    size = len(want["names"])
    variances = np.array(ranef["condVar"], dtype=float).reshape(-1, size, size)
    actual = of_term(path, name, method, "se", want["names"], uncertainty="conditional")
    for k, got in enumerate(actual):
        near(np.square(got), variances[:, k, k])


def check_nlme(path, name, method):
    """The optimum by other software: variances, coefficients and likelihood."""
    want, actual = result(name, method)["agreement"], of_model(path, name, method)
    variances = [*actual["tau2"].values(), actual["sigma2"]]
    for got, expected in zip(variances, want["nlme_varcomp_full_precision"], strict=True):
        near(got, expected)
    for got, expected in zip(actual["mu"].values(), want["nlme_fixef"], strict=True):
        near(got, expected)
    near(actual["log_likelihood"], want["nlme_logLik"])


QUANTITIES = {name.removeprefix("check_"): check for name, check in globals().items() if name.startswith("check_")}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", VECTORS)
def test_vector(name, method, quantity, path):
    QUANTITIES[quantity](path, name, method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", VECTORS)
def test_estimates_are_coefficients_and_effects(name, method):
    want = result(name, method)
    for t in want["names"]:
        [estimates], [effects] = (of_term("eager", name, method, column, [t]) for column in ("estimate", "effect"))
        mu = next(value for key, value in want["fixef"].items() if term(key) == t)
        near(np.subtract(estimates, effects), np.full(len(effects), mu))


# ---- the grid, and dense matrices ------------------------------------------------------------------------------------


def test_the_size_of_the_grid():
    """Files x methods x quantities x paths: 11 x 2 x 9 x 3."""
    files = {path.stem.removeprefix("lmm_") for path in grid.VECTORS.glob("lmm_*.json")}
    assert files == set(VECTORS)
    assert set(QUANTITIES) == {
        *("sigma2", "tau2", "correlation", "mu", "cov_mu", "log_likelihood", "effect", "conditional", "nlme")
    }
    asked = {mark.args[0]: list(mark.args[1]) for mark in test_vector.pytestmark}
    assert asked == {
        "name": list(VECTORS),
        "method": ["REML", "ML"],
        "quantity": list(QUANTITIES),
        "path": ["eager", "in-memory", "streaming"],
    }
    assert math.prod(len(values) for values in asked.values()) == 594
    for name in VECTORS:
        assert {"REML", "ML"} <= set(grid.vector(f"lmm_{name}"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [name for name in VECTORS if name.startswith("sleepstudy")])
def test_dense_matrices_agree_with_lme4(name, method):
    """Dense matrices, which test_regression.py uses if no reference file exists."""
    want = result(name, method)
    frame = grid.read(DAYS["data"], DAYS["by"])
    x = np.column_stack([np.ones(frame.height), frame["Days"].cast(pl.Float64).to_numpy()])
    varying = x[:, : len(want["names"])]
    options = {"correlated": "uncorr" not in name, "restricted": method == "REML"}
    truth = Mixed(frame["Reaction"].to_numpy(), x, varying, frame["Subject"].to_list(), **options)
    [ranef] = want["ranef"].values()
    assert truth.keys == ranef["group"]
    near(truth.sigma2, want["sigma2"], 1e-9)
    near(truth.psi, want["covariance"], 1e-9)
    near(truth.mu, list(want["fixef"].values()), 1e-9)
    near(truth.cov_mu, want["vcov_fixef"], 1e-9)
    near(truth.log_likelihood, want["logLik"], 1e-12)
    near(truth.effects.T, [ranef[key] for key in ranef if key.startswith("u_")], 1e-9)
    size = len(want["names"])
    variances = np.array(ranef["condVar"], dtype=float).reshape(-1, size, size)
    for k in range(size):
        near(truth.conditional[:, k, k], variances[:, k, k], 1e-9)
