"""Compressed groups give the results of all groups, in SQL; tests move the threshold of the macros.

A query of the macros is slow to plan: the data sets of an example are the models of one query.
"""

import math

import duckdb
import numpy as np
import polars as pl
import pytest
import ways
from hypothesis import given, settings
from hypothesis import strategies as st

import polars_pool as pool

INPUTS = {
    "published": "se := se",
    "separate": "n := n, var := var, sigma2 := 'separate'",
    "squeezed": "n := n, var := var, sigma2 := 'squeezed'",
    "weights": "n := n, var := var, weights := w",
}
TAU2 = ["reml", "ml", "pm", "dl", "he", "sj", "chung", "sure"]
NEVER, SOON = 10**9, 64


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        pool.install_macros(connection, temporary=True)
        yield connection


def components(connection, frame: pl.DataFrame, threshold: int, arguments: str) -> pl.DataFrame:
    """The components of every model, compressed from so many groups on."""
    connection.execute(f"CREATE OR REPLACE TEMP MACRO _pool_groups_compressed() AS {threshold}")
    connection.register("frame", frame)
    return connection.sql(f"FROM pool_components('frame', y, g, over := model, {arguments})").pl().sort("model")


def model(rng, digits: float, kind: str) -> dict[str, np.ndarray]:
    """One data set: variances over so many powers of ten, in one of the shapes that a search finds difficult."""
    groups = int(rng.integers(100, 1500))
    v = 10 ** (digits * (rng.random(groups) - 0.5))
    if kind == "ties":
        v = rng.choice(v[:5], groups)
    elif kind == "one precise":
        v[1:] = v.max() * 2 ** (0.2 * rng.random(groups - 1))
    elif kind == "exact":
        v[: groups // 10] = 0.0
    y = rng.normal(0, 1, groups) * np.sqrt(v + (0 if kind == "alike" else np.median(v)))
    if kind == "clusters":
        y += 10 * np.sqrt(v.max()) * (v < np.median(v))
    n = rng.integers(2, 30, groups)
    return {"y": y + 3, "se": np.sqrt(v), "n": n, "var": v * n, "w": np.clip(1 / np.maximum(v, 1e-15), 1e-12, 1e12)}


KINDS = ["spread", "ties", "one precise", "exact", "alike", "clusters"]


def data_sets(seed: int, digits: list[float]) -> pl.DataFrame:
    """A data set of each kind in one frame."""
    rng = np.random.default_rng(seed)
    frames = [
        pl.DataFrame(model(rng, d, kind)).with_columns(model=pl.lit(kind))
        for d, kind in zip(digits, KINDS, strict=True)
    ]
    return pl.concat(frames).with_row_index("g")


DIGITS = st.lists(st.floats(0, 24), min_size=len(KINDS), max_size=len(KINDS))


@settings(max_examples=8 if ways.full else 3)
@given(st.builds(data_sets, st.integers(0, 2**32), DIGITS), st.sampled_from(sorted(INPUTS)), st.sampled_from(TAU2))
def test_compressed_groups_give_the_components_of_all_groups(connection, frame, kind, tau2):
    assert_same_components(connection, frame, kind, tau2)


@pytest.mark.share(2)
@pytest.mark.parametrize("kind", INPUTS)
def test_each_input_is_compressed(connection, kind):
    assert_same_components(connection, data_sets(1, [0.0, 2.0, 4.0, 0.0, 6.0, 3.0]), kind, "reml")


def assert_same_components(connection, frame, kind, tau2) -> None:
    arguments = f"{INPUTS[kind]}, tau2 := '{tau2}'"
    small, whole = (components(connection, frame, threshold, arguments) for threshold in (SOON, NEVER))
    for got, want in zip(small.to_dicts(), whole.to_dicts(), strict=True):
        size = abs(want["log_likelihood"] or 0.0)
        scales = {"tau2": want["se_tau2"], "mu": want["se_mu"], "lrt": size, "q": 1e3 * (want["q"] or 0.0)}
        for name in ("groups", "sigma2", "tau2", "mu", "se_mu", "q", "i2", "log_likelihood", "lrt", "converged"):
            a, b = got[name], want[name]
            assert a == b or abs(a - b) <= 1e-11 * (abs(b) + (scales.get(name) or 0.0)), (got["model"], name)


@pytest.mark.parametrize("tau2", [0.0, 1e-3, 1.0, 1e6])
def test_classes_have_the_sums_of_all_groups(connection, tau2):
    """A hundred times fewer classes, with the exactly rounded sums of f(v) y^q over all groups."""
    rng = np.random.default_rng(1)
    v = np.append(10 ** rng.uniform(-6, 6, 100_000), [1e-30, 1e30] + [0.5] * 100)
    y = rng.normal(5, np.sqrt(v))
    frame = pl.DataFrame({"v": v, "u": v, "y": y}).with_columns(
        model=1, n=1.0, w=1 / v, k=1.0, squares=0.0, spread=0.0, compressed=True
    )
    connection.register("frame", frame)
    classes = connection.sql("FROM _pool_compressed('frame')").pl()
    assert classes.height < frame.height / 10
    assert (classes["v"].min(), classes["v"].max()) == (v.min(), v.max())
    k, at, mean, spread = (classes[name].to_numpy() for name in ("k", "v", "y", "spread"))
    for f in (lambda v: 1 / (v + tau2), lambda v: 1 / (v + tau2) ** 2, lambda v: np.log(v + tau2)):
        for of_groups, of_classes in ((v**0, k), (y, k * mean), (y * y, k * (mean * mean + spread))):
            total, size = math.fsum(f(v) * of_groups), math.fsum(abs(f(v) * of_groups))
            assert abs(math.fsum(f(at) * of_classes) - total) <= 1e-12 * size
