"""Rates and counts in both DuckDBs, against R, distributions of SciPy, and scores by finite sums.

A query is slow to plan, so all data sets are models of one query.
"""

import ast
import json
import math
import re
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import shells
import sqlpaths
import ways
from scipy import special, stats
from test_duckdb_plans import parsed

import polars_pool as pool
from polars_pool.numerics import rising

engines = pytest.mark.parametrize("engine", sqlpaths.SQL_PATHS)
families = pytest.mark.parametrize("family", ["rates", "counts"])
VECTORS = Path(__file__).parents[1] / "vectors"
INFINITY = math.inf
TWO = {"rates": ["alpha", "beta"], "counts": ["shape", "rate"]}
GROUPS = ["n", "mean", "weight", "estimate", "se", "lower", "upper"]


def names_of_components(family):
    a, b = TWO[family]
    return ["groups", "n", a, b, "mean", f"se_log_{a}", f"se_log_{b}", "rho", "log_likelihood", "converged"]


def rows(engine, query, frame=None):
    database = sqlpaths.database(engine)
    if frame is not None:
        database.hold(frame)
    return database.ask(query).to_dicts()


def shrink(engine, family, frame, by="g", x="x", n="n", uncertainty="conditional", **options):
    """A result given the prior; test_rates_intervals.py tests the error of its mean."""
    call = sqlpaths.call(f"pool_shrink_{family}", x, n, by, uncertainty=uncertainty, **options)
    return rows(engine, call, frame)


def components(engine, family, frame, by="g", x="x", n="n", **options):
    return rows(engine, sqlpaths.call(f"pool_components_{family}", x, n, by, **options), frame)


def close(result, expected, tolerance, about=0.0):
    assert result == pytest.approx(expected, rel=tolerance, abs=about)


# ---- series ----------------------------------------------------------------------------------------------------------


def log_gamma_rest(z):
    """log Gamma(z) less (z - 1/2) log z - z + log(2 pi) / 2 of an integer, with 60 digits."""
    with localcontext(prec=60):
        half_log = Decimal("0.918938533204672741780329736405617639861397473637783412817152")  # log(2 pi) / 2
        log = Decimal(math.factorial(z - 1)).ln()
        return float(log - ((z - Decimal("0.5")) * Decimal(z).ln() - z + half_log))


def test_the_series_of_stirling_are_those_of_numpy():
    """sql/parts/rates/likelihood.sql and numerics/rising.py write the same coefficients: neither may change alone."""
    z = np.array([16, 31, 37, 64, 100, 1000, 10**6], dtype=float)
    u = 1 / z
    series, slopes, bends = (rising._series(u, c) for c in (rising.STIRLING, rising.SLOPES, rising.CURVATURES))
    query = """SELECT _pool_stirling_rest(1 / z, 1 / (z * z)) AS rest, _pool_stirling_slope(1 / (z * z)) AS slope,
        _pool_stirling_bend(1 / z, 1 / (z * z)) AS bend, _pool_log_gamma_rest(z, 1 / (z * z)) AS log
        FROM data ORDER BY z"""
    result = pl.DataFrame(rows("duckdb", query, pl.DataFrame({"z": z})))
    close(result["rest"].to_list(), series.tolist(), 1e-15)
    close(result["slope"].to_list(), (u * slopes).tolist(), 1e-15)
    close(result["bend"].to_list(), (u * u * bends).tolist(), 1e-15)
    close(result["log"].to_list()[:5], [log_gamma_rest(int(x)) for x in z[:5]], 1e-14)


def test_derivatives_of_log_gamma_by_the_recurrence_are_those_of_scipy():
    z = np.array([1e-6, 0.01, 0.5, 1.4616, 3.0, 9.99, 14.9])
    query = """SELECT _pool_digamma_rest(z, z + 15, 1 / ((z + 15) * (z + 15))) AS slope,
        _pool_trigamma_rest(z, z + 15, 1 / ((z + 15) * (z + 15))) AS bend FROM data ORDER BY z"""
    result = pl.DataFrame(rows("duckdb", query, pl.DataFrame({"z": z})))
    close(result["slope"].to_list(), (special.digamma(z) - np.log(z) + 0.5 / z).tolist(), 1e-11)
    close(result["bend"].to_list(), (special.polygamma(1, z) - 1 / z - 0.5 / z**2).tolist(), 1e-11)


# ---- R ---------------------------------------------------------------------------------------------------------------

FILES = {
    "bball1970": ("bball1970", "Hits", "AB", ["Player"]),
    "cbpp_by_herd": ("cbpp", "incidence", "size", ["herd"]),
    "rat_tumors": ("rat_tumors", "y", "K", ["group"]),
    "pumps": ("pumps", "failures", "thousand_hours", ["pump"]),
    "insurance_cells": ("insurance", "Claims", "Holders", ["District", "Group", "Age"]),
    "insurance_district_group": ("insurance", "Claims", "Holders", ["District", "Group"]),
}
CASES = {"rates": list(FILES)[:3], "counts": list(FILES)[3:]}
PREFIX = {"rates": "betabinomial", "counts": "gammapoisson"}


@cache
def told(family):
    """The numbers of R by data set, and all data in one table."""
    truths = {
        name: json.loads((VECTORS / f"{PREFIX[family]}_{name}.json").read_text(encoding="utf-8"))
        for name in CASES[family]
    }
    frames = []
    for name in CASES[family]:
        file, x, n, keys = FILES[name]
        frame = pl.read_csv(VECTORS / "data" / f"{file}.csv", schema_overrides=dict.fromkeys(keys, pl.String))
        key = pl.concat_str(keys, separator="|").alias("g")
        frames.append(frame.select(pl.lit(name).alias("name"), key, pl.col(x, n).cast(pl.Float64).name.map(rename)))
    return truths, pl.concat(frames)


def rename(name):
    return "x" if name in {"Hits", "incidence", "y", "failures", "Claims"} else "n"


@engines
@families
def test_components_of_r(engine, family):
    truths, frame = told(family)
    result = components(engine, family, frame, over="name")
    assert list(result[0]) == ["name", *names_of_components(family)]
    assert {row["name"] for row in result} == set(truths)
    for row in result:
        truth = truths[row["name"]]
        for name in (*TWO[family], "mean", *(f"se_log_{name}" for name in TWO[family])):
            close(row[name], truth[name], 1e-7)
        close(row["log_likelihood"], truth["logLik"], 1e-9)
        sums = frame.filter(name=row["name"])["n"].sum()
        close([row["groups"], row["n"]], [truth["n_groups"], sums], 1e-12)
        close(row["rho"], truth["rho"] if family == "rates" else 1 / truth["shape"], 1e-7)
        assert row["converged"] is True


@engines
@families
def test_groups_of_r(engine, family):
    truths, frame = told(family)
    result = {(row["name"], row["g"]): row for row in shrink(engine, family, frame, over="name", posterior=True)}
    assert list(next(iter(result.values()))) == ["name", "g", *GROUPS, *TWO[family]]
    assert len(result) == sum(truth["n_groups"] for truth in truths.values())
    for name, truth in truths.items():
        groups = truth["groups"]
        size = truth["alpha"] + truth["beta"] if family == "rates" else truth["rate"]
        sizes = groups["n"] if family == "rates" else groups["exposure"]
        raw = groups["raw"] if family == "rates" else groups["raw_rate"]
        told_of = zip(
            groups["group"], sizes, raw, *(groups[c] for c in ("post_mean", "post_sd", "q025", "q975")), strict=True
        )
        for i, (key, n, mean, estimate, sd, lower, upper) in enumerate(told_of):
            row = result[name, str(key)]
            close([row["n"], row["mean"]], [n, mean], 1e-12)
            close(row["weight"], n / (n + size), 1e-7)
            close(row["estimate"], estimate, 1e-9)
            close([row["se"], row["lower"], row["upper"]], [sd, lower, upper], 1e-8)
            close([row[c] for c in TWO[family]], [groups[f"post_{c}"][i] for c in TWO[family]], 1e-7)


# ---- scores ----------------------------------------------------------------------------------------------------------


def rest(a, numbers, signs):
    """From sums over i < m of 1 / (a + i): a times the sum minus m, and its derivative by log a."""
    i = np.arange(int(max(numbers, default=0)))
    count = np.array([signs * (numbers > j).sum() for j in i])
    return -count * i / (a + i), count * i * a / (a + i) ** 2


def score_of_rates(x, n, row):
    """Score and information by the logit of the mean and the log of alpha + beta."""
    alpha, beta = row["alpha"], row["beta"]
    size = alpha + beta
    m = alpha / size
    (rx, dx), (ry, dy), (rn, dn) = rest(alpha, x, 1), rest(beta, n - x, 1), rest(size, n, -1)
    score = [math.fsum([*((1 - m) * rx), *(-m * ry), x.sum(), -m * n.sum()]), math.fsum([*rx, *ry, *rn])]
    both = math.fsum([*((1 - m) * dx), *(-m * dy)])
    first = (1 - m) ** 2 * dx.sum() + m * m * dy.sum() - m * (1 - m) * (rx.sum() + ry.sum() + n.sum())
    return np.array(score), -np.array([[first, both], [both, math.fsum([*dx, *dy, *dn])]])


def score_of_counts(x, n, row):
    """Score and information by the logs of the mean and of the shape, relative to the Poisson model."""
    shape, mu = row["shape"], row["mean"] * n
    t = mu / shape
    # log(1 + t) - t by its series, until the terms are below rounding
    logs = np.where(
        t < 0.1, sum((-1) ** (k + 1) * np.minimum(t, 0.1) ** k / k for k in range(18, 1, -1)), np.log1p(t) - t
    )
    r, d = rest(shape, x, 1)
    pull = (x - mu) * t / (1 + t)
    score = [math.fsum([*x, *-mu, *-pull]), math.fsum([*r, *(-shape * logs), *pull])]
    # d/dv of shape * logs is shape * logs + mu t / (1 + t), of (x - mu) t / (1 + t) is -(x - mu) t / (1 + t)^2
    both = math.fsum((x - mu) * t / (1 + t) ** 2)
    last = math.fsum([*d, *(-shape * logs - mu * t / (1 + t)), *(-(x - mu) * t / (1 + t) ** 2)])
    return np.array(score), -np.array([[-math.fsum(mu * (1 + x / shape) / (1 + t) ** 2), both], [both, last]])


SCORES = {"rates": score_of_rates, "counts": score_of_counts}


MODELS = 120 if ways.full else 60


def drawn_rates(rng, model):
    groups, most = int(rng.integers(2, 40)), [6, 60, 400, 2000][model % 4]
    n = rng.integers(1, most, groups)
    size, mean = 10 ** rng.uniform(-1, 4), rng.uniform(0.02, 0.98)
    x = rng.binomial(n, rng.beta(mean * size, (1 - mean) * size, groups))
    return pl.DataFrame({"x": x, "n": n.astype(np.float64)})


def drawn_counts(rng, model):
    groups = int(rng.integers(2, 40))
    n = rng.uniform(0.1, [2, 30, 500][model % 3], groups)
    shape, mean = 10 ** rng.uniform(-1, 4), 10 ** rng.uniform(-2, 1)
    return pl.DataFrame({"x": rng.poisson(n * rng.gamma(shape, mean / shape, groups)), "n": n})


# Data that vary by hardly more than chance: a size of 1e8 and more.
NEAR = {
    "rates": pl.DataFrame({"x": [10100, 9900, 10001, 9999], "n": [20000.0] * 4}),
    "counts": pl.DataFrame({"x": [10141, 9859, 10011, 9989], "n": [1.0] * 4}),
}


@cache
def many(family):
    rng = np.random.default_rng(7)
    draw = drawn_rates if family == "rates" else drawn_counts
    frames = [*(draw(rng, model) for model in range(MODELS)), NEAR[family]]
    return pl.concat([frame.with_row_index("g").with_columns(model=pl.lit(i)) for i, frame in enumerate(frames)])


def varies(family, x, n):
    """The excess of the variance of x over chance, relative to chance; a positive excess gives an interior maximum."""
    mean = x.sum() / n.sum()
    squares = ((x - n * mean) ** 2).sum()
    chance = mean * (1 - mean) * n.sum() if family == "rates" else x.sum()
    return squares / chance - 1 if chance else 0.0


@cache
def found_many(engine, family):
    return components(engine, family, many(family), over="model")


@engines
@families
def test_the_score_is_zero(engine, family):
    """The score at the estimates; with groups of similar size the maximum is unique (Levin & Reeds 1977)."""
    frame = many(family)
    result = found_many(engine, family)
    pooled = searched = 0
    data = {
        key: (d["x"].to_numpy() * 1.0, d["n"].to_numpy())
        for (key,), d in frame.partition_by("model", as_dict=True).items()
    }
    for row in result:
        x, n = data[row["model"]]
        a, b = (row[name] for name in TWO[family])
        assert row["converged"]
        if family == "rates" and ((x == 0) | (x == n)).all() and varies(family, x, n) > 1e-9:
            assert (a, b, row["rho"]) == (0, 0, 1)  # all or no events: the likelihood increases as the size decreases
            close(row["mean"], (x == n).mean(), 1e-12)
        elif varies(family, x, n) > 1e-9:
            searched += 1
            score, information = SCORES[family](x, n, row)
            assert (np.linalg.eigvalsh(information) > 0).all()
            step = np.abs(np.linalg.solve(information, score)).max()
            assert step < (1e-5 if row["model"] == MODELS else 2e-10), row
            close(row["mean"], a / (a + b) if family == "rates" else a / b, 1e-12)
            covariance = np.linalg.inv(information)
            m = row["mean"]
            arms = [(1 - m, 1), (-m, 1)] if family == "rates" else [(0, 1), (-1, 1)]
            errors = [math.sqrt(np.array(arm) @ covariance @ arm) for arm in arms]
            close([row[f"se_log_{name}"] for name in TWO[family]], errors, 1e-4 if row["model"] == MODELS else 1e-7)
            law = stats.betabinom(n, a, b) if family == "rates" else stats.nbinom(a, b / (b + n))
            if a < 1e6:
                close(row["log_likelihood"], law.logpmf(x).sum(), 1e-9, 1e-9)
        else:
            pooled += 1
            assert_pooled(family, row, x, n)
    assert searched > MODELS / 2
    assert pooled > MODELS / 15
    near = next(row for row in result if row["model"] == MODELS)
    assert near[TWO[family][0]] > 5e7


def log_probability(family, x, n, a, b):
    """The log likelihood of x, by finite sums."""

    def rise(a, m):
        i = np.arange(m)
        return np.log1p((a - 1) / (i + 1))

    if family == "rates":
        return math.fsum([*rise(a, x), *rise(b, n - x), *-rise(a + b, n)])
    return math.fsum([*rise(a, x), -a * math.log1p(n / b), -x * math.log1p(b / n)])


@engines
@families
def test_a_large_group_does_not_hide_how_small_ones_differ(engine, family):
    """Its events are as expected by chance and dominate the sum of squares, but not the likelihood."""
    large = 20_000.0 if family == "rates" else 40_000.0
    x = np.array([0, 10 if family == "rates" else 20] * 10 + [large])
    n = np.array([10] * 20 + [40_000.0])
    frame = pl.DataFrame({"x": x, "n": n}).with_row_index("g")
    [row] = components(engine, family, frame)
    assert varies(family, x, n) < 0
    assert row["converged"]
    score, information = SCORES[family](x, n, row)
    assert np.abs(np.linalg.solve(information, score)).max() < 1e-9
    given = [row[name] for name in TWO[family]]
    close(row["log_likelihood"], sum(log_probability(family, *group, *given) for group in zip(x, n, strict=True)), 1e-9)


def assert_pooled(family, row, x, n):
    mean = x.sum() / n.sum()
    a, b = TWO[family]
    assert (row[a], row[b], row["rho"], row["converged"]) == (INFINITY, INFINITY, 0, True)
    assert (row[f"se_log_{a}"], row[f"se_log_{b}"]) == (None, None)
    close(row["mean"], mean, 1e-14)
    law = stats.binom(n, mean) if family == "rates" else stats.poisson(n * mean)
    close(row["log_likelihood"], law.logpmf(x).sum(), 1e-9, 1e-9)


@engines
@families
def test_models_of_over_equal_single_models(engine, family):
    together = {row["model"]: row for row in found_many(engine, family)}
    for model in (3,):
        (alone,) = components(engine, family, many(family).filter(model=model).drop("model"))
        for name in names_of_components(family):
            assert (alone[name] is None) == (together[model][name] is None)
            close(alone[name] or 0.0, together[model][name] or 0.0, 1e-9)


# ---- other priors ----------------------------------------------------------------------------------------------------

PAIRS = pl.DataFrame(
    {
        "g": list("abcdefgh"),
        "x": [3, 0, 12, 40, 7, 1, 0, None],
        "n": [10, 4, 12, 900, 7, 30, 1, 5],
    }
)
PRIORS = {"rates": ["beta(2, 5)", "beta(0.3, 0.02)", " beta( 2000,5e3 ) "], "counts": ["gamma(3, 1)", "gamma(0.2, 40)"]}
NUMBERS = {
    prior: [float(p) for p in prior.split("(")[1].rstrip(") ").split(",")] for p in PRIORS.values() for prior in p
}


@families
@pytest.mark.parametrize(("engine", "which"), [("duckdb", 0), ("duckdb", 1), ("shell", 1), ("duckdb", 2)])
def test_known_priors(engine, family, which):
    if which >= len(PRIORS[family]):
        return
    prior, threshold, level = PRIORS[family][which], 0.25, 0.9
    a, b = NUMBERS[prior]
    result = shrink(engine, family, PAIRS, prior=prior, threshold=threshold, level=level, posterior=True)
    assert list(result[0]) == ["g", *GROUPS, "p_above", "pep", "q_value", *TWO[family]]
    peps = []
    for row in sorted(result, key=lambda row: row["g"]):
        x, n = (0 if row["g"] == "h" else value for value in PAIRS.filter(g=row["g"]).select("x", "n").row(0))
        assert row["n"] == n
        assert row["mean"] == (x / n if n else None)
        after = (a + x, b + n - x if family == "rates" else b + n)
        law = stats.beta(*after) if family == "rates" else stats.gamma(after[0], scale=1 / after[1])
        close([row[name] for name in TWO[family]], after, 1e-12)
        close(row["weight"], n / (n + (a + b if family == "rates" else b)), 1e-13)
        close([row["estimate"], row["se"]], [law.mean(), law.std()], 1e-12)
        close([row["lower"], row["upper"]], law.ppf([0.05, 0.95]), 1e-9, 1e-290)
        close([row["pep"], row["p_above"]], [law.cdf(threshold), law.sf(threshold)], 1e-10)
        peps.append(row["pep"])
    for row in result:
        close(row["q_value"], np.mean([pep for pep in peps if pep <= row["pep"]]), 1e-12)


@engines
@families
def test_components_of_known_priors(engine, family):
    prior = PRIORS[family][0]
    a, b = NUMBERS[prior]
    (row,) = components(engine, family, PAIRS, prior=prior)
    data = PAIRS.drop_nulls()
    x, n = data["x"].to_numpy(), data["n"].to_numpy()
    law = stats.betabinom(n, a, b) if family == "rates" else stats.nbinom(a, b / (b + n))
    one, two = TWO[family]
    expected = [7, n.sum(), a, b, a / (a + b) if family == "rates" else a / b]
    close([row[name] for name in ("groups", "n", one, two, "mean")], expected, 1e-14)
    assert (row[f"se_log_{one}"], row[f"se_log_{two}"], row["converged"]) == (None, None, True)
    close(row["rho"], 1 / (1 + a + b) if family == "rates" else 1 / a, 1e-14)
    close(row["log_likelihood"], law.logpmf(x).sum(), 1e-12)


@engines
def test_tails_keep_their_digits(engine):
    """A posterior error probability of 1e-200 is not rounded to 0, and neither is the probability of an excess."""
    frame = pl.DataFrame({"g": ["high", "low"], "x": [600, 2], "n": [1000, 1000]})
    for family, prior in [("rates", "beta(2, 5)"), ("counts", "gamma(3, 1)")]:
        result = {row["g"]: row for row in shrink(engine, family, frame, prior=prior, threshold=0.2)}
        a, b = NUMBERS[prior]
        for key, x, side in [("high", 600, "pep"), ("low", 2, "p_above")]:
            law = stats.beta(a + x, b + 1000 - x) if family == "rates" else stats.gamma(a + x, scale=1 / (b + 1000))
            expected = law.cdf(0.2) if side == "pep" else law.sf(0.2)
            assert 0 < expected < 1e-60
            close(result[key][side], expected, 1e-9)


def moments_of_rates(x, n):
    mean, total = x.sum() / n.sum(), n.sum()
    noise = mean * (1 - mean)
    S, share = (n * (x / n - mean) ** 2).sum(), 1 - n / total  # noqa: N806
    rho = (S - noise * share.sum()) / (noise * ((n * share).sum() - share.sum()))
    return mean, (1 - rho) / rho if rho > 0 else INFINITY


def moments_of_counts(x, n):
    mean, total = x.sum() / n.sum(), n.sum()
    tau2 = ((n * (x / n - mean) ** 2).sum() - (len(x) - 1) * mean) / (total - (n**2).sum() / total)
    return mean, mean**2 / tau2 if tau2 > 0 else INFINITY


@engines
@families
def test_moments(engine, family):
    frame = many(family).filter(pl.col("model").is_between(0, 60))
    result = components(engine, family, frame, over="model", prior="moments")
    assert len(result) == 61
    estimated = pooled = 0
    for row in result:
        data = frame.filter(model=row["model"])
        x, n = data["x"].to_numpy() * 1.0, data["n"].to_numpy()
        if varies(family, x, n) == 0:
            assert row[TWO[family][0]] == INFINITY
            continue
        mean, size = (moments_of_rates if family == "rates" else moments_of_counts)(x, n)
        a, b = TWO[family]
        assert (row[f"se_log_{a}"], row[f"se_log_{b}"], row["converged"]) == (None, None, True)
        close(row["mean"], mean, 1e-12)
        if size == INFINITY:
            pooled += 1
            assert_pooled(family, row, x, n)
        elif size <= 0 or not np.isfinite(size):
            assert (row[a], row[b], row["rho"]) == (0, 0, 1)  # more than the largest possible variance between groups
        else:
            estimated += 1
            expected = (mean * size, (1 - mean) * size) if family == "rates" else (size, size / mean)
            close([row[a], row[b]], expected, 1e-8)
    assert estimated > 15
    assert pooled > 4


# ---- degenerate data -------------------------------------------------------------------------------------------------


def groups_of(x, n):
    return pl.DataFrame({"g": range(len(x)), "x": x, "n": n}, schema={"g": pl.Int64, "x": pl.Int64, "n": pl.Int64})


DEGENERATE = {
    "alike": groups_of([3, 3, 4, 3], [10, 10, 12, 10]),
    "none": groups_of([0, 0, 0], [10, 5, 12]),
    "one group": groups_of([4], [10]),
    "nothing": groups_of([None, 2], [4, None]),
    "unseen": groups_of([1, 9, 3, 5, None], [10, 10, 10, 10, 3]),
    "all": groups_of([10, 5, 12], [10, 5, 12]),
    "all or none": groups_of([10, 0, 12, 0, 0, None], [10, 5, 12, 7, 3, 1]),
    "single trials": groups_of([1, 0, 1, 1], [1, 1, 1, 1]),
}
OF = {"rates": list(DEGENERATE), "counts": list(DEGENERATE)[:5]}


@cache
def degenerate(engine, family, prior):
    frame = pl.concat([DEGENERATE[name].with_columns(name=pl.lit(name)) for name in OF[family]])
    models = {row["name"]: row for row in components(engine, family, frame, over="name", prior=prior)}
    result = shrink(engine, family, frame, over="name", prior=prior, threshold=0.3)
    groups = {name: sorted((r for r in result if r["name"] == name), key=lambda r: r["g"]) for name in OF[family]}
    return models, groups


@engines
@families
@pytest.mark.parametrize("prior", ["ml", "moments"])
def test_complete_pooling(engine, family, prior):
    models, groups = degenerate(engine, family, prior)
    for name in OF[family]:
        if name in {"nothing", "unseen", "all or none"}:
            continue
        data = DEGENERATE[name]
        x, n = data["x"].to_numpy(), data["n"].to_numpy()
        assert_pooled(family, models[name], x, n)
        mean = x.sum() / n.sum()
        for row in groups[name]:
            assert (row["weight"], row["se"]) == (0, 0)
            close([row["estimate"], row["lower"], row["upper"]], [mean] * 3, 1e-14)
            close(row["mean"], x[row["g"]] / n[row["g"]], 1e-14)
            assert (row["p_above"], row["pep"]) == ((1, 0) if mean > 0.3 else (0, 1))


@engines
@families
def test_groups_without_data(engine, family):
    models, groups = degenerate(engine, family, "ml")
    model, row = models["unseen"], groups["unseen"][4]
    assert (model["groups"], model["n"], row["n"], row["mean"], row["weight"]) == (4, 40, 0, None, 0)
    a, b = (model[name] for name in TWO[family])
    law = stats.beta(a, b) if family == "rates" else stats.gamma(a, scale=1 / b)
    close([row["estimate"], row["se"]], [law.mean(), law.std()], 1e-12)
    close([row["lower"], row["upper"], row["p_above"]], [*law.ppf([0.025, 0.975]), law.sf(0.3)], 1e-9)

    model = models["nothing"]
    names = names_of_components(family)
    assert [model[name] for name in names] == [0, 0, *[None] * 7, False]
    for row in groups["nothing"]:
        assert [row[name] for name in GROUPS] == [0, None, 0, *[None] * 4]
        assert (row["p_above"], row["pep"], row["q_value"]) == (None, None, None)


@engines
@families
def test_groups_of_another_table(engine, family):
    """A group without rows has the probabilities of the prior; the other groups do not change."""
    seen = pl.DataFrame({"m": [1, 1, 1, 2, 2, 2], "g": list("abc" * 2), "x": [1, 5, 9, 2, 3, 8], "n": [10.0] * 6})
    unseen = pl.DataFrame({"m": [1, 1, 2, 3], "g": ["z", "a", None, "a"]})
    sqlpaths.database(engine).hold(unseen, "unseen")
    given = {"over": "m", "threshold": 0.3}
    alone = {(row["m"], row["g"]): row for row in shrink(engine, family, seen, **given)}
    result = {(row["m"], row["g"]): row for row in shrink(engine, family, seen, groups="unseen", **given)}
    models = {row["m"]: row for row in components(engine, family, seen, over="m")}
    told_alike = [*GROUPS, "p_above", "pep"]
    assert result.keys() == alone.keys() | {(1, "z"), (2, None), (3, "a")}
    for key, row in alone.items():
        close([result[key][name] for name in told_alike], [row[name] for name in told_alike], 1e-13)
    for model, key in ((1, "z"), (2, None)):
        row, (a, b) = result[model, key], [models[model][name] for name in TWO[family]]
        law = stats.beta(a, b) if family == "rates" else stats.gamma(a, scale=1 / b)
        assert (row["n"], row["mean"], row["weight"]) == (0, None, 0)
        close([row["estimate"], row["se"], row["p_above"]], [law.mean(), law.std(), law.sf(0.3)], 1e-10)
        close([row["lower"], row["upper"]], law.ppf([0.025, 0.975]), 1e-9)
    assert [result[3, "a"][name] for name in GROUPS] == [0, None, 0, *[None] * 4]
    sqlpaths.database(engine).hold(unseen.with_columns(pl.lit(1).alias("g")), "unseen")
    with pytest.raises(duckdb.Error, match=r"in groups= and .* in the table; cast one of them"):
        shrink(engine, family, seen, groups="unseen", over="m")


@engines
def test_all_or_none(engine):
    """The likelihood increases as alpha and beta decrease to 0: every group keeps its own rate."""
    models, groups = degenerate(engine, "rates", "ml")
    row = models["all or none"]
    assert [row[name] for name in ("alpha", "beta", "rho", "converged")] == [0, 0, 1, True]
    close([row["mean"], row["log_likelihood"]], [2 / 5, 2 * math.log(2 / 5) + 3 * math.log(3 / 5)], 1e-14)
    for row in groups["all or none"][:5]:
        assert (row["weight"], row["se"]) == (1, 0)
        assert row["estimate"] == row["mean"] == row["lower"] == row["upper"]
    unseen = groups["all or none"][5]
    close([unseen["estimate"], unseen["se"]], [0.4, math.sqrt(0.24)], 1e-14)


@engines
@families
def test_rows_of_a_group_are_summed_and_nulls_do_not_count(engine, family):
    truths, frame = told(family)
    data = frame.filter(name=CASES[family][1]).drop("name")
    halves = data.with_columns(x=(pl.col("x") / 2).floor(), n=(pl.col("n") / 2).ceil())
    others = data.select("g", x=pl.col("x") - halves["x"], n=pl.col("n") - halves["n"]).filter(pl.col("n") > 0)
    lost = data.with_columns(x=pl.when(pl.int_range(pl.len()) % 2 == 0).then("x"))
    lost = lost.with_columns(n=pl.when(pl.col("x").is_null()).then("n"))
    odd = data.head(3).with_columns(x=pl.Series([math.nan, 1.0, math.inf]), n=pl.Series([5.0, math.nan, -math.inf]))
    for extra, options in [([lost], {}), ([lost, odd], {"nan": "null"})]:
        (row,) = components(engine, family, pl.concat([halves, others, *extra]), **options)
        close(row[TWO[family][0]], truths[CASES[family][1]][TWO[family][0]], 1e-7)


@engines
@families
def test_an_empty_table(engine, family):
    database = sqlpaths.database(engine)
    database.hold(PAIRS.clear().with_columns(m=pl.lit("a")))
    result = database.ask(sqlpaths.call(f"pool_shrink_{family}", "x", "n", "g", over="m"))
    assert result.is_empty()
    assert result.columns == ["m", "g", *GROUPS]
    assert result.schema["n"] == (pl.Int64 if family == "rates" else pl.Float64)
    assert [result.schema[name] for name in GROUPS[1:]] == [pl.Float64] * 6
    result = database.ask(sqlpaths.call(f"pool_components_{family}", "x", "n", "g", over="m"))
    assert result.is_empty()
    assert result.columns == ["m", *names_of_components(family)]
    result = database.ask(sqlpaths.call(f"pool_components_{family}", "x", "n", "g"))
    assert result.rows() == [(0, 0, *[None] * 7, False)]


@engines
@families
def test_a_row_without_x_or_n_does_not_count_whatever_its_other_value(engine, family):
    database = sqlpaths.database(engine)
    call = sqlpaths.call(f"pool_components_{family}", "x", "n", "g")
    database.hold(PAIRS.select("g", pl.col("x", "n").cast(float)))
    expected = database.ask(call)
    beside = pl.DataFrame({"g": PAIRS["g"][0], "x": [math.nan, -1.5, None], "n": [None, None, math.inf]})
    beside = beside.cast({"g": PAIRS.schema["g"], "x": float, "n": float})
    database.hold(pl.concat([PAIRS.select("g", pl.col("x", "n").cast(float)), beside]))
    assert database.ask(call).drop("converged").rows()[0] == pytest.approx(
        expected.drop("converged").rows()[0], rel=1e-12
    )


# ---- messages --------------------------------------------------------------------------------------------------------

ROWS = pl.DataFrame(
    {
        "g": [1, 1, 2, 3, 4, 4],
        "hits": [1.0, 2.0, 3.0, 0.0, 4.0, 2.0],
        "at_bats": [4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        "many": [5.0, 2.0, 7.0, 0.0, 9.0, 2.0],
        "odd": [1.5, -2.0, 3.0, 0.0, 4.0, 2.0],
        "mixed": [1.5, 9.0, 7.0, 8.0, -1.0, 2.0],
        "minus": [4.0, 5.0, 6.0, 7.0, -1.0, 9.0],
        "zero": [0.0, 5.5, 6.0, 0.0, 8.0, 9.0],
        "gone": [math.nan, 2.0, math.inf, 0.0, 4.0, 2.0],
        "name": list("abcdef"),
        "mean": [1, 1, 2, 3, 4, 4],
    }
)
WRONG = {
    "FROM pool_shrink_rates(data, many, at_bats, g)": (
        "value='many' exceeds trials='at_bats' in 3 rows: there are no more events than trials"
    ),
    "FROM pool_components_rates(data, odd, at_bats, g)": (
        "value='odd' is negative or fractional in 2 rows: a count is a whole number of 0 or more"
    ),
    "FROM pool_shrink_rates(data, mixed, at_bats, g)": (
        "value='mixed' is negative or fractional in 2 rows: a count is a whole number of 0 or more"
    ),
    "FROM pool_components_counts(data, odd, at_bats, g)": (
        "value='odd' is negative or fractional in 2 rows: a count is a whole number of 0 or more"
    ),
    "FROM pool_components_rates(data, hits, minus, g)": (
        "trials='minus' is negative or fractional in 1 row: trials are a whole number of 0 or more"
    ),
    "FROM pool_components_counts(data, hits, zero, g)": (
        "exposure='zero' is 0 or negative in 2 rows: an exposure is a number above 0"
    ),
    "FROM pool_components_counts(data, hits, minus, g)": (
        "exposure='minus' is 0 or negative in 1 row: an exposure is a number above 0"
    ),
    "FROM pool_shrink_rates(data, gone, at_bats, g)": (
        "value='gone' is NaN or infinite in 2 rows: remove them, or count them as missing with nan='null'"
    ),
    "FROM pool_components_counts(data, hits, gone, g)": (
        "exposure='gone' is NaN or infinite in 2 rows: remove them, or count them as missing with nan='null'"
    ),
    "FROM pool_components_rates(data, hits, gone, g)": (
        "trials='gone' is NaN or infinite in 2 rows: remove them, or count them as missing with nan='null'"
    ),
    "FROM pool_components_rates(data, name, at_bats, g)": (
        "value='name' is VARCHAR; give a column of numbers or Booleans"
    ),
    "FROM pool_components_rates(data, hits, name, g)": "trials='name' is VARCHAR; give a column of numbers or Booleans",
    "FROM pool_components_counts(data, hits, name, g)": (
        "exposure='name' is VARCHAR; give a column of numbers or Booleans"
    ),
    "FROM pool_components_rates(data, hits, at_bats, g, prior := 'moment')": (
        "prior='moment'; give a known prior, beta(alpha, beta), or one of 'ml', 'moments'; did you mean 'moments'?"
    ),
    "FROM pool_components_counts(data, hits, at_bats, g, prior := 'gama(3, 1)')": (
        "prior='gama(3, 1)' is no prior; give one of gamma(shape, rate); did you mean 'gamma'?"
    ),
    "FROM pool_shrink_rates(data, hits, at_bats, g, prior := 'beta(2, -5)')": (
        "prior='beta(2, -5)': give beta as a finite number above 0"
    ),
    "FROM pool_components_counts(data, hits, at_bats, g, prior := 'gamma(2)')": (
        "prior='gamma(2)': give gamma(shape, rate) with numbers"
    ),
    "FROM pool_components_rates(data, hits, at_bats, g, prior := 2)": (
        "prior=2; give a known prior, beta(alpha, beta), or one of 'ml', 'moments'"
    ),
    "FROM pool_components_rates(data, hits, at_bats, g, nan := 'nul')": (
        "nan='nul'; give one of 'error', 'null'; did you mean 'null'?"
    ),
    "FROM pool_shrink_rates(data, hits, at_bats, g, level := 95)": (
        "level=95; give a number between 0 and 1, such as 0.95; did you mean 0.95?"
    ),
    "FROM pool_shrink_rates(data, hits, at_bats, g, threshold := 'a')": (
        "threshold='a'; give a number, in units of the value"
    ),
    "FROM pool_shrink_rates(data, hits, at_bats, g, uncertainty := 'tau2')": (
        "uncertainty='tau2' does not go with trials=: rates have an overdispersion and no tau2; give 'mu' or "
        "'conditional'"
    ),
    "FROM pool_shrink_counts(data, hits, at_bats, g, uncertainty := 'tau2')": (
        "uncertainty='tau2' does not go with exposure=: rates have an overdispersion and no tau2; give 'mu' or "
        "'conditional'"
    ),
    "FROM pool_shrink_rates(data, hits, at_bats, g, uncertainty := 'conditonal')": (
        "uncertainty='conditonal'; give one of 'mu', 'conditional', 'tau2'; did you mean 'conditional'?"
    ),
    "FROM pool_shrink_rates(data, hits, at_bats, g, limits := 3)": "limits=3; give true or false",
    "FROM pool_shrink_rates(data, hits, at_bats, mean)": (
        "the key 'mean' bears the name of a result column ('n', 'mean', 'weight', 'estimate', 'se', 'lower', 'upper', "
        "'p_above', 'pep', 'q_value', 'alpha', 'beta'); rename it first"
    ),
    "FROM pool_components_rates(data, hits, at_bats, g, over := g)": (
        "the key 'g' appears twice in by= and over=; name each key once"
    ),
}


@pytest.mark.every_way
@engines
def test_messages(engine):
    """The engines take the calls in turn."""
    database = sqlpaths.database(engine)
    database.hold(ROWS)
    for query, sentence in ways.share(list(WRONG.items())[engine == "shell" :: 2], of=2):
        with pytest.raises(duckdb.Error) as raised:
            database.ask(query)
        assert str(raised.value).splitlines()[0] == f"Invalid Input Error: {sentence}", query


IN_SQL = re.compile(r"FROM pool_(\w+)_(rates|counts)\(data, (\w+), (\w+), g(?:, (\w+) := (.*))?\)")
OF_SQL_ALONE = {"limits", "over"}  # Python has no limits, and over is a list there


def test_the_sentences_are_those_of_python():
    """Except for the names of types, and of the columns that are not allowed as keys."""
    checked = 0
    for query, sentence in WRONG.items():
        asked = IN_SQL.fullmatch(query)
        if asked is None or asked[5] in OF_SQL_ALONE or "VARCHAR" in sentence:
            continue
        verb, family, x, n, option, given = asked.groups()
        options = {} if option is None else {option: ast.literal_eval(given)}
        with pytest.raises((ValueError, TypeError)) as raised:
            getattr(pool, verb)(ROWS, x, "g", **{"rates": {"trials": n}, "counts": {"exposure": n}}[family], **options)
        assert str(raised.value) == sentence
        checked += 1
    assert checked == 21


# ---- tables and names ------------------------------------------------------------------------------------------------


@engines
def test_several_keys(engine):
    """Several keys and expressions; `limits := false` omits the limits."""
    truths, frame = told("counts")
    keys = pl.col("g").str.split("|")
    cells = frame.filter(name="insurance_cells").select(
        "x", "n", a=keys.list.get(0), b=keys.list.get(1), c=keys.list.get(2)
    )
    truth = truths["insurance_district_group"]["groups"]
    (row,) = components(engine, "counts", cells, by=["a", "b"])
    close(row["shape"], truths["insurance_district_group"]["shape"], 1e-7)
    result = rows(engine, "FROM pool_shrink_counts(data, x, n + 0.0, COLUMNS(['a', 'b']), limits := false)", cells)
    assert list(result[0]) == ["a", "b", *GROUPS[:-2]]
    estimates = {f"{row['a']}|{row['b']}": row["estimate"] for row in result}
    close(estimates, dict(zip(truth["group"], truth["post_mean"], strict=True)), 1e-9)


NAMES = ["'; DROP TABLE data; --", 'a "quoted" word', "two words", "select", "値", "lambda", "tbl", "over", "prior"]
NAMES += [
    "family",
    "k",
    "pi",
    "xs",
    "ns",
    "a",
    "b",
    "fixed",
    "model",
    "kind",
    "points",
    "u",
    "v",
    "best",
    "way",
    "base",
    "names",
]


@engines
def test_names_are_data(engine):
    """Every name in every role, with fewer names in the shell, which is slower."""
    step = 6 if engine == "duckdb" else 13
    truths, frame = told("rates")
    data = frame.filter(name="cbpp_by_herd")
    truth = truths["cbpp_by_herd"]["groups"]
    for place in range(0, len(NAMES), step):
        x, n, g, m = (NAMES[(place + i) % len(NAMES)] for i in range(4))
        named = data.select(pl.col("x").alias(x), pl.col("n").alias(n), pl.col("g").alias(g), pl.lit(1).alias(m))
        if place % 4 == 0:
            result = {row[g]: row["estimate"] for row in shrink(engine, "rates", named, g, x, n, over=m, limits=False)}
            close(result, dict(zip(truth["group"], truth["post_mean"], strict=True)), 1e-9)
        else:
            (row,) = components(engine, "rates", named, g, x, n, over=m)
            close(row["alpha"], truths["cbpp_by_herd"]["alpha"], 1e-7)


@pytest.mark.parametrize("engine", shells.ENGINES)
def test_files_are_scanned_once_for_the_columns_that_are_needed(engine, tmp_path):
    truths, frame = told("rates")
    frame.with_columns(unused=1.0).write_parquet(tmp_path, partition_by="name")
    files = f"'{tmp_path}/**/*.parquet'"
    calls = {
        f"FROM pool_shrink_rates({files}, x, n, g, threshold := 0.3)": ["g", "n", "x"],
        f"FROM pool_shrink_counts({files}, x, n, g, limits := false)": ["g", "n", "x"],
        f"FROM pool_components_rates({files}, x, n, g, over := name)": ["g", "n", "name", "x"],
    }
    *plans, result = shells.answers(engine, [*(f"EXPLAIN (FORMAT json) {call}" for call in calls), list(calls)[-1]])
    for plan, columns in zip(map(parsed, plans), calls.values(), strict=True):
        (scan,) = plan.scans()
        assert sorted(scan.columns()) in (columns, [""] if duckdb.__version__ == "1.5.0" else columns)
    assert isinstance(result, list), result
    for row in result:
        close(row["alpha"], truths[row["name"]]["alpha"], 1e-7)


def test_rates_of_0_and_1_alone_have_limits_at_0_and_1():
    """By moments the size of the beta prior is 0: all of its probability is at 0 and 1."""
    rates, unseen = pl.DataFrame({"g": [1, 2, 3, 4], "x": [0, 3, 0, 2], "n": [3, 3, 2, 2]}), pl.DataFrame({"g": [5]})
    options = {"prior": "moments", "uncertainty": "conditional"}
    expected = pool.shrink(rates, "x", "g", trials="n", groups=unseen, **options)
    query = (
        "FROM pool_shrink_rates(rates, x, n, g, prior := 'moments', uncertainty := 'conditional', groups := 'unseen')"
    )
    with duckdb.connect() as connection:
        pool.install_macros(connection)
        connection.execute("CREATE TABLE rates (g BIGINT, x BIGINT, n BIGINT)")
        connection.executemany("INSERT INTO rates VALUES (?, ?, ?)", rates.rows())
        connection.execute("CREATE TABLE unseen AS SELECT 5::BIGINT AS g")
        limits = connection.execute(f"SELECT g, lower, upper {query} ORDER BY g").fetchall()
    assert limits == expected.select("g", "lower", "upper").rows()
    assert limits[-1] == (5, 0.0, 1.0)
