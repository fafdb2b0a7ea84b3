"""Critical values of robust intervals, and the worst noncoverage of ordinary ones, for many groups at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from ...engines.numpy import Array
from ...formulas import robust
from ...numerics import special
from ...numerics.roots import find_root

TINY = np.finfo(float).tiny  # the least normal number
FAR = 1e20  # m beyond which the interval consists of the bias alone
MANY = 10_000  # moments of one model beyond which a table is cheaper
DEGREE = 10  # of the polynomials of a table
PROBES = np.array([-0.94, -0.33, 0.47, 0.88])  # points where each is compared with the function
SETTLED = 1e-13  # relative step of a critical value
ERROR = 2e-10  # of a table, relative
NARROW = 1e-7  # the width of a piece about a kink below which it is not halved


@np.errstate(all="ignore")
def intervals(m: Array, ratio: Array, kappa: Array, alpha: float) -> tuple[Array, Array]:
    """chi / sqrt(1 + m) of the robust interval, and the worst noncoverage of the ordinary one; ratio is tau2 / mu2.

    Where m are many in one model, that is at one ratio and kappa, both are read from a table over m.
    """
    result = np.full((2, len(m)), np.nan)
    known = np.flatnonzero(~np.isnan(m))
    unknown = np.isnan(ratio) & (m > 0)  # and where m = 0, of a model's only group, it does not count
    ratio = np.where(np.isnan(ratio), 1.0, ratio)  # NaN of two models would be one to np.unique
    kinds, kind = _distinct(ratio[known], np.where(np.isnan(kappa), np.inf, kappa)[known])
    pairs, of_pair = _distinct(kind, m[known])
    kind, m = pairs.real.astype(np.int64), pairs.imag
    ratio, kappa = kinds.real[kind], kinds.imag[kind]
    inside = (m > 0) & (m < FAR)
    counted = np.bincount(kind[inside], minlength=len(kinds))
    tabled = inside & (counted > MANY)[kind]
    intervals_of_pairs = np.empty((2, len(m)))
    intervals_of_pairs[:, ~tabled] = _computed(m[~tabled], ratio[~tabled], kappa[~tabled], alpha)
    for model in np.flatnonzero(counted > MANY):
        of_model = tabled & (kind == model)
        intervals_of_pairs[:, of_model] = _read(m[of_model], kinds[model], alpha)
    result[:, known] = intervals_of_pairs[:, of_pair]
    return result[0], np.where(unknown, np.nan, result[1])


@np.errstate(all="ignore")
def noncoverage(m: Array, kappa: Array, chi: Array) -> Array:
    """rho, the worst noncoverage of the interval -chi .. chi; kappa may be infinite."""
    return _missed(_worst(m, kappa, chi), chi)


@np.errstate(all="ignore")
def critical(m: Array, kappa: Array, alpha: float) -> Array:
    """The chi of the interval with worst noncoverage alpha, by Newton's steps within a bracket."""
    low = np.full(len(m), -special.ndtri(alpha / 2))
    # By Chebyshev's inequality no more than (1 + m) / chi^2 are missed.
    high = 1.001 * np.sqrt((1 + m) / alpha)
    chi = low.copy()
    rest = np.flatnonzero(m > 0)
    while len(rest):
        at = chi[rest]
        worst = _worst(m[rest], kappa[rest], at)
        rho = _missed(worst, at)
        low[rest], high[rest] = np.where(rho >= alpha, at, low[rest]), np.where(rho <= alpha, at, high[rest])
        # What is the worst at chi is so nearby too: the slope of rho is that at this distribution.
        step = rho * np.log(rho / alpha) / robust.mixed(worst.p, *(robust.noncoverage_by_chi(x, at) for x in worst.x))
        settled = (np.abs(step) <= SETTLED * at) | np.isnan(rho)  # what is no number stays none
        outside = ~settled & ~((at - step > low[rest]) & (at - step < high[rest]))
        chi[rest] = np.where(outside, (low[rest] + high[rest]) / 2, at - step)
        rest = rest[~settled & (high[rest] - low[rest] > SETTLED * at)]
    return chi


@dataclass(frozen=True)
class Worst:
    """The distribution of t with the worst noncoverage: two points, the upper with share p."""

    x: tuple[Array, Array]
    p: Array


def _missed(worst: Worst, chi: Array) -> Array:
    return np.asarray(robust.mixed(worst.p, *(robust.noncoverage(x, chi) for x in worst.x)))


def _worst(m: Array, kappa: Array, chi: Array) -> Worst:
    """The worst distribution: up to t0 the noncoverage grows with the spread of t, so it is as wide as kappa allows."""
    t0 = _touching(chi)
    x1, x2 = np.where(m < t0, 0.0, m), np.where(m < t0, t0, m)
    binds = np.flatnonzero((m < t0) & (kappa * m < t0))
    x1[binds], x2[binds] = _within_kappa(m[binds], kappa[binds], chi[binds], t0[binds])
    return Worst((x1, x2), robust.share(m, x1, x2))


def _computed(m: Array, ratio: Array, kappa: Array, alpha: float) -> Array:
    """Both results in two rows: the reach of the robust interval, and the worst noncoverage of the ordinary one."""
    far, quantile = m > FAR, -special.ndtri(alpha / 2)
    m = np.where(far, 0.0, m)
    reach = np.where(far, np.sqrt(robust.widest(kappa, alpha)), critical(m, kappa, alpha) / np.sqrt(1 + m))
    ordinary = np.where(m == 0, quantile, quantile * np.sqrt(1 + m * ratio))
    beyond = robust.exceeding(quantile * quantile * ratio, kappa)
    return np.stack([reach, np.where(far, beyond, noncoverage(m, kappa, ordinary))])


def _distinct(a: Array, b: Array) -> tuple[Array, Array]:
    """The distinct pairs as complex numbers, and the index of every pair among them."""
    pairs = np.empty(len(a), dtype=np.complex128)
    pairs.real, pairs.imag = a, b
    distinct, which = np.unique(pairs, return_inverse=True)
    return distinct, which


def _touching(chi: Array) -> Array:
    """t0: the point where the line from (0, r(0)) touches r."""
    t0 = np.zeros(len(chi))
    curved = np.flatnonzero(chi * chi > 3)  # else r is concave
    chi = chi[curved]
    root, converged = find_root(_tangent, chi * chi - 3, 2 * chi * chi, chi)
    t0[curved] = np.where(converged, root, 0.0)
    return t0


def _tangent(t: Array, chi: Array) -> Array:
    r, slope = robust.noncoverage, robust.noncoverage_slope
    return np.asarray(robust.tangent(t, r(0.0 * t, chi), r(t, chi), slope(t, chi)))


def _balance(x2: Array, m: Array, kappa: Array, chi: Array) -> Array:
    r, slope, x1 = robust.noncoverage, robust.noncoverage_slope, robust.lower_point(x2, m, kappa)
    balance = robust.balance(x1, x2, r(x1, chi), r(x2, chi), slope(x1, chi), slope(x2, chi))
    return np.where(balance == 0, -TINY, balance)  # where r is too small for a number, the root is beyond


def _within_kappa(m: Array, kappa: Array, chi: Array, t0: Array) -> tuple[Array, Array]:
    """The worst two points with moments m and kappa m^2, of which the upper lies below t0."""
    alike = (kappa - 1) * m == 0  # t is the same for all groups
    m_, kappa = np.where(alike, t0 / 4, m), np.where(alike, 2.0, kappa)
    root, converged = find_root(_balance, kappa * m_, t0, m_, kappa, chi, zero=0.0)
    x2 = np.where(converged, root, kappa * m_)
    return np.where(alike, m, robust.lower_point(x2, m_, kappa)), np.where(alike, m, x2)


# ---- tables -------------------------------------------------------------------------------------------------------


def _read(m: Array, kind: complex, alpha: float) -> Array:
    """Both results for many m of one model, by interpolation over log m."""
    return _interpolated(
        lambda x: _computed(np.exp(x), np.full(len(x), kind.real), np.full(len(x), kind.imag), alpha), np.log(m)
    )


def _interpolated(function: Callable[[Array], Array], x: Array) -> Array:
    """A function at many x by polynomials on pieces, which are halved until each agrees with the function at probes."""
    nodes = chebyshev.chebpts1(DEGREE + 1)
    fit = np.linalg.inv(chebyshev.chebvander(nodes, DEGREE))
    edges = np.linspace(x.min(), x.max(), int(np.ceil(np.ptp(x))) + 1)
    a, b = edges[:-1], edges[1:]
    pieces: list[tuple[Array, Array, Array]] = []
    while len(a):
        middle, half = (a + b) / 2, (b - a) / 2
        points = middle + half * np.concatenate([nodes, PROBES])[:, None]
        values = function(points.ravel()).reshape(2, *points.shape)
        polynomials = np.tensordot(fit, values[:, : len(nodes)], axes=(1, 1))
        probed = np.moveaxis(values[:, len(nodes) :], 1, -1)
        wrong = np.abs(chebyshev.chebval(PROBES, polynomials) / probed - 1) > ERROR
        good = ~wrong.any(axis=(0, 2)) | (half < NARROW)
        pieces.append((a[good], b[good], polynomials[:, :, good]))
        a, b = np.concatenate([a[~good], middle[~good]]), np.concatenate([middle[~good], b[~good]])
    start, end, polynomials = (np.concatenate(parts, axis=-1) for parts in zip(*pieces, strict=True))
    order = np.argsort(start)
    piece = order[np.maximum(np.searchsorted(start[order], x, side="right") - 1, 0)]
    within = (2 * x - start[piece] - end[piece]) / (end - start)[piece]
    return np.asarray(chebyshev.chebval(within, polynomials[:, :, piece], tensor=False))
