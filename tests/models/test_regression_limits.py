"""Regressions at the limits of identification: flat likelihoods, several maxima, nearly dependent covariates."""

import math
import re
import warnings
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from mixed import Mixed
from scipy.optimize import minimize

import polars_pool as pool
from polars_pool.models import warning

METHODS = ("reml", "ml")
every_method = pytest.mark.parametrize("method", METHODS)


def components(frame, x, vary, **options) -> dict:
    return pool.regress_components(frame, "y", x, "g", vary=vary, **options).row(0, named=True)


def orders(frame: pl.DataFrame) -> list[pl.DataFrame]:
    return [frame, frame.reverse(), *(frame.sample(fraction=1, shuffle=True, seed=seed) for seed in range(3))]


def dense(frame, x, vary, method="reml", weights=None, correlated=True) -> Mixed:
    columns = {"intercept": np.ones(frame.height)} | {name: frame[name].to_numpy() for name in x}
    return Mixed(
        frame["y"].to_numpy(),
        np.column_stack(list(columns.values())),
        np.column_stack([columns[name] for name in columns if name in vary]),
        frame["g"].to_list(),
        None if weights is None else frame[weights].to_numpy(),
        correlated,
        restricted=method == "reml",
    )


# ---- identification --------------------------------------------------------------------------------------------------


def sized(sizes, terms: int, seed: int) -> pl.DataFrame:
    """Groups of these sizes, with covariates a and b (0 or 1, and about 1000) that vary within them."""
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(len(sizes)), sizes)
    columns = {"a": np.arange(len(g)) % 2.0, "b": 1000 + random.normal(size=len(g))}
    own = random.normal(size=(len(sizes), 2))[g]
    y = 1 + own[:, 0] + columns["a"] * own[:, 1] + random.normal(size=len(g))
    return pl.DataFrame({"g": g, "y": y, **dict([*columns.items()][: terms - 1])})


NOT_IDENTIFIED = {
    "two single rows, three terms": ((6, 1, 1), ["intercept", "a", "b"]),
    "a long group": ((12, 1, 1), ["intercept", "a", "b"]),
    "one single row, two terms": ((6, 1), ["intercept", "a"]),
    "slopes alone": ((9, 1), ["a", "b"]),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", NOT_IDENTIFIED)
def test_a_flat_likelihood_gives_no_variances_in_any_order_of_rows(case, seed):
    sizes, vary = NOT_IDENTIFIED[case]
    terms = 3 if "b" in vary else 2
    frame = sized(sizes, terms, seed)
    x = frame.columns[2:]
    for shuffled in orders(frame):
        with pytest.warns(pool.ConvergenceWarning, match=re.escape(warning.flat(vary))):
            model = components(shuffled, x, vary)
        assert model["converged"] is False
        assert model["sigma2"] is None
        assert set(model["tau2"].values()) == {None}
        assert all(math.isfinite(mu) for mu in model["mu"].values())


def test_only_the_terms_that_are_not_identified_are_named():
    """Three groups determine the slope of a; b varies in only one group, so that its fixed slope explains it."""
    random = np.random.default_rng(4)
    g = np.repeat([0, 1, 2, 3], 6)
    a, b = random.normal(size=24), np.where(g == 0, random.normal(size=24), 0.0)
    frame = pl.DataFrame({"g": g, "a": a, "b": b, "y": random.normal(size=24) + g})
    with pytest.warns(pool.ConvergenceWarning, match=re.escape(warning.flat(["b"]))):
        model = components(frame, ["a", "b"], ["a", "b"], correlated=False)
    assert model["converged"] is False


def deficiency(frame, x, vary, correlated, restricted) -> int:
    """The number of directions of sigma2 and the covariance that do not change the distribution of the rows (given the
    fixed terms), by the rank of the derivatives of V, from dense matrices."""
    columns = {"intercept": np.ones(frame.height)} | {name: frame[name].to_numpy() for name in x}
    centred = {name: column - column.mean() if name in x and correlated else column for name, column in columns.items()}
    z = [centred[name] / np.sqrt((centred[name] ** 2).mean()) for name in columns if name in vary]
    same = frame["g"].to_numpy()[:, None] == frame["g"].to_numpy()
    pairs = [(i, j) for i in range(len(z)) for j in range(i + 1) if correlated or i == j]
    changes = [np.eye(frame.height)]
    changes += [(np.outer(z[i], z[j]) + np.outer(z[j], z[i])) * same for i, j in pairs]
    if restricted:
        whole, _ = np.linalg.qr(np.column_stack(list(columns.values())), mode="complete")
        contrasts = whole[:, len(columns) :]
        changes = [contrasts.T @ change @ contrasts for change in changes]
    rows = np.array([change.ravel() / max(np.linalg.norm(change), 1e-9) for change in changes])
    return len(rows) - np.linalg.matrix_rank(rows, tol=1e-7)


@pytest.mark.share(2)
@every_method
@pytest.mark.parametrize("correlated", [True, False], ids=["correlated", "uncorrelated"])
@pytest.mark.parametrize("vary", [["intercept"], ["intercept", "a"], ["intercept", "a", "b"]], ids=len)
def test_identification_agrees_with_the_rank_of_the_derivatives_of_v(vary, correlated, method):
    """Random group sizes, some with a covariate that is constant within groups; singular fits are still converged."""
    random = np.random.default_rng(len(vary))
    x = ["a", "b"] if len(vary) > 1 else ["a"]
    frames = []
    while len(frames) < 40:
        sizes = [random.integers(5, 9), *random.choice([1, 1, 2, 4], size=random.integers(1, 5))]
        g = np.repeat(np.arange(len(sizes)), sizes)
        columns = {name: random.normal(size=len(g)) for name in x}
        if len(frames) % 4 == 0:
            columns["a"] = random.normal(size=len(sizes))[g]
        frame = pl.DataFrame({"m": len(frames), "g": g, **columns, "y": random.normal(size=len(g))})
        if frame.height > len(vary) * len(sizes) and np.linalg.matrix_rank(frame.select(x).with_columns(c=1.0)) > len(
            x
        ):
            frames.append(frame)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        result = pool.regress_components(
            pl.concat(frames), "y", x, "g", over="m", vary=vary, correlated=correlated, method=method
        )
    identified = [deficiency(frame, x, vary, correlated, method == "reml") == 0 for frame in frames]
    assert result["converged"].to_list() == identified


# ---- several maxima --------------------------------------------------------------------------------------------------

RANK_1 = pl.DataFrame(
    {
        "g": [0, 0, 0, 0, 1, 1, 2, 2, 2],
        "y": [
            *(-138.06208893393838, -139.62841519526327, -133.16759329812638, -134.6994337284634, -142.80140495064575),
            *(-128.16828190837677, -140.95768819966813, -143.27443842518275, -140.67465005946778),
        ],
        "a": [
            *(-0.05487929668418467, -0.3754539196601809, -0.6812409304900268, -0.7202242697362428, 0.3158860022483715),
            *(-1.4325253506523496, 0.9716073865506286, 0.6987593809392119, -0.1335332817895071),
        ],
        "b": [
            *(1820636.2599828048, 1360919.4732955105, 1283210.54561814, 1724197.4383617511, 1909886.776820982),
            *(1828048.958353976, 1687096.786643098, 1367107.3857219832, 1318971.1500325738),
        ],
        "c": [
            *(2002.504626150347, 1996.046142885554, 1951.093114505362, 1985.5673682697911, 2018.4553381775495),
            *(1970.5550482744773, 2017.3930979201355, 2006.6622785097384, 1988.6172925307887),
        ],
    }
)


def test_a_maximum_on_the_edge_of_rank_1_is_found():
    """By arithmetic of 40 digits; searches from covariances of full rank end at a lower maximum, -12.40106."""
    for frame in orders(RANK_1):
        model = components(frame, ["a", "b", "c"], ["intercept", "a"], method="ml")
        assert model["log_likelihood"] == pytest.approx(-12.37597, abs=1e-5)
        relative = [model["tau2"][name] / model["sigma2"] for name in ("intercept", "a")]
        assert relative == pytest.approx([1.32741, 5.22429], rel=1e-5)
        assert model["correlation"]["intercept"]["a"] == pytest.approx(1)
        assert model["converged"]


def highest(truth: Mixed, random) -> float:
    """The log likelihood at the best of many searches over covariances of every rank, by dense matrices."""
    entries = len(truth.entries[0])
    best = np.inf
    for _ in range(24):
        start = random.normal(size=entries) * np.exp(random.uniform(-2, 3))
        start[truth.entries[1] > 0] *= random.choice([0.01, 1.0])
        result = minimize(truth.deviance, start, jac=True, method="BFGS", options={"gtol": 1e-7})
        best = min(best, result.fun)
    return -best / 2


@pytest.mark.parametrize("seed", [0, 4, 8, 9, 21, 140])
def test_no_other_starting_point_ends_higher(seed):
    """Few groups with few rows: such likelihoods often have several maxima."""
    random = np.random.default_rng([0, seed])
    terms, method = 2 + (seed % 3 == 2), METHODS[1 - random.integers(2)]
    groups = random.integers(3, 9)
    g = np.repeat(np.arange(groups), random.integers(1, 6, size=groups))
    covariates = max(terms - 1, random.integers(1, 4))
    x = random.normal(size=(len(g), covariates))
    factor = np.tril(random.normal(size=(terms, terms))) * random.choice([0, 0.5, 1, 3], p=[0.15, 0.3, 0.35, 0.2])
    y = 1 + x @ random.normal(size=covariates)
    y += (np.c_[np.ones(len(g)), x[:, : terms - 1]] * (random.normal(size=(groups, terms)) @ factor.T)[g]).sum(axis=1)
    names = [f"x{i}" for i in range(covariates)]
    frame = pl.DataFrame({"g": g, "y": y + random.normal(size=len(g))} | dict(zip(names, x.T, strict=True)))
    vary = ["intercept", *names[: terms - 1]]
    model = components(frame, names, vary, method=method)
    assert model["converged"]
    assert model["log_likelihood"] >= highest(dense(frame, names, vary, method), random) - 1e-6


@pytest.mark.share(2)
@pytest.mark.parametrize("seed", [49, 99, 187, 323, 379, 409])
def test_maxima_of_lower_rank_of_three_varying_terms(seed):
    """Designs with a maximum of rank 1 or 2, where searches from multiples of one covariance end lower."""
    random = np.random.default_rng([7, seed])
    groups = random.integers(3, 9)
    g = np.repeat(np.arange(groups), random.integers(1, 6, size=groups))
    covariates = max(2, random.integers(1, 4))
    x = random.normal(size=(len(g), covariates))
    factor = np.tril(random.normal(size=(3, 3))) * random.choice([0, 0.5, 1, 3], p=[0.15, 0.3, 0.35, 0.2])
    y = 1 + x @ random.normal(size=covariates)
    y += (np.c_[np.ones(len(g)), x[:, :2]] * (random.normal(size=(groups, 3)) @ factor.T)[g]).sum(axis=1)
    names = [f"x{i}" for i in range(covariates)]
    frame = pl.DataFrame({"g": g, "y": y + random.normal(size=len(g))} | dict(zip(names, x.T, strict=True)))
    vary, method = ["intercept", *names[:2]], METHODS[seed // 2 % 2]
    model = components(frame, names, vary, method=method)
    assert model["converged"]
    assert model["log_likelihood"] >= highest(dense(frame, names, vary, method), random) - 1e-6


# ---- nearly dependent covariates -------------------------------------------------------------------------------------


def nearly(eps: float) -> pl.DataFrame:
    """A covariate b that equals a, except for eps times noise."""
    random = np.random.default_rng(3)
    g = np.repeat(np.arange(10), 20)
    a, z = random.normal(size=200), random.normal(size=200)
    y = 1 + a + z + random.normal(size=10)[g] + random.normal(size=200)
    return pl.DataFrame({"g": g, "a": a, "b": a + eps * z, "y": y})


def exactly(frame: pl.DataFrame, rho: Fraction) -> tuple[list[Fraction], Fraction]:
    """Coefficients and sigma2 of the restricted likelihood with an intercept of variance rho sigma2, in fractions."""
    columns = [[Fraction(1)] * frame.height, *([*map(Fraction, frame[name])] for name in ("a", "b", "y"))]
    rows = [frame.with_row_index().filter(g=key)["index"].to_list() for key in frame["g"].unique()]
    sums = [[sum(column[i] for i in of_group) for column in columns] for of_group in rows]
    kept = [rho / (1 + len(of_group) * rho) for of_group in rows]

    def product(i, j):
        of_rows = sum(p * q for p, q in zip(columns[i], columns[j], strict=True))
        return of_rows - sum(h * s[i] * s[j] for h, s in zip(kept, sums, strict=True))

    left = [[product(i, j) for j in range(4)] for i in range(4)]
    for k in range(3):
        for i in range(k + 1, 4):
            share = left[i][k] / left[k][k]
            left[i] = [p - share * q for p, q in zip(left[i], left[k], strict=True)]
    beta = [Fraction(0)] * 3
    for k in (2, 1, 0):
        beta[k] = (left[k][3] - sum(left[k][j] * beta[j] for j in range(k + 1, 3))) / left[k][k]
    return beta, left[3][3] / (frame.height - 3)


@pytest.mark.parametrize("eps", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 3e-6])
def test_digits_that_a_covariate_costs_are_counted(eps):
    """Compared with fractions: if fewer than 8 digits are left, the number in the warning is right."""
    frame = nearly(eps)
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        model = components(frame, ["a", "b"], ["intercept"])
    raised = [w for w in raised if issubclass(w.category, pool.ConvergenceWarning)]
    mu, sigma2 = exactly(frame, Fraction(model["tau2"]["intercept"]) / Fraction(model["sigma2"]))
    digits = int(re.search(r"(\d+) digits", str(raised[0].message))[1]) if raised else 8
    assert bool(raised) == (eps < 3e-4)
    assert [str(w.message) for w in raised] == [warning.lost("b", digits)] * bool(raised)
    assert model["sigma2"] == pytest.approx(float(sigma2), rel=10.0**-digits)
    assert model["mu"]["b"] == pytest.approx(float(mu[2]), rel=10.0**-digits)
    assert model["converged"]


def test_rounding_of_the_deviance_does_not_stop_the_search():
    """Rounding made the deviance decrease by chance, against the gradient, and the search went in circles."""
    frame = nearly(1e-4)
    for seed in range(60):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = frame.sample(fraction=1, shuffle=True, seed=seed)
            assert components(rows, ["a", "b"], ["intercept"])["converged"], seed


@pytest.mark.parametrize("eps", [9e-7, 1e-7, 1e-12, 0.0])
def test_a_covariate_without_digits_is_refused_with_the_reason(eps):
    reason = r"'b' is a linear combination .*'a' in every row, or so nearly"
    with pytest.raises((ValueError, pl.exceptions.ComputeError), match=reason):
        components(nearly(eps), ["a", "b"], ["intercept"])


# ---- covariates that are constant within groups ----------------------------------------------------------------------


def weighed(seed: int) -> pl.DataFrame:
    """Eight groups of five rows with integer weights; x is a property of the group."""
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(8), 5)
    x = random.normal(size=8)[g]
    y = 1 + 2 * x + random.normal(size=8)[g] + random.normal(size=40)
    return pl.DataFrame({"g": g, "x": x, "y": y, "w": random.integers(1, 10, size=40).astype(float)})


def test_a_weighted_covariate_of_groups_in_every_order_of_rows():
    for frame in orders(weighed(11)):
        model = components(frame, ["x"], ["intercept"], weights="w")
        assert model["converged"]
        assert model["sigma2"] == pytest.approx(3.86680100864863, rel=1e-12)
        # The log likelihood with weights omits the sum of their logarithms.
        assert model["log_likelihood"] == pytest.approx(-90.23735025307373, rel=1e-12)


@every_method
@pytest.mark.parametrize("options", [{}, {"weights": "w"}], ids=["rows", "weights"])
def test_a_hundred_sets_of_covariates_of_groups(method, options):
    frames = [
        frame.with_columns(m=10 * seed + i) for seed in range(100) for i, frame in enumerate(orders(weighed(seed)))
    ]
    result = pool.regress_components(pl.concat(frames), "y", ["x"], "g", over="m", method=method, **options)
    assert result["converged"].all()
    first = result.filter(pl.col("m") % 10 == 0)
    for i in range(1, 5):
        other = result.filter(pl.col("m") % 10 == i)
        np.testing.assert_allclose(other["log_likelihood"], first["log_likelihood"], rtol=1e-12)
        np.testing.assert_allclose(other["sigma2"], first["sigma2"], rtol=1e-9)
    for seed in (0, 1, 43):
        truth = dense(weighed(seed), ["x"], ["intercept"], method, **options)
        assert first["sigma2"][seed] == pytest.approx(truth.sigma2, rel=1e-9)


def test_a_constant_covariate_of_weighted_models_is_collinear():
    """The weighted means of equal numbers differ by rounding, which is no spread."""
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({"m": 1, "g": rng.integers(0, 25, 342), "w": rng.uniform(0.2, 3, 342), "x": 7.0})
    frame = frame.with_columns(y=pl.Series(rng.normal(size=342)))
    with pytest.warns(pool.ConvergenceWarning, match=re.escape(warning.COLLINEAR)):
        row = components(frame, ["x"], "intercept", over="m", weights="w")
    assert row["converged"] is False
    assert row["mu"]["x"] is None


def test_all_groups_can_vary_where_some_do_not():
    """The search starts where some of many groups have their maximum, at variances of 0; derivatives vanish there."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"g": rng.integers(0, 40_000, 90_000), "x": rng.normal(size=90_000)})
    frame = frame.with_columns(y=pl.col("x") + pl.Series(rng.normal(size=90_000)))
    one, both = (components(frame, ["x"], vary) for vary in ("intercept", ["intercept", "x"]))
    assert one["tau2"]["intercept"] > 0
    assert both["log_likelihood"] >= one["log_likelihood"] - 1e-6
