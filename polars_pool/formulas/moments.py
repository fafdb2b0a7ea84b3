"""Sufficient statistics of a group: count, mean and variance, of rows, of weighted rows, of other moments."""

from .elementary import Column, where

EPSILON = 2.0**-52


def weighted_mean(w: Column, y: Column) -> Column:
    """Mean of a group's rows, each of precision weight w."""
    return (w * y).sum() / w.sum()


def squares(n: Column, var: Column) -> Column:
    """Sum of squares of a group about its own mean; 0 for a single row, whose var is ignored."""
    return where(n > 1, (n - 1) * var, 0.0)


def above_rounding(n: Column, squares: Column, mean: Column) -> Column:
    """Sum of squares; 0 within four units in the last place of the mean, as the mean of equal rows may be rounded."""
    return where(squares > n * (4 * EPSILON * mean) * (4 * EPSILON * mean), squares, 0.0)


def squares_between(states: Column, wm: Column, w: Column, cov_wm: Column, cov_w: Column) -> Column:
    """Sum of w (m - mean)^2 over the rows or states of a group, from sum(w m), sum(w), cov(w m, m) and cov(w, m).

    Chan, Golub & LeVeque (1983) for any number of states at once. Covariances centre before they square: no digits are
    lost to an offset that sum(w m^2) would lose, and equal m give exactly 0.
    """
    return where(states > 1, (states - 1) * (cov_wm - wm * cov_w / w), 0.0)


def variance(n: Column, squares: Column) -> Column:
    """Sample variance from the sum of squares about the mean: missing for a single row."""
    return where(n > 1, squares / (n - 1), None)
