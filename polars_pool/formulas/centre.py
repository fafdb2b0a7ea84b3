"""The population mean mu = sum(c mean) / sum(c): what each group counts in it, and the error that follows."""

from .elementary import Column, where
from .shrink import weight


def gls(v: Column, tau2: Column) -> Column:
    """Generalised least squares: a group counts by its precision, 1 / (v + tau2)."""
    return 1 / (v + tau2)


def rows(w: Column) -> Column:
    """Every row counts alike (by its precision weight where there is one)."""
    return w


def groups(w: Column) -> Column:
    """Every group counts alike."""
    return where(w == 0, 0.0, 1.0)


def shrunk(w: Column, v: Column, tau2: Column) -> Column:
    """Rows count by the weight of their group, n weight (Mount 2023, Win Vector: "Partial pooling")."""
    return w * weight(tau2, v)


def centre_error(c: Column, v: Column, tau2: Column) -> Column:
    """Term of a group in the variance of mu, sum(c^2 (v + tau2)) / sum(c)^2; 1 / sum(c) for gls."""
    return c * c * (v + tau2)
