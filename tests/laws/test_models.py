"""A thousand models by `over` equal a thousand single models, each at its own global optimum."""

import math

import numpy as np
import polars as pl
import pytest
import ways
from frames import assert_near

import polars_pool as pool

MODELS = 1000
SINGLE = 120 if ways.full else 40
FITS = {
    "reml": {"tau2": "reml"},
    "ml": {"tau2": "ml"},
    "pm": {"tau2": "pm"},
    "reml given v": {"tau2": "reml", "sigma2": "separate"},
}
every_fit = pytest.mark.parametrize("name", FITS)


def one_model(rng: np.random.Generator, kind: int) -> tuple[list[int], list[float]]:
    """Ordinary models, no variance between, little variance within, and equal large groups among scattered ones."""
    groups = int(rng.integers(8, 17)) if kind < 3 else int(rng.integers(6, 9))
    sizes = rng.integers(1, 7, groups)
    sizes[:2] = (2, 5)
    between, within = [(2.0, 1.0), (0.0, 3.0), (5.0, 0.05), (0.0, 1.0)][kind]
    centres = rng.normal(0, between, groups)
    if kind == 3:  # the large groups favour a small tau2, the small ones a large tau2: two maxima
        sizes = np.where(np.arange(groups) < 4, rng.integers(40, 60, groups), 2)
        centres = np.where(np.arange(groups) < 4, 0.0, rng.normal(0, 4.0, groups))
    keys = np.repeat(np.arange(groups), sizes)
    return keys.tolist(), (rng.normal(0, 20) + centres[keys] + rng.normal(0, within, len(keys))).tolist()


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    rng = np.random.default_rng(20260101)
    parts = []
    for model in range(MODELS):
        keys, values = one_model(rng, model % 4)
        parts.append(pl.DataFrame({"model": [model] * len(keys), "g": keys, "y": values}))
    return pl.concat(parts).sample(fraction=1, shuffle=True, seed=1)


@pytest.fixture(scope="module")
def batch(rows) -> dict[str, pl.DataFrame]:
    """The components of all models in one query, one row per model, sorted."""
    return {
        name: pool.components(rows.lazy(), "y", "g", over="model", **fit).sort("model").collect()
        for name, fit in FITS.items()
    }


# ---- single models -----------------------------------------------------------------------------------------


@every_fit
def test_models_at_once_are_single_models(rows, batch, name):
    parts = rows.partition_by("model", as_dict=True)
    sample = np.random.default_rng(7).choice(MODELS, SINGLE, replace=False)
    for model in sample.tolist():
        part = parts[(model,)]
        alone = pool.components(part, "y", "g", **FITS[name]).row(0, named=True)
        together = batch[name].row(model, named=True)
        scale = abs(alone["mu"]) + part["y"].std()
        assert (together["converged"], alone["converged"]) == (True, True)
        assert (together["groups"], together["n"]) == (alone["groups"], alone["n"])
        assert_near(together["mu"], alone["mu"], 1e-9, scale, f"mu of {model}")
        assert_near(math.sqrt(together["tau2"]), math.sqrt(alone["tau2"]), 1e-9, scale, f"tau of {model}")
        assert_near(together["sigma2"], alone["sigma2"], 1e-9, scale**2, f"sigma2 of {model}")
        assert_near(together["se_mu"], alone["se_mu"], 1e-9, scale, f"se_mu of {model}")


@every_fit
def test_estimates_at_once_are_single_estimates(rows, name):
    sample = np.random.default_rng(11).choice(MODELS, 60, replace=False).tolist()
    together = pool.shrink(rows, "y", "g", over="model", **FITS[name])
    assert together.height == rows.select("model", "g").n_unique()
    for model in sample:
        part = rows.filter(model=model)
        alone = pool.shrink(part, "y", "g", **FITS[name])
        scale = abs(part["y"].mean()) + part["y"].std()
        got = together.filter(model=model)
        for column in ("mean", "estimate", "se", "lower", "upper"):
            assert_near(got[column], alone[column], 1e-9, scale, f"{column} of {model}")


@every_fit
def test_twice_the_same(rows, batch, name):
    """The result does not depend on the order in which threads deliver groups: every run gives the same numbers."""
    again = pool.components(rows.lazy(), "y", "g", over="model", **FITS[name]).sort("model").collect()
    scale = (rows["y"].abs().max() + rows["y"].std()) ** 2
    for column in ("sigma2", "tau2", "mu", "se_mu"):
        assert_near(again[column], batch[name][column], 1e-12, scale, column)


# ---- the optimum is the global one -------------------------------------------------------------------------


class Padded:
    """Moments of all models as arrays (models, groups); n = 0 marks a missing group."""

    def __init__(self, rows: pl.DataFrame):
        states = rows.group_by("model", "g").agg(
            pl.col("y").count().alias("n"), pl.mean("y").alias("m"), var=pl.var("y")
        )
        wide = states["g"].max() + 1
        at = states["model"].to_numpy(), states["g"].to_numpy()
        self.n, self.y, self.ss = (np.zeros((MODELS, wide)) for _ in range(3))
        n = states["n"].to_numpy().astype(float)
        self.n[at] = n
        self.ss[at] = np.where(n > 1, (n - 1) * states["var"].fill_null(0.0).to_numpy(), 0.0)
        centre = np.zeros(MODELS)
        for model, value in rows.group_by("model").agg(pl.mean("y")).iter_rows():
            centre[model] = value
        self.y[at] = states["m"].to_numpy() - centre[at[0]]
        self.groups, self.rows, self.ssw = (self.n > 0).sum(1), self.n.sum(1), self.ss.sum(1)

    def about_mu(self, w: np.ndarray) -> np.ndarray:
        mu = (w * self.y).sum(1, keepdims=True) / w.sum(1, keepdims=True)
        return (w * (self.y - mu) ** 2).sum(1)

    def joint(self, rho: np.ndarray, reml: bool) -> np.ndarray:
        """-2 log L of the one-way model at rho = tau2 / sigma2, sigma2 profiled out, up to a constant."""
        size = 1 + self.n * rho[:, None]
        h = self.n / size
        df = self.rows - 1 if reml else self.rows
        value = df * np.log((self.ssw + self.about_mu(h)) / df) + np.log(size).sum(1)
        return value + np.log(h.sum(1)) if reml else value

    def separate(self) -> np.ndarray:
        """s²/n of each group, with the pooled variance for single rows; infinite for a missing group."""
        pooled = (self.ssw / (self.rows - self.groups))[:, None]
        own = np.where(self.n > 1, self.ss / np.maximum(self.n - 1, 1), pooled)
        with np.errstate(divide="ignore"):
            return np.where(self.n > 0, own / self.n, np.inf)

    def given_v(self, tau2: np.ndarray) -> np.ndarray:
        """-2 restricted log L given v at tau2, up to a constant."""
        total = self.separate() + tau2[:, None]
        w = 1 / total
        logs = np.where(np.isfinite(total), np.log(np.where(np.isfinite(total), total, 1)), 0)
        return logs.sum(1) + np.log(w.sum(1)) + self.about_mu(w)


@pytest.fixture(scope="module")
def padded(rows) -> Padded:
    return Padded(rows)


RATIOS = np.concatenate([[0.0], np.logspace(-5, 7, 361)])


def objective(name: str, padded: Padded):
    """-2 log L as a function of rho (joint) or of tau2 (given v), for all models."""
    if name == "reml given v":
        return padded.given_v
    return lambda rho: padded.joint(rho, reml=name == "reml")


def grid_of(name: str, padded: Padded) -> np.ndarray:
    """A grid (models, points); given v, in units of the smallest finite v of each model."""
    if name == "reml given v":
        return RATIOS * padded.separate().min(axis=1)[:, None]
    return np.broadcast_to(RATIOS, (MODELS, len(RATIOS)))


@pytest.mark.parametrize("name", ["reml", "ml", "reml given v"])
def test_every_model_is_at_its_global_optimum(batch, padded, name):
    result = batch[name]
    tau2 = result["tau2"].to_numpy()
    at = tau2 if name == "reml given v" else tau2 / result["sigma2"].to_numpy()
    value = objective(name, padded)
    grid = np.stack([value(points) for points in grid_of(name, padded).T], axis=1)
    best = grid.min(axis=1)
    assert (value(at) <= best + 1e-9 * (1 + np.abs(best))).all()


@pytest.mark.parametrize("name", ["reml", "reml given v"])
def test_the_models_include_difficult_ones(batch, padded, name):
    """Boundaries, interior maxima and several maxima of the likelihood all occur."""
    zero = (batch[name]["tau2"] == 0).sum()
    assert 30 < zero < MODELS - 30
    grid = np.stack([objective(name, padded)(points) for points in grid_of(name, padded).T], axis=1)
    left = np.concatenate([np.full((MODELS, 1), np.inf), grid[:, :-1]], axis=1)
    right = np.concatenate([grid[:, 1:], np.full((MODELS, 1), np.inf)], axis=1)
    minima = ((grid < left - 1e-9) & (grid < right - 1e-9)).sum(axis=1)
    assert (minima >= 2).sum() >= 10


def test_paule_mandel_solves_its_equation(batch, padded):
    """Σ(y - mu)² / (v + tau2) = J - 1, or less at 0."""
    tau2 = batch["pm"]["tau2"].to_numpy()
    with np.errstate(divide="ignore"):
        v = np.where(padded.n > 0, batch["pm"]["sigma2"].to_numpy()[:, None] / padded.n, np.inf)
    q = padded.about_mu(1 / (v + tau2[:, None]))
    inside = tau2 > 0
    np.testing.assert_allclose(q[inside], padded.groups[inside] - 1, rtol=1e-9)
    assert (q[~inside] <= padded.groups[~inside] - 1).all()


# ---- models without estimates among others -----------------------------------------------------------------


@pytest.mark.parametrize("name", FITS)
def test_degenerate_models_among_a_thousand(rows, batch, name):
    """One group, single rows, equal rows, only nulls: each has its own result, and the others are unchanged."""
    odd = pl.DataFrame(
        {
            "model": [-1, -1, -2, -2, -2, -3, -3, -3, -4, -4],
            "g": [1, 1, 1, 2, 3, 1, 1, 2, 1, 2],
            "y": [1.0, 3.0, 1.0, 2.0, 6.0, 5.0, 5.0, 5.0, None, None],
        }
    )
    query = pool.components(pl.concat([rows, odd]).lazy(), "y", "g", over="model", **FITS[name]).sort("model")
    with pytest.warns(pool.ConvergenceWarning, match="no group has two rows") as record:
        models = query.collect()
    assert len(record) == 1
    scale = (rows["y"].abs().max() + rows["y"].std()) ** 2
    for column in ("sigma2", "tau2", "mu", "se_mu"):
        assert_near(models[column].tail(MODELS), batch[name][column], 1e-12, scale, column)
    nulls, equal, singles, one = models.head(4).iter_rows(named=True)
    assert (one["tau2"], one["mu"], one["sigma2"], one["groups"]) == (None, 2, 2, 1)
    assert (singles["tau2"], singles["sigma2"], singles["converged"]) == (None, None, False)
    assert singles["mu"] == pytest.approx(3, rel=1e-14)
    assert (equal["tau2"], equal["sigma2"], equal["mu"]) == (0, 0, 5)
    assert (nulls["groups"], nulls["n"], nulls["mu"]) == (0, 0, None)


# ---- models of thousands of groups -------------------------------------------------------------------------


def large_studies(rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Published estimates (y, v): v over many decades, two kinds of groups, no variance between; and a small model."""

    def two_kinds(precise: int, wild: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
        v = np.concatenate([np.full(precise, 1e-4), rng.uniform(0.5, 2.0, wild)])
        return rng.normal(0, np.sqrt(v) * np.where(v < 0.1, 1.0, spread)), v

    wide = 10 ** rng.uniform(-8, 3, 3000)
    level = rng.uniform(0.5, 4.0, 1500)
    return {
        "wide": (rng.normal(5, np.sqrt(wide + 0.01)), wide),
        "boundary": (rng.normal(-3, 0.7 * np.sqrt(level)), level),
        "two kinds": two_kinds(600, 900, 2.1),
        "two kinds, few wild": two_kinds(300, 700, 2.5),
        "small": two_kinds(4, 6, 3.5),
        "one very exact": (rng.normal(0, 2, 800), np.concatenate([[1e-12], rng.uniform(0.5, 1.5, 799)])),
    }


def deviance_given_v(y: np.ndarray, v: np.ndarray, tau2: float, reml: bool) -> float:
    w = 1 / (v + tau2)
    mu = (w @ y) / w.sum()
    value = np.log(v + tau2).sum() + w @ (y - mu) ** 2
    return float(value + math.log(w.sum()) if reml else value)


def score_given_v(y: np.ndarray, v: np.ndarray, tau2: float, reml: bool) -> tuple[float, float]:
    """The two sides of the likelihood equation; the left one is Σw²(y - mu)²."""
    w = 1 / (v + tau2)
    mu = (w @ y) / w.sum()
    return float(w**2 @ (y - mu) ** 2), float(w.sum() - (w @ w) / w.sum() if reml else w.sum())


@pytest.mark.parametrize("tau2", ["reml", "ml"])
@pytest.mark.parametrize("seed", range(3))
def test_large_models_of_published_estimates(tau2, seed):
    """All models together and each alone end at the global optimum, also with the fast search."""
    models = large_studies(np.random.default_rng(seed))
    frame = pl.concat(
        pl.DataFrame({"model": name, "g": np.arange(len(y)), "y": y, "se": np.sqrt(v)})
        for name, (y, v) in models.items()
    )
    together = pool.components(frame, "y", "g", over="model", se="se", tau2=tau2)
    for name, (y, v) in models.items():
        alone = pool.components(frame.filter(model=name), "y", "g", se="se", tau2=tau2).row(0, named=True)
        both = together.filter(model=name).row(0, named=True)
        scale = abs(alone["mu"]) + y.std()
        assert (alone["converged"], both["converged"]) == (True, True)
        assert_near([both["mu"], both["tau2"]], [alone["mu"], alone["tau2"]], 1e-9, scale, name)
        result = alone["tau2"]
        grid = np.concatenate([[0.0], np.logspace(-9, 4, 400)])
        best = min(deviance_given_v(y, v, t, tau2 == "reml") for t in grid)
        assert deviance_given_v(y, v, result, tau2 == "reml") <= best + 1e-9 * len(y), name
        if result > 0:
            got, want = score_given_v(y, v, result, tau2 == "reml")
            assert got == pytest.approx(want, rel=1e-8), name


@pytest.mark.parametrize("tau2", ["reml", "ml"])
def test_large_models_with_weights(tau2):
    """Joint estimates with a different total weight in each group: 2,000 groups, and models with few groups."""
    rng = np.random.default_rng(5)
    parts = []
    for model, groups, between in ((0, 2000, 0.5), (1, 9, 2.0), (2, 700, 0.0)):
        keys = np.repeat(np.arange(groups), 2)
        w = 10 ** rng.uniform(-2, 2, len(keys))
        y = 7 + rng.normal(0, between, groups)[keys] + rng.normal(0, 1, len(keys)) / np.sqrt(w)
        parts.append(pl.DataFrame({"model": model, "g": keys, "y": y, "w": w}))
    frame = pl.concat(parts)
    together = pool.components(frame, "y", "g", over="model", weights="w", tau2=tau2)
    for model, part in enumerate(parts):
        alone = pool.components(part, "y", "g", weights="w", tau2=tau2).row(0, named=True)
        both = together.row(model, named=True)
        for name in ("sigma2", "tau2", "mu", "se_mu"):
            assert_near(both[name], alone[name], 1e-9, 8.0, f"{name} of {model}")
        y, w = (part[name].to_numpy().reshape(-1, 2) for name in ("y", "w"))
        total = w.sum(1)
        mean = (w * y).sum(1) / total
        squares = (w * (y - mean[:, None]) ** 2).sum()

        def profile(rho, total=total, mean=mean, squares=squares):
            h = total / (1 + total * rho)
            r = h @ (mean - (h @ mean) / h.sum()) ** 2
            df = 2 * len(mean) - (tau2 == "reml")
            value = df * math.log((squares + r) / df) + np.log1p(total * rho).sum()
            return value + math.log(h.sum()) if tau2 == "reml" else value

        best = min(profile(rho) for rho in np.concatenate([[0.0], np.logspace(-6, 4, 400)]))
        assert profile(alone["tau2"] / alone["sigma2"]) <= best + 1e-9 * len(mean)
