"""Means beside predictors of their groups by the matrices of the textbooks: groups of known v, and rows.

The formulas are those of metafor's rma.uni with moderators (Viechtbauer 2010), of Prasad & Rao (1990) for the error of
tau2, and of Searle, Casella & McCulloch (1992), "Variance Components", for rows. This file does not use polars_pool.
"""

# ruff: noqa: N802, N803, N806 (matrices have the names of the textbooks)

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2, f


def projection(V, X):
    """W, A = (X'WX)^-1 and P = W - WXAX'W of a covariance matrix V."""
    W = np.linalg.inv(V)
    A = np.linalg.inv(X.T @ W @ X)
    return W, A, W - W @ X @ A @ X.T @ W


def minimum(function, slope, upper):
    """The point of the least value from 0 to `upper`: 0, or a root of the slope between points of a fine grid."""
    grid = np.concatenate([[0.0], upper * np.logspace(-9, 0, 400)])
    at = [slope(x) for x in grid]
    rising = [i for i in range(len(grid) - 1) if at[i] < 0 <= at[i + 1]]
    roots = [brentq(slope, grid[i], grid[i + 1], xtol=1e-300, rtol=1e-15) for i in rising]
    return min([0.0, *roots], key=function)


class Known:
    """Means y of groups with known sampling variances v, and predictors X with their column of ones."""

    def __init__(self, y, v, X):
        self.y, self.v, self.X = np.array(y, float), np.array(v, float), np.array(X, float)
        self.J, self.p = self.X.shape

    def at(self, tau2):
        return projection(np.diag(self.v + tau2), self.X)

    def deviance(self, method, tau2):
        W, A, P = self.at(tau2)
        full = self.y @ P @ self.y - np.linalg.slogdet(W)[1]
        return full - np.linalg.slogdet(A)[1] if method == "reml" else full

    def slope(self, method, tau2):
        W, _, P = self.at(tau2)
        return np.trace(P if method == "reml" else W) - self.y @ P @ P @ self.y

    def moment(self, a):
        """The method of moments with weights a, and the variance of its tau2 (rma.uni: DL, HE)."""
        P = projection(np.diag(1 / a), self.X)[2]
        tau2 = (self.y @ P @ self.y - np.trace(P @ np.diag(self.v))) / np.trace(P)
        return tau2, P

    def tau2(self, method):
        upper = 4 * (np.ptp(self.y) ** 2 * self.J + self.v.max())
        if method in ("reml", "ml"):
            return minimum(lambda t: self.deviance(method, t), lambda t: self.slope(method, t), upper)
        if method in ("pm", "eb"):
            excess = [self.q(t) - (self.J - self.p) for t in (0, upper)]
            return 0.0 if excess[0] <= 0 else brentq(lambda t: self.q(t) - (self.J - self.p), 0, upper, rtol=1e-15)
        if method == "hs":
            return max(0.0, (self.q(0) - self.J) / sum(1 / self.v))
        if method == "sj":
            crude = np.mean((self.y - self.y.mean()) ** 2)
            return crude * (self.y @ self.at_weights(1 / (self.v + crude)) @ self.y) / (self.J - self.p)
        return max(0.0, self.moment(1 / self.v if method == "dl" else np.ones(self.J))[0])

    def at_weights(self, a):
        return projection(np.diag(1 / a), self.X)[2]

    def q(self, tau2):
        return self.y @ self.at(tau2)[2] @ self.y

    def limits(self, quantiles):
        """tau2 where Q equals its quantiles."""
        upper = 1e6 * (np.ptp(self.y) ** 2 + self.v.max())
        return [
            0.0 if self.q(0) <= x else brentq(lambda t, x=x: self.q(t) - x, 0, upper, rtol=1e-14) for x in quantiles
        ]

    def q_limits(self, level):
        return self.limits(chi2.ppf([(1 + level) / 2, (1 - level) / 2], self.J - self.p))

    def q_limits_of_rows(self, level, df_within):
        """The same where v is that of a mean square within groups."""
        df = self.J - self.p
        return self.limits(df * f.ppf([(1 + level) / 2, (1 - level) / 2], df, df_within))

    def variance_of_tau2(self, method, tau2):
        W, _, P = self.at(tau2)
        S = np.diag(self.v + tau2)
        if method in ("reml", "ml"):
            return 2 / (np.trace(P @ P) if method == "reml" else np.trace(W @ W))
        if method in ("pm", "eb"):
            return 2 * self.J**2 / (self.J - self.p) / np.trace(W) ** 2
        a = {"he": np.ones(self.J), "sj": 1 / (self.v + np.mean((self.y - self.y.mean()) ** 2))}.get(method, 1 / self.v)
        P = self.at_weights(a)
        squares = 2 * np.trace(P @ S @ P @ S)
        if method == "sj":
            return squares * (np.mean((self.y - self.y.mean()) ** 2) / (self.J - self.p)) ** 2
        return squares / (sum(1 / self.v) if method == "hs" else np.trace(P)) ** 2

    def minus_bias(self, method, tau2):
        """Minus the bias of tau2 to first order: of ml Datta & Lahiri (2000), of pm Datta, Rao & Smith (2005)."""
        W, _, P = self.at(tau2)
        if method == "ml":
            return (np.trace(W) - np.trace(P)) / np.trace(W @ W)
        if method in ("pm", "eb"):
            return -2 * (self.J * np.trace(W @ W) - np.trace(W) ** 2) / np.trace(W) ** 3
        return 0.0

    def shrunk(self, tau2, error=None, correction=0.0):
        """estimate, se, fit and se_fit; with the variance of tau2, se includes its error."""
        W, A, _ = self.at(tau2)
        b = A @ self.X.T @ W @ self.y
        weight = tau2 / (tau2 + self.v)
        fit = self.X @ b
        of_fit = np.diag(self.X @ A @ self.X.T)
        variance = weight * self.v + (1 - weight) ** 2 * of_fit
        if error is not None:
            more = variance + (1 - weight) ** 2 * (2 * error / (self.v + tau2) + correction)
            variance = np.maximum(np.minimum(more, self.v), variance)
        return {
            "estimate": weight * self.y + (1 - weight) * fit,
            "se": np.sqrt(variance),
            "fit": fit,
            "se_fit": np.sqrt(of_fit),
        }


class Rows:
    """Rows y of groups g with predictors X that are constant within groups; weights are precisions."""

    def __init__(self, y, g, X, w=None):
        self.y, self.X = np.array(y, float), np.array(X, float)
        self.g = np.unique(g, return_inverse=True)[1]
        self.w = np.ones(len(self.y)) if w is None else np.array(w, float)
        self.Z = np.eye(self.g.max() + 1)[self.g]
        self.N, self.p = self.X.shape
        self.R, self.ZZ = np.diag(1 / self.w), self.Z @ self.Z.T

    def P(self, sigma2, tau2):
        return projection(sigma2 * self.R + tau2 * self.ZZ, self.X)

    def deviance(self, method, sigma2, tau2):
        """-2 log L up to a constant; restricted for reml."""
        W, A, P = self.P(sigma2, tau2)
        full = self.y @ P @ self.y - np.linalg.slogdet(W)[1]
        return full - np.linalg.slogdet(A)[1] if method == "reml" else full

    def fit(self, method):
        """sigma2 and tau2 of the least deviance."""
        df = self.N - self.p if method == "reml" else self.N

        def profile(rho):
            W, A, P = self.P(1.0, rho)
            full = df * np.log(self.y @ P @ self.y) - np.linalg.slogdet(W)[1]
            return full - np.linalg.slogdet(A)[1] if method == "reml" else full

        def slope(rho):
            W, _, P = self.P(1.0, rho)
            trace = np.trace((P if method == "reml" else W) @ self.ZZ)
            return trace - df * (self.y @ P @ self.ZZ @ P @ self.y) / (self.y @ P @ self.y)

        rho = minimum(profile, slope, 1e4)
        sigma2 = self.y @ self.P(1.0, rho)[2] @ self.y / df
        return sigma2, rho * sigma2

    def information(self, method, sigma2, tau2):
        """The information about (tau2, sigma2)."""
        W, _, P = self.P(sigma2, tau2)
        M = P if method == "reml" else W
        parts = [M @ self.ZZ, M @ self.R]
        return np.array([[np.trace(a @ b) / 2 for b in parts] for a in parts])

    def profile_limits(self, method, level):
        """Where the profile of the deviance over sigma2 has risen by the quantile of chi-square."""
        sigma2, tau2 = self.fit(method)
        target = self.deviance(method, sigma2, tau2) + chi2.ppf(level, 1)

        def above(tau2):
            logs = np.log(sigma2) + np.array([-1.5, 1.5])
            best = minimize_scalar(
                lambda s: self.deviance(method, np.exp(s), tau2),
                logs,
                method="bounded",
                bounds=logs,
                options={"xatol": 1e-10},
            )
            return best.fun - target

        lower = brentq(above, 0, tau2, rtol=1e-12) if tau2 > 0 and above(0) > 0 else 0.0
        return lower, brentq(above, tau2, 200 * (tau2 + sigma2), rtol=1e-12)
