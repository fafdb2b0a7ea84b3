"""Sufficient statistics of a group: count, mean and variance, of rows, of weighted rows, of other moments."""

from .elementary import Column, sqrt, where

EPSILON = 2.0**-52


def weighted_mean(w: Column, y: Column) -> Column:
    """Mean of a group's rows, each of precision weight w."""
    return (w * y).sum() / w.sum()


def weighted_variance(n: Column, w: Column, wy: Column, wy2: Column) -> Column:
    """Variance of weighted rows, sum(w (y - mean)^2) / (n - 1), from n, sum(w), sum(w y), sum(w y^2) about a pivot.

    A difference within the rounding of its terms is zero.
    """
    squares = wy2 - wy * wy / w
    rounding = 4 * EPSILON * sqrt(n) * wy2
    return where(n > 1, where(squares > rounding, squares, 0.0) / (n - 1), None)


def squares(n: Column, var: Column) -> Column:
    """Sum of squares of a group about its own mean; a single row has none, whatever its var."""
    return where(n > 1, (n - 1) * var, 0.0)


def squares_between(states: Column, wm: Column, w: Column, cov_wm: Column, cov_w: Column) -> Column:
    """Sum of w (m - mean)^2 over several states of one group, from sum(w m), sum(w), cov(w m, m) and cov(w, m).

    Chan, Golub & LeVeque (1983) for any number of states at once; zero exactly where all m are equal.
    """
    return where(states > 1, (states - 1) * (cov_wm - wm * cov_w / w), 0.0)


def merged_variance(n: Column, within: Column, between: Column) -> Column:
    """Variance of merged states from their sums of squares within and between (Chan, Golub & LeVeque 1983)."""
    return where(n > 1, (within + between) / (n - 1), None)
