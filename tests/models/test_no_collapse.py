"""Estimators for data where tau2 is otherwise 0: chung, sure, morris and js, also for few and unequal groups."""

import math
import warnings

import grid
import numpy as np
import polars as pl
import pytest
import test_truth_moments as road
import truth
from frames import FRAME_PATHS, published, rows
from grid import CLOSED_FORM, ITERATED, PUBLISHED_PATHS, ROUNDING
from sqlpaths import MODULE, SQL_PATHS

import polars_pool as pool

ALL_PATHS = FRAME_PATHS | MODULE
paths = pytest.mark.parametrize("path", PUBLISHED_PATHS)
all_paths = pytest.mark.parametrize("run", ALL_PATHS.values(), ids=ALL_PATHS)


def in_turns(names):
    """Pairs (path, name): every name by every path, but alternating between the two versions of DuckDB."""
    engines = list(SQL_PATHS)
    return [
        (path, name)
        for place, name in enumerate(names)
        for path in PUBLISHED_PATHS
        if path not in engines or path == engines[place % 2]
    ]


# ---- chung -----------------------------------------------------------------------------------------------------------


@paths
def test_chung_of_eight_schools(path):
    """Chung et al. (2013), Psychometrika 78, section 5.1: maximum likelihood gives 0 here."""
    frame, by = grid.studies("meta_eight_schools")
    result = PUBLISHED_PATHS[path](pool.components, frame, "y", by, se="se", tau2="chung")
    assert result["converged"].item()
    assert math.sqrt(result["tau2"].item()) == pytest.approx(6.305349, abs=5e-7)


@all_paths
@pytest.mark.parametrize("groups", [2, 3, 1000])
def test_chung_of_means_that_agree(run, groups):
    """With equal v and equal means, J log(v + tau2) - log(tau2) has its minimum at v / (J - 1)."""
    frame = published(dict.fromkeys(range(groups), (5, 3)))
    model = run(pool.components, frame, "y", "g", se="se", tau2="chung").row(0, named=True)
    assert model["tau2"] == pytest.approx(9 / (groups - 1), rel=ITERATED)
    assert (model["mu"], model["converged"]) == (5, True)


@all_paths
def test_chung_of_two_means(run):
    """v = 2, means 1 apart, d² = 1/2: J / (v + t) - 1 / t = d² / (v + t)² is t² - t / 2 - 4 = 0."""
    frame = published({1: (0, math.sqrt(2)), 2: (1, math.sqrt(2))})
    result = run(pool.components, frame, "y", "g", se="se", tau2="chung")["tau2"].item()
    assert result == pytest.approx((0.5 + math.sqrt(16.25)) / 2, rel=ITERATED)


@all_paths
def test_chung_with_exact_means(run):
    """One exact mean cancels log(tau2), so the others determine tau2; two different exact means keep it positive."""
    se = {"se": "se", "tau2": "chung"}
    one = run(pool.components, published({1: (5, 0), 2: (5, 1), 3: (5.5, 1)}), "y", "g", **se).row(0, named=True)
    assert (one["tau2"], one["mu"], one["converged"]) == (0, 5, True)
    alike = run(pool.components, published({1: (5, 0), 2: (5, 0), 3: (5.5, 1)}), "y", "g", **se).row(0, named=True)
    assert (alike["tau2"], alike["mu"], alike["converged"]) == (0, 5, False)
    y, v = np.array([5.0, 6.0, 5.5]), np.array([1e-13, 1e-13, 1.0])
    two = run(pool.components, published({1: (5, 0), 2: (6, 0), 3: (5.5, 1)}), "y", "g", **se).row(0, named=True)
    assert two["tau2"] == pytest.approx(truth.chung_tau2(y, v), rel=1e-9)


# ---- sure ------------------------------------------------------------------------------------------------------------


def risk_at(y, v, tau2):
    """The risk at one tau2, or at several if y and v are columns."""
    return truth.sure_risk(y, v, tau2)


@pytest.mark.parametrize("seed", range(40))
def test_sure_is_the_least_risk_anywhere(seed):
    """Few studies with very unequal errors: the risk has several minima, and no point of a fine grid is lower."""
    rng = np.random.default_rng(seed)
    v = 10 ** rng.uniform(-2, 1.5, rng.integers(2, 9))
    y = rng.normal(0, np.sqrt(v + rng.choice([0, 0.5, 4])))
    frame = pl.DataFrame({"g": range(len(y)), "y": y, "se": np.sqrt(v)})
    result = pool.components(frame, "y", "g", se="se", tau2="sure").row(0, named=True)
    least = np.min(risk_at(y[:, None], v[:, None], np.array([0.0, *np.geomspace(1e-6, 1e4, 20_001)])))
    assert result["converged"]
    assert risk_at(y, v, result["tau2"]) <= least + 1e-12 * abs(least)
    assert result["tau2"] == pytest.approx(truth.sure_tau2(y, frame["se"].to_numpy() ** 2), rel=ITERATED, abs=1e-12)


@pytest.mark.share_of_duckdb(2)
@pytest.mark.parametrize(("path", "name"), in_turns(grid.META))
def test_sure_and_chung_of_published_estimates(name, path):
    frame, by = grid.studies(f"meta_{name}")
    y, v = frame["y"].to_numpy().astype(float), frame["se"].to_numpy().astype(float) ** 2
    for method in ("sure", "chung"):
        result = PUBLISHED_PATHS[path](pool.components, frame, "y", by, se="se", tau2=method).row(0, named=True)
        want = truth.tau2_given_v(method, y, v)
        centre = truth.centre("gls", y, v, want)
        assert result["converged"]
        assert result["tau2"] == pytest.approx(want, rel=ITERATED, abs=ROUNDING * np.max(v))
        assert (result["mu"], result["se_mu"]) == pytest.approx(centre, rel=ITERATED)


# ---- morris ----------------------------------------------------------------------------------------------------------


def morris(y, v, mu=None):
    """Results of shrink by truth.py: weight, estimate, se, conditional se."""
    tau2 = truth.tau2_given_v("morris", y, v, mu=mu)
    centre, se_mu = truth.centre("gls" if mu is None else mu, y, v, tau2)
    weight = truth.morris_weights(truth.floats(y), truth.floats(v), tau2, mu)
    conditional = np.sqrt(weight * truth.floats(v))
    return {
        "weight": weight,
        "estimate": weight * truth.floats(y) + (1 - weight) * centre,
        "se": np.hypot(conditional, (1 - weight) * se_mu),
        "conditional": conditional,
    }


def assert_morris(result, want, size):
    for name in want.keys() & set(result.columns):
        assert result[name].to_list() == pytest.approx(want[name].tolist(), rel=ITERATED, abs=ROUNDING * size), name


@pytest.mark.share(2)
@pytest.mark.parametrize("mu", [None, 1.0])
@pytest.mark.parametrize(("path", "name"), in_turns(["bcg", "eight_schools", "raudenbush1985"]))
def test_morris_of_published_estimates(name, mu, path):
    frame, by = grid.studies(f"meta_{name}")
    y, v = frame["y"].to_numpy().astype(float), frame["se"].to_numpy().astype(float) ** 2
    for uncertainty in ("mu", "conditional"):
        options = {"se": "se", "tau2": "morris", "mu": "gls" if mu is None else mu, "uncertainty": uncertainty}
        result = frame.select(by).join(PUBLISHED_PATHS[path](pool.shrink, frame, "y", by, **options), on=by, how="left")
        want = morris(y, v, mu)
        want["se"] = want["conditional"] if uncertainty == "conditional" else want["se"]
        assert_morris(result, want, max(abs(y)))


@pytest.mark.parametrize("path", grid.ROWS_PATHS)
@pytest.mark.parametrize("name", ["oneway_Dyestuff2", "unbalanced", "weighted"])
def test_morris_of_rows(name, path):
    g, weights = road.groups(name), {"weights": "weights"} if name in road.WEIGHTED else {}
    frame = road.frame(name).filter(pl.col("weights") > 0)
    result = grid.ROWS_PATHS[path](pool.shrink, frame, "value", "by", tau2="morris", **weights).sort("by")
    assert_morris(result, morris(g.mean, g.v()), max(map(abs, truth.floats(g.mean))))


@pytest.mark.parametrize("run", grid.ROW_PATHS.values(), ids=grid.ROW_PATHS)
def test_morris_for_each_row(run):
    g, frame = road.groups("unbalanced"), road.frame("unbalanced")
    want = dict(zip(g.keys, morris(g.mean, g.v())["estimate"], strict=True))
    result = run(frame, "value", "by", tau2="morris")
    assert list(result) == pytest.approx([want[key] for key in frame["by"]], rel=ITERATED)


@all_paths
def test_morris_where_all_means_agree(run):
    """tau2 = 0, but each of the six groups keeps 2 / (J - 1) of its own mean."""
    frame = published({g: (5, 1 + g) for g in range(6)})
    assert run(pool.components, frame, "y", "g", se="se", tau2="morris")["tau2"].item() == 0
    assert run(pool.shrink, frame, "y", "g", se="se", tau2="morris")["weight"].to_list() == pytest.approx([0.4] * 6)


@all_paths
def test_morris_and_a_group_without_rows(run):
    """Its estimate is mu, with variance tau2 about mu."""
    frame = rows({1: [1, 3], 2: [7, 8, 3], 3: [12, 15], 4: [2, 1], 5: [None]})
    model = run(pool.components, frame, "y", "g", tau2="morris").row(0, named=True)
    result = run(pool.shrink, frame, "y", "g", tau2="morris").filter(g=5).row(0, named=True)
    assert (result["n"], result["weight"]) == (0, 0)
    assert result["estimate"] == pytest.approx(model["mu"], rel=CLOSED_FORM)
    assert result["se"] == pytest.approx(math.sqrt(model["tau2"] + model["se_mu"] ** 2), rel=CLOSED_FORM)


@all_paths
@pytest.mark.parametrize("tau2", ["morris", "js"])
def test_exact_means_keep_their_own(run, tau2):
    frame = published({1: (1, 0), 2: (2, 0), 3: (6, 0), 4: (4, 0)})
    result = run(pool.shrink, frame, "y", "g", se="se", tau2=tau2).sort("g")
    assert (result["weight"].to_list(), result["se"].to_list()) == ([1] * 4, [0] * 4)
    assert result["estimate"].to_list() == [1, 2, 6, 4]


def test_morris_equals_james_stein_if_the_spread_exceeds_v():
    """For equal v, (J - 3)/(J - 1) · (J - 1) v / S = (J - 3) v / S."""
    frame = published({g: (y, 2) for g, y in enumerate([1, 9, 4, 7, -3, 0])})
    weights = [pool.shrink(frame, "y", "g", se="se", tau2=tau2)["weight"] for tau2 in ("morris", "js")]
    assert weights[0].to_list() == pytest.approx(weights[1].to_list(), rel=ITERATED)


# ---- undefined cases -------------------------------------------------------------------------------------------------

LEAST = {("js", "gls"): 4, ("js", 1.0): 3, ("morris", "gls"): 4, ("morris", 1.0): 3, ("chung", 1.0): 2}
few = pytest.mark.parametrize(("tau2", "mu"), LEAST)


@pytest.mark.share_of_duckdb(2)
@all_paths
@few
def test_too_few_groups(run, tau2, mu):
    """tau2 is null and not converged; other models are unaffected; a single group keeps its mean."""
    enough = LEAST[tau2, mu]
    frame = pl.concat(
        [
            rows({g: [g, g + 2.0] for g in range(enough)}).with_columns(model=1),
            rows({g: [g, g + 2.0] for g in range(enough - 1)}).with_columns(model=2),
            rows({0: [0.0, 4.0]}).with_columns(model=3),
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pool.ConvergenceWarning)
        models = run(pool.components, frame, "y", "g", over="model", tau2=tau2, mu=mu).sort("model")
        groups = run(pool.shrink, frame, "y", "g", over="model", tau2=tau2, mu=mu).sort("model", "g")
    assert models["tau2"].is_null().to_list() == [False, True, True]
    assert models["converged"].to_list() == [True, False, mu == "gls" or enough == 1]
    known = groups["weight"].is_not_null().to_list()
    assert known == [True] * enough + [enough == 2] * (enough - 1) + [True]
    assert groups["estimate"][-1] == 2


@few
def test_too_few_groups_warn(tau2, mu):
    frame = rows({g: [g, g + 2.0] for g in range(LEAST[tau2, mu] - 1)})
    for verb in (pool.components, pool.shrink):
        with pytest.warns(pool.ConvergenceWarning, match="too few groups for this estimator of tau2"):
            verb(frame, "y", "g", tau2=tau2, mu=mu)


UNEQUAL = (
    "tau2='js' is for groups of equal sampling variance, all of as many rows, and those of {} differ: 'morris' and "
    "'chung' fit them"
)
EQUAL = {g: [g, g + 2.0] for g in range(5)}


@all_paths
def test_james_stein_of_unequal_groups(run):
    frame = rows(EQUAL | {7: [1, 2, 3]})
    for verb in (pool.components, pool.shrink):
        with pytest.raises(Exception, match=UNEQUAL.format("1 model")):
            run(verb, frame, "y", "g", tau2="js")
    models = pl.concat([rows(EQUAL).with_columns(model=0), *(frame.with_columns(model=m) for m in (1, 2))])
    with pytest.raises(Exception, match=UNEQUAL.format("2 models")):
        run(pool.components, models, "y", "g", over="model", tau2="js")


@all_paths
@pytest.mark.parametrize("options", [{}, {"sigma2": 3.0}, {"weights": "w"}], ids=str)
def test_james_stein_of_equal_groups(run, options):
    """J = 5, means 1 to 5, S = 10, v = 1 (MSW = 2), 3/2 (sigma2 = 3), and with weights 4 again MSW / Σw = 1."""
    frame = rows(EQUAL).with_columns(w=pl.lit(4.0))
    v = 1.5 if "sigma2" in options else 1.0
    model = run(pool.components, frame, "y", "g", tau2="js", **options).row(0, named=True)
    assert model["tau2"] == pytest.approx(10 / 2 - v, rel=CLOSED_FORM)
    assert set(run(pool.shrink, frame, "y", "g", tau2="js", **options)["v"]) == {v}
