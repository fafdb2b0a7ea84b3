"""Every estimator, variance within and centre against independent computations, where no reference file exists.

The computations are in truth.py: metafor's projection matrices in exact fractions, N x N matrices for the joint
likelihoods, explicit refits for cross-validation. They are first compared with the results of metafor and lme4.
"""

import math
from functools import cache
from statistics import NormalDist

import grid
import numpy as np
import polars as pl
import pytest
import truth
from grid import CLOSED_FORM, ITERATED, ROUNDING, from_moments

import polars_pool as pool

METHODS = (*truth.CLOSED, *truth.ROOTS, *truth.LIKELIHOODS, *truth.SEARCHED)
CENTRES = ("gls", "rows", "groups", "shrunk")
WITHIN = ("pooled", "separate", "squeezed", "known")
PATHS = {"rows": lambda verb, *args, **options: verb(*args, **options), "moments": from_moments}
TOLERANCE = dict.fromkeys(METHODS, ITERATED) | dict.fromkeys((*truth.CLOSED, "plugin"), CLOSED_FORM)


# --- data: from the reference files, and simulated unbalanced data ---


def simulated(seed, sizes, tau, sigma, offset=0.0, weights=None):
    rng = np.random.default_rng(seed)
    keys = [f"g{j:02}" for j, n in enumerate(sizes) for _ in range(n)]
    centres = dict(zip(dict.fromkeys(keys), rng.normal(offset, tau, len(sizes)), strict=True))
    w = rng.choice(weights, len(keys)) if weights else np.ones(len(keys))
    y = [rng.normal(centres[key], sigma / math.sqrt(u or 1.0)) for key, u in zip(keys, w, strict=True)]
    return pl.DataFrame({"by": keys, "value": y, "weights": w})


@cache
def frame(name):
    if name in SIMULATED:
        return simulated(*SIMULATED[name])
    file = grid.vector(name)
    table = grid.read(file["input"], file["by"])
    weights = pl.col(file["weights"]) if "weights" in file else pl.lit(1.0)
    return table.select(by=file["by"], value=pl.col(file["value"]).cast(pl.Float64), weights=weights.cast(pl.Float64))


SIMULATED = {  # seed, group sizes, tau, sigma, offset, weights
    "unbalanced": (1, [1, 2, 9, 4, 1, 17, 3, 6], 2.0, 3.0, 50.0),
    "noisy": (2, [2, 3, 2, 12, 5, 1, 4], 0.5, 4.0),
    "weighted": (3, [5, 2, 8, 3, 11, 4], 1.5, 2.0, -20.0, [0.0, 0.5, 1.0, 2.5, 4.0]),
}
UNWEIGHTED = (
    "oneway_Dyestuff",
    "oneway_Dyestuff2",
    "oneway_Penicillin_plate",
    "oneway_radon",
    "unbalanced",
    "noisy",
)
WEIGHTED = ("credibility_hachemeister", "weighted")
DATA = (*UNWEIGHTED, *WEIGHTED)
KNOWN_MU = dict.fromkeys(DATA, 1.0) | {
    "oneway_Dyestuff": 1500.0,
    "oneway_Dyestuff2": 5.0,
    "oneway_Penicillin_plate": 23.0,
    "unbalanced": 49.0,
    "weighted": -20.5,
    "credibility_hachemeister": 1700.0,
}


@cache
def groups(name):
    table = frame(name)
    return truth.Groups(table["by"].to_list(), table["value"].to_list(), table["weights"].to_list())


def known_sigma2(name):
    return round(0.75 * float(groups(name).MSW), 3)


def setting(name, within):
    """The sigma2 argument, and the sampling variances that it implies; `within` may be a number."""
    sigma2 = known_sigma2(name) if within == "known" else within
    return sigma2, groups(name).v(sigma2)


def ask(path, verb, name, **options):
    weights = {"weights": "weights"} if name in WEIGHTED else {}
    return PATHS[path](verb, frame(name), "value", "by", **weights, **options)


def numbers(name, *columns):
    """Columns as fractions, or as long doubles if the matrices are too large for exact arithmetic."""
    if groups(name).J <= 24:
        return columns
    return tuple(np.array(truth.floats(c), dtype=np.longdouble) for c in columns)


@cache
def components(name, within, method, mu=None):
    """(sigma2, tau2) by truth.py; sigma2 is None if every group has its own."""
    g, (sigma2, v) = groups(name), setting(name, within)
    if within == "pooled" and method in truth.LIKELIHOODS:
        return truth.joint(g, method, mu)
    y, v, n = numbers(name, g.mean, v, g.w)
    known = None if mu is None else (truth.exact([mu])[0] if g.J <= 24 else np.longdouble(mu))
    tau2 = truth.plugin_tau2(y, known) if method == "plugin" else truth.tau2_given_v(method, y, v, n, known)
    return {"pooled": float(g.MSW), "separate": None, "squeezed": None}.get(within, sigma2), tau2


def sampling(name, within, method, mu=None):
    """v of the fitted model; joint likelihoods use their own sigma2."""
    if within == "pooled" and method in truth.LIKELIHOODS:
        return components(name, within, method, mu)[0] / truth.floats(groups(name).w)
    return truth.floats(setting(name, within)[1])


def scale(name):
    """The size of the means and of the variances, for results that are small differences of them."""
    g = groups(name)
    mean = truth.floats(g.mean)
    return np.abs(mean).max(), max(np.var(mean), float(max(g.v())), float(g.MSW))


def close(got, want, tolerance, size=0.0):
    assert got == pytest.approx(want, rel=tolerance, abs=ROUNDING * size)


# --- truth.py itself ---


@pytest.mark.parametrize("cell", grid.META_CELLS, ids=str)
def test_the_other_road_reaches_metafor(cell):
    table, _ = grid.studies(cell.vector)
    v = table["vi"] if "vi" in table.columns else table["se"] ** 2
    y, v = truth.exact(table["y"]), truth.exact(v)
    n = truth.exact(table["n"]) if "n" in table.columns else None
    method, want = cell.options["tau2"], cell.truth()
    tau2 = method if method == 0 else truth.tau2_given_v(method, y, v, n)
    close(tau2, want["tau2"], 1e-12 if method in truth.CLOSED else 1e-11)
    mu, se_mu = truth.centre(cell.options.get("mu", "gls"), y, v, tau2, n)
    close((mu, se_mu), (want["mu"], want["se_mu"]), 1e-12)


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("name", ["oneway_Dyestuff", "oneway_Dyestuff2", "oneway_Rail"])
def test_the_other_road_reaches_lme4(name, method):
    want = grid.vector(name)[method]["score_equation"]
    close(truth.joint(groups(name), method.lower()), (want["sigma2"], want["tau2"]), 1e-11)


# --- rows ---

data = pytest.mark.parametrize("name", DATA)
paths = pytest.mark.parametrize("path", PATHS)
within_ = pytest.mark.parametrize("within", WITHIN)
CASES = [
    (name, within, method)
    for name in DATA
    for within in WITHIN
    for method in (*METHODS, "plugin")
    # N x N matrices need short tables; for longer ones, the files of lme4 have the joint estimates
    if within != "pooled" or method not in truth.LIKELIHOODS or groups(name).N <= 60
]
cases = pytest.mark.parametrize(("name", "within", "method"), CASES)
by_turns = ("rows", "moments")  # each case by one of them; test_components uses both


@pytest.mark.share(2)
@paths
@cases
def test_components(name, within, method, path):
    got = ask(path, pool.components, name, sigma2=setting(name, within)[0], tau2=method).row(0, named=True)
    sigma2, tau2 = components(name, within, method)
    mu, se_mu = truth.centre("gls", groups(name).mean, sampling(name, within, method), tau2, groups(name).w)
    (location, variance), tolerance = scale(name), TOLERANCE[method]
    assert (got["groups"], got["n"], got["converged"]) == (groups(name).J, groups(name).N, True)
    close(got["tau2"], tau2, tolerance, variance)
    close(got["mu"], mu, tolerance, location)
    close(got["se_mu"], se_mu, tolerance)
    if sigma2 is not None:
        close(got["sigma2"], sigma2, tolerance)
        close(got["icc"], tau2 / (tau2 + sigma2), tolerance, 1.0)


@pytest.mark.share(2)
@pytest.mark.parametrize(
    ("name", "within", "method", "path"), [(*case, by_turns[i % 2]) for i, case in enumerate(CASES)]
)
def test_known_mu(name, within, method, path):
    mu = KNOWN_MU[name]
    options = {"sigma2": setting(name, within)[0], "tau2": method, "mu": mu}
    got = ask(path, pool.components, name, **options).row(0, named=True)
    sigma2, tau2 = components(name, within, method, mu)
    tolerance = TOLERANCE[method]
    assert got["se_mu"] == 0.0
    close(got["mu"], mu, CLOSED_FORM)
    close(got["tau2"], tau2, tolerance, max(scale(name)[1], (scale(name)[0] - mu) ** 2))
    if sigma2 is not None:
        close(got["sigma2"], sigma2, tolerance)


@pytest.mark.share(2)
@pytest.mark.share(2)
@pytest.mark.parametrize(
    ("method", "mu", "path"),
    [
        (method, mu, by_turns[(i + j) % 2])
        for i, method in enumerate(["anova", "dl", "plugin", "known"])
        for j, mu in enumerate(CENTRES)
    ],
)
@within_
@data
def test_centre_and_its_error(name, within, method, mu, path):
    g, (sigma2, v) = groups(name), setting(name, within)
    tau2 = 0.5 * float(g.MSW) if method == "known" else components(name, within, method)[1]
    given = tau2 if method == "known" else method
    got = ask(path, pool.components, name, sigma2=sigma2, tau2=given, mu=mu).row(0, named=True)
    want = truth.centre(mu, g.mean, v, tau2, g.w, truth.plugin_weights(g, sigma2))
    close(got["tau2"], tau2, CLOSED_FORM, scale(name)[1])
    close(got["mu"], want[0], CLOSED_FORM, scale(name)[0])
    close(got["se_mu"], want[1], CLOSED_FORM)


@pytest.mark.share(2)
@pytest.mark.parametrize("mu", [*CENTRES, "known"])
@pytest.mark.parametrize("method", ["reml", "dl", "plugin"])
@within_
@pytest.mark.parametrize("name", ["oneway_Dyestuff", "unbalanced", "weighted"])
def test_every_column_of_shrink(name, within, method, mu):
    g = groups(name)
    known = KNOWN_MU[name] if mu == "known" else None
    _, tau2 = components(name, within, method, known)
    v = sampling(name, within, method, known)
    plugin_weights = truth.plugin_weights(g, setting(name, within)[0])
    centre, se_mu = truth.centre(known if mu == "known" else mu, g.mean, v, tau2, g.w, plugin_weights)
    want = truth.shrunken(g.mean, v, tau2, centre, se_mu)
    options = {"sigma2": setting(name, within)[0], "tau2": method, "mu": known if mu == "known" else mu}
    z, tolerance, size = NormalDist().inv_cdf(0.9), TOLERANCE[method], scale(name)[0]
    for uncertainty, se in [("mu", want["se"]), ("conditional", want["conditional"])]:
        got = ask("rows", pool.shrink, name, level=0.8, uncertainty=uncertainty, **options)
        assert got["by"].to_list() == g.keys
        assert got["n"].to_list() == g.n.tolist()
        close(got["mean"].to_numpy(), truth.floats(g.mean), CLOSED_FORM, size)
        close(got["v"].to_numpy(), v, tolerance)
        close(got["weight"].to_numpy(), want["weight"], tolerance)
        close(got["estimate"].to_numpy(), want["estimate"], tolerance, size)
        close(got["se"].to_numpy(), se, tolerance)
        close(got["lower"].to_numpy(), want["estimate"] - z * se, tolerance, size)
        close(got["upper"].to_numpy(), want["estimate"] + z * se, tolerance, size)


@paths
@pytest.mark.parametrize("name", DATA)
def test_plugin_is_the_variance_of_the_means(name, path):
    got = ask(path, pool.components, name, tau2="plugin").row(0, named=True)
    y = groups(name).mean
    close(got["tau2"], float(sum((y - sum(y) / len(y)) ** 2) / (len(y) - 1)), CLOSED_FORM)
    close(got["sigma2"], float(groups(name).MSW), CLOSED_FORM)


@pytest.mark.parametrize(
    ("method", "sizes", "means", "boundary"),
    [
        ("ml", (2, 2, 30), (2.4, 0.4, 0.4), True),
        ("ml", (2, 2, 30), (2.5, 0.4, 0.4), False),
        ("reml", (30, 2, 30), (-0.6, 1.2, -0.6), True),
        ("reml", (30, 2, 30), (-0.6, 1.3, -0.6), False),
    ],
)
def test_the_higher_of_two_maxima(method, sizes, means, boundary):
    """A small group among large ones: the joint likelihood has a maximum at 0 and one in the interior."""
    rows = [(g, mean + (-1) ** i) for g, (n, mean) in enumerate(zip(sizes, means, strict=True)) for i in range(n)]
    sigma2, tau2 = truth.joint(truth.Groups(*zip(*rows, strict=True)), method)
    table = pl.DataFrame(rows, schema=["g", "y"], orient="row")
    got = pool.components(table, "y", "g", tau2=method).row(0, named=True)
    assert (tau2 == 0) == boundary
    close(got["tau2"], tau2, ITERATED, 1.0)
    close(got["sigma2"], sigma2, ITERATED)


@cache
def cross_validated(name, mu=None):
    return truth.cv_tau2(groups(name), mu)


@paths
@pytest.mark.parametrize("known", [False, True], ids=["gls", "known mu"])
@pytest.mark.parametrize("name", UNWEIGHTED)
def test_cross_validation_is_really_refitting(name, known, path):
    mu = KNOWN_MU[name] if known else None
    got = ask(path, pool.components, name, tau2="cv", mu=mu if known else "gls").row(0, named=True)
    tau2 = cross_validated(name, mu)
    assert got["converged"] is True
    close(got["sigma2"], float(groups(name).MSW), CLOSED_FORM)
    close(got["tau2"], tau2, ITERATED, scale(name)[1])
    if not known:
        centre = truth.centre("gls", groups(name).mean, groups(name).v(), tau2, groups(name).w)
        close((got["mu"], got["se_mu"]), centre, ITERATED, scale(name)[0])


# --- published estimates ---


@pytest.mark.parametrize("method", [*METHODS, "plugin"])
@pytest.mark.parametrize("name", grid.META)
def test_published_estimates_about_a_known_mu(name, method):
    table, by = grid.studies(f"meta_{name}")
    columns = {"se": "se"} | ({"n": "n"} if "n" in table.columns else {})
    if method == "anova" and "n" not in table.columns:
        table, columns = table.with_columns(n=pl.int_range(3, 3 + pl.len())), {"se": "se", "n": "n"}
    mu = float(np.median(table["y"].to_numpy())) + 0.125
    n = truth.exact(table["n"]) if "n" in table.columns else None
    y, v = truth.exact(table["y"]), truth.exact(table["se"]) ** 2
    if len(y) > 24:
        y, v, n = (None if x is None else np.array(truth.floats(x), dtype=np.longdouble) for x in (y, v, n))
    known = truth.exact([mu])[0] if len(y) <= 24 else np.longdouble(mu)
    want = truth.plugin_tau2(y, known) if method == "plugin" else truth.tau2_given_v(method, y, v, n, known)
    got = pool.components(table, "y", by, tau2=method, mu=mu, **columns).row(0, named=True)
    spread = float(max((y - known) ** 2)) + float(max(v))
    assert (got["se_mu"], got["converged"]) == (0.0, True)
    close(got["mu"], mu, CLOSED_FORM)
    close(got["tau2"], want, TOLERANCE[method], spread)


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_a_known_mu_is_reported_as_given(offset):
    table = pl.DataFrame({"g": ["a", "a", "b", "b"], "y": [1.3 + offset, 2.1 + offset, 4.7 + offset, 8.2 + offset]})
    assert pool.components(table, "y", "g", mu=0.165)["mu"].item() == 0.165
    assert pool.shrink(table, "y", "g", mu=0.165, tau2=0)["estimate"].to_list() == [0.165, 0.165]


@pytest.mark.parametrize("method", [*METHODS, "plugin"])
def test_published_estimates_with_sizes(method):
    """bcg reports the number of people in every trial, so that every centre is defined."""
    table, by = grid.studies("meta_bcg")
    y, v, n = truth.exact(table["y"]), truth.exact(table["se"]) ** 2, truth.exact(table["n"])
    tau2 = truth.plugin_tau2(y) if method == "plugin" else truth.tau2_given_v(method, y, v, n)
    for mu in ("gls", "rows", "groups"):
        got = pool.components(table, "y", by, se="se", n="n", tau2=method, mu=mu).row(0, named=True)
        close(got["tau2"], tau2, TOLERANCE[method])
        close((got["mu"], got["se_mu"]), truth.centre(mu, y, v, tau2, n), TOLERANCE[method])
