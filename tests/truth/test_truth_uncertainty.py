"""uncertainty="tau2": errors that include that of tau2, against dense matrices and numbers by hand."""

import math
from functools import cache

import numpy as np
import polars as pl
import pytest
import truth
from arrays import by_numpy
from frames import FRAME_PATHS, assert_near, by_key, published, rows
from grid import CELLS, META_CELLS, PUBLISHED_PATHS, ROW_CELLS, ROWS_PATHS, asked_for, by_turns, pooled
from sqlpaths import MODULE

import polars_pool as pool
from polars_pool.formulas import registry

ERRORS = [name for name, method in registry.TAU2.items() if method.error is not None]

frame_paths = pytest.mark.parametrize("run", FRAME_PATHS.values(), ids=FRAME_PATHS)
ALL_PATHS = FRAME_PATHS | MODULE
all_paths = pytest.mark.parametrize("run", ALL_PATHS.values(), ids=ALL_PATHS)
every_error = pytest.mark.parametrize("tau2", ERRORS)
WIDE = {"uncertainty": "tau2"}


def expected(cell, mu=None):
    """se by dense matrices at the components of the library, which other tests compare with reference results."""
    return _expected(str(cell), mu)


@cache
def _expected(name, mu):
    [cell] = (cell for cell in CELLS if str(cell) == name)
    frame, (value, by) = asked_for(cell), (cell.value, cell.by)
    options = cell.options | cell.columns | ({} if mu is None else {"mu": mu})
    model = pool.components(frame, value, by, **options).row(0, named=True)
    table = pool.shrink(frame, value, by, **options).sort(by)
    v, tau2, method = table["v"].to_numpy(), model["tau2"], options["tau2"]
    n = table["n"].to_numpy() if "n" in cell.columns or "se" not in cell.columns else None
    sizes, weights = None, frame[options["weights"]] if "weights" in options else None
    groups = None if "se" in options else truth.Groups(frame[by], frame[value], weights)
    if isinstance(method, (int, float)):
        covariance, correction = 0.0, 0.0
    elif groups is not None and method in ("reml", "ml"):
        sizes = [groups.w[groups.keys.index(key)] for key in table[by]]
        covariance = truth.joint_covariance(groups, method, model["sigma2"], tau2, mu)
        correction = truth.tau2_correction(method, v, tau2, mu is not None)
    else:
        n = n if groups is None else [groups.w[groups.keys.index(key)] for key in table[by]]
        covariance = truth.tau2_variance(method, table["mean"].to_numpy(), v, tau2, n, mu)
        correction = truth.tau2_correction(method, v, tau2, mu is not None)
    marginal = table["se"].to_numpy() ** 2
    variance = truth.variance_with_tau2(marginal, v, tau2, covariance, correction, sizes)
    return dict(zip(table[by], np.sqrt(variance), strict=True))


def assert_errors(cell, table, want):
    got = {row[cell.by]: row["se"] for row in table.iter_rows(named=True)}
    assert_near(got, want, 1e-8 if cell.tolerance > 1e-10 else 1e-10)


SMALL = [cell for cell in ROW_CELLS if asked_for(cell).height < 1000]  # dense matrices are N x N


@pytest.mark.parametrize(("cell", "path"), by_turns(SMALL, ROWS_PATHS), ids=str)
def test_rows(cell, path):
    assert_errors(cell, pooled(path, cell, uncertainty="tau2"), expected(cell))


@pytest.mark.parametrize(("cell", "path"), by_turns(META_CELLS, PUBLISHED_PATHS), ids=str)
def test_published(cell, path):
    assert_errors(cell, pooled(path, cell, uncertainty="tau2"), expected(cell))


@pytest.mark.share(2)
@pytest.mark.parametrize("cell", [cell for cell in [*SMALL, *META_CELLS] if "mu" not in cell.options], ids=str)
def test_about_a_known_mu(cell):
    (value, by), options = cell.arguments
    mu = asked_for(cell)[value].mean()
    table = pool.shrink(asked_for(cell), value, by, **options, mu=mu, **WIDE)
    assert_errors(cell, table, expected(cell, mu))


@pytest.mark.parametrize("sigma2", ["separate", 4.0])
@every_error
def test_given_v_on_rows(sigma2, tau2):
    """Rows with separate or known variances equal published estimates with that v."""
    frame = rows({"a": [1, 3, 2.5], "b": [5, 7, 9, 4], "c": [10, 14], "d": [7, 7.5, 3]})
    got = pool.shrink(frame, "y", "g", sigma2=sigma2, tau2=tau2, **WIDE)
    as_studies = got.select("g", "mean", "n", se=pl.col("v").sqrt())
    want = pool.shrink(as_studies, "mean", "g", se="se", n="n", tau2=tau2, **WIDE)
    assert_near(got["se"], want["se"], 1e-10)


# ---- by hand -----------------------------------------------------------------------------------------------


@all_paths
@pytest.mark.parametrize("tau2", ["reml", "dl", "he"])
def test_equal_variances(run, tau2):
    """v = 1 and tau2 = S² - 1, with S² the variance of the means: Var(tau2) = 2 S⁴ / (J - 1) = 8, as for any variance.

    y = -3, -1, 1, 3, v = 8/3: S² = 20/3, tau2 = 4, weight .6, se_mu² = 5/3: .6 · 8/3 + .16 · 5/3 + 2 · .16 · Var / S²
    with Var = 2 (20/3)² / 3, that is 1.6 + .8/3 + .64 · 20/9; the cap at v = 8/3 holds.
    """
    frame = published({key: (y, math.sqrt(8 / 3)) for key, y in zip("abcd", (-3, -1, 1, 3), strict=True)})
    result = run(pool.shrink, frame, "y", "g", se="se", tau2=tau2, **WIDE)
    assert 1.6 + 0.8 / 3 + 0.64 * 20 / 9 > 8 / 3
    assert_near(result["se"], [math.sqrt(8 / 3)] * 4, 1e-9)
    many = pl.concat([frame.with_columns(pl.col("g") + str(i)) for i in range(10)])
    result = run(pool.shrink, many, "y", "g", se="se", tau2=tau2, **WIDE)
    total = 10 * 20 / 39  # S² of the forty means
    pooling = 8 / 3 / total
    want = (total - 8 / 3) * pooling + pooling**2 * total / 40 + 2 * pooling**2 * 2 * total / 39
    assert_near(result["se"], [math.sqrt(want)] * 40, 1e-9)


@all_paths
def test_a_known_tau2_has_no_error(run):
    frame = rows({"a": [1, 3], "b": [5, 7, 9], "c": [10, 14], "d": [None]})
    got, want = (run(pool.shrink, frame, "y", "g", tau2=4, uncertainty=kind) for kind in ("tau2", "mu"))
    for key, row in by_key(want).items():
        assert_near(by_key(got)[key]["se"], row["se"], 1e-14)


@frame_paths
@every_error
def test_a_group_without_rows_is_not_capped(run, tau2):
    """Its v is infinite: the error of tau2 does not change its estimate, mu; the bias counts in full."""
    frame = published({"a": (1, 1), "b": (9, 2), "c": (4, 1.5), "d": (-5, 1), "e": (None, None)})
    options = {"se": "se", "n": pl.lit(3), "tau2": tau2}
    model = pool.components(frame, "y", "g", **options).row(0, named=True)
    result = by_key(run(pool.shrink, frame, "y", "g", **options, **WIDE))["e"]
    correction = truth.tau2_correction(tau2, frame["se"].drop_nulls().to_numpy() ** 2, model["tau2"], False)
    assert_near(result["se"], math.sqrt(model["tau2"] + model["se_mu"] ** 2 + max(0.0, correction)), 1e-9)


# ---- laws --------------------------------------------------------------------------------------------------


@every_error
def test_it_only_widens_and_never_beyond_the_mean_alone(tau2):
    rng = np.random.default_rng(11)
    se = np.exp(rng.normal(size=4000) * 2)
    frame = pl.DataFrame({"m": np.repeat(range(500), 8), "g": np.tile(range(8), 500), "se": se})
    frame = frame.with_columns(y=se * rng.normal(size=4000) + rng.normal(size=4000), n=pl.lit(3))
    for mu in ("gls", 0.0, "groups"):
        options = {"se": "se", "n": "n", "over": "m", "tau2": tau2, "mu": mu}
        wide, narrow = (pool.shrink(frame, "y", "g", **options, uncertainty=kind) for kind in ("tau2", "mu"))
        assert wide["se"].is_finite().all()
        limit = pl.select(pl.max_horizontal(wide["v"], narrow["se"] ** 2)).to_series()
        rounding = 1e-9 * limit  # tau2 near 0 follows the order in which groups are summed
        assert (wide["se"] ** 2 >= narrow["se"] ** 2 - rounding).all()
        assert (wide["se"] ** 2 <= limit + rounding).all()
        assert (wide["se"] > narrow["se"]).any()


# ---- degenerate data ---------------------------------------------------------------------------------------


DEGENERATE = [
    {"a": (1, 0), "b": (1, 1), "c": (1.5, 2)},
    {"a": (1, 0), "b": (9, 0), "c": (1.5, 2)},
    {"a": (1, 0), "b": (9, 0), "c": (4, 0)},
    {"a": (3, 0), "b": (3, 0)},
    {"a": (3, 1), "b": (3, 2)},
    {"a": (3, 1), "b": (30, 2)},
    {"a": (0, 1e-9), "b": (3, 1), "c": (1, 1e9)},
]


@pytest.mark.share(2)
@frame_paths
@every_error
@pytest.mark.parametrize("studies", DEGENERATE, ids=str)
def test_every_answer_is_a_number(run, tau2, studies):
    """The error lies between those of the mean alone and of a known tau2, for v = 0, equal means and two groups."""
    frame = published(studies)
    options = {"se": "se", "n": pl.lit(3), "tau2": tau2}
    wide, narrow = (by_key(run(pool.shrink, frame, "y", "g", **options, uncertainty=kind)) for kind in ("tau2", "mu"))
    for key, (_, se) in studies.items():
        low, high = narrow[key]["se"], max(se, narrow[key]["se"])
        assert low * (1 - 1e-12) <= wide[key]["se"] <= high * (1 + 1e-12)


@pytest.mark.share(3)
@pytest.mark.parametrize("engine", MODULE)
@every_error
def test_degenerate_studies_in_sql(engine, tau2):
    models = [published(studies).with_columns(m=pl.lit(i), n=pl.lit(3)) for i, studies in enumerate(DEGENERATE[:-1])]
    for mu in ("gls", 0.5):
        options = {"se": "se", "n": "n", "over": "m", "tau2": tau2, "mu": mu, **WIDE}
        got = MODULE[engine](pool.shrink, pl.concat(models), "y", "g", **options)
        want = by_key(FRAME_PATHS["DataFrame"](pool.shrink, pl.concat(models), "y", "g", **options), "m", "g")
        for key, row in by_key(got, "m", "g").items():
            assert_near(row["se"] ** 2, want[key]["se"] ** 2, 1e-9, scale=min(want[key]["v"], 1.0), what=key)


@frame_paths
@every_error
def test_an_exact_study_is_the_limit_of_ever_more_exact_ones(run, tau2):
    """tau2 = 0 with a study of se = 0: as with an se of 1e-4 times that of the others."""
    result = []
    for se in (0, 1e-4):
        frame = published({"a": (1, se), "b": (1.5, 1), "c": (0.7, 2), "d": (1.2, 1)})
        table = run(pool.shrink, frame, "y", "g", se="se", n=pl.lit(3), tau2=tau2, **WIDE)
        result.append(table.sort("g")["se"].to_list()[1:])
    assert_near(result[0], result[1], 1e-3, scale=1.0)


POOR = {
    "same": {"a": [1, 1], "b": [1, 1, 1]},
    "apart": {"a": [1, 1], "b": [2, 2, 2]},
    "alone": {"a": [1, 3], "b": [None]},
    "single": {"a": [1], "b": [4], "c": [5]},
}


def each(run, frames, **options):
    return {name: run(pool.shrink, frame, "y", "g", **options) for name, frame in frames.items()}


def together(run, frames, **options):
    """Each as a model of one query."""
    stacked = pl.concat([frame.with_columns(m=pl.lit(name)) for name, frame in frames.items()])
    result = run(pool.shrink, stacked, "y", "g", over="m", **options)
    return {name: result.filter(m=name) for name in frames}


POOR_PATHS = [(run, each) for run in FRAME_PATHS.values()] + [(run, together) for run in ALL_PATHS.values()]


@pytest.mark.share(2)
@pytest.mark.parametrize(("run", "asked"), POOR_PATHS, ids=[*FRAME_PATHS, *(f"models in {path}" for path in ALL_PATHS)])
@pytest.mark.parametrize("tau2", ["reml", "ml", "anova", "dl", "pm", "sj"])
def test_degenerate_rows(run, asked, tau2):
    result = asked(run, {name: rows(groups) for name, groups in POOR.items()}, tau2=tau2, **WIDE)
    assert result["same"]["se"].to_list() == [0.0, 0.0]
    assert result["apart"]["se"].to_list() == [0.0, 0.0]
    alone = by_key(result["alone"])
    assert alone["a"]["se"] == pytest.approx(1.0)  # sqrt(v), right for every tau2
    assert alone["b"]["se"] is None
    assert result["single"]["se"].to_list() == [None] * 3


@all_paths
@pytest.mark.parametrize("tau2", ["reml", "dl"])
def test_one_degenerate_model_and_none(run, tau2):
    same = run(pool.shrink, rows(POOR["same"]), "y", "g", tau2=tau2, **WIDE)
    assert same["se"].to_list() == [0.0, 0.0]
    assert run(pool.shrink, rows({"a": [1]}).clear(), "y", "g", tau2=tau2, **WIDE).is_empty()


def test_models_do_not_know_of_each_other():
    rng = np.random.default_rng(3)
    frame = pl.DataFrame({"m": rng.integers(0, 30, 3000), "g": rng.integers(0, 9, 3000), "y": rng.normal(size=3000)})
    frame = frame.with_columns(pl.col("y") + pl.col("g") / 10)
    for tau2 in ("reml", "ml", "pm", "dl"):
        together = pool.shrink(frame, "y", "g", over="m", tau2=tau2, **WIDE)
        for (model,), part in frame.group_by("m"):
            alone = pool.shrink(part, "y", "g", tau2=tau2, **WIDE)
            assert_near(together.filter(m=model)["se"], alone["se"], 1e-9)
            by_arrays = by_numpy(
                pool.shrink, part.with_columns(pl.col("g").cast(pl.String)), "y", "g", tau2=tau2, **WIDE
            )
            assert_near(by_arrays["se"], alone["se"], 1e-9)
