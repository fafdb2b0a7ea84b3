"""Inferences from fitted trees: errors, limits and tests of the tau2 of each level, log likelihoods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...engines.numpy import Array
from ...formulas import inference
from ...numerics import special
from ...numerics.roots import find_root, straight_root
from .fit import Fitted
from .identification import size_of
from .likelihood import likelihood
from .search import MANY, NEAR_ZERO, best, minima

STRIDE, STRIDES = 2.0, 100  # of a standard deviation, to a point beyond its upper limit
TOLERANCE = 1e-6  # -2 log L without a level can be lower by rounding; if it is lower by more, exact means let the
# likelihood grow without bound


def errors(f: Fitted) -> Array:
    """The standard error of each tau2, (levels, models), by the expected information; NaN where it is not estimated.

    Twice the information is minus the Hessian of the part of -2 log L that depends on the variances alone. Source:
    Searle, Casella & McCulloch (1992), section 6.3.
    """
    d = f.deviance
    information = -likelihood(d.tree, f.variances, d.given, d.restricted).logs.hessian() / 2
    free = d.free.T.copy()
    free[:, 0] &= ~f.exact
    free[:, 1] &= (f.exact_leaves == 0) | (f.variances[1] > 0)
    information = np.where(free[:, :, None] & free[:, None, :], information, np.eye(free.shape[1]))
    usable = np.isfinite(information).all(axis=(1, 2)) & f.identified & f.bounded
    covariance = np.full_like(information, np.nan)
    covariance[usable] = np.linalg.pinv(information[usable], hermitian=True)
    variance = np.einsum("mii->im", covariance)
    return np.where(free.T & f.determined, np.sqrt(variance), np.nan)[1:]


def likelihood_ratios(f: Fitted) -> Array:
    """The likelihood-ratio statistic of tau2 = 0 at each level, (levels, models); NaN where tau2 is known."""
    ratios = np.full((f.tree.depth, f.tree.models), np.nan)
    for index, models in _together(f, [(index, _tested(f, index)) for index in range(1, f.tree.depth + 1)]):
        some = f.of(models)
        rise = _lowest_without(some, index) - some.lowest
        rise = np.where(rise < -TOLERANCE, np.nan, np.maximum(rise, 0.0))
        ratios[index - 1, models] = np.where(some.variances[index, np.arange(len(models))] > 0, rise, 0.0)
    return ratios


def _together(f: Fitted, parts: list[tuple[Any, Array]]) -> Iterator[list[Array]]:
    """Columns of numbers beside models, from parts of equal numbers; large trees part by part, without copies."""
    columns = [
        [*(np.full(len(models), x) for x in np.atleast_1d(numbers)), models] for numbers, models in parts if models.size
    ]
    if len(f.tree.k) > MANY:
        yield from columns
    elif columns:
        yield [np.concatenate(column) for column in zip(*columns, strict=True)]


def tested(f: Fitted, ratios: Array) -> tuple[Array, Array]:
    """The likelihood-ratio statistics and their p; NaN where exact means make that without the level infinite."""
    ratios = ratios.copy()
    ratios[0] = np.where(f.exact_leaves > 0, np.nan, ratios[0])
    p = inference.half_half(ratios, special.chdtrc(1.0, ratios))
    return ratios, np.where(np.isnan(ratios), np.nan, p)


def _lowest_without(f: Fitted, index: Array) -> Array:
    """-2 log L of models at its lowest minimum where one tau2 is 0."""
    start = np.sqrt(f.variances.T)
    start[np.arange(len(index)), index] = 0.0
    return best(f.deviance.held(index), start, size_of(f.tree, f.deviance.given)).value


def limits(f: Fitted, ratios: Array, error: Array, level: float) -> tuple[Array, Array]:
    """The profile-likelihood interval of the tau2 of each level, where -2 log L has not risen by a quantile.

    The lower limit is 0 where the likelihood-ratio statistic of tau2 = 0 is below the quantile.
    """
    ends = np.full((2, *ratios.shape), np.nan)
    drop = float(special.chdtri(1.0, 1 - level))
    parts: list[tuple[Any, Array]] = []
    for index in range(1, f.tree.depth + 1):
        models = _tested(f, index)
        ends[0, index - 1, models] = 0.0
        parts += [((0, index), models[ratios[index - 1, models] > drop]), ((1, index), models)]
    for end, level_of, models in _together(f, parts):
        limit = Profile(f.of(models), level_of).limit(drop, 2.0 * end - 1, error[level_of - 1, models])
        ends[end, level_of - 1, models] = limit
    return ends[0], ends[1]


def _tested(f: Fitted, index: int) -> Array:
    """The models whose tau2 at a level is estimated."""
    return np.flatnonzero(f.deviance.free[index] & f.determined[index] & ~f.exact & f.bounded)


class Profile:
    """How much -2 log L of models rises along one tau2 of each, minimised over the other variances."""

    def __init__(self, f: Fitted, index: Array) -> None:
        self.deviance, self.index, self.lowest = f.deviance.held(index), index, f.lowest
        self.at = np.sqrt(f.variances.T)
        self.best = self.at[np.arange(len(index)), index]

    def __call__(self, x: Array, models: Array) -> Array:
        """The rise at a standard deviation of the level; each search begins where the last one of its model ended.

        Derivatives vanish at 0, so a search begins a little above it.
        """
        start = self.at[models]
        start[np.arange(len(models)), self.index[models]] = x
        free = self.deviance.free[:, models].T
        lowest = minima(self.deviance.of(models), np.where(free & (start < NEAR_ZERO), NEAR_ZERO, start))
        self.at[models] = lowest.x
        return np.asarray(lowest.value - self.lowest[models])

    def limit(self, drop: float, direction: Array, error: Array) -> Array:
        """tau2 where the rise equals `drop`, below the estimate (-1) or above it (1); `error` is the error of tau2.

        The square root of the rise is nearly a straight line in the standard deviation.
        """
        root, models = np.sqrt(drop), np.arange(len(error))

        def shortfall(t: Array, some: Array) -> Array:
            rise = self(np.maximum(self.best[some] + direction[some] * t, 0.0), some)
            return np.asarray(np.sqrt(np.maximum(rise, 0.0)) - root)

        first = np.sqrt(self.best**2 + root * error) - self.best
        first = np.where(direction < 0, np.minimum(first, self.best), first)
        straight = np.stack([-first, np.zeros(len(first))]), np.full((2, 1), -root) * [[2.0], [1.0]]
        t = straight_root(shortfall, straight[0], np.broadcast_to(straight[1], straight[0].shape), models)
        if (rest := np.flatnonzero(np.isnan(t) | (t < 0))).size:
            high, above = self.best[rest], direction[rest] > 0
            if above.any():
                high[above] = self._beyond(shortfall, first[rest[above]], rest[above])
            t[rest], _ = find_root(shortfall, np.zeros(len(rest)), high, rest)
        return np.asarray((self.best + direction * t) ** 2)

    def _beyond(self, shortfall: Callable[[Array, Array], Array], first: Array, models: Array) -> Array:
        """A distance at which the rise is more than the quantile."""
        high = np.where(first > 0, first, 1.0)
        for _ in range(STRIDES):
            less = shortfall(high, models) < 0
            if not less.any():
                break
            high = np.where(less, STRIDE * high, high)
        return high


def log_likelihood(f: Fitted) -> Array:
    """Log likelihood at the estimates: restricted for reml, else full; of the rows where sigma2 is estimated from them.

    Of given means, the restricted one has the constant of metafor, log(J) / 2.
    """
    d = f.deviance
    numbers = (f.tree.leaves if d.given else f.tree.rows) - (1 if d.restricted else 0)
    lowest = f.lowest - (np.log(f.tree.leaves) if d.given and d.restricted else 0.0)
    of_models = inference.log_likelihood(lowest, numbers) - numbers * np.log(f.unit)
    return np.where(f.exact | ~f.bounded | f.only.all(axis=0), np.nan, of_models)
