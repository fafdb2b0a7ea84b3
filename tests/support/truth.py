"""The numbers of the library by independent methods: dense matrices, exact fractions, explicit refits.

Where the library sums over groups, this file builds the matrices of the textbooks; where the library uses an
identity, this file does the full computation. The formulas are those of metafor's rma.uni (Viechtbauer 2010) for a
mean. This file does not use polars_pool.
"""

# ruff: noqa: N806 (matrices have the names of the textbooks)

import math
from fractions import Fraction

import numpy as np
from scipy.optimize import brentq, linprog, minimize_scalar
from scipy.special import polygamma
from scipy.stats import chi2, norm

CLOSED = ("dl", "he", "hs", "hsk", "sj", "anova")  # closed forms: exact in fractions
ROOTS = ("pm", "pmm", "eb")  # a root in tau2
LIKELIHOODS = ("reml", "ml")  # a maximum in tau2
SEARCHED = ("chung", "sure", "morris")  # a maximum, a minimum and a root in tau2, none of them joint with sigma2


# --- moments, exactly ---


def exact(values):
    """Doubles as exact fractions."""
    return np.array([Fraction(x) for x in values], dtype=object)


def moments(values, weights=None):
    """n, total weight, mean and sample variance of the rows of a group, exactly; rows of weight 0 are ignored."""
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

    def prior(self):
        """d0 and s0² of limma's fitFDist, from the groups with at least two rows."""
        pairs = [(float(var), n - 1) for n, var in zip(self.n.tolist(), self.var, strict=True) if n > 1]
        var, df = np.array(pairs).T
        if len(var) == 1 or not var.any():
            return (0.0 if len(var) == 1 else math.inf), var[0]
        median = np.median(var) or np.median(var[var > 0])
        var = np.maximum(var, 1e-5 * median)
        logs = np.log(var) - polygamma(0, df / 2) + np.log(df / 2)
        excess = np.var(logs, ddof=1) - np.mean(polygamma(1, df / 2))
        if excess <= 0:
            return math.inf, np.mean(var)
        half = math.exp(brentq(lambda u: math.log(polygamma(1, math.exp(u)) / excess), -50, 50, xtol=1e-15))
        return 2 * half, math.exp(np.mean(logs) + polygamma(0, half) - math.log(half))

    def squeezed(self):
        """The mean of each variance and the prior, weighted by degrees of freedom; the prior for a single row."""
        d0, s02 = self.prior()
        if math.isinf(d0):
            return [s02] * self.J
        own = [0.0 if n == 1 else float(var) for n, var in zip(self.n.tolist(), self.var, strict=True)]
        return [s02 if n == 1 else (d0 * s02 + (n - 1) * s2) / (d0 + n - 1) for n, s2 in zip(self.n, own, strict=True)]

    def v(self, sigma2="pooled"):
        """Sampling variance of each mean: pooled, separate (pooled for a single row), squeezed or by a known sigma2."""
        if sigma2 == "pooled":
            within = [self.MSW] * self.J
        elif sigma2 == "separate":
            within = [var if n > 1 else self.MSW for n, var in zip(self.n, self.var, strict=True)]
        elif sigma2 == "squeezed":
            within = [Fraction(float(s2)) for s2 in self.squeezed()]
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
    """Every sign change of `slope` over the grid, refined to the last digits."""
    at = [slope(t) for t in grid]
    pairs = [i for i in range(len(grid) - 1) if np.sign(at[i]) != np.sign(at[i + 1])]
    return [brentq(slope, grid[i], grid[i + 1], xtol=1e-300, rtol=8.9e-16, maxiter=1000) for i in pairs]


def root_tau2(method, y, v, mu=None):
    """tau2 at which y'Py has its target: J - 1 (pm), the same with J/(J-1) and J (eb), median chi-square (pmm)."""
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
    """Log likelihood at tau2 = t up to a constant, by dense matrices; REML includes the determinant of X'V^-1X."""
    known = mu is not None
    y = y - mu if known else y
    P = projection(1 / (v + t), known)
    penalty = math.log(sum(1 / (v + t))) if method == "reml" and not known else 0.0
    return -0.5 * (sum(np.log(v + t)) + penalty + y @ P @ y)


def likelihood_tau2(method, y, v, mu=None):
    """The global maximum among all roots of the score (rma.uni's adjustment) and the boundary 0."""
    known = mu is not None
    d = y - mu if known else y

    def score(t):
        w = 1 / (v + t)
        P = projection(w, known)
        return d @ P @ P @ d - (np.trace(P) if method == "reml" else sum(w))

    span = max(np.max((y - (mu if known else np.mean(y))) ** 2), np.max(v))
    candidates = [0.0, *roots(score, scan(100 * span))]
    return max(candidates, key=lambda t: log_likelihood(method, y, v, t, mu))


def chung_tau2(y, v, mu=None):
    """The global maximum of the dense profile log likelihood + log tau (Chung et al. 2013)."""
    known = mu is not None
    d = y - mu if known else y

    def score(t):
        w = 1 / (v + t)
        P = projection(w, known)
        return d @ P @ P @ d - sum(w) + 1 / t

    span = max(np.max((y - (mu if known else np.mean(y))) ** 2), np.max(v))
    candidates = roots(score, scan(100 * span)[1:])
    return max(candidates, key=lambda t: log_likelihood("ml", y, v, t, mu) + math.log(t) / 2)


def sure_risk(y, v, t, mu=None):
    """Stein's unbiased estimate of the risk of shrinking to the best location (Xie, Kou & Brown 2012, formula 5)."""
    b = v / (v + t)
    centre = mu if mu is not None else sum(b * b * y) / sum(b * b)
    return sum(b * b * (y - centre) ** 2 + v * (t - v) / (v + t)) / len(y)


def sure_tau2(y, v, mu=None):
    """The global minimum, with the slope by the complex step, or the boundary 0."""
    span = max(np.max((y - np.mean(y)) ** 2), np.max(v), 0.0 if mu is None else np.max((y - mu) ** 2))
    inner = roots(lambda t: sure_risk(y, v, t + 1e-40j * span, mu).imag, scan(100 * span))
    return min([0.0, *inner], key=lambda t: sure_risk(y, v, t, mu))


def morris_weights(y, v, tau2, mu=None):
    """1 - B of Morris (1983, formula 5.3): B = (k - r - 2) / (k - r) V / (V + A), r = 1 fitted location."""
    df = len(y) - (1 if mu is None else 0)
    return 1 - (df - 2) / df * v / (v + tau2)


def tau2_given_v(method, y, v, n=None, mu=None):
    """tau2 by any of metafor's methods, truncated at 0. `y`, `v`, `n` exact or doubles."""
    if method in CLOSED:
        return max(0.0, float(closed_tau2(method, y, v, n, mu)))
    y, v = floats(y), floats(v)
    mu = None if mu is None else float(mu)
    if method in ("chung", "sure"):
        return {"chung": chung_tau2, "sure": sure_tau2}[method](y, v, mu)
    if method in (*ROOTS, "morris"):
        return root_tau2("eb" if method == "morris" else method, y, v, mu)
    return likelihood_tau2(method, y, v, mu)


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
    y = y - float(mu) if mu is not None else y - y.mean()  # a shift of all rows changes only mu, and keeps the digits
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


# --- cross-validation, by refitting without each row ---


class Refits:
    """Leave-one-out error of the partially pooled mean by k = sigma2 / tau2, with explicit refits."""

    def __init__(self, groups, mu=None):
        rows = {j: [y for y, _ in groups.rows[key]] for j, key in enumerate(groups.keys)}
        self.mu = None if mu is None else np.longdouble(mu)
        self.group = np.repeat(list(rows), groups.n)
        self.y = np.array([y for ys in rows.values() for y in ys], dtype=np.longdouble)
        self.n = np.empty((groups.N, groups.J), dtype=np.longdouble)  # sizes of all groups without the held-out row
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
        """Derivative by log k, by the complex step (Squire & Trapp 1998), which loses no digits."""
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
    """Mount's weights of the centre "shrunk": plug-in tau2 and pooled sigma2, or the known sigma2."""
    tau2, v = plugin_tau2(groups.mean), floats(groups.v("pooled" if sigma2 in ("separate", "squeezed") else sigma2))
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


# --- comparison: every row held out explicitly; pooling factors from the full posterior ---


def held_out_errors(groups, sigma2, tau2, mu="gls", pooled=None, factor=1):
    """Mean squared errors of raw means, the grand mean and partial pooling over rows of groups with two or more.

    sigma2 (one per group), tau2 and, for the centre "shrunk", the plug-in tau2 and the `pooled` sigma2 (MSW unless it
    is known) remain those of all rows. `factor` is Morris's factor of the pooling.
    """
    pooled = groups.MSW if pooled is None else Fraction(pooled)
    rows = {key: [y for y, _ in groups.rows[key]] for key in groups.keys}
    sigma2, tau2 = dict(zip(groups.keys, exact(sigma2), strict=True)), Fraction(tau2)
    plugin = Fraction(plugin_tau2(groups.mean, None if isinstance(mu, str) else Fraction(mu)))

    def count(key, n):
        v = sigma2[key] / n
        if mu == "gls":
            return 1 / (v + tau2)
        return {"rows": n, "groups": 1, "shrunk": n * plugin / (plugin + pooled / n)}[mu]

    missed = []
    for held in groups.keys:
        for i in range(len(rows[held]) if len(rows[held]) > 1 else 0):
            others = rows | {held: rows[held][:i] + rows[held][i + 1 :]}
            means = {key: sum(ys) / len(ys) for key, ys in others.items()}
            everything = [y for ys in others.values() for y in ys]
            if isinstance(mu, str):
                counts = {key: count(key, len(ys)) for key, ys in others.items()}
                centre = sum(counts[key] * means[key] for key in others) / sum(counts.values())
                grand = sum(everything) / len(everything)
            else:
                centre = grand = Fraction(mu)
            v = sigma2[held] / len(others[held])
            weight = 1 - Fraction(factor) * v / (tau2 + v)
            predictions = (means[held], grand, weight * means[held] + (1 - weight) * centre)
            missed.append([(rows[held][i] - prediction) ** 2 for prediction in predictions])
    return tuple(float(sum(column) / len(missed)) for column in zip(*missed, strict=True))


def pooling_factors(groups, sigma2, tau2, mu=None):
    """(rows, groups): 1 - V(E e) / E(V e), with V over the errors and E over the posterior of all effects."""
    n, mean = floats(groups.n), floats(groups.mean)
    y = np.array([float(y) for key in groups.keys for y, _ in groups.rows[key]])
    J, group = groups.J, np.repeat(np.arange(groups.J), groups.n)
    precision = np.diag(n / sigma2 + 1 / tau2)
    if mu is None:  # effects and mu, flat
        column = np.full((J, 1), -1 / tau2)
        precision = np.block([[precision, column], [column.T, np.array([[J / tau2]])]])
        covariance = np.linalg.inv(precision)
        posterior = covariance @ np.append(n * mean / sigma2, 0.0)
    else:
        covariance = np.linalg.inv(precision)
        posterior = np.append(covariance @ (n * mean / sigma2 + mu / tau2), mu)
        covariance = np.pad(covariance, (0, 1))

    def factor(offset, linear):
        errors = offset + linear @ posterior
        centring = np.eye(len(errors)) - 1 / len(errors)
        spread = errors @ centring @ errors
        return 1 - spread / (spread + np.trace(centring @ linear @ covariance @ linear.T))

    rows = np.append(np.eye(J)[group], np.zeros((len(y), 1)), axis=1)
    effects = np.append(np.eye(J), -np.ones((J, 1)), axis=1)
    return factor(y, -rows), factor(np.zeros(J), effects)


# --- robust intervals: the worst distribution by linear programming ---


def worst_noncoverage(m, kappa, chi):
    """Largest noncoverage of -chi .. chi over distributions of the squared bias t with E t = m, E t^2 <= kappa m^2.

    Linear programs over distributions on a grid that is refined about points with positive weight. The solvers keep the
    moments only approximately, so each solution is adjusted to keep them exactly. The results are lower bounds; the
    largest is within 1e-9 of the maximum.
    """

    def noncoverage(t):
        return norm.cdf(-np.sqrt(t) - chi) + norm.cdf(np.sqrt(t) - chi)

    top = max(chi + 6, 2 * math.sqrt(m * min(kappa, 1e6))) ** 2
    grid = np.unique(np.concatenate([np.linspace(0, math.sqrt(top), 501) ** 2, np.linspace(0, 3 * m, 101), [m]]))
    largest = 0.0
    for _ in range(4):
        rows = {"A_eq": [np.ones_like(grid), grid / m], "b_eq": [1, 1]}
        if not math.isinf(kappa):
            rows |= {"A_ub": [(grid / m) ** 2], "b_ub": [kappa]}
        near = []
        for method in ("highs-ds", "highs-ipm"):  # either may fail
            result = linprog(-noncoverage(grid), **rows, method=method)
            if not result.success:
                continue
            t, p = grid[result.x > 1e-9], result.x[result.x > 1e-9]
            binds = not math.isinf(kappa) and p @ (t / m) ** 2 > kappa * (1 - 1e-6)
            moments = np.array([1, 1, kappa] if binds else [1, 1])
            powers = np.vander(t / m, len(moments), increasing=True).T
            p = p + np.linalg.lstsq(powers, moments - powers @ p)[0]
            if np.allclose(powers @ p, moments, rtol=1e-12, atol=0) and p.min() >= 0:
                largest = max(largest, p @ noncoverage(t))
            for i in np.flatnonzero(result.x > 1e-9):
                near.append(np.linspace(grid[max(i - 2, 0)], grid[min(i + 2, len(grid) - 1)], 81))
        grid = np.unique(np.concatenate([[0.0, m, top], grid[::50], *near]))
    return largest


def effect_moments(mean, v, mu):
    """(mu2, kappa) of the true means about mu, with their lower bounds (Armstrong, Kolesar & Plagborg-Moller 2022)."""
    mean, v = floats(mean), floats(v)
    e = mean - mu
    mu2 = max(np.mean(e**2 - v), 2 * np.mean(v**2) / (len(v) * np.mean(v)))
    mu4 = np.mean(e**4 - 6 * v * e**2 + 3 * v**2)
    kappa = max(mu4 / mu2**2, 1 + 32 * np.mean(v**4) / (len(v) * mu2**2 * np.mean(v**2)))
    return mu2, kappa


# --- statistics of the estimates: log likelihoods, errors and limits of tau2, by dense matrices ---


def deviance_given(y, v, t, restricted=False, mu=None):
    """-2 log L of means with known v at tau2 = t, constants included; metafor's REML counts log |X'X|."""
    df = len(y) - (restricted and mu is None)
    penalty = math.log(len(y)) if restricted and mu is None else 0.0
    return -2 * log_likelihood("reml" if restricted else "ml", y, v, t, mu) + df * math.log(2 * math.pi) - penalty


def rows_of(groups, mu=None):
    """Values, the design of the groups and the precision weights, row by row."""
    y = np.array([float(y) for key in groups.keys for y, _ in groups.rows[key]])
    w = np.array([float(w) for key in groups.keys for _, w in groups.rows[key]])
    return y - (0.0 if mu is None else mu), np.repeat(np.eye(groups.J), groups.n, axis=0), w


def deviance_rows(groups, sigma2, tau2, restricted=False, mu=None):
    """-2 log L of the rows, by their N x N covariance; without the constant of precision weights."""
    y, Z, w = rows_of(groups, mu)
    V = tau2 * Z @ Z.T + sigma2 * np.diag(1 / w)
    inverse, logs = np.linalg.inv(V), np.linalg.slogdet(V)[1] + np.log(w).sum()
    total = inverse.sum()
    m = inverse.sum(axis=0) @ y / total if mu is None else 0.0
    df = len(y) - (restricted and mu is None)
    penalty = math.log(total) if restricted and mu is None else 0.0
    return logs + (y - m) @ inverse @ (y - m) + penalty + df * math.log(2 * math.pi)


def profiled_rows(groups, tau2, restricted=False, mu=None):
    """-2 log L of the rows at tau2, the least over sigma2: on a grid of its logarithm, then closely."""

    def deviance(log_sigma2):
        return deviance_rows(groups, math.exp(log_sigma2), tau2, restricted, mu)

    centre = math.log(float(groups.SSW) / groups.N)
    grid = np.linspace(centre - 1, centre + 8, 37)
    near = grid[np.argmin([deviance(s) for s in grid])]
    result = minimize_scalar(deviance, bounds=(near - 0.3, near + 0.3), method="bounded", options={"xatol": 1e-12})
    return result.fun


def limits_of(deviance, best, drop, reach):
    """The points on both sides of `best` where the deviance of tau2 has risen by `drop`."""
    target = deviance(best) + drop
    low = 0.0 if deviance(0.0) <= target else brentq(lambda t: deviance(t) - target, 0.0, best, xtol=1e-300, rtol=1e-14)
    while deviance(reach) < target:
        reach *= 4
    return low, brentq(lambda t: deviance(t) - target, best, reach, xtol=1e-300, rtol=1e-14)


# --- the error of tau2, by dense matrices ---


def tau2_variance(method, y, v, tau2, n=None, mu=None):
    """Variance of tau2 given v: twice the trace of (B S B S), B from the moment equation, S the true covariance."""
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
    """Prasad and Rao: derivatives of a group's weight by sigma2 and tau2, times their covariance and total variance.

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
