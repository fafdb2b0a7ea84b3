"""Sufficient statistics of a group: count, mean and variance, of rows, of weighted rows, of other moments."""

from .elementary import Column, sqrt, where

EPSILON = 2.0**-52


def weighted_mean(w: Column, y: Column) -> Column:
    """Mean of a group's rows, each of precision weight w."""
    return (w * y).sum() / w.sum()


def weighted_squares(n: Column, w: Column, wy: Column, wy2: Column) -> Column:
    """Sum of squares of weighted rows about their mean from n, sum(w), sum(w y) and sum(w y^2) about a pivot.

    What is left within the rounding of its terms is 0.
    """
    return where(wy2 - wy * wy / w > 4 * EPSILON * sqrt(n) * wy2, wy2 - wy * wy / w, 0.0)


def squares(n: Column, var: Column) -> Column:
    """Sum of squares of a group about its own mean; a single row has none, whatever its var."""
    return where(n > 1, (n - 1) * var, 0.0)


def squares_between(states: Column, wm: Column, w: Column, cov_wm: Column, cov_w: Column) -> Column:
    """Sum of w (m - mean)^2 over several states of one group, from sum(w m), sum(w), cov(w m, m) and cov(w, m).

    Chan, Golub & LeVeque (1983) for any number of states at once; zero exactly where all m are equal.
    """
    return where(states > 1, (states - 1) * (cov_wm - wm * cov_w / w), 0.0)


def variance(n: Column, squares: Column) -> Column:
    """Sample variance from the sum of squares about the mean: missing for a single row."""
    return where(n > 1, squares / (n - 1), None)
