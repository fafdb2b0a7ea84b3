"""The variance of tau2 by each estimator where v is known; on rows by the joint information of sigma2 and tau2.

Source: Viechtbauer (2005) and metafor; generalised moments by DerSimonian & Kacker (2007).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import between, inference
from .elementary import Column

Groups = Any
Error = Callable[[Groups, Column], Column]

ERRORS: dict[str, Error] = {}  # by the name of the estimator; those that are not here have no known error


def _of(*names: str) -> Callable[[Error], Error]:
    def register(error: Error) -> Error:
        ERRORS.update(dict.fromkeys(names, error))
        return error

    return register


def _squares(g: Groups, a: Column, s: Column) -> Column:
    """Variance of sum(a (mean - centre)^2), s being the variance of a mean."""
    if g.mu is not None:
        return 2 * g.sum(a * a * s * s)
    diagonal, rest = a * s * g.others(a), a * a * s
    return inference.variance_of_squares(g.sum(diagonal * diagonal), g.sum(rest * g.others(rest)), g.sum(a))


def _slope(g: Groups, a: Column) -> Column:
    """Derivative of the expectation of those squares by tau2."""
    return g.sum(a) if g.mu is not None else inference.trace(g.pairs(a), g.sum(a))


def _moments(g: Groups, tau2: Column, a: Column) -> Column:
    slope = _slope(g, a)
    return _squares(g, a, g.v + g.each(tau2)) / (slope * slope)


@_of("he")
def hedges(g: Groups, tau2: Column) -> Column:
    """Equal weights."""
    return _moments(g, tau2, g.ones)


@_of("dl")
def dersimonian_laird(g: Groups, tau2: Column) -> Column:
    """Weights 1 / v."""
    return _moments(g, tau2, 1 / g.v)


@_of("anova")
def anova(g: Groups, tau2: Column) -> Column:
    """Weights n."""
    return _moments(g, tau2, g.w)


@_of("hs")
def hunter_schmidt(g: Groups, tau2: Column) -> Column:
    """The squares of dl over sum(1 / v)."""
    a = 1 / g.v
    return _squares(g, a, g.v + g.each(tau2)) / (g.sum(a) * g.sum(a))


@_of("hsk")
def hunter_schmidt_corrected(g: Groups, tau2: Column) -> Column:
    """The variance of hs times J^2 / (J - 1)^2."""
    factor = g.groups / (g.groups - g.fitted)
    return hunter_schmidt(g, tau2) * factor * factor


@_of("sj")
def sidik_jonkman(g: Groups, tau2: Column) -> Column:
    """Weights 1 / (v + crude tau2), where the crude tau2 counts as known."""
    crude = g.sum(g.squares_about(g.plain_mean)) / g.groups
    slope = (g.groups - g.fitted) / crude
    return _squares(g, between.precision(g.v, g.each(crude)), g.v + g.each(tau2)) / (slope * slope)


@_of("pm", "eb", "pmm")
def matched_q(g: Groups, tau2: Column) -> Column:
    """The roots of Q: metafor's 2 J^2 / ((J - 1) s1^2)."""
    s1 = g.sum(between.precision(g.v, g.each(tau2)))
    return inference.variance_of_root(g.groups, g.groups - g.fitted, s1)


@_of("ml")
def maximum_likelihood(g: Groups, tau2: Column) -> Column:
    """Fisher information, 2 / s2."""
    w = between.precision(g.v, g.each(tau2))
    return 2 / g.sum(w * w)


@_of("reml")
def restricted_maximum_likelihood(g: Groups, tau2: Column) -> Column:
    """Restricted information, 2 / tr PP."""
    if g.mu is not None:
        return maximum_likelihood(g, tau2)
    # tr PP is half the variance of sum(w d^2) were every mean of variance 1.
    return 4 / _squares(g, between.precision(g.v, g.each(tau2)), g.ones)


def joint_information(
    g: Groups, sigma2: Column, tau2: Column, restricted: bool
) -> tuple[Column, Column, Column, Column]:
    """Information about (tau2, sigma2) between groups, tt, ts, ss, and about sigma2 within them; g.v = sigma2 / n."""
    w = between.precision(g.v, g.each(tau2))
    if restricted and g.mu is None:
        total = g.sum(w)
        own, squares = w * g.others(w), w * w

        def information(p: Column, q: Column) -> Column:
            return (g.sum(own * own * p * q) + g.sum(squares * p * g.others(squares * q))) / (total * total)
    else:

        def information(p: Column, q: Column) -> Column:
            return g.sum(w * w * p * q)

    one, n = g.ones, g.w
    within = (g.rows - g.groups) / (sigma2 * sigma2)
    return information(one, one), information(one, 1 / n), information(1 / n, 1 / n), within


def joint(g: Groups, sigma2: Column, tau2: Column, restricted: bool) -> Column:
    """Variance of tau2 estimated together with sigma2 on rows, from the (restricted) information."""
    return inference.variance_by_information(*joint_information(g, sigma2, tau2, restricted))
