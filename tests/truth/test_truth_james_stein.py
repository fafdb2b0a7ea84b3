"""James–Stein against Efron & Morris: batting averages of 1970 on two scales, and data with an active positive part."""

import math

import grid
import numpy as np
import polars as pl
import pytest
from grid import CLOSED_FORM, PUBLISHED_PATHS, ROUNDING

import polars_pool as pool

FILE = grid.vector("james_stein")
BASEBALL = [FILE["efron_morris"]["hits_over_45"], FILE["efron_morris"]["printed_3_decimals"]]


def arcsin(p):
    """Freeman & Tukey's scale: sqrt(n) asin(2 p - 1), with variance 1."""
    return np.sqrt(45) * np.arcsin(2 * np.array(p) - 1)


def cases():
    """The name, the means and the result of R."""
    for name, result in zip(("exact", "printed"), BASEBALL, strict=True):
        assert set(result) == {"average", "sse_vs_remaining_season", *SCALES}
        for scale in SCALES:
            mean = result["arcsin"]["transformed"] if scale == "arcsin" else result["average"]
            yield pytest.param(mean, result[scale], id=f"{name}-{scale}")
    few = FILE["positive_part_active"]
    yield pytest.param(few["input_x"], few["result"], id="positive_part_active")
    for name in ("dyestuff_batch_means", "dyestuff2_batch_means"):
        yield pytest.param(FILE[name]["mean"], FILE[name]["result"], id=name)
    schools = grid.studies("meta_eight_schools")[0]["y"].to_list()
    yield pytest.param(schools, FILE["eight_schools_equal_variance"]["result"], id="eight_schools_equal_variance")


SCALES = ("arcsin", "raw_scale_var_pbar_qbar_over_n", "raw_scale_var_mean_pq_over_n")


def ask(path, verb, mean, v):
    frame = pl.DataFrame({"g": range(len(mean)), "y": mean, "se": math.sqrt(v)}, schema_overrides={"y": pl.Float64})
    return PUBLISHED_PATHS[path](verb, frame, "y", "g", se="se", tau2="js")


@pytest.mark.share_of_duckdb(3)
@pytest.mark.parametrize("path", PUBLISHED_PATHS)
@pytest.mark.parametrize(("mean", "want"), list(cases()))
def test_james_stein(mean, want, path):
    model = ask(path, pool.components, mean, want["variance"]).row(0, named=True)
    size, weight = max(map(abs, mean)), want["factor_positive_part"]
    assert (model["groups"], model["converged"]) == (want["J"], True)
    assert model["mu"] == pytest.approx(want["grand_mean"], rel=CLOSED_FORM)
    tau2 = max(0.0, want["S"] / want["c"] - want["variance"])
    assert model["tau2"] == pytest.approx(tau2, rel=CLOSED_FORM, abs=ROUNDING * want["variance"])
    groups = ask(path, pool.shrink, mean, want["variance"]).sort("g")
    assert groups["weight"].to_list() == pytest.approx([weight] * want["J"], rel=CLOSED_FORM, abs=ROUNDING)
    assert groups["estimate"].to_list() == pytest.approx(want["estimate"], rel=CLOSED_FORM, abs=ROUNDING * size)


@pytest.mark.parametrize("result", BASEBALL, ids=["exact", "printed"])
def test_errors_against_the_rest_of_the_season(result):
    truth, errors, n = np.array(FILE["remaining_average"]), result["sse_vs_remaining_season"], 45
    scaled = result["arcsin"]["transformed"]
    assert arcsin(result["average"]) == pytest.approx(scaled, rel=CLOSED_FORM)
    estimate = ask("DataFrame", pool.shrink, scaled, 1.0)["estimate"].to_numpy()
    back = (1 + np.sin(estimate / math.sqrt(n))) / 2
    assert back == pytest.approx(result["arcsin"]["estimate_back_transformed"], rel=CLOSED_FORM)
    assert sum((back - truth) ** 2) == pytest.approx(errors["js_arcsin_back"], rel=CLOSED_FORM)
    assert sum((estimate - arcsin(truth)) ** 2) == pytest.approx(errors["arcsin_scale_js"], rel=CLOSED_FORM)
    raw = [
        ask("DataFrame", pool.shrink, result["average"], result[scale]["variance"])["estimate"].to_numpy()
        for scale in SCALES[1:]
    ]
    assert errors["js_raw_scale"] in [pytest.approx(sum((x - truth) ** 2), rel=CLOSED_FORM) for x in raw]


@pytest.mark.parametrize("name", ["Dyestuff", "Dyestuff2"])
def test_on_rows(name):
    """Rows with a pooled sigma2: v = MSW / n, the same for all batches."""
    file = grid.vector(f"oneway_{name}")
    want = FILE[f"{name.lower()}_batch_means"]["result"]
    got = pool.shrink(grid.read(file["input"], file["by"]), file["value"], file["by"], tau2="js")
    size = max(map(abs, want["estimate"]))
    assert got["v"].to_list() == pytest.approx([want["variance"]] * 6, rel=CLOSED_FORM)
    assert got["estimate"].to_list() == pytest.approx(want["estimate"], rel=CLOSED_FORM, abs=ROUNDING * size)
