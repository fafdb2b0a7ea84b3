"""The posterior of rates and counts by brute force: sums over grids, in other coordinates than those of the package.

    python tests/vectors/regenerate/rates_posterior.py

For trials the grid is that of m, the square of a sine, and of rho; for an exposure that of log m and of the pooling of
the median exposure. Panels of Gauss-Legendre points have equal widths in the first coordinate, and widths that grow
from both ends of the second one. Where the size of the prior is so large that a finer grid would be needed, all groups
have one rate, whose posterior is known in closed form; the difference is below 1e-9. The likelihood is SciPy's log
gamma function. Nothing of polars_pool is used.
"""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize, special

Array = np.ndarray[Any, Any]
ROOT = Path(__file__).parents[1]
LEVELS = (0.025, 0.5, 0.975)
FINE, POINTS = 110, 14  # panels of the first coordinate, and points of a panel
COMMON = 1e4  # times all trials, or the whole exposure: a larger size is an infinite one
PANELS = 0.5 * np.append(2.0 ** -np.arange(0, 18.0), 4.0 ** -np.arange(9, 32.0))


@dataclass
class Posterior:
    """The prior at the points of a grid with posterior probabilities, and the distribution of a common rate."""

    p: Array
    mean: Array
    size: Array
    rho: Array
    log_total: float
    common: float  # probability of a common rate
    first: float
    second: float
    betas: bool

    def average(self, values: Array, of_common: float) -> float:
        """The mean of a quantity with values at the points of the grid, and under a common rate."""
        return float((self.p * values).sum() + self.common * of_common)


def panels(edges: Array, points: int) -> tuple[Array, Array]:
    """Gauss-Legendre points and weights between the edges."""
    x, w = np.polynomial.legendre.leggauss(points)
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


def shares() -> tuple[Array, Array, Array]:
    """Points of (0, 1), one less each of them, and their weights."""
    low, weight = panels(np.append(0.0, PANELS[::-1]), 10)
    return np.append(low, 1 - low), np.append(1 - low, low), np.append(weight, weight)


def log_rise(a: Array, x: float) -> Array:
    """log Gamma(a + x) / Gamma(a); for a large a by Stirling's series, whose terms are as small as their sum."""
    if x == 0:
        return np.zeros_like(a)
    far = a > 50
    near, large = np.where(far, 1.0, a), np.where(far, a, 1e3)
    series = sum(c * ((large + x) ** -k - large**-k) for k, c in ((1, 1 / 12), (3, -1 / 360), (5, 1 / 1260)))
    stirling = x * np.log(large) + ((large + x - 0.5) * np.log1p(x / large) - x) + series
    return np.where(far, stirling, special.gammaln(near + x) - special.gammaln(near))


def distinct(x: list[float], n: list[float]) -> list[tuple[float, float, int]]:
    pairs, counts = np.unique(np.stack([x, n], axis=1), axis=0, return_counts=True)
    return [(float(a), float(b), int(k)) for (a, b), k in zip(pairs, counts, strict=True)]


def of_trials(case: dict[str, Any], low: float, high: float, fine: int) -> tuple[Array, Array, Posterior]:
    """The posterior of m and rho, m from sin(low)^2 to sin(high)^2; also the coordinate and its probabilities."""
    (c, d), (e, f) = case.get("mean", (1, 1)), case.get("rho", (1, 1))
    phi, w_phi = panels(np.linspace(low, high, fine + 1), POINTS)
    m, other = np.sin(phi)[:, None] ** 2, np.cos(phi)[:, None] ** 2
    rho, rest, w_rho = shares()
    size = rest / rho
    log_p = np.log(w_phi * 2)[:, None] + np.log(w_rho) + (c - 0.5) * np.log(m) + (d - 0.5) * np.log(other)
    if case["prior"] == "uniform_spread":  # density size^(-3/2) of the size, rho^(-2) d rho
        log_p = log_p - 1.5 * np.log(size) - 2 * np.log(rho)
    else:
        log_p = log_p + (e - 1) * np.log(rho) + (f - 1) * np.log(rest) - special.betaln(c, d) - special.betaln(e, f)
    for x, n, k in distinct(case["x"], case["n"]):
        constant = -np.log(n + 1) - special.betaln(x + 1, n - x + 1)
        ratio = log_rise(m * size, x) + log_rise(other * size, n - x) - log_rise(size + 0 * m, n)
        log_p += k * (ratio + constant)
    total = sum(case["x"]) + c, sum(case["n"]) - sum(case["x"]) + d
    return phi, *_posterior(log_p, m, size, rho, COMMON * max(sum(case["n"]), 1), total, betas=True)


def of_counts(case: dict[str, Any], low: float, high: float, fine: int) -> tuple[Array, Array, Posterior]:
    """The posterior of the mean and the pooling B of the median exposure; the coordinate is log(m B)."""
    shape, rate = case.get("mean", (0, 0))
    y, w_y = panels(np.linspace(low, high, fine + 1), POINTS)
    pooling, rest, w_b = shares()
    median = float(np.median(case["n"]))
    b, m = median * pooling / rest, np.exp(y)[:, None] / pooling
    log_p = np.log(w_y)[:, None] + np.log(w_b) + shape * np.log(m) - rate * m
    if shape:
        log_p += shape * np.log(rate) - special.gammaln(shape)
    for x, n, k in distinct(case["x"], case["n"]):
        s = m * b
        log_p += k * (log_rise(s, x) - s * np.log1p(n / b) + x * np.log(n / (n + b)) - special.gammaln(x + 1))
    total = sum(case["x"]) + shape, sum(case["n"]) + rate
    return y, *_posterior(log_p, m, b + 0 * m, rest, COMMON * sum(case["n"]), total, betas=False)


def _posterior(
    log_p: Array, m: Array, size: Array, rho: Array, most: float, total: tuple[float, float], betas: bool
) -> tuple[Array, Posterior]:
    top = log_p.max()
    p = np.exp(log_p - top)
    log_total = float(top + np.log(p.sum()))
    p /= p.sum()
    m, size, rho = (np.broadcast_to(column, p.shape) for column in (m, size, rho))
    some = (p > 1e-16) & (size <= most)
    common = float(p[size > most].sum())
    columns = p[some], m[some], size[some], rho[some]
    return p.sum(axis=1), Posterior(*columns, log_total, common, *total, betas)


def posterior(case: dict[str, Any]) -> Posterior:
    """The posterior on a fine grid of the interval in which a coarse one has any probability."""
    of_family, low, high = (of_counts, -30.0, 12.0) if case["family"] == "poisson" else (of_trials, 0.0, np.pi / 2)
    for fine in (100, 100, case.get("fine", FINE)):
        x, p, result = of_family(case, low, high, fine)
        used = np.flatnonzero(p > 1e-17)
        low, high = max(low, x[used[0]] - (high - low) / 50), min(high, x[used[-1]] + (high - low) / 50)
    return result


def group(post: Posterior, x: float, n: float) -> dict[str, float]:
    """The posterior of the rate of a group."""
    if post.betas:
        a, b = post.mean * post.size + x, (1 - post.mean) * post.size + n - x
        mean, below, size = a / (a + b), special.betainc, post.first + post.second
        variance, of_common = mean * (b / (a + b)) / (a + b + 1), post.first / size
        spread = of_common * (1 - of_common) / (size + 1)
    else:
        a, b = post.mean * post.size + x, post.size + n
        mean, of_common = a / b, post.first / post.second
        variance, spread = mean / b, of_common / post.second
        below = lambda a, b, q: special.gammainc(a, b * q)  # noqa: E731
    estimate = post.average(mean, of_common)
    squares = post.average(variance + (mean - estimate) ** 2, spread + (of_common - estimate) ** 2)

    def probability(q: float) -> float:
        return post.average(below(a, b, q), float(below(post.first, post.second, q)))

    link, inverse = (special.logit, special.expit) if post.betas else (np.log, np.exp)
    limits = [_root(lambda z, p=p: probability(float(inverse(z))) - p, float(link(estimate))) for p in LEVELS]
    lower, median, upper = (float(inverse(z)) for z in limits)
    at = 0.9 * estimate
    numbers = {"estimate": estimate, "se": squares**0.5, "lower": lower, "median": median, "upper": upper}
    return {"x": x, "n": n, **numbers, "threshold": at, "pep": probability(at)}


def _root(function: Callable[[float], float], start: float) -> float:
    """The root of a rising function in z."""
    low, high, step = start - 0.1, start + 0.1, 0.2
    while function(low) > 0:
        low, step = low - step, 2 * step
    step = 0.2
    while function(high) < 0:
        high, step = high + step, 2 * step
    return float(optimize.brentq(function, low, high, xtol=1e-12, rtol=1e-14))


def model(case: dict[str, Any]) -> dict[str, Any]:
    """The posterior of the parameters of the prior, and of some groups."""
    post = posterior(case)
    rho = post.average(post.rho, 0.0)
    squares = post.average((post.rho - rho) ** 2, rho**2)
    numbers = {"log_marginal": post.log_total, "rho": rho, "se_rho": squares**0.5}
    if post.betas:
        of_common = post.first / (post.first + post.second)
        spread = of_common * (1 - of_common) / (post.first + post.second + 1)
        mean = post.average(post.mean, of_common)
        squares = post.average((post.mean - mean) ** 2, spread + (of_common - mean) ** 2)
        numbers |= {"mean": mean, "se_mean": squares**0.5}
    groups = [group(post, case["x"][i], case["n"][i]) for i in case.get("groups", (0, len(case["x"]) - 1))]
    if post.betas and case.get("new", True):
        numbers["new"] = group(post, 0.0, 0.0)
    return case | {"model": numbers, "results": groups}


def rats() -> dict[str, list[float]]:
    with (ROOT / "data" / "rat_tumors.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {"x": [float(row["y"]) for row in rows], "n": [float(row["K"]) for row in rows]}


EIGHT = {"x": [4, 1, 9, 3, 30, 8, 2, 11], "n": [20, 50, 100, 200, 400, 20, 50, 100]}
FIFTY = {"x": [(7 * i * i) % 13 for i in range(50)], "n": [30 + (11 * i) % 40 for i in range(50)]}
US, SPREAD = {"family": "binomial", "prior": "uniform_shrinkage"}, {"family": "binomial", "prior": "uniform_spread"}
COUNTS = {"family": "poisson", "prior": "uniform_shrinkage"}
CASES: dict[str, dict[str, Any]] = {
    "three": US | {"x": [3, 1, 4], "n": [10, 10, 10]},
    "no_events": US | {"x": [0, 0, 0], "n": [5, 7, 9], "new": False, "groups": ()},
    "all_or_none": US | {"x": [0, 5, 5, 3], "n": [5, 5, 5, 3], "new": False, "groups": ()},
    "extremes": US | {"x": [0, 5, 3], "n": [5, 5, 10], "new": False, "groups": (2,)},
    "one": US | {"x": [2], "n": [7], "new": False, "groups": (0,)},
    "equal": US | {"x": [5] * 10, "n": [50] * 10, "fine": 300, "groups": (0,), "new": False},
    "single_trials": US | {"x": [0, 1, 1, 0, 1, 0], "n": [1, 1, 1, 1, 1, 1], "groups": (0,), "new": False},
    "eight": US | EIGHT,
    "fifty": US | FIFTY,
    "eight_informed": EIGHT | {"family": "binomial", "prior": "hyper", "mean": (2, 18), "rho": (1.5, 20)},
    "rats": US | rats(),
    "eight_spread": SPREAD | EIGHT | {"groups": (0, 4), "new": False},
    "rats_spread": SPREAD | rats(),
    "counts": COUNTS | {"x": [3, 0, 7, 1], "n": [10.5, 4, 12, 3], "fine": 400},
    "counts_equal": COUNTS | {"x": [4, 5, 6, 5, 5], "n": [10.0] * 5, "fine": 400, "groups": (0,)},
    "counts_fifty": COUNTS | {"x": FIFTY["x"], "n": [0.5 * n for n in FIFTY["n"]]},
    "counts_informed": {
        "family": "poisson",
        "prior": "hyper",
        "mean": (3, 10),
        "x": [3, 0, 7, 1],
        "n": [10.5, 4, 12, 3],
        "fine": 400,
    },
}


def write_vector(name: str, folder: Path) -> None:
    """Write the posterior of every case."""
    vectors = {title: model(case) for title, case in CASES.items()}
    (folder / f"{name}.json").write_text(json.dumps(vectors, indent=1) + "\n", encoding="utf-8")


write_vector("rates_posterior", ROOT)
