"""The likelihood along tau2, all else at its best: what intervals, tests and the curves of `profile` are read from.

A `Likelihood` is one of four curves (full or restricted, v known or rows). Its argument x is tau2 where v is known,
and rho = tau2 / sigma2 on rows, where sigma2 follows x. `g` holds the groups of many models (engines/numpy.py).
Source: Hardy & Thompson (1996), "A likelihood approach to meta-analysis"; Bates & Watts (1988) on profiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import between, inference, oneway
from .bounds import NEGLIGIBLE
from .elementary import INFINITY, Column, log, where

Groups = Any


@dataclass(frozen=True)
class Likelihood:
    """sigma2 and -2 log L without its constant at x; how many numbers it is the likelihood of."""

    sigma2: Callable[[Groups, Column], Column]
    deviance: Callable[[Groups, Column], Column]
    numbers: Callable[[Groups], Column]

    def tau2(self, g: Groups, x: Column) -> Column:
        return x * self.sigma2(g, x)


# ---- v known --------------------------------------------------------------------------------------------------------


def given_deviance(g: Groups, tau2: Column, mu: Column | None = None) -> Column:
    """-2 log L at tau2 and mu, by default the best."""
    w = between.precision(g.v, g.each(tau2))
    wd2 = g.sum(w * g.squares_about(g.centre(w) if mu is None else mu))
    return between.ml_deviance(g.sum(between.log_variance(g.v, g.each(tau2))), wd2)


def given_restricted_deviance(g: Groups, tau2: Column, mu: Column | None = None) -> Column:
    """-2 restricted log L; as metafor's it counts log J, which those of one model share."""
    if g.mu is not None:
        return given_deviance(g, tau2, mu)
    return given_deviance(g, tau2, mu) + log(g.sum(between.precision(g.v, g.each(tau2)))) - log(g.groups)


def restricted(numbers: Callable[[Groups], Column]) -> Callable[[Groups], Column]:
    """The fitted mu counts as one of the numbers."""
    return lambda g: numbers(g) - g.fitted


def _groups(g: Groups) -> Column:
    return g.groups


def _one(g: Groups, x: Column) -> Column:
    return 1.0


GIVEN = Likelihood(_one, given_deviance, _groups)
GIVEN_RESTRICTED = Likelihood(_one, given_restricted_deviance, restricted(_groups))


# ---- rows: sigma2 follows -------------------------------------------------------------------------------------------


def rows_deviance(g: Groups, rho: Column, sigma2: Column, mu: Column | None = None) -> Column:
    """-2 log L of the rows at sigma2, rho and mu, by default the best. With precision weights less a constant."""
    h = oneway.information(g.w, g.each(rho))
    hd2 = g.sum(h * g.squares_about(g.centre(h) if mu is None else mu))
    logs = g.sum(oneway.log_inflation(g.w, g.each(rho)))
    return inference.rows_deviance(g.squares_within, hd2, logs, sigma2, g.rows)


def rows_restricted_deviance(g: Groups, rho: Column, sigma2: Column, mu: Column | None = None) -> Column:
    """-2 restricted log L of the rows."""
    if g.mu is not None:
        return rows_deviance(g, rho, sigma2, mu)
    h = g.sum(oneway.information(g.w, g.each(rho)))
    return rows_deviance(g, rho, sigma2, mu) + log(h) - log(sigma2)


def _following(g: Groups, rho: Column) -> tuple[Column, Column, Column, Column]:
    """h, and the sums h^2 d^2 / n, h / n, N - J: what sigma2 follows from."""
    h = oneway.information(g.w, g.each(rho))
    share = h / g.w
    return h, g.sum(h * share * g.squares_about(g.centre(h))), g.sum(share), g.rows - g.groups


def rows_sigma2(g: Groups, rho: Column) -> Column:
    """The most likely sigma2 at tau2 = rho sigma2."""
    _, h2d2, shares, within = _following(g, rho)
    return inference.ml_variance_at(g.squares_within, h2d2, shares, within)


def rows_restricted_sigma2(g: Groups, rho: Column) -> Column:
    """The same by the restricted likelihood."""
    if g.mu is not None:
        return rows_sigma2(g, rho)
    h, h2d2, shares, within = _following(g, rho)
    return inference.reml_variance_at(g.squares_within, h2d2, shares, within, g.sum(h * h / g.w), g.sum(h))


def _rows(g: Groups) -> Column:
    return g.rows


ROWS = Likelihood(rows_sigma2, lambda g, rho: rows_deviance(g, rho, rows_sigma2(g, rho)), _rows)
ROWS_RESTRICTED = Likelihood(
    rows_restricted_sigma2,
    lambda g, rho: rows_restricted_deviance(g, rho, rows_restricted_sigma2(g, rho)),
    restricted(_rows),
)


# ---- limits ---------------------------------------------------------------------------------------------------------

STRIDE, STRIDES = 4.0, 200


def limits(g: Groups, likelihood: Likelihood, x: Column, drop: Column, least: Column) -> tuple[Column, Column]:
    """Where -2 log L has risen by `drop` on either side of its minimum x; 0 where it never does below.

    `least` is a first step up where x = 0.
    """

    def above(g: Groups, at: Column, target: Column) -> Column:
        return likelihood.deviance(g, at) - target

    target = likelihood.deviance(g, x) + drop
    step = where(x > 0, x, least)
    floor = where(g.exact > 0, NEGLIGIBLE * step, 0.0 * step)
    falls = above(g, floor, target) > 0
    lower, _ = g.root(lambda g, at, target: -above(g, at, target), where(falls & (x > 0), floor, -1.0), x, target)
    high = STRIDE * step
    for _ in range(STRIDES):
        short = above(g, high, target) < 0
        if not short.any():
            break
        high = where(short, STRIDE * high, high)
    upper, _ = g.root(above, where(x > 0, x, floor), high, target)
    return where(falls & (x > 0), lower, 0.0 * target), upper  # unknown where the likelihood has no minimum at x


def at_tau2(g: Groups, likelihood: Likelihood, tau2: Column, start: Column) -> Column:
    """The argument x of the curve where it has this tau2; `start` is of the size of sigma2."""
    if likelihood in (GIVEN, GIVEN_RESTRICTED):
        return tau2

    def short(g: Groups, rho: Column, tau2: Column) -> Column:
        return likelihood.tau2(g, rho) - tau2

    high = where(tau2 > 0, STRIDE * tau2 / start, 1.0)
    for _ in range(STRIDES):
        below = short(g, high, tau2) < 0
        if not below.any():
            break
        high = where(below, STRIDE * high, high)
    rho, _ = g.root(short, 0.0 * high, high, tau2)
    return where(tau2 > 0, rho, 0.0 * high)


def q_statistic(g: Groups, tau2: Column) -> Column:
    """Generalised Q: squares of the means about mu, each over its variance v + tau2 (Cochran 1954 at tau2 = 0).

    Groups of v = 0 at tau2 = 0 outweigh the others: Q is infinite where they differ.
    """
    exact = (g.v == 0) & (g.each(tau2) == 0)
    w = where(exact, 0.0, between.precision(g.v, g.each(tau2)))
    count = g.sum(where(exact, 1.0, 0.0))
    if not (count > 0).any():
        return g.sum(w * g.squares_about(g.centre(w)))
    mu = g.centre(where(g.each(count) == 0, w, where(exact, 1.0, 0.0)))
    d2 = g.squares_about(mu)
    apart = g.sum(where(exact, d2, 0.0)) > 0
    return where(apart, INFINITY, g.sum(w * d2))
