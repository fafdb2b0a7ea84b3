"""Variance within groups, and the sampling variance of a group's mean that follows from it."""

from .elementary import INFINITY, Column, where


def pooled_variance(squares: Column, n: Column, groups: Column) -> Column:
    """Pooled variance within groups, SSW / (N - J): the mean square within."""
    return where(n > groups, squares / (n - groups), None)


def sampling_variance(sigma2: Column, w: Column) -> Column:
    """Sampling variance of a group's mean, sigma2 / n (sigma2 / sum(w) for weighted rows); infinite without rows."""
    return where(w == 0, INFINITY, sigma2 / w)


def separate_variance(n: Column, var: Column, sigma2: Column) -> Column:
    """A group's own variance; the pooled one stands in where a single row has none."""
    return where(n > 1, var, sigma2)
