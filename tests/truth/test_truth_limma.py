"""Squeezed variances against limma: the prior, and the variance of every group, through every path."""

import itertools
import math
import warnings

import grid
import numpy as np
import polars as pl
import pytest
import truth
from frames import FRAME_PATHS, rows
from grid import CLOSED_FORM, ROWS_PATHS
from scipy.special import polygamma
from sqlpaths import MODULE

import polars_pool as pool
from polars_pool.formulas.elementary import trigamma_inverse

ALL_PATHS = FRAME_PATHS | MODULE
all_paths = pytest.mark.parametrize("run", ALL_PATHS.values(), ids=ALL_PATHS)
paths = pytest.mark.parametrize("path", ROWS_PATHS)
names = pytest.mark.parametrize("name", grid.LIMMA)


def ask(path, verb, name):
    file = grid.vector(f"limma_{name}")
    return ROWS_PATHS[path](
        verb, grid.read(file["input"], file["by"]), file["value"], file["by"], sigma2="squeezed", tau2="dl"
    )


@paths
@names
def test_prior(name, path):
    file = grid.vector(f"limma_{name}")
    result, want = ask(path, pool.components, name).row(0, named=True), file["squeezeVar"]
    assert want["warnings"] == []
    assert (file["fitFDist"]["df2"], file["fitFDist"]["scale"]) == (want["df_prior"], want["var_prior"])
    assert result["sigma2"] == pytest.approx(file["pooled_variance"], rel=CLOSED_FORM)
    assert result["df_prior"] == pytest.approx(float(want["df_prior"]), rel=CLOSED_FORM)
    assert result["sigma2_prior"] == pytest.approx(want["var_prior"], rel=CLOSED_FORM)
    assert math.isinf(result["df_prior"]) == (name in ("Dyestuff", "radon"))


@paths
@names
def test_variance_of_every_group(name, path):
    """v = variance / n; limma does not accept groups with a single row, which have the prior variance."""
    file = grid.vector(f"limma_{name}")
    groups, want = file["groups"], file["squeezeVar"]
    squeezed = dict(zip(groups["group"], want["var_post"], strict=True))
    sizes = dict(zip(groups["group"], groups["n"], strict=True))
    result = {row[file["by"]]: row for row in ask(path, pool.shrink, name).iter_rows(named=True)}
    assert len(squeezed) == file["J"]
    assert {key for key, row in result.items() if row["n"] > 1} == squeezed.keys()
    for key, row in result.items():
        assert row["n"] == sizes.get(key, 1)
        assert row["v"] * row["n"] == pytest.approx(squeezed.get(key, want["var_prior"]), rel=CLOSED_FORM), key


@names
def test_moments_are_those_of_limma(name):
    file = grid.vector(f"limma_{name}")
    result = pool.moments(grid.read(file["input"], file["by"]), file["value"], file["by"]).filter(pl.col("n") > 1)
    want = dict(zip(file["groups"]["group"], file["groups"]["var"], strict=True))
    assert result["var"].to_list() == pytest.approx([want[key] for key in result[file["by"]]], rel=CLOSED_FORM)


@names
def test_the_other_road_reaches_limma(name):
    file = grid.vector(f"limma_{name}")
    table = grid.read(file["input"], file["by"])
    result = truth.Groups(table[file["by"]].to_list(), table[file["value"]].cast(pl.Float64).to_list())
    want = file["squeezeVar"]
    assert result.prior() == pytest.approx((float(want["df_prior"]), want["var_prior"]), rel=1e-12)
    squeezed = dict(zip(result.keys, result.squeezed(), strict=True))
    assert [squeezed[key] for key in file["groups"]["group"]] == pytest.approx(want["var_post"], rel=1e-12)


# ---- degenerate data -------------------------------------------------------------------------------------------------


def squeezed(run, frame, **options):
    """df_prior, sigma2_prior, and n v of every group with rows."""
    model = run(pool.components, frame, "y", "g", sigma2="squeezed", **options).row(0, named=True)
    groups = run(pool.shrink, frame, "y", "g", sigma2="squeezed", **options).sort("g").filter(pl.col("n") > 0)
    return model["df_prior"], model["sigma2_prior"], (groups["v"] * groups["n"]).to_list()


@all_paths
def test_all_variances_zero(run):
    frame = rows({1: [1, 1], 2: [4, 4, 4], 3: [6], 4: [None]})
    assert squeezed(run, frame) == (math.inf, 0, [0, 0, 0])


@all_paths
def test_one_variance_is_its_own_prior(run):
    """limma returns a single variance unchanged, with 0 prior degrees of freedom; single rows get this variance."""
    assert squeezed(run, rows({1: [1, 3, 8], 2: [6], 3: [7]})) == (0, 13, [13, 13, 13])


@all_paths
def test_no_group_has_two_rows(run):
    frame = rows({1: [1], 2: [6]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pool.ConvergenceWarning)
        assert squeezed(run, frame) == (None, None, [None, None])


@all_paths
def test_variances_of_zero(run):
    """Variances of 0 count as 1e-5 of the median in the prior, or of the positive ones if the median is 0.

    Some or most variances are 0, in three units, which do not matter: models of one query.
    """
    models, wanted = [], []
    for zeros, scale in itertools.product([1, 5], [1.0, 1e-60, 1e60]):
        data = {g: [3, 3, 3] for g in range(zeros)} | {10: [1, 3, 8], 11: [2, 4], 12: [5, 7, 7], 13: [6]}
        models.append(rows({g: [y * scale for y in values] for g, values in data.items()}))
        keys = [key for key, values in data.items() for _ in values]
        wanted.append((scale, truth.Groups(keys, [float(y) for values in data.values() for y in values])))
    frame = pl.concat([model.with_columns(m=pl.lit(i)) for i, model in enumerate(models)])
    priors, groups = (run(v, frame, "y", "g", over="m", sigma2="squeezed") for v in (pool.components, pool.shrink))
    for i, (scale, want) in enumerate(wanted):
        prior, own = priors.filter(m=i).row(0, named=True), groups.filter(m=i).sort("g")
        assert (prior["df_prior"], prior["sigma2_prior"] / scale**2) == pytest.approx(want.prior(), rel=1e-10)
        assert (own["v"] * own["n"] / scale**2).to_list() == pytest.approx(want.squeezed(), rel=1e-10)


@all_paths
def test_every_model_has_a_prior_of_its_own(run):
    """Models with one, no and many variances in one query; for other methods, the prior is null."""
    parts = {
        0: {1: [1, 3, 8]},
        1: {1: [1], 2: [6]},
        2: {1: [1, 3, 8], 2: [2, 3], 3: [9, 0, 4, 4.5], 4: [7]},
        3: {1: [None]},
    }
    frame = pl.concat([rows(data).with_columns(model=pl.lit(m, pl.Int64)) for m, data in parts.items()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pool.ConvergenceWarning)
        result = run(pool.components, frame, "y", "g", over="model", sigma2="squeezed").sort("model")
        plain = run(pool.components, frame, "y", "g", over="model")
    want = truth.Groups([1] * 3 + [2] * 2 + [3] * 4 + [4], [1.0, 3, 8, 2, 3, 9, 0, 4, 4.5, 7]).prior()
    assert result["df_prior"].to_list() == [0, None, pytest.approx(want[0], rel=1e-10), None]
    assert result["sigma2_prior"].to_list() == [13, None, pytest.approx(want[1], rel=1e-10), None]
    assert plain["df_prior"].is_null().all()
    assert plain["sigma2_prior"].is_null().all()


@pytest.mark.parametrize("x", [1e-9, 1e-3, 0.3, 1.0, 1.6449340668482264, 40.0, 1e6, 1e12])
def test_inverse_of_trigamma(x):
    [y] = trigamma_inverse(np.array([x]))
    assert polygamma(1, y) == pytest.approx(x, rel=4e-15)
