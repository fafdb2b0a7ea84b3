"""Beta-binomial and gamma-Poisson models against VGAM and MASS, eager, lazy in memory and streaming."""

import math
from dataclasses import dataclass
from functools import cache

import grid
import numpy as np
import polars as pl
import pytest
from test_truth_regression import PATHS

import polars_pool as pool

FITTED, DERIVED = 1e-7, 1e-8  # parameters and quantities of parameters; spread and quantiles of posteriors
ROUNDED = 1e-9  # log likelihoods, which are flat at the maximum, and means, which the data determine best
pytestmark = pytest.mark.every_way


@dataclass(frozen=True)
class Case:
    """A reference file, its file of rows, and the columns; the key is all of `by`, joined by a bar."""

    data: str
    value: str
    by: tuple[str, ...]
    size: str
    family: str = "binomial"

    @property
    def role(self) -> str:
        return "trials" if self.family == "binomial" else "exposure"

    @property
    def parameters(self) -> tuple[str, str]:
        return ("alpha", "beta") if self.family == "binomial" else ("shape", "rate")

    @property
    def frame(self) -> pl.DataFrame:
        """The rows in an order that separates rows of the same group."""
        rows = pl.read_csv(grid.VECTORS / self.data, infer_schema_length=None)
        return rows.with_columns(key=pl.concat_str(self.by, separator="|")).sample(fraction=1, shuffle=True, seed=1)


CASES = {
    "betabinomial_bball1970": Case("data/bball1970.csv", "Hits", ("Player",), "AB"),
    "betabinomial_cbpp_by_herd": Case("data/cbpp.csv", "incidence", ("herd",), "size"),
    "betabinomial_rat_tumors": Case("data/rat_tumors.csv", "y", ("group",), "K"),
    "gammapoisson_pumps": Case("data/pumps.csv", "failures", ("pump",), "thousand_hours", "poisson"),
    "gammapoisson_insurance_cells": Case(
        "data/insurance.csv", "Claims", ("District", "Group", "Age"), "Holders", "poisson"
    ),
    "gammapoisson_insurance_district_group": Case(
        "data/insurance.csv", "Claims", ("District", "Group"), "Holders", "poisson"
    ),
}


@cache
def ask(path: str, verb, name: str, **options) -> pl.DataFrame:
    case = CASES[name]
    return PATHS[path](verb, case.frame, case.value, by="key", **{case.role: case.size}, **options)


def of_model(path: str, name: str) -> dict:
    return ask(path, pool.components, name).row(0, named=True)


def of_groups(path: str, name: str, column: str, **options) -> np.ndarray:
    """A column of the estimates, with groups in the order of the reference file."""
    order = pl.DataFrame({"key": grid.vector(name)["groups"]["group"]})
    result = ask(path, pool.shrink, name, uncertainty="conditional", **options)
    assert result.height == order.height
    return order.join(result, on="key", how="left", maintain_order="left")[column].to_numpy()


def near(got, want, tolerance: float) -> None:
    """Assert relative closeness of each number."""
    got, want = np.array(got, dtype=float), np.array(want, dtype=float)
    assert got.shape == want.shape
    assert np.isfinite(got).all()
    assert (np.abs(got - want) <= tolerance * np.abs(want)).all(), np.max(np.abs(got / want - 1))


# ---- each quantity of the grid ---------------------------------------------------------------------------------------


def check_parameters(path, name):
    result, want = of_model(path, name), grid.vector(name)
    for parameter in (*CASES[name].parameters, "mean"):
        near(result[parameter], want[parameter], FITTED)
    rho = want["rho"] if "rho" in want else 1 / want["shape"]
    near(result["rho"], rho, FITTED)


def check_errors(path, name):
    result, want = of_model(path, name), grid.vector(name)
    for parameter in CASES[name].parameters:
        near(result[f"se_log_{parameter}"], want[f"se_log_{parameter}"], FITTED)


def check_log_likelihood(path, name):
    result, want = of_model(path, name), grid.vector(name)
    near(result["log_likelihood"], want["logLik"], ROUNDED)
    sizes = want["groups"]["n" if CASES[name].family == "binomial" else "exposure"]
    assert (result["groups"], result["converged"]) == (want["n_groups"], True)
    near(result["n"], math.fsum(sizes), 1e-15)


def check_counts(path, name):
    """The raw rate, from rows that are summed by key."""
    groups = grid.vector(name)["groups"]
    binomial = CASES[name].family == "binomial"
    near(of_groups(path, name, "n"), groups["n" if binomial else "exposure"], 1e-15)
    near(of_groups(path, name, "mean"), groups["raw" if binomial else "raw_rate"], 1e-15)


def check_estimate(path, name):
    near(of_groups(path, name, "estimate"), grid.vector(name)["groups"]["post_mean"], ROUNDED)


def check_se(path, name):
    near(of_groups(path, name, "se"), grid.vector(name)["groups"]["post_sd"], DERIVED)


def check_quantiles(path, name):
    groups = grid.vector(name)["groups"]
    near(of_groups(path, name, "lower"), groups["q025"], DERIVED)
    near(of_groups(path, name, "upper"), groups["q975"], DERIVED)


def check_median(path, name):
    """The quantile, as both ends of an interval with almost no probability."""
    median = grid.vector(name)["groups"]["q50"]
    for end in ("lower", "upper"):
        near(of_groups(path, name, end, level=1e-10), median, DERIVED)


def check_posterior(path, name):
    groups = grid.vector(name)["groups"]
    for parameter in CASES[name].parameters:
        near(of_groups(path, name, parameter, posterior=True), groups[f"post_{parameter}"], FITTED)


def check_other_software(path, name):
    """The optimum by VGAM, which stops slightly short of it, and by glm.nb."""
    result, want = of_model(path, name), grid.vector(name)
    if CASES[name].family == "poisson":
        for parameter in CASES[name].parameters:
            near(result[parameter], want["glm_nb"][parameter], FITTED)
        near(math.log(result["mean"]), want["glm_nb"]["intercept"], FITTED)
        near(result["log_likelihood"], want["glm_nb"]["logLik"], ROUNDED)
    else:
        for fit, off in (("vglm_betabinomial", "rel_diff_vglm"), ("vglm_betabinomialff", "rel_diff_vglmff")):
            for parameter in CASES[name].parameters:
                near(result[parameter], want[fit][parameter], FITTED + 2 * want[off])
            near(result["log_likelihood"], want[fit]["logLik"], ROUNDED)


QUANTITIES = {name.removeprefix("check_"): check for name, check in globals().items() if name.startswith("check_")}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("name", CASES)
def test_vector(name, quantity, path):
    QUANTITIES[quantity](path, name)


def test_the_size_of_the_grid():
    """Files x quantities x paths: 6 x 10 x 3."""
    assert {path.stem for law in ("betabinomial", "gammapoisson") for path in grid.VECTORS.glob(f"{law}_*.json")} == {
        *CASES
    }
    asked = {mark.args[0]: list(mark.args[1]) for mark in test_vector.pytestmark}
    assert asked == {"name": list(CASES), "quantity": list(QUANTITIES), "path": ["eager", "in-memory", "streaming"]}
    assert math.prod(len(values) for values in asked.values()) == 180


def test_some_rows_share_their_key():
    """Otherwise the sums would not be tested."""
    repeated = [name for name, case in CASES.items() if case.frame["key"].n_unique() < case.frame.height]
    assert repeated == ["betabinomial_cbpp_by_herd", "gammapoisson_insurance_district_group"]
