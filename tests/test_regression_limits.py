"""Regressions at the limits of what rows tell: flat likelihoods, several maxima, covariates that nearly depend."""

import math
import re
import warnings
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from mixed import Mixed

import polars_pool as pool
from polars_pool import warning

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
    """The slope of a is told by three groups, that of b varies in one alone, whose fixed slope takes it up."""
    random = np.random.default_rng(4)
    g = np.repeat([0, 1, 2, 3], 6)
    a, b = random.normal(size=24), np.where(g == 0, random.normal(size=24), 0.0)
    frame = pl.DataFrame({"g": g, "a": a, "b": b, "y": random.normal(size=24) + g})
    with pytest.warns(pool.ConvergenceWarning, match=re.escape(warning.flat(["b"]))):
        model = components(frame, ["a", "b"], ["a", "b"], correlated=False)
    assert model["converged"] is False


def deficiency(frame, x, vary, correlated, restricted) -> int:
    """How many directions of sigma2 and the covariance leave the distribution of the rows (of what they hold beside the
    fixed terms) as it is: the rank of the derivatives of V, by dense matrices."""
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


@every_method
@pytest.mark.parametrize("correlated", [True, False], ids=["correlated", "uncorrelated"])
@pytest.mark.parametrize("vary", [["intercept"], ["intercept", "a"], ["intercept", "a", "b"]], ids=len)
def test_what_is_identified_is_what_the_derivatives_of_v_tell_apart(vary, correlated, method):
    """Random sizes of groups, some with a covariate that is constant within them; singular fits stay converged."""
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
        if frame.height > len(vary) * len(sizes) and np.linalg.matrix_rank(frame.select(x).with_columns(c=1.0)) > len(x):
            frames.append(frame)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        found = pool.regress_components(
            pl.concat(frames), "y", x, "g", over="m", vary=vary, correlated=correlated, method=method
        )
    told = [deficiency(frame, x, vary, correlated, method == "reml") == 0 for frame in frames]
    assert found["converged"].to_list() == told
