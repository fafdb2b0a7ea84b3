"""Exact leave-one-out error of the partially pooled mean, from moments alone, as a function of rho = tau2 / sigma2.

A held-out row of group j is predicted by the estimate refitted without it. The fit is linear in the rows, so the error
is the residual over 1 - H_j (Allen 1974, PRESS): no refit. `keep` = 1 / (1 + n rho) is the pooling, h = n keep,
s = sum(h).
"""

from .elementary import Column


def pooling_at(n: Column, rho: Column) -> Column:
    """Pooling at rho = tau2 / sigma2, the share of the population: keep = 1 / (1 + n rho)."""
    return 1 / (1 + n * rho)


def leverage(n: Column, keep: Column, s: Column) -> Column:
    """1 - H of a row: the share of the fit that comes from other rows, where mu is fitted too."""
    return (n - 1 + keep) / n - keep * keep / s


def leverage_slope(n: Column, keep: Column, s: Column, s2: Column) -> Column:
    """Derivative of 1 - H by rho; s2 = sum(h^2)."""
    return keep * keep * (2 * n * keep / s - 1 - s2 / (s * s))


def squared_residuals(n: Column, keep: Column, squares: Column, d2: Column) -> Column:
    """Sum of squared residuals of a group's rows: those within it, and those of its mean about its estimate."""
    return squares + n * keep * keep * d2


def squared_residuals_slope(n: Column, keep: Column, d: Column, d2: Column, mu_slope: Column) -> Column:
    """Derivative of the squared residuals by rho, d = mean - mu, mu_slope = -sum(h^2 d) / s."""
    return -2 * n * keep * keep * (n * keep * d2 + d * mu_slope)


def leave_one_out(residuals: Column, leverage: Column) -> Column:
    """Squared leave-one-out error of a group's rows."""
    return residuals / (leverage * leverage)


def leave_one_out_slope(residuals: Column, leverage: Column, residuals_slope: Column, leverage_slope: Column) -> Column:
    """Derivative of the squared leave-one-out error by rho."""
    return (residuals_slope - 2 * residuals * leverage_slope / leverage) / (leverage * leverage)
