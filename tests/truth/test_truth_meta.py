"""Published estimates against metafor: tau2, mu and the BLUPs of every study, by every method and path."""

import math

import numpy as np
import polars as pl
import pytest
import truth
from grid import META_CELLS, PUBLISHED_PATHS, SQL_PATHS, alone, asked_for, by_turns, fitted, pooled

import polars_pool as pool

cells_by_paths = pytest.mark.parametrize(("cell", "path"), by_turns(META_CELLS, PUBLISHED_PATHS), ids=str)


def scales(cell):
    rows = cell.truth()["rows"].values()
    means = [row["mean"] for row in rows]
    return max(map(abs, means)), max([(max(means) - min(means)) ** 2, *[row["v"] for row in rows]])


@cells_by_paths
def test_components(cell, path):
    assert_components(cell, fitted(path, cell))


@pytest.mark.share(2)
@pytest.mark.parametrize(("engine", "cell"), alone(META_CELLS), ids=str)
def test_components_of_a_model_alone_in_sql(engine, cell):
    arguments, options = cell.arguments
    assert_components(cell, SQL_PATHS[engine](pool.components, asked_for(cell), *arguments, **options))


def assert_components(cell, table):
    assert table.height == 1
    got, want = table.row(0, named=True), cell.truth()
    location, variance = scales(cell)
    assert got["converged"] is True
    assert got["groups"] == len(want["rows"])
    for name, scale in [("tau2", variance), ("mu", location), ("se_mu", 0.0)]:
        assert cell.close(got[name], want[name], scale), f"{name}: got {got[name]!r}, expected {want[name]!r}"


@cells_by_paths
def test_shrink(cell, path):
    assert_estimates(cell, pooled(path, cell), pooled(path, cell, uncertainty="conditional"))


def assert_estimates(cell, table, conditional):
    """The columns of a table, and the standard error of another one about a known mu."""
    se_mu = cell.truth()["se_mu"]
    got = {row[cell.by]: row for row in table.iter_rows(named=True)}
    for row in conditional.iter_rows(named=True):
        got[row[cell.by]]["conditional"] = row["se"]
        got[row[cell.by]]["effect_se"] = math.hypot(row["se"], row["weight"] * se_mu)
    want, (location, _) = cell.truth()["rows"], scales(cell)
    assert got.keys() == want.keys()
    for key, row in want.items():
        for name in ("mean", "v", "weight", "estimate", "se", "conditional", "effect_se"):
            if name in row:
                scale = location if name in ("mean", "estimate") else 0.0
                result, expected = got[key][name], row[name]
                assert cell.close(result, expected, scale), f"{name} of {key}: got {result!r}, expected {expected!r}"


TWO_PEAKS = {  # the likelihood of these studies has two maxima; the name states which one is higher
    "reml-inner-peaks-the-larger": ("reml", [-5.7, 1.4, 0.7], [8.62, 0.13, 0.69]),
    "reml-0-and-inner-the-inner": ("reml", [0.8, 0.3, -5.5], [0.37, 0.07, 4.27]),
    "ml-0-and-inner-the-0": ("ml", [-0.3, 0.9, -0.5], [0.71, 0.34, 0.02]),
    "ml-0-and-inner-the-inner": (
        "ml",
        [-0.4, 0.7, -0.5, -0.9, -2.1, -0.6],
        [0.06, 33.14, 0.01, 1.3, 0.2, 0.64],
    ),
}


@pytest.mark.parametrize("case", TWO_PEAKS)
def test_the_higher_of_two_maxima(case):
    method, y, v = TWO_PEAKS[case]
    frame = pl.DataFrame({"g": range(len(y)), "y": y, "se": np.sqrt(v)})
    got = pool.components(frame, "y", "g", se="se", tau2=method)
    want = truth.likelihood_tau2(method, np.array(y), frame["se"].to_numpy() ** 2)
    assert got["converged"].item()
    assert got["tau2"].item() == pytest.approx(want, rel=1e-8, abs=1e-12)
    assert (want == 0) == case.endswith("the-0")
