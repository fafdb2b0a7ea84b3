"""The population mean mu = sum(c mean) / sum(c): the weight c of each group, and the error of mu."""

from .elementary import Column, where
from .shrink import weight


def gls(v: Column, tau2: Column) -> Column:
    """Weight by generalised least squares: the precision of a group, 1 / (v + tau2)."""
    return 1 / (v + tau2)


def rows(w: Column) -> Column:
    """Weight where all rows are equal: the number of rows, or the sum of their precision weights."""
    return w


def groups(w: Column) -> Column:
    """Weight where all groups are equal: 1, or 0 without rows."""
    return where(w == 0, 0.0, 1.0)


def shrunk(w: Column, v: Column, tau2: Column) -> Column:
    """Rows times the weight of their group, n weight (Mount 2023, Win Vector: "Partial pooling")."""
    return w * weight(tau2, v)


def centre_error(c: Column, v: Column, tau2: Column) -> Column:
    """Term of a group in the variance of mu, sum(c^2 (v + tau2)) / sum(c)^2; 1 / sum(c) for gls."""
    return c * c * (v + tau2)
