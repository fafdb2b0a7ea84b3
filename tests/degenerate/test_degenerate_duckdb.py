"""The degenerate table in both versions of DuckDB, against the numbers computed by hand in test_degenerate.py.

The cases of a line are models of one query per method, because planning a query is slow. The most important cases also
run alone, as for DataFrames.
"""

import math
from functools import cache

import duckdb
import polars as pl
import pytest
import ways
from frames import MOMENTS, SOME_TAU2, assert_near, by_key, methods, published, rows, stored
from sqlpaths import MODULE, database
from test_degenerate import (
    ALL_EQUAL,
    EQUAL_MEANS,
    EXACT_TAU2,
    KNOWN,
    KNOWN_ESTIMATES,
    MEANS_DIFFER,
    MEDIAN_CHI2_1,
    MEDIAN_CHI2_2,
    MODEL,
    NO_FINITE_CV,
    NOT_FINITE,
    NOT_NUMERIC,
    ONE_EXACT,
    ONE_EXACT_BOUNDARY,
    ONE_GROUP,
    SINGLES,
    SOME_SINGLES,
    STATISTICS,
    TRUNCATED,
    WITH_NULLS,
    Z95,
    exact_anova,
    generalised_q,
    offset_rows,
)

import polars_pool as pool

engines = pytest.mark.parametrize("engine", MODULE)
pytestmark = pytest.mark.share(4)
every_method = pytest.mark.parametrize("tau2", SOME_TAU2)
on_rows_and_moments = pytest.mark.parametrize("source", ["rows", "moments"])


def on_rows_and_some_on_moments(methods):
    """Every method on rows, and every second one on moments, which do not depend on the method."""
    cases = [(tau2, "rows") for tau2 in methods] + [(tau2, "moments") for tau2 in methods[::2]]
    return pytest.mark.parametrize(("tau2", "source"), cases)


PUBLISHED = [name for name in methods("published") if name in SOME_TAU2]
on_studies = pytest.mark.parametrize("tau2", PUBLISHED)

# ---- many cases in one query ---------------------------------------------------------------------------------------

ROWS = {
    "one group": ONE_GROUP,
    "one group and nulls": rows({1: [1, 2, 6], 2: [None]}),
    "a single row": rows({1: [5]}),
    "a single row and nulls": rows({1: [5], 2: [None, None]}),
    "only nulls": rows({1: [None, None], 2: [None]}),
    "singles": SINGLES,
    "singles and nulls": rows({1: [1], 2: [2], 3: [None, None]}),
    "all equal": ALL_EQUAL,
    "means differ": MEANS_DIFFER,
    "equal means": EQUAL_MEANS,
    "boundary": rows({1: [0, 10], 2: [1.5, 9.5, 5.5], 3: [1, 7]}),
    "ordinary": rows({1: [1, 3], 2: [5, 7, 9], 3: [10, 14]}),
    "with nulls": WITH_NULLS,
}
STUDIES = {
    "one study": published({1: (3, 2)}),
    "all equal": published({1: (5, 1), 2: (5, 2), 3: (5, 0.5)}),
    "exact": published({1: (1, 0), 2: (2, 0), 3: (6, 0)}),
    "one exact": ONE_EXACT,
    "one exact, boundary": ONE_EXACT_BOUNDARY,
    "two exact": published({1: (1, 0), 2: (4, 1), 3: (3, 0), 4: (9, 2)}),
    "three exact": published({1: (1, 0), 2: (4, 1), 3: (3, 0), 4: (8, 0)}),
}


def as_input(frames: dict[str, pl.DataFrame], source: str) -> tuple:
    """(frame of all cases, value, options)"""
    if source == "moments":
        frames = {case: stored(frame) for case, frame in frames.items()}
    options = {"rows": {}, "moments": MOMENTS, "published": {"se": "se", "n": "size"}}[source]
    frame = pl.concat(frame.with_columns(case=pl.lit(case)) for case, frame in frames.items())
    return frame.with_columns(size=pl.lit(9)), "mean" if source == "moments" else "y", options


@cache
def fits(engine: str, ask: str, source: str, **options) -> dict[str, tuple[dict, dict]]:
    """{case: (row of the model, rows of the groups)}, from one query or from one per case."""
    run, frames = MODULE[engine], STUDIES if source == "published" else ROWS
    if ask == "alone":
        alone = ways.share(frames, of=3)
        return {case: fit(run, *as_input({case: frames[case]}, source), **options) for case in alone}
    frame, value, of_input = as_input(frames, source)
    models = run(pool.components, frame, value, "g", over="case", **of_input, **options)
    groups = run(pool.shrink, frame, value, "g", over="case", **of_input, **options)
    assert sorted(models["case"]) == sorted(frames)
    return {case: (by_key(models, "case")[case], by_key(groups.filter(case=case))) for case in frames}


def fit(run, frame, value, of_input, **options) -> tuple[dict, dict]:
    model = run(pool.components, frame, value, "g", **of_input, **options)
    assert model.height == 1
    return model.row(0, named=True), by_key(run(pool.shrink, frame, value, "g", **of_input, **options))


def both(engine: str, source: str, case: str, tau2: str):
    """The results among other models; for the default method in the module, also those of each case alone."""
    yield fits(engine, "among others", source, tau2=tau2)[case]
    if tau2 == "reml" and source != "moments" and engine == "duckdb":
        alone = fits(engine, "alone", source, tau2=tau2)
        if case in alone:
            yield alone[case]


def column(groups: dict, name: str) -> list:
    return [groups[key][name] for key in sorted(groups)]


# ---- one group, a single row, single rows throughout, only nulls ---------------------------------------------------


@engines
@on_rows_and_some_on_moments(SOME_TAU2)
def test_one_group(engine, tau2, source):
    for case in ("one group", "one group and nulls"):
        for model, groups in both(engine, source, case, tau2):
            assert (model["tau2"], model["se_mu"]) == (None, None)
            assert (model["groups"], model["n"]) == (1, 3)
            assert_near([model["mu"], model["sigma2"]], [3, 7], 1e-15)
            got = [groups[1][name] for name in ("weight", "estimate", "v", "se", "lower")]
            assert_near(got, [1, 3, 7 / 3, math.sqrt(7 / 3), 3 - Z95 * math.sqrt(7 / 3)], 1e-13)
            if case == "one group and nulls":
                assert_near([groups[2]["estimate"], groups[2]["weight"], groups[2]["n"]], [3, 0, 0], 1e-15)
                assert groups[2]["se"] is None


@engines
@on_rows_and_some_on_moments(SOME_TAU2)
def test_a_single_row(engine, tau2, source):
    for case in ("a single row", "a single row and nulls"):
        for model, groups in both(engine, source, case, tau2):
            assert (model["groups"], model["n"], model["mu"], model["tau2"]) == (1, 1, 5, None)
            assert [groups[1][name] for name in ("estimate", "n", "v", "se", "weight")] == [5, 1, None, None, None]
            if len(groups) == 2:
                assert [groups[2][name] for name in ("estimate", "weight", "n", "se")] == [5, 0, 0, None]


@engines
@on_rows_and_some_on_moments(SOME_TAU2)
def test_every_group_has_one_row(engine, tau2, source):
    for model, groups in both(engine, source, "singles", tau2):
        assert [model[name] for name in ("sigma2", "tau2", "converged", "groups", "n")] == [None, None, False, 3, 3]
        assert_near(model["mu"], 3.0, 1e-15)
        for row in groups.values():
            assert [row[name] for name in ("weight", "estimate", "se", "lower", "upper", "v")] == [None] * 6
        assert column(groups, "mean") == [1, 2, 6]
    for model, groups in both(engine, source, "singles and nulls", tau2):
        assert [model[name] for name in ("groups", "n", "converged", "sigma2")] == [2, 2, False, None]
        assert groups[1]["estimate"] is None


@engines
@on_rows_and_some_on_moments(SOME_TAU2)
def test_only_nulls(engine, tau2, source):
    for model, groups in both(engine, source, "only nulls", tau2):
        assert [model[name] for name in ("groups", "n", "mu", "tau2", "sigma2")] == [0, 0, None, None, None]
        assert column(groups, "estimate") == [None, None]
        assert column(groups, "n") == [0, 0]


@engines
@every_method
def test_other_models_are_unaffected(engine, tau2):
    """Among all these models, the ordinary model has the numbers that it has alone."""
    model, groups = fits(engine, "among others", "rows", tau2=tau2)["ordinary"]
    want, estimates = fit(lambda verb, *args, **options: verb(*args, **options), ROWS["ordinary"], "y", {}, tau2=tau2)
    assert model["converged"] is True
    assert_near(
        [model[name] for name in ("sigma2", "tau2", "mu")], [want[n] for n in ("sigma2", "tau2", "mu")], 1e-9, 9.0
    )
    assert_near(column(groups, "estimate"), column(estimates, "estimate"), 1e-9)


@engines
@on_rows_and_moments
def test_one_group_with_known_tau2_or_mu(engine, source):
    """weight = 4 / (4 + 7/3) = 12/19; mu is the mean, so se² = weight v + (1 - weight)² (v + tau2) = v."""
    run, (frame, value, of_input) = MODULE[engine], as_input({"one group": ONE_GROUP}, source)
    model, groups = fit(run, frame, value, of_input, tau2=4)
    assert_near([model["mu"], model["tau2"], model["se_mu"]], [3, 4, math.sqrt(4 + 7 / 3)], 1e-14)
    assert_near([groups[1][name] for name in ("weight", "estimate", "se")], [12 / 19, 3, math.sqrt(7 / 3)], 1e-14)
    model, groups = fit(run, frame, value, of_input, tau2=4, mu=0)
    assert (model["mu"], model["se_mu"]) == (0, 0)
    assert_near([groups[1]["estimate"], groups[1]["se"]], [36 / 19, math.sqrt(28 / 19)], 1e-14)


ABOUT_KNOWN_MU = dict.fromkeys(("reml", "ml", "anova", "dl", "he", "hs", "hsk", "pm", "eb"), 20 / 3) | {
    "sj": 81 / (9 + 7 / 3),
    "pmm": 9 / MEDIAN_CHI2_1 - 7 / 3,
    "plugin": 9.0,
}


@engines
@pytest.mark.parametrize("tau2", [name for name in ABOUT_KNOWN_MU if name in SOME_TAU2])
def test_one_group_about_a_known_mu(engine, tau2):
    """(mean - 0)² = 9 is tau2 + v, so tau2 = 9 - 7/3 by every moment or likelihood method."""
    model = MODULE[engine](pool.components, ONE_GROUP, "y", "g", tau2=tau2, mu=0).row(0, named=True)
    assert_near(model["tau2"], ABOUT_KNOWN_MU[tau2], 1e-9)


@engines
def test_known_sigma2_is_a_remedy(engine):
    """sigma2 = 1, so v = 1: he gives var(1, 2, 6) - 1 = 6, weight 6/7, mu 3; a single row has v = 9 and weight 1."""
    model, groups = fit(MODULE[engine], SINGLES, "y", {}, sigma2=1, tau2="he")
    assert_near([model["sigma2"], model["tau2"], model["mu"]], [1, 6, 3], 1e-14)
    assert model["converged"]
    assert_near(column(groups, "estimate"), [9 / 7, 15 / 7, 39 / 7], 1e-14)
    model, groups = fit(MODULE[engine], rows({1: [5]}), "y", {}, sigma2=9)
    assert (model["mu"], model["tau2"]) == (5, None)
    assert [groups[1][name] for name in ("weight", "estimate", "v", "se")] == [1, 5, 9, 3]


# ---- no variance within, none between ------------------------------------------------------------------------------


@engines
@on_rows_and_some_on_moments(SOME_TAU2)
def test_all_rows_equal(engine, tau2, source):
    for model, groups in both(engine, source, "all equal", tau2):
        names = ("sigma2", "tau2", "mu", "se_mu", "converged")
        assert [model[name] for name in names] == [0, 0, 5, 0, True]
        for row in groups.values():
            assert [row[name] for name in ("weight", "estimate", "se", "lower", "upper", "v")] == [1, 5, 0, 5, 5, 0]


@engines
@pytest.mark.parametrize("value", [0.1, 1e9 + 0.3, -1e-300, 1 / 3])
def test_all_rows_equal_for_any_value(engine, value):
    """Equal rows have variance 0, not a rounding error."""
    model, groups = fit(MODULE[engine], rows({key: [value] * (key + 2) for key in range(7)}), "y", {})
    assert column(groups, "estimate") == pytest.approx([value] * 7, rel=4e-16, abs=0)
    assert (model["sigma2"], model["tau2"]) == (0, 0)


@engines
@on_rows_and_some_on_moments(SOME_TAU2)
def test_no_variance_within_and_means_that_differ(engine, tau2, source):
    for model, groups in both(engine, source, "means differ", tau2):
        assert (model["sigma2"], model["converged"]) == (0, True)
        assert_near(model["mu"], 3.0, 1e-12)
        assert_near([model["tau2"], model["se_mu"]], [EXACT_TAU2[tau2], math.sqrt(EXACT_TAU2[tau2] / 3)], 1e-9)
        assert [column(groups, name) for name in ("estimate", "weight", "se")] == [[1, 2, 6], [1] * 3, [0] * 3]


@engines
@pytest.mark.parametrize("tau2", ["reml", "ml", "dl"])
@pytest.mark.parametrize("sigma2", ["separate", 0])
def test_no_variance_within_separate_or_known(engine, tau2, sigma2):
    model, groups = fit(MODULE[engine], MEANS_DIFFER, "y", {}, tau2=tau2, sigma2=sigma2)
    assert_near(model["tau2"], EXACT_TAU2[tau2], 1e-9)
    assert_near(model["mu"], 3.0, 1e-12)
    assert [column(groups, name) for name in ("weight", "se")] == [[1] * 3, [0] * 3]


@engines
@on_rows_and_some_on_moments([tau2 for tau2 in SOME_TAU2 if tau2 != "chung"])
def test_boundary(engine, tau2, source):
    """All variance is within groups: 100 on 4 degrees of freedom; 6 (reml) or 7 (ml) in the joint estimates."""
    sigma2 = {"reml": 100 / 6, "ml": 100 / 7}.get(tau2, 25.0)
    for model, groups in both(engine, source, "equal means", tau2):
        assert (model["tau2"], model["icc"], model["converged"]) == (0, 0, True)
        assert_near([model["sigma2"], model["mu"], model["se_mu"]], [sigma2, 5, math.sqrt(sigma2 / 7)], 1e-12)
        assert column(groups, "weight") == [0] * 3
        assert_near(column(groups, "estimate"), [5] * 3, 1e-12)
        assert_near(column(groups, "se"), [math.sqrt(sigma2 / 7)] * 3, 1e-12)
    for model, groups in both(engine, source, "boundary", tau2):
        if tau2 in TRUNCATED:
            assert (model["tau2"], model["converged"]) == (0, True)
            assert column(groups, "weight") == [0] * 3
            assert_near(column(groups, "estimate"), [34.5 / 7] * 3, 1e-12)
            assert_near(column(groups, "se"), [model["se_mu"]] * 3, 1e-14)


@engines
def test_the_boundary_is_continuous(engine):
    at_zero, near_zero = (by_key(MODULE[engine](pool.shrink, EQUAL_MEANS, "y", "g", tau2=tau2)) for tau2 in (0, 1e-14))
    for name in ("weight", "estimate", "se"):
        assert_near(column(near_zero, name), column(at_zero, name), 1e-12, 5.0, name)


@engines
def test_precedence(engine):
    """n = 0 gives weight 0, then v = 0 weight 1, then tau2 = 0 weight 0."""
    frame = rows({1: [1, 1], 2: [3, 3], 3: [None]})
    for sigma2, weights, estimates in ((0, [1, 1, 0], [1, 3, 10]), (1, [0, 0, 0], [10, 10, 10])):
        groups = by_key(MODULE[engine](pool.shrink, frame, "y", "g", sigma2=sigma2, tau2=0, mu=10))
        assert [column(groups, name) for name in ("weight", "estimate", "se")] == [weights, estimates, [0, 0, 0]]


# ---- nulls and single rows among others ----------------------------------------------------------------------------


@engines
@on_rows_and_moments
def test_null_rows_are_ignored_and_a_group_of_nulls_gets_mu(engine, source):
    frame, value, of_input = as_input({"with nulls": WITH_NULLS}, source)
    model, groups = fit(MODULE[engine], frame, value, of_input, **KNOWN)
    assert (model["groups"], model["n"]) == (3, 7)
    assert_near([model["mu"], model["se_mu"]], [7, math.sqrt(48 / 25)], 1e-14)
    assert_near({key: row["estimate"] for key, row in groups.items()}, KNOWN_ESTIMATES, 1e-14)
    assert [groups[4][name] for name in ("n", "mean", "weight")] == [0, None, 0]
    assert_near(groups[4]["se"], math.sqrt(4 + 48 / 25), 1e-14)
    error = math.sqrt(4 / 3 + (48 / 25) / 9)
    want = [2 / 3, error, 11 / 3 - Z95 * error, 11 / 3 + Z95 * error]
    assert_near([groups[1][name] for name in ("weight", "se", "lower", "upper")], want, 1e-13)
    run = MODULE[engine]
    groups = by_key(run(pool.shrink, frame, value, "g", **of_input, **KNOWN, uncertainty="conditional"))
    assert_near([groups[4]["se"], groups[1]["se"]], [2.0, math.sqrt(4 / 3)], 1e-14)


@engines
@every_method
def test_a_group_of_nulls_gets_the_estimated_mu(engine, tau2):
    model, groups = fits(engine, "among others", "rows", tau2=tau2)["with nulls"]
    assert_near(groups[4]["estimate"], model["mu"], 1e-15)


@engines
def test_nulls_among_rows_and_in_moments(engine):
    run = MODULE[engine]
    nulls = WITH_NULLS.with_columns(y=pl.lit(None, pl.Float64), year=1)
    frame = pl.concat([nulls, WITH_NULLS.with_columns(year=2)])
    result = run(pool.encode, frame, "y", "g", over="year", **KNOWN)["estimate"]
    assert result.head(10).to_list() == [None] * 10
    assert_near(result.tail(10), [KNOWN_ESTIMATES[key] for key in WITH_NULLS["g"]], 1e-14)
    moments = run(pool.moments, WITH_NULLS, "y", "g")
    assert by_key(moments)[4] == {"g": 4, "n": 0, "mean": None, "var": None}
    assert_near(by_key(moments)[1]["var"], 2.0, 1e-15)
    merged = run(pool.merge, pl.concat([moments, moments]), "g")
    assert by_key(merged)[4] == {"g": 4, "n": 0, "mean": None, "var": None}


@engines
def test_a_null_and_a_nan_key_are_groups_like_any_other(engine):
    key = pl.when(pl.col("g") == 2).then(math.nan).when(pl.col("g") == 3).then(None).otherwise(pl.col("g").cast(float))
    groups = by_key(MODULE[engine](pool.shrink, WITH_NULLS.with_columns(g=key), "y", "g", **KNOWN))
    want = {{2: "NaN", 3: None}.get(k, k): estimate for k, estimate in KNOWN_ESTIMATES.items()}
    assert_near({key: row["estimate"] for key, row in groups.items()}, want, 1e-14)


@engines
def test_a_model_of_null(engine):
    other = WITH_NULLS.with_columns(pl.col("y") + 100, year=pl.lit(1, pl.Int64))
    frame = pl.concat([WITH_NULLS.with_columns(year=pl.lit(None, pl.Int64)), other])
    result = by_key(MODULE[engine](pool.shrink, frame, "y", "g", over="year", **KNOWN), "year", "g")
    want = {
        (year, key): estimate + move
        for year, move in ((None, 0), (1, 100))
        for key, estimate in KNOWN_ESTIMATES.items()
    }
    assert_near({key: row["estimate"] for key, row in result.items()}, want, 1e-14)


@engines
@on_rows_and_moments
def test_some_groups_have_one_row(engine, source):
    run, (frame, value, of_input) = MODULE[engine], as_input({"some singles": SOME_SINGLES}, source)
    model, groups = fit(run, frame, value, of_input, tau2=2)
    assert_near(model["sigma2"], 10 / 3, 1e-14)
    assert_near(column(groups, "v"), [10 / 6, 10 / 9, 10 / 3], 1e-14)
    assert_near(column(groups, "weight"), [12 / 22, 18 / 28, 3 / 8], 1e-14)
    groups = by_key(run(pool.shrink, frame, value, "g", **of_input, tau2=2, sigma2="separate"))
    assert_near(column(groups, "v"), [1, 4 / 3, 10 / 3], 1e-14)
    assert_near(column(groups, "weight"), [2 / 3, 3 / 5, 3 / 8], 1e-14)


# ---- published estimates -------------------------------------------------------------------------------------------


@engines
@on_studies
def test_one_study(engine, tau2):
    for model, groups in both(engine, "published", "one study", tau2):
        assert (model["tau2"], model["se_mu"], model["mu"]) == (None, None, 3.0)
        assert [groups[1][name] for name in ("weight", "estimate", "se", "v", "n")] == [1, 3, 2, 4, 9]


@engines
@pytest.mark.parametrize("tau2", [name for name in PUBLISHED if name != "chung"])
def test_published_estimates_all_equal(engine, tau2):
    """mu by precision 1, 1/4, 4: se_mu² = 1 / 5.25."""
    for model, groups in both(engine, "published", "all equal", tau2):
        assert (model["tau2"], model["converged"]) == (0, True)
        assert_near([model["mu"], model["se_mu"]], [5, 1 / math.sqrt(5.25)], 1e-15)
        assert column(groups, "weight") == [0] * 3
        assert_near(column(groups, "estimate"), [5] * 3, 1e-15)
        assert_near(column(groups, "se"), [1 / math.sqrt(5.25)] * 3, 1e-15)


@engines
@pytest.mark.parametrize("tau2", [name for name in PUBLISHED if name != "anova"])
def test_exact_studies_that_differ(engine, tau2):
    for model, groups in both(engine, "published", "exact", tau2):
        assert_near([model["tau2"], model["se_mu"]], [EXACT_TAU2[tau2], math.sqrt(EXACT_TAU2[tau2] / 3)], 1e-9)
        assert_near(model["mu"], 3.0, 1e-12)
        assert [column(groups, name) for name in ("weight", "se")] == [[1] * 3, [0] * 3]


@engines
@on_studies
def test_an_exact_study_keeps_its_estimate(engine, tau2):
    for case in ("one exact", "two exact"):
        for _, groups in both(engine, "published", case, tau2):
            assert [groups[1][name] for name in ("weight", "estimate", "se", "v")] == [1, 1, 0, 0]
            assert all(math.isfinite(estimate) for estimate in column(groups, "estimate"))


# Computed in test_degenerate.py, in the tests of the same cases.
ONE_EXACT_TAU2 = {"dl": 9.2, "he": 44 / 3, "sj": 98 / 9 * generalised_q(98 / 9) / 2}


@engines
@pytest.mark.parametrize("tau2", ONE_EXACT_TAU2)
def test_closed_forms_with_an_exact_study(engine, tau2):
    for model, _ in both(engine, "published", "one exact", tau2):
        assert_near(model["tau2"], ONE_EXACT_TAU2[tau2], 1e-13)


@engines
def test_dl_with_several_exact_studies(engine):
    result = fits(engine, "among others", "published", tau2="dl")
    assert_near(result["two exact"][0]["tau2"], 2.0, 1e-14)
    assert_near(result["three exact"][0]["tau2"], 13.0, 1e-14)
    model, groups = result["one exact"]
    assert_near(column(groups, "weight"), [1, 9.2 / 10.2, 9.2 / 13.2], 1e-14)
    assert_near(model["mu"], (1 / 9.2 + 4 / 10.2 + 9 / 13.2) / (1 / 9.2 + 1 / 10.2 + 1 / 13.2), 1e-14)


@engines
@pytest.mark.parametrize(("tau2", "expected"), [("pm", 2), ("eb", 2), ("pmm", MEDIAN_CHI2_2)])
def test_roots_with_an_exact_study(engine, tau2, expected):
    for model, _ in both(engine, "published", "one exact", tau2):
        assert model["converged"]
        assert_near(generalised_q(model["tau2"]), expected, 1e-9)


@engines
def test_likelihoods_with_an_exact_study(engine):
    """The restricted likelihood has its maximum at score 0; ml is infinite at 0 and uses the interior maximum."""
    for tau2 in ("reml", "ml"):
        for model, _ in both(engine, "published", "one exact", tau2):
            w = [1 / (v + model["tau2"]) for v in (0, 1, 4)]
            assert model["converged"]
            penalty = sum(x * x for x in w) / sum(w) if tau2 == "reml" else 0.0
            assert_near(generalised_q(model["tau2"], 2), sum(w) - penalty, 1e-8)
    model, _ = fits(engine, "among others", "published", tau2="ml")["one exact, boundary"]
    assert model["converged"] is False


@engines
@pytest.mark.parametrize("tau2", ["dl", "reml", "pm", "eb"])
def test_an_exact_study_at_the_boundary(engine, tau2):
    for model, groups in both(engine, "published", "one exact, boundary", tau2):
        assert [model[name] for name in ("tau2", "mu", "se_mu", "converged")] == [0, 1, 0, True]
        assert [column(groups, name) for name in ("weight", "estimate", "se")] == [[1, 0, 0], [1] * 3, [0] * 3]


@engines
def test_separate_variance_of_zero(engine):
    """Variances 0, 8, 4 over 2, 2, 3 rows: v = 0, 4, 4/3, so tau2 = 4 keeps 1, 1/2, 3/4."""
    run = MODULE[engine]
    frame = rows({1: [3, 3], 2: [1, 5], 3: [8, 12, 10]})
    groups = by_key(run(pool.shrink, frame, "y", "g", sigma2="separate", tau2=4, mu=0))
    assert_near(column(groups, "weight"), [1, 1 / 2, 3 / 4], 1e-15)
    assert_near(column(groups, "estimate"), [3, 1.5, 7.5], 1e-15)
    assert [groups[1][name] for name in ("estimate", "se", "v")] == [3, 0, 0]
    frame = rows({1: [3, 3], 2: [-2, 2], 3: [7, 11, 9]})
    assert_near(run(pool.components, frame, "y", "g", sigma2="separate", tau2="dl")["tau2"].item(), 27.25 / 2, 1e-14)


@engines
def test_a_study_without_an_estimate_gets_mu_and_n_is_null_unless_set(engine):
    frame = published({1: (2, math.sqrt(2)), 2: (7, math.sqrt(4 / 3)), 3: (12, math.sqrt(2)), 4: (None, None)})
    model, groups = fit(MODULE[engine], frame, "y", {"se": "se"}, tau2=4)
    assert (model["groups"], model["n"]) == (3, None)
    assert column(groups, "n") == [None] * 4
    assert_near({key: row["estimate"] for key, row in groups.items()}, KNOWN_ESTIMATES, 1e-14)
    assert groups[4]["weight"] == 0
    assert_near(groups[4]["se"], math.sqrt(4 + 48 / 25), 1e-14)
    model, groups = fits(engine, "among others", "published", tau2="dl")["all equal"]
    assert (model["n"], column(groups, "n")) == (27, [9] * 3)


# ---- invalid data ------------------------------------------------------------------------------------------------


@engines
@pytest.mark.parametrize("bad", NOT_FINITE)
def test_not_finite_is_an_error_that_names_the_column(engine, bad):
    run, frame = MODULE[engine], rows({1: [1, 3], 2: [5, bad], 3: [4, 4.5]}, value="reading")
    for verb in (pool.shrink, *((pool.components, pool.moments, pool.encode) if math.isnan(bad) else ())):
        with pytest.raises(duckdb.Error, match="reading"):
            run(verb, frame, "reading", "g")
    with pytest.raises(duckdb.Error, match="reading"):
        run(pool.shrink, frame, "reading", "g", tau2=1.0)
    assert run(pool.moments, frame, "reading", "g", nan="null")["n"].sum() == 5


@engines
@pytest.mark.parametrize("bad", NOT_FINITE)
def test_not_finite_may_be_treated_as_null(engine, bad):
    frame = rows({1: [1, 3], 2: [5, bad, 7, 9], 3: [10, 14, bad], 4: [bad, bad]})
    groups = by_key(MODULE[engine](pool.shrink, frame, "y", "g", **KNOWN, nan="null"))
    assert_near({key: row["estimate"] for key, row in groups.items()}, KNOWN_ESTIMATES, 1e-14)


@engines
@pytest.mark.parametrize("bad", NOT_FINITE)
def test_not_finite_moments_and_studies(engine, bad):
    run = MODULE[engine]
    states = pl.DataFrame({"g": [1, 2, 3], "centre": [1.0, bad, 4.0], "n": [3, 4, 5], "var": [1.0, 2.0, 1.5]})
    effects = pl.DataFrame({"g": [1, 2, 3], "effect": [1.0, bad, 4.0], "se": [1.0, 1.0, 0.5]})
    for frame, value, options in ((states, "centre", MOMENTS), (effects, "effect", {"se": "se"})):
        with pytest.raises(duckdb.Error, match=value):
            run(pool.shrink, frame, value, "g", **options)
        assert by_key(run(pool.shrink, frame, value, "g", **options, nan="null"))[2]["weight"] == 0


@engines
@pytest.mark.parametrize("query", ["SELECT g FROM pool_shrink", "SELECT count(*) FROM pool_shrink"])
def test_not_finite_raises_even_if_only_keys_are_selected(engine, query):
    """The error does not depend on the result columns that the query selects."""
    database(engine).hold(rows({1: [1, 3], 2: [5, math.nan], 3: [4, 4.5]}, value="reading"))
    with pytest.raises(duckdb.Error, match="reading"):
        database(engine).ask(f"{query}(data, reading, g)")


@engines
def test_one_model_with_a_nan_is_an_error_for_all(engine):
    frame = rows({1: [1, 3], 2: [5, math.nan], 3: [4, 4.5], 4: [1, 2]}).with_columns(year=pl.col("g") % 2)
    with pytest.raises(duckdb.Error, match="'y'"):
        MODULE[engine](pool.shrink, frame, "y", "g", over="year")


@pytest.mark.share(2)
@engines
@pytest.mark.parametrize("bad", [-0.5, None, math.nan])
def test_bad_standard_errors_and_weights_are_named_and_counted(engine, bad):
    run = MODULE[engine]
    frame = pl.DataFrame({"g": [1, 2, 3, 4, 5], "y": [1.0, 2, 3, 4, 5], "stderr": [1, bad, 1, bad, 2]}, strict=False)
    for verb in (pool.shrink, pool.components):
        with pytest.raises(duckdb.Error, match=r"stderr.* in 2 rows"):
            run(verb, frame, "y", "g", se="stderr")
    load = pl.Series([1, bad, 1, bad, 2, bad, 1], dtype=pl.Float64, strict=False)
    frame = rows({1: [1, 3], 2: [5, 7, 9], 3: [10, 14]}).with_columns(load=load)
    for verb in (pool.shrink, pool.moments):
        with pytest.raises(duckdb.Error, match=r"load.* in 3 rows"):
            run(verb, frame, "y", "g", weights="load")
    beside_null = pl.DataFrame({"g": [1, 2, 3], "y": [1.0, None, 3], "se": [1, bad, 1]}, strict=False)
    assert by_key(run(pool.shrink, beside_null, "y", "g", se="se", tau2=1))[2]["weight"] == 0


@engines
@pytest.mark.parametrize(("name", "bad"), [("size", -1.0), ("size", 2.5), ("square", -0.25)])
def test_bad_stored_moments(engine, name, bad):
    states = {"g": [1, 2, 3, 4], "mean": [1.0, 2.0, 5.0, 4.0], "size": [3.0, 4, 5, 6], "square": [1.0, 2, 3, 4]}
    frame = pl.DataFrame(states | {name: [bad, *states[name][1:]]})
    for verb in (pool.shrink, pool.moments):
        with pytest.raises(duckdb.Error, match=name):
            MODULE[engine](verb, frame, "mean", "g", n="size", var="square")


@engines
@pytest.mark.parametrize("ignored", [None, -5.0, math.nan, 1e9])
def test_var_is_ignored_for_fewer_than_two_rows(engine, ignored):
    """A single row and a group without rows have no variance: SSW = 2 + 6 on 2 + 3 degrees of freedom."""
    states = {"g": [1, 2, 3, 4], "mean": [1.0, 2.0, 5.0, None], "n": [3, 4, 1, 0], "var": [1.0, 2.0, ignored, ignored]}
    frame = pl.DataFrame(states, strict=False)
    groups = by_key(MODULE[engine](pool.shrink, frame, "mean", "g", **MOMENTS, tau2=1))
    assert_near([groups[key]["v"] for key in (1, 2, 3)], [1.6 / 3, 1.6 / 4, 1.6], 1e-15)
    assert groups[4]["weight"] == 0
    merged = by_key(MODULE[engine](pool.merge, frame, "g"))
    assert merged[3] == {"g": 3, "n": 1, "mean": 5.0, "var": None}


@engines
def test_rows_of_weight_zero_are_ignored(engine):
    frame = rows({1: [1, 3, 50], 2: [5, -7, 7, 9], 3: [10, 14], 4: [3, 4]})
    frame = frame.with_columns(w=pl.Series([1.0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0]))
    model, groups = fit(MODULE[engine], frame, "y", {"weights": "w"}, **KNOWN)
    assert_near({key: row["estimate"] for key, row in groups.items()}, KNOWN_ESTIMATES, 1e-14)
    assert column(groups, "n") == [2, 3, 2, 0]
    assert (model["groups"], model["n"]) == (3, 7)
    moments = by_key(MODULE[engine](pool.moments, frame, "y", "g", weights="w"))
    assert moments[4]["n"] == 0
    assert_near([moments[1][name] for name in ("mean", "var", "w")], [2, 2, 2], 1e-15)


@engines
def test_weights_by_hand(engine):
    """Rows 1, 4 of weights 2, 1: mean 2, Σw(y - mean)² = 6, var 6, Σw = 3, v = sigma2 / 3."""
    frame = rows({1: [1, 4], 2: [3, 5]}).with_columns(w=pl.Series([2.0, 1, 4, 4]))
    model, groups = fit(MODULE[engine], frame, "y", {"weights": "w"}, tau2=1)
    assert_near(model["sigma2"], 7.0, 1e-15)  # (6 + 8) / (4 - 2): degrees of freedom count rows, not weights
    assert_near(column(groups, "v"), [7 / 3, 7 / 8], 1e-15)


@engines
@pytest.mark.parametrize("name", NOT_NUMERIC)
def test_values_that_are_not_numbers(engine, name):
    # Parquet files of Polars cannot express durations.
    query = "SELECT g, to_hours(g) AS reading FROM data" if name == "Duration" else "FROM data"
    database(engine).hold(pl.DataFrame({"g": [1, 1, 2], "reading": NOT_NUMERIC[name]}))
    database(engine).engine.run(f"CREATE OR REPLACE TABLE readings AS {query}")
    for verb in ("shrink", "components", "encode", "moments"):
        with pytest.raises(duckdb.Error, match=r"reading.*give a column of numbers"):
            database(engine).ask(f"FROM pool_{verb}(readings, reading, g)")


# ---- empty input ---------------------------------------------------------------------------------------------------


@engines
@pytest.mark.parametrize("key", [pl.Int32, pl.String])
def test_empty_input(engine, key):
    run, frame = MODULE[engine], pl.DataFrame(schema={"g": key, "year": key, "y": pl.Float64, "se": pl.Float64})
    assert run(pool.shrink, frame, "y", "g").schema == {"g": key, **STATISTICS}
    assert run(pool.shrink, frame, "y", "g", over="year", tau2="dl").schema == {"year": key, "g": key, **STATISTICS}
    assert run(pool.shrink, frame, "y", "g", se="se").schema == {"g": key, **STATISTICS}
    assert run(pool.components, frame, "y", "g").schema == MODEL
    over = run(pool.components, frame, "y", "g", over="year")
    assert over.schema == {"year": key, **MODEL}
    encoded = run(pool.encode, frame, "y", "g")
    assert encoded.schema == {**frame.schema, "estimate": pl.Float64}
    moments = run(pool.moments, frame, "y", "g")
    assert moments.schema == {"g": key, "n": pl.Int64, "mean": pl.Float64, "var": pl.Float64}
    assert [result.height for result in (over, encoded, moments)] == [0] * 3
    assert run(pool.merge, moments, "g").schema == moments.schema
    assert run(pool.shrink, moments, "mean", "g", **MOMENTS).schema == {"g": key, **STATISTICS}


# ---- iterations that do not converge, offsets, many groups ---------------------------------------------------------


@engines
def test_cross_validation_without_a_minimum_is_not_converged(engine):
    model, groups = fit(MODULE[engine], NO_FINITE_CV, "y", {}, tau2="cv")
    assert model["converged"] is False
    assert_near(column(groups, "estimate"), [-0.125, 0.0, 0.875 / 3], 1e-9, 1.0)


@engines
@pytest.mark.parametrize("offset", [1e6, -1e9, 1e12])
@pytest.mark.parametrize("tau2", ["anova", "he"])
def test_huge_offsets_keep_the_digits_of_rows(engine, offset, tau2):
    frame = offset_rows(offset)
    want = exact_anova(frame)
    model = MODULE[engine](pool.components, frame, "y", "g", tau2=tau2).row(0, named=True)
    assert_near([model["sigma2"], model["tau2"]], [float(want["sigma2"]), float(want[tau2])], 1e-11)


@engines
@pytest.mark.parametrize("offset", [1e6, -1e9])
def test_huge_offsets_from_stored_moments(engine, offset):
    """A Float64 mean at 1e9 holds the deviations to about 1e-7; tau2 has the same accuracy."""
    run, frame = MODULE[engine], offset_rows(offset)
    want = exact_anova(frame)
    states = pl.concat(
        [run(pool.moments, part, "y", "g") for part in (frame.gather_every(2), frame.gather_every(2, 1))]
    )
    model = run(pool.components, states, "mean", "g", **MOMENTS, tau2="anova").row(0, named=True)
    tolerance = 50 * abs(offset) * 2**-53
    assert_near([model["sigma2"], model["tau2"]], [float(want["sigma2"]), float(want["anova"])], tolerance)


@engines
@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"sigma2": "separate"}], ids=str)
def test_models_of_very_different_size(engine, options):
    """One model about 0 and one about 1e9: each keeps the digits that Float64 has at its size."""
    parts = [offset_rows(offset).with_columns(year=pl.lit(offset), w=1.0) for offset in (0.0, 1e9)]
    models = MODULE[engine](pool.components, pl.concat(parts), "y", "g", over="year", tau2="plugin", **options)
    for offset, model in by_key(models, "year").items():
        want = exact_anova(offset_rows(offset))
        tolerance = max(1e-11, 50 * offset * 2**-53)
        assert_near([model["sigma2"], model["tau2"]], [float(want["sigma2"]), float(want["plugin"])], tolerance)


@engines
def test_seventy_thousand_groups_and_one_of_many_rows(engine):
    """70,000² and 100,000² overflow 32 bits. Two rows c ± 1 per group, c = 0, 3, 6 in turn: sums are exact integers."""
    run, groups = MODULE[engine], 70_000
    frame = pl.select(g=pl.int_range(groups)).with_columns(c=(pl.col("g") % 3 * 3).cast(float))
    frame = pl.concat([frame.select("g", y=pl.col("c") - 1), frame.select("g", y=pl.col("c") + 1)])
    centres = [3 * (key % 3) for key in range(groups)]
    grand = sum(centres) / groups
    plugin = sum((c - grand) ** 2 for c in centres) / (groups - 1)
    for tau2 in ("anova", "dl", "reml"):
        model = run(pool.components, frame, "y", "g", tau2=tau2).row(0, named=True)
        assert (model["groups"], model["n"]) == (groups, 2 * groups)
        assert_near([model["sigma2"], model["tau2"], model["mu"]], [2, plugin - 1, grand], 1e-9, what=tau2)
    frame = rows({1: [0.0, 2.0] * 50_000, 2: [3.0, 5.0], 3: [6.0, 8.0]})
    model = run(pool.components, frame, "y", "g", tau2="anova").row(0, named=True)
    want = exact_anova(frame)
    assert_near([model["sigma2"], model["tau2"]], [float(want["sigma2"]), float(want["anova"])], 1e-12)
