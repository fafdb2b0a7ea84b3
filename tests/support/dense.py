"""Nested levels by dense matrices: the covariance of all rows, its likelihood and best linear predictions.

Source: Searle, Casella & McCulloch (1992), Variance Components, chapters 6 and 7. `test_truth_nested.py` compares it
with the vectors of lme4 and metafor.
"""

import math
import random
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from scipy.optimize import brentq, least_squares, minimize
from scipy.stats import chi2

STARTS = (0.2, 1.0)  # standard deviations, relative to that of the values


def tree(seed: int, levels: int = 3, most: int = 3) -> list[tuple]:
    """Rows of a small unbalanced tree: a key for each level, and a value in eighths; some levels do not vary."""
    rng = random.Random(seed)
    sd = [rng.choice([0.0, 0.5, 1.0]) for _ in range(levels)]
    rows = []

    def normal(sd: float) -> float:
        return sd * (sum(rng.random() for _ in range(12)) - 6)

    def grow(path: tuple, mean: float) -> None:
        if len(path) == levels:
            rows.extend((*path, round(8 * (mean + normal(1.0))) / 8) for _ in range(rng.randint(1, 3)))
            return
        for key in range(rng.randint(1, most) if path else rng.randint(3, most + 2)):
            grow((*path, key), mean + normal(sd[len(path)]))

    grow((), 0.0)
    return rows


@dataclass(frozen=True)
class Dense:
    """Rows with paths of keys; either weights of rows with a common sigma2, or sampling variances `v`.

    `tau2` and `sigma2` are None where they are estimated. Parameters are tau2 of the levels, the outer one first, and
    sigma2 after them unless `v` is given.
    """

    paths: list[tuple]
    y: np.ndarray
    tau2: tuple
    sigma2: float | None = None
    weights: np.ndarray | None = None
    v: np.ndarray | None = None
    restricted: bool = True

    @cached_property
    def depth(self) -> int:
        return len(self.paths[0])

    def nodes(self, depth: int) -> list[tuple]:
        return sorted({path[:depth] for path in self.paths}, key=str)

    def members(self, node: tuple) -> np.ndarray:
        """Which rows lie below a node."""
        return np.array([path[: len(node)] == node for path in self.paths])

    @cached_property
    def parts(self) -> list[np.ndarray]:
        """The matrix of each parameter in the covariance of the rows."""
        levels = []
        for depth in range(1, self.depth + 1):
            z = np.array([self.members(node) for node in self.nodes(depth)], dtype=float)
            levels.append(z.T @ z)
        weights = np.ones(len(self.y)) if self.weights is None else self.weights
        return levels if self.v is not None else [*levels, np.diag(1 / weights)]

    def covariance(self, parameters) -> np.ndarray:
        known = 0.0 if self.v is None else np.diag(self.v)
        return known + sum(x * part for x, part in zip(parameters, self.parts, strict=True))

    # ---- likelihood ----

    def slope(self, parameters) -> tuple[float, np.ndarray]:
        """-2 log L with its constant, without that of the weights, and its gradient."""
        covariance = self.covariance(parameters)
        inverse, logs = np.linalg.inv(covariance), np.linalg.slogdet(covariance)[1]
        ones, total = inverse.sum(axis=0), inverse.sum()
        p = inverse - np.outer(ones, ones) / total
        py, q = p @ self.y, p if self.restricted else inverse
        if self.weights is not None:
            logs += np.log(self.weights).sum()
        logs += (math.log(total) if self.restricted else 0.0) + (len(self.y) - self.restricted) * math.log(2 * math.pi)
        return logs + self.y @ py, np.array([np.sum(q * part) - py @ part @ py for part in self.parts])

    def deviance(self, parameters) -> float:
        return self.slope(parameters)[0]

    def gradient(self, parameters) -> np.ndarray:
        return self.slope(parameters)[1]

    def information(self, parameters) -> np.ndarray:
        """Expected information: half the trace of Q V_k Q V_l."""
        q = np.linalg.inv(self.covariance(parameters))
        if self.restricted:
            q = q - np.outer(q.sum(axis=0), q.sum(axis=0)) / q.sum()
        return np.array([[np.sum((q @ a) * (q @ b).T) / 2 for b in self.parts] for a in self.parts])

    # ---- the maximum ----

    @cached_property
    def known(self) -> list:
        return list(self.tau2) if self.v is not None else [*self.tau2, self.sigma2]

    def fit(self, **held) -> np.ndarray:
        """The parameters of the highest maximum; `held` maps "tau2_1" to a value, 1 the outer level."""
        known = [held.get(f"tau2_{i + 1}", x) for i, x in enumerate(self.known)]
        free = [i for i, x in enumerate(known) if x is None]
        if not free:
            return np.array(known, dtype=float)
        unit = np.std(self.y)

        def full(theta) -> np.ndarray:
            result = np.array([0.0 if x is None else x for x in known])
            result[free] = np.square(theta * unit)
            return result

        def objective(theta):
            value, slope = self.slope(full(theta))
            return value, slope[free] * 2 * theta * unit**2

        bounds = [(1e-6 if i == self.depth else 0.0, None) for i in free]
        starts = product(*(STARTS if i < self.depth else STARTS[:1] for i in free))
        ends = [minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds) for start in starts]
        return self.polished(full(min(ends, key=lambda end: end.fun).x), free)

    def polished(self, x: np.ndarray, free: list[int]) -> np.ndarray:
        """Newton's method with the expected information, on parameters that are not 0 at the maximum."""
        for i in free:
            at_zero = np.where(np.arange(len(x)) == i, 0.0, x)
            if i < self.depth and x[i] < 1e-6 * np.var(self.y) and self.gradient(at_zero)[i] > 0:
                x = at_zero
        inner = [i for i in free if x[i] > 0]
        if inner:

            def score(logs):
                return self.gradient(self._with(x, inner, np.exp(logs)))[inner] * np.exp(logs)

            root = least_squares(score, np.log(x[inner]), xtol=1e-15, ftol=1e-15, gtol=1e-15, x_scale=1.0)
            x = self._with(x, inner, np.exp(root.x))
        return x

    @staticmethod
    def _with(x, some, values) -> np.ndarray:
        result = np.array(x, dtype=float)
        result[some] = values
        return result

    @cached_property
    def best(self) -> np.ndarray:
        return self.fit()

    @cached_property
    def errors(self) -> np.ndarray:
        """Standard errors of the estimated parameters, infinite information for the known ones."""
        free = [i for i, x in enumerate(self.known) if x is None]
        result = np.full(len(self.known), np.nan)
        if free:
            information = self.information(self.best)[np.ix_(free, free)]
            result[free] = np.sqrt(np.diag(np.linalg.inv(information)))
        return result

    def rise(self, level: int, tau2: float) -> float:
        """How much -2 log L rises where the tau2 of a level has a value."""
        return self.deviance(self.fit(**{f"tau2_{level}": tau2})) - self.deviance(self.best)

    def limits(self, level: int) -> tuple[float, float]:
        """Profile-likelihood interval of a tau2."""
        drop, best = chi2.ppf(0.95, 1), self.best[level - 1]
        lower = 0.0
        if self.rise(level, 0.0) > drop:
            lower = brentq(lambda x: self.rise(level, x) - drop, 1e-9 * best, best, xtol=1e-11 * best)
        high = max(best, 1e-2 * np.var(self.y))
        while self.rise(level, high) < drop:
            high *= 2
        return lower, brentq(lambda x: self.rise(level, x) - drop, best, high, xtol=1e-11 * high)

    # ---- predictions ----

    @cached_property
    def mu(self) -> tuple[float, float]:
        """mu and its variance."""
        inverse = np.linalg.inv(self.covariance(self.best))
        return inverse.sum(axis=0) @ self.y / inverse.sum(), 1 / inverse.sum()

    def node(self, node: tuple) -> dict[str, float]:
        """What shrink reports of a node; errors with that of mu, and `conditional` on mu."""
        mu, variance = self.mu
        inverse = np.linalg.inv(self.covariance(self.best))
        own = [
            x * part[:, self.members(node)][:, 0] for x, part in zip(self.best, self.parts[: len(node)], strict=False)
        ]
        mean, v = self.own(node)
        result = {"mean": mean, "v": v, "weight": self.best[len(node) - 1] / (self.best[len(node) - 1] + v)}
        for name, levels in (("estimate", own), ("effect", own[-1:])):
            k, prior = sum(levels), self.best[len(node) - len(levels) : len(node)].sum()
            left = (name == "estimate") - inverse.sum(axis=0) @ k
            conditional = prior - k @ inverse @ k
            about = mu if name == "estimate" else 0.0
            error = "se" if name == "estimate" else "se_effect"
            result |= {
                name: about + k @ inverse @ (self.y - mu),
                error: math.sqrt(max(conditional + left**2 * variance, 0.0)),
                f"conditional_{error}": math.sqrt(max(conditional, 0.0)),
            }
        return result

    def own(self, node: tuple) -> tuple[float, float]:
        """The mean of a node by its own rows alone, and its sampling variance."""
        below = self.members(node)
        parts = zip(self.best[len(node) :], self.parts[len(node) :], strict=True)
        covariance = sum((x * part for x, part in parts), np.zeros_like(self.parts[0]))
        covariance = (covariance + (0.0 if self.v is None else np.diag(self.v)))[np.ix_(below, below)]
        inverse = np.linalg.inv(covariance)
        return inverse.sum(axis=0) @ self.y[below] / inverse.sum(), 1 / inverse.sum()
