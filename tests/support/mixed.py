"""Linear mixed models by dense matrices: the likelihood, the estimates and their errors from V of all rows.

y = X beta + Z b + e, Var(b) = sigma2 I (x) L L', Var(e) = sigma2 / w, so V = diag(1 / w) + Z (I (x) L L') Z'. The
computation uses all rows together: it does not separate groups and forms no cross-products. Sources: Searle, Casella &
McCulloch (1992), Variance Components, chapter 6 (likelihood and its derivatives by P); Henderson (1975), Biometrics 31
(equations of both kinds of effects).
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve
from scipy.optimize import minimize

STARTS = (0.1, 1.0, 3.0)
SETTLED = 1e-12


@dataclass
class Mixed:
    """The model at its maximum (restricted) likelihood; the columns of `z` are columns of `x`."""

    y: np.ndarray
    x: np.ndarray  # (rows, terms)
    z: np.ndarray  # (rows, varying)
    groups: list
    w: np.ndarray | None = None
    correlated: bool = True
    restricted: bool = True
    keys: list = field(init=False)

    def __post_init__(self):
        self.keys = sorted(set(self.groups))
        place = {key: i for i, key in enumerate(self.keys)}
        self.place = np.array([place[key] for key in self.groups])
        self.w = np.ones(len(self.y)) if self.w is None else self.w
        self.df = len(self.y) - self.restricted * self.x.shape[1]
        size = self.z.shape[1]
        self.entries = np.tril_indices(size) if self.correlated else (np.arange(size), np.arange(size))
        self.units = 1 / np.sqrt((self.w[:, None] * self.z**2).mean(axis=0))

    def factor(self, theta):
        """The factor L from its vector of entries, in units of the column sizes of Z."""
        factor = np.zeros((len(self.units), len(self.units)))
        factor[self.entries] = theta
        return factor * self.units[:, None]

    def spread(self, psi):
        """Z (I (x) psi) Z' of all rows."""
        return (self.z @ psi @ self.z.T) * (self.place[:, None] == self.place)

    def deviance(self, theta):
        """-2 log likelihood over sigma2 and beta, and its gradient: tr(P dV), and less df y'P dV P y / y'P y."""
        factor = self.factor(theta)
        root = cho_factor(np.diag(1 / self.w) + self.spread(factor @ factor.T), lower=True)
        inverse = cho_solve(root, np.eye(len(self.y)))
        of_x = inverse @ self.x
        precision = self.x.T @ of_x
        projection = inverse - of_x @ np.linalg.solve(precision, of_x.T)
        of_y = projection @ self.y
        squares = self.y @ of_y
        log_v = 2 * np.log(np.diag(root[0])).sum()
        log_x = np.linalg.slogdet(precision)[1] if self.restricted else 0.0
        deviance = self.df * (np.log(2 * np.pi * squares / self.df) + 1) + log_v + log_x
        traced = projection if self.restricted else inverse
        gradient = []
        for i, j in zip(*self.entries, strict=True):
            change = np.zeros_like(factor)
            change[i] += factor[:, j] * self.units[i]
            change = self.spread(change + change.T)
            gradient.append((traced * change).sum() - self.df * (of_y @ change @ of_y) / squares)
        return deviance, np.array(gradient)

    @cached_property
    def theta(self):
        """The best of several searches, then Newton's method on the gradient until it stops moving."""
        tried = []
        for start in STARTS:
            first = np.where(self.entries[0] == self.entries[1], start, 0.1 * start)
            tried.append(minimize(self.deviance, first, jac=True, method="BFGS", options={"gtol": 1e-7}))
        theta = min(tried, key=lambda result: result.fun).x
        for _ in range(30):
            step = -np.linalg.lstsq(self.curvature(theta), self.deviance(theta)[1], rcond=1e-9)[0]
            theta = theta + step
            if np.abs(step).max() < SETTLED:
                break
        return theta

    def curvature(self, theta, by=1e-4):
        """The Hessian by central differences of the gradient."""
        rows = [self.deviance(theta + step)[1] - self.deviance(theta - step)[1] for step in by * np.eye(len(theta))]
        hessian = np.array(rows) / (2 * by)
        return (hessian + hessian.T) / 2

    # ---- results from L ---------------------------------------------------------------------------------------

    @cached_property
    def v(self):
        factor = self.factor(self.theta)
        return np.diag(1 / self.w) + self.spread(factor @ factor.T)

    @cached_property
    def mu(self):
        """Generalised least squares."""
        of_x = solve(self.v, self.x, assume_a="pos")
        return np.linalg.solve(self.x.T @ of_x, of_x.T @ self.y)

    @cached_property
    def sigma2(self):
        left = self.y - self.x @ self.mu
        return left @ solve(self.v, left, assume_a="pos") / self.df

    @cached_property
    def psi(self):
        """The covariance of the varying terms."""
        factor = self.factor(self.theta)
        return self.sigma2 * factor @ factor.T

    @cached_property
    def cov_mu(self):
        return self.sigma2 * np.linalg.inv(self.x.T @ solve(self.v, self.x, assume_a="pos"))

    @property
    def log_likelihood(self):
        return -self.deviance(self.theta)[0] / 2

    @cached_property
    def effects(self):
        """Deviations of each group, (groups, varying): Cov(b, y) V^-1 (y - X beta)."""
        left = solve(self.v, self.y - self.x @ self.mu, assume_a="pos")
        return np.array([self.psi / self.sigma2 @ self.z[at].T @ left[at] for at in self.rows])

    @property
    def rows(self):
        return [self.place == i for i in range(len(self.keys))]

    # ---- errors, by Henderson's equations of mu and of all groups at once, b = L u --------------------------------

    @cached_property
    def of_all_groups(self):
        """The columns of Z (I (x) L), one block per group."""
        blocks = [np.where(at[:, None], self.z @ self.factor(self.theta), 0.0) for at in self.rows]
        return np.concatenate(blocks, axis=1)

    def inverse(self, *parts):
        """The inverse matrix of the equations for these columns; the last columns have the penalty u'u."""
        columns = np.concatenate(parts, axis=1)
        penalty = np.concatenate([np.zeros(p.shape[1]) for p in parts[:-1]] + [np.ones(parts[-1].shape[1])])
        return np.linalg.inv(columns.T @ (self.w[:, None] * columns) + np.diag(penalty))

    @cached_property
    def covariances(self):
        """Var(mu + b - its prediction) of the varying terms of each group, for terms in the order of z."""
        inverse = self.inverse(self.x, self.of_all_groups)
        terms, size = self.x.shape[1], self.z.shape[1]
        result = []
        for i in range(len(self.keys)):
            chosen = np.zeros((size, len(inverse)))
            chosen[np.arange(size), self.places] = 1.0
            chosen[:, terms + i * size : terms + (i + 1) * size] = self.factor(self.theta)
            result.append(self.sigma2 * chosen @ inverse @ chosen.T)
        return np.array(result)

    @cached_property
    def conditional(self):
        """Var(b | y) of each group where mu is known."""
        inverse = self.inverse(self.of_all_groups)
        size, factor = self.z.shape[1], self.factor(self.theta)
        blocks = [inverse[i * size : (i + 1) * size, i * size : (i + 1) * size] for i in range(len(self.keys))]
        return np.array([self.sigma2 * factor @ block @ factor.T for block in blocks])

    @property
    def places(self):
        """The index in x of each column of z."""
        return [next(t for t in range(self.x.shape[1]) if (self.x[:, t] == column).all()) for column in self.z.T]
