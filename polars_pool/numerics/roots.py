"""Roots of many functions of one number at once, each in a bracket: between two ends where its signs differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arrays import Array

TINY, EPSILON = float(np.finfo(float).tiny), float(np.finfo(float).eps)
STEPS = 2046  # bisections from the largest Float64 to the smallest
FEW_STEPS = 12


def find_root(
    function: Callable[..., Array],
    low: Array,
    high: Array,
    *more: Array,
    zero: float = TINY,
    known: tuple[Array, Array] | None = None,
) -> tuple[Array, Array]:
    """The root of each function, to the last bits, and whether the search converged; NaN without a bracket.

    `more` are further arguments of the function, each with one value per root. `known` are three points, of which low
    and high are the first two, and the values there. A point where the function is at most `zero` is a root. Source:
    Chandrupatla (1997), "A new hybrid quadratic/bisection algorithm for finding the zero of a nonlinear function
    without using derivatives", Advances in Engineering Software 28.
    """
    root, converged = np.full(len(low), np.nan), np.zeros(len(low), dtype=bool)
    todo = np.arange(len(low))
    # Three points and their values: the newest, the other end of the bracket, and the one before.
    if known is None:
        known = np.stack([low, high, high]), np.stack([function(low, *more), function(high, *more)])[[0, 1, 1]]
    x, f = (points.astype(float) for points in known)
    for _ in range(STEPS):
        best, least, settled, going = _state(x, f, zero)
        root[todo[settled]], converged[todo[settled]] = best[settled], True
        if not going.all():
            todo, least, x, f = todo[going], least[going], x[:, going], f[:, going]
            more = tuple(argument[going] for argument in more)
        if not todo.size:
            break
        new = x[0] + _place(x, f, least) * (x[1] - x[0])
        value = function(new, *more)
        same = np.sign(value) == np.sign(f[0])
        x = np.stack([new, np.where(same, x[1], x[0]), np.where(same, x[0], x[1])])
        f = np.stack([value, np.where(same, f[1], f[0]), np.where(same, f[0], f[1])])
    root[todo] = x[0]
    return root, converged


@np.errstate(all="ignore")
def straight_root(function: Callable[..., Array], x: Array, f: Array, *more: Array) -> Array:
    """The root above x[1] of each rising function that is nearly a straight line; NaN where few steps do not settle it.

    By inverse quadratic interpolation, first by the line through two points x with the values f; `more` as above. The
    last point is not evaluated: its relative error is less than the product of its distances from the last three.
    """
    root, todo = np.full(x.shape[1], np.nan), np.arange(x.shape[1])
    below, floor, last, f_before, f_last = x[0], x[1], x[1], f[0], f[1]
    chord, curve = (x[1] - x[0]) / (f_last - f_before), 0.0
    points, going = [np.full(len(todo), np.inf)] * 2, np.ones(len(todo), dtype=bool)
    for count in range(FEW_STEPS):
        new = last - f_last * (chord - f_before * curve)
        inside = (new > floor) & (new < np.inf)
        if not inside.all():
            new = np.where(inside, new, np.where(f_last < 0, 3 * last - 2 * below, (floor + last) / 2))
        square = new * new
        error = np.minimum(np.abs((new - points[0]) * (new - points[1])), square) * np.abs(new - last)
        settled = going & inside & (error <= EPSILON * (square * new))
        root[todo[settled]] = new[settled]
        going &= ~settled
        rest = np.count_nonzero(going)
        if not rest:
            break
        if 2 * rest < len(going):
            columns = (todo, below, floor, new, last, f_before, f_last, chord, *points)
            todo, below, floor, new, last, f_before, f_last, chord, *points = (column[going] for column in columns)
            more, going = tuple(argument[going] for argument in more), np.ones(rest, dtype=bool)
        f_new = function(new, *more)
        chord_before, chord = chord, (new - last) / (f_new - f_last)
        if count:
            curve = (chord - chord_before) / (f_new - f_before)
        points = [points[1], last]
        last, f_before, f_last = new, f_last, f_new
    return root


@np.errstate(all="ignore")
def _state(x: Array, f: Array, zero: float) -> tuple[Array, Array, Array, Array]:
    """The better end of each bracket, the least step within it, whether this end is the root, and whether to go on."""
    (x1, x2, _), (f1, f2, _) = x, f
    better = np.abs(f1) < np.abs(f2)
    best, width = np.where(better, x1, x2), np.abs(x2 - x1)
    tolerance = 4 * EPSILON * np.abs(best) + 4 * TINY
    known = np.isfinite(x1) & np.isfinite(x2) & ~(np.isnan(f1) & np.isnan(f2))
    brackets = known & (np.sign(f1) != np.sign(f2))
    settled = (np.abs(np.where(better, f1, f2)) <= zero) | (brackets & (width < tolerance))
    return best, 0.5 * tolerance / width, settled, brackets & ~settled


@np.errstate(all="ignore")
def _place(x: Array, f: Array, least: Array) -> Array:
    """The next point as a share of the bracket: by an inverse parabola where it is safe, else the midpoint."""
    (x1, x2, x3), (f1, f2, f3) = x, f
    xi, phi = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
    safe = (1 - np.sqrt(1 - xi) < phi) & (phi < np.sqrt(xi))
    share = f1 / (f1 - f2) * f3 / (f3 - f2) - (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f2 - f3)
    return np.clip(np.where(safe, share, 0.5), least, 1 - least)
