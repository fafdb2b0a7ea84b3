"""Mixtures of beta or of gamma distributions: moments, probabilities and quantiles of many at once.

The parts of all mixtures lie in one array, those of a mixture together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import beta, special
from .arrays import Array
from .segments import Segments

NEAR = 1e-4  # of a tail: the error after one more step is its third power
CLOSE = 1e-14  # of a logit or logarithm
STEPS = 400
FARTHEST = 700.0  # logits or logarithms beyond which Float64 has no numbers
TINY = 1e-300


@dataclass(frozen=True)
class Mixtures(Segments):
    """Parts with a weight and two parameters: alpha and beta, or shape and rate."""

    weight: Array
    first: Array
    second: Array

    def average(self, x: Array) -> Array:
        """The mean of a quantity of the parts."""
        return self.sum(self.weight * x)

    def moments(self) -> tuple[Array, Array]:
        """Mean and variance of each mixture."""
        means, variances = self._moments_of_parts()
        mean = self.average(means)
        return mean, self.average(variances + (means - self.each(mean)) ** 2)

    def quantiles(self, *probabilities: float) -> list[Array]:
        """The quantile of each mixture at a few probabilities; NaN where the search did not settle.

        Halley's method in the logit or logarithm, from the quantile of the distribution of the same mean and variance.
        """
        with np.errstate(all="ignore"):
            starts, constant = self._starts(probabilities), self._log_constant()
            return [self._quantile(p, start, constant) for p, start in zip(probabilities, starts, strict=True)]

    def _quantile(self, p: float, start: Array, constant: Array) -> Array:
        z = np.clip(np.where(np.isnan(start), 0.0, start), -FARTHEST, FARTHEST)
        low, high = np.full_like(z, -2 * FARTHEST), np.full_like(z, 2 * FARTHEST)
        todo, some = np.arange(self.models), self
        for _ in range(STEPS):
            at = z[todo]
            below, density, slope = some._at(at, constant)
            excess = below - p
            high[todo] = np.where(excess >= 0, at, high[todo])
            low[todo] = np.where(excess <= 0, at, low[todo])
            step = excess / np.maximum(density, TINY)
            bend = np.clip(step * slope / np.maximum(density, TINY) / 2, -0.5, 0.5)
            new = at - step / (1 - bend)
            inside = (new > low[todo]) & (new < high[todo])
            z[todo] = np.where(inside, new, np.where(excess == 0, at, (low[todo] + high[todo]) / 2))
            near = (np.abs(excess) <= NEAR * min(p, 1 - p)) & (inside | (excess == 0))
            near |= high[todo] - low[todo] <= CLOSE * np.abs(at)
            left = np.flatnonzero(~near)
            if not left.size:
                break
            if len(left) < len(todo):
                constant = constant[some.rows_of(left)]
                some, todo = some.take(left), todo[left]
        else:
            z[todo] = np.nan
        return self._value(z)

    # ---- what differs between both ----------------------------------------------------------------------------------

    def probabilities(self, x: float) -> tuple[Array, Array]:
        """The probability of values up to x, and of values above it."""
        raise NotImplementedError

    def _moments_of_parts(self) -> tuple[Array, Array]:
        raise NotImplementedError

    def _starts(self, probabilities: tuple[float, ...]) -> list[Array]:
        """The logits or logarithms of the quantiles of the distributions of the same mean and variance."""
        raise NotImplementedError

    def _log_constant(self) -> Array:
        """The logarithm of the constant of the density of each part."""
        raise NotImplementedError

    def _at(self, z: Array, constant: Array) -> tuple[Array, Array, Array]:
        """The probability of less than z, a logit or logarithm; the density of z and its derivative."""
        raise NotImplementedError

    def _value(self, z: Array) -> Array:
        raise NotImplementedError


@dataclass(frozen=True)
class Betas(Mixtures):
    """Mixtures of beta distributions."""

    def probabilities(self, x: float) -> tuple[Array, Array]:
        at = min(max(x, 0.0), 1.0)
        below, above = (self.average(f(self.first, self.second, at)) for f in (special.betainc, special.betaincc))
        return below, above

    def _moments_of_parts(self) -> tuple[Array, Array]:
        size = self.first + self.second
        means = self.first / size
        return means, means * (self.second / size) / (size + 1)

    def _starts(self, probabilities: tuple[float, ...]) -> list[Array]:
        mean, variance = self.moments()
        size = np.maximum(mean * (1 - mean) / variance - 1, 1e-3)
        return [special.logit(x) for x in beta.quantiles(mean * size, (1 - mean) * size, *probabilities)]

    def _log_constant(self) -> Array:
        return -np.asarray(special.betaln(self.first, self.second))

    def _at(self, z: Array, constant: Array) -> tuple[Array, Array, Array]:
        a, b, z = self.first, self.second, self.each(z) + np.zeros_like(self.first)
        low, high = np.flatnonzero(z <= 0), np.flatnonzero(z > 0)  # the smaller one of x and 1 - x has all digits
        below = np.empty_like(a)
        below[low] = special.betainc(a[low], b[low], special.expit(z[low]))
        below[high] = special.betaincc(b[high], a[high], special.expit(-z[high]))
        softplus = np.logaddexp(0, z)
        density = np.exp(a * (z - softplus) - b * softplus + constant)
        slope = density * (a - (a + b) * special.expit(z))
        return self.average(below), self.average(density), self.average(slope)

    def _value(self, z: Array) -> Array:
        return np.asarray(special.expit(z))


@dataclass(frozen=True)
class Gammas(Mixtures):
    """Mixtures of gamma distributions."""

    def probabilities(self, x: float) -> tuple[Array, Array]:
        scaled = self.second * max(x, 0.0)
        below, above = (self.average(f(self.first, scaled)) for f in (special.gammainc, special.gammaincc))
        return below, above

    def _moments_of_parts(self) -> tuple[Array, Array]:
        means = self.first / self.second
        return means, means / self.second

    def _starts(self, probabilities: tuple[float, ...]) -> list[Array]:
        mean, variance = self.moments()
        rate = mean / variance
        return [np.log(special.gammaincinv(mean * rate, p) / rate) for p in probabilities]

    def _log_constant(self) -> Array:
        return np.asarray(special.xlogy(self.first, self.second) - special.gammaln(self.first))

    def _at(self, z: Array, constant: Array) -> tuple[Array, Array, Array]:
        z = self.each(z)
        scaled = self.second * np.exp(z)
        density = np.exp(self.first * z - scaled + constant)
        below = self.average(special.gammainc(self.first, scaled))
        return below, self.average(density), self.average(density * (self.first - scaled))

    def _value(self, z: Array) -> Array:
        return np.exp(z)
