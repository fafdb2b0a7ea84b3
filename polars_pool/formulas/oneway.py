"""One-way random effects on rows: sigma2 and tau2 jointly, profiled over rho = tau2 / sigma2 (lme4: `y ~ 1 + (1 | g)`).

With h = n / (1 + n rho): R = sum(h (mean - mu)^2), residual = (SSW + R) / df, df = N - 1 (REML) or N (ML).
Source: Searle, Casella & McCulloch (1992), Variance Components, section 3.8; n becomes sum(w) with precision weights.
"""

from .elementary import Column, log


def information(n: Column, rho: Column) -> Column:
    """Information of a group about mu in units of 1 / sigma2, h = n / (1 + n rho)."""
    return n / (1 + n * rho)


def log_inflation(n: Column, rho: Column) -> Column:
    """Term of one group in log |V|: log(1 + n rho)."""
    return log(1 + n * rho)


def ml_profile(squares: Column, hd2: Column, logs: Column, df: Column) -> Column:
    """-2 log L over sigma2 and mu, up to a constant, from SSW, sum(h d^2) and sum(log(1 + n rho))."""
    return df * log((squares + hd2) / df) + logs


def reml_profile(squares: Column, hd2: Column, logs: Column, df: Column, h: Column) -> Column:
    """-2 restricted log L over sigma2 and mu, up to a constant: log sum(h) accounts for the fitted mu."""
    return df * log((squares + hd2) / df) + logs + log(h)


def ml_profile_slope(squares: Column, hd2: Column, h2d2: Column, h: Column, df: Column) -> Column:
    """Derivative of the ML profile by rho."""
    return h - df * h2d2 / (squares + hd2)


def reml_profile_slope(squares: Column, hd2: Column, h2d2: Column, h: Column, h2: Column, df: Column) -> Column:
    """Derivative of the REML profile by rho."""
    return h - h2 / h - df * h2d2 / (squares + hd2)


def residual_variance(squares: Column, hd2: Column, df: Column) -> Column:
    """sigma2 at one rho; at the boundary rho = 0 an estimate from all rows."""
    return (squares + hd2) / df
