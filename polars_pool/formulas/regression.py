"""Regression with a varying intercept: one covariate, profiled over rho = tau2 / sigma2; shares of variance of any fit.

A group is known by its weight w (n without weights), the means of covariate and value, and the cross-products about
them. With h = w / (1 + w rho), as in `oneway`, and sums about means weighed by h: xx = SSx + sum(h dx^2), xy and yy
alike, slope = xy / xx, squares = yy - slope xy.
Source: Bates, Maechler, Bolker & Walker (2015), J. Stat. Softw. 67, section 3; Searle, Casella & McCulloch (1992).
"""

from .elementary import Column, log


def slope(xx: Column, xy: Column) -> Column:
    """The covariate's coefficient."""
    return xy / xx


def squares(xx: Column, xy: Column, yy: Column) -> Column:
    """What covariate and intercept leave of the value's squares."""
    return yy - xy * xy / xx


def ml_deviance(squares: Column, logs: Column, df: Column) -> Column:
    """-2 log L over sigma2 and the fixed terms, up to a constant, from sum(log(1 + w rho)); df = N."""
    return df * log(squares / df) + logs


def reml_deviance(squares: Column, logs: Column, df: Column, h: Column, xx: Column) -> Column:
    """-2 restricted log L, up to a constant, from sum(h) too: log |X' V^-1 X| = log(sum(h) xx); df = N - 2."""
    return df * log(squares / df) + logs + log(h) + log(xx)


def ml_deviance_slope(squares: Column, h2e2: Column, h: Column, df: Column) -> Column:
    """Derivative of ml_deviance by rho, from sum(h^2 e^2) of the residual means e, and sum(h)."""
    return h - df * h2e2 / squares


def reml_deviance_slope(
    squares: Column, h2e2: Column, h: Column, h2: Column, h2dx2: Column, xx: Column, df: Column
) -> Column:
    """Derivative of reml_deviance by rho, from sum(h^2) and sum(h^2 dx^2) too."""
    return h - df * h2e2 / squares - h2 / h - h2dx2 / xx


def r2_marginal(fixed: Column, varying: Column, sigma2: Column) -> Column:
    """Share of the fixed terms in the variance of a row (Nakagawa & Schielzeth 2013, Methods Ecol. Evol. 4)."""
    return fixed / (fixed + varying + sigma2)


def r2_conditional(fixed: Column, varying: Column, sigma2: Column) -> Column:
    """Share of the fixed and the varying terms (with slopes by Johnson 2014, Methods Ecol. Evol. 5)."""
    return (fixed + varying) / (fixed + varying + sigma2)
