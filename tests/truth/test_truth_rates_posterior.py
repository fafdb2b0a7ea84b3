"""The posterior of rates and counts against sums over fine grids in other coordinates, and the book's rat tumours."""

import json
from pathlib import Path

import polars as pl
import pytest

import polars_pool as pool

VECTORS = Path(__file__).parents[1] / "vectors"
CASES = json.loads((VECTORS / "rates_posterior.json").read_text(encoding="utf-8"))
TOLERANCE = 1e-8
each_case = pytest.mark.parametrize("name", CASES)


def prior_of(case):
    if case["prior"] != "hyper":
        return case["prior"]
    known = pool.Beta if case["family"] == "binomial" else pool.Gamma
    return pool.Hyper(mean=known(*case["mean"]), rho=pool.Beta(*case["rho"]) if "rho" in case else None)


def arguments_of(case):
    return {
        "value": "x",
        "by": "g",
        "trials" if case["family"] == "binomial" else "exposure": "n",
        "prior": prior_of(case),
    }


def frame_of(case):
    return pl.DataFrame({"g": range(len(case["x"])), "x": case["x"], "n": case["n"]})


@each_case
def test_parameters_of_the_prior(name):
    case = CASES[name]
    result = pool.components(frame_of(case), **arguments_of(case)).row(0, named=True)
    assert result["converged"]
    numbers = {key: value for key, value in case["model"].items() if not isinstance(value, dict)}
    if result["log_marginal"] is None:
        assert case["prior"] == "uniform_spread" or (case["family"] == "poisson" and "mean" not in case)
        del numbers["log_marginal"]
    assert {key: result[key] for key in numbers} == pytest.approx(numbers, rel=TOLERANCE, abs=TOLERANCE)
    if "new" in case["model"]:
        new = case["model"]["new"]
        names = {"new": "estimate", "se_new": "se", "new_median": "median", "new_lower": "lower", "new_upper": "upper"}
        expected = {key: new[name] for key, name in names.items()}
        assert {key: result[key] for key in names} == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)


@each_case
def test_groups(name):
    case = CASES[name]
    for group in case["results"]:
        result = pool.shrink(frame_of(case), **arguments_of(case), threshold=group["threshold"])
        row = result.filter(mean=group["x"] / group["n"], n=group["n"]).row(0, named=True)
        expected = {key: group[key] for key in ("estimate", "se", "lower", "upper", "pep")}
        assert {key: row[key] for key in expected} == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)
        assert row["p_above"] == pytest.approx(1 - group["pep"], abs=TOLERANCE)


def test_the_rat_tumours_of_the_book():
    """Gelman et al. (2013), section 5.3: alpha and beta are about 2.4 and 14.3, and the rate of group 71 about .21."""
    rats = pl.read_csv(VECTORS / "data" / "rat_tumors.csv")
    arguments = {"value": "y", "by": "group", "trials": "K", "prior": pool.UniformSpread()}
    model = pool.components(rats, **arguments).row(0, named=True)
    size = 1 / model["rho_median"] - 1
    assert model["mean"] * size == pytest.approx(2.4, abs=0.3)
    assert (1 - model["mean"]) * size == pytest.approx(14.3, abs=1.5)
    assert pool.shrink(rats, **arguments)["estimate"][70] == pytest.approx(0.21, abs=0.005)
