"""The macros in both versions of DuckDB against truth.py: every estimator, variance within and centre.

A query of the macros is slow to plan and fast to run. All data sets of test_truth_moments.py are therefore models of
one query, and the engines alternate.
"""

from functools import cache
from itertools import cycle

import polars as pl
import pytest
import sqlpaths
import test_truth_moments as road
import truth
import ways
from grid import CLOSED_FORM, ITERATED
from sqlpaths import SQL_PATHS, checkerboard

import polars_pool as pool

METHODS = (*road.METHODS, "plugin")
SIGMA2 = 6.5  # a known variance for all data
engines = pytest.mark.parametrize("engine", SQL_PATHS)


@cache
def stacked(names):
    return pl.concat([road.frame(name).select(pl.lit(name).alias("name"), pl.all()) for name in names])


@cache
def asked(engine, verb, names, moments=False, **options):
    """{name: its rows} from one query, of rows or of stored moments."""
    weights = {} if names == road.UNWEIGHTED else {"weights": "weights"}
    run, table, value = SQL_PATHS[engine], stacked(names), "value"
    if moments:
        table, value = run(pool.moments, table, value, ["name", "by"], **weights), "mean"
        weights = {"n": "n", "var": "var"} | ({"weights": "w"} if weights else {})
    result = run(verb, table, value, "by", over="name", **weights, **options)
    assert set(result["name"]) == set(names)
    return {name: result.filter(name=name).drop("name") for name in names}


def answers(engine, verb, moments=False, **options):
    """(name, its rows) of all data sets, of weight 1 if they have none; with a pooled sigma2 in two queries.

    Without `--full` it is one of the two: with weights for every third estimator, without for the others.
    """
    together = [road.DATA]
    if options.get("sigma2") == "pooled":
        weighted = options["tau2"] in METHODS[::3]
        together = [road.UNWEIGHTED, road.WEIGHTED] if ways.full else [road.WEIGHTED if weighted else road.UNWEIGHTED]
    for names in together:
        yield from asked(engine, verb, names, moments, **options).items()


def within_reach(name, within, method):
    """Whether the table is short enough for N x N matrices; the files of lme4 have joint estimates of longer ones."""
    return within != "pooled" or method not in truth.LIKELIHOODS or road.groups(name).N <= 60


def assert_components(name, row, within, method, mu="gls"):
    known = mu if isinstance(mu, float) else None
    sigma2, tau2 = road.components(name, within, method, known)
    g, v, tolerance = road.groups(name), road.sampling(name, within, method, known), road.TOLERANCE[method]
    centre, se_mu = truth.centre(mu, g.mean, v, tau2, g.w)
    location, variance = road.scale(name)
    variance = variance if known is None else max(variance, (location - known) ** 2)
    assert (row["groups"], row["n"], row["converged"]) == (g.J, g.N, True)
    road.close(row["tau2"], tau2, tolerance, variance)
    road.close(row["mu"], centre, tolerance, location)
    road.close(row["se_mu"], se_mu, tolerance)
    if sigma2 is not None:
        road.close(row["sigma2"], sigma2, tolerance)
        road.close(row["icc"], tau2 / (tau2 + sigma2), tolerance, 1.0)


@pytest.mark.share(3)
@pytest.mark.parametrize(
    ("engine", "within", "method"), checkerboard(["pooled", "separate", "squeezed", SIGMA2], METHODS)
)
def test_components(engine, within, method):
    checked = 0
    for name, result in answers(engine, pool.components, sigma2=within, tau2=method):
        if within_reach(name, within, method):
            assert_components(name, result.row(0, named=True), within, method)
            checked += 1
    assert checked >= (6 if ways.full or within != "pooled" else 2)


@engines
@pytest.mark.parametrize(("within", "method"), [("pooled", "reml"), ("pooled", "anova"), ("separate", "pm")])
def test_components_from_stored_moments(engine, within, method):
    for name, result in answers(engine, pool.components, moments=True, sigma2=within, tau2=method):
        if within_reach(name, within, method):
            assert_components(name, result.row(0, named=True), within, method)


@pytest.mark.share(2)
@pytest.mark.parametrize(
    ("engine", "name", "method"),
    [(*turn, method) for turn, method in zip(cycle([("duckdb", "unbalanced"), ("shell", "weighted")]), METHODS)],
)
def test_known_mu(engine, name, method):
    """A single model is centred at a pivot, and so is its known mu."""
    weights = {"weights": "weights"} if name in road.WEIGHTED else {}
    mu = road.KNOWN_MU[name]
    result = SQL_PATHS[engine](pool.components, road.frame(name), "value", "by", tau2=method, mu=mu, **weights)
    assert_components(name, result.row(0, named=True), "pooled", method, mu)


@pytest.mark.share(2)
@pytest.mark.parametrize(
    ("engine", "of", "mu"), checkerboard([("pooled", 2.0), ("separate", "dl"), (SIGMA2, "dl")], road.CENTRES)
)
def test_centre_and_its_error(engine, of, mu):
    within, method = of
    for name, result in answers(engine, pool.components, sigma2=within, tau2=method, mu=mu):
        g, (sigma2, v), row = road.groups(name), road.setting(name, within), result.row(0, named=True)
        tau2 = method if method == 2.0 else road.components(name, within, method)[1]
        want = truth.centre(mu, g.mean, v, tau2, g.w, truth.plugin_weights(g, sigma2))
        road.close(row["mu"], want[0], CLOSED_FORM, road.scale(name)[0])
        road.close(row["se_mu"], want[1], CLOSED_FORM)


@engines
@pytest.mark.parametrize(("method", "mu"), [("reml", "gls"), ("dl", "shrunk")])
@pytest.mark.parametrize("uncertainty", ["mu", "conditional"])
def test_every_column_of_shrink(engine, method, mu, uncertainty):
    options = {"sigma2": "separate", "tau2": method, "mu": mu, "uncertainty": uncertainty, "level": 0.8}
    for name, result in answers(engine, pool.shrink, **options):
        g, tau2, got = road.groups(name), road.components(name, "separate", method)[1], result.sort("by")
        v = road.sampling(name, "separate", method)
        centre, se_mu = truth.centre(mu, g.mean, v, tau2, g.w, truth.plugin_weights(g))
        want = truth.shrunken(g.mean, v, tau2, centre, se_mu)
        se = want["se" if uncertainty == "mu" else "conditional"]
        z, tolerance, size = road.NormalDist().inv_cdf(0.9), road.TOLERANCE[method], road.scale(name)[0]
        assert got["by"].to_list() == g.keys
        assert got["n"].to_list() == g.n.tolist()
        for column, expected, about in [
            ("mean", truth.floats(g.mean), size),
            ("v", v, 0.0),
            ("weight", want["weight"], 0.0),
            ("estimate", want["estimate"], size),
            ("se", se, 0.0),
            ("lower", want["estimate"] - z * se, size),
            ("upper", want["estimate"] + z * se, size),
        ]:
            road.close(got[column].to_numpy(), expected, tolerance, about)


@engines
@pytest.mark.parametrize("known", [False, True], ids=["gls", "known mu"])
def test_cross_validation_is_really_refitting(engine, known):
    alone = "unbalanced"
    if known:
        result = SQL_PATHS[engine](
            pool.components, road.frame(alone), "value", "by", tau2="cv", mu=road.KNOWN_MU[alone]
        )
        models = {alone: result}
    else:
        models = asked(engine, pool.components, road.UNWEIGHTED, tau2="cv")
    for name, result in models.items():
        row, g = result.row(0, named=True), road.groups(name)
        tau2 = road.cross_validated(name, road.KNOWN_MU[name] if known else None)
        assert row["converged"] is True
        road.close(row["sigma2"], float(g.MSW), CLOSED_FORM)
        road.close(row["tau2"], tau2, ITERATED, road.scale(name)[1])
        if not known:
            centre = truth.centre("gls", g.mean, g.v(), tau2, g.w)
            road.close((row["mu"], row["se_mu"]), centre, ITERATED, road.scale(name)[0])


@engines
def test_a_known_mu_is_reported_as_given(engine):
    """A known number with a decimal point, which DuckDB reads as a decimal."""
    database = sqlpaths.database(engine)
    for offset in (0.0, 1e9):
        table = pl.DataFrame({"g": ["a", "a", "b", "b"], "y": [1.3 + offset, 2.1 + offset, 4.7 + offset, 8.2 + offset]})
        database.hold(table)
        assert database.ask("FROM pool_components(data, y, g, mu := 0.165)")["mu"].item() == 0.165
        shrunk = database.ask("FROM pool_shrink(data, y, g, mu := 0.165, tau2 := 0)")
        assert shrunk["estimate"].to_list() == [0.165, 0.165]


@engines
def test_heterogeneity_about_a_known_mu(engine):
    """A known mu takes no degree of freedom: the typical variance is J / sum(1 / v) (Higgins & Thompson 2002)."""
    studies = pl.DataFrame({"g": [1, 2, 3, 4], "y": [1.0, 4.0, 2.0, 9.0], "se": [0.5, 0.7, 0.4, 0.6]})
    row = SQL_PATHS[engine](pool.components, studies, "y", "g", se="se", tau2=7.0, mu=3.0).row(0, named=True)
    typical = 4 / (studies["se"] ** -2).sum()
    assert row["i2"] == pytest.approx(100 * 7 / (7 + typical), rel=1e-12)
    assert row["h2"] == pytest.approx((7 + typical) / typical, rel=1e-12)
