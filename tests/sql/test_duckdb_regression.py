"""The regression with a varying intercept in both DuckDBs, against lme4's numbers and against dense matrices.

A query takes some tenths of a second to plan, so that data sets are asked together, each a model of its own.
"""

# ruff: noqa: N806 (matrices bear the names of the textbooks)

import json
import math
from functools import cache
from pathlib import Path
from statistics import NormalDist

import duckdb
import numpy as np
import polars as pl
import pytest
import shells
import sqlpaths
import ways
from scipy.optimize import brentq
from test_duckdb_plans import parsed

from polars_pool.models.coefficients import STATISTICS

engines = pytest.mark.parametrize("engine", sqlpaths.SQL_PATHS)
METHODS = ("reml", "ml")
VECTORS = Path(__file__).parents[1] / "vectors"
Z = NormalDist().inv_cdf(0.975)
COMPONENTS = [
    *("groups", "n", "dropped", "sigma2", "tau2", "mu", "se_mu", "mu_lower", "mu_upper", "mu_p", "cov_mu", "icc"),
    *("r2_marginal", "r2_conditional", "log_likelihood", "aic", "singular", "converged"),
]
COEFFICIENTS = ["term", "n", "mean", "weight", "effect", "estimate", "se", "lower", "upper"]


# ---- asking ----------------------------------------------------------------------------------------------------------


def maps(value):
    """A map as a dictionary: Parquet has it as a list of keys and values."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {item["key"]: maps(item["value"]) for item in value}
    return value


def rows(engine, query, frame=None):
    database = sqlpaths.database(engine)
    if frame is not None:
        database.hold(frame)
    return [{name: maps(value) for name, value in row.items()} for row in database.ask(query).to_dicts()]


def regress(engine, frame, y="y", x="x", by="g", **options):
    return rows(engine, sqlpaths.call("pool_regress", y, x, by, **options), frame)


def components(engine, frame, y="y", x="x", by="g", **options):
    return rows(engine, sqlpaths.call("pool_regress_components", y, x, by, **options), frame)


def table(engine, frame, y="y", x="x", by="g", **options):
    return rows(engine, sqlpaths.call("pool_regress_coefficients", y, x, by, **options), frame)


def close(result, expected, tolerance=1e-8, about=0.0):
    """Equal, relatively; `about` is the size of numbers of which both are a small difference."""
    assert result == pytest.approx(expected, rel=tolerance, abs=about * 1e-14 + 1e-300)


# ---- lme4 ------------------------------------------------------------------------------------------------------------

LME4 = {
    "lmm_sleepstudy_ri": ("sleepstudy", "Subject", "Reaction", "Days"),
    "lmm_radon_floor_ri": ("radon", "county", "log_radon", "floor"),
}


@pytest.mark.parametrize(("engine", "name", "method"), sqlpaths.checkerboard(LME4, METHODS))
def test_lme4(engine, name, method):
    file, by, y, x = LME4[name]
    frame = pl.read_csv(VECTORS / "data" / f"{file}.csv", schema_overrides={by: pl.String})
    want = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))[method.upper()]
    (row,) = components(engine, frame, y, x, by, method=method)
    fixed, ((tau2,),) = want["fixef"], want["varcomp"][by]["cov"]
    V = np.array(want["vcov_fixef"])
    terms = ["intercept", x]
    assert list(row) == COMPONENTS
    assert (row["groups"], row["n"], row["dropped"]) == (frame[by].n_unique(), want["n_obs"], 0)
    assert (row["singular"], row["converged"]) == (None, True)
    close(row["sigma2"], want["sigma2"])
    close(row["tau2"], {"intercept": tau2})
    close(row["mu"], {"intercept": fixed["(Intercept)"], x: fixed[x]})
    close(row["se_mu"], dict(zip(terms, np.sqrt(np.diag(V)), strict=True)))
    for i, term in enumerate(terms):
        close(row["cov_mu"][term], dict(zip(terms, V[i], strict=True)))
    close(row["log_likelihood"], want["logLik"], 1e-12)
    close(row["aic"], 2 * want["df"] - 2 * want["logLik"], 1e-12)
    close(row["icc"], tau2 / (tau2 + want["sigma2"]))

    told = want["ranef"][by]
    result = {(r[by], r["term"]): r for r in regress(engine, frame, y, x, by, method=method)}
    assert len(result) == 2 * frame[by].n_unique()
    means = dict(frame.group_by(by).agg(pl.col(x).mean()).iter_rows())
    sizes = dict(frame.group_by(by).len().iter_rows())
    own = dict(frame.group_by(by).agg((pl.col(y) - fixed[x] * pl.col(x)).mean()).iter_rows())
    for key, effect, variance in zip(told["group"], told["u_(Intercept)"], told["condVar"], strict=True):
        intercept, slope = result[key, "intercept"], result[key, x]
        weight = 1 - variance / tau2
        c = np.array([1 - weight, -weight * means[key]])
        se = math.sqrt(variance + c @ V @ c)
        assert list(intercept) == [by, *COEFFICIENTS]
        assert intercept["n"] == slope["n"] == sizes[key]
        close(intercept["effect"], effect)
        close(tau2 * (1 - intercept["weight"]), variance)
        close(intercept["mean"], own[key])
        estimate = fixed["(Intercept)"] + effect
        close([intercept[name] for name in ("estimate", "se")], [estimate, se])
        close([intercept[name] for name in ("lower", "upper")], [estimate - Z * se, estimate + Z * se])
        se = math.sqrt(V[1, 1])
        assert (slope["mean"], slope["weight"], slope["effect"]) == (None, 0, 0)
        close([slope[name] for name in ("estimate", "se")], [fixed[x], se])
        close([slope[name] for name in ("lower", "upper")], [fixed[x] - Z * se, fixed[x] + Z * se])


# ---- dense matrices --------------------------------------------------------------------------------------------------


class Dense:
    """The same model by N x N matrices: the likelihood of all rows, maximised by the root of its score."""

    def __init__(self, frame, method):
        frame = frame.drop_nulls(["x", "y"]).filter(pl.col("w") > 0)
        self.keys = frame["g"].unique(maintain_order=True).to_list()
        self.x, self.y, self.w = (frame[name].cast(pl.Float64).to_numpy() for name in "xyw")
        self.restricted, self.N = method == "reml", frame.height
        self.Z = np.array([[1.0 * (g == key) for key in self.keys] for g in frame["g"]])
        self.X = np.column_stack([np.ones(self.N), self.x])
        self.df = self.N - 2 if self.restricted else self.N
        self.decompose()
        points = np.array([0.0, *np.logspace(-6, 6, 97)])
        rising = self.score(points[:, None]) >= 0
        minima = [0.0] if rising[0] else []
        for i in np.flatnonzero(~rising[:-1] & rising[1:]):
            minima.append(brentq(self.score, points[i], points[i + 1], xtol=1e-300, rtol=1e-14))
        self.rho = min(minima, key=lambda rho: self.at(rho)[0])
        deviance, self.sigma2, self.beta, XVX, self.V = self.at(self.rho)
        self.tau2, self.cov = self.rho * self.sigma2, self.sigma2 * np.linalg.inv(XVX)
        self.log_likelihood = -deviance / 2 - np.log(self.w).sum() / 2

    def at(self, rho):
        """-2 log L with sigma2 and beta at their best, these, and what they come from."""
        V = np.diag(1 / self.w) + rho * self.Z @ self.Z.T
        Vi = np.linalg.inv(V)
        XVX = self.X.T @ Vi @ self.X
        beta = np.linalg.solve(XVX, self.X.T @ Vi @ self.y)
        e = self.y - self.X @ beta
        sigma2 = e @ Vi @ e / self.df
        deviance = self.df * (1 + math.log(2 * math.pi * sigma2)) + np.linalg.slogdet(V)[1]
        if self.restricted:
            deviance += np.linalg.slogdet(XVX)[1]
        return deviance, sigma2, beta, XVX, V

    def decompose(self):
        """Error contrasts, of which x and the intercept are out (Patterson & Thompson 1971), made independent."""
        root = np.sqrt(self.w)
        X, Z = root[:, None] * self.X, root[:, None] * self.Z
        K = np.linalg.svd(X)[0][:, 2:]
        self.lengths, U = np.linalg.eigh(K.T @ Z @ Z.T @ K)
        self.squares = (U.T @ K.T @ (root * self.y)) ** 2
        self.all_lengths = self.lengths if self.restricted else np.linalg.eigvalsh(Z @ Z.T)

    def score(self, rho):
        """The derivative of -2 log L by rho."""
        scale = 1 + rho * self.lengths
        ratio = (self.squares * self.lengths / scale**2).sum(-1) / (self.squares / scale).sum(-1)
        return (self.all_lengths / (1 + rho * self.all_lengths)).sum(-1) - self.df * ratio

    def effects(self):
        return self.rho * self.Z.T @ np.linalg.solve(self.V, self.y - self.X @ self.beta)

    def errors(self):
        """Prediction error of every intercept, by the inverse of Henderson's mixed model equations."""
        if self.tau2 == 0:
            return np.full(len(self.keys), math.sqrt(self.cov[0, 0]))
        T, Ri = np.hstack([self.X, self.Z]), np.diag(self.w / self.sigma2)
        C = T.T @ Ri @ T
        C[2:, 2:] += np.eye(len(self.keys)) / self.tau2
        C = np.linalg.inv(C)
        c = np.hstack([np.ones((len(self.keys), 1)), np.zeros((len(self.keys), 1)), np.eye(len(self.keys))])
        return np.sqrt(np.einsum("ji,ik,jk->j", c, C, c))

    def weights(self):
        total = self.Z.T @ self.w
        return self.rho * total / (1 + self.rho * total)

    def means(self):
        return self.Z.T @ (self.w * (self.y - self.beta[1] * self.x)) / (self.Z.T @ self.w)

    def fixed(self):
        about = self.x - np.average(self.x, weights=self.w)
        return self.beta[1] ** 2 * np.average(about**2, weights=self.w) * self.N / (self.N - 1)


def assert_components(row, truth, tolerance=1e-9):
    size = np.abs(truth.y).max()
    close(row["sigma2"], truth.sigma2, tolerance)
    close(row["tau2"]["intercept"], truth.tau2, tolerance, truth.sigma2)
    close(list(row["mu"].values()), list(truth.beta), tolerance, size)
    errors = np.sqrt(np.diag(truth.cov))
    close(list(row["se_mu"].values()), list(errors), tolerance)
    close([value for column in row["cov_mu"].values() for value in column.values()], truth.cov.ravel(), tolerance)
    close(list(row["mu_lower"].values()), list(truth.beta - Z * errors), tolerance, size)
    close(list(row["mu_upper"].values()), list(truth.beta + Z * errors), tolerance, size)
    close(list(row["mu_p"].values()), [2 * NormalDist().cdf(-abs(t)) for t in truth.beta / errors], 1e-7, 1.0)
    total = truth.fixed() + truth.tau2 + truth.sigma2
    close(row["icc"], truth.tau2 / (truth.tau2 + truth.sigma2), tolerance, 1.0)
    close(row["r2_marginal"], truth.fixed() / total, tolerance, 1.0)
    close(row["r2_conditional"], (truth.fixed() + truth.tau2) / total, tolerance, 1.0)
    close(row["log_likelihood"], truth.log_likelihood, tolerance, truth.N)
    close(row["aic"], 8 - 2 * truth.log_likelihood, tolerance, truth.N)
    assert (row["groups"], row["n"], row["converged"]) == (len(truth.keys), truth.N, True)
    assert (row["singular"] is None) == (truth.tau2 > 0)


def assert_coefficients(result, truth, tolerance=1e-9):
    by_group = {(row["g"], row["term"]): row for row in result if row["n"]}
    assert len(by_group) == 2 * len(truth.keys)
    size = np.abs(truth.y).max()
    told = (truth.keys, truth.means(), truth.weights(), truth.effects(), truth.errors())
    for key, mean, weight, effect, se in zip(*told, strict=True):
        intercept, slope = by_group[key, "intercept"], by_group[key, "x"]
        close(intercept["mean"], mean, tolerance, size)
        close(intercept["weight"], weight, tolerance, 1.0)
        close(intercept["effect"], effect, tolerance, 100 * size)
        close(intercept["estimate"], truth.beta[0] + effect, tolerance, size)
        close(intercept["se"], se, tolerance)
        assert (slope["mean"], slope["weight"], slope["effect"]) == (None, 0, 0)
        close([slope["estimate"], slope["se"]], [truth.beta[1], math.sqrt(truth.cov[1, 1])], tolerance)
    for row in result:
        if row["n"] == 0 and row["term"] == "intercept":
            assert (row["mean"], row["weight"], row["effect"]) == (None, 0, 0)
            close([row["estimate"], row["se"]], [truth.beta[0], math.sqrt(truth.tau2 + truth.cov[0, 0])], tolerance)


def drawn(seed, sizes, tau, slope=1.5, noise=1.0, group_level=False, missing=0):
    """Rows of groups of these sizes; x differs between groups too."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(size=len(sizes))[g] + (0 if group_level else rng.normal(size=len(g)))
    y = 3 + slope * x + tau * rng.normal(size=len(sizes))[g] + noise * rng.normal(size=len(g))
    frame = pl.DataFrame({"g": g, "x": x, "y": y, "w": rng.choice([1.0, 2.0, 3.0, 5.0], size=len(g))})
    return frame.with_columns(pl.when(pl.int_range(pl.len()) >= missing).then("x"))


DATA = {
    "unbalanced": drawn(1, [2, 3, 3, 7, 1, 12, 1, 5], 1.0),
    "balanced": drawn(2, [4] * 9, 0.7),
    "of the group": drawn(3, [3, 5, 2, 6, 4, 3], 0.8, group_level=True),
    "nothing between": drawn(4, [5, 6, 7, 4, 5], 0.0).with_columns(
        pl.col("y") - (pl.col("y") - 1.5 * pl.col("x")).mean().over("g")
    ),
    "much between": drawn(5, [3, 4, 1, 2, 5, 2], 300.0),
    "steep": drawn(6, [3, 4, 6, 2, 5], 1.0, slope=1e4),
    "two groups": drawn(7, [6, 5], 3.0),
    "first lacks x": drawn(8, [3, 4, 5, 6, 4], 1.0, missing=4),
}


@cache
def stacked(weighted):
    """All data sets as one table, of weight 1 if not weighted; some rows of weight 0."""
    weight = pl.when(pl.int_range(pl.len()) % 13 == 12).then(0.0).otherwise("w") if weighted else 1.0
    frames = [data.with_columns(w=weight, name=pl.lit(name)) for name, data in DATA.items()]
    return pl.concat(frames)


@cache
def dense(name, method, weighted):
    return Dense(stacked(weighted).filter(name=name), method)


@pytest.mark.parametrize(("engine", "weighted", "method"), sqlpaths.checkerboard([False, True], METHODS))
def test_dense_matrices(engine, weighted, method):
    options = {"over": "name", "method": method} | ({"weights": "w"} if weighted else {})
    models = {row["name"]: row for row in components(engine, stacked(weighted), **options)}
    groups = regress(engine, stacked(weighted), **options)
    assert set(models) == set(DATA)
    flat = {name for name in DATA if dense(name, method, weighted).tau2 == 0}
    assert {"nothing between"} <= flat <= {"nothing between", "unbalanced"}
    for name, row in models.items():
        truth = dense(name, method, weighted)
        tolerance = 1e-7 if name == "steep" else 1e-9  # the dense residuals keep that many digits
        assert_components(row, truth, tolerance)
        assert_coefficients([row for row in groups if row["name"] == name], truth, tolerance)
        assert row["dropped"] == (4 if name == "first lacks x" else 0)


@engines
def test_one_model_alone_is_the_same(engine):
    """It is taken about a pivot, those of `over` are not; weights of 1 change nothing."""
    for name, options in [("unbalanced", {}), ("of the group", {"weights": "w"})]:
        frame = stacked(False).filter(name=name).drop("name")
        (row,) = components(engine, frame, **options)
        assert_components(row, dense(name, "reml", False))
        assert_coefficients(regress(engine, frame, **options), dense(name, "reml", False))


MODELS = 1000 if ways.full else 300


@cache
def many_models():
    rng = np.random.default_rng(11)
    frames = []
    for model in range(MODELS):
        sizes = rng.integers(1, 6, size=int(rng.integers(3, 7)))
        if sizes.sum() - len(sizes) < 3:
            sizes[0] += 3
        frame = drawn(1000 + model, sizes, float(rng.choice([0.0, 0.3, 1.0, 5.0])), group_level=model % 10 == 0)
        frames.append(frame.with_columns(model=pl.lit(model), w=pl.lit(1.0)))
    return pl.concat(frames)


@cache
def many_dense():
    return [Dense(frame, "reml") for frame in many_models().partition_by("model", maintain_order=True)]


@engines
def test_many_models_are_single_fits(engine):
    result = {row["model"]: row for row in components(engine, many_models(), over="model")}
    truths = many_dense()
    assert 0.1 < sum(truth.tau2 == 0 for truth in truths) / MODELS < 0.9
    for model, truth in enumerate(truths):
        row = result[model]
        assert row["converged"]
        close(row["sigma2"], truth.sigma2, 1e-10)
        close(row["tau2"]["intercept"], truth.tau2, 1e-10)
        close(row["log_likelihood"], truth.log_likelihood, 1e-12, truth.N)
    for model in (0, 17):
        (row,) = components(engine, many_models().filter(model=model))
        close(row["tau2"]["intercept"], result[model]["tau2"]["intercept"], 1e-9, row["sigma2"])
        close(list(row["mu"].values()), list(result[model]["mu"].values()), 1e-10)


# ---- offsets ---------------------------------------------------------------------------------------------------------


@engines
@pytest.mark.parametrize(("of_x", "of_y"), [(0.0, 1e9), (1e9, -1e9)])
def test_offsets_cost_no_digits(engine, of_x, of_y):
    """Of values that the doubles hold exactly with the offset too."""
    frame = drawn(21, [3, 5, 2, 8, 1, 4, 4], 1.0).with_columns((pl.col("x", "y") * 1024).round() / 1024)
    moved = frame.with_columns(pl.col("x") + of_x, pl.col("y") + of_y)
    for options in ({}, {"weights": "w"}):
        truth = Dense(frame if options else frame.with_columns(w=1.0), "reml")
        (row,) = components(engine, moved, **options)
        close(row["sigma2"], truth.sigma2, 1e-9)
        close(row["tau2"]["intercept"], truth.tau2, 1e-9)
        close(row["mu"]["x"], truth.beta[1], 1e-9)
        close(row["mu"]["intercept"], truth.beta[0] + of_y - truth.beta[1] * of_x, 1e-9)
        close(row["log_likelihood"], truth.log_likelihood, 1e-10)
        if of_x and of_y:
            result = {r["g"]: r["effect"] for r in regress(engine, moved, **options) if r["term"] == "intercept"}
            close([result[key] for key in truth.keys], list(truth.effects()), 1e-9)


@engines
def test_offsets_beside_others_cost_what_the_means_cannot_hold(engine):
    """Models of an `over` have no common pivot: 1e9 beside a spread of 1 leaves 7 of 16 digits."""
    frame = pl.concat([DATA["unbalanced"].with_columns(m=m, w=1.0) for m in (0, 1)])
    frame = frame.with_columns((pl.col("x", "y") * 1024).round() / 1024)
    moved = frame.with_columns(pl.col("x", "y") + 1e9 * pl.col("m"))
    truth = Dense(frame.filter(m=0), "reml")
    for row in components(engine, moved, over="m"):
        tolerance = 1e-6 if row["m"] else 1e-9
        close(row["sigma2"], truth.sigma2, tolerance)
        close(row["tau2"]["intercept"] + row["sigma2"], truth.tau2 + truth.sigma2, tolerance)
        close(row["mu"]["x"], truth.beta[1], tolerance)


# ---- degenerate data -------------------------------------------------------------------------------------------------

SPREAD = drawn(31, [3, 4, 5, 2, 6], 1.0)
NOTHING = ["sigma2", "icc", "r2_marginal", "r2_conditional", "log_likelihood", "aic", "singular"]
DEGENERATE = {
    "ordinary": SPREAD,
    "same x": SPREAD.with_columns(x=3.7),
    "no rows": SPREAD.with_columns(y=None),
    "one row": SPREAD.head(1),
    "two rows": SPREAD.head(2),
    "single rows": SPREAD.unique("g", maintain_order=True),
    "one group": SPREAD.with_columns(g=0),
    "a line": SPREAD.with_columns(y=2 * pl.col("x") + 1),
    "all equal": SPREAD.with_columns(y=5.1),
    "lines within": SPREAD.with_columns(y=2 * pl.col("x") + pl.col("g") ** 2),
    "two groups by x": SPREAD.filter(pl.col("g") < 2).with_columns(x=pl.col("g").cast(pl.Float64)),
}


@cache
def degenerate(engine, verb):
    together = pl.concat(
        [
            frame.with_columns(pl.col("y").cast(pl.Float64), pl.col("g").cast(pl.Int64), name=pl.lit(name))
            for name, frame in DEGENERATE.items()
        ]
    )
    result = verb(engine, together, over="name")
    return {name: [row for row in result if row["name"] == name] for name in DEGENERATE}


def only(engine, name):
    (row,) = degenerate(engine, components)[name]
    return row


def intercepts(engine, name):
    return [row for row in degenerate(engine, regress)[name] if row["term"] == "intercept"]


@engines
def test_other_models_are_unharmed(engine):
    truth = Dense(SPREAD.with_columns(w=1.0), "reml")
    assert_components(only(engine, "ordinary"), truth)
    assert_coefficients(degenerate(engine, regress)["ordinary"], truth)


@engines
@pytest.mark.parametrize(
    "name", ["same x", "no rows", "one row", "two rows", "single rows", "lines within", "two groups by x"]
)
def test_what_is_not_identified_is_null(engine, name):
    row = only(engine, name)
    frame = DEGENERATE[name].drop_nulls("y")
    assert (row["groups"], row["n"]) == (frame["g"].n_unique(), frame.height)
    assert row["dropped"] == DEGENERATE[name].height - frame.height
    assert {statistic: row[statistic] for statistic in NOTHING} == dict.fromkeys(NOTHING)
    assert row["tau2"] == {"intercept": None}
    for statistic in ("se_mu", "mu_lower", "mu_upper", "mu_p"):
        assert row[statistic] == {"intercept": None, "x": None}
    assert row["converged"] is False
    for group in degenerate(engine, regress)[name]:
        assert [group[statistic] for statistic in ("weight", "effect", "estimate", "se", "lower", "upper")] == [
            None
        ] * 6


@engines
@pytest.mark.parametrize("method", METHODS)
def test_weighted_groups_that_differ_as_the_covariate_does(engine, method):
    """The fixed terms take up all that differs between two groups: the restricted likelihood is flat."""
    frame = DEGENERATE["two groups by x"].with_columns(w=1.0 + pl.int_range(pl.len()) % 3)
    (row,) = components(engine, frame, weights="w", method=method)
    assert row["converged"] is (method == "ml")
    assert row["tau2"] == {"intercept": None if method == "reml" else 0}
    assert (row["sigma2"] is None) is (method == "reml")


@engines
def test_a_weighted_covariate_of_groups_in_every_order_of_rows(engine):
    """Rounding of a covariate that is constant within groups is no slope: 100 sets of rows, each in three orders."""
    sets = {}
    for seed in range(100):
        random = np.random.default_rng(seed)
        g = np.repeat(np.arange(8), 5)
        x = random.normal(size=8)[g]
        y = 1 + 2 * x + random.normal(size=8)[g] + random.normal(size=40)
        frame = pl.DataFrame({"g": g, "x": x, "y": y, "w": random.integers(1, 10, size=40).astype(float)})
        sets |= {3 * seed: frame, 3 * seed + 1: frame.reverse()}
        sets[3 * seed + 2] = frame.sample(fraction=1, shuffle=True, seed=seed)
    together = pl.concat([frame.with_columns(m=pl.lit(m)) for m, frame in sets.items()])
    result = {row["m"]: row for row in components(engine, together, weights="w", over="m")}
    assert all(row["converged"] for row in result.values())
    for m, row in result.items():
        close(
            [row["sigma2"], row["log_likelihood"]], [result[m // 3 * 3][name] for name in ("sigma2", "log_likelihood")]
        )
    for m in (33, 34, 35):
        close([result[m]["sigma2"], result[m]["log_likelihood"]], [3.86680100864863, -90.23735025307373], 1e-12)
    for frame in (sets[33], sets[34], sets[35]):
        (row,) = components(engine, frame, weights="w")
        close([row["sigma2"], row["log_likelihood"]], [3.86680100864863, -90.23735025307373], 1e-12)


@engines
def test_the_line_of_single_rows_is_that_of_least_squares(engine):
    frame = DEGENERATE["single rows"]
    slope, intercept = np.polyfit(frame["x"], frame["y"], 1)
    close(only(engine, "single rows")["mu"], {"intercept": intercept, "x": slope}, 1e-10)


@engines
def test_one_group_is_least_squares(engine):
    frame, row = DEGENERATE["one group"], only(engine, "one group")
    (slope, intercept), covariance = np.polyfit(frame["x"], frame["y"], 1, cov=True)
    residuals = frame["y"] - slope * frame["x"] - intercept
    close(row["sigma2"], (residuals**2).sum() / (frame.height - 2), 1e-10)
    close(row["mu"], {"intercept": intercept, "x": slope}, 1e-10)
    close(row["se_mu"], {"intercept": covariance[1, 1] ** 0.5, "x": covariance[0, 0] ** 0.5}, 1e-10)
    assert (row["tau2"], row["groups"], row["converged"]) == ({"intercept": None}, 1, True)
    (group,) = intercepts(engine, "one group")
    close([group["mean"], group["estimate"]], [intercept, intercept], 1e-10)
    close(group["se"], covariance[1, 1] ** 0.5, 1e-10)
    assert (group["weight"], group["effect"]) == (1, 0)


@engines
@pytest.mark.parametrize(("name", "intercept", "slope"), [("a line", 1.0, 2.0), ("all equal", 5.1, 0.0)])
def test_rows_on_a_line(engine, name, intercept, slope):
    row = only(engine, name)
    assert (row["sigma2"], row["tau2"], row["converged"]) == (0, {"intercept": 0}, True)
    assert row["se_mu"] == {"intercept": 0, "x": 0}
    close(list(row["mu"].values()), [intercept, slope], 1e-13)
    assert row["singular"] == "the intercept does not vary between groups: its variance is 0"
    for group in intercepts(engine, name):
        assert (group["weight"], group["effect"], group["se"]) == (1, 0, 0)
        close(group["estimate"], intercept, 1e-13)


@engines
def test_tables_of_coefficients(engine):
    """The numbers of the components, which the tests above hold to truth, one row per term."""
    names = {"estimate": "mu", "se": "se_mu", "lower": "mu_lower", "upper": "mu_upper", "p": "mu_p"}
    for name, coefficients in degenerate(engine, table).items():
        model = only(engine, name)
        assert {row["term"] for row in coefficients} == ({"intercept", "x"} if coefficients else set())
        assert len(coefficients) == len(model["mu"])
        for row in coefficients:
            assert list(row) == ["name", *STATISTICS]
            for column, field in names.items():
                assert row[column] == (model[field][row["term"]] and pytest.approx(model[field][row["term"]], 1e-12))
            assert row["df"] is None
            if row["se"]:
                close(row["statistic"], row["estimate"] / row["se"], 1e-15)
            else:
                assert row["statistic"] == (math.inf if row["se"] == 0 and row["estimate"] else None)


@engines
def test_rows_that_lack_a_value_are_dropped_and_counted(engine):
    """Groups of none are told what the population is (among the dense matrices' data)."""
    frame = SPREAD.with_row_index().with_columns(
        x=pl.when(pl.col("index") != 1).then("x"),
        y=pl.when(pl.col("index") % 7 != 3).then("y"),
    )
    odd = SPREAD.with_row_index().with_columns(
        x=pl.when(pl.col("index") == 1).then(math.nan).otherwise("x"),
        y=pl.when(pl.col("index") % 7 == 3).then(math.inf).otherwise("y"),
    )
    truth = Dense(frame.with_columns(w=1.0), "reml")
    for data, options in [(frame, {}), (odd, {"nan": "null"})]:
        (row,) = components(engine, data, **options)
        assert row["dropped"] == SPREAD.height - truth.N == 4
        assert_components(row, truth)


@engines
def test_a_null_key_is_a_group(engine):
    frame = DATA["unbalanced"].with_columns(g=pl.when(pl.col("g") != 3).then("g"), w=1.0)
    result = {(row["g"], row["term"]): row["effect"] for row in regress(engine, frame)}
    truth = dense("unbalanced", "reml", False)
    keys = [None if key == 3 else key for key in truth.keys]
    close([result[key, "intercept"] for key in keys], list(truth.effects()), 1e-9)


@engines
def test_an_empty_table_gives_an_empty_result(engine):
    database = sqlpaths.database(engine)
    database.hold(SPREAD.clear().with_columns(m=pl.lit("a")))
    result = database.ask(sqlpaths.call("pool_regress", "y", "x", "g", over="m"))
    assert result.is_empty()
    assert result.columns == ["m", "g", *COEFFICIENTS]
    assert [result.schema[name] for name in COEFFICIENTS] == [pl.String, pl.Int64, *[pl.Float64] * 7]
    result = database.ask(sqlpaths.call("pool_regress_coefficients", "y", "x", "g", over="m"))
    assert result.is_empty()
    assert result.columns == ["m", *STATISTICS]
    result = database.ask(sqlpaths.call("pool_regress_components", "y", "x", "g", over="m"))
    assert result.is_empty()
    assert result.columns == ["m", *COMPONENTS]
    assert [result.schema[name] for name in ("groups", "n", "dropped")] == [pl.Int64] * 3
    assert [result.schema[name] for name in ("singular", "converged")] == [pl.String, pl.Boolean]


# ---- messages --------------------------------------------------------------------------------------------------------

WRONG = {
    "FROM pool_regress(data, y, x, g, method := 'remll')": (
        "method='remll'; give one of 'reml', 'ml'; did you mean 'reml'?"
    ),
    "FROM pool_regress_coefficients(data, y, x, g, method := 'z')": "method='z'; give one of 'reml', 'ml'",
    "FROM pool_regress_components(data, y, x, g, method := NULL)": "method='NULL'; give one of 'reml', 'ml'",
    "FROM pool_regress(data, y, x, g, nan := 'nul')": ("nan='nul'; give one of 'error', 'null'; did you mean 'null'?"),
    "FROM pool_regress(data, y, x, g, level := 95)": (
        "level=95; give a number between 0 and 1, such as 0.95; did you mean 0.95?"
    ),
    "FROM pool_regress(data, name, x, g)": "value='name' is VARCHAR; give a column of numbers or Booleans",
    "FROM pool_regress(data, y, day, g)": "x='day' is DATE; give a column of numbers or Booleans",
    "FROM pool_regress(data, y, x, g, weights := name)": (
        "weights='name' is VARCHAR; give a column of numbers or Booleans"
    ),
    "FROM pool_regress(data, y, y, g)": "x='y' is the value itself; give another covariate",
    "FROM pool_regress(data, y, intercept, g)": "x='intercept' bears the name of the intercept: rename it",
    "FROM pool_regress(data, y, x, g, over := g)": "the key 'g' appears twice in by= and over=; name each key once",
    "FROM pool_regress(data, y, x, term)": (
        "the key 'term' bears the name of a result column ('term', 'n', 'mean', 'weight', 'effect', 'estimate', 'se', "
        "'lower', 'upper'); rename it first"
    ),
    "FROM pool_regress(data, y, days, g)": (
        "x='days' is the same in every row, so it cannot be distinguished from the intercept: leave it out"
    ),
    "FROM pool_regress_components(data, y, days, g)": (
        "x='days' is the same in every row, so it cannot be distinguished from the intercept: leave it out"
    ),
    "FROM pool_regress(data, odd, x, g)": (
        "the value 'odd' holds NaN or infinite numbers: remove them, or count them as missing with nan='null'"
    ),
    "FROM pool_regress_components(data, y, odd, g)": (
        "the covariate 'odd' holds NaN or infinite numbers: remove them, or count them as missing with nan='null'"
    ),
    "FROM pool_regress(data, y, huge, g)": (
        "the covariate 'huge' holds NaN or infinite numbers: remove them, or count them as missing with nan='null'"
    ),
    "FROM pool_regress(data, y, x, g, weights := odd)": (
        "weights='odd' is null, NaN, negative or infinite in 4 rows: precision weights are finite and not negative; "
        "a row of weight 0 does not count"
    ),
}


@pytest.mark.every_way
@engines
def test_messages(engine):
    """The engines take the calls in turn."""
    database = sqlpaths.database(engine)
    i = pl.int_range(pl.len())
    database.hold(
        SPREAD.with_columns(
            name=pl.lit("a"),
            day=pl.lit("2024-01-01").str.to_date(),
            intercept="x",
            term="g",
            days=7.3,
            odd=pl.when(i % 5 == 2).then(math.nan).otherwise("w"),
            huge=pl.when(i == 2).then(-math.inf).otherwise("x"),
        )
    )
    for query, sentence in list(WRONG.items())[engine == "shell" :: 2]:
        with pytest.raises(duckdb.Error) as raised:
            database.ask(query)
        assert str(raised.value).splitlines()[0] == f"Invalid Input Error: {sentence}", query


# ---- tables and names ------------------------------------------------------------------------------------------------


@engines
def test_several_keys_and_several_keys_of_models(engine):
    frame = stacked(False).with_columns(
        a=pl.col("g") % 3, b=pl.col("g") // 3, c=pl.col("name").str.head(3), d=pl.col("name").str.tail(-3)
    )
    result = regress(engine, frame, by=["a", "b"], over=["c", "d"])
    assert list(result[0]) == ["c", "d", "a", "b", *COEFFICIENTS]
    for name in ("unbalanced", "much between"):
        some = [row | {"g": row["a"] + 3 * row["b"]} for row in result if row["c"] + row["d"] == name]
        assert_coefficients(some, dense(name, "reml", False))


HOSTILE = ["'; DROP TABLE data; --", 'a "quoted" word', "two words", "x y", "select", "値", "lambda"]
PRIVATE = [
    "tbl",
    "y",
    "x",
    "over",
    "weights",
    "method",
    "level",
    "nan",
    "n",
    "k",
    "w",
    "h",
    "j",
    "g",
    "c",
    "rho",
    "model",
]
PRIVATE += ["state", "facts", "points", "classes", "sxx", "within", "df", "id", "named", "types", "result", "beta"]


@engines
def test_names_are_data(engine):
    """Every name in every role, as many as the shell has time for."""
    names = [*HOSTILE, *PRIVATE]
    step = 4 if engine == "duckdb" else 9
    data, truth = stacked(True).filter(name="unbalanced"), dense("unbalanced", "ml", True)
    for place, y in list(enumerate(names))[::step]:
        x, g, w = (names[(place + step) % len(names)] for step in (1, 2, 3))
        g = "g g" if g == "n" else g
        frame = data.select(pl.col("y").alias(y), pl.col("x").alias(x), pl.col("g").alias(g), pl.col("w").alias(w))
        result = regress(engine, frame, y, x, g, weights=w, method="ml")
        assert {row["term"] for row in result} == {"intercept", x}
        renamed = [row | {"g": row[g], "term": "x" if row["term"] == x else "intercept"} for row in result]
        assert_coefficients(renamed, truth)


@engines
def test_expressions(engine):
    frame = stacked(False).filter(name="unbalanced")
    logs = frame.with_columns(x=(5 + pl.col("x")).log(), y=2 * pl.col("y"))
    (row,) = rows(engine, "FROM pool_regress_components(data, 2 * y, ln(5 + x), g % 100)", frame)
    (term,) = set(row["mu"]) - {"intercept"}
    assert "5 + x" in term
    assert list(row["mu"]) == ["intercept", term]
    assert_components(row, Dense(logs, "reml"))
    (row,) = rows(engine, "FROM pool_regress_components(data, y, x > 0, g)")
    assert_components(row, Dense(frame.with_columns(x=pl.col("x") > 0), "reml"))


def test_the_name_of_a_column_is_that_of_the_table():
    """However it is written."""
    for engine in sqlpaths.SQL_PATHS:
        result = rows(engine, "FROM pool_regress(data, Y, DAYS, g)", SPREAD.rename({"x": "Days"}))
        assert {row["term"] for row in result} == {"intercept", "Days"}


@pytest.mark.parametrize("engine", shells.ENGINES)
def test_files_are_scanned_once_for_the_columns_that_are_needed(engine, tmp_path):
    stacked(True).with_columns(unused=1.0).write_parquet(tmp_path, partition_by="name")
    files = f"'{tmp_path}/**/*.parquet'"
    calls = {
        f"FROM pool_regress({files}, y, x, g)": (["g", "x", "y"], True),
        f"FROM pool_regress({files}, y, x, g, weights := w)": (["g", "w", "x", "y"], True),
        f"FROM pool_regress_components({files}, y, x, g, over := name)": (["g", "name", "x", "y"], False),
    }
    *plans, result = shells.answers(engine, [*(f"EXPLAIN (FORMAT json) {call}" for call in calls), list(calls)[-1]])
    for plan, (columns, pivoted) in zip(map(parsed, plans), calls.values(), strict=True):
        (scan,) = plan.scans()
        assert sorted(scan.columns()) in (columns, [""] if duckdb.__version__ == "1.5.0" else columns)
        assert [sorted(node.columns()) for node in plan.first_rows()] == [["x", "y"]] * pivoted
    assert isinstance(result, list), result
    for row in result:
        close(row["sigma2"], Dense(stacked(True).filter(name=row["name"]).with_columns(w=1.0), "reml").sigma2, 1e-7)
