"""The posterior of rates by brute force: integrals over grids, in other coordinates than those of the package.

    python tests/vectors/regenerate/rates_posterior.py

The mean of the prior is the square of a sine, on panels of equal width; rho lies on panels that double from both of its
ends. Both have Gauss-Legendre points, of a number that changes no result in its tenth digit. The likelihood is SciPy's
log beta function. For an exposure, the variables are the logarithm of the shape, and the pooling of the median exposure.
Only NumPy and SciPy are used, nothing of polars_pool.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import optimize, special

ROOT = Path(__file__).parents[1]
LEVELS = (0.025, 0.5, 0.975)
THRESHOLD = 0.2
POOLED = 1e8  # a larger size differs from an infinite one by less than a relative 1e-8 of its own probability


def panels(edges: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre points and weights between the edges."""
    x, w = np.polynomial.legendre.leggauss(points)
    half = np.diff(edges) / 2
    middle = (edges[1:] + edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


@dataclass
class Posterior:
    """Parameters of the prior at the points of a grid, with posterior probabilities."""

    p: np.ndarray
    mean: np.ndarray
    size: np.ndarray
    log_total: float
    pooled: float  # probability of a size so large that all groups have one rate, and the distribution of this rate
    common: tuple[float, float]

    def average(self, values: np.ndarray, of_common: float) -> float:
        """The mean of a quantity with values at the points of the grid, and at one rate of all groups."""
        return float((self.p * values).sum() + self.pooled * of_common)


def of_trials(
    x, n, prior: str, of_mean=(1.0, 1.0), of_rho=(1.0, 1.0), bounds=(0.0, 1.0), fine=260, points=16
) -> Posterior:
    """The posterior of m and rho; beyond the bounds of m is nothing."""
    low, high = (np.arcsin(np.sqrt(b)) for b in bounds)
    phi, w_phi = panels(np.linspace(low, high, fine + 1), points)
    m, one_less = np.sin(phi) ** 2, np.cos(phi) ** 2
    ends = 0.5 * 4.0 ** -np.arange(0, 40.0)
    rho_low, w_low = panels(np.append(0.0, ends[::-1]), points)
    rho = np.concatenate([rho_low, rho_low])
    s = np.concatenate([(1 - rho_low) / rho_low, rho_low / (1 - rho_low)])  # the second half is 1 - rho
    w_rho = np.concatenate([w_low, w_low])
    log_rho = np.concatenate([np.log(rho_low), np.log1p(-rho_low)])
    log_other = np.concatenate([np.log1p(-rho_low), np.log(rho_low)])
    log_p = np.log(w_phi * 2 * np.sin(phi) * np.cos(phi))[:, None] + np.log(w_rho)
    log_p = log_p + ((of_mean[0] - 1) * np.log(m) + (of_mean[1] - 1) * np.log(one_less))[:, None]
    if prior == "spread":  # s^(-3/2) ds, ds = d rho / rho^2
        log_p = log_p - 1.5 * np.log(s) - 2 * log_rho
    else:
        log_p = log_p + (of_rho[0] - 1) * log_rho + (of_rho[1] - 1) * log_other
        log_p = log_p - special.betaln(*of_mean) - special.betaln(*of_rho)
    a, b = m[:, None] * s, one_less[:, None] * s
    pairs, counts = np.unique(np.stack([x, n], axis=1), axis=0, return_counts=True)
    for (events, trials), k in zip(pairs, counts, strict=True):
        coefficient = -np.log(trials + 1) - special.betaln(events + 1, trials - events + 1)
        log_p += k * (_log_ratio(a, b, events, trials) + coefficient)
    common = float(x.sum() + of_mean[0]), float((n - x).sum() + of_mean[1])
    return _posterior(log_p, np.broadcast_to(m[:, None], log_p.shape), np.broadcast_to(s, log_p.shape), common)


def _log_ratio(a, b, x, n):
    """log B(a + x, b + n - x) - log B(a, b)."""
    return _log_rise(a, x) + _log_rise(b, n - x) - _log_rise(a + b, n)


def _log_rise(a, x):
    """log Gamma(a + x) / Gamma(a); for a large a by Stirling's series, whose terms are as small as their sum."""
    if x == 0:
        return np.zeros_like(a)
    far = a > 50
    near, large = np.where(far, 1.0, a), np.where(far, a, 1e3)
    series = sum(c * ((large + x) ** -k - large**-k) for k, c in ((1, 1 / 12), (3, -1 / 360), (5, 1 / 1260)))
    stirling = x * np.log(large) + ((large + x - 0.5) * np.log1p(x / large) - x) + series
    return np.where(far, stirling, special.gammaln(near + x) - special.gammaln(near))


def _posterior(log_p, mean, size, common) -> Posterior:
    top = log_p.max()
    p = np.exp(log_p - top)
    total = p.sum()
    p /= total
    pooled = size > POOLED
    some = (p > 1e-18) & ~pooled
    return Posterior(p[some], mean[some], size[some], float(top + np.log(total)), float(p[pooled].sum()), common)


def quantiles(below, low=1e-300):
    """The quantiles of a distribution function, by bisection in the logit."""
    return [
        float(
            special.expit(optimize.brentq(lambda z: below(special.expit(z)) - p, special.logit(low), 36.0, xtol=1e-13))
        )  # noqa: B023
        for p in LEVELS
    ]


def group_of_trials(post: Posterior, x: float, n: float) -> dict:
    """The posterior of the rate of a group."""
    a, b = post.mean * post.size + x, (1 - post.mean) * post.size + n - x
    means, rate = a / (a + b), special.betainc
    first, second = post.common
    common = first / (first + second)
    mean = post.average(means, common)
    variance = post.average(
        means * (b / (a + b)) / (a + b + 1) + (means - mean) ** 2,
        common * (1 - common) / (first + second + 1) + (common - mean) ** 2,
    )
    lower, median, upper = quantiles(lambda q: post.average(rate(a, b, q), rate(first, second, q)))
    above = post.average(special.betaincc(a, b, THRESHOLD), special.betaincc(first, second, THRESHOLD))
    return {"estimate": mean, "se": variance**0.5, "lower": lower, "median": median, "upper": upper, "p_above": above}
