"""The library's numbers by other roads: dense matrices, exact fractions, real refits. No polars_pool here.

Where the library sums over groups, this builds the matrices of the textbooks; where it uses an identity, this
does the work that the identity saves. Formulas are those of metafor's rma.uni (Viechtbauer 2010) for a mean.
"""

# ruff: noqa: N806 (matrices bear the names of the textbooks)

import math
from fractions import Fraction

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

CLOSED = ("dl", "he", "hs", "hsk", "sj", "anova")  # closed forms: exact in fractions
ROOTS = ("pm", "pmm", "eb")  # a root in tau2
LIKELIHOODS = ("reml", "ml")  # a maximum in tau2


# --- moments, exactly ---


def exact(values):
    """Doubles as the fractions they are."""
    return np.array([Fraction(x) for x in values], dtype=object)


def moments(values, weights=None):
    """n, total weight, mean and sample variance of a group's rows, exactly; rows of weight 0 do not count."""
    y = exact(values)
    w = exact(weights) if weights is not None else exact([1] * len(y))
    y, w = y[w != 0], w[w != 0]
    n, total = len(y), sum(w)
    mean = sum(w * y) / total
    var = sum(w * (y - mean) ** 2) / (n - 1) if n > 1 else None
    return n, total, mean, var


class Groups:
    """A data set by group, exactly: keys, n, w, mean, var, and the mean squares."""

    def __init__(self, keys, values, weights=None):
        weights = [1] * len(values) if weights is None else weights
        kept = [(k, y, w) for k, y, w in zip(keys, values, weights, strict=True) if w != 0]
        self.rows = {}
        for key, y, w in kept:
            self.rows.setdefault(key, []).append((y, w))
        self.keys = sorted(self.rows)
        states = [moments(*zip(*self.rows[key], strict=True)) for key in self.keys]
        self.n = np.array([s[0] for s in states])
        self.w = np.array([s[1] for s in states], dtype=object)
        self.mean = np.array([s[2] for s in states], dtype=object)
        self.var = [s[3] for s in states]
        self.J, self.N = len(self.keys), int(self.n.sum())
        self.SSW = sum(((n - 1) * var for n, var in zip(self.n.tolist(), self.var, strict=True) if n > 1), Fraction(0))
        self.MSW = self.SSW / (self.N - self.J) if self.N > self.J else None
        W = sum(self.w)
        grand = sum(self.w * self.mean) / W
        self.MSB = sum(self.w * (self.mean - grand) ** 2) / (self.J - 1)
        self.n0 = (W - sum(self.w**2) / W) / (self.J - 1)

    def v(self, sigma2="pooled"):
        """Sampling variance of each mean: pooled, separate (pooled for a single row) or by a known sigma2."""
        if sigma2 == "pooled":
            within = [self.MSW] * self.J
        elif sigma2 == "separate":
            within = [var if n > 1 else self.MSW for n, var in zip(self.n, self.var, strict=True)]
        else:
            within = [Fraction(sigma2)] * self.J
        return np.array([s / w for s, w in zip(within, self.w, strict=True)], dtype=object)


# --- tau2 given v, by the projection matrices of metafor's rma.uni ---


def floats(x):
    return np.array([float(e) for e in x])


def projection(a, known_mu):
    """P = A - A X (X'AX)^-1 X'A for X a column of ones; A for a known mu."""
    A = np.diag(a)
    return A if known_mu else A - np.outer(a, a) / sum(a)


def closed_tau2(method, y, v, n=None, mu=None):
    """tau2 of a closed form, not truncated at 0 (rma.uni: HS, HE, DL, GENQ, SJ); exact for fractions."""
    k, known = len(y), mu is not None
    p = 0 if known else 1
    y = y - mu if known else y
    if method == "sj":
        crude = sum((y - (0 if known else sum(y) / k)) ** 2) / k
        P = projection(1 / (v + crude), known)
        return crude * (y @ P @ y) / (k - p)
    if method in ("hs", "hsk"):
        P = projection(1 / v, known)
        correction = Fraction(k, k - p) if method == "hsk" else 1
        q = y @ P @ y
        q = q * correction if isinstance(q, Fraction) else q * float(correction)
        return (q - k) / sum(1 / v)
    if method == "dl":
        P = projection(1 / v, known)
        return (y @ P @ y - (k - p)) / np.trace(P)
    if method == "he":
        P = projection(v / v, known)
        return (y @ P @ y - np.trace(P @ np.diag(v))) / (k - p)
    assert method == "anova"
    P = projection(n * (v / v), known)
    return (y @ P @ y - sum(np.diag(P) * v)) / np.trace(P)


def scan(upper):
    """A fine grid of tau2 from 0: sixty points a decade over ten decades below `upper`."""
    return np.concatenate([[0.0], upper * np.logspace(-10, 0, 601)])


def roots(slope, grid):
    """Every sign change of `slope` over the grid, polished to the last digits."""
    at = [slope(t) for t in grid]
    pairs = [i for i in range(len(grid) - 1) if np.sign(at[i]) != np.sign(at[i + 1])]
    return [brentq(slope, grid[i], grid[i + 1], xtol=1e-300, rtol=8.9e-16, maxiter=1000) for i in pairs]


def root_tau2(method, y, v, mu=None):
    """tau2 where y'Py is what it should be: J - 1 (pm), J/(J-1) times it J (eb), median chi-square (pmm)."""
    k, known = len(y), mu is not None
    p = 0 if known else 1
    y = y - mu if known else y

    def excess(t):
        q = y @ projection(1 / (v + t), known) @ y
        if method == "eb":
            return q * k / (k - p) - k
        return q - (k - p if method == "pm" else chi2.ppf(0.5, k - p))

    if excess(0.0) <= 0:
        return 0.0
    upper = 1.0
    while excess(upper) > 0:
        upper *= 2
    return brentq(excess, 0.0, upper, xtol=1e-300, rtol=8.9e-16, maxiter=1000)


def log_likelihood(method, y, v, t, mu=None):
    """Log likelihood at tau2 = t up to a constant, dense; REML has the determinant of X'V^-1X."""
    known = mu is not None
    y = y - mu if known else y
    P = projection(1 / (v + t), known)
    penalty = math.log(sum(1 / (v + t))) if method == "reml" and not known else 0.0
    return -0.5 * (sum(np.log(v + t)) + penalty + y @ P @ y)


def likelihood_tau2(method, y, v, mu=None):
    """The highest of all maxima: every root of the score (rma.uni's adjustment), and the boundary 0."""
    known = mu is not None
    d = y - mu if known else y

    def score(t):
        w = 1 / (v + t)
        P = projection(w, known)
        return d @ P @ P @ d - (np.trace(P) if method == "reml" else sum(w))

    span = max(np.max((y - (mu if known else np.mean(y))) ** 2), np.max(v))
    candidates = [0.0, *roots(score, scan(100 * span))]
    return max(candidates, key=lambda t: log_likelihood(method, y, v, t, mu))


def tau2_given_v(method, y, v, n=None, mu=None):
    """tau2 by any of metafor's methods, truncated at 0. `y`, `v`, `n` exact or doubles."""
    if method in CLOSED:
        return max(0.0, float(closed_tau2(method, y, v, n, mu)))
    y, v = floats(y), floats(v)
    mu = None if mu is None else float(mu)
    return root_tau2(method, y, v, mu) if method in ROOTS else likelihood_tau2(method, y, v, mu)


def plugin_tau2(y, mu=None):
    """Sample variance of the group means, not reduced by their sampling variance (Win Vector note)."""
    if mu is not None:
        return float(sum((y - mu) ** 2) / len(y))
    return float(sum((y - sum(y) / len(y)) ** 2) / (len(y) - 1))


# --- sigma2 and tau2 jointly, by N x N matrices ---


def joint(groups, method, mu=None):
    """(sigma2, tau2) of y ~ 1 + (1 | g) with Var(e_i) = sigma2 / w_i: V = sigma2 (rho ZZ' + diag(1/w)).

    sigma2 is profiled out; rho is the root of the profile score with the highest likelihood, or 0.
    """
    y = np.array([float(y) for key in groups.keys for y, _ in groups.rows[key]])
    w = np.array([float(w) for key in groups.keys for _, w in groups.rows[key]])
    Z = np.repeat(np.eye(groups.J), groups.n, axis=0)
    X = np.ones((len(y), 0 if mu is not None else 1))
    y = y - float(mu) if mu is not None else y - y.mean()  # a shift of all rows moves mu alone; it keeps the digits
    reml = method == "reml" and mu is None
    df = len(y) - 1 if reml else len(y)

    def state(rho):
        H = rho * Z @ Z.T + np.diag(1 / w)
        inverse = np.linalg.inv(H)
        XHX = X.T @ inverse @ X
        P = inverse - inverse @ X @ np.linalg.solve(XHX, X.T @ inverse) if X.shape[1] else inverse
        return H, inverse, XHX, P, y @ P @ y / df

    def score(rho):
        _, inverse, _, P, sigma2 = state(rho)
        trace = np.trace(Z.T @ (P if reml else inverse) @ Z)
        return np.sum((Z.T @ P @ y) ** 2) / sigma2 - trace

    def deviance(rho):
        H, _, XHX, _, sigma2 = state(rho)
        price = np.linalg.slogdet(XHX)[1] if reml else 0.0
        return np.linalg.slogdet(H)[1] + df * math.log(sigma2) + price

    grid = np.concatenate([[0.0], np.logspace(-5, 4, 181) / np.median(w)])
    rho = min([0.0, *roots(score, grid)], key=deviance)
    sigma2 = state(rho)[-1]
    return sigma2, rho * sigma2


# --- cross-validation, by refitting for every held-out row ---


class Refits:
    """Leave-one-out error of the partially pooled mean by k = sigma2 / tau2, every refit done in full."""

    def __init__(self, groups, mu=None):
        rows = {j: [y for y, _ in groups.rows[key]] for j, key in enumerate(groups.keys)}
        self.mu = None if mu is None else np.longdouble(mu)
        self.group = np.repeat(list(rows), groups.n)
        self.y = np.array([y for ys in rows.values() for y in ys], dtype=np.longdouble)
        self.n = np.empty((groups.N, groups.J), dtype=np.longdouble)  # of every group, without the held-out row
        self.mean = np.empty_like(self.n)
        self.n[:] = [len(ys) for ys in rows.values()]
        self.mean[:] = [sum(np.array(ys, dtype=np.longdouble)) / len(ys) for ys in rows.values()]
        held = 0
        for j, ys in rows.items():
            for i in range(len(ys)):
                others = np.array(ys[:i] + ys[i + 1 :], dtype=np.longdouble)
                self.n[held, j] = len(others)
                self.mean[held, j] = sum(others) / len(others) if len(others) else 0.0
                held += 1

    def error(self, k):
        """Mean squared error over the held-out rows, groups at weight n / (n + k), mu by GLS."""
        precision = self.n / (self.n + k) if np.isfinite(k) else self.n
        mu = (precision * self.mean).sum(axis=1) / precision.sum(axis=1) if self.mu is None else self.mu
        rows = np.arange(len(self.y))
        n, mean = self.n[rows, self.group], self.mean[rows, self.group]
        weight = n / (n + k) if np.isfinite(k) else 0.0
        prediction = weight * mean + (1 - weight) * mu
        return ((self.y - prediction) ** 2).mean()

    def slope(self, log_k):
        """Derivative by log k, by the complex step (Squire & Trapp 1998): no digit is lost."""
        k = np.exp(np.clongdouble(complex(log_k, 0)) + np.clongdouble(1e-40j))
        return float(self.error(k).imag / np.longdouble(1e-40))

    def best(self):
        """The k of the smallest error: every stationary point, and complete pooling (infinity)."""
        inner = [math.exp(x) for x in roots(self.slope, np.linspace(-9, 12, 127))]
        return min([*inner, math.inf], key=lambda k: float(self.error(k)))


def cv_tau2(groups, mu=None):
    """tau2 = sigma2 / k at the cross-validated k; 0 for complete pooling."""
    return float(groups.MSW) / Refits(groups, mu).best()


# --- mu and the shrunken means ---


def centre(rule, mean, v, tau2, w=None, plugin_lambda=None):
    """(mu, se_mu) for mu = sum(c mean) / sum(c): se_mu^2 = sum(c^2 (v + tau2)) / sum(c)^2; 0 if known."""
    mean, v = floats(mean), floats(v)
    if not isinstance(rule, str):
        return float(rule), 0.0
    c = {
        "gls": lambda: 1 / (v + tau2),
        "rows": lambda: floats(w),
        "groups": lambda: np.ones_like(v),
        "shrunk": lambda: floats(w) * floats(plugin_lambda),
    }[rule]()
    c = c / c.sum()
    return float(c @ mean), float(np.sqrt(c * c @ (v + tau2)))


def plugin_weights(groups, sigma2="pooled"):
    """Mount's weights of the centre "shrunk": plug-in tau2 and pooled sigma2, or the known one."""
    tau2, v = plugin_tau2(groups.mean), floats(groups.v("pooled" if sigma2 == "separate" else sigma2))
    return tau2 / (tau2 + v)


def shrunken(mean, v, tau2, mu, se_mu):
    """weight, estimate, se and conditional se of every group (Gelman & Hill 12.1; blup; condVar)."""
    mean, v = floats(mean), floats(v)
    weight = tau2 / (tau2 + v)
    conditional = weight * v
    return {
        "weight": weight,
        "estimate": weight * mean + (1 - weight) * mu,
        "se": np.sqrt(conditional + (1 - weight) ** 2 * se_mu**2),
        "conditional": np.sqrt(conditional),
    }


# --- the error of tau2, by dense matrices ---


def tau2_variance(method, y, v, tau2, n=None, mu=None):
    """Variance of tau2 given v: twice the trace of (B S B S) for the B of the moment equation, S the truth."""
    y, v, known = floats(y), floats(v), mu is not None
    k, S, one = len(y), np.diag(v + tau2), np.eye(len(y))
    df = k if known else k - 1
    if method in ("reml", "ml"):
        P = projection(1 / (v + tau2), known or method == "ml")
        return 2 / np.trace(P @ P)
    if method in ROOTS:
        return 2 * k**2 / (df * sum(1 / (v + tau2)) ** 2)
    crude = np.mean((y - (mu if known else y.mean())) ** 2)
    a = {"he": v / v, "anova": n, "sj": 1 / (v + crude)}.get(method, 1 / v)
    P = projection(floats(a), known)
    slope = {"hs": sum(a), "hsk": sum(a) * df / k, "sj": df / crude}.get(method, np.trace(P @ one))
    return 2 * np.trace(P @ S @ P @ S) / slope**2


def joint_covariance(groups, method, sigma2, tau2, mu=None):
    """Covariance of (sigma2, tau2) on rows: the inverse of half the traces of (P V_a P V_b), N x N."""
    Z, D = (
        np.repeat(np.eye(groups.J), groups.n, axis=0),
        np.diag([1 / float(w) for k in groups.keys for _, w in groups.rows[k]]),
    )
    inverse = np.linalg.inv(tau2 * Z @ Z.T + sigma2 * D)
    one = np.ones(groups.N)
    P = inverse
    if method == "reml" and mu is None:
        P = inverse - np.outer(inverse @ one, inverse @ one) / (one @ inverse @ one)
    parts = [P @ D, P @ Z @ Z.T]
    return np.linalg.inv([[np.trace(a @ b) / 2 for b in parts] for a in parts])


def tau2_correction(method, v, tau2, known):
    """Minus the bias of tau2 (1 / s1 for ml; the second-order expansion of the root of Q for pm, eb and pmm)."""
    w = 1 / (floats(v) + tau2)
    if method == "ml" and not known:
        return 1 / sum(w)
    if method not in ROOTS:
        return 0.0
    # Q(t) = sum(w(t) d^2), so Q' = -sum(w^2 d^2) and Q'' = 2 sum(w^3 d^2) with d^2 / (v + tau2) chi-square about tau2.
    slope, curve, var, cov = -sum(w), 2 * sum(w * w), 2 * len(w), -2 * sum(w)
    bias = cov / slope**2 - curve * var / (2 * slope**2) / slope
    df = len(w) if known else len(w) - 1
    return -(bias + ((df - chi2.ppf(0.5, df)) / sum(w) if method == "pmm" else 0.0))


def variance_with_tau2(marginal, v, tau2, covariance, correction, sizes=None):
    """Prasad and Rao: the slopes of a group's weight by sigma2 and tau2, times their covariance, on its total variance.

    `covariance` is the variance of tau2, or with `sizes` (v = sigma2 / size) that of (sigma2, tau2). The result is at
    most v, and at least `marginal`.
    """
    v = floats(v)
    slope = v / (v + tau2) ** 2
    moved = slope**2 * np.atleast_2d(covariance)[-1, -1]
    if sizes is not None:
        slopes = np.array([-tau2 / floats(sizes) / (v + tau2) ** 2, slope])
        moved = np.einsum("aj,ab,bj->j", slopes, covariance, slopes)
    more = marginal + 2 * moved * (v + tau2) + correction * (v / (v + tau2)) ** 2
    return np.maximum(marginal, np.minimum(v, more))
