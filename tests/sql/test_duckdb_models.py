"""A thousand models by `over` in one SQL query equal a thousand single models."""

import math

import numpy as np
import polars as pl
import pytest
from arrays import by_numpy
from frames import assert_near
from sqlpaths import SQL_PATHS
from test_models import MODELS, one_model

import polars_pool as pool

METHODS = ("reml", "ml", "pm", "dl")
GROUPS = 30
CHOSEN = slice(3, None, 9)  # models of every kind that are also fitted alone
ALONE = 2  # models of each method
engines = pytest.mark.parametrize("engine", SQL_PATHS)
every_method = pytest.mark.parametrize("tau2", METHODS)


def thirty_groups(rng: np.random.Generator, kind: int) -> tuple[list[int], list[float]]:
    """Group sizes from 1 to 9; large variance between, none between, hardly any within."""
    sizes = rng.integers(1, 10, GROUPS)
    between, within = [(2.0, 1.0), (0.0, 3.0), (5.0, 0.05)][kind]
    keys = np.repeat(np.arange(GROUPS), sizes)
    values = rng.normal(0, 20) + rng.normal(0, between, GROUPS)[keys] + rng.normal(0, within, len(keys))
    return keys.tolist(), values.tolist()


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Every fourth model has two maxima, as in test_models.py."""
    rng, parts = np.random.default_rng(20260301), []
    for model in range(MODELS):
        keys, values = one_model(rng, 3) if model % 4 == 3 else thirty_groups(rng, model % 4)
        parts.append(pl.DataFrame({"model": [model] * len(keys), "g": keys, "y": values}))
    return pl.concat(parts).sample(fraction=1, shuffle=True, seed=1)


@pytest.fixture(scope="module")
def parts(rows) -> dict[int, pl.DataFrame]:
    return {key[0]: part for key, part in rows.partition_by("model", as_dict=True).items()}


@pytest.fixture(scope="module")
def single_fits(parts) -> dict[str, dict[int, dict]]:
    """{method: {model: its components}}, a hundred single fits per method, in NumPy."""
    return {
        tau2: {
            model: by_numpy(pool.components, parts[model], "y", "g", tau2=tau2).row(0, named=True)
            for model in range(CHOSEN.start, MODELS, CHOSEN.step)
        }
        for tau2 in METHODS
    }


def assert_same_model(got: dict, want: dict, part: pl.DataFrame, what: object) -> None:
    scale = abs(want["mu"]) + part["y"].std()
    assert (got["converged"], want["converged"]) == (True, True)
    assert (got["groups"], got["n"]) == (want["groups"], want["n"])
    assert_near(got["mu"], want["mu"], 1e-9, scale, f"mu of {what}")
    assert_near(math.sqrt(got["tau2"]), math.sqrt(want["tau2"]), 1e-9, scale, f"tau of {what}")
    assert_near(got["sigma2"], want["sigma2"], 1e-9, scale**2, f"sigma2 of {what}")
    assert_near(got["se_mu"], want["se_mu"], 1e-9, scale, f"se_mu of {what}")


@engines
@every_method
def test_many_models_are_single_fits(engine, tau2, rows, parts, single_fits):
    together = SQL_PATHS[engine](pool.components, rows, "y", "g", over="model", tau2=tau2)
    assert sorted(together["model"]) == list(range(MODELS))
    result = {row["model"]: row for row in together.iter_rows(named=True)}
    for model, alone in single_fits[tau2].items():
        assert_same_model(result[model], alone, parts[model], model)
    if tau2 != "dl":
        assert 30 < (together["tau2"] == 0).sum() < MODELS - 30


@pytest.mark.share(2)
@engines
@every_method
def test_models_alone_in_sql(engine, tau2, parts, single_fits):
    """Eight single queries of each engine."""
    chosen = np.random.default_rng(len(tau2)).choice(list(single_fits[tau2]), ALONE, replace=False)
    for model in chosen.tolist():
        alone = SQL_PATHS[engine](pool.components, parts[model], "y", "g", tau2=tau2).row(0, named=True)
        assert_same_model(alone, single_fits[tau2][model], parts[model], model)


@pytest.mark.share(2)
@engines
@every_method
def test_estimates_of_many_models(engine, tau2, rows):
    keys = ["model", "g"]
    got = SQL_PATHS[engine](pool.shrink, rows, "y", "g", over="model", tau2=tau2).sort(keys)
    want = pool.shrink(rows, "y", "g", over="model", tau2=tau2).sort(keys)
    scale = rows.group_by("model").agg(scale=pl.col("y").abs().mean() + pl.col("y").std())
    assert got.select(keys, "n").equals(want.select(keys, "n"))
    scale = want.join(scale, on="model", how="left", maintain_order="left")["scale"]
    for name in ("mean", "estimate", "se", "lower", "upper"):
        assert ((got[name] - want[name]).abs() <= 1e-9 * scale).all(), name


def deviance(tau2: float, means: list[float], errors: list[float]) -> float:
    """-2 log likelihood up to a constant, from short sums."""
    v = [se * se + tau2 for se in errors]
    mu = math.fsum(y / x for y, x in zip(means, v, strict=True)) / math.fsum(1 / x for x in v)
    return math.fsum(math.log(x) + (y - mu) ** 2 / x for y, x in zip(means, v, strict=True))


@engines
def test_errors_eighteen_orders_apart_cost_no_digits(engine):
    """Squares about a centre far from the most precise group would lose the digits that determine the maximum."""
    means, errors = [0.0, 3.0, 1.0], [1e-9, 1.0, 1e9]
    studies = pl.DataFrame({"g": [1, 2, 3], "y": means, "se": errors})
    result = SQL_PATHS[engine](pool.components, studies, "y", "g", se="se", tau2="ml").row(0, named=True)
    assert result["converged"]
    for tau2 in (0.0, *np.geomspace(1e-20, 1e20, 401).tolist()):
        assert deviance(result["tau2"], means, errors) <= deviance(tau2, means, errors)
