"""The posterior by an independent method: dense covariance matrices on a fine grid of log tau, and of log sigma.

mu is integrated by the matrices: a normal prior adds its variance to every covariance, a flat one leaves the contrasts.
The trapezoid rule on an equidistant grid over the whole mass is as exact as double precision. This file does not use
polars_pool.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import cauchy, expon, invgamma, norm, t, uniform

INFINITY = float("inf")


def half(distribution):
    return lambda tau: np.log(2) + distribution.logpdf(tau)


LOG_PRIORS = {
    "half_cauchy(5)": half(cauchy(scale=5)),
    "half_normal(5)": half(norm(scale=5)),
    "half_t(4, 5)": half(t(4, scale=5)),
    "exponential(0.2)": expon(scale=5).logpdf,
    "uniform()": lambda tau: 0.0 * tau,
    "uniform(0, 20)": uniform(0, 20).logpdf,
    "inverse_gamma(1, 2)": lambda tau: invgamma(1, scale=2).logpdf(tau**2) + np.log(2 * tau),
}


def log_prior(name, tau, v):
    """A prior on tau, whose density may depend on the sampling variances."""
    if name in LOG_PRIORS:
        return LOG_PRIORS[name](tau)
    s2 = len(v) / np.sum(1 / v)
    return {
        "jeffreys()": lambda: 0.5 * np.log(np.sum((tau[:, None] / (v + tau[:, None] ** 2)) ** 2, axis=1)),
        "uniform_shrinkage()": lambda: np.log(2 * s2 * tau / (s2 + tau**2) ** 2),
        "dumouchel()": lambda: np.log(np.sqrt(s2) / (np.sqrt(s2) + tau) ** 2),
    }[name]()


@dataclass(frozen=True)
class Dense:
    """Means y with variances v, or rows: then v is for sigma = 1, and `within` holds squares and degrees of freedom."""

    y: np.ndarray
    v: np.ndarray
    prior: str
    mu: float | tuple[float, float] | None = None  # known, normal by mean and sd, or flat
    sigma_prior: object = None  # log density of sigma
    within: tuple[float, float] | None = None
    reach: tuple[float, float] = (-30.0, 50.0)
    points: int = 3001

    @property
    def scale(self):
        return np.sqrt(np.mean(self.v)) + np.std(self.y)

    def tau(self, x):
        """tau at x, and the log of its derivative; x is log tau, or logit tau below a limit."""
        if self.prior != "uniform(0, 20)":
            return self.scale * np.exp(x), np.log(self.scale) + x
        return 20 * expit(x), np.log(20) - np.logaddexp(0, x) - np.logaddexp(0, -x)

    @cached_property
    def nodes(self):
        """tau, sigma and the logarithms of the cell sizes."""
        tau, slope = self.tau(np.linspace(*self.reach, self.points))
        if self.within is None:
            return tau, np.ones_like(tau), slope
        squares, df = self.within
        sigma = np.exp(np.log(squares / df) / 2 + np.linspace(-3, 6, 181))
        tau, sigma = (x.ravel() for x in np.meshgrid(tau, sigma))
        return tau, sigma, np.log(tau) + np.log(sigma)

    @cached_property
    def at(self):
        """At every node: the log likelihood, and mean and variance of mu and of every theta."""
        tau, sigma, _ = self.nodes
        one = np.ones(len(self.y))
        noise = np.eye(len(one)) * self.v * (sigma**2)[:, None, None]
        between = np.eye(len(one)) * (tau**2)[:, None, None]
        known = isinstance(self.mu, float)
        if self.mu is None:
            basis = null_space(one[None, :]).T
            y, covariance = basis @ self.y, basis @ (noise + between) @ basis.T
            constant = -0.5 * np.log(len(one))
        else:
            mean, sd = (self.mu, 0.0) if known else self.mu
            y, covariance, constant = self.y - mean, noise + between + sd**2 * np.outer(one, one), 0.0
        _, log_det = np.linalg.slogdet(covariance)
        quadratic = np.einsum("i,nij,j->n", y, np.linalg.inv(covariance), y)
        likelihood = constant - 0.5 * (len(y) * np.log(2 * np.pi) + log_det + quadratic)
        return likelihood, *self.predicted(noise, between)

    def predicted(self, noise, between):
        """theta and, last, mu, by regression on the means (kriging): simple about a prior mean, else universal."""
        one = np.ones(len(self.y))
        if self.mu is None:
            precision = np.linalg.inv(noise + between)
            total = np.einsum("nij->n", precision)
            mu = np.einsum("nij,j->n", precision, self.y) / total
            theta = mu[:, None] + np.einsum("nij,njk,nk->ni", between, precision, self.y - mu[:, None])
            missed = 1 - np.einsum("nij,njk->ni", between, precision)
            variance = between - between @ precision @ between
            variance = np.einsum("nii->ni", variance) + missed**2 / total[:, None]
            return np.column_stack([theta, mu]), np.column_stack([variance, 1 / total])
        mean, sd = (self.mu, 0.0) if isinstance(self.mu, float) else self.mu
        prior = np.zeros((len(noise), len(one) + 1, len(one) + 1)) + sd**2
        prior[:, :-1, :-1] += between
        precision = np.linalg.inv(prior[:, :-1, :-1] + noise)
        gain = prior[:, :, :-1] @ precision
        variance = prior - gain @ prior[:, :-1, :]
        return mean + gain @ (self.y - mean), np.maximum(np.einsum("nii->ni", variance), 0.0)

    @cached_property
    def weight(self):
        tau, sigma, logs = self.nodes
        log = log_prior(self.prior, tau, self.v) + self.at[0] + logs
        if self.within is not None:
            squares, df = self.within
            log += self.sigma_prior(sigma) - 0.5 * (df * np.log(2 * np.pi * sigma**2) + squares / sigma**2)
        cells = (self.reach[1] - self.reach[0]) / (self.points - 1) * (1.0 if self.within is None else 9 / 180)
        return np.exp(log - log.max()), log.max() + np.log(cells)

    @property
    def log_marginal(self):
        weight, constant = self.weight
        return np.log(weight.sum()) + constant

    def mean(self, x):
        weight, _ = self.weight
        used = weight > 0
        return (weight[used] * x[used]).sum() / weight.sum()

    def of_tau(self, power=1):
        tau = self.nodes[0] ** power
        mean = self.mean(tau)
        return mean, np.sqrt(self.mean((tau - mean) ** 2))

    def parts(self, i):
        """Weights, means and deviations of theta i, of mu (-1), of a new group (None)."""
        weight, _ = self.weight
        _, mean, variance = self.at
        spread = variance[:, -1] + self.nodes[0] ** 2 if i is None else variance[:, i]
        used = weight > 1e-25
        return weight[used] / weight[used].sum(), mean[used, -1 if i is None else i], np.sqrt(spread[used])

    def moments(self, i):
        p, m, s = self.parts(i)
        mean = (p * m).sum()
        return mean, np.sqrt((p * (s**2 + (m - mean) ** 2)).sum())

    def below(self, i, x):
        p, m, s = self.parts(i)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (p * np.where(s > 0, norm.cdf((x - m) / s), x >= m)).sum()

    def quantile(self, i, probability):
        _, m, s = self.parts(i)
        low, high = (m - 40 * s).min(), (m + 40 * s).max()
        return brentq(lambda x: self.below(i, x) - probability, low, high, xtol=1e-13, rtol=1e-14)

    def tau_below(self, tau):
        """The distribution function at tau, by a separate grid that ends at tau."""
        end = logit(tau / 20) if self.prior == "uniform(0, 20)" else np.log(tau / self.scale)
        reach = self.reach[0], end
        ended = Dense(self.y, self.v, self.prior, self.mu, reach=reach, points=self.points)
        weight, constant = ended.weight
        # Simpson's rule, as the integrand does not vanish at this end.
        total = weight.sum() - weight[-1] / 2
        half = weight[::2].sum() - weight[-1] / 2
        return np.exp(np.log((4 * total - 2 * half) / 3) + constant - self.log_marginal)
