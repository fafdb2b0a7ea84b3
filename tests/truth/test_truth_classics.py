"""Published numbers of the classic examples, in the printed digits."""

import grid
import numpy as np
import polars as pl
import pytest

import polars_pool as pool


def win_vector(rng):
    """One experiment of Mount (2023): ten locations around a centre, with three observations each."""
    centre = rng.normal(loc=0, scale=15, size=1)
    effects = rng.normal(loc=centre, scale=3, size=10)
    rows = [rng.normal(loc=effect, scale=10, size=3) for effect in effects]
    return effects, pl.DataFrame({"location": np.repeat(np.arange(10), 3), "y": np.concatenate(rows)})


MOUNT = {"tau2": "plugin", "mu": "shrunk"}


def test_win_vector_estimates():
    """Mount (2023), "Partial Pooling", Win Vector LLC: the first example."""
    _, table = win_vector(np.random.default_rng(2023))
    result = pool.shrink(table, "y", "location", **MOUNT)
    assert result["estimate"].round(6).to_list()[:3] == [10.557640, 3.737951, 10.262770]


def test_win_vector_losses():
    """The 1,000 repeated experiments continue the same random numbers; their models are one query."""
    rng = np.random.default_rng(2023)
    win_vector(rng)
    runs = [win_vector(rng) for _ in range(1000)]
    table = pl.concat([table.with_columns(run=pl.lit(i)) for i, (_, table) in enumerate(runs)])
    result = pool.shrink(table, "y", "location", over="run", **MOUNT).filter(pl.col("location") == 0).sort("run")
    effect = np.array([effects[0] for effects, _ in runs])
    raw = (result["mean"].to_numpy() - effect) ** 2
    pooled = (result["estimate"].to_numpy() - effect) ** 2
    assert raw.mean() == pytest.approx(31.652005, abs=5e-7)
    assert pooled.mean() == pytest.approx(14.987383, abs=5e-7)
    assert np.median(raw) == pytest.approx(13.859971, abs=5e-7)
    assert np.median(pooled) == pytest.approx(5.906482, abs=5e-7)


def test_eight_schools_complete_pooling():
    """Gelman et al. (2013), BDA3, section 5.5: estimate 7.7, variance 16.6, error 4.1."""
    frame, by = grid.studies("meta_eight_schools")
    result = pool.components(frame, "y", by, se="se", tau2=0).row(0, named=True)
    assert round(result["mu"], 6) == 7.685617
    assert round(result["se_mu"] ** 2, 1) == 16.6
    assert round(result["se_mu"], 1) == 4.1


@pytest.mark.parametrize(("method", "sd_between", "sd_within"), [("reml", 24.805, 4.0208), ("ml", 22.624, 4.0208)])
def test_rail(method, sd_between, sd_within):
    """Pinheiro & Bates (2000), Mixed-Effects Models in S and S-PLUS, section 1.1."""
    file = grid.vector("oneway_Rail")
    frame = grid.read(file["input"], file["by"])
    result = pool.components(frame, file["value"], file["by"], tau2=method).row(0, named=True)
    assert round(result["tau2"] ** 0.5, 3) == sd_between
    assert round(result["sigma2"] ** 0.5, 4) == sd_within
    assert round(result["mu"], 4) == 66.5


def test_bcg():
    """Viechtbauer (2010), Journal of Statistical Software 36(3), section 3.2: REML on the log risk ratios."""
    frame, by = grid.studies("meta_bcg")
    result = pool.components(frame, "y", by, se="se", tau2="reml").row(0, named=True)
    assert round(result["tau2"], 4) == 0.3132
    assert round(result["mu"], 4) == -0.7145
    assert round(result["se_mu"], 4) == 0.1798


def test_teacher_expectancy():
    """Raudenbush & Bryk (1985; 2002, chapter 7): teacher expectancy, tau2 .019, mean effect .08."""
    frame, by = grid.studies("meta_raudenbush1985")
    result = pool.components(frame, "y", by, se="se", tau2="reml").row(0, named=True)
    assert round(result["tau2"], 3) == 0.019
    assert round(result["mu"], 2) == 0.08
